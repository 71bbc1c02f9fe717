"""An independent client, ``wechatpayv3``, agrees with our simulator and with our signatures.

Its host is a private attribute, hence the pinned version; it reads the machine's clock.
"""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from wechatpayv3.async_ import AsyncWeChatPay, SignType, WeChatPayType

from backend.core import clock
from tests.gateways.wechat_pay.kit import BASE_URL, NOTIFY_URL, OPENID, Shop, Travel, order_request


def peer_of(shop: Shop, address: str, **changes: Any) -> AsyncWeChatPay:
    settings = shop.settings
    assert settings.private_key_path is not None
    fields: dict[str, Any] = {
        "wechatpay_type": WeChatPayType.NATIVE,
        "mchid": settings.mch_id,
        "private_key": settings.private_key_path.read_text(),
        "cert_serial_no": settings.cert_serial_no,
        "appid": settings.app_id,
        "apiv3_key": settings.apiv3_key.get_secret_value(),
        "notify_url": NOTIFY_URL,
    }
    if settings.public_key_path is not None:
        fields |= {"public_key": settings.public_key_path.read_text(), "public_key_id": settings.public_key_id}
    peer = AsyncWeChatPay(**(fields | changes))
    peer._core._gate_way = address
    return peer


@pytest.fixture
async def peer(shop: Shop, travel: Travel, http_sandbox: Callable[[Shop], str]) -> AsyncIterator[AsyncWeChatPay]:
    travel.machine_time()
    async with peer_of(shop, http_sandbox(shop)) as opened:
        yield opened


async def test_its_client_orders_queries_and_closes(peer: AsyncWeChatPay) -> None:
    status, answer = await peer.pay(
        description="押金", out_trade_no="PEER0001", amount={"total": 9900, "currency": "CNY"}
    )
    assert (status, json.loads(answer)["code_url"][:9]) == (200, "weixin://")
    status, answer = await peer.query(out_trade_no="PEER0001")
    assert (status, json.loads(answer)["trade_state"]) == (200, "NOTPAY")
    status, _ = await peer.close("PEER0001")
    assert status == 204
    status, answer = await peer.query(out_trade_no="PEER0001")
    assert (status, json.loads(answer)["trade_state"]) == (200, "CLOSED")
    assert (await peer.query(out_trade_no="PEER0002"))[0] == 404


async def test_its_client_refunds_and_queries_the_refund(peer: AsyncWeChatPay, shop: Shop) -> None:
    await peer.pay(description="押金", out_trade_no="PEER0003", amount={"total": 9900})
    shop.sandbox.refunds.seconds = 0
    order = shop.sandbox.pay("PEER0003")
    amount = {"refund": 9900, "total": 9900, "currency": "CNY"}
    status, answer = await peer.refund(
        out_refund_no="PEERBACK1", amount=amount, transaction_id=order.transaction_id, reason="退还押金"
    )
    assert (status, json.loads(answer)["status"]) == (200, "PROCESSING")
    status, answer = await peer.query_refund("PEERBACK1")
    assert (status, json.loads(answer)["status"]) == (200, "SUCCESS")


@pytest.mark.parametrize("pay_type", [WeChatPayType.JSAPI, WeChatPayType.H5])
async def test_its_other_channels_are_understood(peer: AsyncWeChatPay, pay_type: WeChatPayType) -> None:
    scene = {"payer_client_ip": "203.0.113.9", "h5_info": {"type": "Wap"}}
    status, answer = await peer.pay(
        description="押金",
        out_trade_no=f"PEER{pay_type.name}",
        amount={"total": 9900},
        payer={"openid": OPENID} if pay_type is WeChatPayType.JSAPI else None,
        scene_info=scene if pay_type is WeChatPayType.H5 else None,
        pay_type=pay_type,
    )
    assert status == 200, answer


async def test_it_accepts_our_notifications_of_payments_and_refunds(peer: AsyncWeChatPay, shop: Shop) -> None:
    payment = await shop.paid("jsapi")
    headers, body = await shop.notified()
    read = peer.callback(headers, body)
    assert read["event_type"] == "TRANSACTION.SUCCESS"
    assert read["resource"]["transaction_id"] == payment.transaction_id
    shop.sandbox.refunds.seconds = 0
    amount = {"refund": 100, "total": 9900, "currency": "CNY"}
    await peer.refund(out_refund_no="PEERBACK2", amount=amount, transaction_id=payment.transaction_id)
    headers, body = await shop.notified()
    read = peer.callback(headers, body)
    assert (read["event_type"], read["resource"]["refund_status"]) == ("REFUND.SUCCESS", "SUCCESS")


@pytest.mark.parametrize("fault", ["notify_tampered", "notify_wrong_aad", "notify_signtest"])
async def test_it_refuses_our_forgeries(peer: AsyncWeChatPay, shop: Shop, fault: str) -> None:
    shop.sandbox.faults.set(fault)
    await shop.paid()
    headers, body = await shop.notified()
    assert not peer.callback(headers, body)


async def test_its_bridge_signature_equals_ours(peer: AsyncWeChatPay, shop: Shop) -> None:
    params = shop.gateway.bridge_params("wx201410272009395522657a690389285100")
    signed = [params[name] for name in ("appId", "timeStamp", "nonceStr", "package")]
    assert peer.sign(signed, SignType.RSA_SHA256) == params["paySign"]


async def test_its_verification_refuses_an_answer_it_should_not_believe(peer: AsyncWeChatPay, shop: Shop) -> None:
    shop.sandbox.faults.set("signtest_reply", on="create_order")
    with pytest.raises(Exception, match="verify the signature"):
        await peer.pay(description="押金", out_trade_no="PEER0009", amount={"total": 1})


async def test_it_fetches_our_bills(peer: AsyncWeChatPay, shop: Shop, travel: Travel) -> None:
    travel.machine_time(days=-2)
    day = clock.today().isoformat()
    await shop.paid()
    travel.machine_time()
    for asked in (peer.trade_bill(day, tar_type=""), peer.fundflow_bill(day, tar_type="")):
        status, answer = await asked
        assert status == 200
        status, content = await peer.download_bill(json.loads(answer)["download_url"].removeprefix(BASE_URL))
        assert status == 200
        assert content.startswith("\ufeff".encode())


async def test_in_certificate_mode_it_reads_our_certificates(
    certificate_shop: Shop, travel: Travel, http_sandbox: Callable[[Shop], str]
) -> None:
    travel.machine_time()
    async with peer_of(certificate_shop, http_sandbox(certificate_shop)) as peer:
        status, _ = await peer.pay(description="押金", out_trade_no="PEER0010", amount={"total": 9900})
        assert status == 200
        order = order_request(out_trade_no="PEER0011")
        await certificate_shop.gateway.create_order(order)
        certificate_shop.sandbox.pay("PEER0011")
        headers, body = await certificate_shop.notified()
        assert peer.callback(headers, body)["resource"]["out_trade_no"] == "PEER0011"
