"""SQL queries for the planet's people and the camp members matched to them or claiming them."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.matching.rules import Person
from backend.core.pagination import Page, PageRequest, fetch_page
from backend.models.checkins import CheckinTotal
from backend.models.members import MatchStatus, Member
from backend.models.planets import PlanetUser


async def people(session: AsyncSession, planet_id: uuid.UUID) -> list[Person]:
    """All known people of the planet, including those who left."""
    columns = select(PlanetUser.user_id, PlanetUser.number, PlanetUser.name, PlanetUser.alias, PlanetUser.listed_number)
    return [Person(*found) for found in await session.execute(columns.where(PlanetUser.planet_id == planet_id))]


async def person(session: AsyncSession, planet_id: uuid.UUID, user_id: str) -> PlanetUser | None:
    found: PlanetUser | None = await session.get(PlanetUser, (planet_id, user_id))
    return found


async def members_locked(session: AsyncSession, camp_id: uuid.UUID) -> Sequence[Member]:
    """All members of a camp, locked in id order."""
    statement = select(Member).where(Member.camp_id == camp_id).order_by(Member.id).with_for_update()
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def camps_of(session: AsyncSession, member_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Camp ids of the given members, in lock order."""
    statement = select(Member.camp_id).where(Member.id.in_(member_ids)).distinct().order_by(Member.camp_id)
    return list(await session.scalars(statement))


async def held_people(session: AsyncSession, camp_id: uuid.UUID) -> set[str]:
    """Planet user ids already matched to a member of the camp."""
    statement = select(Member.planet_user_id).where(
        Member.camp_id == camp_id, Member.status == MatchStatus.MATCHED, Member.planet_user_id.is_not(None)
    )
    return {user_id for user_id in await session.scalars(statement) if user_id is not None}


async def rivals_locked(
    session: AsyncSession, member: Member, *, numbers: Collection[str], person: Person | None
) -> Sequence[Member]:
    """Other members of the camp with a competing claim, locked.

    They typed one of the numbers or have ``person``. If a person is given, CONFLICT and CLOSED members count too.
    """
    claims: ColumnElement[bool] = Member.planet_number.in_(numbers)
    if person is not None:
        undecided = Member.status.in_([MatchStatus.CONFLICT, MatchStatus.CLOSED])
        claims = or_(claims, Member.planet_user_id == person.user_id, undecided)
    statement = select(Member).where(Member.camp_id == member.camp_id, Member.id != member.id, claims)
    return (await session.scalars(statement.order_by(Member.id).with_for_update())).all()


async def holder(
    session: AsyncSession, camp_id: uuid.UUID, planet_user_id: str, *, other_than: uuid.UUID
) -> uuid.UUID | None:
    """Id of another member of the camp who is matched to the person; None if there is none."""
    statement = select(Member.id).where(
        Member.camp_id == camp_id,
        Member.planet_user_id == planet_user_id,
        Member.status == MatchStatus.MATCHED,
        Member.id != other_than,
    )
    return await session.scalar(statement)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person for manual matching. ``taken_by`` is the member already matched to them.

    ``days_ranking`` is None if the camp's ranking doesn't hold them.
    """

    person: PlanetUser
    days_ranking: int | None
    taken_by: uuid.UUID | None


async def candidates(
    session: AsyncSession,
    request: PageRequest,
    *,
    planet_id: uuid.UUID,
    camp_id: uuid.UUID | None,
    q: str | None = None,
    user_ids: Sequence[str] | None = None,
) -> Page[Candidate]:
    """Search the planet's people by name, number or user id.

    Sorted by exact number or id, then days in the camp (most first), then name.
    """
    days = and_(CheckinTotal.camp_id == camp_id, CheckinTotal.planet_user_id == PlanetUser.user_id)
    taken = and_(
        Member.camp_id == camp_id,
        Member.planet_user_id == PlanetUser.user_id,
        Member.status == MatchStatus.MATCHED,
    )
    statement = (
        select(PlanetUser, CheckinTotal.days_ranking, Member.id)
        .outerjoin(CheckinTotal, days)
        .outerjoin(Member, taken)
        .where(PlanetUser.planet_id == planet_id)
        .order_by(CheckinTotal.days_ranking.desc().nulls_last(), PlanetUser.name, PlanetUser.user_id)
    )
    if q:
        names = [column.icontains(q, autoescape=True) for column in (PlanetUser.name, PlanetUser.alias)]
        numbers = [PlanetUser.number == q, PlanetUser.user_id.startswith(q, autoescape=True)]
        exact = case((or_(PlanetUser.number == q, PlanetUser.user_id == q), 0), else_=1)
        statement = (
            statement.where(or_(*names, *numbers))
            .order_by(None)
            .order_by(exact, CheckinTotal.days_ranking.desc().nulls_last(), PlanetUser.name, PlanetUser.user_id)
        )
    if user_ids is not None:
        statement = statement.where(PlanetUser.user_id.in_(user_ids))
    rows = await fetch_page(session, statement, request)
    return rows.map(lambda row: Candidate(*row))
