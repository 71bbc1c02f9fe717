"""The double-entry ledger: one function per movement of money.

Amounts are signed fen: debit +, credit −. Write each movement in the transaction that changes the state it belongs
to. Writing the same one twice fails on the unique key instead of moving money twice.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.ids import new_id
from backend.models.camps import Camp, CampStatus
from backend.models.ledger import Account, LedgerEntry, LedgerTransaction, Movement
from backend.models.members import Member
from backend.models.payments import Payment
from backend.models.refunds import IN_FLIGHT, Refund, RefundStatus


def paid(session: AsyncSession, payment: Payment) -> None:
    """Money came in: the provider owes it to us, we owe it to the member."""
    _post(
        session, Movement.PAID, payment, debit=Account.PROVIDER_CLEARING, credit=Account.DEPOSITS_HELD,
        amount_fen=payment.amount_fen, at=payment.paid_at,
    )  # fmt: skip


def sent(session: AsyncSession, payment: Payment, refund: Refund) -> None:
    """A refund is about to be sent: the deposit is in transit."""
    _post(
        session, Movement.SENT, payment, debit=Account.DEPOSITS_HELD, credit=Account.REFUNDS_IN_TRANSIT,
        amount_fen=refund.amount_fen, refund=refund,
    )  # fmt: skip


def confirmed(session: AsyncSession, payment: Payment, refund: Refund) -> None:
    """The provider paid the member back."""
    _post(
        session, Movement.CONFIRMED, payment, debit=Account.REFUNDS_IN_TRANSIT, credit=Account.PROVIDER_CLEARING,
        amount_fen=refund.amount_fen, refund=refund, at=refund.succeeded_at,
    )  # fmt: skip


def reversed_(session: AsyncSession, payment: Payment, refund: Refund) -> None:
    """A sent refund failed or was closed: the deposit is held again."""
    _post(
        session, Movement.REVERSED, payment, debit=Account.REFUNDS_IN_TRANSIT, credit=Account.DEPOSITS_HELD,
        amount_fen=refund.amount_fen, refund=refund,
    )  # fmt: skip


def settled_offline(session: AsyncSession, payment: Payment, refund: Refund) -> None:
    """The operator paid the member by other means; the provider still holds that money."""
    _post(
        session, Movement.SETTLED_OFFLINE, payment, debit=Account.DEPOSITS_HELD, credit=Account.OFFLINE_SETTLEMENTS,
        amount_fen=refund.amount_fen, refund=refund,
    )  # fmt: skip


def kept(session: AsyncSession, payment: Payment, amount_fen: int) -> None:
    """At archive: what isn't refunded becomes income."""
    _post(
        session, Movement.KEPT, payment, debit=Account.DEPOSITS_HELD, credit=Account.FORFEITED_INCOME,
        amount_fen=amount_fen,
    )  # fmt: skip


def fee(session: AsyncSession, payment: Payment, amount_fen: int) -> None:
    """The camp has begun: the fee in the payment becomes income and is no longer held for the member."""
    _post(
        session, Movement.FEE, payment, debit=Account.DEPOSITS_HELD, credit=Account.SERVICE_INCOME,
        amount_fen=amount_fen,
    )  # fmt: skip


def _post(
    session: AsyncSession,
    movement: Movement,
    payment: Payment,
    *,
    debit: Account,
    credit: Account,
    amount_fen: int,
    refund: Refund | None = None,
    at: dt.datetime | None = None,
) -> None:
    transaction = LedgerTransaction(
        id=new_id(),
        camp_id=payment.camp_id,
        movement=movement,
        payment_id=payment.id,
        refund_id=refund.id if refund is not None else None,
        # Without it, a refund that is sent again would violate the unique key.
        sequence=refund.sendings if refund is not None else 0,
        occurred_at=at or clock.now(),
        entries=[
            LedgerEntry(account=account, camp_id=payment.camp_id, amount_fen=signed)
            for account, signed in ((debit, amount_fen), (credit, -amount_fen))
        ],
    )
    session.add(transaction)


async def balances(session: AsyncSession, *, camp_id: uuid.UUID | None = None) -> dict[Account, int]:
    """Each account's balance in fen, for one camp. ``camp_id`` None means all camps."""
    statement = select(LedgerEntry.account, func.sum(LedgerEntry.amount_fen)).group_by(LedgerEntry.account)
    if camp_id is not None:
        statement = statement.where(LedgerEntry.camp_id == camp_id)
    found = {account: int(total) for account, total in await session.execute(statement)}
    return {account: found.get(account, 0) for account in Account}


@dataclass(frozen=True, slots=True)
class LedgerProblem:
    """An inconsistency within the ledger, or with the rows it refers to."""

    kind: str
    subject: str
    expected_fen: int
    found_fen: int


