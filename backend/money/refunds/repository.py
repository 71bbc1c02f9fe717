"""Queries and locks for refunds. Lock order: camp, payment, member, refund."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Select,
    SQLColumnExpression,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from backend.models.camps import Camp, CampStatus
from backend.models.checkins import SyncRun
from backend.models.imports import Import
from backend.models.ledger import Account, LedgerEntry, LedgerTransaction, Movement
from backend.models.members import MatchStatus, Member, Verdict
from backend.models.payments import Payment
from backend.models.refunds import IN_FLIGHT, Refund, RefundHold, RefundKind, RefundStatus
from backend.money.refunds.evidence import Held

T = TypeVar("T")

# Refunds in these states reserve none of the paid amount.
_RELEASED = (RefundStatus.REJECTED, RefundStatus.CLOSED)
# Approved, without a final state from the provider.
_AT_PROVIDER = (RefundStatus.APPROVED, RefundStatus.SENDING, RefundStatus.PROCESSING, RefundStatus.FAILED)


async def _share_camps(session: AsyncSession, camp_ids: Collection[uuid.UUID]) -> None:
    """Take a shared lock on camps, which excludes list generation and archiving (they lock the camp exclusively).

    Everything that creates or moves a refund calls this first, so that no refund of a camp changes while its
    exclusive lock is held. Waiting for that lock only later, through a row that references the camp, could deadlock.
    """
    statement = select(Camp.id).where(Camp.id.in_(camp_ids)).order_by(Camp.id)
    await session.execute(statement.with_for_update(read=True))


async def lock_payment(session: AsyncSession, payment: Payment) -> None:
    """Lock a payment without reloading it, so that the caller's changes on the object stay."""
    await _share_camps(session, [payment.camp_id])
    statement = select(Payment.id).where(Payment.id == payment.id)
    # FOR NO KEY UPDATE: FOR UPDATE would also block inserts of rows that only reference the payment.
    await session.execute(statement.with_for_update(key_share=True))


def _succeeded_fen(payment_id: Any) -> ScalarSelect[int]:
    other = aliased(Refund)
    # PostgreSQL sums bigints to a numeric; without the cast, the API would return it as text.
    return (
        select(func.coalesce(cast(func.sum(other.amount_fen), BigInteger), 0))
        .where(other.payment_id == payment_id, other.status == RefundStatus.SUCCEEDED)
        .scalar_subquery()
    )


FOLLOWS = and_(Refund.kind == RefundKind.CAMP, Refund.status == RefundStatus.PENDING_REVIEW)
# What a refund pays now: in review, a deposit's refund pays what its member is still entitled to (``_OWED``). Any other
# pays its own amount.
_OWED = (
    select(func.greatest(Member.entitled_fen - _succeeded_fen(Member.payment_id), 0))
    .where(Member.id == Refund.member_id)
    # Refund only: in a statement that joins members, SQLAlchemy would also correlate Member and leave no FROM clause.
    .correlate(Refund)
    .scalar_subquery()
)
AMOUNT = case((FOLLOWS, func.coalesce(_OWED, Refund.amount_fen)), else_=Refund.amount_fen)


async def locked(session: AsyncSession, where: ColumnElement[bool]) -> tuple[Refund, Payment] | None:
    """Lock one refund and its payment. None if no refund matches."""
    row = (await session.execute(select(Refund.camp_id, Refund.payment_id).where(where))).one_or_none()
    if row is None:
        return None
    await _share_camps(session, [row.camp_id])
    payment = (await session.scalars(_held(select(Payment).where(Payment.id == row.payment_id)))).one()
    refund = (await session.scalars(_held(select(Refund).where(where)))).one()
    return refund, payment


async def lock_for_review(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Held]:
    """Lock refunds with their members, by refund id. The fixed order prevents a deadlock of two reviewers.

    Changing what a member is entitled to needs the camp's lock, so evidence and amount can't change either.
    """
    columns = (Refund.camp_id, Refund.member_id, Refund.payment_id)
    rows = (await session.execute(select(*columns).where(Refund.id.in_(ids)))).all()
    await _share_camps(session, {row.camp_id for row in rows})
    paid = select(Payment.id).where(Payment.id.in_({row.payment_id for row in rows})).order_by(Payment.id)
    await session.execute(paid.with_for_update(key_share=True))
    wanted = {row.member_id for row in rows if row.member_id is not None}
    members = {
        member.id: member
        for member in await session.scalars(_held(select(Member).where(Member.id.in_(wanted)).order_by(Member.id)))
    }
    refunds = (await session.scalars(_held(select(Refund).where(Refund.id.in_(ids)).order_by(Refund.id)))).all()
    amounts = {
        refund_id: int(fen)
        for refund_id, fen in await session.execute(select(Refund.id, AMOUNT).where(Refund.id.in_(ids)))
    }
    return {
        row.id: Held(row, members.get(row.member_id) if row.member_id else None, amounts[row.id]) for row in refunds
    }


