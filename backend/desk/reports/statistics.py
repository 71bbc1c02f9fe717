"""Camp statistics (训练营报表). The formulas of requirements §3.10 are defined only here.

The database counts (``v_camp_statistics``, ``v_camp_days``), this module divides. Amounts are in fen. Rates are 0 to 1,
or None if the divisor is 0. A camp belongs to the range in which it begins. A camp's own row includes all its money.
Figures of a range or month count money by the time of payment or refund, whichever camp it belongs to.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, column, func, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.checkins.rules import Bucket, distribution
from backend.core.pagination import Page, PageRequest
from backend.desk.reports import money
from backend.desk.reports.money import Scope
from backend.models.camps import CampStatus

_VIEW = table("v_camp_statistics", column("camp_id"), column("starts_on", Date))
_DAYS = table("v_camp_days", column("camp_id"), column("days", Integer), column("members", Integer))

# The trend covers at least this many months, since a single month shows no trend.
TREND_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Range:
    """Shanghai days, both included."""

    first: dt.date
    last: dt.date

    def __contains__(self, day: dt.date) -> bool:
        return self.first <= day <= self.last


def _rate(part: float, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of one camp or of several together, and the rates derived from them.

    All kinds of refunds count, including extra ones and those settled by hand (标记已处理).
    """

    enrolled: int = 0
    """报名人数: members, that is people whose payment gave them a place; those refunded included."""
    matched: int = 0
    """Members whose person on the planet is known."""
    joined: int = 0
    """Members marked as being in the group."""
    participated: int = 0
    """Members with at least one day of check-in."""
    completed: int = 0
    """已达标: members who are sure of the whole deposit, whatever comes (``standing`` is ``reached``)."""
    partial: int = 0
    """Members who get a part of the deposit, once the camp's end was seen."""
    attendance: float = 0.0
    """Sum over members of days ÷ required days, each at most 1."""
    income_fen: int = 0
    """押金收入: Σ successful payments, also those that gave no place."""
    refunded_fen: int = 0
    """退款金额: Σ successful refunds."""
    refunds_due: int = 0
    """Refunds approved or later. One that the provider closed for good isn't due; what replaces it is in time."""
    refunds_succeeded: int = 0
    refunds_failed: int = 0
    refunds_pending_review: int = 0

    @property
    def net_fen(self) -> int:
        """净收入 = income − refunded."""
        return self.income_fen - self.refunded_fen

    @property
    def participation_rate(self) -> float | None:
        """参与率 = participated ÷ enrolled."""
        return _rate(self.participated, self.enrolled)

    @property
    def completion_rate(self) -> float | None:
        """完成率 = completed ÷ enrolled."""
        return _rate(self.completed, self.enrolled)

    @property
    def average_rate(self) -> float | None:
        """平均打卡率 = mean over members of days ÷ required days, each at most 1."""
        return _rate(self.attendance, self.enrolled)

    @property
    def joined_rate(self) -> float | None:
        """进群率 = joined ÷ enrolled."""
        return _rate(self.joined, self.enrolled)

    @property
    def matched_rate(self) -> float | None:
        """匹配率 = matched ÷ enrolled."""
        return _rate(self.matched, self.enrolled)

    @property
    def refund_completion_rate(self) -> float | None:
        """退款完成率 = refunds succeeded ÷ refunds due."""
        return _rate(self.refunds_succeeded, self.refunds_due)

    @property
    def refund_success_rate(self) -> float | None:
        """退款成功率 = refunds succeeded ÷ (succeeded + failed)."""
        return _rate(self.refunds_succeeded, self.refunds_succeeded + self.refunds_failed)

    @property
    def refund_rate(self) -> float | None:
        """退款率 = refunded ÷ income. Above 1 in a month that pays back more than comes in."""
        return _rate(self.refunded_fen, self.income_fen)


_COUNTED = tuple(each.name for each in fields(Figures))


def together(some: Iterable[Figures]) -> Figures:
    """The sum of all figures. Rates of a sum weigh members and refunds equally, unlike a mean of rates."""
    rows = list(some)
    return Figures(**{name: sum(getattr(row, name) for row in rows) for name in _COUNTED})


