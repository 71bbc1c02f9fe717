"""Compare a day's bills with our rows (WeChat Pay v3, bill format and reconciliation cases). Pure functions.

Amounts are fen. A day is a Shanghai calendar day, in the bill and in our rows.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.core import clock
from backend.core.money import format_yuan
from backend.gateways.wechat_pay import FundFlowRow, TradeBillRow
from backend.models.payments import Payment, PaymentStatus
from backend.models.refunds import Refund, RefundStatus

# The provider books a refund when it accepts it, a moment after we sent it. Around midnight that can be the next day.
MIDNIGHT_SLACK = dt.timedelta(minutes=10)

# 业务类型 values of the fund-flow bill. The list is open; only these two must agree with the trade bill.
PAYMENT_FLOW = "交易"
REFUND_FLOW = "退款"

_S = RefundStatus
_SENT = (_S.SENDING, _S.PROCESSING, _S.SUCCEEDED, _S.FAILED, _S.CLOSED)


@dataclass(frozen=True, slots=True)
class Difference:
    """A discrepancy for a person. ``about`` is stable, so that finding it again opens no second case."""

    kind: str
    about: str
    summary: str
    detail: dict[str, Any]
    camp_id: uuid.UUID | None = None
    payment_id: uuid.UUID | None = None
    refund_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """Our rows that a day's bill names or should name, by our ``out_trade_no`` and ``out_refund_no``."""

    payments: Mapping[str, Payment]
    refunds: Mapping[str, Refund]


@dataclass(slots=True)
class Comparison:
    """Order and refund numbers to query at the provider, and differences that need a person."""

    ask_payments: list[str] = field(default_factory=list)
    ask_refunds: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)


def compare(day: dt.date, bill: Sequence[TradeBillRow], books: Books, earlier: Iterable[str]) -> Comparison:
    """Compare one day's trade bill with our rows. ``earlier`` has the refund numbers in the previous day's bill."""
    found = Comparison()
    paid = [row for row in bill if row.trade_state == "SUCCESS"]
    refunded = [row for row in bill if row.trade_state == "REFUND"]
    for row in paid:
        _payment_row(found, row, books.payments.get(row.out_trade_no))
    for row in refunded:
        _refund_row(found, row, books.refunds.get(row.out_refund_no or ""))
    _missing_payments(found, day, {row.out_trade_no for row in paid}, books.payments.values())
    listed = {row.out_refund_no or "" for row in refunded} | set(earlier)
    _missing_refunds(found, day, listed, books.refunds.values())
    return found


def _payment_row(found: Comparison, row: TradeBillRow, payment: Payment | None) -> None:
    if payment is None:
        text = f"微信账单有一笔我方没有的付款 {row.out_trade_no}（{format_yuan(row.amount_fen)} 元）"
        found.differences.append(Difference("bill_only_payment", row.transaction_id, text, payment_evidence(row)))
    elif row.amount_fen != payment.amount_fen:
        text = (
            f"付款 {row.out_trade_no} 金额不一致：账单 {format_yuan(row.amount_fen)} 元，"
            f"我方 {format_yuan(payment.amount_fen)} 元"
        )
        found.differences.append(_of_payment("payment_amount", row.transaction_id, text, payment, row))
    elif payment.status is not PaymentStatus.PAID:
        found.ask_payments.append(row.out_trade_no)
    elif row.transaction_id != payment.transaction_id:
        text = f"订单 {row.out_trade_no} 在账单中有另一笔付款 {row.transaction_id}"
        found.differences.append(_of_payment("bill_only_payment", row.transaction_id, text, payment, row))


def _refund_row(found: Comparison, row: TradeBillRow, refund: Refund | None) -> None:
    number = row.out_refund_no or row.refund_id or ""
    if refund is None:
        text = f"微信账单有一笔我方没有的退款 {number}（{format_yuan(row.refund_fen)} 元），可能是在商户平台手工退款"
        found.differences.append(Difference("bill_only_refund", number, text, refund_evidence(row)))
    elif row.refund_fen != refund.amount_fen:
        text = (
            f"退款 {number} 金额不一致：账单 {format_yuan(row.refund_fen)} 元，我方 {format_yuan(refund.amount_fen)} 元"
        )
        found.differences.append(_of_refund("refund_amount", number, text, refund, refund_evidence(row)))
    elif refund.status not in (_S.PROCESSING, _S.SUCCEEDED, _S.CLOSED):
        # The provider accepted it, but we failed it or got no answer. The bill isn't updated, so query the state.
        found.ask_refunds.append(number)


