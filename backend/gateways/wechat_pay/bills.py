"""Parse bill files (WeChat Pay v3, bill format): BOM, CRLF, values with a backtick, columns found by heading."""

import datetime as dt
import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping

from backend.core import clock, money
from backend.gateways.wechat_pay.parsing import BadRecord
from backend.gateways.wechat_pay.types import FundFlowRow, TradeBillRow

_GZIP_MAGIC = b"\x1f\x8b"


def unpack(raw: bytes, sha1: str) -> str:
    """Return the text of a downloaded file, gzip or plain. ``sha1`` is of the plain file. Raises BadRecord."""
    try:
        plain = gzip.decompress(raw) if raw.startswith(_GZIP_MAGIC) else raw
    except (OSError, EOFError, zlib.error):
        raise BadRecord("gzip") from None
    # WeChat Pay chose SHA-1. The digest detects damage; the signed answer that carries it prevents forgery.
    if hashlib.sha1(plain, usedforsecurity=False).hexdigest() != sha1.lower():
        raise BadRecord("hash_value")
    try:
        return plain.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRecord("encoding") from None


def trade_rows(bill: str) -> list[TradeBillRow]:
    """The rows of a trade bill. Raises BadRecord for a file that isn't one."""
    return [_trade_row(row) for row in _rows(bill)]


def fund_flow_rows(bill: str) -> list[FundFlowRow]:
    """The rows of a fund-flow bill. Raises BadRecord for a file that isn't one."""
    return [_fund_flow_row(row) for row in _rows(bill)]


def _rows(bill: str) -> Iterator[dict[str, str]]:
    # Not splitlines(): a product name may contain other characters that it treats as line breaks.
    lines = [line.removesuffix("\r") for line in bill.split("\n")]
    headings = lines[0].split(",")
    for line in lines[1:]:
        if not line.startswith("`"):
            if line:
                return  # the summary's headings
            break
        values = line.removeprefix("`").split(",`")
        if len(values) != len(headings):
            raise BadRecord("columns")
        yield dict(zip(headings, values, strict=True))
    raise BadRecord("summary")  # a complete file ends with a summary; this one is truncated


def _trade_row(row: Mapping[str, str]) -> TradeBillRow:
    # Some merchants still get the old layout without the last two amount columns.
    amount = "订单金额" if "订单金额" in row else "应结订单金额"
    refund = "申请退款金额" if "申请退款金额" in row else "退款金额"
    return TradeBillRow(
        trade_time=_instant(row, "交易时间"),
        transaction_id=_value(row, "微信订单号"),
        out_trade_no=_value(row, "商户订单号"),
        trade_state=_value(row, "交易状态"),
        amount_fen=_fen(row, amount),
        refund_id=_number(row, "微信退款单号"),
        out_refund_no=_number(row, "商户退款单号"),
        refund_fen=_fen(row, refund),
        refund_status=_value(row, "退款状态") or None,
        openid=_value(row, "用户标识"),
    )


def _fund_flow_row(row: Mapping[str, str]) -> FundFlowRow:
    direction = _value(row, "收支类型")
    if direction not in ("收入", "支出"):
        raise BadRecord("收支类型")
    return FundFlowRow(
        time=_instant(row, "记账时间"),
        kind=_value(row, "业务类型"),
        direction="in" if direction == "收入" else "out",
        amount_fen=_fen(row, "收支金额(元)"),
        business_no=_value(row, "微信支付业务单号"),
        voucher_no=_value(row, "业务凭证号"),
    )


def _value(row: Mapping[str, str], heading: str) -> str:
    try:
        return row[heading].strip()
    except KeyError:
        raise BadRecord(heading) from None


def _number(row: Mapping[str, str], heading: str) -> str | None:
    """A refund's number; None in payment rows, which hold ``0`` there."""
    value = _value(row, heading)
    return None if value in ("", "0") else value


def _fen(row: Mapping[str, str], heading: str) -> int:
    try:
        return money.parse_yuan(_value(row, heading))
    except ValueError:
        raise BadRecord(heading) from None


def _instant(row: Mapping[str, str], heading: str) -> dt.datetime:
    """Parse a time; bills use Shanghai local time."""
    try:
        return dt.datetime.strptime(_value(row, heading), "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.SHANGHAI)
    except ValueError:
        raise BadRecord(heading) from None
