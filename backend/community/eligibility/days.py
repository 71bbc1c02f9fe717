"""Count the days of a camp under a deal: which ones are countable, what a member did on each. Pure functions."""

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from backend.models.grants import GrantKind

# Days in a block of ``every_week_at_least``. The first block starts on the camp's first day.
WEEK = 7
# Grants that count as a check-in.
CREDITED = frozenset({GrantKind.MAKEUP, GrantKind.APPEAL, GrantKind.COACH})


_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _iso_day(value: Any) -> Any:
    """Accept only ``2026-03-01``. Pydantic would also read a number as seconds since 1970, and a datetime."""
    is_date = isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    if is_date or (isinstance(value, str) and _ISO_DAY.fullmatch(value)):
        return value
    raise ValueError("应为日期，如 2026-01-31")


Day = Annotated[dt.date, BeforeValidator(_iso_day)]


def _number(least: int, most: int) -> Any:
    """A strict integer. Otherwise pydantic would read ``"7"`` and ``true`` as 7 and 1."""
    return Field(strict=True, ge=least, le=most)


class Part(BaseModel):
    """A stored part of a deal: immutable, refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Counting(Part):
    """Which days of the camp count (reference fair-deal §4). ISO weekdays: Monday 1, Sunday 7.

    ``leave_until``: deadline for asking for leave, on the day itself or, prefixed with ``-1 ``, on the day before.
    ``leave_per_week``: 0 means no limit within ``leave_total``.
    """

    rest_weekdays: Annotated[tuple[Annotated[int, _number(1, 7)], ...], Field(max_length=6)] = ()
    rest_dates: Annotated[tuple[Day, ...], Field(max_length=60)] = ()
    warmup_days: Annotated[int, _number(0, 7)] = 0
    bonus_days: Annotated[bool, Field(strict=True)] = False
    leave_total: Annotated[int, _number(0, 10)] = 0
    leave_per_week: Annotated[int, _number(0, 3)] = 0
    leave_until: Annotated[str, Field(pattern=r"^(-1 )?([01]\d|2[0-3]):[0-5]\d$")] = "12:00"
    leave_means: Literal["lowers_target", "counts_as_day"] = "lowers_target"
    makeup_total: Annotated[int, _number(0, 5)] = 0
    makeup_within_days: Annotated[int, _number(1, 3)] = 1

    @property
    def by_date(self) -> bool:
        """Whether the number of check-ins alone can't tell how many of them count."""
        return bool(self.rest_weekdays or self.rest_dates or self.warmup_days) and not self.bonus_days


@dataclass(frozen=True, slots=True)
class Calendar:
    """A camp's days in Shanghai time, both ends included. Empty if a draft ends before it starts."""

    starts_on: dt.date
    ends_on: dt.date

    def __len__(self) -> int:
        return max(0, (self.ends_on - self.starts_on).days + 1)

    def __iter__(self) -> Iterator[dt.date]:
        return (self.starts_on + dt.timedelta(days=number) for number in range(len(self)))

    def __contains__(self, day: object) -> bool:
        return isinstance(day, dt.date) and self.starts_on <= day <= self.ends_on


@lru_cache(maxsize=256)
def dates(calendar: Calendar) -> tuple[dt.date, ...]:
    """The days of the camp. Cached, because a preview iterates over them for each of a thousand people."""
    return tuple(calendar)


@lru_cache(maxsize=256)
def countable(counting: Counting, calendar: Calendar) -> tuple[bool, ...]:
    """For each day of the camp, whether a check-in is asked for: it is neither a warm-up nor a rest day."""
    rest, weekdays = frozenset(counting.rest_dates), frozenset(counting.rest_weekdays)
    return tuple(
        number >= counting.warmup_days and day not in rest and day.isoweekday() not in weekdays
        for number, day in enumerate(dates(calendar))
    )


class Mark(IntEnum):
    """Status of a day. ``OFF``: no check-in was asked for. ``EXCUSED``: neither counted nor missed."""

    OFF = 0
    COUNTED = 1
    MISSED = 2
    ON_LEAVE = 3
    EXCUSED = 4


# Aliases for speed: the enum attribute lookup would take most of the time of a count.
_OFF, _COUNTED, _MISSED = Mark.OFF, Mark.COUNTED, Mark.MISSED


