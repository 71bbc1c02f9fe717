"""Check-in rules: whether a reading is complete, which days count, and a member's calendar. Pure functions."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from backend.core import clock
from backend.gateways.zsxq import Post
from backend.models.checkins import SyncStatus
from backend.models.grants import GrantKind
from backend.models.members import MatchStatus, Member

# Bucket size of the distribution: 0-5, 6-10, 11-15 and so on, as in the product's reports.
_BUCKET = 5


def judge(
    *, people: int, expected: int | None, ranking_ended: bool, posts_wanted: bool, posts_ended: bool
) -> SyncStatus:
    """Whether a reading is complete. Only a complete one may change counts (design §10, Sync).

    ``people`` is the number read from the ranking. ``expected`` is its minimum (``checkined_count``), None if that
    couldn't be read.
    """
    enough = expected is not None and people >= expected
    if ranking_ended and enough and (posts_ended or not posts_wanted):
        return SyncStatus.COMPLETE
    return SyncStatus.PARTIAL if people else SyncStatus.FAILED


def days_of(posts: Iterable[Post], *, starts_on: dt.date, ends_on: dt.date) -> dict[tuple[str, dt.date], Post]:
    """(Planet user id, day) → first post of that day, so that several posts on a day count once.

    Days are Shanghai calendar days within the camp's dates, both inclusive.
    """
    first: dict[tuple[str, dt.date], Post] = {}
    for post in sorted(posts, key=lambda post: (post.created_at, post.topic_id)):
        day = clock.day_of(post.created_at)
        if starts_on <= day <= ends_on:
            first.setdefault((post.user_id, day), post)
    return first


class DayState(StrEnum):
    """``future`` is a day still to come, or one that no complete sync has counted yet.

    ``rest`` is a day that isn't asked for. The kinds of grants stand for days that were granted.
    """

    CHECKED = "checked"
    MISSED = "missed"
    LEAVE = "leave"
    MAKEUP = "makeup"
    APPEAL = "appeal"
    AMNESTY = "amnesty"
    COACH = "coach"
    REST = "rest"
    TODAY = "today"
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class CalendarDay:
    day: dt.date
    state: DayState


def calendar(
    *,
    starts_on: dt.date,
    ends_on: dt.date,
    checked: Collection[dt.date],
    today: dt.date,
    counted_at: dt.datetime | None,
    asked: Collection[dt.date] | None = None,
    granted: Mapping[dt.date, GrantKind] | None = None,
) -> list[CalendarDay]:
    """State of every camp day. A day is missed only if a complete sync after its end didn't see it.

    ``asked`` are the days that count; None means all. ``counted_at`` is when the member's days were counted; None means
    that they are unknown.
    """
    # The day of the sync itself may still get posts, so only earlier days are known completely.
    known_before = clock.day_of(counted_at) if counted_at is not None else starts_on
    days = []
    for number in range((ends_on - starts_on).days + 1):
        day = starts_on + dt.timedelta(days=number)
        if day in checked:
            state = DayState.CHECKED
        elif granted and day in granted:
            state = DayState(granted[day].value)
        elif asked is not None and day not in asked:
            state = DayState.REST
        elif day == today:
            state = DayState.TODAY
        else:
            state = DayState.MISSED if day < min(today, known_before) else DayState.FUTURE
        days.append(CalendarDay(day, state))
    return days


def has_known_days(member: Member) -> bool:
    """Whether single days may be shown: the member is matched, and posts or a sheet were counted for them.

    If the last sync counted without posts, days stored by an older sync are outdated.
    """
    is_told = member.days_posts is not None or member.days_import is not None
    return is_told and member.status is MatchStatus.MATCHED and member.planet_user_id is not None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Number of members with ``from_days`` to ``to_days`` days, both inclusive."""

    from_days: int
    to_days: int
    count: int


def distribution(members: Mapping[int, int], *, total_days: int) -> list[Bucket]:
    """Members per bucket of days: 0-5, 6-10, … up to the camp's length. The last bucket includes any higher counts.

    ``members`` maps a number of days to the number of members.
    """
    edges = [(0, min(_BUCKET, total_days))]
    while edges[-1][1] < total_days:
        begin = edges[-1][1] + 1
        edges.append((begin, min(begin + _BUCKET - 1, total_days)))
    counts = [0] * len(edges)
    for days, number in members.items():
        counts[bisect_left([end for _, end in edges], min(days, total_days))] += number
    return [Bucket(begin, end, count) for (begin, end), count in zip(edges, counts, strict=True)]


def average_rate(earned: Collection[tuple[int, int | None]]) -> float | None:
    """Mean of days ÷ required days over (days, required days), each capped at 1; None without members.

    A member whose required days are 0 or unknown counts as 0, as in the statistics view.
    """
    if not earned:
        return None
    return sum(min(days / required, 1.0) if required else 0.0 for days, required in earned) / len(earned)


def days_until(*, starts_on: dt.date, ends_on: dt.date, today: dt.date) -> list[dt.date]:
    """The camp's days up to and including ``today``."""
    return [starts_on + dt.timedelta(days=number) for number in range((min(ends_on, today) - starts_on).days + 1)]
