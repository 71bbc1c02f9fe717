"""Queries for orders."""

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models.camps import Camp, CampStatus
from backend.models.ledger import LedgerTransaction, Movement
from backend.models.members import Member
from backend.models.payments import Payment, PaymentStatus
from backend.models.refunds import IN_FLIGHT, Refund, RefundStatus
from backend.office.payers.repository import owns_payment


async def by_number(session: AsyncSession, out_trade_no: str) -> Payment | None:
    found: Payment | None = await session.scalar(select(Payment).where(Payment.out_trade_no == out_trade_no))
    return found


async def lock(session: AsyncSession, payment_id: uuid.UUID) -> Payment:
    """Lock an order and reload it. In the lock order it comes after the camp."""
    statement = select(Payment).where(Payment.id == payment_id).with_for_update(key_share=True)
    return (await session.scalars(statement.execution_options(populate_existing=True))).one()


async def owned(
    session: AsyncSession, payment_id: uuid.UUID, *, payer_id: uuid.UUID, openid: str | None
) -> Payment | None:
    """The order; None if it isn't this person's."""
    mine = owns_payment(payer_id, openid)
    found: Payment | None = await session.scalar(select(Payment).where(Payment.id == payment_id, mine))
    return found


async def pending_of(session: AsyncSession, camp_id: uuid.UUID, payer_id: uuid.UUID) -> Payment | None:
    """Lock a person's open order in a camp; there is at most one. The caller holds the camp's lock."""
    found: Payment | None = await session.scalar(
        select(Payment)
        .where(Payment.camp_id == camp_id, Payment.payer_id == payer_id, Payment.status == PaymentStatus.PENDING)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found


async def has_transaction(session: AsyncSession, transaction_id: str) -> bool:
    """Whether an order was already paid by this provider transaction."""
    return bool(await session.scalar(select(exists().where(Payment.transaction_id == transaction_id))))


async def keep_prepay(session: AsyncSession, payment_id: uuid.UUID, prepay: str, expires_at: dt.datetime) -> None:
    await session.execute(
        update(Payment).where(Payment.id == payment_id).values(prepay=prepay, prepay_expires_at=expires_at)
    )


async def expired(session: AsyncSession, now: dt.datetime) -> Sequence[Payment]:
    """Open orders past their expiry, oldest first."""
    statement = (
        select(Payment)
        .where(Payment.status == PaymentStatus.PENDING, Payment.expires_at <= now)
        .order_by(Payment.expires_at, Payment.id)
    )
    return (await session.scalars(statement)).all()


async def possibly_paid(
    session: AsyncSession, *, opened_by: dt.datetime, closed_from: dt.datetime
) -> Sequence[Payment]:
    """Orders whose notification may have been lost.

    These are open ones created by ``opened_by``, and ones closed since ``closed_from``.
    """
    waiting = and_(Payment.status == PaymentStatus.PENDING, Payment.created_at <= opened_by)
    closed = and_(Payment.status == PaymentStatus.CLOSED, Payment.closed_at >= closed_from)
    statement = select(Payment).where(or_(waiting, closed)).order_by(Payment.created_at, Payment.id)
    return (await session.scalars(statement)).all()


async def open_elsewhere(
    session: AsyncSession, *, mch_id: str, app_id: str, closed_from: dt.datetime
) -> tuple[bool, bool]:
    """Whether an order of another merchant or account is open, and whether one was closed since ``closed_from``."""
    elsewhere = or_(Payment.mch_id != mch_id, Payment.app_id != app_id)
    pending = exists().where(Payment.status == PaymentStatus.PENDING, elsewhere)
    closed = exists().where(Payment.status == PaymentStatus.CLOSED, Payment.closed_at >= closed_from, elsewhere)
    is_pending, is_closed = (await session.execute(select(pending, closed))).one()
    return is_pending, is_closed


def _due_fee() -> ColumnElement[bool]:
    """Condition: the camp has begun, the fee isn't booked, and the payment has no refund in flight.

    A refund in flight may include the fee, or be rejected; a later nightly run books what is left.
    """
    under_way = exists().where(Refund.payment_id == Payment.id, Refund.status.in_(IN_FLIGHT))
    booked = exists().where(LedgerTransaction.payment_id == Payment.id, LedgerTransaction.movement == Movement.FEE)
    begun = Camp.status.not_in([CampStatus.DRAFT, CampStatus.ENROLLING])
    return and_(
        Member.payment_id == Payment.id, Camp.id == Member.camp_id, Member.fee_fen > 0, begun, ~booked, ~under_way
    )


async def camps_with_due_fees(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Camp ids, in lock order."""
    statement = select(Member.camp_id).where(_due_fee()).distinct().order_by(Member.camp_id)
    return (await session.scalars(statement)).all()


async def due_fees(session: AsyncSession, camp_id: uuid.UUID) -> Sequence[tuple[Payment, int]]:
    """The payments of a camp whose fee is due, with the fee in fen, capped at what wasn't refunded."""
    back = (
        select(func.coalesce(func.sum(Refund.amount_fen), 0))
        .where(Refund.payment_id == Payment.id, Refund.status == RefundStatus.SUCCEEDED)
        .scalar_subquery()
    )
    fee = func.least(Member.fee_fen, Payment.amount_fen - back)
    statement = select(Payment, fee).where(_due_fee(), Payment.camp_id == camp_id, fee > 0).order_by(Payment.id)
    return [(payment, int(fee_fen)) for payment, fee_fen in await session.execute(statement)]
