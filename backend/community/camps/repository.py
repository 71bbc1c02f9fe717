"""SQL queries for camps, with the counts that lists and pages show."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from backend.core.pagination import Page, PageRequest, fetch_page
from backend.models.camps import Camp, CampStaff, CampStaffKind, CampStatus
from backend.models.checkins import SyncRun, SyncStatus
from backend.models.history import StateChange
from backend.models.members import Member
from backend.models.payments import Payment, PaymentStatus
from backend.models.staff import Staff, StaffRole
from backend.models.uploads import Upload

_ARCHIVED = CampStatus.ARCHIVED


@dataclass(frozen=True, slots=True)
class CampRow:
    """A camp with its counts. ``pending_orders`` hold seats too. ``paid_fen``: the sum of its paid orders."""

    camp: Camp
    enrolled: int
    pending_orders: int
    paid_fen: int
    group_qr_uploaded_at: dt.datetime | None

    @property
    def taken(self) -> int:
        return self.enrolled + self.pending_orders

    @property
    def places_left(self) -> int:
        return max(0, self.camp.capacity - self.taken)


async def by_id(session: AsyncSession, camp_id: uuid.UUID, *, lock: bool = False) -> Camp | None:
    """A camp that isn't deleted, else None. With ``lock`` it is reloaded and locked until the transaction ends."""
    statement = select(Camp).where(Camp.id == camp_id, Camp.deleted_at.is_(None))
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    camp: Camp | None = await session.scalar(statement)
    return camp


def _rows() -> Select[Any]:
    enrolled = select(func.count()).where(Member.camp_id == Camp.id).correlate(Camp).scalar_subquery()
    of_camp = select(func.count()).select_from(Payment).where(Payment.camp_id == Camp.id).correlate(Camp)
    pending = of_camp.where(Payment.status == PaymentStatus.PENDING).scalar_subquery()
    paid = (
        select(func.coalesce(func.sum(Payment.amount_fen), 0))
        .where(Payment.camp_id == Camp.id, Payment.status == PaymentStatus.PAID)
        .correlate(Camp)
        .scalar_subquery()
    )
    return (
        select(Camp, enrolled, pending, paid, Upload.created_at)
        .outerjoin(Upload, Upload.key == Camp.group_qr_key)
        .where(Camp.deleted_at.is_(None))
    )


def _row(columns: Any) -> CampRow:
    camp, enrolled, pending, paid, uploaded_at = columns
    return CampRow(camp, enrolled, pending, int(paid), uploaded_at)


async def row(session: AsyncSession, camp_id: uuid.UUID) -> CampRow | None:
    columns = (await session.execute(_rows().where(Camp.id == camp_id))).one_or_none()
    return _row(columns) if columns is not None else None


async def page(
    session: AsyncSession,
    request: PageRequest,
    *,
    camp_ids: Collection[uuid.UUID] | None = None,
    status: Collection[CampStatus] = (),
    planet_id: uuid.UUID | None = None,
    starts_from: dt.date | None = None,
    starts_to: dt.date | None = None,
    q: str | None = None,
) -> Page[CampRow]:
    """Camps, newest first. ``camp_ids``: the viewer's scope; None means all. An empty ``status`` means any."""
    statement = _rows().order_by(Camp.created_at.desc(), Camp.id.desc())
    if camp_ids is not None:
        statement = statement.where(Camp.id.in_(camp_ids))
    if status:
        statement = statement.where(Camp.status.in_(status))
    if planet_id is not None:
        statement = statement.where(Camp.planet_id == planet_id)
    if starts_from is not None:
        statement = statement.where(Camp.starts_on >= starts_from)
    if starts_to is not None:
        statement = statement.where(Camp.starts_on <= starts_to)
    if q:
        statement = statement.where(Camp.name.icontains(q, autoescape=True))
    found = await fetch_page(session, statement, request)
    return found.map(_row)


async def staff_of(
    session: AsyncSession, camp_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[CampStaffKind, Staff]]]:
    """Coaches and volunteers of each camp, ordered by name."""
    statement = (
        select(CampStaff.camp_id, CampStaff.kind, Staff)
        .join(Staff, Staff.id == CampStaff.staff_id)
        .where(CampStaff.camp_id.in_(camp_ids))
        .order_by(Staff.display_name, Staff.id)
    )
    found: dict[uuid.UUID, list[tuple[CampStaffKind, Staff]]] = {camp_id: [] for camp_id in camp_ids}
    for camp_id, kind, staff in await session.execute(statement):
        found[camp_id].append((kind, staff))
    return found


async def assignments(session: AsyncSession, camp_id: uuid.UUID) -> Sequence[CampStaff]:
    return (await session.scalars(select(CampStaff).where(CampStaff.camp_id == camp_id))).all()


