"""The payer's pages, and the bridge that opens them."""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from backend.gateways.wechat_pay import Channel
from tests.gateways.wechat_pay.kit import BASE_URL, OPENID, Shop, Travel, order_request

BACK = "http://merchant.test/result?order=1"


@pytest.fixture
async def browser(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=shop.transport, base_url=BASE_URL) as client:
        yield client


@pytest.mark.parametrize("channel", ["jsapi", "h5", "native"])
async def test_every_order_has_a_cashier_under_its_number(
    shop: Shop, browser: httpx.AsyncClient, channel: Channel
) -> None:
    order = await shop.order(channel, description="早起<训练营>押金")
    page = await browser.get(f"/cashier/{order.out_trade_no}")
    assert page.status_code == 200
    for shown in ("99.00", "早起&lt;训练营&gt;押金", order.out_trade_no, "支付 ¥99.00", "取消"):
        assert shown in page.text
    assert not re.search(r"(src|href)=\"http", page.text)


async def test_paying_takes_the_money_and_leads_to_the_result(shop: Shop, browser: httpx.AsyncClient) -> None:
    order = await shop.order()
    path = f"/cashier/{order.out_trade_no}"
    answer = await browser.post(f"{path}/pay", data={"openid": OPENID, "redirect_url": BACK})
    assert answer.status_code == 303
    page = await browser.get(answer.headers["location"])
    assert "支付成功" in page.text
    assert "返回商家" in page.text
    assert BACK.replace("&", "&amp;") in page.text
    assert shop.sandbox.orders.by_number[order.out_trade_no].openid == OPENID


async def test_paying_twice_is_refused_on_the_page(shop: Shop, browser: httpx.AsyncClient) -> None:
    order = await shop.order()
    path = f"/cashier/{order.out_trade_no}/pay"
    await browser.post(path, data={"openid": ""})
    again = await browser.post(path, data={"openid": ""})
    assert again.status_code == 409
    assert "请勿重复支付" in again.text
    assert shop.sandbox.books().payments_count == 1


async def test_somebody_else_cannot_pay_a_jsapi_order(shop: Shop, browser: httpx.AsyncClient) -> None:
    order = await shop.order("jsapi")
    answer = await browser.post(f"/cashier/{order.out_trade_no}/pay", data={"openid": "oSomebodyElse"})
    assert answer.status_code == 409
    assert shop.sandbox.books().payments_count == 0


async def test_cancelling_goes_back_and_leaves_the_order(shop: Shop, browser: httpx.AsyncClient) -> None:
    order = await shop.order()
    path = f"/cashier/{order.out_trade_no}"
    back = await browser.post(f"{path}/cancel", data={"redirect_url": BACK})
    assert (back.status_code, back.headers["location"]) == (303, BACK)
    stay = await browser.post(f"{path}/cancel")
    assert "已取消支付" in (await browser.get(stay.headers["location"])).text
    assert shop.sandbox.orders.by_number[order.out_trade_no].state == "NOTPAY"


async def test_only_web_addresses_are_led_to(shop: Shop, browser: httpx.AsyncClient) -> None:
    order = await shop.order()
    path = f"/cashier/{order.out_trade_no}"
    answer = await browser.post(f"{path}/cancel", data={"redirect_url": "javascript:alert(1)"})
    assert answer.headers["location"].startswith(BASE_URL)
    assert "javascript:alert" not in (await browser.get(f"{path}?redirect_url=javascript:alert(1)")).text


async def test_an_h5_link_works_for_five_minutes_and_honours_the_way_back(
    shop: Shop, browser: httpx.AsyncClient, travel: Travel
) -> None:
    h5_url = await shop.gateway.create_order(order_request("h5"))
    link = f"{h5_url}&redirect_url=http%3A%2F%2Fmerchant.test%2Fresult"
    page = await browser.get(link)
    assert page.status_code == 200
    assert 'value="http://merchant.test/result"' in page.text
    travel.by(301)
    expired = await browser.get(link)
    assert expired.status_code == 410
    assert "已过期" in expired.text
    assert "支付 ¥" not in expired.text
    assert (await browser.get(urlsplit(h5_url).path)).status_code == 200


async def test_closed_expired_and_unknown_orders_offer_no_payment(
    shop: Shop, browser: httpx.AsyncClient, travel: Travel
) -> None:
    closed, late = await shop.order(), await shop.order()
    await shop.gateway.close_order(closed.out_trade_no)
    travel.by(1801)
    for number, text, status in (
        (closed.out_trade_no, "订单已关闭", 200),
        (late.out_trade_no, "已过支付时间", 200),
        ("P20260302NOBODY", "没有这个订单", 404),
    ):
        page = await browser.get(f"/cashier/{number}")
        assert page.status_code == status
        assert f"<h1>{text}</h1>" in page.text
        assert "支付 ¥" not in page.text


async def test_the_bridge_opens_the_cashier_of_what_was_signed(shop: Shop, browser: httpx.AsyncClient) -> None:
    order = order_request("jsapi")
    params = shop.gateway.bridge_params(await shop.gateway.create_order(order))
    answer = await browser.post("/cashier/bridge", json=params)
    assert answer.json() == {"cashier_url": f"{BASE_URL}/cashier/{order.out_trade_no}"}
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_the_bridge_may_be_called_from_another_origin(browser: httpx.AsyncClient) -> None:
    answer = await browser.options("/cashier/bridge", headers={"Origin": "http://127.0.0.1:8000"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-headers"] == "Content-Type"


@pytest.mark.parametrize(
    "change",
    [
        {"paySign": "AAAA"},
        {"paySign": "签"},
        {"appId": "wx0"},
        {"timeStamp": "1"},
        {"nonceStr": "x"},
        {"package": "prepay_id=wx0"},
        {"signType": "MD5"},
        {"timeStamp": 1772424000},
    ],
)
async def test_the_bridge_refuses_what_was_not_signed(
    shop: Shop, browser: httpx.AsyncClient, change: dict[str, object]
) -> None:
    params = shop.gateway.bridge_params(await shop.gateway.create_order(order_request("jsapi")))
    answer = await browser.post("/cashier/bridge", json=params | change)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_the_bridge_refuses_an_old_ticket(shop: Shop, browser: httpx.AsyncClient, travel: Travel) -> None:
    prepay_id = await shop.gateway.create_order(order_request("jsapi"))
    travel.by(2 * 3600 + 1)
    answer = await browser.post("/cashier/bridge", json=shop.gateway.bridge_params(prepay_id))
    assert answer.status_code == 400
    assert "过期" in answer.json()["error"]
    assert (await browser.post("/cashier/bridge", content=b"{")).status_code == 400
