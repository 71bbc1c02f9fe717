"""Orders: create, re-enter, invoke, query, close."""

import datetime as dt
import json
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from backend.core import clock
from backend.core.config import WeChatPaySettings
from backend.gateways.errors import Rejected, Unknown
from backend.gateways.wechat_pay import Channel, NotificationRefused, OrderRequest, WeChatPay
from backend.gateways.wechat_pay.requests import fit, order_body
from tests.gateways.wechat_pay.kit import BASE_URL, OPENID, Shop, Travel, order_request, refund_request


@pytest.mark.parametrize(
    ("channel", "beginning"), [("jsapi", "wx"), ("h5", f"{BASE_URL}/cashier/"), ("native", "weixin://wxpay/")]
)
async def test_each_channel_answers_with_its_own_ticket(shop: Shop, channel: Channel, beginning: str) -> None:
    ticket = await shop.gateway.create_order(order_request(channel))
    assert ticket.startswith(beginning)


async def test_a_base_url_with_a_prefix_is_part_of_what_is_signed(travel: Travel, tmp_path: Path) -> None:
    prefixed = Shop(tmp_path / "prefixed", base_url=f"{BASE_URL}/wechat-pay")
    app = Starlette(routes=[Mount("/wechat-pay", app=prefixed.sandbox.app)])
    gateway = WeChatPay(prefixed.settings, transport=httpx.ASGITransport(app=app))
    h5_url = await gateway.create_order(order_request("h5"))
    assert h5_url.startswith(f"{BASE_URL}/wechat-pay/cashier/")
    await gateway.aclose()


async def test_the_same_values_renew_the_order_and_give_the_same_bytes(shop: Shop) -> None:
    order = order_request("h5")
    copy = OrderRequest(**{name: getattr(order, name) for name in order.__slots__})
    bodies = {order_body(each, app_id="wx1", mch_id="19") for each in (order, copy)}
    assert len(bodies) == 1
    first, second = await shop.gateway.create_order(order), await shop.gateway.create_order(copy)
    assert first != second
    assert urlsplit(first).path == urlsplit(second).path


async def test_the_same_number_with_other_values_is_rejected(shop: Shop) -> None:
    order = await shop.order()
    with pytest.raises(Rejected) as caught:
        await shop.gateway.create_order(order_request(out_trade_no=order.out_trade_no, amount_fen=9901))
    assert caught.value.code == "OUT_TRADE_NO_USED"


async def test_a_body_has_no_null_and_only_the_fields_of_its_channel() -> None:
    bodies = {
        channel: json.loads(order_body(order_request(channel), app_id="wx1", mch_id="19"))
        for channel in ("jsapi", "h5", "native")
    }
    assert bodies["jsapi"]["payer"] == {"openid": OPENID}
    assert bodies["h5"]["scene_info"] == {"payer_client_ip": "203.0.113.9", "h5_info": {"type": "Wap"}}
    assert not {"payer", "scene_info"} & bodies["native"].keys()


async def test_expiry_is_told_in_shanghai_time() -> None:
    order = order_request(expires_at=dt.datetime(2026, 3, 2, 4, 30, tzinfo=dt.UTC))
    assert json.loads(order_body(order, app_id="a", mch_id="b"))["time_expire"] == "2026-03-02T12:30:00+08:00"


def test_texts_are_cut_between_characters() -> None:
    assert fit("押金" * 50, 127) == "押金" * 21
    assert fit("abc", 127) == "abc"


async def test_a_long_name_of_a_camp_does_not_hinder_paying(shop: Shop) -> None:
    assert await shop.gateway.create_order(order_request(description="训练营" * 60))


@pytest.mark.parametrize("channel", ["jsapi", "h5"])
def test_a_channel_without_its_payer_is_a_mistake_of_ours(channel: Channel) -> None:
    with pytest.raises(ValueError, match="needs the payer"):
        order_request(channel, openid=None, payer_client_ip=None)


async def test_bridge_params_open_the_cashier(shop: Shop) -> None:
    prepay_id = await shop.gateway.create_order(order_request("jsapi"))
    params = shop.gateway.bridge_params(prepay_id)
    assert set(params) == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert params["package"] == f"prepay_id={prepay_id}"
    assert params["signType"] == "RSA"
    assert params["timeStamp"] == str(int(clock.timestamp()))


