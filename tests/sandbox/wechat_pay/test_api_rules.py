"""The simulator keeps WeChat Pay's rules, whoever calls it."""

import datetime as dt
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from backend.core import clock
from backend.gateways.errors import Rejected, Unknown
from backend.sandbox.wechat_pay import PayRefused, WeChatPaySandbox
from backend.sandbox.wechat_pay.refunds import MOST_PER_ORDER
from tests.gateways.wechat_pay.kit import OPENID, Shop, Travel, order_request, refund_request

SIGNATURE_HEADERS = {
    "wechatpay-serial",
    "wechatpay-timestamp",
    "wechatpay-nonce",
    "wechatpay-signature",
    "wechatpay-signature-type",
}
REFUNDS = "/v3/refund/domestic/refunds"
NATIVE = "/v3/pay/transactions/native"


def order_fields(shop: Shop, **changes: Any) -> dict[str, Any]:
    usual = {
        "appid": shop.settings.app_id,
        "mchid": shop.settings.mch_id,
        "description": "押金",
        "out_trade_no": "P20260302TEST",
        "notify_url": "http://merchant.test/notify",
        "amount": {"total": 9900, "currency": "CNY"},
    }
    return {name: value for name, value in (usual | changes).items() if value is not ...}


def query(shop: Shop, out_trade_no: str = "P20260302TEST") -> str:
    return f"/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={shop.settings.mch_id}"


async def test_a_good_answer_carries_all_headers(shop: Shop) -> None:
    answer = await shop.raw("POST", NATIVE, json.dumps(order_fields(shop)).encode())
    assert answer.status_code == 200
    assert SIGNATURE_HEADERS | {"request-id"} <= answer.headers.keys()


async def test_the_named_public_key_signs_else_a_certificate(shop: Shop) -> None:
    await shop.raw("POST", NATIVE, json.dumps(order_fields(shop)).encode())
    certificate = shop.sandbox.keys.add_certificate()
    named = await shop.raw("GET", query(shop), headers={"Wechatpay-Serial": shop.settings.public_key_id})
    unnamed = await shop.raw("GET", query(shop))
    assert named.headers["wechatpay-serial"] == shop.settings.public_key_id
    assert unnamed.headers["wechatpay-serial"] == certificate


