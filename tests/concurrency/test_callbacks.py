"""The same payment told several times at the same moment, on real connections: credited once."""

import asyncio
from collections import Counter

import httpx
import pytest
from sqlalchemy import func, select

from backend.core.actor import SYSTEM
from backend.models.camps import Camp
from backend.models.inbox import InboxEvent
from backend.models.ledger import Account
from backend.models.members import Member
from backend.models.payments import Payment
from backend.models.reconciliation import ReconciliationCase
from backend.models.refunds import Refund
from backend.money.ledger import service as ledger
from backend.money.payments import flows, service
from backend.runtime import Runtime
from tests.conftest import Time
from tests.factories import make_camp, make_payer, make_payment
from tests.money.payments.shop import Phone, crowded, fact_of, new_openid, phone_of
from tests.world import World


@pytest.fixture(autouse=True)
def patient_provider(world: World) -> None:
    """A busy machine may take longer for many notifications at once than WeChat Pay's five seconds."""
    world.sandbox.wechat_pay.courier.timeout_seconds = 60.0


@pytest.fixture
async def camp(shared_runtime: Runtime) -> Camp:
    async with shared_runtime.db.transaction() as session:
        return await make_camp(session)


async def assert_credited_once(runtime: Runtime, *, events: int) -> None:
    async with runtime.db.transaction() as session:
        for model, expected in ((Member, 1), (InboxEvent, events), (Refund, 0), (ReconciliationCase, 0)):
            assert await session.scalar(select(func.count()).select_from(model)) == expected
        assert (await ledger.balances(session))[Account.PROVIDER_CLEARING] == 9900
        assert await ledger.verify(session) == []


@pytest.mark.parametrize(("new_ids", "events"), [(False, 1), (True, 5)])
async def test_five_callbacks_at_once(
    shared_client: httpx.AsyncClient, shared_runtime: Runtime, world: World, camp: Camp, new_ids: bool, events: int
) -> None:
    order = await (await phone_of(shared_client, shared_runtime, new_openid())).ordered(camp.id)
    world.sandbox.wechat_pay.faults.set("notify_parallel", value=5)
    if new_ids:
        world.sandbox.wechat_pay.faults.set("notify_new_id", times=None)
    world.sandbox.wechat_pay.pay(order["out_trade_no"])
    await world.sandbox.wechat_pay.deliver_due()
    attempts = world.sandbox.wechat_pay.courier.deliveries[-1].attempts
    assert [attempt.outcome for attempt in attempts] == ["204"] * 5
    await assert_credited_once(shared_runtime, events=events)


async def test_callback_backfill_and_settling_at_once(
    shared_client: httpx.AsyncClient, shared_runtime: Runtime, world: World, time: Time, camp: Camp
) -> None:
    order = await (await phone_of(shared_client, shared_runtime, new_openid())).ordered(camp.id)
    time.advance(60)
    world.sandbox.wechat_pay.pay(order["out_trade_no"])
    async with shared_runtime.db.transaction() as session:
        payment = (await session.scalars(select(Payment))).one()
    await asyncio.gather(
        world.sandbox.wechat_pay.deliver_due(),
        flows.payment_backfill(shared_runtime),
        flows.settle_order(shared_runtime, payment.id),
    )
    await assert_credited_once(shared_runtime, events=1)


async def test_two_orders_of_one_person_paid_at_the_same_moment(shared_runtime: Runtime, camp: Camp) -> None:
    """Guest sessions in two browsers, one WeChat account: one place, one refund to review."""
    async with shared_runtime.db.transaction() as session:
        row = await session.get_one(Camp, camp.id)
        payments = [await make_payment(session, row, await make_payer(session)) for _ in range(2)]
    openid = new_openid()

    async def record(payment: Payment) -> service.Outcome:
        async with shared_runtime.db.transaction() as session:
            fact = fact_of(payment, openid=openid)
            return (await service.record_payment(session, fact, source="callback", actor=SYSTEM)).outcome

    outcomes = await asyncio.gather(*map(record, payments))
    assert Counter(outcomes) == {service.Outcome.CREDITED: 1, service.Outcome.EXCESS: 1}
    async with shared_runtime.db.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Refund)) == 1
        assert await ledger.verify(session) == []


async def test_orders_and_callbacks_of_one_camp_do_not_block_each_other_for_good(
    shared_client: httpx.AsyncClient, shared_runtime: Runtime, world: World, camp: Camp
) -> None:
    async with shared_runtime.db.transaction() as session:
        crowd = [
            Phone(shared_client, shared_runtime, await make_payer(session, openid=new_openid())) for _ in range(40)
        ]
    placed = await crowded(phone.ordered(camp.id) for phone in crowd[:20])
    for order in placed:
        world.sandbox.wechat_pay.pay(order["out_trade_no"])
    delivering = asyncio.create_task(world.sandbox.wechat_pay.deliver_due())
    answers = await crowded((phone.order(camp.id) for phone in crowd), at_once=20)
    await delivering
    assert {answer.json()["code"] for answer in answers} <= {"ok", "already_enrolled"}
    async with shared_runtime.db.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Member)) == 20
