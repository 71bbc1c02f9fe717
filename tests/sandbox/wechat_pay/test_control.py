"""The control API that the overview page and the browser tests use."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from backend.gateways.errors import Unknown
from tests.gateways.wechat_pay.kit import BASE_URL, NOTIFY_URL, OPENID, Shop, Travel, order_request, refund_request


class Panel:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, name: str) -> Any:
        answer = await self.client.get(f"/_control/wechat-pay/{name}")
        assert answer.status_code == 200
        return answer.json()

    async def post(self, name: str, /, **wish: Any) -> httpx.Response:
        return await self.client.post(f"/_control/wechat-pay/{name}", json=wish)


@pytest.fixture
async def panel(shop: Shop) -> AsyncIterator[Panel]:
    async with httpx.AsyncClient(transport=shop.transport, base_url=BASE_URL) as client:
        yield Panel(client)


async def test_the_books_add_up(shop: Shop, panel: Panel, travel: Travel) -> None:
    await shop.order()
    kept, returned = await shop.paid(), await shop.paid(amount_fen=100)
    await shop.gateway.create_refund(refund_request(returned))
    before = await panel.get("books")
    assert (before["refunds_fen"], before["refunding_fen"]) == (0, 100)
    travel.by(3)
    books = await panel.get("books")
    assert (books["payments_fen"], books["payments_count"]) == (10_000, 2)
    assert (books["refunds_fen"], books["refunds_count"], books["refunding_fen"]) == (100, 1, 0)
    assert books["balance_fen"] == 9900
    assert {row["out_trade_no"]: row["refunded_fen"] for row in books["orders"]} == {
        kept.out_trade_no: 0,
        returned.out_trade_no: 100,
    }


async def test_orders_can_be_seen_and_paid(shop: Shop, panel: Panel) -> None:
    order = await shop.order("native")
    (row,) = await panel.get("orders")
    assert (row["state"], row["cashier_url"]) == ("NOTPAY", f"{BASE_URL}/cashier/{order.out_trade_no}")
    assert row["code_url"].startswith("weixin://")
    paid = await panel.post("pay", out_trade_no=order.out_trade_no, openid=OPENID)
    assert (paid.json()["state"], paid.json()["openid"]) == ("SUCCESS", OPENID)
    again = await panel.post("pay", out_trade_no=order.out_trade_no)
    assert (again.status_code, again.json()["error"]) == (422, "订单已支付，请勿重复支付")


async def test_many_paid_orders_come_into_the_books_at_once(shop: Shop, panel: Panel) -> None:
    crowd = [
        {"out_trade_no": f"P2026030{day}", "amount_fen": 9900, "description": "写作营", "openid": OPENID}
        for day in (1, 2)
    ]
    orders = (await panel.post("paid-orders", orders=crowd)).json()["orders"]
    assert [(order["state"], order["openid"]) for order in orders] == [("SUCCESS", OPENID)] * 2
    books = await panel.get("books")
    assert (books["payments_count"], books["balance_fen"]) == (2, 19_800)
    assert await panel.get("deliveries") == []
    again = await panel.post("paid-orders", orders=crowd[:1])
    assert (again.status_code, (await panel.get("books"))["payments_count"]) == (422, 2)


async def test_deliveries_can_be_seen_and_pushed(shop: Shop, panel: Panel) -> None:
    payment = await shop.paid()
    assert (await panel.post("deliver")).json() == {"tried": 1}
    (row,) = await panel.get("deliveries")
    assert (row["reference"], row["state"], row["due_at"]) == (payment.out_trade_no, "delivered", None)
    assert row["attempts"][0]["outcome"] == "204"


async def test_faults_can_be_listed_set_and_cleared(shop: Shop, panel: Panel) -> None:
    wish = {"name": "execute_then_refuse", "times": 2, "value": 503, "on": "create_order"}
    rows = (await panel.post("faults", **wish)).json()
    (row,) = [row for row in rows if row["active"]]
    assert (row["name"], row["remaining"], row["value"]) == ("execute_then_refuse", 2, 503)
    for _ in range(2):
        with pytest.raises(Unknown):
            await shop.gateway.create_order(order_request())
    await shop.gateway.create_order(order_request())
    await panel.post("faults", name="notify_drop", times=None)
    await panel.post("faults", name="slow")
    await panel.client.delete("/_control/wechat-pay/faults?name=slow")
    assert [row["name"] for row in await panel.get("faults") if row["active"]] == ["notify_drop"]
    await panel.client.delete("/_control/wechat-pay/faults")
    assert not [row for row in await panel.get("faults") if row["active"]]


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "nonsense"},
        {},
        {"name": "slow", "times": 0},
        {"name": "slow", "times": "x"},
        {"name": "slow", "value": "x"},
        {"name": "slow", "on": 1},
    ],
)
async def test_a_fault_that_does_not_exist_is_refused(panel: Panel, wish: dict[str, Any]) -> None:
    assert (await panel.post("faults", **wish)).status_code == 422


async def test_the_balance_can_be_set_and_shows_in_the_account(shop: Shop, panel: Panel) -> None:
    assert (await panel.post("balance", balance_fen=5000)).json()["balance_fen"] == 5000
    assert (await panel.post("balance", balance_fen=1000)).json()["balance_fen"] == 1000
    assert [movement.kind for movement in shop.sandbox.account.movements] == ["充值", "提现"]
    assert (await panel.post("balance")).status_code == 422


async def test_refunds_can_be_made_and_finished_by_hand(shop: Shop, panel: Panel) -> None:
    payment = await shop.paid()
    made = await panel.post("console-refund", out_trade_no=payment.out_trade_no, amount_fen=9900, notify_url=NOTIFY_URL)
    assert made.json()["console"] is True
    number = made.json()["out_refund_no"]
    done = await panel.post("finish-refund", out_refund_no=number, status="ABNORMAL")
    assert done.json()["status"] == "ABNORMAL"
    assert (await panel.post("finish-refund", out_refund_no=number, status="CLOSED")).status_code == 422
    (row,) = await panel.get("refunds")
    assert (row["out_refund_no"], row["status"]) == (number, "ABNORMAL")
    too_much = await panel.post("console-refund", out_trade_no=payment.out_trade_no, amount_fen=1)
    assert (too_much.status_code, too_much.json()["error"]) == (422, "退款金额超过可退金额")


async def test_certificates_can_be_rotated(certificate_shop: Shop) -> None:
    async with httpx.AsyncClient(transport=certificate_shop.transport, base_url=BASE_URL) as client:
        serial = (await Panel(client).post("rotate-certificate")).json()["serial"]
    assert [certificate.serial for certificate in certificate_shop.sandbox.keys.certificates][1:] == [serial]
    assert await certificate_shop.gateway.query_order("P20260302NOBODY") is None
