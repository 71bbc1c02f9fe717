"""SQL queries for planets."""

import uuid
from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import Page, PageRequest, fetch_page
from backend.models.camps import Camp, CampStatus
from backend.models.planets import Planet


async def by_id(session: AsyncSession, planet_id: uuid.UUID, *, lock: bool = False) -> Planet | None:
    planet: Planet | None = await session.get(Planet, planet_id, with_for_update=lock or None, populate_existing=lock)
    return planet


async def page(session: AsyncSession, request: PageRequest, *, q: str | None) -> Page[Planet]:
    statement = select(Planet).order_by(Planet.created_at.desc(), Planet.id.desc())
    if q:
        statement = statement.where(Planet.name.icontains(q, autoescape=True) | Planet.group_id.contains(q))
    return await fetch_page(session, statement, request)


async def has_camps(session: AsyncSession, planet_id: uuid.UUID) -> bool:
    """Whether any camp that isn't deleted uses this planet, in any status."""
    statement = select(exists().where(Camp.planet_id == planet_id, Camp.deleted_at.is_(None)))
    return bool(await session.scalar(statement))


async def ids_in_use(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Ids of planets used by camps that are neither archived nor deleted."""
    used = exists().where(Camp.planet_id == Planet.id, Camp.deleted_at.is_(None), Camp.status != CampStatus.ARCHIVED)
    return (await session.scalars(select(Planet.id).where(used).order_by(Planet.id))).all()


async def names(session: AsyncSession) -> dict[uuid.UUID, str]:
    """Planet id → name, sorted by name."""
    rows = await session.execute(select(Planet.id, Planet.name).order_by(Planet.name, Planet.id))
    return {row.id: row.name for row in rows}
