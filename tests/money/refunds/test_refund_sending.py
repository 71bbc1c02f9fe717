"""Sending: one number for ever, one refund at the provider, whatever fails and wherever the process dies."""

import asyncio

import pytest
from sqlalchemy import select

from backend.core.actor import PROVIDER
from backend.core.db import Database
from backend.gateways.errors import Rejected, Unknown
from backend.models.ledger import Account
from backend.models.notifications import Notification
from backend.models.refunds import Refund, RefundHold, RefundStatus
from backend.money.ledger import service as ledger
from backend.money.refunds import flows, recovery, review, service
from backend.money.refunds.sending import Outcome
from backend.runtime import Runtime
from tests import factories
from tests.conftest import RecordingQueue, Time
from tests.money.refunds.facts import ended_camp, enrolled, fact_about
from tests.money.refunds.provider import actor_of, approved, books_agree, now_of, statuses
from tests.world import World

S = RefundStatus


def accepted(world: World) -> int:
    """How many refunds the provider has."""
    return len(world.sandbox.wechat_pay.refunds.by_number)


async def scenes(db: Database) -> list[str]:
    async with db.transaction() as session:
        return sorted(await session.scalars(select(Notification.scene)))


async def finished(runtime: Runtime, world: World, time: Time, refund: Refund) -> None:
    """From whatever it is in, the sweep alone brings it to its good end, once."""
    for _ in range(4):
        time.advance(400)
        await flows.refund_sweep(runtime)
    row = await now_of(runtime.db, refund)
    assert row.status is S.SUCCEEDED
    assert row.out_refund_no == refund.out_refund_no
    assert accepted(world) == 1
    async with runtime.db.transaction() as session:
        await books_agree(session, world)


async def test_an_approved_refund_is_sent_and_queried_to_its_end(runtime: Runtime, world: World, time: Time) -> None:
    [refund] = await approved(runtime, world)

    await flows.send(runtime, {})

    row = await now_of(runtime.db, refund)
    assert (row.status, row.attempts, row.sendings) == (S.PROCESSING, 1, 1)
    assert row.provider_refund_id is not None
    async with runtime.db.transaction() as session:
        balances = await ledger.balances(session)
    assert balances[Account.REFUNDS_IN_TRANSIT] == -9900

    # Not before a minute has passed; then the lost notification is made good by a query (B24).
    assert (await flows.refund_sweep(runtime))["queried"] == 0
    time.advance(61)
    assert (await flows.refund_sweep(runtime))["queried"] == 1
    assert (await now_of(runtime.db, refund)).status is S.SUCCEEDED
    async with runtime.db.transaction() as session:
        await books_agree(session, world)
    assert await scenes(runtime.db) == ["refund_success"]

    before = await scenes(runtime.db)
    assert await flows.refund_sweep(runtime) == {"sent": 0, "queried": 0}
    assert await scenes(runtime.db) == before


async def test_the_request_names_amounts_and_address(runtime: Runtime, world: World) -> None:
    [refund] = await approved(runtime, world)
    await flows.send(runtime, {})
    there = world.sandbox.wechat_pay.refunds.by_number[refund.out_refund_no]
    assert there.amount_fen == refund.amount_fen
    assert there.notify_url == "http://testserver/api/webhook/wechat/refund"


EXECUTED = [
    ("lose_reply", None),
    ("signtest_reply", None),
    ("unsigned_reply", None),
    ("execute_then_refuse", 500),
    ("execute_then_refuse", 502),
    ("execute_then_refuse", 429),
]
NOT_EXECUTED = [("lose_request", None), ("refuse", 429), ("refuse", 500), ("refuse", 503)]


@pytest.mark.parametrize(("fault", "status"), EXECUTED + NOT_EXECUTED)
async def test_an_unclear_answer_leads_to_one_refund(
    runtime: Runtime, world: World, time: Time, fault: str, status: float | None
) -> None:
    """B11: whether the provider acted or not, the next try asks first and uses the same number."""
    [refund] = await approved(runtime, world)
    world.sandbox.wechat_pay.faults.set(fault, on="create_refund", value=status)

    await flows.send(runtime, {})

    row = await now_of(runtime.db, refund)
    assert (row.status, row.attempts) == (S.SENDING, 1)
    assert accepted(world) == (1 if (fault, status) in EXECUTED else 0)

    time.advance(59)
    assert (await flows.refund_sweep(runtime))["sent"] == 0
    time.advance(2)
    assert (await flows.refund_sweep(runtime))["sent"] == 1
    assert (await now_of(runtime.db, refund)).status in (S.PROCESSING, S.SUCCEEDED)
    await finished(runtime, world, time, refund)


