"""Queries for staff and their sessions."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager

from backend.core.pagination import Page, PageRequest, fetch_page
from backend.models.camps import CampStaff
from backend.models.staff import LoginGuard, Staff, StaffRole, StaffSession
from backend.office.staff.rules import NAME_SUBJECT


async def by_username(session: AsyncSession, username: str) -> Staff | None:
    statement = select(Staff).where(func.lower(Staff.username) == username.lower(), Staff.deleted_at.is_(None))
    staff: Staff | None = await session.scalar(statement)
    return staff


async def by_id(session: AsyncSession, staff_id: uuid.UUID, *, lock: bool = False) -> Staff | None:
    """A staff member who isn't deleted; None if there is none."""
    statement = select(Staff).where(Staff.id == staff_id, Staff.deleted_at.is_(None))
    staff: Staff | None = await session.scalar(statement.with_for_update() if lock else statement)
    return staff


async def live_session(session: AsyncSession, session_id: uuid.UUID, *, at: dt.datetime) -> StaffSession | None:
    """A valid session with its staff loaded; None if it is revoked or expired, or its staff inactive or deleted."""
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
    """End all sessions of a staff member, or ``only`` one."""
    statement = update(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.revoked_at.is_(None))
    if only is not None:
        statement = statement.where(StaffSession.id == only)
    await session.execute(statement.values(revoked_at=at))


async def camp_ids_of(session: AsyncSession, staff_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """The camps that a coach or volunteer is assigned to."""
    rows = await session.scalars(select(CampStaff.camp_id).where(CampStaff.staff_id == staff_id))
    return frozenset(rows)


async def names(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Display names by id, including deleted staff."""
    rows = await session.execute(select(Staff.id, Staff.display_name).where(Staff.id.in_(ids)))
    return {row.id: row[1] for row in rows}


async def active_with_role(session: AsyncSession, ids: Collection[uuid.UUID], role: StaffRole) -> Sequence[Staff]:
    """The active staff among ``ids`` who have the role."""
    statement = select(Staff).where(Staff.id.in_(ids), Staff.role == role, Staff.active, Staff.deleted_at.is_(None))
    return (await session.scalars(statement)).all()


async def active_super_admins_locked(session: AsyncSession) -> Sequence[Staff]:
    statement = select(Staff).where(Staff.role == StaffRole.SUPER_ADMIN, Staff.active, Staff.deleted_at.is_(None))
    return (await session.scalars(statement.order_by(Staff.id).with_for_update())).all()


async def guards_locked(session: AsyncSession, subjects: Collection[str], *, at: dt.datetime) -> dict[str, LoginGuard]:
    """The guard of each subject, created if missing. Locked until the transaction ends."""
    # Lock in sorted order, so that two log-ins from one address can't deadlock.
    values = [{"subject": subject, "failures": [], "updated_at": at} for subject in sorted(subjects)]
    statement = insert(LoginGuard).values(values)
    statement = statement.on_conflict_do_update(index_elements=["subject"], set_={"updated_at": at})
    rows = await session.scalars(statement.returning(LoginGuard), execution_options={"populate_existing": True})
    return {row.subject: row for row in rows}


async def locks(session: AsyncSession, subjects: Collection[str], *, at: dt.datetime) -> dict[str, dt.datetime]:
    """The end of the lock for each subject that is locked at ``at``."""
    statement = select(LoginGuard.subject, LoginGuard.locked_until)
    rows = await session.execute(statement.where(LoginGuard.subject.in_(subjects), LoginGuard.locked_until > at))
    return {subject: until for subject, until in rows if until is not None}


async def anybody(session: AsyncSession) -> bool:
    return await session.scalar(select(Staff.id).limit(1)) is not None


@dataclass(frozen=True, slots=True)
class StaffFilter:
    """Selects accounts. ``locked_at``: only accounts locked at this instant."""

    role: StaffRole | None = None
    active: bool | None = None
    locked_at: dt.datetime | None = None
    q: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        yield Staff.deleted_at.is_(None)
        if self.role is not None:
            yield Staff.role == self.role
        if self.active is not None:
            yield Staff.active == self.active
        if self.locked_at is not None:
            subject = NAME_SUBJECT + func.lower(Staff.username)
            yield exists().where(LoginGuard.subject == subject, LoginGuard.locked_until > self.locked_at)
        if self.q:
            columns = (Staff.username, Staff.display_name)
            yield or_(*(column.icontains(self.q, autoescape=True) for column in columns))


async def page(session: AsyncSession, request: PageRequest, wanted: StaffFilter) -> Page[Staff]:
    """One page of accounts, newest first."""
    statement = select(Staff).where(*wanted.conditions()).order_by(Staff.created_at.desc(), Staff.id.desc())
    return await fetch_page(session, statement, request)
