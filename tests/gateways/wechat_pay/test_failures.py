"""What each failure of the wire means: try again, final, or ask first."""

import asyncio
import json
import logging
from collections.abc import Callable

import httpx
import pytest

from backend.core import clock
from backend.core.config import SettingsError
from backend.gateways.errors import GatewayError, Rejected, Unavailable, Unknown
from backend.gateways.wechat_pay import WeChatPay
from backend.sandbox.wechat_pay.keys import SandboxKeys
from tests.gateways.wechat_pay.kit import OPENID, Shop, order_request, refund_request

Answer = Callable[[httpx.Request], httpx.Response]


class Wire(httpx.AsyncBaseTransport):
    """Answers from a list: a status, a whole response or an exception each."""

    def __init__(self, *steps: int | httpx.Response | Exception) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step) if isinstance(step, int) else step


def error(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": "说明"})


def signed(keys: SandboxKeys, status: int, content: object, **headers: str) -> httpx.Response:
    body = json.dumps(content).encode()
    return httpx.Response(status, content=body, headers=keys.stamp(keys.public_key_id, body) | headers)


async def failure(shop: Shop, *steps: int | httpx.Response | Exception) -> GatewayError:
    """What a create call answers to the first step."""
    gateway = WeChatPay(shop.settings, transport=Wire(*steps))
    with pytest.raises(GatewayError) as caught:
        await gateway.create_order(order_request())
    await gateway.aclose()
    return caught.value


@pytest.mark.parametrize(
    ("step", "kind", "code"),
    [
        (httpx.ConnectError("x"), Unavailable, "no_connection"),
        (httpx.ConnectTimeout("x"), Unavailable, "no_connection"),
        (httpx.PoolTimeout("x"), Unavailable, "no_connection"),
        (httpx.ReadTimeout("x"), Unknown, "timeout"),
        (httpx.WriteTimeout("x"), Unknown, "timeout"),
        (httpx.ReadError("x"), Unknown, "connection_lost"),
        (httpx.RemoteProtocolError("x"), Unknown, "connection_lost"),
        (error(400, "PARAM_ERROR"), Rejected, "PARAM_ERROR"),
        (error(403, "NO_AUTH"), Rejected, "NO_AUTH"),
        (error(401, "SIGN_ERROR"), Rejected, "SIGN_ERROR"),
        (401, Rejected, "SIGN_ERROR"),
        (404, Rejected, "http_404"),
        (405, Rejected, "http_405"),
        (httpx.Response(403, html="<h1>blocked by a firewall</h1>"), Unknown, "http_403"),
        (error(429, "FREQUENCY_LIMITED"), Unavailable, "FREQUENCY_LIMITED"),
        (error(403, "RATELIMIT_EXCEEDED"), Unavailable, "RATELIMIT_EXCEEDED"),
        (429, Unavailable, "FREQUENCY_LIMITED"),
        (error(500, "SYSTEM_ERROR"), Unknown, "SYSTEM_ERROR"),
        (error(400, "SYSTEM_ERROR"), Unknown, "SYSTEM_ERROR"),
        (502, Unknown, "http_502"),
        (503, Unknown, "http_503"),
        (202, Unknown, "http_202"),
        (302, Unknown, "http_302"),
        (200, Unknown, "bad_signature"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_post_is_sent_once_and_its_failure_has_its_kind(
    shop: Shop, step: int | httpx.Response | Exception, kind: type[GatewayError], code: str
) -> None:
    caught = await failure(shop, step)
    assert (type(caught), caught.system, caught.code) == (kind, "wechat_pay", code)


@pytest.mark.parametrize("content", [[], {}, {"code_url": 7}, {"code_url": ""}, {"prepay_id": "wx1"}, "text"])
async def test_a_signed_answer_without_what_we_need_is_unknown(shop: Shop, content: object) -> None:
    caught = await failure(shop, signed(shop.sandbox.keys, 200, content))
    assert (type(caught), caught.code) == (Unknown, "bad_answer")


async def test_unknown_fields_are_ignored(shop: Shop) -> None:
    gateway = WeChatPay(
        shop.settings, transport=Wire(signed(shop.sandbox.keys, 200, {"code_url": "weixin://1", "new": [1]}))
    )
    assert await gateway.create_order(order_request()) == "weixin://1"
    await gateway.aclose()


@pytest.mark.parametrize(
    "change",
    [
        {"amount": None},
        {"amount": {"total": "9900", "currency": "CNY"}},
        {"amount": {"total": True, "currency": "CNY"}},
        {"amount": {"total": -1, "currency": "CNY"}},
        {"amount": {"total": 9900, "currency": 7}},
        {"payer": {}},
        {"success_time": "yesterday"},
        {"success_time": "2026-03-02T12:00:00"},
        {"transaction_id": None},
        {"trade_state": 1},
    ],
)
async def test_a_paid_order_with_a_damaged_field_is_unknown(shop: Shop, change: dict[str, object]) -> None:
    payment = await shop.paid()
    order = shop.sandbox.orders.by_number[payment.out_trade_no]
    record = order.record(app_id=payment.app_id, mch_id=payment.mch_id) | change
    gateway = WeChatPay(shop.settings, transport=Wire(signed(shop.sandbox.keys, 200, record)))
    with pytest.raises(Unknown) as caught:
        await gateway.query_order(payment.out_trade_no)
    assert caught.value.code == "bad_answer"
    await gateway.aclose()


@pytest.mark.parametrize("first", [httpx.ConnectError("x"), 500, 502, 503])
async def test_a_get_tries_a_second_time_with_a_fresh_signature(shop: Shop, first: int | Exception) -> None:
    order = await shop.order()
    record = shop.sandbox.orders.by_number[order.out_trade_no].record(app_id="wx1", mch_id="19")
    wire = Wire(first, signed(shop.sandbox.keys, 200, record))
    gateway = WeChatPay(shop.settings, transport=wire)
    state = await gateway.query_order(order.out_trade_no)
    assert state is not None
    assert state.trade_state == "NOTPAY"
    assert len({request.headers["Authorization"] for request in wire.requests}) == 2
    await gateway.aclose()


async def test_a_get_gives_up_after_the_second_try(shop: Shop) -> None:
    wire = Wire(503, 503, 503)
    gateway = WeChatPay(shop.settings, transport=wire)
    with pytest.raises(Unknown):
        await gateway.query_order("P1")
    assert len(wire.requests) == 2
    await gateway.aclose()


async def test_a_busy_answer_is_not_repeated_at_once(shop: Shop) -> None:
    wire = Wire(429, 429)
    gateway = WeChatPay(shop.settings, transport=wire)
    with pytest.raises(Unavailable):
        await gateway.query_order("P1")
    assert len(wire.requests) == 1
    await gateway.aclose()


async def test_a_slow_answer_ends_at_the_configured_time_out(shop: Shop, http_sandbox: Callable[[Shop], str]) -> None:
    settings = shop.settings.model_copy(update={"timeout_seconds": 0.1, "base_url": http_sandbox(shop)})
    shop.sandbox.faults.set("slow", value=0.2)
    gateway = WeChatPay(settings)
    order = order_request()
    with pytest.raises(Unknown) as caught:
        await gateway.create_order(order)
    assert caught.value.code == "timeout"
    assert order.out_trade_no in shop.sandbox.orders.by_number
    await gateway.aclose()
    await asyncio.sleep(0.15)  # let the slow answer end before its server does


async def test_a_broken_connection_over_a_real_socket_is_unknown(
    shop: Shop, http_sandbox: Callable[[Shop], str]
) -> None:
    gateway = WeChatPay(shop.settings.model_copy(update={"base_url": http_sandbox(shop)}))
    shop.sandbox.faults.set("lose_reply", on="create_order")
    with pytest.raises(Unknown) as caught:
        await gateway.create_order(order_request())
    assert caught.value.code == "connection_lost"
    await gateway.aclose()


async def test_nobody_listening_is_unavailable(shop: Shop) -> None:
    gateway = WeChatPay(shop.settings.model_copy(update={"base_url": "http://127.0.0.1:9"}))
    with pytest.raises(Unavailable):
        await gateway.close_order("P1")
    await gateway.aclose()


async def test_a_wrong_merchant_key_is_a_sign_error(shop: Shop) -> None:
    settings = shop.settings.model_copy(update={"cert_serial_no": "0" * 40})
    gateway = WeChatPay(settings, transport=shop.transport)
    with pytest.raises(Rejected) as caught:
        await gateway.create_order(order_request())
    assert caught.value.code == "SIGN_ERROR"
    await gateway.aclose()


@pytest.mark.parametrize("name", ["private_key_path", "public_key_path"])
async def test_a_damaged_key_file_is_named_by_its_setting(shop: Shop, name: str) -> None:
    getattr(shop.settings, name).write_bytes(b"not a key")
    with pytest.raises(SettingsError, match=name.upper()):
        WeChatPay(shop.settings)


async def test_logs_and_errors_tell_no_secret(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    payment = await shop.paid("jsapi")
    private_key = shop.settings.private_key_path
    assert private_key is not None
    shop.sandbox.faults.set("refuse", value=500, times=None)
    caught: list[GatewayError] = []
    with caplog.at_level(logging.DEBUG, logger="backend"):
        for call in (
            shop.gateway.create_refund(refund_request(payment)),
            shop.gateway.create_order(order_request("jsapi")),
            shop.gateway.trade_bill(clock.today()),
        ):
            with pytest.raises(GatewayError) as info:
                await call
            caught.append(info.value)
    assert "http 500 SYSTEM_ERROR" in caplog.text
    told = caplog.text + "".join(map(str, caught)) + repr(shop.gateway.__dict__)
    for secret in (OPENID, "WECHATPAY2-SHA256", shop.settings.apiv3_key.get_secret_value(), "PRIVATE KEY"):
        assert secret not in told
