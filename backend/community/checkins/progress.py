"""A member's progress: the days counted so far and the days that can still be earned."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.checkins import repository, rules
from backend.community.checkins.rules import CalendarDay
from backend.community.eligibility import repository as eligibility
from backend.community.eligibility.offers import Offer, offer_of
from backend.core import clock
from backend.models.camps import Camp
from backend.models.checkins import Checkin
from backend.models.members import Member


@dataclass(frozen=True, slots=True)
class Progress:
    """``checkins`` are the member's days, newest first; empty while the member isn't matched or has no counted days."""

    offer: Offer
    checkins: Sequence[Checkin]
    calendar: list[CalendarDay]
    days_left: int


async def of_member(session: AsyncSession, member: Member, camp: Camp) -> Progress:
    """A member's progress as of now. Days come from the last complete sync."""
    today, deal = clock.today(), offer_of(member, camp)
    is_known = rules.has_known_days(member)
    checkins = await repository.days_of_person(session, camp.id, member.planet_user_id or "") if is_known else []
    granted = (await eligibility.grants(session, [member.id])).get(member.id, {})
    checked = {checkin.day for checkin in checkins}
    calendar = rules.calendar(
        starts_on=camp.starts_on,
        ends_on=camp.ends_on,
        checked=checked,
        today=today,
        counted_at=member.counted_at if member.days_posts is not None else None,
        asked=deal.countable_days,
        granted=granted,
    )
    return Progress(deal, checkins, calendar, deal.days_left(today, done=checked | granted.keys()))