async def lock_payment_of(session: AsyncSession, refund_id: uuid.UUID) -> Payment | None:
    """Lock a refund's payment. Call it before locking the refund. None for an unknown refund."""
    row = (await session.execute(select(Refund.camp_id, Refund.payment_id).where(Refund.id == refund_id))).one_or_none()
    if row is None:
        return None
    await _share_camps(session, [row.camp_id])
    return (await session.scalars(_held(select(Payment).where(Payment.id == row.payment_id)))).one()


async def load_payments(
    session: AsyncSession, refunds: Collection[Refund]
) -> tuple[dict[uuid.UUID, Payment], list[Camp | Member]]:
    """Load the payments (by id), camps and members of refunds."""
    payments = await session.scalars(select(Payment).where(Payment.id.in_({row.payment_id for row in refunds})))
    camps = await session.scalars(select(Camp).where(Camp.id.in_({row.camp_id for row in refunds})))
    member_ids = {row.member_id for row in refunds if row.member_id is not None}
    members = await session.scalars(select(Member).where(Member.id.in_(member_ids)))
    return {payment.id: payment for payment in payments}, [*camps, *members]


def _held(statement: Select[T]) -> Select[T]:
    return statement.with_for_update(key_share=True).execution_options(populate_existing=True)


async def reserved_fen(session: AsyncSession, payment_id: uuid.UUID) -> int:
    """The sum in fen that refunds of a payment have paid back, or still may."""
    statement = select(func.coalesce(func.sum(Refund.amount_fen), 0))
    statement = statement.where(Refund.payment_id == payment_id, Refund.status.not_in(_RELEASED))
    return int(await session.scalar(statement) or 0)


async def has_in_flight(session: AsyncSession, payment_id: uuid.UUID) -> bool:
    """Whether a refund of the payment is unfinished, from review on. A failed one counts, a rejected one doesn't."""
    statement = select(Refund.id).where(Refund.payment_id == payment_id, Refund.status.in_(IN_FLIGHT))
    return await session.scalar(statement) is not None


async def is_kept(session: AsyncSession, payment_id: uuid.UUID) -> bool:
    """Whether the rest of a payment was booked as income when its camp was archived, or after."""
    statement = select(LedgerTransaction.id).where(
        LedgerTransaction.payment_id == payment_id, LedgerTransaction.movement == Movement.KEPT
    )
    return await session.scalar(statement) is not None


async def open_elsewhere(session: AsyncSession, *, mch_id: str, app_id: str) -> bool:
    """Whether an approved, unfinished refund belongs to an order of another merchant or account."""
    elsewhere = or_(Payment.mch_id != mch_id, Payment.app_id != app_id)
    statement = select(Refund.id).join(Payment, Payment.id == Refund.payment_id)
    return await session.scalar(statement.where(Refund.status.in_(_AT_PROVIDER), elsewhere).limit(1)) is not None


async def open_hold(session: AsyncSession, *, lock: bool = False) -> RefundHold | None:
    """The open hold, which stops the sending of all refunds. None if there is none."""
    statement = select(RefundHold).where(RefundHold.ended_at.is_(None))
    return (await session.scalars(_held(statement) if lock else statement)).one_or_none()


