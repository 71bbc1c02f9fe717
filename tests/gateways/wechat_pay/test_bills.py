"""Bills: fetched, checked against their digest, read by heading."""

import datetime as dt
import gzip
import hashlib

import pytest

from backend.core import clock
from backend.gateways.errors import GatewayError, Rejected, Unavailable, Unknown
from backend.gateways.wechat_pay import bills
from backend.gateways.wechat_pay.parsing import BadRecord
from tests.gateways.wechat_pay.kit import OPENID, Shop, Travel, refund_request

DAY = dt.date(2026, 3, 2)
BOM = "\ufeff"


async def test_a_day_of_trade(shop: Shop, travel: Travel) -> None:
    first = await shop.paid("jsapi", description="写作,训练营\n押金")
    second = await shop.paid("h5", amount_fen=1)
    request = refund_request(first, amount_fen=1234)
    refund = await shop.gateway.create_refund(request)
    travel.by(3)
    await shop.sandbox.deliver_due()
    travel.to("2026-03-03 10:00")
    rows = {row.refund_id or row.out_trade_no: row for row in await shop.gateway.trade_bill(DAY)}
    assert len(rows) == 3
    paid = rows[first.out_trade_no]
    assert (paid.transaction_id, paid.trade_state, paid.amount_fen) == (first.transaction_id, "SUCCESS", 9900)
    assert (paid.refund_id, paid.out_refund_no, paid.refund_fen, paid.refund_status) == (None, None, 0, None)
    assert (paid.openid, paid.trade_time) == (OPENID, first.success_time)
    assert rows[second.out_trade_no].amount_fen == 1
    back = rows[refund.refund_id]
    assert (back.trade_state, back.amount_fen, back.refund_fen) == ("REFUND", 0, 1234)
    assert (back.out_refund_no, back.out_trade_no) == (request.out_refund_no, first.out_trade_no)
    assert back.refund_status == "SUCCESS"


