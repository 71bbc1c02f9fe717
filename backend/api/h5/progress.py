"""What a member sees of themselves: their camps, and how far they have come. Only the owner's; others get 404."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter

from backend.api.answers import Answer, Day, Id, Instant, Model, answer
from backend.api.deps import CurrentPayer, SessionDep
from backend.checkins import progress as progresses
from backend.checkins.rules import DayState
from backend.core import clock
from backend.core.errors import NotFound
from backend.members import repository, service
from backend.members.repository import MemberRow
from backend.models.camps import CampStatus
from backend.models.members import MatchStatus
from backend.models.payments import Channel, PaymentStatus
from backend.models.refunds import Refund, RefundStatus, Verdict

router = APIRouter(tags=["我的"])


class MyCampOut(Model):
    id: Id
    name: str
    status: CampStatus
    deposit_fen: int
    starts_on: Day
    ends_on: Day


class MyRefundOut(Model):
    status: RefundStatus
    amount_fen: int
    succeeded_at: Instant | None
    reject_reason: str | None


class MembershipOut(Model):
    member_id: Id
    payment_id: Id
    camp: MyCampOut
    days: int
    required_days: int
    verdict: Verdict
    match_status: MatchStatus
    refund: MyRefundOut | None


class MyOrderOut(Model):
    payment_id: Id
    camp: MyCampOut
    channel: Channel
    status: PaymentStatus
    amount_fen: int
    expires_at: Instant


class PayerOut(Model):
    """``wechat``: logged in through WeChat, not a guest."""

    wechat: bool


class MeOut(Model):
    """``orders`` can still be paid."""

    payer: PayerOut
    memberships: list[MembershipOut]
    orders: list[MyOrderOut]


class MyDayOut(Model):
    """``future`` is also a day that has passed but was not counted by a complete sync yet."""

    day: Day
    state: DayState


class CheckinPostOut(Model):
    day: Day
    posted_at: Instant | None
    excerpt: str


class ProgressOut(Model):
    """``days_left`` are those on which one more can be earned, today included until it is earned."""

    member_id: Id
    camp: MyCampOut
    days: int
    required_days: int
    total_days: int
    days_left: int
    reachable: bool
    verdict: Verdict
    calendar: list[MyDayOut]
    posts: list[CheckinPostOut]
    match_status: MatchStatus
    refund: MyRefundOut | None
    last_complete_sync_at: Instant | None


def refund_out(refunds: Sequence[Refund]) -> MyRefundOut | None:
    """The newest refund of a payment; one that was replaced after the provider closed it is older."""
    return MyRefundOut.model_validate(refunds[0]) if refunds else None


@router.get("/me")
async def me(payer: CurrentPayer, session: SessionDep) -> Answer[MeOut]:
    """Memberships and open orders, newest first."""
    rows = await repository.owned(session, payer_id=payer.id, openid=payer.openid)
    refunds = await repository.refunds(session, [row.member.payment_id for row in rows])
    orders = await repository.open_orders(session, payer.id, at=clock.now())
    return answer(
        MeOut(
            payer=PayerOut(wechat=payer.openid is not None),
            memberships=[
                _membership(row, [r for r in refunds if r.payment_id == row.member.payment_id]) for row in rows
            ],
            orders=[
                MyOrderOut(
                    payment_id=payment.id,
                    camp=MyCampOut.model_validate(camp),
                    channel=payment.channel,
                    status=payment.status,
                    amount_fen=payment.amount_fen,
                    expires_at=payment.expires_at,
                )
                for payment, camp in orders
            ],
        )
    )


def _membership(row: MemberRow, refunds: Sequence[Refund]) -> MembershipOut:
    return MembershipOut(
        member_id=row.member.id,
        payment_id=row.member.payment_id,
        camp=MyCampOut.model_validate(row.camp),
        **_standing(row),
        refund=refund_out(refunds),
    )


def _standing(row: MemberRow) -> dict[str, Any]:
    assessment = service.assessment(row.member)
    return {
        "days": assessment.days,
        "required_days": assessment.required_days,
        "verdict": assessment.verdict,
        "match_status": row.member.status,
    }


@router.get("/progress/{member_id}")
async def progress(member_id: Id, payer: CurrentPayer, session: SessionDep) -> Answer[ProgressOut]:
    row = await repository.owned_row(session, member_id, payer_id=payer.id, openid=payer.openid)
    if row is None:
        raise NotFound
    found = await progresses.of_member(session, row.member, row.camp)
    return answer(
        ProgressOut(
            member_id=row.member.id,
            camp=MyCampOut.model_validate(row.camp),
            **_standing(row),
            total_days=row.camp.total_days,
            days_left=found.days_left,
            reachable=found.reachable,
            calendar=[MyDayOut.model_validate(day) for day in found.calendar],
            posts=[CheckinPostOut.model_validate(checkin) for checkin in found.checkins],
            refund=refund_out(await repository.refunds(session, [row.member.payment_id])),
            last_complete_sync_at=row.camp.last_complete_sync_at,
        )
    )