@dataclass(frozen=True, slots=True)
class Tally:
    """A member's days. ``asked``: countable days of the camp. ``days``: days that count, granted ones included.

    ``leaves`` and ``amnesties`` lower the target. ``marks`` is None if only a number of days is known; then ``assumed``
    says whether conditions on dates may be taken as met.
    """

    asked: int
    days: int
    missed: int
    granted: int = 0
    leaves: int = 0
    amnesties: int = 0
    marks: tuple[Mark, ...] | None = None
    assumed: bool = False

    def lowered(self, target: int) -> int:
        """A target less leaves (at most half of it) and amnesties (fair-deal §4)."""
        return max(0, max(target - self.leaves, -(-target // 2)) - self.amnesties)

    def shifted(self, more: int) -> "Tally":
        """A copy in which ``more`` further days count (fewer if negative), whatever their dates."""
        days = min(self.days + more, max(self.asked, self.days)) if more > 0 else max(0, self.days + more)
        missed = min(self.asked, max(0, self.missed - more))
        return replace(self, days=days, missed=missed)


def tally(
    counting: Counting,
    calendar: Calendar,
    checked: Collection[dt.date],
    grants: Mapping[dt.date, GrantKind] | None = None,
) -> Tally:
    """Count a member's days from their dates. A checked day needs no grant.

    An amnesty also lowers the target of members who checked in that day. Otherwise they would be worse off than before.
    """
    grants = grants or {}
    is_asked = countable(counting, calendar)
    marks: list[Mark] = []
    granted = 0
    for day, asked in zip(dates(calendar), is_asked, strict=True):
        mark, grant = _OFF if not asked else _MISSED, grants.get(day) if grants else None
        if day in checked:
            mark = _COUNTED if asked or counting.bonus_days else _OFF
        elif grant is not None:
            mark = _granted(grant, counting, asked=asked)
            granted += mark is _COUNTED
        marks.append(mark)
    return Tally(
        asked=sum(is_asked),
        days=marks.count(_COUNTED),
        missed=marks.count(_MISSED),
        granted=granted,
        leaves=marks.count(Mark.ON_LEAVE),
        amnesties=sum(_lowers(day, grants, calendar, is_asked) for day in grants),
        marks=tuple(marks),
    )


def _granted(grant: GrantKind, counting: Counting, *, asked: bool) -> Mark:
    """The mark of a granted day without a check-in."""
    if grant in CREDITED or (grant is GrantKind.LEAVE and counting.leave_means == "counts_as_day"):
        return Mark.COUNTED if asked or counting.bonus_days else Mark.OFF
    if not asked:
        return Mark.OFF
    return Mark.EXCUSED if grant is GrantKind.AMNESTY else Mark.ON_LEAVE


def _lowers(day: dt.date, grants: Mapping[dt.date, GrantKind], calendar: Calendar, is_asked: Sequence[bool]) -> bool:
    """Whether the day is an amnesty on a countable day, checked or not."""
    return grants[day] is GrantKind.AMNESTY and day in calendar and is_asked[(day - calendar.starts_on).days]


def tally_of_total(
    counting: Counting,
    calendar: Calendar,
    total: int,
    grants: Mapping[dt.date, GrantKind] | None = None,
    *,
    assumed: bool,
) -> Tally:
    """Count from a number of check-ins alone. Granted days are taken as days without a check-in."""
    base = tally(counting, calendar, (), grants)
    days = min(max(total, 0) + base.days, len(calendar) if counting.bonus_days else base.asked)
    missed = max(0, base.asked - base.leaves - base.amnesties - days)
    return replace(base, days=days, missed=missed, marks=None, assumed=assumed)


def tally_at_worst(
    counting: Counting, calendar: Calendar, total: int, grants: Mapping[dt.date, GrantKind] | None = None
) -> Tally:
    """Count from a number of check-ins alone what is certain, whatever their dates.

    Each check-in may fall on a day off or on a granted day. All days off of the camp are subtracted at once. Otherwise
    the promised amount would fall with each rest day that passes.
    """
    base = tally(counting, calendar, (), grants)
    on_asked = max(0, total - (len(calendar) - base.asked))
    days = max(base.days, total if counting.bonus_days else on_asked)
    return replace(
        base,
        days=min(days, len(calendar) if counting.bonus_days else base.asked),
        missed=min(base.missed, max(0, base.asked - on_asked)),
        leaves=0,
        marks=None,
    )
