"""Open extra refunds, and apply refund states that the provider reports."""

import uuid
from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock, metrics
from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.core.ids import new_id, new_number
from backend.gateways.wechat_pay import RefundFact
from backend.models.history import move
from backend.models.payments import Payment, PaymentStatus
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.money.cases import service as cases
from backend.money.ledger import service as ledger
from backend.money.refunds import messages, repository, rules
from backend.office.audit import service as audit

Source = Literal["answer", "callback", "query", "bill"]


class PaymentNotRefundable(Conflict):
    code, message = "payment_not_refundable", "该订单尚未支付，不能退款"


class RefundInFlight(Conflict):
    code, message = "refund_in_flight", "该笔支付已有待审核或处理中的退款"


class RefundExceedsPaid(Conflict):
    code, message = "refund_exceeds_paid", "退款金额超过可退金额"


class DepositKept(Conflict):
    code, message = "deposit_kept", "训练营已归档，该笔押金已结转，不能再退款"


async def open_extra(
    session: AsyncSession,
    *,
    payment: Payment,
    kind: RefundKind,
    amount_fen: int,
    reason: str,
    actor: Actor,
    member_id: uuid.UUID | None = None,
) -> Refund:
    """Create a refund in review outside the list: for a double payment, or a payment we can't honour.

    The payment stays locked until the end of the transaction. Raises PaymentNotRefundable, DepositKept,
    RefundInFlight, RefundExceedsPaid.
    """
    await session.flush()
    await repository.lock_payment(session, payment)
    await check_refundable(session, payment, amount_fen)
    refund = Refund(
        id=new_id(),
        camp_id=payment.camp_id,
        member_id=member_id,
        payment_id=payment.id,
        kind=kind,
        amount_fen=amount_fen,
        out_refund_no=new_number("R"),
        reason=reason,
        created_by=actor.id if actor.kind == "staff" else None,
    )
    session.add(refund)
    await session.flush()
    record(session, actor, "refund.extra", refund, after={"kind": kind, "amount_fen": amount_fen}, note=reason)
    return refund


async def check_refundable(session: AsyncSession, payment: Payment, amount_fen: int) -> None:
    """Check that ``amount_fen`` more may be refunded of a locked payment. The database checks the sum again.

    Raises PaymentNotRefundable, DepositKept, RefundInFlight, RefundExceedsPaid.
    """
    if payment.status is not PaymentStatus.PAID:
        raise PaymentNotRefundable
    if await repository.is_kept(session, payment.id):
        raise DepositKept
    if await repository.has_in_flight(session, payment.id):
        raise RefundInFlight
    taken = await repository.reserved_fen(session, payment.id) + await repository.fee_fen(session, payment.id)
    if amount_fen > payment.amount_fen - taken:
        raise RefundExceedsPaid


def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    refund: Refund,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    note: str | None = None,
) -> None:
    """Write one audit log row about a refund."""
    audit.record(
        session,
        actor,
        action,
        target_type="refund",
        target_id=refund.id,
        target_name=refund.out_refund_no,
        camp_id=refund.camp_id,
        before=before,
        after=after,
        note=note,
    )


async def record_refund(session: AsyncSession, fact: RefundFact, *, source: Source, actor: Actor) -> Refund | None:
    """Apply a provider-reported refund state, from any source: answer, callback, query or bill.

    Only this function applies a final state of the provider. A report that doesn't match our row changes nothing and
    opens a case. A known state changes nothing. A state never goes backwards. Returns the refund; None for a number
    that isn't ours.
    """
    found = await repository.locked(session, Refund.out_refund_no == fact.out_refund_no)
    if found is None:
        await _unfit(session, fact, "unknown_refund", f"微信支付有一笔我方没有的退款 {fact.out_refund_no}", source)
        return None
    refund, payment = found
    differences = _differences(refund, payment, fact)
    if differences:
        summary = f"退款 {refund.out_refund_no} 与微信支付的记录不一致（{'、'.join(differences)}）"
        await _unfit(session, fact, "refund_mismatch", summary, source, refund)
    elif refund.sendings == 0:
        summary = f"退款 {refund.out_refund_no} 尚未发出，微信支付却已有记录"
        await _unfit(session, fact, "refund_not_sent", summary, source, refund)
    else:
        await _take_in(session, refund, payment, fact, source=source, actor=actor)
    return refund


def _differences(refund: Refund, payment: Payment, fact: RefundFact) -> list[str]:
    pairs = {
        "金额": (refund.amount_fen, fact.amount_fen),
        "订单金额": (payment.amount_fen, fact.total_fen),
        "微信订单号": (payment.transaction_id, fact.transaction_id),
        "商户订单号": (payment.out_trade_no, fact.out_trade_no),
        "微信退款单号": (refund.provider_refund_id or fact.refund_id, fact.refund_id),
        # Only notifications name the merchant; skip the check for other sources.
        "商户号": (payment.mch_id, fact.mch_id or payment.mch_id),
    }
    return [name for name, (ours, theirs) in pairs.items() if ours != theirs]