async def test_an_unpaid_order_has_no_payment(shop: Shop) -> None:
    order = await shop.order()
    state = await shop.gateway.query_order(order.out_trade_no)
    assert state is not None
    assert (state.out_trade_no, state.trade_state, state.payment) == (order.out_trade_no, "NOTPAY", None)


async def test_a_paid_order_tells_the_whole_payment(shop: Shop) -> None:
    order = await shop.order("h5")
    shop.sandbox.pay(order.out_trade_no, openid=OPENID)
    state = await shop.gateway.query_order(order.out_trade_no)
    assert state is not None
    payment = state.payment
    assert payment is not None
    assert (payment.out_trade_no, payment.amount_fen, payment.currency) == (order.out_trade_no, 9900, "CNY")
    assert (payment.app_id, payment.mch_id) == (shop.settings.app_id, shop.settings.mch_id)
    assert (payment.openid, payment.trade_type) == (OPENID, "MWEB")
    assert abs(payment.success_time - clock.now()) < dt.timedelta(seconds=2)


async def test_a_refunded_order_was_paid_nevertheless(shop: Shop) -> None:
    payment = await shop.paid()
    await shop.gateway.create_refund(refund_request(payment))
    state = await shop.gateway.query_order(payment.out_trade_no)
    assert state is not None
    assert (state.trade_state, state.payment) == ("REFUND", payment)


async def test_an_order_never_created_is_none(shop: Shop) -> None:
    assert await shop.gateway.query_order("P20260302NEVERMADE") is None


async def test_a_number_with_odd_characters_stays_one_path_segment(shop: Shop) -> None:
    order = await shop.order(out_trade_no="A|b*c-1_2")
    state = await shop.gateway.query_order(order.out_trade_no)
    assert state is not None
    assert state.out_trade_no == "A|b*c-1_2"
    with pytest.raises(Rejected) as caught:
        await shop.gateway.query_order("../certificates?x=")
    assert caught.value.code == "http_404"


async def test_closing_twice_is_fine_and_a_closed_order_stays_closed(shop: Shop) -> None:
    order = await shop.order()
    await shop.gateway.close_order(order.out_trade_no)
    await shop.gateway.close_order(order.out_trade_no)
    state = await shop.gateway.query_order(order.out_trade_no)
    assert state is not None
    assert state.trade_state == "CLOSED"
    with pytest.raises(Rejected) as caught:
        await shop.gateway.create_order(order)
    assert caught.value.code == "ORDER_CLOSED"


async def test_closing_a_paid_order_says_so(shop: Shop) -> None:
    payment = await shop.paid()
    with pytest.raises(Rejected) as caught:
        await shop.gateway.close_order(payment.out_trade_no)
    assert caught.value.code == "ORDER_PAID"


async def test_closing_can_lose_against_the_payer(shop: Shop) -> None:
    order = await shop.order()
    shop.sandbox.faults.set("close_loses_race")
    with pytest.raises(Rejected) as caught:
        await shop.gateway.close_order(order.out_trade_no)
    assert caught.value.code == "ORDER_PAID"
    state = await shop.gateway.query_order(order.out_trade_no)
    assert state is not None
    assert state.payment is not None


async def test_an_answer_about_another_order_is_not_believed(shop: Shop) -> None:
    order, other = await shop.order(), await shop.order()
    shop.sandbox.orders.by_number[order.out_trade_no].out_trade_no = other.out_trade_no
    with pytest.raises(Unknown) as caught:
        await shop.gateway.query_order(order.out_trade_no)
    assert caught.value.code == "bad_answer"


async def test_without_settings_every_call_says_not_configured(travel: Travel) -> None:
    gateway = WeChatPay(WeChatPaySettings())
    with pytest.raises(Rejected) as caught:
        await gateway.create_order(order_request())
    assert (caught.value.system, caught.value.code) == ("wechat_pay", "not_configured")
    with pytest.raises(Rejected):
        gateway.bridge_params("wx1")
    with pytest.raises(Rejected):
        await gateway.trade_bill(clock.today())
    with pytest.raises(NotificationRefused) as refused:
        await gateway.verify_notification({}, b"{}")
    assert refused.value.reason == "not_configured"
    await gateway.aclose()
