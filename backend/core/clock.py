"""The only source of time.

``CAMP_TEST_CLOCK`` names a file that holds an offset in seconds, which is added to the machine's time. A demo or a
test uses it to move a camp through its days. The file is read again whenever it changes. The sandbox reads the same
file, so that signature timestamps stay inside their windows.
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
    """The current time as an aware datetime in UTC."""
    return dt.datetime.fromtimestamp(timestamp(), dt.UTC)


def shanghai(instant: dt.datetime) -> dt.datetime:
    """The same instant in the Shanghai time zone."""
    return instant.astimezone(SHANGHAI)


def minute(instant: dt.datetime) -> str:
    """Format an instant as ``2026-03-01 10:00`` in Shanghai time."""
    return f"{shanghai(instant):%Y-%m-%d %H:%M}"


def today() -> dt.date:
    """The current calendar day in Shanghai. Check-in days, camp days and bill days are all Shanghai days."""
    return day_of(now())


def day_of(instant: dt.datetime) -> dt.date:
    """The Shanghai calendar day of an instant."""
    return shanghai(instant).date()


def day_start(day: dt.date) -> dt.datetime:
    """Midnight in Shanghai at which ``day`` begins."""
    return dt.datetime.combine(day, dt.time.min, SHANGHAI)
