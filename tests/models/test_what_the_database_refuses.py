"""Rules that hold even when our code is wrong: append-only, frozen, balanced, never more back than was paid."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.ids import new_id
from backend.models.audit import AuditEntry
from backend.models.camps import CampStatus
from backend.models.history import move
from backend.models.ledger import Account, LedgerEntry, LedgerTransaction, Movement
from backend.models.members import Member
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.office.audit import service as audit
from tests.factories import make_camp, make_member, make_payer, make_payment, make_refund


async def refused(session: AsyncSession, act: Callable[[], Awaitable[Any]], words: str) -> None:
    """``act`` fails in the database with these words, and does nothing."""

    async def attempt() -> None:
        async with session.begin_nested():
            await act()
            await checked_now(session)

    with pytest.raises(DBAPIError, match=words):
        await attempt()


async def checked_now(session: AsyncSession) -> None:
    """Have PostgreSQL check what it would check at commit."""
    await session.flush()
    await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


@pytest.mark.parametrize("table", ["audit_log", "state_changes", "ledger_transactions", "ledger_entries"])
@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM {}", "UPDATE {} SET {} = {}", "TRUNCATE {} CASCADE"],
    ids=["delete", "update", "truncate"],
)
async def test_books_and_logs_are_append_only(session: AsyncSession, table: str, statement: str) -> None:
    camp = await make_camp(session)
    await make_member(session, camp)
    audit.record(session, SYSTEM, "camp.start", target_type="camp")
    move(session, camp, CampStatus.ONGOING, event="start", actor=SYSTEM)
    await checked_now(session)
    column = "amount_fen" if table == "ledger_entries" else "created_at"
    await refused(session, lambda: session.execute(text(statement.format(table, column, column))), "append-only")


async def test_an_audit_row_gets_its_place_from_the_database_alone(session: AsyncSession) -> None:
    audit.record(session, SYSTEM, "camp.start", target_type="camp")
    await session.flush()
    place = "seq = 1, prev_hash = decode(repeat('00', 32), 'hex'), hash = sha256('x')"
    await refused(session, lambda: session.execute(text(f"UPDATE audit_log SET {place}")), "append-only")
    forged = AuditEntry(actor_kind="staff", actor_name="x", action="x", target_type="x")
    forged.seq, forged.prev_hash, forged.hash = 1, bytes(32), bytes(32)

    async def insert() -> None:
        session.add(forged)
        await session.flush()

    await refused(session, insert, "append-only")
    await checked_now(session)
    (row,) = await session.execute(text("SELECT seq, hash = camp_audit_hash(a, seq, prev_hash) FROM audit_log AS a"))
    assert tuple(row) == (1, True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_head SET last_seq = last_seq + 1",
        "UPDATE audit_head SET last_seq = 0",
        "DELETE FROM audit_head",
        "TRUNCATE audit_head",
    ],
)
async def test_the_head_of_the_audit_log_moves_with_it_alone(session: AsyncSession, statement: str) -> None:
    await refused(session, lambda: session.execute(text(statement)), "append-only")


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        ("payment", "amount_fen", 1),
        ("payment", "out_trade_no", "P2026030100000000"),
        ("payment", "camp_id", None),
        ("payment", "payer_id", None),
        ("member", "paid_fen", 1),
        ("member", "refund_policy", {"kind": "threshold", "required_days": 1}),
        ("member", "fee_fen", 1),
        ("member", "payment_id", None),
        ("refund", "amount_fen", 1),
        ("refund", "out_refund_no", "R2026030100000000"),
        ("refund", "kind", RefundKind.EXCEPTION),
    ],
)
async def test_the_deal_is_frozen(session: AsyncSession, row: str, column: str, value: Any) -> None:
    camp = await make_camp(session)
    member = await make_member(session, camp)
    refund = await make_refund(session, member, status=RefundStatus.APPROVED, reviewed_at=clock.now())
    if value is None:
        others = {
            "camp_id": (await make_camp(session)).id,
            "payer_id": (await make_payer(session)).id,
            "payment_id": (await make_payment(session, camp, paid=True)).id,
        }
        value = others[column]
    statement = {
        "payment": update(Payment).where(Payment.id == member.payment_id),
        "member": update(Member).where(Member.id == member.id),
        "refund": update(Refund).where(Refund.id == refund.id),
    }[row].values({column: value})
    await refused(session, lambda: session.execute(statement), "may never change")


async def test_a_refund_in_review_follows_what_its_member_is_entitled_to(session: AsyncSession) -> None:
    refund = await make_refund(session, await make_member(session, await make_camp(session)))
    await session.execute(update(Refund).where(Refund.id == refund.id).values(amount_fen=1))
    await refused(
        session,
        lambda: session.execute(update(Refund).where(Refund.id == refund.id).values(amount_fen=9901)),
        "exceed what was paid",
    )


async def ledger_transaction(session: AsyncSession, payment: Payment, *amounts: int, sequence: int = 9) -> None:
    row = LedgerTransaction(
        id=new_id(),
        camp_id=payment.camp_id,
        movement=Movement.SENT,
        payment_id=payment.id,
        sequence=sequence,
        occurred_at=clock.now(),
    )
    session.add(row)
    await session.flush()
    for account, amount in zip(Account, amounts, strict=False):
        session.add(LedgerEntry(transaction_id=row.id, account=account, camp_id=row.camp_id, amount_fen=amount))


@pytest.mark.parametrize("amounts", [(), (100,), (100, -99), (100, 100), (100, -50, -49)])
async def test_what_doesnt_balance_is_refused_at_commit(session: AsyncSession, amounts: tuple[int, ...]) -> None:
    payment = await make_payment(session, await make_camp(session), paid=True)
    await refused(session, lambda: ledger_transaction(session, payment, *amounts), "is off by|sides")


@pytest.mark.parametrize("amounts", [(100, -100), (100, -60, -40)])
async def test_what_balances_is_taken(session: AsyncSession, amounts: tuple[int, ...]) -> None:
    payment = await make_payment(session, await make_camp(session), paid=True)
    await ledger_transaction(session, payment, *amounts)
    await checked_now(session)


async def test_an_entry_added_later_is_refused(session: AsyncSession) -> None:
    payment = await make_payment(session, await make_camp(session), paid=True)
    settled = await session.scalar(text("SELECT id FROM ledger_transactions LIMIT 1"))

    async def add() -> None:
        entry = LedgerEntry(
            transaction_id=settled, account=Account.FORFEITED_INCOME, camp_id=payment.camp_id, amount_fen=5
        )
        session.add(entry)

    await refused(session, add, "is off by 5 fen")


async def test_the_same_movement_never_happens_twice(session: AsyncSession) -> None:
    payment = await make_payment(session, await make_camp(session), paid=True)
    await ledger_transaction(session, payment, 100, -100, sequence=1)
    await session.flush()
    await refused(session, lambda: ledger_transaction(session, payment, 100, -100, sequence=1), "duplicate key")


async def test_no_refund_of_an_unpaid_order(session: AsyncSession) -> None:
    camp = await make_camp(session)
    member, unpaid = await make_member(session, camp), await make_payment(session, camp)
    await refused(session, lambda: make_refund_of(session, member, unpaid, 1), "is not paid")


async def make_refund_of(session: AsyncSession, member: Member, payment: Payment, amount_fen: int) -> Refund:
    refund = Refund(
        id=new_id(),
        camp_id=member.camp_id,
        payment_id=payment.id,
        kind=RefundKind.EXCEPTION,
        status=RefundStatus.PENDING_REVIEW,
        amount_fen=amount_fen,
        out_refund_no=f"R{uuid.uuid4().hex[:20]}",
    )
    session.add(refund)
    await session.flush()
    return refund


async def test_never_more_back_than_was_paid(session: AsyncSession) -> None:
    member = await make_member(session, await make_camp(session, deposit_fen=9900))
    payment = await session.get_one(Payment, member.payment_id)
    await refused(session, lambda: make_refund_of(session, member, payment, 9901), "exceed")
    done = {"status": RefundStatus.SUCCEEDED, "reviewed_at": clock.now(), "succeeded_at": clock.now()}
    await make_refund(session, member, amount_fen=9000, **done)
    await refused(session, lambda: make_refund_of(session, member, payment, 901), "exceed")
    await make_refund_of(session, member, payment, 900)


async def test_a_rejected_refund_frees_its_amount_and_cant_come_back_over_it(session: AsyncSession) -> None:
    member = await make_member(session, await make_camp(session))
    payment = await session.get_one(Payment, member.payment_id)
    rejected = await make_refund_of(session, member, payment, member.paid_fen)
    rejected.status, rejected.reject_reason = RefundStatus.REJECTED, "打卡未达标"
    await session.flush()
    done = {"status": RefundStatus.SUCCEEDED, "reviewed_at": clock.now()}
    await make_refund(session, member, **done)

    async def come_back() -> None:
        statement = update(Refund).where(Refund.id == rejected.id).values(status=RefundStatus.PENDING_REVIEW)
        await session.execute(statement)

    await refused(session, come_back, "exceed")


async def test_one_refund_in_flight_per_payment(session: AsyncSession) -> None:
    member = await make_member(session, await make_camp(session))
    payment = await session.get_one(Payment, member.payment_id)
    await make_refund(session, member, amount_fen=100)
    await refused(session, lambda: make_refund_of(session, member, payment, 100), "uq_refunds_in_flight")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("camps", "deposit_fen = 0"),
        ("camps", "ends_on = starts_on - 1"),
        ("camps", "capacity = 1001"),
        ("camps", "status = 'open'"),
        ("payments", "transaction_id = NULL"),
        ("members", "confidence = 50"),
        ("members", "match_status = 'matched', planet_user_id = NULL"),
        ("refunds", "status = 'approved', reviewed_at = NULL"),
        ("refunds", "status = 'rejected', reject_reason = NULL"),
        ("refunds", "settled_offline = true"),
    ],
)
async def test_impossible_rows_are_refused(session: AsyncSession, table: str, change: str) -> None:
    await make_refund(session, await make_member(session, await make_camp(session)))
    await refused(session, lambda: session.execute(text(f"UPDATE {table} SET {change}")), "check constraint")
