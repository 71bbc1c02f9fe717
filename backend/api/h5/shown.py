"""What several of the member's pages show. Never a name of staff, and no code of the provider."""

import datetime as dt
from collections.abc import Sequence

from backend.api.answers import Day, Id, Instant, Model
from backend.core import clock
from backend.core.text import mask_middle
from backend.members import service
from backend.members.repository import MemberRow
from backend.members.rules import correction
from backend.models.camps import CampStatus
from backend.models.members import MatchStatus, Verdict
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


class MembershipOut(Model):
    """``correct_until``: until then the member may correct the planet data; null when they can't (any more)."""

    member_id: Id
    payment_id: Id
    camp: MyCampOut
    joined: bool
    paid_fen: int
    paid_at: Instant
    planet_nickname: str
    planet_number_masked: str
    days: int
    required_days: int
    verdict: Verdict
    match_status: MatchStatus
    correct_until: Instant | None
    refund: MyRefundOut | None


def newest_refund(refunds: Sequence[Refund]) -> MyRefundOut | None:
    """Of the refunds of a payment, newest first; one that was replaced after the provider closed it is older."""
    return MyRefundOut.model_validate(refunds[0]) if refunds else None


def membership(row: MemberRow, refunds: Sequence[Refund]) -> MembershipOut:
    """``refunds`` are those of the member's payment, newest first."""
    member, assessment = row.member, service.assessment(row.member)
    return MembershipOut(
        member_id=member.id,
        payment_id=member.payment_id,
        camp=MyCampOut.model_validate(row.camp),
        joined=member.joined,
        paid_fen=member.paid_fen,
        paid_at=member.paid_at,
        planet_nickname=member.planet_nickname,
        planet_number_masked=mask_middle(member.planet_number),
        days=assessment.days,
        required_days=assessment.required_days,
        verdict=assessment.verdict,
        match_status=member.status,
        correct_until=correction(member, row.camp, [refund.status for refund in refunds], now=clock.now()).until,
        refund=newest_refund(refunds),
    )


def seconds_left(payment: Payment) -> int:
    """For how long an order can still be paid, by the server's clock: phones are often minutes off."""
    if payment.status is not PaymentStatus.PENDING:
        return 0
    return max(0, (payment.expires_at - clock.now()) // dt.timedelta(seconds=1))
