"""The rules of refunds: idempotent by number, at most 50 per order, a minute apart, paid from the balance (v3, §4)."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from backend.core import clock
from backend.sandbox.wechat_pay.faults import Faults
from backend.sandbox.wechat_pay.orders import Orders, bad, check_notify_url, text, whole
from backend.sandbox.wechat_pay.records import Account, Answer, ApiError, Order, Refund, number

_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
MOST_PER_ORDER = 50
GAP = dt.timedelta(minutes=1)
PAYMENT_LIFE = dt.timedelta(days=365)
ENDS = {("PROCESSING", "SUCCESS"), ("PROCESSING", "CLOSED"), ("PROCESSING", "ABNORMAL"), ("ABNORMAL", "SUCCESS")}


class Refunds:
    """Refunds end ``seconds`` after they are accepted; then ``ended`` is called."""

    def __init__(self, orders: Orders, account: Account, faults: Faults, ended: Callable[[Refund], None]) -> None:
        self.by_number: dict[str, Refund] = {}
        self.seconds = 2.0
        self._orders = orders
        self._account = account
        self._faults = faults
        self._ended = ended

    def create(self, fields: dict[str, Any]) -> Answer:
        """Accept a refund, or return the existing one for a repeated number. Raises ApiError."""
        order = self._order_of(fields)
        out_refund_no, amount = fields["out_refund_no"], fields["amount"]
        refund = self.by_number.get(out_refund_no)
        if refund is not None:
            if (refund.order, refund.amount_fen, order.amount_fen) != (order, amount["refund"], amount["total"]):
                raise ApiError(400, "INVALID_REQUEST", "退款单号已使用，且请求参数不一致")
            self.settle_due()
            return refund.record()
        self._check_room(order, amount)
        return self._accept(order, out_refund_no, amount["refund"], fields.get("notify_url")).record()

    def find(self, out_refund_no: str) -> Refund:
        """Settle due refunds, then look up. Raises ApiError (RESOURCE_NOT_EXISTS)."""
        self.settle_due()
        refund = self.by_number.get(out_refund_no)
        if refund is None:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return refund

    def settle_due(self) -> None:
        """Move due refunds from PROCESSING to their outcome."""
        now = clock.now()
        for refund in self.by_number.values():
            if refund.status == "PROCESSING" and now >= refund.ends_at:
                self.finish(refund, refund.outcome)

    def finish(self, refund: Refund, status: str) -> None:
        """Set the final state of a PROCESSING refund, or SUCCESS on an ABNORMAL one. Raises ValueError otherwise."""
        if (refund.status, status) not in ENDS:
            raise ValueError(f"{refund.status} -> {status}")
        refund.status = status
        if status == "SUCCESS":
            refund.success_at = clock.now().replace(microsecond=0)
        if status == "CLOSED":
            self._account.move(
                "退款关闭", refund.amount_fen, business_no=refund.refund_id, voucher_no=refund.out_refund_no
            )
        self._ended(refund)

    def make_by_hand(self, out_trade_no: str, amount_fen: int, *, notify_url: str | None = None) -> Refund:
        """Refund by hand in the merchant console. With ``notify_url``, it is notified in v2 XML. Raises ApiError."""
        order = self._orders.find(out_trade_no=out_trade_no)
        self._check_room(order, {"refund": amount_fen, "total": order.amount_fen})
        refund = self._accept(order, number("50"), amount_fen, notify_url)
        refund.console = True
        return refund

    def of(self, order: Order) -> list[Refund]:
        return [refund for refund in self.by_number.values() if refund.order is order]

    def _accept(self, order: Order, out_refund_no: str, amount_fen: int, notify_url: str | None) -> Refund:
        now = clock.now()
        refund = Refund(
            out_refund_no=out_refund_no,
            refund_id=number("5030"),
            order=order,
            amount_fen=amount_fen,
            notify_url=notify_url,
            created_at=now,
            ends_at=now + dt.timedelta(seconds=self.seconds),
        )
        for outcome in ("CLOSED", "ABNORMAL"):
            if self._faults.take(f"refund_{outcome.lower()}", "create_refund"):
                refund.outcome = outcome
        order.state = "REFUND"
        self.by_number[out_refund_no] = refund
        self._account.move("退款", -amount_fen, business_no=refund.refund_id, voucher_no=out_refund_no)
        return refund

    def _order_of(self, fields: dict[str, Any]) -> Order:
        if not _NUMBER.fullmatch(text(fields, "out_refund_no", 64)):
            raise bad("/out_refund_no", fields["out_refund_no"], "商户退款单号格式不正确")
        if "reason" in fields:
            text(fields, "reason", 80)
        if "notify_url" in fields:
            check_notify_url(fields)
        amount = fields.get("amount")
        if not isinstance(amount, dict) or not whole(amount.get("refund")) or not whole(amount.get("total")):
            raise bad("/amount", amount, "金额不正确")
        if amount.get("currency") != "CNY":
            raise bad("/amount/currency", amount.get("currency"), "币种不正确")
        try:
            order = self._orders.find(
                transaction_id=fields.get("transaction_id"), out_trade_no=fields.get("out_trade_no")
            )
        except ApiError:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "订单不存在") from None
        if order.paid_at is None:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "订单未支付")
        return order

    def _check_room(self, order: Order, amount: dict[str, Any]) -> None:
        if order.paid_at is None or clock.now() > order.paid_at + PAYMENT_LIFE:
            raise ApiError(400, "INVALID_REQUEST", "订单已超过可退款时间")
        if amount["total"] != order.amount_fen:
            raise ApiError(400, "INVALID_REQUEST", "订单金额与原订单不一致")
        earlier = self.of(order)
        left = order.amount_fen - sum(refund.amount_fen for refund in earlier if refund.status != "CLOSED")
        if amount["refund"] > left:
            raise ApiError(400, "INVALID_REQUEST", "退款金额超过可退金额")
        if len(earlier) >= MOST_PER_ORDER:
            raise ApiError(400, "INVALID_REQUEST", "订单退款次数超过限制")
        if any(clock.now() < refund.created_at + GAP for refund in earlier):
            raise ApiError(429, "FREQUENCY_LIMITED", "同一订单的退款请间隔一分钟")
        if amount["refund"] > self._account.balance_fen:
            raise ApiError(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
