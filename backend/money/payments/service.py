"""Place and close orders, and record payments. Every payment goes through :func:`record_payment`."""

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import repository as camps
from backend.community.camps.service import lock_camp
from backend.community.enrollments import repository as places
from backend.community.enrollments import service as enrollments
from backend.community.enrollments.rules import EnrollmentForm
from backend.core import clock
from backend.core.actor import Actor
from backend.core.config import Settings
from backend.core.errors import Conflict, Invalid, NotFound
from backend.core.ids import new_id, new_number
from backend.core.money import format_yuan
from backend.gateways.wechat_pay import PaymentFact
from backend.models.camps import Camp, CampStatus
from backend.models.history import move
from backend.models.members import Member
from backend.models.payers import Payer
from backend.models.payments import Channel, Excess, Payment, PaymentStatus
from backend.models.refunds import RefundKind
from backend.money.cases import service as cases
from backend.money.ledger import service as ledger
from backend.money.payments import fees, repository, rules
from backend.money.refunds import service as refunds
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.service import To
from backend.office.payers.service import CurrentPayer

log = structlog.get_logger(__name__)

Source = Literal["callback", "query", "bill"]


class WeChatLoginRequired(Conflict):
    code, message = "wechat_login_required", "请在微信中登录后再支付"


class PaymentNotPending(Conflict):
    """Paid, closed, or expired."""

    code, message = "payment_not_pending", "订单已支付或已失效，请刷新查看"


class PaymentNotPaid(Conflict):
    code, message = "payment_not_paid", "订单尚未支付"


class PaymentWithoutPlace(Conflict):
    """Paid, but too late for a place. The refund waits for review."""

    code, message = "payment_without_place", "该笔支付未能占到名额，退款审核后将原路退回"


@dataclass(frozen=True, slots=True)
class NewOrder:
    camp_id: uuid.UUID
    channel: Channel
    form: EnrollmentForm


@dataclass(frozen=True, slots=True)
class Placed:
    """The person's open order.

    ``must_be_closed_first``: it has another channel, or is expired. Settle it with the provider before placing a new
    one.
    """

    payment: Payment
    must_be_closed_first: bool


async def place(
    session: AsyncSession, payer: CurrentPayer, new: NewOrder, *, settings: Settings, closed_id: uuid.UUID | None = None
) -> Placed:
    """Find or create the person's order.

    ``closed_id`` is a conflicting order that the provider has closed. Its seat goes directly to the new order.

    Raises CampNotFound, AlreadyEnrolled, EnrollNotOpen, EnrollClosed, CampFull, WeChatLoginRequired, Invalid.
    """
    camp = enrollments.check_visible(await camps.by_id(session, new.camp_id, lock=True))
    if closed_id is not None:
        await close(session, closed_id, actor=payer.actor)
    member = await places.membership(session, camp.id, payer_id=payer.id, openid=payer.openid)
    if member is not None:
        raise enrollments.AlreadyEnrolled(member)
    _check_channel(payer, new.channel)
    open_order = await repository.pending_of(session, camp.id, payer.id)
    if open_order is None:
        await enrollments.check_place(session, camp)
        return Placed(await _new_order(session, camp, payer, new, settings), must_be_closed_first=False)
    if open_order.channel is new.channel and open_order.expires_at > clock.now():
        _fill_in(open_order, new.form)
        return Placed(open_order, must_be_closed_first=False)
    # Check before the old order is closed: otherwise the person loses it and can't get a new one.
    enrollments.check_window(camp)
    return Placed(open_order, must_be_closed_first=True)


def _check_channel(payer: CurrentPayer, channel: Channel) -> None:
    if channel is Channel.JSAPI and payer.openid is None:
        raise WeChatLoginRequired
    if channel is Channel.H5 and payer.actor.ip is None:
        raise Invalid({"channel": "无法识别您的网络地址，请换一种支付方式"})