async def listings(session: AsyncSession, staff_id: uuid.UUID) -> dict[uuid.UUID, set[CampStaffKind]]:
    """The camps that a person is assigned to, except archived ones, with the kinds of assignment."""
    statement = select(CampStaff).join(Camp, Camp.id == CampStaff.camp_id)
    statement = statement.where(CampStaff.staff_id == staff_id, Camp.deleted_at.is_(None), Camp.status != _ARCHIVED)
    found: dict[uuid.UUID, set[CampStaffKind]] = {}
    for row in await session.scalars(statement):
        found.setdefault(row.camp_id, set()).add(row.kind)
    return found


async def camps_of_staff(
    session: AsyncSession, staff_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[CampStaffKind, Camp]]]:
    """The camps that each person is assigned to, except archived ones, newest first."""
    statement = (
        select(CampStaff.staff_id, CampStaff.kind, Camp)
        .join(Camp, Camp.id == CampStaff.camp_id)
        .where(CampStaff.staff_id.in_(staff_ids), Camp.deleted_at.is_(None), Camp.status != _ARCHIVED)
        .order_by(Camp.created_at.desc(), Camp.id.desc())
    )
    found: dict[uuid.UUID, list[tuple[CampStaffKind, Camp]]] = {staff_id: [] for staff_id in staff_ids}
    for staff_id, kind, camp in await session.execute(statement):
        found[staff_id].append((kind, camp))
    return found


async def only_coach_in(
    session: AsyncSession, staff_ids: Collection[uuid.UUID]
) -> frozenset[tuple[uuid.UUID, uuid.UUID]]:
    """Pairs of staff id and camp id, for each published camp without another active coach."""
    other, other_person = aliased(CampStaff), aliased(Staff)
    another = exists().where(
        other.camp_id == CampStaff.camp_id,
        other.kind == CampStaffKind.COACH,
        other.staff_id != CampStaff.staff_id,
        other_person.id == other.staff_id,
        other_person.role == StaffRole.COACH,
        other_person.active,
        other_person.deleted_at.is_(None),
    )
    statement = (
        select(CampStaff.staff_id, CampStaff.camp_id)
        .join(Camp, Camp.id == CampStaff.camp_id)
        .where(
            CampStaff.staff_id.in_(staff_ids),
            CampStaff.kind == CampStaffKind.COACH,
            Camp.deleted_at.is_(None),
            Camp.status.not_in((CampStatus.DRAFT, _ARCHIVED)),
            ~another,
        )
    )
    return frozenset((staff_id, camp_id) for staff_id, camp_id in await session.execute(statement))


async def active_coaches(session: AsyncSession, camp_id: uuid.UUID) -> int:
    statement = (
        select(func.count())
        .select_from(CampStaff)
        .join(Staff, Staff.id == CampStaff.staff_id)
        .where(
            CampStaff.camp_id == camp_id,
            CampStaff.kind == CampStaffKind.COACH,
            Staff.role == StaffRole.COACH,
            Staff.active,
            Staff.deleted_at.is_(None),
        )
    )
    return await session.scalar(statement) or 0


async def has_payments(session: AsyncSession, camp_id: uuid.UUID) -> bool:
    """Whether anybody ever ordered a place. This covers members too: each has an order."""
    return bool(await session.scalar(select(exists().where(Payment.camp_id == camp_id))))


async def ids_to_move(session: AsyncSession, today: dt.date) -> Sequence[uuid.UUID]:
    """Ids of the camps whose state lags behind the date."""
    starts = (Camp.status == CampStatus.ENROLLING) & (Camp.starts_on <= today)
    ends = (Camp.status == CampStatus.ONGOING) & (Camp.ends_on < today)
    statement = select(Camp.id).where(or_(starts, ends), Camp.deleted_at.is_(None)).order_by(Camp.id)
    return (await session.scalars(statement)).all()


async def history(session: AsyncSession, camp_id: uuid.UUID) -> Sequence[tuple[StateChange, str | None]]:
    """The camp's state changes, oldest first, each with the name of the staff who made it (None without one)."""
    statement = (
        select(StateChange, Staff.display_name)
        .outerjoin(Staff, Staff.id == StateChange.actor_id)
        .where(StateChange.entity == Camp.__tablename__, StateChange.entity_id == camp_id)
        .order_by(StateChange.created_at, StateChange.id)
    )
    return [(change, name) for change, name in await session.execute(statement)]


async def posts_were_read(session: AsyncSession, planet_id: uuid.UUID | None) -> bool:
    """Whether a sync of any camp on the planet ever read the posts to the end."""
    statement = select(SyncRun.id).join(Camp, Camp.id == SyncRun.camp_id)
    read = and_(Camp.planet_id == planet_id, SyncRun.status == SyncStatus.COMPLETE, SyncRun.posts_read)
    return await session.scalar(statement.where(read).limit(1)) is not None
