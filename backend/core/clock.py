"""The only source of time.

``CAMP_TEST_CLOCK`` names a file that holds an offset in seconds; it is added to the machine's time,
so that a demo or a test moves a whole camp through its days. The file is read again whenever it
changes. The sandbox reads the same file, so signatures stay inside their windows.
"""

import datetime as dt
import os
import time
from pathlib import Path
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class _TestClock:
    """The offset kept in a file; zero when no file is configured."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self._seen: tuple[int, int, int] | None = None
        self._offset = 0.0

    def offset(self) -> float:
        if self.path is None:
            return 0.0
        try:
            stat = os.stat(self.path)
        except FileNotFoundError:
            return self._offset
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen != self._seen:
            text = self.path.read_text(encoding="ascii").strip()
            self._offset = float(text) if text else 0.0
            self._seen = seen
        return self._offset


_test_clock = _TestClock()


def use_test_clock(path: Path | None) -> None:
    """Read the offset from ``path`` from now on; ``None`` returns to the machine's time."""
    _test_clock.path = path
    _test_clock._seen = None
    _test_clock._offset = 0.0


def timestamp() -> float:
    """Seconds since the epoch."""
    return time.time() + _test_clock.offset()  # noqa: TID251 - the one place that reads the time


def now() -> dt.datetime:
    """The instant, aware, in UTC."""
    return dt.datetime.fromtimestamp(timestamp(), dt.UTC)


def shanghai(instant: dt.datetime) -> dt.datetime:
    """The same instant on a Shanghai wall clock."""
    return instant.astimezone(SHANGHAI)


def minute(instant: dt.datetime) -> str:
    """``2026-03-01 10:00``: an instant for people to read."""
    return f"{shanghai(instant):%Y-%m-%d %H:%M}"


def today() -> dt.date:
    """The calendar day in Shanghai, which is what a check-in day, a camp day and a bill day mean."""
    return day_of(now())


def day_of(instant: dt.datetime) -> dt.date:
    """The Shanghai calendar day an instant falls on."""
    return shanghai(instant).date()


def day_start(day: dt.date) -> dt.datetime:
    """Midnight in Shanghai at which ``day`` begins."""
    return dt.datetime.combine(day, dt.time.min, SHANGHAI)
