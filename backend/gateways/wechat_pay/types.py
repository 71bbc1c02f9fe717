"""Requests to and results from WeChat Pay. Amounts are in fen; datetimes are timezone-aware."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

SYSTEM = "wechat_pay"

Channel = Literal["jsapi", "h5", "native"]
RefundStatus = Literal["PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL"]


class NotificationRefused(Exception):
    """A notification could not be verified or read; answer it with 4xx and store nothing.

    ``reason`` is stable: not_configured, too_large, xml, headers_missing, timestamp, signature_type,
    unknown_serial, signature, unreadable.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order to create. Equal values give equal bytes, which WeChat Pay requires when an order is renewed.

    ``openid`` is required for jsapi, ``payer_client_ip`` for h5 (ValueError if missing); otherwise they are not sent.
    """

    channel: Channel
    out_trade_no: str
    description: str
    amount_fen: int
    expires_at: dt.datetime
    notify_url: str
    openid: str | None = None
    payer_client_ip: str | None = None

    def __post_init__(self) -> None:
        if self.channel == "jsapi" and not self.openid:
            raise ValueError("a jsapi order needs the payer's openid")
        if self.channel == "h5" and not self.payer_client_ip:
            raise ValueError("an h5 order needs the payer's address")


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A refund of ``amount_fen`` from a payment of ``total_fen``. All retries must use the same ``out_refund_no``."""

    out_refund_no: str
    transaction_id: str
    amount_fen: int
    total_fen: int
    notify_url: str
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """A paid order (trade_state SUCCESS, or REFUND: paid and later refunded)."""

    out_trade_no: str
    transaction_id: str
    mch_id: str
    app_id: str
    amount_fen: int
    currency: str
    openid: str
    trade_type: str
    success_time: dt.datetime


@dataclass(frozen=True, slots=True)
class OrderState:
    """The result of an order query: NOTPAY, SUCCESS, REFUND, CLOSED. ``payment`` is None unless it was paid."""

    out_trade_no: str
    trade_state: str
    payment: PaymentFact | None


@dataclass(frozen=True, slots=True)
class RefundFact:
    """The state of a refund. Only notifications have ``mch_id``; only SUCCESS has ``success_time``."""

    out_refund_no: str
    refund_id: str
    transaction_id: str
    out_trade_no: str
    status: RefundStatus
    amount_fen: int
    total_fen: int
    success_time: dt.datetime | None
    mch_id: str | None


@dataclass(frozen=True, slots=True)
class Notification:
    """A verified notification. ``resource`` is the decrypted JSON, kept as evidence.

    For an unknown event type both ``payment`` and ``refund`` are None.
    """

    id: str
    event_type: str
    create_time: dt.datetime
    payment: PaymentFact | None
    refund: RefundFact | None
    resource: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TradeBillRow:
    """One row of the trade bill. ``trade_state`` SUCCESS is a payment, REFUND a refund.

    In a refund row ``amount_fen`` is 0 and ``trade_time`` is the refund's. ``refund_status`` is the bill's own wording
    and is not updated later.
    """

    trade_time: dt.datetime
    transaction_id: str
    out_trade_no: str
    trade_state: str
    amount_fen: int
    refund_id: str | None
    out_refund_no: str | None
    refund_fen: int
    refund_status: str | None
    openid: str


@dataclass(frozen=True, slots=True)
class FundFlowRow:
    """One movement of the merchant's account.

    ``kind`` is 业务类型, an open list (交易, 退款, 退款关闭 …). ``business_no`` is WeChat Pay's number, ``voucher_no``
    usually ours.
    """

    time: dt.datetime
    kind: str
    direction: Literal["in", "out"]
    amount_fen: int
    business_no: str
    voucher_no: str