async def _new_order(
    session: AsyncSession, camp: Camp, payer: CurrentPayer, new: NewOrder, settings: Settings
) -> Payment:
    lifetime = dt.timedelta(minutes=settings.payment.order_minutes)
    payment = Payment(
        id=new_id(),
        camp_id=camp.id,
        payer_id=payer.id,
        channel=new.channel,
        mch_id=settings.wechat_pay.mch_id,
        app_id=settings.wechat_pay.app_id,
        out_trade_no=new_number("P"),
        amount_fen=camp.deposit_fen,
        description=rules.description_for(camp.name),
        payer_ip=payer.actor.ip,
        # Whole seconds, to match the expiry that the provider gets.
        expires_at=(clock.now() + lifetime).replace(microsecond=0),
    )
    _fill_in(payment, new.form)
    session.add(payment)
    await session.flush()
    return payment


def _fill_in(payment: Payment, form: EnrollmentForm) -> None:
    payment.planet_nickname = form.planet_nickname
    payment.planet_number = form.planet_number
    payment.wechat_nickname = form.wechat_nickname


async def close(session: AsyncSession, payment_id: uuid.UUID, *, actor: Actor) -> None:
    """Close an open order, which frees its seat. Call only after the provider says that it can't be paid any more."""
    payment = await repository.lock(session, payment_id)
    if payment.status is PaymentStatus.PENDING:
        move(session, payment, PaymentStatus.CLOSED, event="provider_closed", actor=actor)
        payment.closed_at = clock.now()
        await session.flush()


async def get_owned(session: AsyncSession, payer: CurrentPayer, payment_id: uuid.UUID) -> Payment:
    """One of the person's own orders. Raises NotFound for other people's orders, too."""
    payment = await repository.owned(session, payment_id, payer_id=payer.id, openid=payer.openid)
    if payment is None:
        raise NotFound("订单不存在")
    return payment


def check_payable(payment: Payment) -> None:
    """Raises PaymentNotPending."""
    if payment.status is not PaymentStatus.PENDING or payment.expires_at <= clock.now():
        raise PaymentNotPending


async def place_of(session: AsyncSession, payment: Payment) -> Member | None:
    """The payer's place in the order's camp, also if an earlier order got it. None if unpaid or without a place."""
    if payment.status is not PaymentStatus.PAID:
        return None
    payer = await session.get_one(Payer, payment.payer_id)
    openid = enrollments.person_openid(payer, payment)
    return await places.membership(session, payment.camp_id, payer_id=payer.id, openid=openid)


async def check_place(session: AsyncSession, payment: Payment) -> Member:
    """The payer's place; only with one they may see the group's QR code. Raises PaymentNotPaid, PaymentWithoutPlace."""
    if payment.status is not PaymentStatus.PAID:
        raise PaymentNotPaid
    member = await place_of(session, payment)
    if member is None:
        raise PaymentWithoutPlace
    return member


class Outcome(StrEnum):
    """What :func:`record_payment` did.

    CREDITED: booked, with a place. EXCESS: booked without a place; an extra refund waits for review. REPEATED: already
    recorded. HELD: not booked; a case is open.
    """

    CREDITED = "credited"
    EXCESS = "excess"
    REPEATED = "repeated"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Recorded:
    """``payment`` is None when the order is unknown."""

    outcome: Outcome
    payment: Payment | None


