"""A refund's whole way with the provider's own notifications, true and spoilt ones."""

import httpx
import pytest
from sqlalchemy import select

from backend.models.notifications import Notification
from backend.models.reconciliation import ReconciliationCase
from backend.models.refunds import Refund, RefundStatus
from backend.money.refunds import flows
from backend.runtime import Runtime
from tests.conftest import Time
from tests.money.refunds.provider import approved, books_agree, now_of
from tests.world import World

S = RefundStatus


async def sent(runtime: Runtime, world: World) -> Refund:
    [refund] = await approved(runtime, world)
    world.sandbox.wechat_pay.courier.deliveries.clear()
    await flows.send(runtime, {})
    return refund


async def notified(world: World, time: Time, *, seconds: float = 3) -> None:
    time.advance(seconds)
    await world.sandbox.wechat_pay.deliver_due()


@pytest.mark.parametrize(
    "fault", [None, "notify_duplicate", "notify_new_id", "notify_empty_aad", "notify_extra_fields"]
)
async def test_a_notification_ends_it_once(
    client: httpx.AsyncClient, runtime: Runtime, world: World, time: Time, fault: str | None
) -> None:
    refund = await sent(runtime, world)
    if fault is not None:
        world.sandbox.wechat_pay.faults.set(fault, on="refund", times=3)
    for _ in range(3):
        await notified(world, time)
    assert (await now_of(runtime.db, refund)).status is S.SUCCEEDED
    async with runtime.db.transaction() as session:
        await books_agree(session, world)
        told = list(await session.scalars(select(Notification.scene)))
    assert told.count("refund_success") == 1


@pytest.mark.parametrize("fault", ["notify_tampered", "notify_stale", "notify_signtest", "notify_unknown_serial"])
async def test_a_forged_one_is_refused_and_the_true_one_comes_again(
    client: httpx.AsyncClient, runtime: Runtime, world: World, time: Time, fault: str
) -> None:
    refund = await sent(runtime, world)
    world.sandbox.wechat_pay.faults.set(fault, on="refund")
    await notified(world, time)
    assert (await now_of(runtime.db, refund)).status is S.PROCESSING
    await notified(world, time, seconds=16)
    assert (await now_of(runtime.db, refund)).status is S.SUCCEEDED


@pytest.mark.parametrize("fault", ["notify_other_mchid", "notify_wrong_amount"])
async def test_one_that_does_not_fit_is_held_and_the_query_settles_it(
    client: httpx.AsyncClient, runtime: Runtime, world: World, time: Time, fault: str
) -> None:
    refund = await sent(runtime, world)
    world.sandbox.wechat_pay.faults.set(fault, on="refund")
    await notified(world, time)
    assert (await now_of(runtime.db, refund)).status is S.PROCESSING
    async with runtime.db.transaction() as session:
        assert list(await session.scalars(select(ReconciliationCase.kind))) == ["refund_mismatch"]
    time.advance(61)
    await flows.refund_sweep(runtime)
    assert (await now_of(runtime.db, refund)).status is S.SUCCEEDED


@pytest.mark.parametrize(("fault", "status"), [("refund_closed", S.CLOSED), ("refund_abnormal", S.FAILED)])
async def test_bad_ends_are_told(
    client: httpx.AsyncClient, runtime: Runtime, world: World, time: Time, fault: str, status: RefundStatus
) -> None:
    world.sandbox.wechat_pay.faults.set(fault, on="create_refund")
    refund = await sent(runtime, world)
    await notified(world, time)
    assert (await now_of(runtime.db, refund)).status is status
    async with runtime.db.transaction() as session:
        await books_agree(session, world)
        assert "refund_failed" in list(await session.scalars(select(Notification.scene)))


async def test_a_dropped_one_is_made_good_by_the_sweep(
    client: httpx.AsyncClient, runtime: Runtime, world: World, time: Time
) -> None:
    refund = await sent(runtime, world)
    world.sandbox.wechat_pay.faults.set("notify_drop", on="refund", times=None)
    await notified(world, time)
    assert (await now_of(runtime.db, refund)).status is S.PROCESSING
    time.advance(61)
    await flows.refund_sweep(runtime)
    assert (await now_of(runtime.db, refund)).status is S.SUCCEEDED
