"""SQL queries for imports, imported days and totals, and the planet's listed members."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, and_, any_, delete, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.pagination import Page, PageRequest, fetch_page
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import Checkin, CheckinSource
from backend.models.imports import Import, ImportedTotal, PlanetMember
from backend.models.planets import PlanetUser
from backend.models.staff import Staff

Day = tuple[str, dt.date]


def _any(texts: Collection[str]) -> ColumnElement[Any]:
    """``= ANY(array)``: a single parameter. ``IN`` with one per value could exceed the driver's parameter limit."""
    return any_(literal(list(texts), ARRAY(String)))


async def directory(
    session: AsyncSession, planet_id: uuid.UUID, numbers: Collection[str]
) -> list[tuple[str, str | None]]:
    """(User id, number) of the planet's people whose user id or number is in ``numbers``."""
    statement = select(PlanetUser.user_id, PlanetUser.number).where(
        PlanetUser.planet_id == planet_id, or_(PlanetUser.user_id == _any(numbers), PlanetUser.number == _any(numbers))
    )
    return [(user_id, number) for user_id, number in await session.execute(statement)]


async def days(session: AsyncSession, camp_id: uuid.UUID) -> dict[Day, CheckinSource]:
    """(Planet user id, day) → source, for all check-in days of a camp."""
    statement = select(Checkin.planet_user_id, Checkin.day, Checkin.source).where(Checkin.camp_id == camp_id)
    return {(user_id, day): source for user_id, day, source in await session.execute(statement)}


async def add_days(session: AsyncSession, camp_id: uuid.UUID, new: Iterable[Day]) -> None:
    rows = [
        {"camp_id": camp_id, "planet_user_id": user_id, "day": day, "excerpt": "", "source": CheckinSource.IMPORT}
        for user_id, day in new
    ]
    if rows:
        await session.execute(insert(Checkin), rows)


async def remove_days(session: AsyncSession, camp_id: uuid.UUID, gone: Sequence[Day]) -> None:
    """Delete imported days. Days read from posts are kept."""
    for part in range(0, len(gone), 1000):
        keys = tuple_(Checkin.planet_user_id, Checkin.day).in_(gone[part : part + 1000])
        imported = and_(Checkin.camp_id == camp_id, Checkin.source == CheckinSource.IMPORT)
        await session.execute(delete(Checkin).where(imported, keys))


async def totals(session: AsyncSession, camp_id: uuid.UUID) -> dict[str, int]:
    statement = select(ImportedTotal.planet_user_id, ImportedTotal.days).where(ImportedTotal.camp_id == camp_id)
    return {row[0]: row[1] for row in await session.execute(statement)}


async def save_totals(
    session: AsyncSession, camp_id: uuid.UUID, new: Mapping[str, int], *, import_id: uuid.UUID
) -> None:
    rows = [
        {"camp_id": camp_id, "planet_user_id": user_id, "days": number, "import_id": import_id}
        for user_id, number in new.items()
    ]
    if rows:
        statement = insert(ImportedTotal)
        newer = {name: statement.excluded[name] for name in ("days", "import_id")}
        await session.execute(
            statement.on_conflict_do_update(index_elements=["camp_id", "planet_user_id"], set_=newer), rows
        )


async def remove_totals(session: AsyncSession, camp_id: uuid.UUID, user_ids: Collection[str]) -> None:
    gone = ImportedTotal.planet_user_id == _any(user_ids)
    await session.execute(delete(ImportedTotal).where(ImportedTotal.camp_id == camp_id, gone))


async def same_today(
    session: AsyncSession, *, planet_id: uuid.UUID, camp_id: uuid.UUID | None, sha256: str, whole: bool
) -> uuid.UUID | None:
    """Id of today's latest import of the same sheet; None if there is none."""
    statement = select(Import.id).where(
        Import.planet_id == planet_id,
        Import.camp_id.is_not_distinct_from(camp_id),
        Import.sha256 == sha256,
        Import.whole == whole,
        Import.created_at >= clock.day_start(clock.today()),
    )
    return (await session.scalars(statement.order_by(Import.created_at.desc()).limit(1))).first()


async def imports_page(
    session: AsyncSession, request: PageRequest, *, planet_id: uuid.UUID | None, camp_id: uuid.UUID | None
) -> Page[tuple[Import, str]]:
    """(Import, importer's name), newest first: imports of a camp, or of planet members if ``camp_id`` is None."""
    statement = (
        select(Import, Staff.display_name)
        .join(Staff, Staff.id == Import.created_by)
        .where(Import.planet_id == planet_id, Import.camp_id.is_not_distinct_from(camp_id))
        .order_by(Import.created_at.desc(), Import.id.desc())
    )
    return (await fetch_page(session, statement, request)).map(lambda row: (row[0], row[1]))


async def live_camps(session: AsyncSession, planet_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """Ids of the planet's camps that are neither archived nor deleted, in lock order."""
    statement = select(Camp.id).where(
        Camp.planet_id == planet_id, Camp.deleted_at.is_(None), Camp.status != CampStatus.ARCHIVED
    )
    return (await session.scalars(statement.order_by(Camp.id))).all()


async def listed(session: AsyncSession, planet_id: uuid.UUID) -> dict[str, PlanetMember]:
    """The planet's listed members by number, reloaded from the database."""
    statement = select(PlanetMember).where(PlanetMember.planet_id == planet_id)
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return {member.number: member for member in found}


async def save_listed(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Upsert listed members; all columns of ``rows`` are overwritten."""
    if rows:
        statement = insert(PlanetMember)
        newer = {name: statement.excluded[name] for name in rows[0] if name not in ("planet_id", "number")}
        await session.execute(statement.on_conflict_do_update(index_elements=["planet_id", "number"], set_=newer), rows)


async def people(session: AsyncSession, planet_id: uuid.UUID) -> dict[str, PlanetUser]:
    """The planet's known people by user id, reloaded from the database."""
    statement = select(PlanetUser).where(PlanetUser.planet_id == planet_id)
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return {person.user_id: person for person in found}


async def listed_page(
    session: AsyncSession, request: PageRequest, *, planet_id: uuid.UUID, left: bool | None, q: str | None
) -> Page[PlanetMember]:
    """Listed members by number. ``q`` matches part of a name, or the start of a number or user id."""
    statement = select(PlanetMember).where(PlanetMember.planet_id == planet_id)
    if left is not None:
        statement = statement.where(PlanetMember.left == left)
    if q:
        names = (
            PlanetMember.nickname,
            PlanetMember.wechat_nickname,
            PlanetMember.card_nickname,
            PlanetMember.remark_nickname,
        )
        numbers = (PlanetMember.number, PlanetMember.user_id)
        statement = statement.where(
            or_(
                *(each.icontains(q, autoescape=True) for each in names),
                *(each.startswith(q, autoescape=True) for each in numbers),
            )
        )
    by_number = (func.length(PlanetMember.number), PlanetMember.number)
    return await fetch_page(session, statement.order_by(*by_number), request)
