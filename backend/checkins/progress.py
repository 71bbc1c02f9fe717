"""How far a member has come: the days counted for them, and what can still be earned."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.checkins import repository, rules
from backend.checkins.rules import CalendarDay
from backend.core import clock
from backend.members import service as members
from backend.members.rules import Assessment
from backend.models.camps import Camp
from backend.models.checkins import Checkin
from backend.models.members import Member


@dataclass(frozen=True, slots=True)
class Progress:
    """``checkins`` are the member's days, newest first; none while nobody on the planet is matched to them."""

    assessment: Assessment
    checkins: Sequence[Checkin]
    calendar: list[CalendarDay]
    days_left: int
    reachable: bool


async def of_member(session: AsyncSession, member: Member, camp: Camp) -> Progress:
    """A member's progress as of now; days come from the last complete sync."""
    assessment, today = members.assessment(member), clock.today()
    is_known = rules.has_known_days(member)
    checkins = await repository.days_of_person(session, camp.id, member.planet_user_id or "") if is_known else []
    checked = {checkin.day for checkin in checkins}
    left = rules.days_left(
        starts_on=camp.starts_on, ends_on=camp.ends_on, today=today, is_today_checked=today in checked
    )
    return Progress(
        assessment,
        checkins,
        rules.calendar(
            starts_on=camp.starts_on,
            ends_on=camp.ends_on,
            checked=checked,
            today=today,
            counted_at=member.counted_at if member.days_posts is not None else None,
        ),
        left,
        rules.is_reachable(days=assessment.days, required_days=assessment.required_days, left=left),
    )
