"""Notifications: what is genuine is read, everything else is refused with a reason and nothing but that."""

import datetime as dt
import json
import secrets

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.core import clock
from backend.gateways.wechat_pay import NotificationRefused
from tests.gateways.wechat_pay.kit import NOTIFY_URL, OPENID, Shop, Travel, refund_request


async def refused(shop: Shop, headers: dict[str, str], body: bytes) -> str:
    with pytest.raises(NotificationRefused) as caught:
        await shop.gateway.verify_notification(headers, body)
    return caught.value.reason


def letter(shop: Shop, envelope: object) -> tuple[dict[str, str], bytes]:
    """Any JSON, signed by WeChat Pay now."""
    body = json.dumps(envelope).encode()
    return shop.sandbox.keys.stamp(shop.sandbox.keys.public_key_id, body), body


def envelope(shop: Shop, resource: object, /, **changes: object) -> dict[str, object]:
    sealed = shop.sandbox.keys.seal(json.dumps(resource).encode(), "transaction")
    usual: dict[str, object] = {
        "id": "1",
        "create_time": "2026-03-02T12:00:00+08:00",
        "event_type": "TRANSACTION.SUCCESS",
        "resource_type": "encrypt-resource",
        "resource": {"original_type": "transaction"} | sealed,
    }
    return usual | changes


async def test_a_payment_is_told_as_the_query_tells_it(shop: Shop) -> None:
    payment = await shop.paid("jsapi")
    headers, body = await shop.notified()
    notification = await shop.gateway.verify_notification(headers, body)
    assert notification.event_type == "TRANSACTION.SUCCESS"
    assert notification.payment == payment
    assert notification.refund is None
    assert notification.resource["payer"] == {"openid": OPENID}
    assert abs(notification.create_time - clock.now()) < dt.timedelta(seconds=5)
    assert notification.id == shop.sandbox.courier.deliveries[0].id


@pytest.mark.parametrize(
    ("fault", "status"), [(None, "SUCCESS"), ("refund_closed", "CLOSED"), ("refund_abnormal", "ABNORMAL")]
)
async def test_a_refund_is_told_with_its_end(shop: Shop, travel: Travel, fault: str | None, status: str) -> None:
    payment = await shop.paid()
    if fault:
        shop.sandbox.faults.set(fault)
    request = refund_request(payment)
    await shop.gateway.create_refund(request)
    travel.by(3)
    notification = await shop.gateway.verify_notification(*await shop.notified())
    assert notification.event_type == f"REFUND.{status}"
    assert notification.payment is None
    refund = notification.refund
    assert refund is not None
    assert (refund.status, refund.out_refund_no, refund.amount_fen) == (status, request.out_refund_no, 9900)
    assert refund.mch_id == shop.settings.mch_id
    assert (refund.success_time is not None) == (status == "SUCCESS")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("notify_signtest", "signature"),
        ("notify_stale", "timestamp"),
        ("notify_unknown_serial", "unknown_serial"),
        ("notify_tampered", "signature"),
        ("notify_wrong_aad", "unreadable"),
    ],
)
async def test_a_forgery_is_refused_and_the_genuine_one_is_read_later(
    shop: Shop, travel: Travel, fault: str, reason: str
) -> None:
    shop.sandbox.faults.set(fault)
    shop.receiver.status = 400
    payment = await shop.paid()
    assert await refused(shop, *await shop.notified()) == reason
    travel.by(15)
    assert (await shop.gateway.verify_notification(*await shop.notified())).payment == payment


@pytest.mark.parametrize("fault", ["notify_empty_aad", "notify_extra_fields"])
async def test_variations_within_the_rules_are_read(shop: Shop, fault: str) -> None:
    shop.sandbox.faults.set(fault)
    payment = await shop.paid()
    assert (await shop.gateway.verify_notification(*await shop.notified())).payment == payment


@pytest.mark.parametrize(
    ("fault", "field", "value"),
    [
        ("notify_other_mchid", "mch_id", "1900000999"),
        ("notify_other_appid", "app_id", "wx0000000000000000"),
        ("notify_wrong_amount", "amount_fen", 9901),
    ],
)
async def test_facts_that_are_not_ours_are_told_as_they_are(shop: Shop, fault: str, field: str, value: object) -> None:
    shop.sandbox.faults.set(fault)
    await shop.paid()
    notification = await shop.gateway.verify_notification(*await shop.notified())
    assert getattr(notification.payment, field) == value


