"""Reports (报表): camps of a range in figures, a few of them compared, and what coaches did.

Rates are numbers from 0 to 1 (``refund_rate`` may pass 1) and null where there is nothing to divide by. The formula of
each figure stands in ``backend/desk/reports/statistics.py``.
"""

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from backend.api.admin.checkins import DaysBucketOut
from backend.api.answers import Answer, Day, Id, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.core import clock
from backend.core.errors import Invalid, NotFound
from backend.desk.reports import coaches as coach_report
from backend.desk.reports import statistics
from backend.desk.reports.coaches import Coach
from backend.desk.reports.statistics import CampFigures, Month, Range, Sort
from backend.models.camps import CampStatus
from backend.office.staff.rules import SCOPED_ROLES, Permission

router = APIRouter(prefix="/statistics", tags=["报表"], dependencies=[Depends(Allowed(Permission.REPORT_VIEW))])

COMPARED_AT_MOST = 5


class RangeOut(Model):
    """Both days are included."""

    first_day: Day = Field(alias="from")
    last_day: Day = Field(alias="to")


class FiguresOut(Model):
    """``enrolled`` are members whose payment gave them a place; ``participated`` checked in at least once;
    ``completed`` are sure of the whole deposit, ``partial`` get a part of it. ``average_rate`` is the mean of days ÷
    required days, each at most 1. ``refunds_due`` are refunds approved or later. ``net_fen`` = ``income_fen`` −
    ``refunded_fen``."""

    enrolled: int
    matched: int
    joined: int
    participated: int
    completed: int
    partial: int
    participation_rate: float | None
    completion_rate: float | None
    average_rate: float | None
    joined_rate: float | None
    matched_rate: float | None
    income_fen: int
    refunded_fen: int
    net_fen: int
    refund_rate: float | None
    refunds_due: int
    refunds_succeeded: int
    refunds_failed: int
    refunds_pending_review: int
    refund_completion_rate: float | None
    refund_success_rate: float | None


class OverviewOut(FiguresOut):
    """The camps that begin in the range. Money alone follows its own time: ``income_fen`` is what was paid in the
    range and ``refunded_fen`` what was paid back in it, whichever camp it belongs to."""

    camps: int


class CampFiguresOut(FiguresOut):
    """One camp with all its money. While it runs or waits to be settled ``last_day`` is its last day that a complete
    sync has seen the whole of, and ``last_day_rate`` who checked in on it ÷ enrolled."""

    camp_id: Id
    camp_name: str
    status: CampStatus
    starts_on: Day
    ends_on: Day
    total_days: int
    deposit_fen: int
    capacity: int
    last_day: Day | None
    last_day_members: int | None
    last_day_rate: float | None


class MonthOut(FiguresOut):
    """``month`` is written 2026-03. Its members are those of camps that begin in it; its money is what moved in it."""

    month: str
    camps: int


class StatesOut(Model):
    """``completed`` are sure of the whole deposit, ``partial`` get a part, ``short`` neither in camps that are over.

    ``under_way`` are the others.
    """

    completed: int
    partial: int
    short: int
    under_way: int


class CampReportOut(Rows[CampFiguresOut]):
    """``items`` is one page of the range's camps; everything else is about all of them. ``months`` reaches back at
    least twelve months from the range's end; months before the first and after the last event are left out."""

    range: RangeOut
    overview: OverviewOut
    states: StatesOut
    days: list[DaysBucketOut]
    months: list[MonthOut]


class ComparisonOut(Model):
    items: list[CampFiguresOut]


class CoachOut(FiguresOut):
    """The coach's camps that begin in the range, together; ``reviews`` are the decisions on refunds that they made in
    the range and ``review_hours`` the mean time from the refund's entry to its decision, null without any."""

    staff_id: Id
    display_name: str
    active: bool
    camps: int
    reviews: int
    rejections: int
    review_hours: float | None


class CoachReportOut(Model):
    range: RangeOut
    items: list[CoachOut]


