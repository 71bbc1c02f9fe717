"""Which key verifies what: public key, certificates, their rotation and the migration between them."""

import asyncio

import pytest

from backend.gateways.errors import Unavailable, Unknown
from backend.gateways.wechat_pay import NotificationRefused, WeChatPay
from tests.gateways.wechat_pay.kit import Shop, Travel, order_request


def fetches(shop: Shop) -> int:
    """Counts on the sandbox's side by letting an endless, harmless fault count down from many."""
    fault = next(row for row in shop.sandbox.faults.summary() if row["name"] == "slow")
    return 1000 - (fault["remaining"] or 0)


def count_fetches(shop: Shop) -> None:
    shop.sandbox.faults.set("slow", times=1000, value=0, on="certificates")


async def test_certificates_are_fetched_once_for_many_calls(certificate_shop: Shop) -> None:
    count_fetches(certificate_shop)
    await asyncio.gather(*(certificate_shop.order() for _ in range(5)))
    await certificate_shop.order()
    assert fetches(certificate_shop) == 1


async def test_a_notification_may_be_the_first_to_need_a_certificate(certificate_shop: Shop) -> None:
    order = await certificate_shop.order()
    certificate_shop.sandbox.pay(order.out_trade_no)
    letter = await certificate_shop.notified()
    gateway = WeChatPay(certificate_shop.settings, transport=certificate_shop.transport)
    assert (await gateway.verify_notification(*letter)).payment is not None
    await gateway.aclose()


async def test_after_a_rotation_both_certificates_are_good(certificate_shop: Shop, travel: Travel) -> None:
    await certificate_shop.paid()
    old = await certificate_shop.notified()
    certificate_shop.sandbox.keys.add_certificate()
    travel.by(61)
    await certificate_shop.paid()
    new = await certificate_shop.notified()
    assert old[0]["wechatpay-serial"] != new[0]["wechatpay-serial"]
    for letter in (old, new):
        assert (await certificate_shop.gateway.verify_notification(*letter)).payment is not None


async def test_an_unknown_serial_fetches_at_most_once_a_minute(certificate_shop: Shop, travel: Travel) -> None:
    await certificate_shop.order()
    count_fetches(certificate_shop)
    shop = certificate_shop
    shop.sandbox.faults.set("notify_unknown_serial", times=None)
    await shop.paid()
    letter = await shop.notified()
    for seconds, expected in ((0, 0), (61, 1), (0, 1), (61, 2)):
        travel.by(seconds)
        with pytest.raises(NotificationRefused) as caught:
            await shop.gateway.verify_notification(*letter)
        assert caught.value.reason == "unknown_serial"
        assert fetches(shop) == expected


async def test_concurrent_unknown_serials_share_one_fetch(certificate_shop: Shop, travel: Travel) -> None:
    await certificate_shop.paid()
    certificate_shop.sandbox.keys.add_certificate()
    travel.by(61)
    await certificate_shop.sandbox.deliver_due()
    letter = certificate_shop.receiver.letters[-1]
    count_fetches(certificate_shop)
    travel.by(61)
    read = await asyncio.gather(*(certificate_shop.gateway.verify_notification(*letter) for _ in range(8)))
    assert len({notification.id for notification in read}) == 1
    assert fetches(certificate_shop) == 1


async def test_a_failed_fetch_keeps_the_keys_we_have(certificate_shop: Shop, travel: Travel) -> None:
    shop = certificate_shop
    await shop.paid()
    good = await shop.notified()
    shop.sandbox.faults.set("notify_unknown_serial")
    await shop.paid()
    strange = await shop.notified()
    travel.by(61)
    shop.sandbox.faults.set("refuse", times=2, value=503, on="certificates")
    with pytest.raises(NotificationRefused) as caught:
        await shop.gateway.verify_notification(*strange)
    assert caught.value.reason == "unknown_serial"
    assert (await shop.gateway.verify_notification(*good)).payment is not None


async def test_without_certificates_nothing_is_sent(certificate_shop: Shop) -> None:
    certificate_shop.sandbox.faults.set("refuse", times=2, value=503, on="certificates")
    order = order_request()
    for _ in range(2):  # the second time within the minute nobody is even asked
        with pytest.raises(Unavailable) as caught:
            await certificate_shop.gateway.create_order(order)
        assert caught.value.code == "no_platform_certificate"
    assert not certificate_shop.sandbox.orders.by_number


async def test_a_merchant_without_certificates_is_not_taken_for_a_missing_refund(certificate_shop: Shop) -> None:
    certificate_shop.sandbox.keys.certificates.clear()
    with pytest.raises(Unavailable):
        await certificate_shop.gateway.query_refund("R1")


async def test_certificates_under_another_apiv3_key_are_not_believed(certificate_shop: Shop) -> None:
    certificate_shop.sandbox.keys.apiv3_key = "x" * 32
    with pytest.raises(Unavailable) as caught:
        await certificate_shop.gateway.query_order("P1")
    assert caught.value.code == "no_platform_certificate"


@pytest.mark.parametrize("fault", ["signtest_reply", "unsigned_reply"])
async def test_a_certificate_answer_with_a_bad_signature_is_not_believed(certificate_shop: Shop, fault: str) -> None:
    certificate_shop.sandbox.faults.set(fault, on="certificates")
    with pytest.raises(Unavailable):
        await certificate_shop.gateway.query_order("P1")


async def test_an_expired_certificate_verifies_nothing(certificate_shop: Shop, travel: Travel) -> None:
    await certificate_shop.order()
    travel.to("2031-03-03 12:00")
    with pytest.raises(Unavailable):
        await certificate_shop.gateway.query_order("P1")


async def test_during_the_migration_both_keys_are_good(shop: Shop) -> None:
    shop.sandbox.keys.add_certificate()
    seen = set()
    for share in (0.0, 1.0):
        shop.sandbox.keys.public_key_share = share
        await shop.paid()
        letter = await shop.notified()
        seen.add(letter[0]["wechatpay-serial"])
        assert (await shop.gateway.verify_notification(*letter)).payment is not None
    assert len(seen) == 2


async def test_in_public_key_mode_a_reply_by_certificate_is_verified_too(shop: Shop) -> None:
    shop.sandbox.keys.add_certificate()
    shop.sandbox.keys.public_key_open = False  # the switch in the console is still off: the header is ignored
    assert await shop.gateway.create_order(order_request())


async def test_a_key_of_nobody_is_refused_without_certificates(shop: Shop) -> None:
    shop.sandbox.keys.public_key_id = "PUB_KEY_ID_000000000000000000000000"
    with pytest.raises(Unknown) as caught:
        await shop.gateway.create_order(order_request())
    assert (caught.value.code, caught.value.message) == ("bad_signature", "unknown_serial")


async def test_serials_are_compared_without_case_and_leading_zeros(certificate_shop: Shop) -> None:
    await certificate_shop.paid()
    headers, body = await certificate_shop.notified()
    headers["wechatpay-serial"] = "00" + headers["wechatpay-serial"].lower()
    assert (await certificate_shop.gateway.verify_notification(headers, body)).payment is not None
