"""我的: the person's memberships, orders that wait to be paid, and how many messages are new."""

from collections.abc import Sequence

from fastapi import APIRouter

from backend.api.answers import Answer, Id, Instant, Model, answer
from backend.api.deps import CurrentPayer, SessionDep
from backend.api.h5.shown import MyCampOut, MyRefundOut, newest_refund, seconds_left
from backend.core import clock
from backend.core.text import mask_middle
from backend.members import repository, service
from backend.members.repository import MemberRow
from backend.members.rules import correction
from backend.models.camps import Camp
from backend.models.members import MatchStatus
from backend.models.payments import Channel, Payment, PaymentStatus
from backend.models.refunds import Refund, Verdict
from backend.notifications import repository as notifications

router = APIRouter(tags=["我的"])


class MembershipOut(Model):
    """``correct_until``: until then the member may correct the planet data; null when they can't."""

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


class MyOrderOut(Model):
    payment_id: Id
    camp: MyCampOut
    channel: Channel
    status: PaymentStatus
    amount_fen: int
    expires_at: Instant
    seconds_left: int


class PayerOut(Model):
    """``wechat``: logged in through WeChat, not a guest."""

    wechat: bool


class FormOut(Model):
    """What the person typed last, to begin the next form with."""

    planet_nickname: str
    planet_number: str
    wechat_nickname: str


class MeOut(Model):
    """``orders`` can still be paid; ``unread`` counts messages."""

    payer: PayerOut
    unread: int
    form: FormOut | None
    memberships: list[MembershipOut]
    orders: list[MyOrderOut]


@router.get("/me")
async def me(payer: CurrentPayer, session: SessionDep) -> Answer[MeOut]:
    """Memberships and open orders, newest first."""
    rows = await repository.owned(session, payer_id=payer.id, openid=payer.openid)
    refunds = await repository.refunds(session, [row.member.payment_id for row in rows])
    orders = await repository.open_orders(session, payer.id, at=clock.now())
    form = await repository.last_form(session, payer_id=payer.id, openid=payer.openid)
    return answer(
        MeOut(
            payer=PayerOut(wechat=payer.openid is not None),
            unread=await notifications.unread(session, payer_id=payer.id, openid=payer.openid),
            form=FormOut(planet_nickname=form[0], planet_number=form[1], wechat_nickname=form[2]) if form else None,
            memberships=[
                _membership(row, [refund for refund in refunds if refund.payment_id == row.member.payment_id])
                for row in rows
            ],
            orders=[_order(payment, camp) for payment, camp in orders],
        )
    )


def _membership(row: MemberRow, refunds: Sequence[Refund]) -> MembershipOut:
    member, assessment = row.member, service.assessment(row.member)
    correctable = correction(member, row.camp, [refund.status for refund in refunds], now=clock.now())
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
        correct_until=correctable.until,
        refund=newest_refund(refunds),
    )


def _order(payment: Payment, camp: Camp) -> MyOrderOut:
    return MyOrderOut(
        payment_id=payment.id,
        camp=MyCampOut.model_validate(camp),
        channel=payment.channel,
        status=payment.status,
        amount_fen=payment.amount_fen,
        expires_at=payment.expires_at,
        seconds_left=seconds_left(payment),
    )