async def test_a_v2_refund_notice_is_told_apart(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    shop.sandbox.console_refund(payment.out_trade_no, 9900, notify_url=NOTIFY_URL)
    travel.by(3)
    assert await refused(shop, *await shop.notified()) == "xml"


@pytest.mark.parametrize(("skew", "accepted"), [(299, True), (-299, True), (300, False), (-300, False)])
async def test_the_window_is_under_300_seconds_both_ways(shop: Shop, travel: Travel, skew: int, accepted: bool) -> None:
    travel.by(0.05 - clock.timestamp() % 1)  # headers count whole seconds: stay away from their edge
    body = json.dumps(envelope(shop, {}, event_type="SOMETHING.NEW")).encode()
    at = int(clock.timestamp()) + skew
    headers = shop.sandbox.keys.stamp(shop.sandbox.keys.public_key_id, body, at=at)
    if accepted:
        assert (await shop.gateway.verify_notification(headers, body)).event_type == "SOMETHING.NEW"
    else:
        assert await refused(shop, headers, body) == "timestamp"


async def test_an_unknown_event_is_read_without_a_fact(shop: Shop) -> None:
    headers, body = letter(shop, envelope(shop, {"a": 1}, event_type="SECURITY_ECHO.SUCCESS"))
    notification = await shop.gateway.verify_notification(headers, body)
    assert (notification.payment, notification.refund, notification.resource) == (None, None, {"a": 1})


async def test_header_names_may_have_any_case(shop: Shop) -> None:
    headers, body = letter(shop, envelope(shop, {}, event_type="X"))
    for changed in ({name.upper(): value for name, value in headers.items()}, {k.lower(): headers[k] for k in headers}):
        assert (await shop.gateway.verify_notification(changed, body)).event_type == "X"


async def test_a_missing_signature_type_means_rsa_and_another_is_refused(shop: Shop) -> None:
    headers, body = letter(shop, envelope(shop, {}, event_type="X"))
    del headers["Wechatpay-Signature-Type"]
    assert (await shop.gateway.verify_notification(headers, body)).event_type == "X"
    headers["Wechatpay-Signature-Type"] = "WECHATPAY2-SM2-WITH-SM3"
    assert await refused(shop, headers, body) == "signature_type"


@pytest.mark.parametrize("name", ["Serial", "Timestamp", "Nonce", "Signature"])
async def test_each_header_is_needed(shop: Shop, name: str) -> None:
    headers, body = letter(shop, envelope(shop, {}))
    del headers[f"Wechatpay-{name}"]
    assert await refused(shop, headers, body) == "headers_missing"


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1e9", "１７７２４２４０００", "9" * 400])
async def test_a_timestamp_is_plain_seconds(shop: Shop, timestamp: str) -> None:
    headers, body = letter(shop, envelope(shop, {}))
    assert await refused(shop, headers | {"Wechatpay-Timestamp": timestamp}, body) == "timestamp"


@pytest.mark.parametrize("signature", ["", "?", "AAAA", "签名", "WECHATPAY/SIGNTEST/abc"])
async def test_a_signature_that_is_none_is_refused(shop: Shop, signature: str) -> None:
    headers, body = letter(shop, envelope(shop, {}))
    assert await refused(shop, headers | {"Wechatpay-Signature": signature}, body) == "signature"


async def test_odd_header_characters_are_refused_quietly(shop: Shop) -> None:
    headers, body = letter(shop, envelope(shop, {}))
    assert await refused(shop, headers | {"Wechatpay-Nonce": "\udcff"}, body) == "signature"


async def test_too_much_is_not_even_looked_at(shop: Shop) -> None:
    headers, body = letter(shop, envelope(shop, {}, padding="x" * 65536))
    assert await refused(shop, headers, body) == "too_large"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"not json", b"\xff\xfe", b"[" * 60000, b'{"a":' * 10000])
async def test_signed_nonsense_is_unreadable(shop: Shop, body: bytes) -> None:
    headers = shop.sandbox.keys.stamp(shop.sandbox.keys.public_key_id, body)
    assert await refused(shop, headers, body) == "unreadable"


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"create_time": "today"},
        {"event_type": 7},
        {"resource": None},
        {"resource": {"algorithm": "AEAD_SM4_GCM", "nonce": "123456789012", "ciphertext": "AAAA"}},
        {"resource": {"algorithm": "AEAD_AES_256_GCM", "nonce": 1, "ciphertext": "AAAA"}},
        {"resource": {"algorithm": "AEAD_AES_256_GCM", "nonce": "short", "ciphertext": "AAAA"}},
        {"resource": {"algorithm": "AEAD_AES_256_GCM", "nonce": "123456789012", "ciphertext": "?"}},
        {"resource": {"algorithm": "AEAD_AES_256_GCM", "nonce": "\ud800 23456789012", "ciphertext": "AAAA"}},
        {"event_type": "TRANSACTION.SUCCESS"},
        {"event_type": "REFUND.SUCCESS"},
    ],
)
async def test_a_damaged_envelope_is_unreadable(shop: Shop, change: dict[str, object]) -> None:
    headers, body = letter(shop, envelope(shop, {}, **({"event_type": "X"} | change)))
    assert await refused(shop, headers, body) == "unreadable"


async def test_another_merchants_apiv3_key_is_unreadable(shop: Shop) -> None:
    shop.sandbox.keys.apiv3_key = secrets.token_hex(16)
    headers, body = letter(shop, envelope(shop, {}, event_type="X"))
    assert await refused(shop, headers, body) == "unreadable"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(st.sampled_from(["id", "create_time", "event_type", "resource", "x"]), junk, max_size=2),
    fields=st.dictionaries(
        st.sampled_from(["out_trade_no", "amount", "payer", "success_time", "mchid", "trade_state"]), junk, min_size=1
    ),
)
async def test_whatever_is_signed_gives_a_fact_or_a_refusal(
    shop: Shop, changes: dict[str, object], fields: dict[str, object]
) -> None:
    resource = {
        "appid": "wx1",
        "mchid": "19",
        "out_trade_no": "P1",
        "transaction_id": "42",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "success_time": "2026-03-02T12:00:00+08:00",
        "payer": {"openid": "o1"},
        "amount": {"total": 1, "currency": "CNY"},
    }
    headers, body = letter(shop, envelope(shop, resource | fields, **changes))
    reason, notification = "", None
    try:
        notification = await shop.gateway.verify_notification(headers, body)
    except NotificationRefused as caught:
        reason = caught.reason
    if notification is None:
        assert reason == "unreadable"
    elif notification.payment is not None:
        assert type(notification.payment.amount_fen) is int
        assert notification.payment.success_time.tzinfo is not None