async def verify(session: AsyncSession) -> list[LedgerProblem]:
    """Check the ledger against itself and against payments, refunds and fees. Empty means consistent."""
    problems = []
    per_transaction = (
        select(LedgerEntry.transaction_id, func.sum(LedgerEntry.amount_fen))
        .group_by(LedgerEntry.transaction_id)
        .having(func.sum(LedgerEntry.amount_fen) != 0)
    )
    for transaction_id, off in await session.execute(per_transaction):
        problems.append(LedgerProblem("unbalanced_transaction", str(transaction_id), 0, int(off)))
    problems += await _compare_payments(session)
    problems += await _compare_refunds(session)
    problems += await _compare_fees(session)
    return problems


async def _compare_payments(session: AsyncSession) -> list[LedgerProblem]:
    booked = (
        select(LedgerTransaction.payment_id, func.sum(LedgerEntry.amount_fen).label("fen"))
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.movement == Movement.PAID, LedgerEntry.account == Account.PROVIDER_CLEARING)
        .group_by(LedgerTransaction.payment_id)
        .subquery()
    )
    expected = func.coalesce(Payment.amount_fen, 0)
    is_paid = Payment.transaction_id.is_not(None)
    statement = (
        select(Payment.out_trade_no, Payment.amount_fen, is_paid, func.coalesce(booked.c.fen, 0))
        .outerjoin(booked, booked.c.payment_id == Payment.id)
        .where((is_paid & (expected != func.coalesce(booked.c.fen, 0))) | (~is_paid & booked.c.fen.is_not(None)))
    )
    return [
        LedgerProblem("payment", number, fen if was_paid else 0, int(found))
        for number, fen, was_paid, found in await session.execute(statement)
    ]


async def _compare_fees(session: AsyncSession) -> list[LedgerProblem]:
    """A member's fee must be booked once their camp has begun, and not before."""
    booked = (
        select(LedgerTransaction.payment_id, func.sum(-LedgerEntry.amount_fen).label("fen"))
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.movement == Movement.FEE, LedgerEntry.account == Account.SERVICE_INCOME)
        .group_by(LedgerTransaction.payment_id)
        .subquery()
    )
    of_payment = Refund.payment_id == Payment.id
    back = (
        select(func.coalesce(func.sum(Refund.amount_fen), 0))
        .where(of_payment, Refund.status == RefundStatus.SUCCEEDED)
        .scalar_subquery()
    )
    begun = Camp.status.not_in([CampStatus.DRAFT, CampStatus.ENROLLING])
    found = func.coalesce(booked.c.fen, 0)
    # Refunds before the start may include part of the fee. While a refund is in flight, the fee isn't booked.
    expected = case((begun, func.least(Member.fee_fen, Payment.amount_fen - back)), else_=0)
    under_way = exists().where(of_payment, Refund.status.in_(IN_FLIGHT))
    statement = (
        select(Payment.out_trade_no, expected, found)
        .join(Member, Member.payment_id == Payment.id)
        .join(Camp, Camp.id == Member.camp_id)
        .outerjoin(booked, booked.c.payment_id == Payment.id)
        .where(expected != found, or_(found != 0, ~under_way))
    )
    rows = await session.execute(statement)
    return [LedgerProblem("fee", number, int(fee), int(fen)) for number, fee, fen in rows]


async def _compare_refunds(session: AsyncSession) -> list[LedgerProblem]:
    """Check each refund's state against its balance in the clearing, in-transit and offline accounts."""
    offline = Refund.settled_offline
    states = {
        "refund": (Account.PROVIDER_CLEARING, (Refund.status == RefundStatus.SUCCEEDED) & ~offline),
        "refund_in_transit": (
            Account.REFUNDS_IN_TRANSIT,
            Refund.status.in_([RefundStatus.SENDING, RefundStatus.PROCESSING]),
        ),
        "refund_offline": (Account.OFFLINE_SETTLEMENTS, (Refund.status == RefundStatus.SUCCEEDED) & offline),
    }
    problems = []
    for kind, (account, applies) in states.items():
        problems += await _compare_refund_account(session, kind, account, applies)
    return problems


async def _compare_refund_account(
    session: AsyncSession, kind: str, account: Account, applies: ColumnElement[bool]
) -> list[LedgerProblem]:
    """The account must hold the refund's whole amount if ``applies``, otherwise zero."""
    booked = (
        select(LedgerTransaction.refund_id, func.sum(-LedgerEntry.amount_fen).label("fen"))
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.refund_id.is_not(None), LedgerEntry.account == account)
        .group_by(LedgerTransaction.refund_id)
        .subquery()
    )
    found = func.coalesce(booked.c.fen, 0)
    statement = (
        select(Refund.out_refund_no, Refund.amount_fen, applies, found)
        .outerjoin(booked, booked.c.refund_id == Refund.id)
        .where((applies & (Refund.amount_fen != found)) | (~applies & (found != 0)))
    )
    return [
        LedgerProblem(kind, number, fen if does else 0, int(out))
        for number, fen, does, out in await session.execute(statement)
    ]
