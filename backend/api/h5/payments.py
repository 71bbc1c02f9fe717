"""Orders of members: place, watch, pay, and see the group's QR code."""

import datetime as dt
import uuid
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.answers import Answer, Id, Instant, Model, answer
from backend.api.deps import CurrentPayer, RuntimeDep, SessionDep
from backend.api.guard import Sensitive
from backend.api.h5.shown import MyRefundOut, newest_refund, seconds_left
from backend.community.camps.service import get_camp
from backend.community.enrollments.rules import read_form
from backend.community.members import repository as members
from backend.core import clock
from backend.models.payments import Channel, Excess, Payment, PaymentStatus
from backend.money.payments import flows, service
from backend.office.uploads import repository as uploads
from backend.office.uploads.service import signed_url

router = APIRouter(prefix="/payments", tags=["报名支付"])

# A WeChat group's QR code expires after seven days.
QR_LIFE = dt.timedelta(days=7)
# Looser than the form rules, so that those report a too long text in words for members.
Typed = Annotated[str, Field(max_length=200)]


class OrderIn(Model):
    camp_id: Id
    channel: Channel
    planet_nickname: Typed
    planet_number: Typed
    wechat_nickname: Typed


class OrderOut(Model):
    payment_id: Id
    out_trade_no: str
    status: PaymentStatus
    amount_fen: int
    expires_at: Instant


class PaymentOut(OrderOut):
    """``member_id`` is the person's place in the camp; ``excess`` says why a paid order has none of its own, and then
    ``refund`` is where its way back stands. ``seconds_left`` to pay is by the server's clock."""

    seconds_left: int
    camp_id: Id
    camp_name: str
    channel: Channel
    paid_at: Instant | None
    member_id: Id | None
    excess: Excess | None
    refund: MyRefundOut | None


class JsapiParams(Model):
    """For ``WeixinJSBridge.invoke('getBrandWCPayRequest', …)``, in WeChat's own spelling."""

    appId: str
    timeStamp: str
    nonceStr: str
    package: str
    signType: str
    paySign: str


class H5Params(Model):
    h5_url: str


class NativeParams(Model):
    code_url: str


class QrCodeOut(Model):
    """``group_qr_url`` lives ten minutes; it is null while there is no picture, or only one that has died
    (``qr_stale``): then ``contact`` is whom to ask, if anybody is named. ``amount_fen`` is the deposit paid."""

    group_qr_url: str | None
    qr_stale: bool
    contact: str | None
    member_id: Id
    camp_name: str
    amount_fen: int
    joined: bool


def _order(payment: Payment) -> dict[str, object]:
    return {
        "payment_id": payment.id,
        "out_trade_no": payment.out_trade_no,
        "status": payment.status,
        "amount_fen": payment.amount_fen,
        "expires_at": payment.expires_at,
    }


@router.post("", dependencies=[Sensitive])
async def place_order(body: OrderIn, payer: CurrentPayer, runtime: RuntimeDep) -> Answer[OrderOut]:
    """Order a place. Asked again while unpaid it is the same order; another channel replaces it."""
    form = read_form(
        planet_nickname=body.planet_nickname, planet_number=body.planet_number, wechat_nickname=body.wechat_nickname
    )
    wish = service.NewOrder(camp_id=body.camp_id, channel=body.channel, form=form)
    payment = await flows.place_order(runtime, payer, wish)
    return answer(OrderOut.model_validate(_order(payment)))


@router.get("/{payment_id}")
async def get_payment(payment_id: Id, payer: CurrentPayer, session: SessionDep) -> Answer[PaymentOut]:
    return answer(await _payment_out(session, payer, payment_id))


@router.post("/{payment_id}/check", dependencies=[Sensitive])
async def check_payment(payment_id: Id, payer: CurrentPayer, runtime: RuntimeDep) -> Answer[PaymentOut]:
    """Ask WeChat Pay whether the order is paid, when its notification keeps the member waiting."""
    await flows.look_up(runtime, payer, payment_id)
    async with runtime.db.transaction() as session:
        return answer(await _payment_out(session, payer, payment_id))


async def _payment_out(session: AsyncSession, payer: CurrentPayer, payment_id: uuid.UUID) -> PaymentOut:
    payment = await service.get_owned(session, payer, payment_id)
    member = await service.place_of(session, payment)
    camp = await get_camp(session, payment.camp_id)
    refunds = await members.refunds(session, [payment.id]) if payment.excess else []
    more = {
        "seconds_left": seconds_left(payment),
        "camp_id": camp.id,
        "camp_name": camp.name,
        "channel": payment.channel,
        "paid_at": payment.paid_at,
        "member_id": member.id if member else None,
        "excess": payment.excess,
        "refund": newest_refund(refunds, member),
    }
    return PaymentOut.model_validate(_order(payment) | more)


@router.get("/{payment_id}/params")
async def get_params(
    payment_id: Id, payer: CurrentPayer, runtime: RuntimeDep
) -> Answer[JsapiParams | H5Params | NativeParams]:
    """What the page needs to start paying, by the order's channel."""
    payment, prepay = await flows.prepay(runtime, payer, payment_id)
    match payment.channel:
        case Channel.JSAPI:
            return answer(JsapiParams.model_validate(runtime.wechat_pay.bridge_params(prepay)))
        case Channel.H5:
            return answer(H5Params(h5_url=prepay))
        case Channel.NATIVE:
            return answer(NativeParams(code_url=prepay))


@router.get("/{payment_id}/qrcode")
async def get_qrcode(
    payment_id: Id, payer: CurrentPayer, runtime: RuntimeDep, session: SessionDep
) -> Answer[QrCodeOut]:
    """The group's QR code, for those who paid and have a place."""
    payment = await service.get_owned(session, payer, payment_id)
    member = await service.check_place(session, payment)
    camp = await get_camp(session, payment.camp_id)
    picture = await uploads.by_key(session, camp.group_qr_key) if camp.group_qr_key else None
    stale = picture is not None and picture.created_at + QR_LIFE <= clock.now()
    url = await signed_url(runtime, picture.key) if picture is not None and not stale else None
    return answer(
        QrCodeOut(
            group_qr_url=url,
            qr_stale=stale,
            contact=runtime.settings.support_contact or None,
            member_id=member.id,
            camp_name=camp.name,
            amount_fen=member.paid_fen,
            joined=member.joined,
        )
    )
