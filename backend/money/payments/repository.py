"""Orders in SQL."""

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
    """The order as it stands now, ours until the transaction ends. After the camp in the order of locks."""
    statement = select(Payment).where(Payment.id == payment_id).with_for_update(key_share=True)
    return (await session.scalars(statement.execution_options(populate_existing=True))).one()


async def owned(
    session: AsyncSession, payment_id: uuid.UUID, *, payer_id: uuid.UUID, openid: str | None
) -> Payment | None:
    """An order, if it is this person's."""
    mine = owns_payment(payer_id, openid)
    found: Payment | None = await session.scalar(select(Payment).where(Payment.id == payment_id, mine))
    return found


async def pending_of(session: AsyncSession, camp_id: uuid.UUID, payer_id: uuid.UUID) -> Payment | None:
    """A person's open order in a camp; there is at most one. Read under the camp's lock."""
    found: Payment | None = await session.scalar(
        select(Payment)
        .where(Payment.camp_id == camp_id, Payment.payer_id == payer_id, Payment.status == PaymentStatus.PENDING)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found


async def has_transaction(session: AsyncSession, transaction_id: str) -> bool:
    """Whether an order was already paid by this transaction of the provider."""
    return bool(await session.scalar(select(exists().where(Payment.transaction_id == transaction_id))))


async def keep_prepay(session: AsyncSession, payment_id: uuid.UUID, prepay: str, expires_at: dt.datetime) -> None:
    await session.execute(
        update(Payment).where(Payment.id == payment_id).values(prepay=prepay, prepay_expires_at=expires_at)
    )


async def expired(session: AsyncSession, now: dt.datetime) -> Sequence[Payment]:
    """Open orders whose life is over, oldest first."""
    statement = (
        select(Payment)
        .where(Payment.status == PaymentStatus.PENDING, Payment.expires_at <= now)
        .order_by(Payment.expires_at, Payment.id)
    )
    return (await session.scalars(statement)).all()


async def possibly_paid(
    session: AsyncSession, *, opened_by: dt.datetime, closed_from: dt.datetime
) -> Sequence[Payment]:
    """Orders whose notification may have been lost: open ones that had time to be paid, and lately closed ones."""
    waiting = and_(Payment.status == PaymentStatus.PENDING, Payment.created_at <= opened_by)
    closed = and_(Payment.status == PaymentStatus.CLOSED, Payment.closed_at >= closed_from)
    statement = select(Payment).where(or_(waiting, closed)).order_by(Payment.created_at, Payment.id)
    return (await session.scalars(statement)).all()


async def open_elsewhere(
    session: AsyncSession, *, mch_id: str, app_id: str, closed_from: dt.datetime
) -> tuple[bool, bool]:
    """Whether an order of any other merchant or account is open, and whether one was closed since an instant."""
    elsewhere = or_(Payment.mch_id != mch_id, Payment.app_id != app_id)
    pending = exists().where(Payment.status == PaymentStatus.PENDING, elsewhere)
    closed = exists().where(Payment.status == PaymentStatus.CLOSED, Payment.closed_at >= closed_from, elsewhere)
    is_pending, is_closed = (await session.execute(select(pending, closed))).one()
    return is_pending, is_closed


def _due_fee() -> ColumnElement[bool]:
    """A fee of a member whose camp has begun, which isn't booked, and whose payment has no refund under way.

    What is under way may take the fee back with it, or be rejected: the next night knows.
    """
    under_way = exists().where(Refund.payment_id == Payment.id, Refund.status.in_(IN_FLIGHT))
    booked = exists().where(LedgerTransaction.payment_id == Payment.id, LedgerTransaction.movement == Movement.FEE)
    begun = Camp.status.not_in([CampStatus.DRAFT, CampStatus.ENROLLING])
    return and_(
        Member.payment_id == Payment.id, Camp.id == Member.camp_id, Member.fee_fen > 0, begun, ~booked, ~under_way
    )


async def camps_with_due_fees(session: AsyncSession) -> Sequence[uuid.UUID]:
    """In the order in which to lock them."""
    statement = select(Member.camp_id).where(_due_fee()).distinct().order_by(Member.camp_id)
    return (await session.scalars(statement)).all()


async def due_fees(session: AsyncSession, camp_id: uuid.UUID) -> Sequence[tuple[Payment, int]]:
    """The payments of a camp whose fee is due, with the fee in fen: no more of it than wasn't refunded before."""
    back = (
        select(func.coalesce(func.sum(Refund.amount_fen), 0))
        .where(Refund.payment_id == Payment.id, Refund.status == RefundStatus.SUCCEEDED)
        .scalar_subquery()
    )
    fee = func.least(Member.fee_fen, Payment.amount_fen - back)
    statement = select(Payment, fee).where(_due_fee(), Payment.camp_id == camp_id, fee > 0).order_by(Payment.id)
    return [(payment, int(fee_fen)) for payment, fee_fen in await session.execute(statement)]
