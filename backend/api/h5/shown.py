"""What several of the member's pages show. Never a name of staff, and no code of the provider."""

import datetime as dt
from collections.abc import Sequence

from backend.api.answers import Day, Id, Instant, Model
from backend.core import clock
from backend.models.camps import CampStatus
from backend.models.payments import Payment, PaymentStatus
from backend.models.refunds import Refund, RefundKind, RefundStatus


class MyCampOut(Model):
    id: Id
    name: str
    status: CampStatus
    deposit_fen: int
    starts_on: Day
    ends_on: Day


class MyRefundOut(Model):
    """``reject_reason`` was written for the member. ``settled_offline``: paid back by hand, not by WeChat Pay."""

    id: Id
    kind: RefundKind
    status: RefundStatus
    amount_fen: int
    created_at: Instant
    reviewed_at: Instant | None
    succeeded_at: Instant | None
    reject_reason: str | None
    settled_offline: bool


def newest_refund(refunds: Sequence[Refund]) -> MyRefundOut | None:
    """Of the refunds of a payment, newest first; one that was replaced after the provider closed it is older."""
    return MyRefundOut.model_validate(refunds[0]) if refunds else None


def seconds_left(payment: Payment) -> int:
    """For how long an order can still be paid, by the server's clock: phones are often minutes off."""
    if payment.status is not PaymentStatus.PENDING:
        return 0
    return max(0, (payment.expires_at - clock.now()) // dt.timedelta(seconds=1))
