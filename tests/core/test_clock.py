"""Time comes from one place and means Shanghai where days are meant."""

import datetime as dt
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from backend.core import clock
from tests.conftest import Time


def test_days_are_shanghai_days(time: Time) -> None:
    time.set("2026-03-01 23:59")
    assert clock.today() == dt.date(2026, 3, 1)
    assert clock.now().utcoffset() == dt.timedelta(0)
    time.advance(120)
    assert clock.today() == dt.date(2026, 3, 2)


def test_an_evening_in_utc_is_the_next_day() -> None:
    assert clock.day_of(dt.datetime(2026, 3, 1, 15, 59, 59, tzinfo=dt.UTC)) == dt.date(2026, 3, 1)
    assert clock.day_of(dt.datetime(2026, 3, 1, 16, tzinfo=dt.UTC)) == dt.date(2026, 3, 2)


@given(st.dates(dt.date(2000, 1, 1), dt.date(2100, 1, 1)))
def test_a_day_begins_with_itself(day: dt.date) -> None:
    start = clock.day_start(day)
    assert clock.day_of(start) == day
    assert clock.day_of(start - dt.timedelta(microseconds=1)) == day - dt.timedelta(days=1)


def test_the_offset_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    file.write_text("")
    clock.use_test_clock(file)
    real = clock.timestamp()
    file.write_text("86400")
    assert 86_390 < clock.timestamp() - real < 86_410
    file.unlink()  # while it is being replaced, the last offset holds
    assert 86_390 < clock.timestamp() - real < 86_410
    clock.use_test_clock(None)
    assert abs(clock.timestamp() - real) < 10
