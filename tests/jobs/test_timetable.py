"""When jobs are due."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from backend.core.clock import SHANGHAI
from backend.timetable import Daily, Every


def shanghai(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_daily_is_due_today_once_its_time_has_come():
    assert Daily(1, 0).latest(shanghai("2026-03-02 01:00")) == shanghai("2026-03-02 01:00")
    assert Daily(1, 0).latest(shanghai("2026-03-02 23:59")) == shanghai("2026-03-02 01:00")


def test_daily_was_due_yesterday_before_its_time():
    assert Daily(1, 0).latest(shanghai("2026-03-02 00:59")) == shanghai("2026-03-01 01:00")


def test_every_counts_from_midnight():
    assert Every(60).latest(shanghai("2026-03-02 10:59")) == shanghai("2026-03-02 10:00")
    assert Every(1).latest(shanghai("2026-03-02 10:59")) == shanghai("2026-03-02 10:59")


def test_every_with_an_offset_before_the_first_slot_of_the_day():
    assert Every(360, offset=20).latest(shanghai("2026-03-02 00:10")) == shanghai("2026-03-01 18:20")


@given(
    st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 1, 1)),  # noqa: DTZ001 - zone added below
    st.sampled_from([Every(1), Every(60), Every(360, offset=20), Daily(0, 5), Daily(23, 59)]),
)
def test_the_latest_slot_is_never_in_the_future_and_is_its_own_latest(naive, when):
    now = naive.replace(tzinfo=SHANGHAI)
    slot = when.latest(now)
    assert slot <= now
    assert now - slot < dt.timedelta(days=1)
    assert when.latest(slot) == slot