async def _unfit(
    session: AsyncSession, fact: RefundFact, kind: str, summary: str, source: str, refund: Refund | None = None
) -> None:
    await cases.open_case(
        session,
        kind,
        about=fact.out_refund_no,
        summary=summary,
        detail={
            "source": source,
            "status": fact.status,
            "out_refund_no": fact.out_refund_no,
            "refund_id": fact.refund_id,
            "out_trade_no": fact.out_trade_no,
            "transaction_id": fact.transaction_id,
            "amount_fen": fact.amount_fen,
            "total_fen": fact.total_fen,
            "mch_id": fact.mch_id,
        },
        camp_id=refund.camp_id if refund is not None else None,
        payment_id=refund.payment_id if refund is not None else None,
        refund_id=refund.id if refund is not None else None,
    )


_FINAL = (RefundStatus.SUCCEEDED, RefundStatus.CLOSED)


async def _take_in(
    session: AsyncSession, refund: Refund, payment: Payment, fact: RefundFact, *, source: str, actor: Actor
) -> None:
    """Apply a report that matches a refund we sent."""
    if refund.status in _FINAL:
        await _after_the_end(session, refund, fact, source)
        return
    # Already known to be abnormal, so this "processing" is older and came late.
    if fact.status == "PROCESSING" and refund.failure_code == "provider_abnormal":
        return
    refund.provider_refund_id = fact.refund_id
    if fact.status == "PROCESSING":
        if refund.status is not RefundStatus.PROCESSING:
            _put_in_transit(session, refund, payment, actor)
            _end_attempt(refund)
            _move(session, refund, RefundStatus.PROCESSING, source, actor)
            refund.next_attempt_at = rules.next_query_at(refund.sent_at or clock.now(), clock.now())
    elif fact.status == "SUCCESS":
        _put_in_transit(session, refund, payment, actor)
        _end_attempt(refund)
        refund.succeeded_at = fact.success_time or clock.now()
        _move(session, refund, RefundStatus.SUCCEEDED, source, actor)
        ledger.confirmed(session, payment, refund)
        await messages.refund_succeeded(session, refund, payment)
    elif fact.status == "CLOSED":
        await _close(session, refund, payment, source, actor)
        summary = f"退款 {refund.out_refund_no} 被微信支付关闭，款项未退出，需要重新发起"
        await _unfit(session, fact, "refund_closed", summary, source, refund)
    elif refund.failure_code != "provider_abnormal":
        await fail(session, refund, payment, code="provider_abnormal", message="", event=source, actor=actor)


async def _after_the_end(session: AsyncSession, refund: Refund, fact: RefundFact, source: str) -> None:
    """Ignore repeated and late reports about a finished refund. A contradiction opens a case."""
    if refund.settled_offline and fact.status == "SUCCESS":
        summary = f"退款 {refund.out_refund_no} 已线下处理，微信支付又退款成功，会员可能收到两笔"
        await _unfit(session, fact, "refund_paid_twice", summary, source, refund)
    elif not refund.settled_offline and (refund.status, fact.status) in (
        (RefundStatus.SUCCEEDED, "CLOSED"),
        (RefundStatus.CLOSED, "SUCCESS"),
    ):
        summary = f"退款 {refund.out_refund_no} 的最终状态与微信支付矛盾"
        await _unfit(session, fact, "refund_contradiction", summary, source, refund)


def _put_in_transit(session: AsyncSession, refund: Refund, payment: Payment, actor: Actor) -> None:
    """If we failed the refund or queued a retry, book it as sent again: the provider still processes it."""
    if refund.status is RefundStatus.APPROVED:
        move(session, refund, RefundStatus.SENDING, event="send", actor=actor)
    elif refund.status is not RefundStatus.FAILED:
        return
    refund.sendings += 1
    ledger.sent(session, payment, refund)


def _end_attempt(refund: Refund) -> None:
    refund.next_attempt_at = None
    refund.failure_code = refund.failure_message = None


def _move(session: AsyncSession, refund: Refund, to: RefundStatus, event: str, actor: Actor) -> None:
    move(session, refund, to, event=event, actor=actor)
    metrics.refunds.labels(to.value).inc()


async def _close(session: AsyncSession, refund: Refund, payment: Payment, source: str, actor: Actor) -> None:
    """The provider closed it permanently: nothing was paid out, and a retry needs a new number."""
    if refund.status is not RefundStatus.FAILED:
        _put_in_transit(session, refund, payment, actor)
        ledger.reversed_(session, payment, refund)
    refund.next_attempt_at = None
    refund.failure_code, refund.failure_message = "provider_closed", rules.failure_text("provider_closed", "")
    _move(session, refund, RefundStatus.CLOSED, source, actor)
    await messages.refund_failed(session, refund, payment)


async def fail(
    session: AsyncSession, refund: Refund, payment: Payment, *, code: str, message: str, event: str, actor: Actor
) -> None:
    """Fail a locked refund until a person acts. A late report of the provider still applies."""
    refund.failure_code, refund.failure_message = code, rules.failure_text(code, message)
    refund.next_attempt_at = None
    if refund.status is not RefundStatus.FAILED:
        _put_in_transit(session, refund, payment, actor)
        ledger.reversed_(session, payment, refund)
        move(session, refund, RefundStatus.FAILED, event=event, actor=actor, note=code)
        metrics.refunds.labels(RefundStatus.FAILED.value).inc()
    await messages.refund_failed(session, refund, payment)
