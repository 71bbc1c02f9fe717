"""The nightly reconciliation against the simulated provider's own bills."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from backend.core import clock
from backend.core.db import Database
from backend.models.camps import Camp, CampStatus
from backend.models.ledger import LedgerTransaction, Movement
from backend.models.members import Member
from backend.models.notifications import Notification
from backend.models.payments import Payment, PaymentStatus
from backend.models.reconciliation import ReconciliationCase, ReconciliationDay
from backend.models.refunds import RefundStatus
from backend.money.reconciliation.flows import reconcile
from backend.money.refunds import flows as refunds
from backend.runtime import Runtime
from tests import factories
from tests.conftest import Time
from tests.money.refunds.provider import approved, books_agree, now_of, paid_there
from tests.world import World

FIRST = dt.date(2026, 3, 1)


async def cases(db: Database) -> list[ReconciliationCase]:
    async with db.transaction() as session:
        return list(await session.scalars(select(ReconciliationCase).order_by(ReconciliationCase.created_at)))


async def paid(runtime: Runtime, world: World, **fields: Any) -> Payment:
    """Paid at the provider and in our books."""
    async with runtime.db.transaction() as session:
        camp = await factories.make_camp(session)
    columns = await paid_there(runtime, world, camp)
    async with runtime.db.transaction() as session:
        return await factories.make_payment(session, camp, paid=True, **(columns | fields))


async def unheard(runtime: Runtime, world: World) -> Payment:
    """Paid at the provider, but no notification ever came: our order is still pending."""
    async with runtime.db.transaction() as session:
        camp = await factories.make_camp(session)
    columns = await paid_there(runtime, world, camp)
    async with runtime.db.transaction() as session:
        return await factories.make_payment(session, camp, out_trade_no=columns["out_trade_no"])


def next_morning(time: Time, day: int = 2) -> None:
    time.set(f"2026-03-{day:02d} 10:30")


async def test_books_that_agree_open_nothing_and_the_day_is_done(runtime: Runtime, world: World, time: Time) -> None:
    await paid(runtime, world)
    await approved(runtime, world, 2)
    await refunds.send(runtime, {})
    next_morning(time)

    assert await reconcile(runtime) == {"days": 7, "pending": 0, "cases": 0}

    assert await cases(runtime.db) == []
    async with runtime.db.transaction() as session:
        row = await session.get_one(ReconciliationDay, FIRST)
    assert (row.trade_rows, row.fund_rows, row.cases) == (5, 5, 0)
    assert await reconcile(runtime) == {"days": 0, "pending": 0, "cases": 0}


async def test_a_missed_payment_is_recorded_and_shown(runtime: Runtime, world: World, time: Time) -> None:
    payment = await unheard(runtime, world)
    next_morning(time)

    assert (await reconcile(runtime))["cases"] == 1

    async with runtime.db.transaction() as session:
        row = await session.get_one(Payment, payment.id)
        assert (row.status, row.source) == (PaymentStatus.PAID, "bill")
        booked = select(LedgerTransaction).where(LedgerTransaction.movement == Movement.PAID)
        assert len(list(await session.scalars(booked))) == 1
        assert len(list(await session.scalars(select(Member)))) == 1
        await books_agree(session, world)
    [case] = await cases(runtime.db)
    assert (case.kind, case.payment_id) == ("bill_only_payment", payment.id)
    assert "已补记" in case.summary
    # By hand once more: nothing new.
    assert (await reconcile(runtime, FIRST))["cases"] == 0


async def test_a_day_is_tried_again_until_its_bill_is_there(runtime: Runtime, world: World, time: Time) -> None:
    """B14: today's bill doesn't exist; yesterday's is made until about ten."""
    payment = await unheard(runtime, world)
    time.set("2026-03-02 09:30")
    assert await reconcile(runtime) == {"days": 7, "pending": 1, "cases": 0}
    assert await reconcile(runtime) == {"days": 1, "pending": 1, "cases": 0}
    time.set("2026-03-02 10:30")
    assert (await reconcile(runtime))["cases"] == 1
    async with runtime.db.transaction() as session:
        assert (await session.get_one(Payment, payment.id)).status is PaymentStatus.PAID


async def test_missed_days_of_the_last_week_are_made_up(runtime: Runtime, world: World, time: Time) -> None:
    payment = await unheard(runtime, world)
    time.set("2026-03-08 10:30")
    assert (await reconcile(runtime))["days"] == 7
    async with runtime.db.transaction() as session:
        assert (await session.get_one(Payment, payment.id)).status is PaymentStatus.PAID


async def test_a_payment_we_do_not_know(runtime: Runtime, world: World, time: Time) -> None:
    async with runtime.db.transaction() as session:
        camp = await factories.make_camp(session)
    await paid_there(runtime, world, camp)
    next_morning(time)
    await reconcile(runtime)
    [case] = await cases(runtime.db)
    assert (case.kind, case.payment_id) == ("bill_only_payment", None)


async def test_a_payment_missing_in_the_bill(runtime: Runtime, world: World, time: Time) -> None:
    await paid(runtime, world)
    omitted = await paid(runtime, world)
    world.sandbox.wechat_pay.faults.set("bill_omit_row", on=omitted.out_trade_no)
    next_morning(time)
    await reconcile(runtime)
    found = {case.kind: case for case in await cases(runtime.db)}
    # The provider's two bills contradict each other as well.
    assert set(found) == {"local_only_payment", "fund_flow_sum"}
    assert found["local_only_payment"].payment_id == omitted.id