async def test_a_day_of_fund_flow(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    request = refund_request(payment)
    refund = await shop.gateway.create_refund(request)
    travel.to("2026-03-03 10:00")
    received, returned = await shop.gateway.fund_flow_bill(DAY)
    assert (received.kind, received.direction, received.amount_fen) == ("交易", "in", 9900)
    assert (received.business_no, received.voucher_no) == (payment.transaction_id, payment.out_trade_no)
    assert (returned.kind, returned.direction, returned.amount_fen) == ("退款", "out", 9900)
    assert (returned.business_no, returned.voucher_no) == (refund.refund_id, request.out_refund_no)
    assert clock.day_of(received.time) == DAY


async def test_a_refund_made_in_the_console_is_in_the_bill(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    made = shop.sandbox.console_refund(payment.out_trade_no, 500)
    travel.to("2026-03-03 10:00")
    row = next(row for row in await shop.gateway.trade_bill(DAY) if row.refund_id)
    assert (row.refund_id, row.refund_fen) == (made.refund_id, 500)


async def test_payments_belong_to_their_shanghai_day(shop: Shop, travel: Travel) -> None:
    travel.to("2026-03-02 23:59")
    late = await shop.paid()
    travel.to("2026-03-03 00:01")
    early = await shop.paid()
    travel.to("2026-03-04 10:00")
    numbers = [[row.out_trade_no for row in await shop.gateway.trade_bill(DAY + dt.timedelta(days=n))] for n in (0, 1)]
    assert numbers == [[late.out_trade_no], [early.out_trade_no]]


async def test_a_day_without_trade_is_empty(shop: Shop, travel: Travel) -> None:
    travel.to("2026-03-03 10:00")
    assert await shop.gateway.trade_bill(DAY) == []
    assert await shop.gateway.fund_flow_bill(DAY) == []


async def test_before_ten_the_bill_is_being_made(shop: Shop, travel: Travel) -> None:
    await shop.paid()
    travel.to("2026-03-03 09:59")
    with pytest.raises(Unavailable) as caught:
        await shop.gateway.trade_bill(DAY)
    assert (caught.value.code, caught.value.retry_after) == ("STATEMENT_CREATING", 1800)


async def test_a_bill_of_today_is_rejected(shop: Shop) -> None:
    with pytest.raises(Rejected) as caught:
        await shop.gateway.trade_bill(DAY)
    assert caught.value.code == "INVALID_REQUEST"


async def test_a_file_with_another_digest_is_not_believed(shop: Shop, travel: Travel) -> None:
    await shop.paid()
    travel.to("2026-03-03 10:00")
    shop.sandbox.faults.set("bill_bad_hash")
    with pytest.raises(Unknown) as caught:
        await shop.gateway.trade_bill(DAY)
    assert caught.value.code == "bad_answer"


async def test_differences_that_reconciliation_must_see_come_through(shop: Shop, travel: Travel) -> None:
    omitted, altered = await shop.paid(), await shop.paid()
    shop.sandbox.faults.set("bill_omit_row", on=omitted.out_trade_no)
    shop.sandbox.faults.set("bill_wrong_amount", on=altered.out_trade_no)
    travel.to("2026-03-03 10:00")
    assert [(row.out_trade_no, row.amount_fen) for row in await shop.gateway.trade_bill(DAY)] == [
        (altered.out_trade_no, 9901)
    ]


async def test_a_failing_apply_keeps_its_kind(shop: Shop) -> None:
    shop.sandbox.faults.set("refuse", value=429, on="trade_bill")
    with pytest.raises(GatewayError) as caught:
        await shop.gateway.trade_bill(DAY)
    assert isinstance(caught.value, Unavailable)


OLD_LAYOUT = (
    f"{BOM}总交易,交易时间,微信订单号,商户订单号,用户标识,交易状态,应结订单金额,微信退款单号,商户退款单号,退款金额,退款状态\r\n"
    "`x,`2026-03-02 09:30:00,`42,`P1,`o1,`SUCCESS,`0.07,`0,`0,`0.00,`\r\n"
    "总交易单数\r\n`1.0\r\n"
)


def test_columns_are_found_by_heading_also_in_the_older_layout() -> None:
    (row,) = bills.trade_rows(OLD_LAYOUT.removeprefix(BOM))
    assert (row.amount_fen, row.refund_fen, row.out_trade_no) == (7, 0, "P1")
    assert row.trade_time == dt.datetime(2026, 3, 2, 1, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("`0.07", "`0.075"),
        ("`0.07", "`a"),
        ("`P1,", "`P1,`extra,"),
        ("2026-03-02 09:30:00", "2026/03/02"),
        ("商户订单号", "订单号"),
        ("总交易单数\r\n`1.0\r\n", ""),
    ],
)
def test_a_damaged_file_is_a_bad_record(old: str, new: str) -> None:
    with pytest.raises(BadRecord):
        bills.trade_rows(OLD_LAYOUT.removeprefix(BOM).replace(old, new, 1))


def test_a_line_separator_inside_a_value_ends_no_row() -> None:
    (row,) = bills.trade_rows(OLD_LAYOUT.removeprefix(BOM).replace("`x,", "`x\u2028\x0b\x1cy,"))
    assert row.out_trade_no == "P1"


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_the_digest_is_that_of_the_plain_file(pack: type[bytes]) -> None:
    plain = OLD_LAYOUT.encode()
    digest = hashlib.sha1(plain).hexdigest()
    assert bills.unpack(pack(plain), digest.upper()) == OLD_LAYOUT.removeprefix(BOM)
    with pytest.raises(BadRecord):
        bills.unpack(pack(plain + b"x"), digest)


@pytest.mark.parametrize(
    "raw",
    # mtime: the same bytes in every process, or xdist's workers disagree about the tests there are.
    [b"\x1f\x8bdamaged", gzip.compress(b"whole", mtime=0)[:-4], b"\xff\xff"],
    ids=["damaged", "cut short", "no gzip"],
)
def test_a_damaged_download_is_a_bad_record(raw: bytes) -> None:
    with pytest.raises(BadRecord):
        bills.unpack(raw, hashlib.sha1(raw).hexdigest())
