"""Coach performance (教练绩效): the camps they lead and the refunds they reviewed. Formulas as in ``statistics``."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.desk.reports import statistics
from backend.desk.reports.money import Scope, of
from backend.desk.reports.statistics import Figures, Range, together
from backend.models.camps import CampStaff, CampStaffKind
from backend.models.refunds import Refund
from backend.models.staff import Staff, StaffRole


@dataclass(frozen=True, slots=True)
class Reviews:
    """Refund decisions in force. A decision that was undone or re-opened doesn't count."""

    done: int = 0
    rejected: int = 0
    seconds: float = 0.0
    """Sum of the times from when a refund was put up for review to its decision."""

    @property
    def mean_hours(self) -> float | None:
        """Mean hours to a decision; None without any decisions."""
        return self.seconds / self.done / 3600 if self.done else None


@dataclass(frozen=True, slots=True)
class Coach:
    """A coach's camps that begin in the range, with their combined figures, and the coach's decisions in the range.

    A camp with two coaches counts for both.
    """

    staff: Staff
    camps: int
    figures: Figures
    reviews: Reviews


async def coaches(session: AsyncSession, scope: Scope, wanted: Range, *, only: uuid.UUID | None) -> Sequence[Coach]:
    """Staff who lead a camp of the range, and coaches who reviewed in it, by name. ``only``: just this person."""
    camps = {row.camp_id: row.figures for row in await statistics.begun_in(session, scope, wanted)}
    led: dict[uuid.UUID, list[Figures]] = defaultdict(list)
    leads = select(CampStaff).where(CampStaff.kind == CampStaffKind.COACH, CampStaff.camp_id.in_(camps))
    for row in await session.scalars(leads):
        led[row.staff_id].append(camps[row.camp_id])
    reviews = await _reviews(session, scope, wanted)
    coach = or_(Staff.id.in_(led), (Staff.role == StaffRole.COACH) & Staff.id.in_(reviews))
    people = select(Staff).where(coach).order_by(Staff.display_name, Staff.id)
    if only is not None:
        people = people.where(Staff.id == only)
    return [
        Coach(staff, len(led[staff.id]), together(led[staff.id]), reviews.get(staff.id, Reviews()))
        for staff in await session.scalars(people)
    ]


async def _reviews(session: AsyncSession, scope: Scope, wanted: Range) -> Mapping[uuid.UUID, Reviews]:
    """Decisions of the range by reviewer."""
    took = func.extract("epoch", Refund.reviewed_at - Refund.created_at)
    statement = (
        select(Refund.reviewer_id, func.count(), func.count(Refund.reject_reason), func.sum(took))
        .where(
            Refund.reviewer_id.is_not(None),
            Refund.reviewed_at >= clock.day_start(wanted.first),
            Refund.reviewed_at < clock.day_start(wanted.last + dt.timedelta(days=1)),
            *of(scope, Refund.camp_id),
        )
        .group_by(Refund.reviewer_id)
    )
    rows = await session.execute(statement)
    return {reviewer: Reviews(done, rejected, float(seconds)) for reviewer, done, rejected, seconds in rows if reviewer}