async def lock_due(
    session: AsyncSession, *, now: datetime, approved_before: datetime, limit: int
) -> list[tuple[Refund, Payment]]:
    """Lock the refunds to send now, with their payments. Oldest approval first."""
    due = or_(
        and_(Refund.status == RefundStatus.APPROVED, Refund.reviewed_at <= approved_before),
        and_(Refund.status == RefundStatus.SENDING, Refund.next_attempt_at <= now),
    )
    found = (
        select(Refund.id, Refund.payment_id, Refund.camp_id)
        .where(due)
        .order_by(Refund.reviewed_at, Refund.id)
        .limit(limit)
    )
    rows = (await session.execute(found)).all()
    if not rows:
        return []
    await _share_camps(session, {row.camp_id for row in rows})
    payment_ids = [row.payment_id for row in rows]
    payments = await session.scalars(_held(select(Payment).where(Payment.id.in_(payment_ids)).order_by(Payment.id)))
    by_id = {payment.id: payment for payment in payments}
    # Check ``due`` again under the lock: a notification may have settled one meanwhile, or a person undone it. Lock in
    # the order of ``lock_for_review``, or the two could deadlock.
    order = [row.id for row in rows]
    again = select(Refund).where(Refund.id.in_(order), due).order_by(Refund.id)
    refunds = sorted(await session.scalars(_held(again)), key=lambda refund: order.index(refund.id))
    return [(refund, by_id[refund.payment_id]) for refund in refunds]


async def next_approved(session: AsyncSession, *, approved_after: datetime) -> datetime | None:
    """The earliest approval time after ``approved_after`` of a refund not sent yet. None if there is none."""
    return await session.scalar(
        select(func.min(Refund.reviewed_at)).where(
            Refund.status == RefundStatus.APPROVED, Refund.reviewed_at > approved_after
        )
    )


async def lock_to_query(session: AsyncSession, *, now: datetime, limit: int) -> list[tuple[Refund, str]]:
    """Lock accepted refunds that are due for a query, each with its merchant. Skips rows that another worker holds."""
    statement = (
        select(Refund, Payment.mch_id)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.status == RefundStatus.PROCESSING, Refund.next_attempt_at <= now)
        .order_by(Refund.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Refund)
    )
    return [(refund, mch_id) for refund, mch_id in await session.execute(statement)]


async def merchant_of(session: AsyncSession, refund: Refund) -> str:
    """The merchant that took the payment. Only that one can refund it."""
    return (await session.get_one(Payment, refund.payment_id)).mch_id


