"""The simulator's records: orders, refunds and the merchant's account. Amounts are in fen."""

import datetime as dt
import secrets
from dataclasses import dataclass, field
from typing import Any

from backend.core import clock

Answer = dict[str, Any]
TRADE_TYPES = {"jsapi": "JSAPI", "h5": "MWEB", "native": "NATIVE"}
STATE_TEXTS = {"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "REFUND": "转入退款", "CLOSED": "订单已关闭"}


class ApiError(Exception):
    """An error response of the API."""

    def __init__(self, status: int, code: str, message: str, detail: Answer | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail


@dataclass(slots=True)
class Order:
    """An order. ``tickets`` maps each issued prepay_id to its time of issue."""

    out_trade_no: str
    channel: str
    body: bytes
    description: str
    amount_fen: int
    notify_url: str
    created_at: dt.datetime
    expires_at: dt.datetime
    attach: str | None = None
    payer_openid: str | None = None
    tickets: dict[str, dt.datetime] = field(default_factory=dict)
    code_url: str | None = None
    state: str = "NOTPAY"
    transaction_id: str | None = None
    openid: str | None = None
    paid_at: dt.datetime | None = None

    def record(self, *, app_id: str, mch_id: str) -> Answer:
        """The JSON of query and notification. For an unpaid order it has no payment fields."""
        answer: Answer = {
            "appid": app_id,
            "mchid": mch_id,
            "out_trade_no": self.out_trade_no,
            "trade_state": self.state,
            "trade_state_desc": STATE_TEXTS[self.state],
            "amount": {"total": self.amount_fen, "currency": "CNY"},
        }
        if self.paid_at is not None:
            answer |= {
                "transaction_id": self.transaction_id,
                "trade_type": TRADE_TYPES[self.channel],
                "bank_type": "OTHERS",
                "success_time": rfc3339(self.paid_at),
                "payer": {"openid": self.openid},
            }
            answer["amount"] |= {"payer_total": self.amount_fen, "payer_currency": "CNY"}
            if self.attach is not None:
                answer["attach"] = self.attach
        return answer


@dataclass(slots=True)
class Refund:
    """A refund. It changes to ``outcome`` at ``ends_at``. ``console``: made by hand in the merchant console."""

    out_refund_no: str
    refund_id: str
    order: Order
    amount_fen: int
    notify_url: str | None
    created_at: dt.datetime
    ends_at: dt.datetime
    outcome: str = "SUCCESS"
    status: str = "PROCESSING"
    success_at: dt.datetime | None = None
    console: bool = False

    def record(self) -> Answer:
        """The JSON of create and query."""
        answer: Answer = {
            "refund_id": self.refund_id,
            "out_refund_no": self.out_refund_no,
            "transaction_id": self.order.transaction_id,
            "out_trade_no": self.order.out_trade_no,
            "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱",
            "create_time": rfc3339(self.created_at),
            "status": self.status,
            "funds_account": "UNSETTLED",
            "amount": {
                "total": self.order.amount_fen,
                "refund": self.amount_fen,
                "from": [],
                "payer_total": self.order.amount_fen,
                "payer_refund": self.amount_fen,
                "settlement_refund": self.amount_fen,
                "settlement_total": self.order.amount_fen,
                "discount_refund": 0,
                "currency": "CNY",
                "refund_fee": 0,
            },
            "promotion_detail": [],
        }
        if self.success_at is not None:
            answer["success_time"] = rfc3339(self.success_at)
        return answer

    def notice(self, *, mch_id: str) -> Answer:
        """The JSON of the notification: has ``refund_status``, but no appid, channel or currency."""
        record = self.record()
        kept = ("out_trade_no", "transaction_id", "out_refund_no", "refund_id", "success_time", "user_received_account")
        amounts = ("total", "refund", "payer_total", "payer_refund")
        return {
            "mchid": mch_id,
            **{name: record[name] for name in kept if name in record},
            "refund_status": self.status,
            "amount": {name: record["amount"][name] for name in amounts},
        }


@dataclass(frozen=True, slots=True)
class Movement:
    """One entry of the merchant's account. ``amount_fen`` is signed; ``balance_fen`` is the balance after it."""

    at: dt.datetime
    kind: str
    amount_fen: int
    balance_fen: int
    flow_no: str
    business_no: str
    voucher_no: str


class Account:
    def __init__(self) -> None:
        self.movements: list[Movement] = []

    @property
    def balance_fen(self) -> int:
        return self.movements[-1].balance_fen if self.movements else 0

    def move(self, kind: str, amount_fen: int, *, business_no: str, voucher_no: str) -> None:
        balance = self.balance_fen + amount_fen
        self.movements.append(Movement(clock.now(), kind, amount_fen, balance, number("3010"), business_no, voucher_no))

    def set_balance(self, balance_fen: int) -> None:
        """Top up or withdraw the difference, as the merchant does in the console."""
        difference = balance_fen - self.balance_fen
        if difference:
            business_no = number("1090")
            self.move("充值" if difference > 0 else "提现", difference, business_no=business_no, voucher_no=business_no)


def rfc3339(instant: dt.datetime) -> str:
    return clock.shanghai(instant).isoformat(timespec="seconds")


def number(prefix: str) -> str:
    """A number like WeChat Pay's: ``prefix``, day and random digits; 28 digits for a prefix of four."""
    return f"{prefix}{clock.today():%Y%m%d}{secrets.randbelow(10**16):016d}"


def new_openid() -> str:
    """A random openid: 28 characters, starting with ``o``."""
    return "o" + secrets.token_urlsafe(21)[:27]
