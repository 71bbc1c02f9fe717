"""The types that the rest of the system uses for 知识星球. Ids are decimal strings: topic ids exceed 2^53."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Scope = Literal["ongoing", "over", "closed"]
"""进行中, 已结束 (ran out), 已关闭 (closed by an administrator)."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of a token test. ``expires_in_seconds`` is None if the server doesn't say."""

    user_name: str
    group_name: str
    latency_ms: int
    expires_in_seconds: int | None


@dataclass(frozen=True, slots=True)
class Project:
    """A check-in project (打卡项目). ``status`` is the server's value; ``expires_at`` is None for a long-period one."""

    checkin_id: str
    title: str
    text: str
    status: str
    type: str
    checkin_days: int | None
    long_period: bool
    expires_at: dt.datetime | None
    created_at: dt.datetime | None
    joined_count: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers of people who joined a project, and of people with at least one check-in."""

    joined_count: int
    checkined_count: int


@dataclass(frozen=True, slots=True)
class RankingRow:
    """One person in the ranking. ``days`` counts check-in days of the whole project, not only of the camp's dates."""

    user_id: str
    name: str
    alias: str | None
    days: int
    rank: int | None


@dataclass(frozen=True, slots=True)
class RankingPage:
    """People not on earlier pages, and the number of unreadable rows on this page."""

    rows: list[RankingRow]
    malformed: int


@dataclass(frozen=True, slots=True)
class Post:
    """A check-in post. ``created_at`` is timezone-aware; ``excerpt`` is plain text of at most 200 characters."""

    topic_id: str
    user_id: str
    name: str
    alias: str | None
    created_at: dt.datetime
    excerpt: str


@dataclass(frozen=True, slots=True)
class PostPage:
    """Posts not on earlier pages, and the number of unreadable rows in ``malformed``."""

    posts: list[Post]
    malformed: int


@dataclass(frozen=True, slots=True)
class PlanetMember:
    """A member of the planet. ``number`` (星球编号) exists only if the planet enabled it.

    ``status`` is the server's value (``joined``), empty if the answer had none.
    """

    user_id: str
    name: str
    alias: str | None
    number: str | None
    status: str
