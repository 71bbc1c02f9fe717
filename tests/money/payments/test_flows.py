"""Orders at the provider, through its simulator: lost replies, races, and a crash between any two steps."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from backend.community.enrollments.rules import read_form
from backend.community.enrollments.service import AlreadyEnrolled, CampFull, EnrollClosed
from backend.core.config import WeChatPaySettings
from backend.core.errors import NotFound, ProviderProblem
from backend.gateways.errors import GatewayError, Rejected, Unavailable, Unknown
from backend.models.camps import Camp
from backend.models.members import Member
from backend.models.payers import Payer
from backend.models.payments import Channel, Excess, Payment, PaymentStatus
from backend.models.refunds import Refund
from backend.money.ledger import service as ledger
from backend.money.payments import flows, service
from backend.money.payments.service import NewOrder, PaymentNotPending
from backend.runtime import Runtime
from tests.conftest import Time
from tests.factories import make_camp, make_payer, make_payment
from tests.money.payments.shop import FORM, current, minutes, new_openid
from tests.world import World


@pytest.fixture(autouse=True)
async def books_agree(runtime: Runtime) -> AsyncIterator[None]:
    """Whatever a test did, the ledger speaks of exactly the paid orders."""
    yield
    async with runtime.db.transaction() as session:
        assert await ledger.verify(session) == []


async def camp_of(runtime: Runtime, **fields: Any) -> Camp:
    async with runtime.db.transaction() as session:
        return await make_camp(session, **fields)


async def payer_of(runtime: Runtime) -> Payer:
    async with runtime.db.transaction() as session:
        return await make_payer(session, openid=new_openid())


async def place(runtime: Runtime, payer: Payer, camp: Camp, channel: Channel = Channel.JSAPI) -> Payment:
    return await flows.place_order(runtime, current(payer), NewOrder(camp.id, channel, read_form(**FORM)))


async def now_of(runtime: Runtime, payment: Payment) -> Payment:
    """The order as it stands now."""
    async with runtime.db.transaction() as session:
        return await session.get_one(Payment, payment.id)


async def members_of(runtime: Runtime, camp: Camp) -> list[Member]:
    async with runtime.db.transaction() as session:
        return list((await session.scalars(select(Member).where(Member.camp_id == camp.id))).all())


async def order(runtime: Runtime, camp: Camp | None = None, channel: Channel = Channel.JSAPI) -> Payment:
    return await place(runtime, await payer_of(runtime), camp or await camp_of(runtime), channel)


# Placing


@pytest.mark.parametrize("channel", Channel)
async def test_an_order_is_made_at_the_provider_as_it_is_here(runtime: Runtime, world: World, channel: Channel) -> None:
    camp = await camp_of(runtime, name="七天写作营", deposit_fen=19900)
    payer = await payer_of(runtime)
    payment = await place(runtime, payer, camp, channel)
    there = world.sandbox.wechat_pay.orders.by_number[payment.out_trade_no]
    assert (there.channel, there.amount_fen, there.description) == (channel, 19900, "训练营押金-七天写作营")
    assert there.expires_at == payment.expires_at
    assert there.notify_url == "http://testserver/api/webhook/wechat/payment"
    assert there.payer_openid == (payer.openid if channel is Channel.JSAPI else None)
    assert (await now_of(runtime, payment)).prepay is not None


async def test_asking_again_is_the_same_order_without_another_call(runtime: Runtime, world: World, time: Time) -> None:
    """B14: a prepay outlives the order, so paying later within the half hour needs no new one."""
    camp, payer = await camp_of(runtime), await payer_of(runtime)
    first = await place(runtime, payer, camp)
    time.advance(29 * 60)
    world.sandbox.wechat_pay.faults.set("refuse", times=None, on="create_order")
    second = await place(runtime, payer, camp)
    assert (second.id, second.out_trade_no, second.expires_at) == (first.id, first.out_trade_no, first.expires_at)


@pytest.mark.parametrize("fault", ["refuse", "lose_request", "execute_then_refuse", "lose_reply", "signtest_reply"])
async def test_an_order_stands_when_the_provider_can_not_answer_and_is_carried_on_later(
    runtime: Runtime, world: World, fault: str
) -> None:
    """The same as a crash between the commit and the call, or between the call and what it answered."""
    camp, payer = await camp_of(runtime), await payer_of(runtime)
    world.sandbox.wechat_pay.faults.set(fault, on="create_order")
    payment = await place(runtime, payer, camp)
    assert (payment.status, payment.prepay) == (PaymentStatus.PENDING, None)
    again, prepay = await flows.prepay(runtime, current(payer), payment.id)
    assert (again.id, prepay.startswith("wx")) == (payment.id, True)
    assert len(world.sandbox.wechat_pay.orders.by_number) == 1


async def test_a_crash_before_the_call_is_mended_by_asking_again(runtime: Runtime, world: World) -> None:
    camp, payer = await camp_of(runtime), await payer_of(runtime)
    wish = NewOrder(camp.id, Channel.JSAPI, read_form(**FORM))
    async with runtime.db.transaction() as session:
        left_behind = (await service.place(session, current(payer), wish, settings=runtime.settings)).payment
    assert world.sandbox.wechat_pay.orders.by_number == {}
    payment = await place(runtime, payer, camp)
    assert payment.id == left_behind.id
    assert payment.out_trade_no in world.sandbox.wechat_pay.orders.by_number


async def test_a_provider_that_refuses_for_good_is_told_and_the_order_carried_on(
    runtime: Runtime, world: World
) -> None:
    camp, payer = await camp_of(runtime), await payer_of(runtime)
    world.sandbox.wechat_pay.faults.set("refuse", on="create_order", value=403, code="NO_AUTH")
    with pytest.raises(Rejected, match="NO_AUTH"):
        await place(runtime, payer, camp)
    assert (await place(runtime, payer, camp)).status is PaymentStatus.PENDING


async def test_without_a_merchant_no_order_is_made(runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(update={"wechat_pay": WeChatPaySettings()})
    camp, payer = await camp_of(runtime), await payer_of(runtime)
    with pytest.raises(ProviderProblem):
        await place(replace(runtime, settings=settings), payer, camp)
    async with runtime.db.transaction() as session:
        assert (await session.scalars(select(Payment))).all() == []


async def test_another_channel_replaces_the_order_and_closes_the_old_one(runtime: Runtime, world: World) -> None:
    camp, payer = await camp_of(runtime, capacity=1), await payer_of(runtime)
    old = await place(runtime, payer, camp, Channel.H5)
    new = await place(runtime, payer, camp, Channel.JSAPI)
    assert new.out_trade_no != old.out_trade_no
    assert world.sandbox.wechat_pay.orders.by_number[old.out_trade_no].state == "CLOSED"
    closed = await now_of(runtime, old)
    assert (closed.status, closed.closed_at is not None) == (PaymentStatus.CLOSED, True)


@pytest.mark.parametrize("race", [False, True])
async def test_another_channel_finds_the_old_order_paid(runtime: Runtime, world: World, race: bool) -> None:
    camp, payer = await camp_of(runtime), await payer_of(runtime)
    old = await place(runtime, payer, camp, Channel.NATIVE)
    if race:
        world.sandbox.wechat_pay.faults.set("close_loses_race")
    else:
        world.sandbox.wechat_pay.pay(old.out_trade_no)
    with pytest.raises(AlreadyEnrolled) as caught:
        await place(runtime, payer, camp, Channel.JSAPI)
    (member,) = await members_of(runtime, camp)
    assert caught.value.data == {"member_id": str(member.id), "payment_id": str(old.id)}


@pytest.mark.parametrize("operation", ["query_order", "close_order"])
async def test_the_old_order_stays_while_the_provider_says_nothing_about_it(
    runtime: Runtime, world: World, operation: str
) -> None:
    camp, payer = await camp_of(runtime), await payer_of(runtime)
    old = await place(runtime, payer, camp, Channel.H5)
    world.sandbox.wechat_pay.faults.set("refuse", times=None, on=operation)
    with pytest.raises(GatewayError):
        await place(runtime, payer, camp, Channel.JSAPI)
    assert (await now_of(runtime, old)).status is PaymentStatus.PENDING
    world.sandbox.wechat_pay.faults.clear()
    assert (await place(runtime, payer, camp, Channel.JSAPI)).id != old.id


async def test_the_old_order_is_not_given_up_when_enrolling_is_over(runtime: Runtime, world: World, time: Time) -> None:
    time.set("2026-03-01 23:50")
    camp, payer = await camp_of(runtime), await payer_of(runtime)
    old = await place(runtime, payer, camp, Channel.NATIVE)
    time.set("2026-03-02 00:01")
    with pytest.raises(EnrollClosed):
        await place(runtime, payer, camp, Channel.JSAPI)
    world.sandbox.wechat_pay.pay(old.out_trade_no)
    assert await flows.settle_order(runtime, old.id) is PaymentStatus.PAID


async def test_an_expired_order_is_ended_before_there_is_a_new_one(runtime: Runtime, world: World, time: Time) -> None:
    camp, payer = await camp_of(runtime, capacity=1), await payer_of(runtime)
    old = await place(runtime, payer, camp)
    time.advance(31 * 60)
    new = await place(runtime, payer, camp)
    assert new.id != old.id
    assert (await now_of(runtime, old)).status is PaymentStatus.CLOSED
    assert world.sandbox.wechat_pay.orders.by_number[old.out_trade_no].state == "CLOSED"


async def test_an_order_the_provider_has_closed_is_replaced(runtime: Runtime, world: World) -> None:
    """We closed it there, and crashed before we wrote it down."""
    camp, payer = await camp_of(runtime), await payer_of(runtime)
    old = await place(runtime, payer, camp, Channel.NATIVE)
    await runtime.wechat_pay.close_order(old.out_trade_no)
    new = await place(runtime, payer, camp, Channel.JSAPI)
    assert (new.id != old.id, (await now_of(runtime, old)).status) == (True, PaymentStatus.CLOSED)


async def test_a_paid_order_is_found_when_its_prepay_is_renewed(runtime: Runtime, world: World) -> None:
    """Its notification is late; the page asks again and the provider says that it is paid."""
    camp, payer = await camp_of(runtime), await payer_of(runtime)
    world.sandbox.wechat_pay.faults.set("lose_reply", on="create_order")
    payment = await place(runtime, payer, camp)
    world.sandbox.wechat_pay.pay(payment.out_trade_no)
    with pytest.raises(PaymentNotPending):
        await flows.prepay(runtime, current(payer), payment.id)
    assert (await now_of(runtime, payment)).status is PaymentStatus.PAID


# Renewing


@pytest.mark.parametrize(("channel", "minutes_later"), [(Channel.H5, 5), (Channel.JSAPI, 29), (Channel.NATIVE, 29)])
async def test_a_prepay_is_renewed_with_the_same_number_only_when_used_up(
    runtime: Runtime, world: World, time: Time, channel: Channel, minutes_later: int
) -> None:
    """B14: an h5 address lives five minutes, the others two hours."""
    payer, camp = await payer_of(runtime), await camp_of(runtime)
    payment = await place(runtime, payer, camp, channel)
    _, first = await flows.prepay(runtime, current(payer), payment.id)
    time.advance(minutes_later * 60)
    _, second = await flows.prepay(runtime, current(payer, ip="198.51.100.1"), payment.id)
    assert (first != second) is (channel is Channel.H5)
    assert len(world.sandbox.wechat_pay.orders.by_number) == 1


async def test_an_order_past_its_life_has_no_prepay(runtime: Runtime, time: Time) -> None:
    payer, camp = await payer_of(runtime), await camp_of(runtime)
    payment = await place(runtime, payer, camp)
    time.advance(30 * 60)
    with pytest.raises(PaymentNotPending):
        await flows.prepay(runtime, current(payer), payment.id)


async def test_nobody_else_gets_the_prepay(runtime: Runtime) -> None:
    payment = await order(runtime)
    with pytest.raises(NotFound):
        await flows.prepay(runtime, current(await payer_of(runtime)), payment.id)


# Settling


async def test_settling_closes_an_unpaid_order(runtime: Runtime, world: World) -> None:
    payment = await order(runtime)
    assert await flows.settle_order(runtime, payment.id) is PaymentStatus.CLOSED
    assert world.sandbox.wechat_pay.orders.by_number[payment.out_trade_no].state == "CLOSED"


async def test_settling_finds_the_payment(runtime: Runtime, world: World) -> None:
    payment = await order(runtime)
    world.sandbox.wechat_pay.pay(payment.out_trade_no)
    assert await flows.settle_order(runtime, payment.id) is PaymentStatus.PAID
    assert (await now_of(runtime, payment)).source == "query"
    assert await flows.settle_order(runtime, payment.id) is PaymentStatus.PAID


async def test_settling_loses_the_race_against_the_payer(runtime: Runtime, world: World) -> None:
    payment = await order(runtime)
    world.sandbox.wechat_pay.faults.set("close_loses_race")
    assert await flows.settle_order(runtime, payment.id) is PaymentStatus.PAID


async def test_an_order_the_provider_never_saw_is_closed_here(runtime: Runtime, world: World) -> None:
    world.sandbox.wechat_pay.faults.set("refuse", on="create_order")
    payment = await order(runtime)
    assert world.sandbox.wechat_pay.orders.by_number == {}
    assert await flows.settle_order(runtime, payment.id) is PaymentStatus.CLOSED


@pytest.mark.parametrize("fault", ["refuse", "execute_then_refuse", "lose_reply"])
async def test_an_unknown_close_is_no_close(runtime: Runtime, world: World, fault: str) -> None:
    payment = await order(runtime)
    world.sandbox.wechat_pay.faults.set(fault, on="close_order")
    with pytest.raises(Unknown):
        await flows.settle_order(runtime, payment.id)
    assert (await now_of(runtime, payment)).status is PaymentStatus.PENDING
    assert await flows.settle_order(runtime, payment.id) is PaymentStatus.CLOSED


async def test_a_busy_provider_is_asked_again_later(runtime: Runtime, world: World) -> None:
    payment = await order(runtime)
    world.sandbox.wechat_pay.faults.set("refuse", on="query_order", value=429)
    with pytest.raises(Unavailable):
        await flows.settle_order(runtime, payment.id)
    assert (await now_of(runtime, payment)).status is PaymentStatus.PENDING


# Jobs


async def test_expiry_ends_what_is_over_and_leaves_the_rest(runtime: Runtime, world: World, time: Time) -> None:
    camp = await camp_of(runtime)
    old = [await order(runtime, camp) for _ in range(7)]
    world.sandbox.wechat_pay.pay(old[3].out_trade_no)
    time.advance(20 * 60)
    young = await order(runtime, camp)
    time.advance(10 * 60)
    assert await flows.order_expiry(runtime) == {"asked": 7, "closed": 6, "credited": 1}
    assert (await now_of(runtime, young)).status is PaymentStatus.PENDING
    assert [member.payment_id for member in await members_of(runtime, camp)] == [old[3].id]
    assert await flows.order_expiry(runtime) == {"asked": 0}


async def test_an_expired_order_keeps_its_seat_until_the_provider_confirms(
    runtime: Runtime, world: World, time: Time
) -> None:
    camp = await camp_of(runtime, capacity=1)
    payment = await order(runtime, camp)
    time.advance(31 * 60)
    world.sandbox.wechat_pay.faults.set("refuse", times=None)
    assert await flows.order_expiry(runtime) == {"asked": 1, "unanswered": 1}
    with pytest.raises(CampFull):
        await order(runtime, camp)
    world.sandbox.wechat_pay.faults.clear()
    assert await flows.order_expiry(runtime) == {"asked": 1, "closed": 1}
    assert (await now_of(runtime, payment)).status is PaymentStatus.CLOSED
    assert (await order(runtime, camp)).status is PaymentStatus.PENDING


async def test_a_crash_after_the_close_is_mended_by_the_next_run(runtime: Runtime, time: Time) -> None:
    payment = await order(runtime)
    time.advance(31 * 60)
    await runtime.wechat_pay.close_order(payment.out_trade_no)
    assert await flows.order_expiry(runtime) == {"asked": 1, "closed": 1}


async def test_one_order_that_fails_does_not_hold_up_the_others(runtime: Runtime, world: World, time: Time) -> None:
    camp = await camp_of(runtime)
    first, second = await order(runtime, camp), await order(runtime, camp)
    time.advance(31 * 60)
    world.sandbox.wechat_pay.faults.set("refuse", on="close_order", value=403, code="TRADE_ERROR")
    assert await flows.order_expiry(runtime) == {"asked": 2, "unanswered": 1, "closed": 1}
    states = {(await now_of(runtime, each)).status for each in (first, second)}
    assert states == {PaymentStatus.PENDING, PaymentStatus.CLOSED}


async def test_what_another_merchant_sold_is_never_taken_for_unpaid(runtime: Runtime, world: World, time: Time) -> None:
    """The merchant in force doesn't know the order, and its payer may be paying it at the one before."""
    async with runtime.db.transaction() as session:
        payer = await make_payer(session, openid=new_openid())
        elsewhere = await make_payment(session, await make_camp(session), payer, mch_id="1900000999")
    for asked in (
        flows.prepay(runtime, current(payer), elsewhere.id),
        flows.look_up(runtime, current(payer), elsewhere.id),
        flows.settle_order(runtime, elsewhere.id),
    ):
        with pytest.raises(Unknown, match="other_merchant"):
            await asked
    time.advance(31 * 60)
    assert await flows.order_expiry(runtime) == {"asked": 1, "unanswered": 1}
    assert await flows.payment_backfill(runtime) == {"asked": 1, "unanswered": 1}
    assert (await now_of(runtime, elsewhere)).status is PaymentStatus.PENDING
    assert elsewhere.out_trade_no not in world.sandbox.wechat_pay.orders.by_number