async def test_another_amount_in_the_bill(runtime: Runtime, world: World, time: Time) -> None:
    payment = await paid(runtime, world)
    world.sandbox.wechat_pay.faults.set("bill_wrong_amount", on=payment.out_trade_no)
    next_morning(time)
    await reconcile(runtime)
    found = {case.kind: case for case in await cases(runtime.db)}
    assert set(found) == {"payment_amount", "fund_flow_sum"}
    assert (found["payment_amount"].detail["bill_fen"], found["payment_amount"].detail["our_fen"]) == (9901, 9900)


async def test_a_refund_made_by_hand_in_the_console(runtime: Runtime, world: World, time: Time) -> None:
    payment = await paid(runtime, world)
    world.sandbox.wechat_pay.console_refund(payment.out_trade_no, 100)
    next_morning(time)
    await reconcile(runtime)
    [case] = await cases(runtime.db)
    assert case.kind == "bill_only_refund"
    assert case.detail["out_trade_no"] == payment.out_trade_no


async def test_a_given_up_refund_the_provider_took_is_settled_by_its_query(
    runtime: Runtime, world: World, time: Time
) -> None:
    [refund] = await approved(runtime, world)
    runtime.settings.refund.auto_attempts = 1
    world.sandbox.wechat_pay.faults.set("lose_reply", on="create_refund")
    await refunds.send(runtime, {})
    assert (await now_of(runtime.db, refund)).status is RefundStatus.FAILED
    next_morning(time)

    await reconcile(runtime)

    assert (await now_of(runtime.db, refund)).status is RefundStatus.SUCCEEDED
    assert await cases(runtime.db) == []
    async with runtime.db.transaction() as session:
        await books_agree(session, world)


async def test_a_refund_accepted_just_after_midnight(runtime: Runtime, world: World, time: Time) -> None:
    """Sent on one day by our books, accepted on the next by theirs."""
    time.set("2026-03-01 23:59:59")
    await approved(runtime, world)
    [claimed] = await refunds.claim(runtime)
    outcome = await refunds.ask(runtime, claimed)
    await refunds.record(runtime, claimed, outcome)
    there = world.sandbox.wechat_pay.refunds.by_number[claimed.request.out_refund_no]
    there.created_at = clock.day_start(FIRST + dt.timedelta(days=1)) + dt.timedelta(seconds=1)
    movements = world.sandbox.wechat_pay.account.movements
    movements[-1] = replace(movements[-1], at=there.created_at)
    for day in (2, 3):
        next_morning(time, day)
        await reconcile(runtime)
    assert await cases(runtime.db) == []


async def test_a_damaged_bill_is_told_once_and_fetched_again(runtime: Runtime, world: World, time: Time) -> None:
    payment = await unheard(runtime, world)
    world.sandbox.wechat_pay.faults.set("bill_bad_hash", on="trade", times=2)
    next_morning(time)
    assert (await reconcile(runtime))["pending"] == 1
    assert (await reconcile(runtime))["pending"] == 1
    assert [case.kind for case in await cases(runtime.db)] == ["truncated_bill"]
    assert (await reconcile(runtime))["pending"] == 0
    async with runtime.db.transaction() as session:
        assert (await session.get_one(Payment, payment.id)).status is PaymentStatus.PAID


@pytest.mark.parametrize("operation", ["trade_bill", "fund_flow_bill", "query_order"])
async def test_a_failing_call_leaves_the_day_for_later(
    runtime: Runtime, world: World, time: Time, operation: str
) -> None:
    """Crash between steps: whatever was written already is found written the next time."""
    payment = await unheard(runtime, world)
    next_morning(time)
    faults = world.sandbox.wechat_pay.faults
    faults.set("refuse", on=operation, times=None)
    assert (await reconcile(runtime, FIRST))["pending"] == 1
    async with runtime.db.transaction() as session:
        assert await session.get(ReconciliationDay, FIRST) is None
    faults.clear()
    assert await reconcile(runtime, FIRST) == {"days": 1, "pending": 0, "cases": 1}
    async with runtime.db.transaction() as session:
        assert (await session.get_one(Payment, payment.id)).status is PaymentStatus.PAID


async def test_late_money_found_in_the_bill_waits_as_an_extra_refund(
    runtime: Runtime, world: World, time: Time
) -> None:
    payment = await unheard(runtime, world)
    async with runtime.db.transaction() as session:
        camp = await session.get_one(Camp, payment.camp_id)
        camp.status = CampStatus.ENDED
    next_morning(time)
    await reconcile(runtime)
    async with runtime.db.transaction() as session:
        row = await session.get_one(Payment, payment.id)
        assert row.excess is not None
        await books_agree(session, world)


async def test_a_broken_ledger_is_a_case_too(runtime: Runtime, world: World, time: Time) -> None:
    payment = await paid(runtime, world)
    async with runtime.db.transaction() as session:
        row = await session.get_one(Payment, payment.id)
        row.status, row.transaction_id, row.paid_at = PaymentStatus.CLOSED, None, None
    await reconcile(runtime)
    await reconcile(runtime)
    found = [case for case in await cases(runtime.db) if case.kind == "ledger"]
    assert [case.detail["found_fen"] for case in found] == [9900]
    async with runtime.db.transaction() as session:
        alerts = list(await session.scalars(select(Notification.scene)))
    assert alerts.count("reconciliation_case") == 1