def _missing_payments(found: Comparison, day: dt.date, listed: set[str], payments: Iterable[Payment]) -> None:
    for payment in payments:
        if payment.paid_at is None or clock.day_of(payment.paid_at) != day or payment.out_trade_no in listed:
            continue
        text = f"付款 {payment.out_trade_no}（{format_yuan(payment.amount_fen)} 元）已入账，但不在当日微信账单中"
        detail = {"paid_at": clock.shanghai(payment.paid_at).isoformat(), "transaction_id": payment.transaction_id}
        found.differences.append(
            Difference(
                "local_only_payment", payment.out_trade_no, text, detail,
                camp_id=payment.camp_id, payment_id=payment.id,
            )
        )  # fmt: skip


def _missing_refunds(found: Comparison, day: dt.date, listed: set[str], refunds: Iterable[Refund]) -> None:
    """Days are shifted by ten minutes: a refund sent just before midnight may be in either day's bill."""
    for refund in refunds:
        # Without the provider's number, acceptance is still unknown. The sending job resolves that.
        accepted = refund.provider_refund_id is not None and refund.status in _SENT
        if not accepted or refund.sent_at is None or refund.out_refund_no in listed:
            continue
        if clock.day_of(refund.sent_at + MIDNIGHT_SLACK) == day:
            text = f"退款 {refund.out_refund_no}（{format_yuan(refund.amount_fen)} 元）已发出，但不在当日微信账单中"
            detail = {"sent_at": clock.shanghai(refund.sent_at).isoformat(), "status": refund.status}
            found.differences.append(_of_refund("local_only_refund", refund.out_refund_no, text, refund, detail))


def compare_flows(day: dt.date, bill: Sequence[TradeBillRow], flows: Sequence[FundFlowRow]) -> list[Difference]:
    """Check that the day's trade bill and fund-flow bill have the same totals of payments and refunds."""
    trade = {
        PAYMENT_FLOW: sum(row.amount_fen for row in bill if row.trade_state == "SUCCESS"),
        REFUND_FLOW: sum(row.refund_fen for row in bill if row.trade_state == "REFUND"),
    }
    moved = {
        PAYMENT_FLOW: sum(row.amount_fen for row in flows if (row.kind, row.direction) == (PAYMENT_FLOW, "in")),
        REFUND_FLOW: sum(row.amount_fen for row in flows if (row.kind, row.direction) == (REFUND_FLOW, "out")),
    }
    return [
        Difference(
            "fund_flow_sum",
            f"{day}:{kind}",
            f"{day} 资金账单的{kind}合计 {format_yuan(moved[kind])} 元，交易账单为 {format_yuan(fen)} 元",
            {"day": day.isoformat(), "flow": kind, "trade_bill_fen": fen, "fund_flow_fen": moved[kind]},
        )
        for kind, fen in trade.items()
        if moved[kind] != fen
    ]


def payment_evidence(row: TradeBillRow) -> dict[str, Any]:
    """The case detail of a payment in the bill. It leaves out the payer's openid."""
    return {
        "out_trade_no": row.out_trade_no,
        "transaction_id": row.transaction_id,
        "bill_fen": row.amount_fen,
        "trade_time": row.trade_time.isoformat(),
    }


def refund_evidence(row: TradeBillRow) -> dict[str, Any]:
    return {
        "out_refund_no": row.out_refund_no,
        "refund_id": row.refund_id,
        "out_trade_no": row.out_trade_no,
        "bill_fen": row.refund_fen,
        "refund_status": row.refund_status,
        "trade_time": row.trade_time.isoformat(),
    }


def _of_payment(kind: str, about: str, summary: str, payment: Payment, row: TradeBillRow) -> Difference:
    detail = payment_evidence(row) | {"our_fen": payment.amount_fen, "our_transaction_id": payment.transaction_id}
    return Difference(kind, about, summary, detail, camp_id=payment.camp_id, payment_id=payment.id)


def _of_refund(kind: str, about: str, summary: str, refund: Refund, detail: dict[str, Any]) -> Difference:
    return Difference(
        kind, about, summary, detail | {"our_fen": refund.amount_fen},
        camp_id=refund.camp_id, payment_id=refund.payment_id, refund_id=refund.id,
    )  # fmt: skip
