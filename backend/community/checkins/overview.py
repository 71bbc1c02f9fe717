"""A camp's check-ins by day and by member, for the console. Read-only."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.checkins import repository, rules
from backend.community.checkins.rules import CalendarDay
from backend.community.eligibility import repository as eligibility
from backend.community.eligibility.offers import offer_of
from backend.core import clock
from backend.core.errors import NotFound
from backend.core.pagination import Page, PageRequest, fetch_keys
from backend.models.camps import Camp
from backend.models.checkins import Checkin
from backend.models.grants import GrantKind
from backend.models.members import MatchStatus, Member


@dataclass(frozen=True, slots=True)
class DayFigures:
    """How many of ``members`` checked in on a day. ``counted``: a complete sync ran after the day's end."""

    day: dt.date
    posted: int
    members: int
    counted: bool

    @property
    def rate(self) -> float | None:
        """Posted ÷ enrolled; None if there are no members."""
        return self.posted / self.members if self.members else None


@dataclass(frozen=True, slots=True)
class DayList:
    """Members who checked in and who didn't. It is unknown for ``unmatched`` members."""

    figures: DayFigures
    posted: Sequence[tuple[Member, Checkin]]
    missing: Sequence[Member]
    unmatched: Sequence[Member]


@dataclass(frozen=True, slots=True)
class Place:
    """A member's rank by days (equal days, equal rank), with one calendar day for each day of the camp."""

    rank: int
    member: Member
    last_posted_at: dt.datetime | None
    calendar: Sequence[CalendarDay]

    @property
    def rate(self) -> float | None:
        """Days ÷ required days; can exceed 1. None if the required days are 0 or unknown."""
        return self.member.days / self.member.required_days if self.member.required_days else None


def _is_counted(camp: Camp, day: dt.date) -> bool:
    return camp.last_complete_sync_at is not None and day < clock.day_of(camp.last_complete_sync_at)


async def days(session: AsyncSession, camp: Camp) -> list[DayFigures]:
    """Figures of every camp day that has begun, oldest first."""
    everybody = select(func.count()).select_from(Member).where(Member.camp_id == camp.id)
    enrolled = await session.scalar(everybody) or 0
    per_day = await repository.members_per_day(session, camp.id)
    begun = rules.days_until(starts_on=camp.starts_on, ends_on=camp.ends_on, today=clock.today())
    return [DayFigures(day, per_day.get(day, 0), enrolled, _is_counted(camp, day)) for day in begun]


async def day(session: AsyncSession, camp: Camp, wanted: dt.date) -> DayList:
    """Who checked in on one day, sorted by name. Raises NotFound for a day outside the camp's dates."""
    if not camp.starts_on <= wanted <= camp.ends_on:
        raise NotFound("这一天不在营期内")
    same = and_(
        Checkin.camp_id == Member.camp_id, Checkin.planet_user_id == Member.planet_user_id, Checkin.day == wanted
    )
    statement = select(Member, Checkin).outerjoin(Checkin, and_(same, Member.status == MatchStatus.MATCHED))
    found = (
        await session.execute(statement.where(Member.camp_id == camp.id).order_by(Member.planet_nickname, Member.id))
    ).all()
    posted = [(member, checkin) for member, checkin in found if checkin is not None]
    absent = [member for member, checkin in found if checkin is None]
    return DayList(
        figures=DayFigures(wanted, len(posted), len(found), _is_counted(camp, wanted)),
        posted=posted,
        missing=[member for member in absent if member.status is MatchStatus.MATCHED],
        unmatched=[member for member in absent if member.status is not MatchStatus.MATCHED],
    )


async def ranking(session: AsyncSession, camp: Camp, request: PageRequest, *, q: str | None) -> Page[Place]:
    """Members by days, most first. ``q`` matches part of a typed name or number; ranks are within the whole camp."""
    typed = (Member.planet_nickname, Member.wechat_nickname, Member.planet_number)
    rank = func.rank().over(order_by=Member.days.desc()).label("rank")
    # Rank in a subquery, before the search filter. Otherwise ranks would be relative to the search result.
    ranked = select(Member.id, rank, *typed).where(Member.camp_id == camp.id).subquery().c
    keys = select(ranked.id, ranked.rank).order_by(ranked.rank, ranked.planet_nickname, ranked.id)
    if q:
        keys = keys.where(or_(*(ranked[column.key].icontains(q, autoescape=True) for column in typed)))
    found = await fetch_keys(session, keys, request)
    rows = await session.scalars(select(Member).where(Member.id.in_([member_id for member_id, _ in found.items])))
    by_id = {member.id: member for member in rows}
    checkins = await _checkins_of(session, camp.id, list(by_id.values()))
    granted = await eligibility.grants(session, list(by_id))
    return found.map(lambda key: _place(camp, by_id[key[0]], key[1], checkins, granted.get(key[0], {})))


async def _checkins_of(session: AsyncSession, camp_id: uuid.UUID, some: Sequence[Member]) -> dict[str, list[Checkin]]:
    """Planet user id → check-ins, for members whose days are known."""
    known = [member.planet_user_id for member in some if rules.has_known_days(member)]
    statement = select(Checkin).where(Checkin.camp_id == camp_id, Checkin.planet_user_id.in_(known))
    found: dict[str, list[Checkin]] = {}
    for checkin in await session.scalars(statement):
        found.setdefault(checkin.planet_user_id, []).append(checkin)
    return found


def _place(
    camp: Camp,
    member: Member,
    rank: int,
    by_person: Mapping[str, Sequence[Checkin]],
    granted: Mapping[dt.date, GrantKind],
) -> Place:
    checkins = by_person.get(member.planet_user_id or "", ())
    calendar = rules.calendar(
        starts_on=camp.starts_on,
        ends_on=camp.ends_on,
        checked={checkin.day for checkin in checkins},
        today=clock.today(),
        counted_at=member.counted_at if member.days_posts is not None else None,
        asked=offer_of(member, camp).countable_days,
        granted=granted,
    )
    instants = [checkin.posted_at for checkin in checkins if checkin.posted_at is not None]
    return Place(rank, member, max(instants, default=None), calendar)