async def record_payment(session: AsyncSession, fact: PaymentFact, *, source: Source, actor: Actor) -> Recorded:
    """Record a payment from a notification, query or bill. Idempotent.

    A payment that doesn't match its order, or has none, isn't booked and opens a case. A payment that can't get a
    place is booked and becomes an extra refund in review.
    """
    payment = await repository.by_number(session, fact.out_trade_no)
    if payment is None:
        return await _hold(session, fact, source, "payment_unknown_order", "找不到对应的订单")
    wrong = rules.mismatches(payment, fact)
    if wrong:
        text = "、".join(rules.FIELD_TEXTS[name] for name in wrong) + "与订单不符"
        return await _hold(session, fact, source, "payment_misfit", text, payment)
    if payment.transaction_id == fact.transaction_id:
        # A recorded transaction id never changes, so the usual repeat needs no lock.
        return Recorded(Outcome.REPEATED, payment)
    camp = await lock_camp(session, payment.camp_id)
    payment = await repository.lock(session, payment.id)
    if payment.transaction_id == fact.transaction_id:
        return Recorded(Outcome.REPEATED, payment)
    if payment.status is PaymentStatus.PAID or await repository.has_transaction(session, fact.transaction_id):
        return await _hold(session, fact, source, "payment_transaction_clash", "微信支付单号与已入账的不一致", payment)
    on_time = payment.status is PaymentStatus.PENDING and fact.success_time <= payment.expires_at
    await _book(session, payment, fact, source=source, actor=actor)
    payer = await session.get_one(Payer, payment.payer_id)
    admitted = await enrollments.admit(session, camp, payer, payment, on_time=on_time)
    if isinstance(admitted, Excess):
        await _give_back(session, camp, payment, admitted, actor)
        return Recorded(Outcome.EXCESS, payment)
    if admitted.fee_fen and camp.status is not CampStatus.ENROLLING:
        # Paid in time, but recorded after the start. The other fees were booked at the start, so book this one now.
        await fees.earn(session, camp.id)
    return Recorded(Outcome.CREDITED, payment)


async def _book(session: AsyncSession, payment: Payment, fact: PaymentFact, *, source: Source, actor: Actor) -> None:
    move(session, payment, PaymentStatus.PAID, event=f"paid_by_{source}", actor=actor)
    payment.transaction_id = fact.transaction_id
    payment.openid = fact.openid
    payment.trade_type = fact.trade_type
    payment.paid_at = fact.success_time
    payment.recorded_at = clock.now()
    payment.source = source
    await session.flush()
    ledger.paid(session, payment)
    await session.flush()


async def _give_back(session: AsyncSession, camp: Camp, payment: Payment, excess: Excess, actor: Actor) -> None:
    """Open an extra refund, and notify staff and payer. It is never sent without a person's review."""
    payment.excess = excess
    await session.flush()
    why, amount = rules.EXCESS_TEXTS[excess], format_yuan(payment.amount_fen)
    await refunds.open_extra(
        session, payment=payment, kind=RefundKind.DUPLICATE, amount_fen=payment.amount_fen, reason=why, actor=actor
    )
    values = {"camp": camp.name, "amount": amount, "order": payment.out_trade_no, "reason": why}
    for to in (To.staff(camp.id), To.payer(payment)):
        await notifications.notify(session, scenes.PAYMENT_EXCESS, to, about=str(payment.id), values=values)


async def _hold(
    session: AsyncSession, fact: PaymentFact, source: Source, kind: str, why: str, payment: Payment | None = None
) -> Recorded:
    """Book nothing; open a case and alert staff. The case leaves out the payer's openid."""
    detail = {
        "out_trade_no": fact.out_trade_no,
        "transaction_id": fact.transaction_id,
        "mch_id": fact.mch_id,
        "app_id": fact.app_id,
        "amount_fen": fact.amount_fen,
        "currency": fact.currency,
        "success_time": clock.shanghai(fact.success_time).isoformat(),
        "source": source,
        "expected": None
        if payment is None
        else {
            "mch_id": payment.mch_id,
            "app_id": payment.app_id,
            "amount_fen": payment.amount_fen,
            "currency": "CNY",
            "transaction_id": payment.transaction_id,
        },
    }
    summary = f"收到一笔未入账的付款：{why}（订单 {fact.out_trade_no}，{format_yuan(fact.amount_fen)} 元）"
    is_new = await cases.open_case(
        session, kind, about=fact.transaction_id, summary=summary, detail=detail,
        camp_id=payment.camp_id if payment else None, payment_id=payment.id if payment else None,
    )  # fmt: skip
    if is_new:
        log.warning("payment.held", kind=kind, out_trade_no=fact.out_trade_no, source=source)
        values = {"kind": "异常付款", "count": 1, "time": clock.minute(clock.now()), "summary": summary}
        await notifications.notify(
            session, scenes.SECURITY_ALARM, To.staff(), about=f"{kind}:{fact.transaction_id}", values=values
        )
    return Recorded(Outcome.HELD, payment)