async def camps_to_settle(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Camps that are over and not archived."""
    statement = select(Camp.id).where(
        Camp.status.in_([CampStatus.ENDED, CampStatus.SETTLING]), Camp.deleted_at.is_(None)
    )
    return (await session.scalars(statement.order_by(Camp.ends_on, Camp.id))).all()


async def syncs_since(session: AsyncSession, camp_id: uuid.UUID, since: datetime) -> Sequence[SyncRun]:
    """Sync runs of a camp that began at or after ``since``, newest first."""
    statement = select(SyncRun).where(SyncRun.camp_id == camp_id, SyncRun.started_at >= since)
    return (await session.scalars(statement.order_by(SyncRun.started_at.desc(), SyncRun.id.desc()))).all()


async def has_whole_sheet_since(session: AsyncSession, camp_id: uuid.UUID, since: datetime) -> bool:
    """Whether a sheet of all members' days was imported at or after ``since``."""
    found = exists().where(Import.camp_id == camp_id, Import.whole, Import.created_at >= since)
    return bool(await session.scalar(select(found)))


@dataclass(frozen=True, slots=True)
class Entitled:
    """The member's columns that list generation reads."""

    id: uuid.UUID
    payment_id: uuid.UUID
    match_status: MatchStatus
    verdict: Verdict | None
    entitled_fen: int


async def entitled_of(session: AsyncSession, camp_id: uuid.UUID) -> list[Entitled]:
    """All members of a camp, read from the database, in the order of payment."""
    columns = (Member.id, Member.payment_id, Member.status, Member.verdict, Member.entitled_fen)
    statement = select(*columns).where(Member.camp_id == camp_id).order_by(Member.paid_at, Member.id)
    return [Entitled(*row) for row in await session.execute(statement)]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The refund's columns that list generation reads."""

    id: uuid.UUID
    kind: RefundKind
    status: RefundStatus
    amount_fen: int
    listed_verdict: Verdict | None


async def earlier_refunds(session: AsyncSession, camp_id: uuid.UUID) -> dict[uuid.UUID, list[Earlier]]:
    """A camp's refunds by payment id, read from the database, oldest first."""
    columns = (Refund.payment_id, Refund.id, Refund.kind, Refund.status, Refund.amount_fen, Refund.listed_verdict)
    statement = select(*columns).where(Refund.camp_id == camp_id).order_by(Refund.created_at, Refund.id)
    found: dict[uuid.UUID, list[Earlier]] = {}
    for row in await session.execute(statement):
        found.setdefault(row[0], []).append(Earlier(*row[1:]))
    return found


async def note_listed(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Store the listed amount and verdict of waiting refunds. Keys of a row: ``refund_id``, ``fen``, ``listed``."""
    if rows:
        statement = update(Refund.__table__).where(Refund.id == bindparam("refund_id"))  # type: ignore[arg-type] # a Table
        connection = await session.connection()
        await connection.execute(
            statement.values(amount_fen=bindparam("fen"), listed_verdict=bindparam("listed")), rows
        )


async def members_of(session: AsyncSession, camp_id: uuid.UUID) -> Sequence[Member]:
    """All members of a camp, reloaded from the database, in the order of payment."""
    statement = select(Member).where(Member.camp_id == camp_id).order_by(Member.paid_at, Member.id)
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def refunds_by_payment(session: AsyncSession, camp_id: uuid.UUID) -> dict[uuid.UUID, list[Refund]]:
    """A camp's refunds by payment id, reloaded from the database, oldest first."""
    statement = select(Refund).where(Refund.camp_id == camp_id).order_by(Refund.created_at, Refund.id)
    found: dict[uuid.UUID, list[Refund]] = {}
    for refund in await session.scalars(statement.execution_options(populate_existing=True)):
        found.setdefault(refund.payment_id, []).append(refund)
    return found


async def insert_all(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await session.execute(insert(Refund), rows)


async def sums_by_status(
    session: AsyncSession, *, camp_ids: Collection[uuid.UUID] | None
) -> dict[RefundStatus, tuple[int, int]]:
    """Count and sum in fen for every status. ``camp_ids`` None means all camps.

    A closed refund with a successor isn't counted, because its successor is.
    """
    successor = aliased(Refund)
    # The condition on the payment uses an index. An index-only scan counts all but the few rows in review or closed.
    is_replaced = exists().where(successor.payment_id == Refund.payment_id, successor.replaces_id == Refund.id)
    few = (RefundStatus.PENDING_REVIEW, RefundStatus.CLOSED)

    def figures(amount: SQLColumnExpression[int], *where: ColumnElement[bool]) -> Select[RefundStatus, int, int]:
        scope = [Refund.camp_id.in_(camp_ids)] if camp_ids is not None else []
        statement = select(Refund.status, func.count(), func.sum(amount)).where(*where, *scope)
        return statement.group_by(Refund.status)

    rows = await session.execute(
        union_all(
            figures(Refund.amount_fen, Refund.status.not_in(few)),
            figures(AMOUNT, Refund.status == RefundStatus.PENDING_REVIEW),
            figures(Refund.amount_fen, Refund.status == RefundStatus.CLOSED, ~is_replaced),
        )
    )
    found = {status: (count, int(total)) for status, count, total in rows}
    return {status: found.get(status, (0, 0)) for status in RefundStatus}


async def fee_fen(session: AsyncSession, payment_id: uuid.UUID) -> int:
    """The sum in fen that was booked as a fee out of a payment."""
    return int(await session.scalar(select(func.coalesce(func.sum(_fee(payment_id)), 0))) or 0)


def _fee(payment_id: Any) -> ScalarSelect[int]:
    booked = and_(LedgerTransaction.movement == Movement.FEE, LedgerTransaction.payment_id == payment_id)
    return (
        select(func.sum(LedgerEntry.amount_fen))
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(booked, LedgerEntry.account == Account.DEPOSITS_HELD)
        .scalar_subquery()
    )


async def paid_with_gone(session: AsyncSession, camp_id: uuid.UUID) -> list[tuple[Payment, int]]:
    """Each paid order of a camp, with the sum in fen that is no longer held: refunded, or booked as a fee."""
    back = (
        select(Refund.payment_id, func.sum(Refund.amount_fen).label("fen"))
        .where(Refund.camp_id == camp_id, Refund.status == RefundStatus.SUCCEEDED)
        .group_by(Refund.payment_id)
        .subquery()
    )
    statement = (
        select(Payment, func.coalesce(back.c.fen, 0) + func.coalesce(_fee(Payment.id), 0))
        .outerjoin(back, back.c.payment_id == Payment.id)
        .where(Payment.camp_id == camp_id, Payment.transaction_id.is_not(None))
    )
    return [(payment, int(fen)) for payment, fen in await session.execute(statement)]