async def test_a_query_that_fails_too_sends_nothing(runtime: Runtime, world: World, time: Time) -> None:
    [refund] = await approved(runtime, world)
    faults = world.sandbox.wechat_pay.faults
    faults.set("lose_request", on="create_refund")
    await flows.send(runtime, {})
    # Not even when the question is refused: that says nothing about the refund.
    faults.set("refuse", on="query_refund", value=401, times=None)
    time.advance(61)
    await flows.refund_sweep(runtime)
    assert accepted(world) == 0
    assert (await now_of(runtime.db, refund)).status is S.SENDING
    faults.clear()
    await finished(runtime, world, time, refund)


async def given_up(runtime: Runtime, world: World, time: Time) -> Refund:
    """A refund the provider carried out while each of our tries went unanswered."""
    [refund] = await approved(runtime, world)
    faults = world.sandbox.wechat_pay.faults
    faults.set("lose_reply", on="create_refund", times=None)
    await flows.send(runtime, {})
    faults.set("lose_reply", on="query_refund", times=None)
    for seconds in (61, 301):
        time.advance(seconds)
        await flows.refund_sweep(runtime)
    faults.clear()
    return await now_of(runtime.db, refund)


async def test_after_its_tries_a_refund_waits_for_a_person(runtime: Runtime, world: World, time: Time) -> None:
    row = await given_up(runtime, world, time)

    assert (row.status, row.attempts, row.failure_code) == (S.FAILED, 3, "connection_lost")
    async with runtime.db.transaction() as session:
        balances = await ledger.balances(session)
        assert await ledger.verify(session) == []
    assert (balances[Account.DEPOSITS_HELD], balances[Account.REFUNDS_IN_TRANSIT]) == (-9900, 0)
    assert await scenes(runtime.db) == ["refund_delayed", "refund_failed"]
    time.advance(7200)
    assert (await flows.refund_sweep(runtime))["sent"] == 0


async def test_the_provider_s_late_word_ends_a_given_up_refund(runtime: Runtime, world: World, time: Time) -> None:
    refund = await given_up(runtime, world, time)
    async with runtime.db.transaction() as session:
        fact = await runtime.wechat_pay.query_refund(refund.out_refund_no)
        assert fact is not None
        await service.record_refund(session, fact, source="callback", actor=PROVIDER)
    assert (await now_of(runtime.db, refund)).status is S.SUCCEEDED
    async with runtime.db.transaction() as session:
        await books_agree(session, world)


async def test_a_retry_by_hand_asks_first(runtime: Runtime, world: World, time: Time) -> None:
    refund = await given_up(runtime, world, time)
    async with runtime.db.transaction() as session:
        staff = await factories.make_staff(session)
        await recovery.retry(session, refund.id, actor=actor_of(staff), settings=runtime.settings.refund)

    await flows.send(runtime, {})

    row = await now_of(runtime.db, refund)
    assert (row.status, row.sendings, row.manual_retries, row.failure_code) == (S.SUCCEEDED, 2, 1, None)
    assert accepted(world) == 1
    async with runtime.db.transaction() as session:
        await books_agree(session, world)


@pytest.mark.parametrize(
    ("status", "code"), [(400, "INVALID_REQUEST"), (403, "NO_AUTH"), (403, "USER_ACCOUNT_ABNORMAL")]
)
async def test_a_refusal_is_final_and_stops_only_that_row(
    runtime: Runtime, world: World, status: int, code: str
) -> None:
    refunds = await approved(runtime, world, 3)
    world.sandbox.wechat_pay.faults.set("refuse", on="create_refund", value=status, code=code)
    await flows.send(runtime, {})
    assert await statuses(runtime.db) == {"failed": 1, "processing": 2}
    rows = [await now_of(runtime.db, refund) for refund in refunds]
    assert [row.failure_code for row in rows if row.status is S.FAILED] == [code]


# Crash between each pair of steps.


async def test_dying_before_the_call(runtime: Runtime, world: World, time: Time) -> None:
    [refund] = await approved(runtime, world)
    assert len(await flows.claim(runtime)) == 1
    assert await flows.claim(runtime) == []  # nobody else takes it up at once
    assert accepted(world) == 0
    await finished(runtime, world, time, refund)


async def test_dying_after_the_call_before_the_record(runtime: Runtime, world: World, time: Time) -> None:
    [refund] = await approved(runtime, world)
    [claimed] = await flows.claim(runtime)
    await flows.ask(runtime, claimed)
    assert (await now_of(runtime.db, refund)).status is S.SENDING
    assert accepted(world) == 1
    await finished(runtime, world, time, refund)


