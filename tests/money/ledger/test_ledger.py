"""The double-entry ledger: every movement balances, repeats fail, and verify finds what doesn't fit."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.models.ledger import Account, LedgerEntry, LedgerTransaction, Movement
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundStatus
from backend.money.ledger import service as ledger
from tests import factories
from tests.money.refunds.facts import refund_in

A, S = Account, RefundStatus


async def refund_and_payment(session: AsyncSession) -> tuple[Refund, Payment]:
    refund = await refund_in(session, S.APPROVED)
    refund.sendings = 1
    return refund, await session.get_one(Payment, refund.payment_id)


async def test_each_movement_of_the_contract(session: AsyncSession) -> None:
    """design §10: debit +, credit −."""
    refund, payment = await refund_and_payment(session)
    expected = [{A.PROVIDER_CLEARING: 9900, A.DEPOSITS_HELD: -9900}]
    steps = [
        (ledger.sent, {A.DEPOSITS_HELD: 9900, A.REFUNDS_IN_TRANSIT: -9900}),
        (ledger.confirmed, {A.REFUNDS_IN_TRANSIT: 9900, A.PROVIDER_CLEARING: -9900}),
        (ledger.reversed_, {A.REFUNDS_IN_TRANSIT: 9900, A.DEPOSITS_HELD: -9900}),
        (ledger.settled_offline, {A.DEPOSITS_HELD: 9900, A.OFFLINE_SETTLEMENTS: -9900}),
    ]
    for movement, entries in steps:
        movement(session, payment, refund)
        expected.append(entries)
    ledger.kept(session, payment, 4900)
    expected.append({A.DEPOSITS_HELD: 4900, A.FORFEITED_INCOME: -4900})
    ledger.fee(session, payment, 2000)
    expected.append({A.DEPOSITS_HELD: 2000, A.SERVICE_INCOME: -2000})
    await session.flush()
    found: dict[Movement, dict[Account, int]] = {}
    rows = select(LedgerTransaction.movement, LedgerEntry.account, LedgerEntry.amount_fen).join(
        LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id
    )
    for kind, account, fen in await session.execute(rows):
        found.setdefault(kind, {})[account] = fen
    assert [found[kind] for kind in Movement] == expected
    balances = await ledger.balances(session, camp_id=payment.camp_id)
    assert sum(balances.values()) == 0


async def test_the_same_movement_twice_fails(session: AsyncSession) -> None:
    refund, payment = await refund_and_payment(session)
    ledger.sent(session, payment, refund)
    await session.flush()
    ledger.sent(session, payment, refund)
    with pytest.raises(IntegrityError):
        await session.flush()


async def test_each_sending_is_a_movement_of_its_own(session: AsyncSession) -> None:
    refund, payment = await refund_and_payment(session)
    for sequence in (1, 2):
        refund.sendings = sequence
        ledger.sent(session, payment, refund)
        ledger.reversed_(session, payment, refund)
    await session.flush()
    assert (await ledger.balances(session))[A.REFUNDS_IN_TRANSIT] == 0


async def test_a_payment_is_booked_when_it_was_paid(session: AsyncSession) -> None:
    _, payment = await refund_and_payment(session)
    row = (await session.scalars(select(LedgerTransaction))).one()
    assert (row.movement, row.occurred_at) == (Movement.PAID, payment.paid_at)


async def test_balances_of_one_camp(session: AsyncSession) -> None:
    refund = await refund_in(session, S.SUCCEEDED)
    other = await refund_in(session, S.PROCESSING)
    assert (await ledger.balances(session, camp_id=refund.camp_id))[A.DEPOSITS_HELD] == 0
    assert (await ledger.balances(session, camp_id=other.camp_id))[A.REFUNDS_IN_TRANSIT] == -9900
    assert (await ledger.balances(session))[A.PROVIDER_CLEARING] == 9900


@pytest.mark.parametrize("state", list(RefundStatus))
async def test_every_ordinary_state_verifies(session: AsyncSession, state: RefundStatus) -> None:
    await refund_in(session, state)
    assert await ledger.verify(session) == []


async def kinds(session: AsyncSession) -> set[tuple[str, int, int]]:
    await session.flush()
    return {(one.kind, one.expected_fen, one.found_fen) for one in await ledger.verify(session)}


async def test_verify_finds_a_payment_without_entry(session: AsyncSession) -> None:
    payment = await factories.make_payment(session, await factories.make_camp(session))
    await session.execute(
        text("UPDATE payments SET status = 'paid', transaction_id = 't', paid_at = :at WHERE id = :id"),
        {"id": payment.id, "at": clock.now()},
    )
    assert await kinds(session) == {("payment", 9900, 0)}


async def test_verify_finds_refunds_whose_state_contradicts_the_entries(session: AsyncSession) -> None:
    refund = await refund_in(session, S.PROCESSING)
    refund.status, refund.succeeded_at = S.SUCCEEDED, clock.now()
    assert await kinds(session) == {("refund", 9900, 0), ("refund_in_transit", 0, 9900)}
    refund.settled_offline = True
    assert await kinds(session) == {("refund_in_transit", 0, 9900), ("refund_offline", 9900, 0)}


async def test_verify_finds_money_that_left_for_a_refund_not_done(session: AsyncSession) -> None:
    refund = await refund_in(session, S.SUCCEEDED)
    refund.status = S.FAILED
    assert await kinds(session) == {("refund", 0, 9900)}
