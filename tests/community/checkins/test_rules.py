"""Days, calendars and rates; B1 and B5 at the borders of days, B30 without members."""

import datetime as dt
import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.community.checkins.rules import (
    CalendarDay,
    DayState,
    average_rate,
    calendar,
    days_of,
    distribution,
    judge,
)
from backend.core import clock
from backend.gateways.zsxq import Post
from backend.models.checkins import SyncStatus

FIRST, LAST = dt.date(2026, 3, 1), dt.date(2026, 3, 10)


def post(at: str, user_id: str = "u", topic_id: str = "t") -> Post:
    return Post(topic_id, user_id, "甲", None, dt.datetime.fromisoformat(at), "写了一点")


def days(*posts: Post) -> set[dt.date]:
    return {day for _, day in days_of(posts, starts_on=FIRST, ends_on=LAST)}


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-10T23:58:00+08:00", LAST),
        ("2026-03-10T23:59:59.900+08:00", LAST),
        ("2026-03-10T15:59:59.999+00:00", LAST),
        ("2026-03-10T16:00:00+00:00", None),
        ("2026-03-11T00:00:00+08:00", None),
        ("2026-03-01T00:00:00+08:00", FIRST),
        ("2026-02-28T23:59:59.999+08:00", None),
        ("2026-03-05T00:00:00+08:00", dt.date(2026, 3, 5)),
        ("2026-03-04T23:59:59.900+08:00", dt.date(2026, 3, 4)),
    ],
)
def test_a_post_counts_for_its_shanghai_day_inside_the_camp(at: str, day: dt.date | None) -> None:
    assert days(post(at)) == ({day} if day else set())


def test_two_posts_on_a_day_count_once_and_the_first_is_kept() -> None:
    late, early = post("2026-03-02T20:00:00+08:00", topic_id="2"), post("2026-03-02T08:00:00+08:00", topic_id="1")
    found = days_of([late, early], starts_on=FIRST, ends_on=LAST)
    assert [kept.topic_id for kept in found.values()] == ["1"]


@pytest.mark.parametrize(
    ("people", "expected", "ranking_ended", "posts_wanted", "posts_ended", "outcome"),
    [
        (30, 30, True, True, True, SyncStatus.COMPLETE),
        (31, 30, True, True, True, SyncStatus.COMPLETE),
        (30, 30, True, False, False, SyncStatus.COMPLETE),
        (0, 0, True, True, True, SyncStatus.COMPLETE),
        (29, 30, True, True, True, SyncStatus.PARTIAL),
        (30, 30, False, True, True, SyncStatus.PARTIAL),
        (30, 30, True, True, False, SyncStatus.PARTIAL),
        (21, None, False, True, False, SyncStatus.PARTIAL),
        (0, 30, True, True, True, SyncStatus.FAILED),
        (0, 0, False, True, False, SyncStatus.FAILED),
        (0, None, False, False, False, SyncStatus.FAILED),
    ],
)
def test_what_a_reading_is_worth(people, expected, ranking_ended, posts_wanted, posts_ended, outcome) -> None:
    assert outcome is judge(
        people=people,
        expected=expected,
        ranking_ended=ranking_ended,
        posts_wanted=posts_wanted,
        posts_ended=posts_ended,
    )


def states(*, checked: set[int], today: int, counted: str | None = "2026-03-05T01:00:00+08:00") -> str:
    counted_at = dt.datetime.fromisoformat(counted) if counted else None
    shown = calendar(
        starts_on=FIRST,
        ends_on=LAST,
        checked={dt.date(2026, 3, day) for day in checked},
        today=dt.date(2026, 3, today),
        counted_at=counted_at,
    )
    assert [each.day.day for each in shown] == list(range(1, 11))
    return "".join(each.state.value[0] for each in shown)


def test_a_calendar_shows_checked_missed_today_and_future() -> None:
    assert states(checked={1, 2, 4}, today=5) == "ccmctfffff"


def test_today_is_never_missed_and_is_checked_once_seen() -> None:
    assert states(checked={5}, today=5)[4] == "c"
    assert states(checked=set(), today=5)[4] == "t"


def test_a_day_that_no_sync_has_counted_is_not_called_missed() -> None:
    assert states(checked={1}, today=7) == "cmmmfftfff"
    assert states(checked=set(), today=5, counted=None) == "fffftfffff"


def test_after_the_end_every_day_without_a_check_in_is_missed() -> None:
    assert states(checked={10}, today=12, counted="2026-03-11T01:00:00+08:00") == "mmmmmmmmmc"


def test_a_camp_of_one_day_has_one_day() -> None:
    shown = calendar(starts_on=FIRST, ends_on=FIRST, checked=(), today=FIRST, counted_at=None)
    assert shown == [CalendarDay(FIRST, DayState.TODAY)]


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 31))
def test_every_member_is_in_one_bucket_and_buckets_cover_the_camp(days: list[int], total: int) -> None:
    buckets = distribution(Counter(days), total_days=total)
    assert sum(bucket.count for bucket in buckets) == len(days)
    assert buckets[0].from_days == 0
    assert buckets[-1].to_days == total
    assert all(later.from_days == earlier.to_days + 1 for earlier, later in itertools.pairwise(buckets))


def test_rates_are_capped_and_there_is_none_without_members() -> None:
    assert average_rate([]) is None
    assert average_rate([(14, 7), (7, 7)]) == 1.0
    assert average_rate([(0, 7), (5, 5)]) == 0.5


@given(st.timedeltas(min_value=dt.timedelta(days=-3), max_value=dt.timedelta(days=14)))
def test_a_day_counts_exactly_between_the_camps_two_midnights(since: dt.timedelta) -> None:
    at = (clock.day_start(FIRST) + since).astimezone(dt.UTC)
    inside = clock.day_start(FIRST) <= at < clock.day_start(LAST + dt.timedelta(days=1))
    assert bool(days(post(at.isoformat()))) == inside