@dataclass(frozen=True, slots=True)
class CampFigures:
    """One camp. ``figures`` includes all its money, whenever it moved."""

    camp_id: uuid.UUID
    camp_name: str
    status: CampStatus
    starts_on: dt.date
    ends_on: dt.date
    deposit_fen: int
    capacity: int
    figures: Figures
    last_day: dt.date | None
    """The last of the camp's days that a complete sync has seen the whole of, while it runs or waits to be settled."""
    last_day_members: int | None
    """Members who checked in on that day."""

    @property
    def total_days(self) -> int:
        return (self.ends_on - self.starts_on).days + 1

    @property
    def last_day_rate(self) -> float | None:
        """今日打卡率 = members who checked in on ``last_day`` ÷ enrolled."""
        return _rate(self.last_day_members, self.figures.enrolled) if self.last_day_members is not None else None


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month: the camps that begin in it, and the money that moved in it."""

    first_day: dt.date
    camps: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of a range.

    ``overview``: the range's camps together, with the money that moved in the range. ``states``: members of these camps
    by outcome. ``days``: the distribution of check-in days over members. ``months``: the trend, oldest first.
    """

    range: Range
    overview: Figures
    camps: Sequence[CampFigures]
    states: "States"
    days: Sequence[Bucket]
    months: Sequence[Month]


@dataclass(frozen=True, slots=True)
class States:
    """Members by outcome.

    ``completed``: sure of the whole deposit. ``partial``: get a part. ``short``: neither, in camps that are over.
    ``under_way``: still undecided.
    """

    completed: int = 0
    partial: int = 0
    short: int = 0
    under_way: int = 0


class Sort(StrEnum):
    """What a table of camps can be ordered by."""

    STARTS_ON = "starts_on"
    CAMP_NAME = "camp_name"
    ENROLLED = "enrolled"
    PARTICIPATION_RATE = "participation_rate"
    COMPLETION_RATE = "completion_rate"
    AVERAGE_RATE = "average_rate"
    LAST_DAY_RATE = "last_day_rate"
    JOINED_RATE = "joined_rate"
    MATCHED_RATE = "matched_rate"
    INCOME_FEN = "income_fen"
    REFUNDED_FEN = "refunded_fen"
    NET_FEN = "net_fen"
    REFUND_COMPLETION_RATE = "refund_completion_rate"
    REFUND_SUCCESS_RATE = "refund_success_rate"
    REFUND_RATE = "refund_rate"


_OVER = (CampStatus.ENDED, CampStatus.SETTLING, CampStatus.ARCHIVED)


async def report(session: AsyncSession, scope: Scope, wanted: Range) -> Report:
    """The figures of a range. ``scope``: the viewer's camps, None for all. Drafts don't count."""
    window = _trend_window(wanted)
    rows = await _rows(session, *_begin_in(window), *money.of(scope, _VIEW.c.camp_id))
    camps = [row for row in rows if row.starts_on in wanted]
    flow = await money.per_day(session, scope, window.first, window.last)
    moved = [day for day in flow if day.day in wanted]
    overview = replace(
        together(camp.figures for camp in camps),
        income_fen=sum(day.paid_fen for day in moved),
        refunded_fen=sum(day.refunded_fen for day in moved),
    )
    days = await _days(session, camps)
    return Report(wanted, overview, camps, _states(camps), days, _months(rows, flow))


async def some(session: AsyncSession, camp_ids: Collection[uuid.UUID]) -> Sequence[CampFigures]:
    """The given camps in the given order. Drafts and unknown ids are left out."""
    found = {row.camp_id: row for row in await _rows(session, _VIEW.c.camp_id.in_(camp_ids))}
    return [found[camp_id] for camp_id in camp_ids if camp_id in found]


async def begun_in(session: AsyncSession, scope: Scope, wanted: Range) -> Sequence[CampFigures]:
    """The camps that begin in a range, newest first."""
    return await _rows(session, *_begin_in(wanted), *money.of(scope, _VIEW.c.camp_id))


