"""Refunds: one number refunds once, and what isn't certain is never called a failure."""

import pytest

from backend.core import clock
from backend.gateways.errors import GatewayError, Rejected, Unknown
from backend.gateways.wechat_pay import RefundStatus
from tests.gateways.wechat_pay.kit import Shop, Travel, refund_request


async def test_a_refund_is_accepted_then_succeeds(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    request = refund_request(payment)
    accepted = await shop.gateway.create_refund(request)
    assert (accepted.status, accepted.success_time, accepted.mch_id) == ("PROCESSING", None, None)
    assert (accepted.out_trade_no, accepted.transaction_id) == (payment.out_trade_no, payment.transaction_id)
    assert (accepted.amount_fen, accepted.total_fen) == (9900, 9900)
    travel.by(3)
    done = await shop.gateway.query_refund(request.out_refund_no)
    assert done is not None
    assert done.status == "SUCCESS"
    assert done.refund_id == accepted.refund_id
    assert done.success_time is not None
    assert abs((done.success_time - clock.now()).total_seconds()) < 2


async def test_the_same_number_refunds_once(shop: Shop) -> None:
    request = refund_request(await shop.paid())
    first, second = await shop.gateway.create_refund(request), await shop.gateway.create_refund(request)
    assert first.refund_id == second.refund_id
    assert shop.sandbox.books().refunding_fen == 9900


async def test_the_same_number_with_another_amount_is_rejected(shop: Shop) -> None:
    payment = await shop.paid()
    request = refund_request(payment, amount_fen=100)
    await shop.gateway.create_refund(request)
    with pytest.raises(Rejected) as caught:
        await shop.gateway.create_refund(refund_request(payment, amount_fen=200, out_refund_no=request.out_refund_no))
    assert caught.value.code == "INVALID_REQUEST"


async def test_a_refund_never_accepted_is_none(shop: Shop) -> None:
    assert await shop.gateway.query_refund("R20260302NEVERSENT") is None


async def test_an_empty_balance_is_not_enough_until_it_is_topped_up(shop: Shop) -> None:
    request = refund_request(await shop.paid())
    shop.sandbox.account.set_balance(0)
    with pytest.raises(Rejected) as caught:
        await shop.gateway.create_refund(request)
    assert caught.value.code == "NOT_ENOUGH"
    shop.sandbox.account.set_balance(9900)
    assert (await shop.gateway.create_refund(request)).status == "PROCESSING"


@pytest.mark.parametrize(("fault", "status"), [("refund_closed", "CLOSED"), ("refund_abnormal", "ABNORMAL")])
async def test_the_other_ends_are_told(shop: Shop, travel: Travel, fault: str, status: RefundStatus) -> None:
    request = refund_request(await shop.paid())
    shop.sandbox.faults.set(fault)
    await shop.gateway.create_refund(request)
    travel.by(3)
    fact = await shop.gateway.query_refund(request.out_refund_no)
    assert fact is not None
    assert (fact.status, fact.success_time) == (status, None)


@pytest.mark.parametrize(
    ("fault", "value", "code"),
    [
        ("lose_reply", None, "connection_lost"),
        ("execute_then_refuse", 429, "FREQUENCY_LIMITED"),
        ("execute_then_refuse", 500, "SYSTEM_ERROR"),
        ("execute_then_refuse", 502, "SERVICE_UNAVAILABLE"),
        ("signtest_reply", None, "bad_signature"),
        ("unsigned_reply", None, "bad_signature"),
    ],
)
async def test_executed_without_a_trustworthy_answer_is_unknown_and_a_query_clears_it(
    shop: Shop, fault: str, value: float | None, code: str
) -> None:
    request = refund_request(await shop.paid())
    shop.sandbox.faults.set(fault, value=value, on="create_refund")
    with pytest.raises(Unknown) as caught:
        await shop.gateway.create_refund(request)
    assert caught.value.code == code
    fact = await shop.gateway.query_refund(request.out_refund_no)
    assert fact is not None
    assert fact.amount_fen == 9900
    assert len(shop.sandbox.refunds.by_number) == 1


@pytest.mark.parametrize(("fault", "value"), [("lose_request", None), ("refuse", 429), ("refuse", 503)])
async def test_not_executed_looks_the_same_and_the_query_says_so(shop: Shop, fault: str, value: float | None) -> None:
    request = refund_request(await shop.paid())
    shop.sandbox.faults.set(fault, value=value, on="create_refund")
    with pytest.raises(Unknown):
        await shop.gateway.create_refund(request)
    assert await shop.gateway.query_refund(request.out_refund_no) is None
    assert (await shop.gateway.create_refund(request)).status == "PROCESSING"


async def test_a_refund_of_an_unknown_payment_is_rejected(shop: Shop) -> None:
    payment = await shop.paid()
    with pytest.raises(GatewayError) as caught:
        await shop.gateway.create_refund(refund_request(payment, transaction_id="4200000000000000000000000000"))
    assert isinstance(caught.value, Rejected)
    assert caught.value.code == "RESOURCE_NOT_EXISTS"