async def test_a_lost_wake_up_is_made_good_by_the_sweep(runtime: Runtime, world: World, queue: RecordingQueue) -> None:
    [refund] = await approved(runtime, world)
    assert [job.name for job in queue.jobs if job.name.startswith("refunds")] == ["refunds.send"]
    assert (await flows.refund_sweep(runtime))["sent"] == 1
    assert (await now_of(runtime.db, refund)).status is S.PROCESSING


@pytest.mark.parametrize("notified_first", [True, False])
async def test_answer_and_notification_in_both_orders(runtime: Runtime, world: World, notified_first: bool) -> None:
    """B12: the notification may overtake our own record of the answer."""
    [refund] = await approved(runtime, world)
    [claimed] = await flows.claim(runtime)
    outcome = await flows.ask(runtime, claimed)

    async def notified() -> None:
        async with runtime.db.transaction() as session:
            there = world.sandbox.wechat_pay.refunds.by_number[refund.out_refund_no]
            row = await session.get_one(Refund, refund.id)
            fact = await fact_about(session, row, "SUCCESS", refund_id=there.refund_id)
            await service.record_refund(session, fact, source="callback", actor=PROVIDER)

    if notified_first:
        await notified()
        await flows.record(runtime, claimed, outcome)
    else:
        await flows.record(runtime, claimed, outcome)
        await notified()

    assert (await now_of(runtime.db, refund)).status is S.SUCCEEDED
    assert await scenes(runtime.db) == ["refund_success"]
    async with runtime.db.transaction() as session:
        assert await ledger.verify(session) == []


async def test_a_failure_recorded_too_late_changes_nothing(runtime: Runtime, world: World, time: Time) -> None:
    """A worker that hung comes back with its refusal after another one succeeded."""
    [refund] = await approved(runtime, world)
    [claimed] = await flows.claim(runtime)
    time.advance(61)
    [again] = await flows.claim(runtime)
    stale = Outcome(Rejected("wechat_pay", "INVALID_REQUEST"), None)
    await flows.record(runtime, claimed, stale)
    assert (await now_of(runtime.db, refund)).status is S.SENDING
    await flows.record(runtime, again, await flows.ask(runtime, again))
    await flows.record(runtime, claimed, stale)
    assert (await now_of(runtime.db, refund)).status is S.PROCESSING


# Another merchant in force.


async def approved_elsewhere(runtime: Runtime) -> Refund:
    """An approved refund of money that the merchant in force never got."""
    async with runtime.db.transaction() as session:
        camp, payer = await ended_camp(session), await factories.make_payer(session, openid="o-elsewhere")
        payment = await factories.make_payment(session, camp, payer, paid=True, mch_id="1900000999")
        refund = await factories.make_refund(session, await enrolled(session, camp, payer=payer, payment=payment))
        reviewer = await factories.make_staff(session)
    async with runtime.db.transaction() as session:
        await review.approve(session, refund.id, actor=actor_of(reviewer), note=None)
    return refund


async def test_what_another_merchant_took_is_neither_sent_nor_settled(
    runtime: Runtime, world: World, time: Time
) -> None:
    """The merchant in force knows nothing of such a refund, which may have been paid out by the one before."""
    refund = await approved_elsewhere(runtime)
    await flows.send(runtime, {})
    row = await now_of(runtime.db, refund)
    assert (row.status, row.attempts) == (S.SENDING, 1)
    for _ in range(3):
        time.advance(1801)
        await flows.refund_sweep(runtime)
    row = await now_of(runtime.db, refund)
    assert (row.status, row.failure_code) == (S.FAILED, "other_merchant")
    assert row.failure_message == "订单属于另一个商户，无法查询或退款"
    async with runtime.db.transaction() as session:
        staff = await factories.make_staff(session)
    with pytest.raises(Unknown, match="other_merchant"):
        await flows.settle_offline(runtime, refund.id, note="已转账", actor=actor_of(staff))
    assert (await now_of(runtime.db, refund)).status is S.FAILED
    assert accepted(world) == 0


async def test_an_accepted_refund_of_another_merchant_is_not_asked_about(
    runtime: Runtime, world: World, time: Time
) -> None:
    refund = await approved_elsewhere(runtime)
    assert len(await flows.claim(runtime)) == 1
    async with runtime.db.transaction() as session:
        fact = await fact_about(session, refund, "PROCESSING")
        await service.record_refund(session, fact, source="callback", actor=PROVIDER)
    time.advance(61)
    assert (await flows.refund_sweep(runtime))["queried"] == 1
    with pytest.raises(Unknown, match="other_merchant"):
        await flows.refresh(runtime, refund.id)
    assert (await now_of(runtime.db, refund)).status is S.PROCESSING


