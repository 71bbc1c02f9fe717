"""Bill files are written as WeChat Pay writes them."""

import gzip
import hashlib
import json

from tests.gateways.wechat_pay.kit import BASE_URL, Shop, Travel, refund_request

QUERY = "/v3/bill/tradebill?bill_date=2026-03-02"


async def fetched(shop: Shop, apply: str) -> tuple[bytes, str]:
    """The file as downloaded, and the digest promised."""
    promise = (await shop.raw("GET", apply)).json()
    assert promise["hash_type"] == "SHA1"
    answer = await shop.raw("GET", promise["download_url"].removeprefix(BASE_URL))
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("wechatpay-")]
    return answer.content, promise["hash_value"]


async def test_the_trade_bill_byte_by_byte(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid("h5", description="写作,营\n押金")
    await shop.gateway.create_refund(refund_request(payment))
    travel.by(3)
    await shop.sandbox.deliver_due()
    travel.to("2026-03-03 10:00")
    plain, digest = await fetched(shop, QUERY)
    assert hashlib.sha1(plain).hexdigest() == digest
    assert plain.startswith(b"\xef\xbb\xbf" + "交易时间,".encode())
    assert plain.endswith(b"\r\n")
    headings, paid, back, summary_headings, summary, end = plain.decode("utf-8-sig").split("\r\n")
    assert (len(headings.split(",")), len(paid.split(",`")), end) == (27, 27, "")
    assert paid.startswith("`2026-03-02 12:00:")
    columns = dict(zip(headings.split(","), paid.removeprefix("`").split(",`"), strict=True))
    assert columns["商品名称"] == "写作\\ 营\\n押金"
    assert (columns["交易类型"], columns["特约商户号"]) == ("MWEB", "0")
    assert (columns["订单金额"], columns["手续费"]) == ("99.00", "0.00000")
    assert (columns["微信退款单号"], columns["退款状态"]) == ("0", "")
    columns = dict(zip(headings.split(","), back.removeprefix("`").split(",`"), strict=True))
    assert (columns["交易状态"], columns["订单金额"], columns["申请退款金额"]) == ("REFUND", "0.00", "99.00")
    assert columns["退款状态"] == "SUCCESS"
    assert summary_headings.count(",") == 6
    assert summary == "`2.0,`99.00,`99.00,`0.00,`0.00000,`99.00,`99.00"


async def test_a_refund_still_under_way_at_midnight_stays_so_in_its_bill(shop: Shop, travel: Travel) -> None:
    shop.sandbox.refunds.seconds = 86400
    payment = await shop.paid()
    await shop.gateway.create_refund(refund_request(payment))
    travel.to("2026-03-05 10:00")
    assert shop.sandbox.books().refunds_fen == 9900
    plain, _ = await fetched(shop, QUERY)
    assert "`PROCESSING" in plain.decode()


async def test_gzip_is_digested_unpacked(shop: Shop, travel: Travel) -> None:
    await shop.paid()
    travel.to("2026-03-03 10:00")
    packed, digest = await fetched(shop, f"{QUERY}&tar_type=GZIP")
    assert hashlib.sha1(gzip.decompress(packed)).hexdigest() == digest


async def test_the_fund_flow_bill_carries_the_balance(shop: Shop, travel: Travel) -> None:
    payment = await shop.paid()
    await shop.gateway.create_refund(refund_request(payment, amount_fen=900))
    travel.to("2026-03-03 10:00")
    plain, _ = await fetched(shop, "/v3/bill/fundflowbill?bill_date=2026-03-02")
    headings, received, returned, _, summary, _ = plain.decode("utf-8-sig").split("\r\n")
    assert len(headings.split(",")) == 11
    assert received.split(",`")[5:8] == ["收入", "99.00", "99.00"]
    assert returned.split(",`")[5:8] == ["支出", "9.00", "90.00"]
    assert summary == "`2.0,`1.0,`99.00,`1.0,`9.00"


async def test_a_link_lives_five_minutes(shop: Shop, travel: Travel) -> None:
    await shop.paid()
    travel.to("2026-03-03 10:00")
    path = (await shop.raw("GET", QUERY)).json()["download_url"].removeprefix(BASE_URL)
    assert (await shop.raw("GET", path)).status_code == 200
    assert (await shop.raw("GET", path, headers={"Authorization": ""})).status_code == 401
    travel.by(300)
    expired = await shop.raw("GET", path)
    assert (expired.status_code, json.loads(expired.content)["code"]) == (400, "INVALID_REQUEST")


async def test_dates_out_of_reach_are_refused(shop: Shop, travel: Travel) -> None:
    await shop.paid()
    travel.to("2026-03-03 09:59")
    for day, code in (
        ("2026-03-02", "STATEMENT_CREATING"),
        ("2026-03-01", "NO_STATEMENT_EXIST"),
        ("2026-03-03", "INVALID_REQUEST"),
        ("2025-11-01", "INVALID_REQUEST"),
        ("yesterday", "INVALID_REQUEST"),
    ):
        answer = await shop.raw("GET", f"/v3/bill/tradebill?bill_date={day}")
        assert (answer.status_code, answer.json()["code"]) == (400, code)
