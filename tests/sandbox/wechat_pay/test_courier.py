"""Notifications leave on WeChat Pay's schedule and misbehave only where told to."""

import asyncio
import json

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from backend.sandbox.wechat_pay import Delivery
from backend.sandbox.wechat_pay.courier import RESEND_SECONDS
from tests.gateways.wechat_pay.kit import Shop, Travel, refund_request


def only(shop: Shop) -> Delivery:
    (delivery,) = shop.sandbox.courier.deliveries
    return delivery


async def test_a_payment_is_told_once_when_taken(shop: Shop) -> None:
    await shop.paid()
    assert await shop.sandbox.deliver_due() == 1
    assert await shop.sandbox.deliver_due() == 0
    assert (only(shop).state, [attempt.outcome for attempt in only(shop).attempts]) == ("delivered", ["204"])
    assert len(shop.receiver.letters) == 1


@pytest.mark.parametrize(
    ("status", "state"), [(200, "delivered"), (204, "delivered"), (201, "waiting"), (302, "waiting")]
)
async def test_only_200_and_204_count_as_taken(shop: Shop, status: int, state: str) -> None:
    shop.receiver.status = status
    await shop.paid()
    await shop.sandbox.deliver_due()
    assert only(shop).state == state


async def test_the_schedule_is_followed_to_its_end(shop: Shop, travel: Travel) -> None:
    shop.receiver.status = 500
    await shop.paid()
    assert await shop.sandbox.deliver_due() == 1
    for seconds in RESEND_SECONDS:
        travel.by(seconds - 2)
        assert await shop.sandbox.deliver_due() == 0
        travel.by(3)
        assert await shop.sandbox.deliver_due() == 1
    travel.by(10 * 86400)
    assert await shop.sandbox.deliver_due() == 0
    assert (only(shop).state, len(only(shop).attempts)) == ("given_up", 16)
    assert sum(RESEND_SECONDS) == 24 * 3600 + 4 * 60


async def test_each_try_is_signed_afresh_under_the_same_id(shop: Shop, travel: Travel) -> None:
    shop.receiver.status = 500
    await shop.paid()
    await shop.sandbox.deliver_due()
    travel.by(15)
    await shop.sandbox.deliver_due()
    (first, first_body), (second, second_body) = shop.receiver.letters
    for name in ("wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature"):
        assert first[name] != second[name]
    assert json.loads(first_body)["id"] == json.loads(second_body)["id"]


async def test_the_id_may_change(shop: Shop, travel: Travel) -> None:
    shop.receiver.status = 500
    shop.sandbox.faults.set("notify_new_id", times=None)
    await shop.paid()
    await shop.sandbox.deliver_due()
    travel.by(15)
    await shop.sandbox.deliver_due()
    assert len({json.loads(body)["id"] for _, body in shop.receiver.letters}) == 2


@pytest.mark.parametrize("fault", ["notify_duplicate", "notify_parallel"])
async def test_duplicates_come_signed_one_by_one(shop: Shop, fault: str) -> None:
    shop.sandbox.faults.set(fault, value=3)
    await shop.paid()
    await shop.sandbox.deliver_due()
    assert len({headers["wechatpay-nonce"] for headers, _ in shop.receiver.letters}) == 3
    assert len({json.loads(body)["id"] for _, body in shop.receiver.letters}) == 1


