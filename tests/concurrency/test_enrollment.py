"""Many people at once, on real connections: places are never oversold, and nobody's money is lost."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.models.camps import Camp
from backend.models.members import Member
from backend.models.payments import Channel, Excess, Payment, PaymentStatus
from backend.models.refunds import Refund
from backend.money.ledger import service as ledger
from backend.money.payments import flows, service
from backend.runtime import Runtime
from tests.conftest import Time
from tests.factories import make_camp, make_payer, make_payment
from tests.money.payments.shop import Phone, crowded, fact_of, minutes, new_openid
from tests.world import World

PLACES, TRIES = 20, 200


@pytest.fixture(autouse=True)
def patient_provider(world: World) -> None:
    """A busy machine may take longer for many notifications at once than WeChat Pay's five seconds."""
    world.sandbox.wechat_pay.courier.timeout_seconds = 60.0


async def camp_with(runtime: Runtime, places: int) -> Camp:
    async with runtime.db.transaction() as session:
        return await make_camp(session, capacity=places)


async def phones(client: httpx.AsyncClient, runtime: Runtime, count: int) -> list[Phone]:
    async with runtime.db.transaction() as session:
        return [Phone(client, runtime, await make_payer(session, openid=new_openid())) for _ in range(count)]


async def states(runtime: Runtime, camp: Camp) -> Counter[PaymentStatus]:
    async with runtime.db.transaction() as session:
        return Counter((await session.scalars(select(Payment.status).where(Payment.camp_id == camp.id))).all())


async def members(runtime: Runtime, camp: Camp) -> int:
    async with runtime.db.transaction() as session:
        assert await ledger.verify(session) == []
        statement = select(func.count()).select_from(Member).where(Member.camp_id == camp.id)
        return await session.scalar(statement) or 0


async def test_a_crowd_gets_exactly_the_places_there_are(
    shared_client: httpx.AsyncClient, shared_runtime: Runtime, world: World
) -> None:
    """B27."""
    camp = await camp_with(shared_runtime, PLACES)
    crowd = await phones(shared_client, shared_runtime, TRIES)
    answers = await crowded(phone.order(camp.id) for phone in crowd)
    assert Counter(answer.json()["code"] for answer in answers) == {"ok": PLACES, "camp_full": TRIES - PLACES}
    for answer in answers:
        if answer.status_code == 200:
            world.sandbox.wechat_pay.pay(answer.json()["data"]["out_trade_no"])
    await world.sandbox.wechat_pay.deliver_due()
    assert await states(shared_runtime, camp) == {PaymentStatus.PAID: PLACES}
    assert await members(shared_runtime, camp) == PLACES
    assert (await crowd[0].order(camp.id)).json()["code"] in ("already_enrolled", "camp_full")


@pytest.mark.parametrize("channels", [("jsapi", "jsapi"), ("native", "h5")])
async def test_the_last_place_goes_to_one_of_two(
    shared_client: httpx.AsyncClient, shared_runtime: Runtime, channels: tuple[str, str]
) -> None:
    """B27."""
    for _ in range(5):
        camp = await camp_with(shared_runtime, 1)
        pair = await phones(shared_client, shared_runtime, 2)
        answers = await asyncio.gather(*(p.order(camp.id, c) for p, c in zip(pair, channels, strict=True)))
        assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_an_impatient_person_has_one_order(shared_client: httpx.AsyncClient, shared_runtime: Runtime) -> None:
    camp = await camp_with(shared_runtime, 5)
    (phone,) = await phones(shared_client, shared_runtime, 1)
    orders = await asyncio.gather(*(phone.ordered(camp.id) for _ in range(10)))
    assert len({order["out_trade_no"] for order in orders}) == 1
    assert await states(shared_runtime, camp) == {PaymentStatus.PENDING: 1}


async def test_orders_of_all_channels_at_once_end_in_one_open_order(
    shared_client: httpx.AsyncClient, shared_runtime: Runtime
) -> None:
    camp = await camp_with(shared_runtime, 1)
    (phone,) = await phones(shared_client, shared_runtime, 1)
    answers = await asyncio.gather(*(phone.order(camp.id, channel) for channel in [*Channel, *Channel]))
    assert {answer.json()["code"] for answer in answers} <= {"ok", "order_changing"}
    assert (await states(shared_runtime, camp))[PaymentStatus.PENDING] == 1


async def test_a_crowd_of_late_money_never_oversells(shared_runtime: Runtime) -> None:
    """B27, B29: eight closed orders are paid at once for three free places."""
    camp = await camp_with(shared_runtime, 3)
    async with shared_runtime.db.transaction() as session:
        row, now = await session.get_one(Camp, camp.id), clock.now()
        closed: dict[str, Any] = {"status": PaymentStatus.CLOSED, "closed_at": now, "expires_at": now - minutes(1)}
        payments = [await make_payment(session, row, **closed) for _ in range(8)]

    async def record(payment: Payment) -> service.Outcome:
        async with shared_runtime.db.transaction() as session:
            fact = fact_of(payment, openid=new_openid())
            recorded = await service.record_payment(session, fact, source="query", actor=SYSTEM)
            return recorded.outcome

    outcomes = await asyncio.gather(*map(record, payments))
    assert Counter(outcomes) == {service.Outcome.CREDITED: 3, service.Outcome.EXCESS: 5}
    assert await members(shared_runtime, camp) == 3
    async with shared_runtime.db.transaction() as session:
        assert set((await session.scalars(select(Payment.excess))).all()) == {None, Excess.CAMP_FULL}
        assert await session.scalar(select(func.count()).select_from(Refund)) == 5


async def test_expiry_races_payments_and_new_orders(
    shared_client: httpx.AsyncClient, shared_runtime: Runtime, world: World, time: Time
) -> None:
    """Half of the expired orders were paid in their last minute; others want the seats meanwhile."""
    camp = await camp_with(shared_runtime, 10)
    early = [await phone.ordered(camp.id) for phone in await phones(shared_client, shared_runtime, 10)]
    time.advance(29 * 60)
    for order in early[:5]:
        world.sandbox.wechat_pay.pay(order["out_trade_no"])
    time.advance(2 * 60)
    late = await phones(shared_client, shared_runtime, 15)
    summary, _, *answers = await asyncio.gather(
        flows.order_expiry(shared_runtime),
        world.sandbox.wechat_pay.deliver_due(),
        *(phone.order(camp.id) for phone in late),
    )
    assert summary["closed"] == 5
    assert set(summary) <= {"asked", "closed", "credited", "repeated"}
    now = await states(shared_runtime, camp)
    assert now[PaymentStatus.PAID] == await members(shared_runtime, camp) == 5
    assert now[PaymentStatus.PENDING] == sum(answer.status_code == 200 for answer in answers) <= 5