async def test_a_wrong_signature_is_told_with_the_length_expected(shop: Shop) -> None:
    stranger = shop.merchant(private_key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    answer = await shop.raw("GET", query(shop), merchant=stranger)
    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    information = answer.json()["detail"]["sign_information"]
    assert (information["method"], information["url"]) == ("GET", query(shop))
    assert information["sign_message_length"] > len(query(shop))
    assert not SIGNATURE_HEADERS & answer.headers.keys()
    assert "request-id" not in answer.headers


async def test_signed_is_what_was_sent_with_its_query_and_body(shop: Shop) -> None:
    elsewhere = shop.merchant().authorization("GET", b"/v3/certificates", b"")
    assert (await shop.raw("GET", query(shop), headers={"Authorization": elsewhere})).status_code == 401
    body = json.dumps(order_fields(shop)).encode()
    other = shop.merchant().authorization("POST", NATIVE.encode(), body + b" ")
    assert (await shop.raw("POST", NATIVE, body, headers={"Authorization": other})).status_code == 401


@pytest.mark.parametrize("change", [{"serial_no": "PUB_KEY_ID_1"}, {"mch_id": "1900000999"}])
async def test_an_unknown_serial_or_merchant_is_a_sign_error(shop: Shop, change: dict[str, str]) -> None:
    assert (await shop.raw("GET", query(shop), merchant=shop.merchant(**change))).status_code == 401


async def test_the_order_of_the_fields_is_free_but_the_scheme_is_not(shop: Shop) -> None:
    usual = shop.merchant().authorization("GET", query(shop).encode(), b"")
    scheme, _, fields = usual.partition(" ")
    turned = f"{scheme} " + ", ".join(reversed(fields.split(",")))
    assert (await shop.raw("GET", query(shop), headers={"Authorization": turned})).status_code == 404
    for wrong in (f"Bearer {fields}", fields, f"{scheme} mchid", ""):
        assert (await shop.raw("GET", query(shop), headers={"Authorization": wrong})).status_code == 401


async def test_an_old_timestamp_is_refused_before_the_signature_is_looked_at(shop: Shop, travel: Travel) -> None:
    stranger = shop.merchant(private_key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    signed = stranger.authorization("GET", query(shop).encode(), b"")
    travel.by(302)
    answer = await shop.raw("GET", query(shop), headers={"Authorization": signed})
    assert answer.status_code == 401
    assert "5分钟" in answer.json()["message"]


@pytest.mark.parametrize("missing", ["Accept", "User-Agent"])
async def test_a_missing_header_is_400_for_refunds_and_401_for_transactions(shop: Shop, missing: str) -> None:
    refund = await shop.raw("GET", f"{REFUNDS}/R1", headers={missing: "", "Authorization": "nonsense"})
    order = await shop.raw("GET", query(shop), headers={missing: ""})
    assert (refund.status_code, refund.json()["code"]) == (400, "INVALID_REQUEST")
    assert order.status_code == 401


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v3/nothing", 404), ("DELETE", NATIVE, 405)])
async def test_unknown_paths_and_methods_have_empty_bodies(shop: Shop, method: str, path: str, status: int) -> None:
    answer = await shop.raw(method, path)
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"description": ...}, "PARAM_ERROR"),
        ({"description": "押" * 128}, "PARAM_ERROR"),
        ({"out_trade_no": "short"}, "PARAM_ERROR"),
        ({"out_trade_no": "with blank"}, "PARAM_ERROR"),
        ({"amount": {"total": 0}}, "PARAM_ERROR"),
        ({"amount": {"total": 99.0}}, "PARAM_ERROR"),
        ({"amount": {"total": 1, "currency": "USD"}}, "PARAM_ERROR"),
        ({"notify_url": "http://merchant.test/notify?a=1"}, "PARAM_ERROR"),
        ({"notify_url": "merchant.test/notify"}, "PARAM_ERROR"),
        ({"attach": None}, "PARAM_ERROR"),
        ({"surprise": 1}, "PARAM_ERROR"),
        ({"mchid": "1900000999"}, "PARAM_ERROR"),
        ({"appid": "wx0"}, "APPID_MCHID_NOT_MATCH"),
        ({"time_expire": "2026-03-02 13:00"}, "PARAM_ERROR"),
        ({"time_expire": "soon"}, "PARAM_ERROR"),
    ],
)
async def test_a_bad_order_is_refused(shop: Shop, change: dict[str, Any], code: str) -> None:
    answer = await shop.raw("POST", NATIVE, json.dumps(order_fields(shop, **change)).encode())
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert not shop.sandbox.orders.by_number


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("jsapi", {}),
        ("jsapi", {"payer": {"openid": ""}}),
        ("h5", {}),
        ("h5", {"scene_info": {"payer_client_ip": "203.0.113.9"}}),
        ("h5", {"scene_info": {"payer_client_ip": "here", "h5_info": {"type": "Wap"}}}),
    ],
)
async def test_each_channel_wants_its_payer(shop: Shop, path: str, change: dict[str, Any]) -> None:
    body = json.dumps(order_fields(shop, **change)).encode()
    answer = await shop.raw("POST", f"/v3/pay/transactions/{path}", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


async def test_a_loopback_payer_is_refused_only_when_asked_for(shop: Shop) -> None:
    await shop.order("h5", payer_client_ip="127.0.0.1")
    shop.sandbox.faults.set("loopback_ip_refused")
    with pytest.raises(Rejected):
        await shop.order("h5", payer_client_ip="127.0.0.1")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null"])
async def test_a_body_that_is_no_object_is_refused(shop: Shop, body: bytes) -> None:
    answer = await shop.raw("POST", NATIVE, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


async def test_an_unpaid_order_tells_nothing_about_a_payment(shop: Shop) -> None:
    await shop.raw("POST", NATIVE, json.dumps(order_fields(shop)).encode())
    record = (await shop.raw("GET", query(shop))).json()
    assert record["trade_state"] == "NOTPAY"
    assert not {"transaction_id", "success_time", "payer", "trade_type", "bank_type"} & record.keys()


async def test_a_paid_order_is_found_by_both_numbers_and_echoes_attach(shop: Shop) -> None:
    await shop.raw("POST", NATIVE, json.dumps(order_fields(shop, attach="甲")).encode())
    order = shop.sandbox.pay("P20260302TEST")
    by_number = (await shop.raw("GET", query(shop))).json()
    path = f"/v3/pay/transactions/id/{order.transaction_id}?mchid={shop.settings.mch_id}"
    assert by_number == (await shop.raw("GET", path)).json()
    assert by_number["attach"] == "甲"


async def test_a_query_needs_the_own_merchant(shop: Shop) -> None:
    order = await shop.order()
    for tail in ("", "?mchid=1900000999"):
        answer = await shop.raw("GET", f"/v3/pay/transactions/out-trade-no/{order.out_trade_no}{tail}")
        assert answer.status_code == 400


async def test_a_fresh_code_url_replaces_the_older_one(shop: Shop) -> None:
    order = order_request()
    first = await shop.gateway.create_order(order)
    second = await shop.gateway.create_order(order)
    assert shop.sandbox.orders.by_number[order.out_trade_no].code_url == second != first


async def test_another_product_with_the_same_number_is_refused(shop: Shop) -> None:
    order = await shop.order("native")
    with pytest.raises(Rejected) as caught:
        await shop.gateway.create_order(order_request("jsapi", out_trade_no=order.out_trade_no))
    assert caught.value.code == "OUT_TRADE_NO_USED"


async def test_an_expired_order_cannot_be_paid_but_is_not_closed(shop: Shop, travel: Travel) -> None:
    order = await shop.order()
    travel.by(30 * 60)
    with pytest.raises(PayRefused):
        shop.sandbox.pay(order.out_trade_no)
    state = await shop.gateway.query_order(order.out_trade_no)
    assert state is not None
    assert state.trade_state == "NOTPAY"
    await shop.gateway.close_order(order.out_trade_no)


async def test_a_too_early_expiry_is_raised_to_a_minute(shop: Shop, travel: Travel) -> None:
    order = await shop.order(expires_at=clock.now() - dt.timedelta(hours=1))
    travel.by(58)
    assert shop.sandbox.pay(order.out_trade_no).state == "SUCCESS"


async def test_an_unpaid_order_closes_by_itself_after_seven_days(shop: Shop, travel: Travel) -> None:
    order = await shop.order()
    travel.by(7 * 86400 - 5)
    assert shop.sandbox.orders.get(order.out_trade_no).state == "NOTPAY"  # type: ignore[union-attr] # it exists
    travel.by(10)
    state = await shop.gateway.query_order(order.out_trade_no)
    assert state is not None
    assert state.trade_state == "CLOSED"


async def test_only_the_orders_payer_pays_and_only_once(shop: Shop) -> None:
    order = await shop.order("jsapi")
    with pytest.raises(PayRefused):
        shop.sandbox.pay(order.out_trade_no, openid="oSomebodyElse")
    assert shop.sandbox.pay(order.out_trade_no).openid == OPENID
    with pytest.raises(PayRefused):
        shop.sandbox.pay(order.out_trade_no)
    assert shop.sandbox.books().payments_fen == 9900


async def test_closed_and_unknown_orders_cannot_be_paid(shop: Shop) -> None:
    order = await shop.order()
    await shop.gateway.close_order(order.out_trade_no)
    for number in (order.out_trade_no, "P20260302NOBODY"):
        with pytest.raises(PayRefused):
            shop.sandbox.pay(number)
    assert shop.sandbox.books().payments_count == 0


async def test_the_status_of_order_paid_can_be_changed(shop: Shop) -> None:
    shop.sandbox.orders.order_paid_status = 403
    payment = await shop.paid()
    with pytest.raises(Rejected) as caught:
        await shop.gateway.close_order(payment.out_trade_no)
    assert caught.value.code == "ORDER_PAID"


async def test_refunds_of_one_order_stay_a_minute_apart_and_below_what_is_left(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    await shop.gateway.create_refund(refund_request(payment, amount_fen=9000))
    with pytest.raises(Unknown) as busy:
        await shop.gateway.create_refund(refund_request(payment, amount_fen=100))
    assert busy.value.code == "FREQUENCY_LIMITED"
    travel.by(61)
    with pytest.raises(Rejected) as too_much:
        await shop.gateway.create_refund(refund_request(payment, amount_fen=901))
    assert too_much.value.code == "INVALID_REQUEST"
    await shop.gateway.create_refund(refund_request(payment, amount_fen=900))
    travel.by(3)
    books = shop.sandbox.books()
    assert (books.refunds_fen, books.refunds_count, books.balance_fen) == (9900, 2, 0)


async def test_fifty_refunds_of_one_order_are_the_most(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    for _ in range(MOST_PER_ORDER):
        await shop.gateway.create_refund(refund_request(payment, amount_fen=1))
        travel.by(61)
    with pytest.raises(Rejected) as caught:
        await shop.gateway.create_refund(refund_request(payment, amount_fen=1))
    assert caught.value.code == "INVALID_REQUEST"


async def test_after_a_year_nothing_is_refunded(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    travel.by(366 * 86400)
    with pytest.raises(Rejected):
        await shop.gateway.create_refund(refund_request(payment))


async def test_another_total_than_the_orders_is_refused(shop: Shop) -> None:
    payment = await shop.paid()
    with pytest.raises(Rejected) as caught:
        await shop.gateway.create_refund(refund_request(payment, total_fen=10000))
    assert caught.value.code == "INVALID_REQUEST"


@pytest.mark.parametrize(
    "change",
    [{"out_refund_no": "with blank"}, {"amount": {"refund": 1, "total": 9900}}, {"reason": "长" * 81}, {"amount": 1}],
)
async def test_a_bad_refund_is_refused(shop: Shop, change: dict[str, Any]) -> None:
    payment = await shop.paid()
    fields = {
        "transaction_id": payment.transaction_id,
        "out_refund_no": "R1",
        "amount": {"refund": 1, "total": 9900, "currency": "CNY"},
    }
    answer = await shop.raw("POST", REFUNDS, json.dumps(fields | change).encode())
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


async def test_an_unpaid_order_has_nothing_to_refund(shop: Shop) -> None:
    order = await shop.order()
    fields = {"out_trade_no": order.out_trade_no, "out_refund_no": "R1"}
    body = json.dumps(fields | {"amount": {"refund": 1, "total": 9900, "currency": "CNY"}}).encode()
    answer = await shop.raw("POST", REFUNDS, body)
    assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")


async def test_a_closed_refund_gives_the_money_back_to_the_merchant(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    shop.sandbox.faults.set("refund_closed")
    await shop.gateway.create_refund(refund_request(payment))
    travel.by(61)
    assert shop.sandbox.books().balance_fen == 9900
    assert (await shop.gateway.create_refund(refund_request(payment))).status == "PROCESSING"


async def test_an_abnormal_refund_is_settled_by_hand(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    shop.sandbox.faults.set("refund_abnormal")
    request = refund_request(payment)
    await shop.gateway.create_refund(request)
    travel.by(3)
    refund = shop.sandbox.refunds.find(request.out_refund_no)
    assert shop.sandbox.books().refunding_fen == 9900
    with pytest.raises(ValueError, match="ABNORMAL -> CLOSED"):
        shop.sandbox.refunds.finish(refund, "CLOSED")
    shop.sandbox.refunds.finish(refund, "SUCCESS")
    assert shop.sandbox.books().refunds_fen == 9900


async def test_a_merchant_with_only_a_public_key_has_no_certificates(shop: Shop) -> None:
    answer = await shop.raw("GET", "/v3/certificates")
    assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")


def test_key_files_are_private_and_the_two_modes_differ(tmp_path: Path) -> None:
    public = WeChatPaySandbox.create(base_url="http://x.test/pay/").write_keys(tmp_path / "a")
    certificates = WeChatPaySandbox.create(base_url="http://x.test", public_key_mode=False).write_keys(tmp_path / "b")
    for environment in (public, certificates):
        path = Path(environment["CAMP_WECHAT_PAY__PRIVATE_KEY_PATH"])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public["CAMP_WECHAT_PAY__BASE_URL"] == "http://x.test/pay"
    assert public.keys() - certificates.keys() == {
        "CAMP_WECHAT_PAY__PUBLIC_KEY_ID",
        "CAMP_WECHAT_PAY__PUBLIC_KEY_PATH",
    }
    assert public["CAMP_WECHAT_PAY__APIV3_KEY"] != certificates["CAMP_WECHAT_PAY__APIV3_KEY"]
