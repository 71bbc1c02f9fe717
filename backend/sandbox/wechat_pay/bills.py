"""Bill files in WeChat Pay's format (v3, §6.4), and their download links, valid for five minutes."""

import datetime as dt
import gzip
import hashlib
import secrets
from collections.abc import Iterable, Sequence

from backend.core import clock, money
from backend.sandbox.wechat_pay.faults import Faults
from backend.sandbox.wechat_pay.orders import Orders
from backend.sandbox.wechat_pay.records import TRADE_TYPES, Account, Answer, ApiError, Movement, Order, Refund
from backend.sandbox.wechat_pay.refunds import Refunds

TRADE_HEADINGS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TRADE_SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
FUND_HEADINGS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
FUND_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
LINK_LIFE = dt.timedelta(minutes=5)
_REFUND_STATES = {"CLOSED": "FAIL", "ABNORMAL": "CHANGE"}


class Bills:
    """Creates the bills of a past day from the books."""

    def __init__(self, base_url: str, orders: Orders, refunds: Refunds, account: Account, faults: Faults) -> None:
        self._base_url = base_url
        self._orders = orders
        self._refunds = refunds
        self._account = account
        self._faults = faults
        self._files: dict[str, tuple[dt.datetime, bytes]] = {}

    def apply(self, kind: str, bill_date: str, *, packed: bool) -> Answer:
        """Return link and digest of the ``trade`` or ``fund_flow`` bill of ``bill_date``.

        Raises ApiError: INVALID_REQUEST for a bad date, STATEMENT_CREATING before 10:00 of the next day,
        NO_STATEMENT_EXIST for a day without entries.
        """
        day = self._finished_day(bill_date)
        bill = self._trade(day) if kind == "trade" else self._fund_flow(day)
        if bill is None:
            raise ApiError(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        digest = hashlib.sha1(bill, usedforsecurity=False).hexdigest()
        if self._faults.take("bill_bad_hash", kind):
            digest = digest[::-1]
        token = secrets.token_urlsafe(24)
        self._files[token] = (clock.now() + LINK_LIFE, gzip.compress(bill) if packed else bill)
        url = f"{self._base_url}/v3/billdownload/file?token={token}"
        return {"hash_type": "SHA1", "hash_value": digest, "download_url": url}

    def file(self, token: str) -> bytes:
        """The file of a link. Raises ApiError (INVALID_REQUEST) if the link is unknown or has expired."""
        expires, content = self._files.get(token, (clock.now(), b""))
        if clock.now() >= expires:
            raise ApiError(400, "INVALID_REQUEST", "下载链接已失效，请重新申请")
        return content

    @staticmethod
    def _finished_day(bill_date: str) -> dt.date:
        try:
            day = dt.date.fromisoformat(bill_date)
        except ValueError:
            raise ApiError(400, "INVALID_REQUEST", "账单日期不正确") from None
        if not clock.today() - dt.timedelta(days=92) <= day < clock.today():
            raise ApiError(400, "INVALID_REQUEST", "账单日期不正确")
        if clock.now() < clock.day_start(day + dt.timedelta(days=1)) + dt.timedelta(hours=10):
            raise ApiError(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
        return day

    def _trade(self, day: dt.date) -> bytes | None:
        orders = [order for order in self._orders.by_number.values() if _on(order.paid_at, day)]
        refunds = [refund for refund in self._refunds.by_number.values() if _on(refund.created_at, day)]
        orders = [order for order in orders if not self._faults.take("bill_omit_row", order.out_trade_no)]
        if not orders and not refunds:
            return None
        rows = [self._payment_row(order) for order in orders] + [self._refund_row(refund) for refund in refunds]
        rows.sort(key=lambda row: row[0])
        paid = money.format_yuan(sum(order.amount_fen for order in orders))
        back = money.format_yuan(sum(refund.amount_fen for refund in refunds))
        summary = (f"{len(rows)}.0", paid, back, "0.00", "0.00000", paid, back)
        return _file(TRADE_HEADINGS, rows, TRADE_SUMMARY, summary)

    def _payment_row(self, order: Order) -> list[str]:
        amount_fen = order.amount_fen + (1 if self._faults.take("bill_wrong_amount", order.out_trade_no) else 0)
        amount = money.format_yuan(amount_fen)
        refund = ["0", "0", "0.00", "0.00", "", ""]
        return self._row(order, order.paid_at, "SUCCESS", amount, refund, "0.00")

    def _refund_row(self, refund: Refund) -> list[str]:
        amount = money.format_yuan(refund.amount_fen)
        # The state at the end of that day: a bill isn't updated later.
        done = refund.success_at is not None and _on(refund.success_at, clock.day_of(refund.created_at))
        state = "SUCCESS" if done else _REFUND_STATES.get(refund.status, "PROCESSING")
        columns = [refund.refund_id, refund.out_refund_no, amount, "0.00", "ORIGINAL", state]
        return self._row(refund.order, refund.created_at, "REFUND", "0.00", columns, amount)

    def _row(
        self, order: Order, at: dt.datetime | None, state: str, amount: str, refund: list[str], asked: str
    ) -> list[str]:
        return [
            _wall_clock(at), self._orders.app_id, self._orders.mch_id, "0", "", order.transaction_id or "",
            order.out_trade_no, order.openid or "", TRADE_TYPES[order.channel], state, "OTHERS", "CNY",
            amount, "0.00", *refund, _plain(order.description), _plain(order.attach or ""), "0.00000", "0.00%",
            amount, asked, "",
        ]  # fmt: skip

    def _fund_flow(self, day: dt.date) -> bytes | None:
        movements = [movement for movement in self._account.movements if _on(movement.at, day)]
        if not movements:
            return None
        rows = [_fund_row(movement) for movement in movements]
        income = [movement.amount_fen for movement in movements if movement.amount_fen > 0]
        spent = [-movement.amount_fen for movement in movements if movement.amount_fen < 0]
        counts = (f"{len(movements)}.0", f"{len(income)}.0", f"{len(spent)}.0")
        summary = (counts[0], counts[1], money.format_yuan(sum(income)), counts[2], money.format_yuan(sum(spent)))
        return _file(FUND_HEADINGS, rows, FUND_SUMMARY, summary)


def _fund_row(movement: Movement) -> list[str]:
    direction = "收入" if movement.amount_fen > 0 else "支出"
    amount, balance = money.format_yuan(abs(movement.amount_fen)), money.format_yuan(movement.balance_fen)
    return [
        _wall_clock(movement.at), movement.business_no, movement.flow_no, movement.kind, movement.kind, direction,
        amount, balance, "system", "", movement.voucher_no,
    ]  # fmt: skip


def _file(headings: str, rows: Iterable[Sequence[str]], summary_headings: str, summary: Sequence[str]) -> bytes:
    lines = [headings, *map(_line, rows), summary_headings, _line(summary)]
    return b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode()


def _line(values: Sequence[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def _plain(value: str) -> str:
    """Escape the merchant's text: a comma becomes backslash and space, a line feed ``\\n``."""
    return value.replace(",", "\\ ").replace("\r", "").replace("\n", "\\n")


def _wall_clock(at: dt.datetime | None) -> str:
    return f"{clock.shanghai(at):%Y-%m-%d %H:%M:%S}" if at else ""


def _on(at: dt.datetime | None, day: dt.date) -> bool:
    return at is not None and clock.day_of(at) == day
