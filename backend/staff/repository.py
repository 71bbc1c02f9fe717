"""Staff and their sessions in SQL."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from backend.core.pagination import Page, PageRequest, fetch_page
from backend.models.camps import CampStaff
from backend.models.staff import Staff, StaffRole, StaffSession


async def by_username(session: AsyncSession, username: str) -> Staff | None:
    statement = select(Staff).where(func.lower(Staff.username) == username.lower(), Staff.deleted_at.is_(None))
    staff: Staff | None = await session.scalar(statement)
    return staff


async def by_id(session: AsyncSession, staff_id: uuid.UUID, *, lock: bool = False) -> Staff | None:
    """A member of staff who wasn't deleted."""
    statement = select(Staff).where(Staff.id == staff_id, Staff.deleted_at.is_(None))
    staff: Staff | None = await session.scalar(statement.with_for_update() if lock else statement)
    return staff


async def live_session(session: AsyncSession, session_id: uuid.UUID, *, at: dt.datetime) -> StaffSession | None:
    """A log-in that still counts, with its person: not revoked, not expired, person active."""
    statement = (
        select(StaffSession)
        .join(StaffSession.staff)
        .options(contains_eager(StaffSession.staff))
        .where(
            StaffSession.id == session_id,
            StaffSession.revoked_at.is_(None),
            StaffSession.expires_at > at,
            Staff.active,
            Staff.deleted_at.is_(None),
        )
    )
    found: StaffSession | None = await session.scalar(statement)
    return found


async def revoke_sessions(
    session: AsyncSession, staff_id: uuid.UUID, *, at: dt.datetime, only: uuid.UUID | None = None
) -> None:
    """End one log-in of a person, or all of them."""
    statement = update(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.revoked_at.is_(None))
    if only is not None:
        statement = statement.where(StaffSession.id == only)
    await session.execute(statement.values(revoked_at=at))


async def camp_ids_of(session: AsyncSession, staff_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """The camps a coach or volunteer is listed in."""
    rows = await session.scalars(select(CampStaff.camp_id).where(CampStaff.staff_id == staff_id))
    return frozenset(rows)


async def active_with_role(session: AsyncSession, ids: Collection[uuid.UUID], role: StaffRole) -> Sequence[Staff]:
    """Those of ``ids`` who are active and have the role."""
    statement = select(Staff).where(Staff.id.in_(ids), Staff.role == role, Staff.active, Staff.deleted_at.is_(None))
    return (await session.scalars(statement)).all()


async def active_super_admins_locked(session: AsyncSession) -> Sequence[Staff]:
    statement = select(Staff).where(Staff.role == StaffRole.SUPER_ADMIN, Staff.active, Staff.deleted_at.is_(None))
    return (await session.scalars(statement.order_by(Staff.id).with_for_update())).all()


async def anybody(session: AsyncSession) -> bool:
    return await session.scalar(select(Staff.id).limit(1)) is not None


async def page(
    session: AsyncSession, request: PageRequest, *, role: StaffRole | None, active: bool | None, q: str | None
) -> Page[Staff]:
    statement = select(Staff).where(Staff.deleted_at.is_(None)).order_by(Staff.created_at.desc(), Staff.id.desc())
    if role is not None:
        statement = statement.where(Staff.role == role)
    if active is not None:
        statement = statement.where(Staff.active == active)
    if q:
        statement = statement.where(
            Staff.username.icontains(q, autoescape=True) | Staff.display_name.icontains(q, autoescape=True)
        )
    return await fetch_page(session, statement, request)