# The hold.


async def test_an_empty_account_stops_everybody_until_resumed(runtime: Runtime, world: World, time: Time) -> None:
    """B24: one row fails, the rest waits; after a top-up all goes on, each once."""
    refunds = await approved(runtime, world, 25)
    world.sandbox.wechat_pay.account.set_balance(9900 * 12)

    await flows.send(runtime, {})

    found = await statuses(runtime.db)
    assert found["failed"] == 1
    assert found["processing"] == 12
    failed = next(row for row in [await now_of(runtime.db, r) for r in refunds] if row.status is S.FAILED)
    assert failed.failure_code == "provider_balance"
    async with runtime.db.transaction() as session:
        hold = (await session.scalars(select(RefundHold))).one()
        assert (hold.cause, hold.refund_id, hold.ended_at) == ("provider_balance", failed.id, None)
    assert (await scenes(runtime.db)).count("refund_hold") == 1

    # Paused for all, the sweep included.
    world.sandbox.wechat_pay.account.set_balance(9900 * 100)
    time.advance(400)
    assert (await flows.refund_sweep(runtime))["sent"] == 0
    assert accepted(world) == 12

    async with runtime.db.transaction() as session:
        staff = await factories.make_staff(session)
        assert await recovery.resume(session, actor=actor_of(staff))
        await recovery.retry(session, failed.id, actor=actor_of(staff), settings=runtime.settings.refund)
    await flows.send(runtime, {})
    assert accepted(world) == 25
    time.advance(61)
    await flows.refund_sweep(runtime)
    assert await statuses(runtime.db) == {"succeeded": 25}
    async with runtime.db.transaction() as session:
        await books_agree(session, world)


async def test_broken_keys_stop_everybody_too(runtime: Runtime, world: World) -> None:
    await approved(runtime, world, 3)
    world.sandbox.wechat_pay.faults.set("refuse", on="create_refund", value=401, times=None)
    await flows.send(runtime, {})
    found = await statuses(runtime.db)
    assert found == {"failed": 1, "sending": 2}
    async with runtime.db.transaction() as session:
        hold = (await session.scalars(select(RefundHold))).one()
        assert hold.cause == "provider_configuration"


async def test_resuming_without_a_hold_is_harmless(runtime: Runtime) -> None:
    async with runtime.db.transaction() as session:
        staff = await factories.make_staff(session)
        assert not await recovery.resume(session, actor=actor_of(staff))


# Pace, and what takes too long.


async def test_refunds_leave_at_the_set_pace(runtime: Runtime, world: World) -> None:
    """B15: however many were approved at once."""
    world.settings.refund.per_second = 60
    await approved(runtime, world, 13)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await flows.send(runtime, {})
    assert loop.time() - began >= 12 / 60
    assert accepted(world) == 13


async def test_an_accepted_refund_is_asked_about_less_and_less_often_and_told_when_stuck(
    runtime: Runtime, world: World, time: Time
) -> None:
    world.sandbox.wechat_pay.refunds.seconds = 10 * 86_400.0
    await approved(runtime, world)
    await flows.send(runtime, {})
    # Minute after sending → whether a question is due then.
    due = {1: True, 4: False, 5: True, 29: False, 31: True, 60: False, 92: True, 120: False, 153: True}
    now = 0
    for minute, expected in due.items():
        time.advance((minute - now) * 60 + 1)
        now = minute
        assert (await flows.refund_sweep(runtime))["queried"] == expected, minute
    assert "refund_stuck" not in await scenes(runtime.db)
    for _ in range(3):
        time.advance(23 * 3600)
        await flows.refund_sweep(runtime)
    assert (await scenes(runtime.db)).count("refund_stuck") == 1


async def test_a_failing_query_is_repeated_next_time(runtime: Runtime, world: World, time: Time) -> None:
    [refund] = await approved(runtime, world)
    await flows.send(runtime, {})
    world.sandbox.wechat_pay.faults.set("refuse", on="query_refund", value=400, code="PARAM_ERROR")
    time.advance(61)
    assert (await flows.refund_sweep(runtime))["queried"] == 1
    assert (await now_of(runtime.db, refund)).status is S.PROCESSING
    time.advance(300)
    await flows.refund_sweep(runtime)
    assert (await now_of(runtime.db, refund)).status is S.SUCCEEDED
