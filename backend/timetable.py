"""Schedules of jobs. All times are Asia/Shanghai."""

import datetime as dt
from dataclasses import dataclass

from backend.core import clock


@dataclass(frozen=True, slots=True)
class Every:
    """Due every ``minutes`` minutes, counted from ``offset`` minutes after midnight."""

    minutes: int
    offset: int = 0

    def latest(self, now: dt.datetime) -> dt.datetime:
        """The last instant at or before ``now`` at which the job was due."""
        midnight = clock.day_start(clock.day_of(now))
        passed = int((now - midnight).total_seconds() // 60) - self.offset
        if passed < 0:
            return self.latest(midnight - dt.timedelta(minutes=1))
        return midnight + dt.timedelta(minutes=passed - passed % self.minutes + self.offset)


@dataclass(frozen=True, slots=True)
class Daily:
    """Due once a day, at ``hour``:``minute``."""

    hour: int
    minute: int

    def latest(self, now: dt.datetime) -> dt.datetime:
        """The last instant at or before ``now`` at which the job was due."""
        today = clock.day_start(clock.day_of(now)) + dt.timedelta(hours=self.hour, minutes=self.minute)
        return today if today <= now else today - dt.timedelta(days=1)
