"""Conditions of a deal. All of them must hold, or nothing is refunded (reference fair-deal §3). Pure functions.

To add a kind, add a class here, an entry in ``CONDITIONS`` and a test.
"""

import datetime as dt
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from backend.community.eligibility.days import WEEK, Day, Mark, Tally
from backend.community.eligibility.terms import Kind, Problem, Terms, described, month_day


class Condition(Kind):
    """``needs_dates``: a number of days without dates can't tell whether the condition holds."""

    needs_dates: ClassVar[bool] = True

    def holds(self, tally: Tally, terms: Terms) -> bool:
        """Whether a member's days meet the condition. Without dates, ``assumed`` and at least ``fewest`` days.

        Without that bound, a member with no day at all would pass each condition on dates.
        """
        if self.needs_dates and tally.marks is None:
            return tally.assumed and tally.days >= self.fewest(tally, terms)
        return self._holds(tally, tally.marks or (), terms)

    @abstractmethod
    def _holds(self, tally: Tally, marks: Sequence[Mark], terms: Terms) -> bool:
        """Like ``holds``, with the mark of each day. ``marks`` is empty if only the number of days is known."""

    @abstractmethod
    def least(self, terms: Terms) -> int:
        """The least number of days with which the condition can hold, before leaves and amnesties."""

    def fewest(self, tally: Tally, terms: Terms) -> int:
        """The number of days below which the condition can't hold for this member, whatever the dates."""
        return tally.lowered(self.least(terms))

    @abstractmethod
    def words(self, terms: Terms) -> str:
        """The condition as a fragment of a Chinese sentence."""

    def missing(self, tally: Tally, terms: Terms) -> str:  # noqa: ARG002 - for subclasses
        """What a member whose days don't meet the condition lacks, in Chinese."""
        return f"未满足「{self.words(terms)}」"

    @abstractmethod
    def counterexample(self, terms: Terms) -> tuple[str, frozenset[dt.date]]:
        """Days that miss the condition by one, in words and as dates."""


class DaysAtLeast(Condition):
    """At least ``days`` days in total."""

    needs_dates: ClassVar[bool] = False

    kind: Literal["days_at_least"] = Field("days_at_least", title="累计打卡天数")
    days: int = described("至少打卡", "days", ge=1, le=1000)

    @override
    def problems(self, terms: Terms) -> Iterator[Problem]:
        if self.days > terms.asked:
            yield "days", f"要求打卡天数须在 1 至 {terms.asked} 天之间"

    @override
    def _holds(self, tally: Tally, marks: Sequence[Mark], terms: Terms) -> bool:
        return tally.days >= tally.lowered(self.days)

    @override
    def least(self, terms: Terms) -> int:
        return self.days

    @override
    def words(self, terms: Terms) -> str:
        return f"累计打卡满 {self.days} 天"

    @override
    def missing(self, tally: Tally, terms: Terms) -> str:
        lowered = tally.lowered(self.days)
        return super().missing(tally, terms) + (f"（减免后为 {lowered} 天）" if lowered < self.days else "")

    @override
    def counterexample(self, terms: Terms) -> tuple[str, frozenset[dt.date]]:
        return f"累计打卡 {self.days - 1} 天", frozenset(terms.asked_days[: self.days - 1])