async def test_parallel_duplicates_are_under_way_together(shop: Shop) -> None:
    arrived, all_here = 0, asyncio.Event()

    async def webhook(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == 3:
            all_here.set()
        await all_here.wait()  # would hang, and count as a time-out, if they came one after the other
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    shop.sandbox.notify_transport = httpx.ASGITransport(app=webhook)
    shop.sandbox.faults.set("notify_parallel", value=3)
    await shop.paid()
    await shop.sandbox.deliver_due()
    assert only(shop).state == "delivered"


async def test_a_dropped_notification_never_comes(shop: Shop, travel: Travel) -> None:
    shop.sandbox.faults.set("notify_drop", on="payment")
    await shop.paid()
    travel.by(86400)
    assert await shop.sandbox.deliver_due() == 0
    assert only(shop).state == "dropped"


async def test_a_delayed_notification_comes_later(shop: Shop, travel: Travel) -> None:
    shop.sandbox.faults.set("notify_delay", value=120)
    await shop.paid()
    travel.by(118)
    assert await shop.sandbox.deliver_due() == 0
    travel.by(3)
    assert await shop.sandbox.deliver_due() == 1


async def test_a_refund_can_be_told_before_its_payment(shop: Shop, travel: Travel) -> None:
    shop.sandbox.faults.set("notify_reorder", on="payment")
    payment = await shop.paid()
    assert await shop.sandbox.deliver_due() == 0
    await shop.gateway.create_refund(refund_request(payment))
    travel.by(3)
    await shop.sandbox.deliver_due()
    await shop.sandbox.deliver_due()
    events = [json.loads(body)["event_type"] for _, body in shop.receiver.letters]
    assert events == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]


async def test_a_probe_is_followed_by_the_genuine_one_even_when_it_was_taken(shop: Shop, travel: Travel) -> None:
    shop.sandbox.faults.set("notify_signtest")
    await shop.paid()
    await shop.sandbox.deliver_due()
    assert shop.receiver.letters[0][0]["wechatpay-signature"].startswith("WECHATPAY/SIGNTEST/")
    assert only(shop).state == "waiting"
    travel.by(15)
    await shop.sandbox.deliver_due()
    assert [(attempt.outcome, attempt.fault) for attempt in only(shop).attempts] == [
        ("204", "notify_signtest"),
        ("204", None),
    ]
    assert only(shop).state == "delivered"


async def test_a_slow_or_absent_receiver_is_tried_again(shop: Shop, travel: Travel) -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(1)

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there")

    shop.sandbox.courier.timeout_seconds = 0.05
    await shop.paid()
    for transport in (httpx.ASGITransport(app=slow), httpx.MockTransport(refuse)):
        shop.sandbox.notify_transport = transport
        await shop.sandbox.deliver_due()
        travel.by(15)
    assert [attempt.outcome for attempt in only(shop).attempts] == ["timeout", "no_connection"]
    assert only(shop).state == "waiting"


async def test_a_refund_without_address_is_told_to_nobody(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    shop.sandbox.console_refund(payment.out_trade_no, 9900)
    travel.by(3)
    await shop.sandbox.deliver_due()
    assert [delivery.kind for delivery in shop.sandbox.courier.deliveries] == ["payment"]


async def test_a_refund_can_be_told_in_xml(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    await shop.sandbox.deliver_due()
    shop.sandbox.faults.set("notify_xml")
    await shop.gateway.create_refund(refund_request(payment))
    travel.by(3)
    await shop.sandbox.deliver_due()
    headers, body = shop.receiver.letters[-1]
    assert (headers["content-type"], body[:5]) == ("text/xml", b"<xml>")
    assert not [name for name in headers if name.startswith("wechatpay-")]


async def test_in_the_background_it_delivers_by_itself(shop: Shop) -> None:
    told, both = [], asyncio.Event()

    async def webhook(scope: Scope, receive: Receive, send: Send) -> None:
        told.append(json.loads((await receive())["body"])["event_type"])
        if len(told) == 2:
            both.set()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    shop.sandbox.notify_transport = httpx.ASGITransport(app=webhook)
    shop.sandbox.refunds.seconds = 0
    async with shop.sandbox.running():
        payment = await shop.paid()
        await shop.gateway.create_refund(refund_request(payment))
        await asyncio.wait_for(both.wait(), timeout=5)
    assert set(told) == {"TRANSACTION.SUCCESS", "REFUND.SUCCESS"}
