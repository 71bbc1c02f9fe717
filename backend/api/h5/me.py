"""我的: the person's memberships, orders that wait to be paid, and how many messages are new."""

from fastapi import APIRouter

from backend.api.answers import Answer, Id, Instant, Model, answer
from backend.api.deps import CurrentPayer, SessionDep
from backend.api.h5.shown import MembershipOut, MyCampOut, membership, seconds_left
from backend.community.members import repository
from backend.core import clock
from backend.models.camps import Camp
from backend.models.payments import Channel, Payment, PaymentStatus
from backend.office.notifications import repository as notifications

router = APIRouter(tags=["我的"])


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
                membership(row, [refund for refund in refunds if refund.payment_id == row.member.payment_id])
                for row in rows
            ],
            orders=[_order(payment, camp) for payment, camp in orders],
        )
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