def _range(
    first_day: Annotated[Day | None, Query(alias="from", description="默认为本月第一天")] = None,
    last_day: Annotated[Day | None, Query(alias="to", description="默认为 from 所在月的最后一天")] = None,
) -> Range:
    """Without days the current month; with one of them, the month on its side."""
    first = first_day or (last_day or clock.today()).replace(day=1)
    last = last_day or (first.replace(day=1) + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    if last < first:
        raise Invalid({"to": "结束日期不能早于开始日期"})
    return Range(first, last)


WantedRange = Annotated[Range, Depends(_range)]
By = Annotated[Sort, Query(description="排序字段；没有数值的训练营总在最后")]
Order = Literal["asc", "desc"]


def _figures(figures: statistics.Figures) -> dict[str, Any]:
    return FiguresOut.model_validate(figures).model_dump()


def _camp_out(camp: CampFigures) -> CampFiguresOut:
    own = {name: getattr(camp, name) for name in CampFiguresOut.model_fields if hasattr(camp, name)}
    return CampFiguresOut(**own, **_figures(camp.figures))


def _month_out(month: Month) -> MonthOut:
    return MonthOut(month=f"{month.first_day:%Y-%m}", camps=month.camps, **_figures(month.figures))


def _range_out(wanted: Range) -> RangeOut:
    return RangeOut(**{"from": wanted.first, "to": wanted.last})


@router.get("/camp")
async def camp_statistics(
    wanted: WantedRange,
    session: SessionDep,
    viewer: CurrentStaff,
    page: PageDep,
    sort: By = Sort.STARTS_ON,
    order: Order = "desc",
) -> Answer[CampReportOut]:
    """Camps that begin from ``from`` to ``to``, drafts left out; a coach's own alone, in the sums as well."""
    report = await statistics.report(session, viewer.camp_ids, wanted)
    camps = statistics.ordered(report.camps, sort, descending=order == "desc")
    rows = Rows.of(statistics.page(camps, page), _camp_out)
    return answer(
        CampReportOut(
            **dict(rows),
            range=_range_out(wanted),
            overview=OverviewOut(camps=len(camps), **_figures(report.overview)),
            states=StatesOut(**asdict(report.states)),
            days=[DaysBucketOut.model_validate(bucket) for bucket in report.days],
            months=[_month_out(month) for month in report.months],
        )
    )


@router.get("/camp/comparison")
async def compare_camps(
    session: SessionDep,
    viewer: CurrentStaff,
    camp_id: Annotated[list[Id], Query(min_length=1, max_length=COMPARED_AT_MOST)],
) -> Answer[ComparisonOut]:
    """Up to five camps side by side, in the order asked for, whenever they began."""
    wanted = list(dict.fromkeys(camp_id))
    camps = await statistics.some(session, wanted)
    if len(camps) < len(wanted):
        raise NotFound("训练营不存在")
    for camp in camps:
        viewer.require_camp(camp.camp_id)
    return answer(ComparisonOut(items=[_camp_out(camp) for camp in camps]))


async def wanted_coaches(wanted: WantedRange, session: SessionDep, viewer: CurrentStaff) -> list[Coach]:
    """A coach sees only their own row."""
    only = viewer.staff.id if viewer.staff.role in SCOPED_ROLES else None
    return list(await coach_report.coaches(session, viewer.camp_ids, wanted, only=only))


WantedCoaches = Annotated[list[Coach], Depends(wanted_coaches)]


@router.get("/coaches")
async def coach_statistics(wanted: WantedRange, found: WantedCoaches) -> Answer[CoachReportOut]:
    """By name; everybody who leads a camp of the range or, being a coach, decided on refunds in it."""
    return answer(CoachReportOut(range=_range_out(wanted), items=[_coach_out(coach) for coach in found]))


def _coach_out(coach: Coach) -> CoachOut:
    return CoachOut(
        staff_id=coach.staff.id,
        display_name=coach.staff.display_name,
        active=coach.staff.active,
        camps=coach.camps,
        reviews=coach.reviews.done,
        rejections=coach.reviews.rejected,
        review_hours=coach.reviews.mean_hours,
        **_figures(coach.figures),
    )