def ordered(camps: Iterable[CampFigures], by: Sort, *, descending: bool) -> list[CampFigures]:
    """Camps sorted by a field. Camps without a value come last in both directions, equal ones newest first."""
    newest = sorted(camps, key=lambda camp: (camp.starts_on, camp.camp_id), reverse=True)

    def value(camp: CampFigures) -> Any:
        return getattr(camp, by) if hasattr(camp, by) else getattr(camp.figures, by)

    known = [camp for camp in newest if value(camp) is not None]
    # ``sorted`` is stable even with ``reverse``, so equal camps stay newest first.
    return sorted(known, key=value, reverse=descending) + [camp for camp in newest if value(camp) is None]


def page(camps: Sequence[CampFigures], request: PageRequest) -> Page[CampFigures]:
    """Slice one page. All camps of the range are loaded anyway."""
    rows = camps[request.offset : request.offset + request.page_size]
    return Page(rows, len(camps), request.page, request.page_size)


def _begin_in(wanted: Range) -> list[ColumnElement[bool]]:
    return [_VIEW.c.starts_on >= wanted.first, _VIEW.c.starts_on <= wanted.last]


async def _rows(session: AsyncSession, *conditions: ColumnElement[bool]) -> list[CampFigures]:
    statement = select("*").select_from(_VIEW).where(*conditions).order_by(_VIEW.c.starts_on.desc(), _VIEW.c.camp_id)
    return [_row(found) for found in (await session.execute(statement)).mappings()]


def _row(found: Mapping[Any, Any]) -> CampFigures:
    figures = Figures(**{name: found[name] for name in _COUNTED})
    own = {each.name: found[each.name] for each in fields(CampFigures) if each.name != "figures"}
    return CampFigures(**own | {"figures": figures, "status": CampStatus(found["status"])})


async def _days(session: AsyncSession, camps: Collection[CampFigures]) -> list[Bucket]:
    if not camps:
        return []
    statement = select(_DAYS.c.days, func.sum(_DAYS.c.members)).group_by(_DAYS.c.days)
    found = await session.execute(statement.where(_DAYS.c.camp_id.in_([camp.camp_id for camp in camps])))
    longest = max(camp.total_days for camp in camps)
    return distribution({days: int(members) for days, members in found}, total_days=longest)


def _states(camps: Iterable[CampFigures]) -> States:
    found: Counter[str] = Counter()
    for camp in camps:
        found["completed"] += camp.figures.completed
        found["partial"] += camp.figures.partial
        rest = "short" if camp.status in _OVER else "under_way"
        found[rest] += camp.figures.enrolled - camp.figures.completed - camp.figures.partial
    return States(**found)


def _month_of(day: dt.date, offset: int = 0) -> dt.date:
    """The first day of the month that is ``offset`` months after the month of ``day``."""
    number = day.year * 12 + day.month - 1 + offset
    return dt.date(number // 12, number % 12 + 1, 1)


def _trend_window(wanted: Range) -> Range:
    """Whole months that cover the range, and at least the ``TREND_MONTHS`` up to its end."""
    first = min(_month_of(wanted.first), _month_of(wanted.last, 1 - TREND_MONTHS))
    return Range(first, _month_of(wanted.last, 1) - dt.timedelta(days=1))


@dataclass(slots=True)
class _MonthSum:
    camps: list[Figures] = field(default_factory=list)
    paid_fen: int = 0
    refunded_fen: int = 0


def _months(camps: Iterable[CampFigures], flow: Iterable[money.Day]) -> list[Month]:
    """The months from the first to the last with any camp or money, without gaps."""
    found: dict[dt.date, _MonthSum] = {}
    for camp in camps:
        found.setdefault(_month_of(camp.starts_on), _MonthSum()).camps.append(camp.figures)
    for day in flow:
        month = found.setdefault(_month_of(day.day), _MonthSum())
        month.paid_fen += day.paid_fen
        month.refunded_fen += day.refunded_fen
    months, at = [], min(found, default=None)
    while at is not None and at <= max(found):
        of = found.get(at, _MonthSum())
        figures = replace(together(of.camps), income_fen=of.paid_fen, refunded_fen=of.refunded_fen)
        months.append(Month(at, len(of.camps), figures))
        at = _month_of(at, 1)
    return months