class EveryWeekAtLeast(Condition):
    """At least ``days`` days in each block of seven, counted from the camp's first day.

    A block with r < 7 countable days needs ceil(days · r / 7). Otherwise rest and warm-up days, and the days that a
    shorter last block lacks, would count as missed.
    """

    kind: Literal["every_week_at_least"] = Field("every_week_at_least", title="每 7 天打卡天数")
    days: int = described("每 7 天至少打卡", "days", ge=1, le=WEEK)

    def needed(self, asked: int) -> int:
        """Days needed in a block with ``asked`` countable days: in proportion, rounded up."""
        return -(-self.days * asked // WEEK)

    @override
    def _holds(self, tally: Tally, marks: Sequence[Mark], terms: Terms) -> bool:
        needs = enumerate(self._needs(terms))
        return all(self._met(marks[week * WEEK : (week + 1) * WEEK], needed) for week, needed in needs)

    @staticmethod
    def _met(marks: Sequence[Mark], needed: int) -> bool:
        """Leaves and amnesties lower a block's target as they lower a total (``Tally.lowered``)."""
        lowered = max(needed - marks.count(Mark.ON_LEAVE), -(-needed // 2)) - marks.count(Mark.EXCUSED)
        return marks.count(Mark.COUNTED) >= lowered

    def _needs(self, terms: Terms) -> list[int]:
        """Days needed in each block."""
        is_asked = terms.is_asked
        return [self.needed(sum(is_asked[at : at + WEEK])) for at in range(0, len(is_asked), WEEK)]

    @override
    def least(self, terms: Terms) -> int:
        return sum(self._needs(terms))

    @override
    def words(self, terms: Terms) -> str:
        return f"从第一天起每 7 天至少打卡 {self.days} 天{self._shorter(terms)}"

    def _shorter(self, terms: Terms) -> str:
        """The blocks that need fewer days, like ``（不足 7 天的按比例：第 5 周 2 天）``; empty if none do."""
        runs = [(needed, [week for week, _ in run]) for needed, run in groupby(enumerate(self._needs(terms), 1), _need)]
        few = [f"第 {_span(weeks)} 周 {needed} 天" for needed, weeks in runs if needed < self.days]
        return f"（不足 7 天的按比例：{'，'.join(few)}）" if few else ""

    @override
    def counterexample(self, terms: Terms) -> tuple[str, frozenset[dt.date]]:
        needs = self._needs(terms) or [0]
        most = max(needs)
        week = needs.index(most)
        block = [day for day in terms.asked_days if (day - terms.calendar.starts_on).days // WEEK == week]
        kept = max(0, most - 1)
        return f"第 {week + 1} 周只打卡 {kept} 天，其余每天打卡", frozenset(terms.asked_days) - frozenset(block[kept:])


def _need(numbered: tuple[int, int]) -> int:
    return numbered[1]


def _span(weeks: Sequence[int]) -> str:
    return f"{weeks[0]}" if len(weeks) == 1 else f"{weeks[0]}–{weeks[-1]}"


class NoGapOver(Condition):
    """At most ``days`` missed days in a row. Days off, on leave or excused neither extend nor end a gap."""

    kind: Literal["no_gap_over"] = Field("no_gap_over", title="连续缺卡天数")
    days: int = described("连续缺卡不超过", "days", ge=0, le=1000)

    @override
    def problems(self, terms: Terms) -> Iterator[Problem]:
        if self.days >= terms.asked:
            yield "days", f"连续缺卡天数须少于计入打卡的 {terms.asked} 天，否则没有要求"

    @override
    def _holds(self, tally: Tally, marks: Sequence[Mark], terms: Terms) -> bool:
        gap = 0
        for mark in marks:
            if mark is Mark.MISSED:
                gap += 1
                if gap > self.days:
                    return False
            elif mark is Mark.COUNTED:
                gap = 0
        return True

    @override
    def least(self, terms: Terms) -> int:
        return terms.asked // (self.days + 1)

    @override
    def fewest(self, tally: Tally, terms: Terms) -> int:
        """Leaves and amnesties shorten the span to cover, without the limit of half in ``Tally.lowered``."""
        return max(0, terms.asked - tally.leaves - tally.amnesties) // (self.days + 1)

    @override
    def words(self, terms: Terms) -> str:
        return f"连续缺卡不超过 {self.days} 天" if self.days else "一天也不缺卡"

    @override
    def counterexample(self, terms: Terms) -> tuple[str, frozenset[dt.date]]:
        days = terms.asked_days
        return f"连续缺卡 {self.days + 1} 天，其余每天打卡", frozenset(days[self.days + 1 :])


class MustDays(Condition):
    """Days that must not be missed. An amnesty excuses them; a leave does so only if it counts as a day."""

    kind: Literal["must_days"] = Field("must_days", title="必须打卡的日子")
    dates: tuple[Day, ...] = described("必须打卡的日期", "dates", min_length=1, max_length=10)

    @override
    def problems(self, terms: Terms) -> Iterator[Problem]:
        asked = frozenset(terms.asked_days)
        outside = [day for day in self.dates if day not in terms.calendar]
        resting = [day for day in self.dates if day in terms.calendar and day not in asked]
        if max(Counter(self.dates).values()) > 1:
            yield "dates", "同一天只能写一次"
        if outside:
            yield "dates", f"不在营期内：{'、'.join(month_day(day) for day in outside)}"
        if resting:
            yield "dates", f"是休息日或热身日，不计打卡：{'、'.join(month_day(day) for day in resting)}"

    @override
    def _holds(self, tally: Tally, marks: Sequence[Mark], terms: Terms) -> bool:
        first = terms.calendar.starts_on
        numbers = [(day - first).days for day in self.dates]
        # ``problems`` refuses a day outside the camp. Here it is never met: a negative index would read from the end.
        return all(0 <= number < len(marks) and marks[number] in (Mark.COUNTED, Mark.EXCUSED) for number in numbers)

    @override
    def least(self, terms: Terms) -> int:
        return len(self.dates)

    @override
    def words(self, terms: Terms) -> str:
        counting = terms.counting
        is_strict = counting.leave_total and counting.leave_means == "lowers_target"
        dates = "、".join(month_day(day) for day in sorted(self.dates))
        return f"{dates}必须打卡{'（请假不能代替）' if is_strict else ''}"

    @override
    def counterexample(self, terms: Terms) -> tuple[str, frozenset[dt.date]]:
        missed = max(self.dates)
        return f"{month_day(missed)}缺卡，其余每天打卡", frozenset(terms.asked_days) - {missed}


CONDITIONS: tuple[type[Condition], ...] = (DaysAtLeast, EveryWeekAtLeast, NoGapOver, MustDays)
