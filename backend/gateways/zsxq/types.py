"""What the rest of the system sees of 知识星球. Ids are decimal strings: topic ids pass 2^53."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Scope = Literal["ongoing", "over", "closed"]
"""进行中, 已结束 (ran out), 已关闭 (closed by an administrator)."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a token is good for. ``expires_in_seconds`` is None where the server doesn't say."""

    user_name: str
    group_name: str
    latency_ms: int
    expires_in_seconds: int | None


@dataclass(frozen=True, slots=True)
class Project:
    """A check-in project (打卡项目). ``status`` is their word; ``expires_at`` is None for a long-period one."""

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
    """People who joined a project, and people with at least one check-in."""

    joined_count: int
    checkined_count: int


@dataclass(frozen=True, slots=True)
class RankingRow:
    """One person of the ranking. ``days`` counts check-in days of the whole project, not of the camp."""

    user_id: str
    name: str
    alias: str | None
    days: int
    rank: int | None


@dataclass(frozen=True, slots=True)
class RankingPage:
    """People not seen on earlier pages, and how many rows of this page couldn't be read."""

    rows: list[RankingRow]
    malformed: int


@dataclass(frozen=True, slots=True)
class Post:
    """A check-in post. ``created_at`` is aware; ``excerpt`` is plain text of at most 200 characters."""

    topic_id: str
    user_id: str
    name: str
    alias: str | None
    created_at: dt.datetime
    excerpt: str


@dataclass(frozen=True, slots=True)
class PostPage:
    """Posts not seen on earlier pages. ``malformed`` counts what is there but couldn't be read."""

    posts: list[Post]
    malformed: int


@dataclass(frozen=True, slots=True)
class PlanetMember:
    """A member of the planet. ``number`` (星球编号) exists only where the planet switched it on.

    ``status`` is their word (``joined``), empty where the answer had none.
    """

    user_id: str
    name: str
    alias: str | None
    number: str | None
    status: str