async def test_backfill_records_a_payment_whose_notification_was_lost(
    runtime: Runtime, world: World, time: Time
) -> None:
    camp = await camp_of(runtime)
    paid, unpaid = await order(runtime, camp), await order(runtime, camp)
    world.sandbox.wechat_pay.faults.set("notify_drop")
    world.sandbox.wechat_pay.pay(paid.out_trade_no)
    assert await flows.payment_backfill(runtime) == {"asked": 0}
    time.advance(60)
    assert await flows.payment_backfill(runtime) == {"asked": 2, "credited": 1, "unpaid": 1}
    assert ((await now_of(runtime, paid)).source, (await now_of(runtime, unpaid)).status) == ("query", "pending")
    assert await flows.payment_backfill(runtime) == {"asked": 1, "unpaid": 1}


async def test_backfill_finds_money_for_an_order_we_had_closed(runtime: Runtime, world: World, time: Time) -> None:
    """B29: closed here only, and paid there; another one has the seat by now."""
    camp = await camp_of(runtime, capacity=1)
    payment = await order(runtime, camp)
    async with runtime.db.transaction() as session:
        await service.close(session, payment.id, actor=current(Payer()).actor)
    await order(runtime, camp)
    world.sandbox.wechat_pay.pay(payment.out_trade_no)
    assert (await flows.payment_backfill(runtime))["excess"] == 1
    late = await now_of(runtime, payment)
    assert (late.status, late.excess) == (PaymentStatus.PAID, Excess.CAMP_FULL)
    async with runtime.db.transaction() as session:
        assert (await session.scalars(select(Refund.payment_id))).all() == [payment.id]


async def test_backfill_forgets_orders_closed_a_day_ago(runtime: Runtime, time: Time) -> None:
    payment = await order(runtime)
    await flows.settle_order(runtime, payment.id)
    time.advance(86_400 - 60)
    assert await flows.payment_backfill(runtime) == {"asked": 1, "unpaid": 1}
    time.advance(61)
    assert await flows.payment_backfill(runtime) == {"asked": 0}


async def test_backfill_holds_what_does_not_fit(runtime: Runtime, world: World, time: Time) -> None:
    payment = await order(runtime)
    world.sandbox.wechat_pay.pay(payment.out_trade_no)
    world.sandbox.wechat_pay.orders.by_number[payment.out_trade_no].amount_fen += 1
    time.advance(minutes(1).total_seconds())
    assert await flows.payment_backfill(runtime) == {"asked": 1, "held": 1}
    assert (await now_of(runtime, payment)).status is PaymentStatus.PENDING
