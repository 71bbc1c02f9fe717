"""Tolerant parsing: ignores unknown fields; raises :class:`BadRecord` for a missing or mistyped required field."""

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, cast, get_args

from backend.gateways.wechat_pay.types import OrderState, PaymentFact, RefundFact, RefundStatus

Record = Mapping[str, Any]
PAID = {"SUCCESS", "REFUND"}


class BadRecord(ValueError):
    """JSON that doesn't match the documents. The message holds only the field's name, no value."""


def json_object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadRecord("not json") from None
    if not isinstance(value, dict):
        raise BadRecord("not an object")
    return value


def text(record: Record, name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise BadRecord(name)
    return value


def fen(record: Record, name: str) -> int:
    value = record.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadRecord(name)
    return value


def instant(record: Record, name: str) -> dt.datetime:
    try:
        value = dt.datetime.fromisoformat(text(record, name))
    except ValueError:
        raise BadRecord(name) from None
    if value.tzinfo is None:
        raise BadRecord(name)
    return value


def child(record: Record, name: str) -> Record:
    value = record.get(name)
    if not isinstance(value, dict):
        raise BadRecord(name)
    return value


def order_state(record: Record) -> OrderState:
    state = text(record, "trade_state")
    return OrderState(text(record, "out_trade_no"), state, payment_fact(record) if state in PAID else None)


def payment_fact(record: Record) -> PaymentFact:
    """Parse a paid order; a query and a notification have the same format. Raises BadRecord."""
    if text(record, "trade_state") not in PAID:
        raise BadRecord("trade_state")
    amount = child(record, "amount")
    return PaymentFact(
        out_trade_no=text(record, "out_trade_no"),
        transaction_id=text(record, "transaction_id"),
        mch_id=text(record, "mchid"),
        app_id=text(record, "appid"),
        amount_fen=fen(amount, "total"),
        currency=text(amount, "currency") if "currency" in amount else "CNY",
        openid=text(child(record, "payer"), "openid"),
        trade_type=text(record, "trade_type"),
        success_time=instant(record, "success_time"),
    )


def refund_fact(record: Record, *, notified: bool = False) -> RefundFact:
    """Parse a refund. Notifications name the state ``refund_status`` and add ``mchid``; other calls use ``status``.

    Raises BadRecord.
    """
    status = text(record, "refund_status" if notified else "status")
    if status not in get_args(RefundStatus):
        raise BadRecord("status")
    amount = child(record, "amount")
    return RefundFact(
        out_refund_no=text(record, "out_refund_no"),
        refund_id=text(record, "refund_id"),
        transaction_id=text(record, "transaction_id"),
        out_trade_no=text(record, "out_trade_no"),
        status=cast(RefundStatus, status),
        amount_fen=fen(amount, "refund"),
        total_fen=fen(amount, "total"),
        success_time=instant(record, "success_time") if record.get("success_time") else None,
        mch_id=text(record, "mchid") if notified else None,
    )
