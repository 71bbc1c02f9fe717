"""Refund rows. Locks are taken in the order camp, payment, member, refund."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models.camps import Camp
from backend.models.ledger import LedgerTransaction, Movement
from backend.models.payments import Payment
from backend.models.refunds import IN_FLIGHT, Refund, RefundHold, RefundStatus

T = TypeVar("T")

# What no longer takes up any of the paid amount.
_RELEASED = (RefundStatus.REJECTED, RefundStatus.CLOSED)


async def locked_camp(session: AsyncSession, camp_id: uuid.UUID) -> Camp | None:
    """The camp, held until the end of the transaction."""
    statement = select(Camp).where(Camp.id == camp_id, Camp.deleted_at.is_(None))
    return (await session.scalars(_held(statement))).one_or_none()


async def lock_payments(session: AsyncSession, payment_ids: Sequence[uuid.UUID]) -> None:
    """Hold payments, in one order for everybody. Loaded objects keep what the caller changed on them."""
    statement = select(Payment.id).where(Payment.id.in_(payment_ids)).order_by(Payment.id)
    # Not FOR UPDATE: a row that only refers to the payment need not wait.
    await session.execute(statement.with_for_update(key_share=True))


async def lock_camp_payments(session: AsyncSession, camp_id: uuid.UUID) -> None:
    """Hold all paid orders of a camp."""
    statement = select(Payment.id).where(Payment.camp_id == camp_id, Payment.transaction_id.is_not(None))
    await session.execute(statement.order_by(Payment.id).with_for_update(key_share=True))


async def locked(session: AsyncSession, where: ColumnElement[bool]) -> tuple[Refund, Payment] | None:
    """One refund with its payment, both held."""
    payment_id = await session.scalar(select(Refund.payment_id).where(where))
    if payment_id is None:
        return None
    payment = (await session.scalars(_held(select(Payment).where(Payment.id == payment_id)))).one()
    refund = (await session.scalars(_held(select(Refund).where(where)))).one()
    return refund, payment


def _held(statement: Select[T]) -> Select[T]:
    return statement.with_for_update(key_share=True).execution_options(populate_existing=True)


async def taken_fen(session: AsyncSession, payment_id: uuid.UUID) -> int:
    """What refunds of a payment already gave back, or still may."""
    statement = select(func.coalesce(func.sum(Refund.amount_fen), 0))
    statement = statement.where(Refund.payment_id == payment_id, Refund.status.not_in(_RELEASED))
    return int(await session.scalar(statement) or 0)


async def has_in_flight(session: AsyncSession, payment_id: uuid.UUID) -> bool:
    """Whether money of a payment may still leave."""
    statement = select(Refund.id).where(Refund.payment_id == payment_id, Refund.status.in_(IN_FLIGHT))
    return await session.scalar(statement) is not None


async def is_kept(session: AsyncSession, payment_id: uuid.UUID) -> bool:
    """Whether what was left of a payment was booked as income when its camp was archived."""
    statement = select(LedgerTransaction.id).where(
        LedgerTransaction.payment_id == payment_id, LedgerTransaction.movement == Movement.KEPT
    )
    return await session.scalar(statement) is not None


async def open_hold(session: AsyncSession) -> RefundHold | None:
    """The hold that keeps everybody from sending, if one is open."""
    return (await session.scalars(select(RefundHold).where(RefundHold.ended_at.is_(None)))).one_or_none()


async def lock_due(session: AsyncSession, *, now: datetime, limit: int) -> list[tuple[Refund, Payment]]:
    """Refunds to be sent now, oldest approval first, held with their payments."""
    due = or_(
        Refund.status == RefundStatus.APPROVED,
        and_(Refund.status == RefundStatus.SENDING, Refund.next_attempt_at <= now),
    )
    found = select(Refund.id, Refund.payment_id).where(due).order_by(Refund.reviewed_at, Refund.id).limit(limit)
    rows = (await session.execute(found)).all()
    if not rows:
        return []
    payment_ids = [row.payment_id for row in rows]
    payments = await session.scalars(_held(select(Payment).where(Payment.id.in_(payment_ids)).order_by(Payment.id)))
    by_id = {payment.id: payment for payment in payments}
    # Looked at once more under the lock: a notification may have settled one meanwhile.
    refund_ids = [row.id for row in rows]
    again = select(Refund).where(Refund.id.in_(refund_ids), due).order_by(Refund.reviewed_at, Refund.id)
    refunds = (await session.scalars(_held(again))).all()
    return [(refund, by_id[refund.payment_id]) for refund in refunds]


async def lock_to_query(session: AsyncSession, *, now: datetime, limit: int) -> Sequence[Refund]:
    """Accepted refunds the provider should be asked about now; those another worker holds are left out."""
    statement = (
        select(Refund)
        .where(Refund.status == RefundStatus.PROCESSING, Refund.next_attempt_at <= now)
        .order_by(Refund.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(statement)).all()
