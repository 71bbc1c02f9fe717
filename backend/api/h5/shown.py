"""What several of the member's pages show. Never a name of staff, and no code of the provider."""

import datetime as dt
from collections.abc import Sequence

from backend.api.answers import Day, Id, Instant, Model
from backend.community.members.repository import MemberRow
from backend.community.members.rules import correction
from backend.core import clock
from backend.core.text import mask_middle
from backend.models.camps import CampStatus
from backend.models.members import MatchStatus, Member, Standing, Verdict
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
    """``verdict`` is null until the camp's end was seen. ``entitled_fen``: while the camp runs, what comes back if no
    day is added, which only grows; after it, what the rule gives.

    ``correct_until``: until then the member may correct the planet data; null when they can't (any more)."""

    member_id: Id
    payment_id: Id
    camp: MyCampOut
    joined: bool
    paid_fen: int
    paid_at: Instant
    planet_nickname: str
    planet_number_masked: str
    days: int
    required_days: int | None
    standing: Standing
    verdict: Verdict | None
    entitled_fen: int
    match_status: MatchStatus
    correct_until: Instant | None
    refund: MyRefundOut | None


def newest_refund(refunds: Sequence[Refund], member: Member | None) -> MyRefundOut | None:
    """Of the refunds of a payment, newest first; one that was replaced after the provider closed it is older."""
    if not refunds:
        return None
    back = sum(refund.amount_fen for refund in refunds if refund.status is RefundStatus.SUCCEEDED)
    entitled = member.entitled_fen if member is not None else 0
    return my_refund(refunds[0], owed_fen=max(0, entitled - back))


def my_refund(refund: Refund, *, owed_fen: int) -> MyRefundOut:
    """``owed_fen`` is what a refund pays that nobody has decided on yet."""
    shown = MyRefundOut.model_validate(refund)
    return shown.model_copy(update={"amount_fen": owed_fen}) if refund.follows_member else shown


def membership(row: MemberRow, refunds: Sequence[Refund]) -> MembershipOut:
    """``refunds`` are those of the member's payment, newest first."""
    member = row.member
    return MembershipOut(
        member_id=member.id,
        payment_id=member.payment_id,
        camp=MyCampOut.model_validate(row.camp),
        joined=member.joined,
        paid_fen=member.paid_fen,
        paid_at=member.paid_at,
        planet_nickname=member.planet_nickname,
        planet_number_masked=mask_middle(member.planet_number),
        days=member.days,
        required_days=member.required_days,
        standing=member.standing,
        verdict=member.verdict,
        entitled_fen=member.entitled_fen,
        match_status=member.status,
        correct_until=correction(member, row.camp, [refund.status for refund in refunds], now=clock.now()).until,
        refund=newest_refund(refunds, member),
    )


def seconds_left(payment: Payment) -> int:
    """For how long an order can still be paid, by the server's clock: phones are often minutes off."""
    if payment.status is not PaymentStatus.PENDING:
        return 0
    return max(0, (payment.expires_at - clock.now()) // dt.timedelta(seconds=1))
