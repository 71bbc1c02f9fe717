"""The steps of sending refunds, each inside one transaction. The call to the provider lies between two of them.

Approved → *claim* (intent, ledger, commit) → call → *record*. A process that dies in between leaves a row in
``sending``; it is due again after the first wait, and then the provider is asked before anything is sent.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import PROVIDER, SYSTEM
from backend.core.config import RefundSettings
from backend.core.ids import new_id
from backend.gateways.errors import GatewayError, Rejected
from backend.gateways.wechat_pay import RefundFact, RefundRequest
from backend.models.history import move
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundHold, RefundKind, RefundStatus
from backend.money.ledger import service as ledger
from backend.money.refunds import messages, repository, rules, service

_PAYER_TEXTS = {
    RefundKind.CAMP: "押金退款",
    RefundKind.DUPLICATE: "重复支付退款",
    RefundKind.EXCEPTION: "押金退款",
}


@dataclass(frozen=True, slots=True)
class Sending:
    """A claimed refund: what to ask of which merchant, and which try this is.

    ``ask_first``: an earlier try may have worked.
    """

    refund_id: uuid.UUID
    sequence: int
    attempt: int
    ask_first: bool
    mch_id: str
    request: RefundRequest


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try; ``submitted_at`` when the refund itself was asked for, not only about."""

    result: RefundFact | GatewayError
    submitted_at: dt.datetime | None


async def claim(session: AsyncSession, *, limit: int, settings: RefundSettings, notify_url: str) -> list[Sending]:
    """Take the refunds due now, at most ``limit``; none while a hold is open."""
    if await repository.open_hold(session) is not None:
        return []
    now = clock.now()
    claimed = []
    due = await repository.lock_due(session, now=now, approved_before=now - _undo(settings), limit=limit)
    for refund, payment in due:
        if refund.status is RefundStatus.APPROVED:
            move(session, refund, RefundStatus.SENDING, event="send", actor=SYSTEM)
            refund.sendings += 1
            refund.attempts = 0
            refund.sent_at = refund.sent_at or now
            ledger.sent(session, payment, refund)
        refund.attempts += 1
        refund.next_attempt_at = now + rules.wait_before_next(settings.retry_waits_seconds, refund.attempts)
        claimed.append(_sending(refund, payment, notify_url))
    return claimed


async def next_due(session: AsyncSession, settings: RefundSettings) -> dt.datetime | None:
    """When the next approval may leave that can still be undone; None when there is none."""
    reviewed_at = await repository.next_approved(session, approved_after=clock.now() - _undo(settings))
    return reviewed_at + _undo(settings) if reviewed_at is not None else None


def _undo(settings: RefundSettings) -> dt.timedelta:
    return dt.timedelta(seconds=settings.undo_seconds)


def _sending(refund: Refund, payment: Payment, notify_url: str) -> Sending:
    """The same values at every try: WeChat Pay takes a number again only with the same parameters."""
    request = RefundRequest(
        out_refund_no=refund.out_refund_no,
        transaction_id=payment.transaction_id or "",
        amount_fen=refund.amount_fen,
        total_fen=payment.amount_fen,
        notify_url=notify_url,
        # Never the staff's own reason: the payer reads this one.
        reason=f"{_PAYER_TEXTS[refund.kind]} {payment.description}",
    )
    ask_first = refund.sendings > 1 or refund.attempts > 1
    return Sending(refund.id, refund.sendings, refund.attempts, ask_first, payment.mch_id, request)


async def record(session: AsyncSession, sending: Sending, outcome: Outcome, *, settings: RefundSettings) -> None:
    """Write down what came of a try, unless somebody knew more meanwhile."""
    found = await repository.locked(session, Refund.id == sending.refund_id)
    if found is None:
        return
    refund, payment = found
    if outcome.submitted_at is not None and refund.sendings == sending.sequence:
        refund.sent_at = outcome.submitted_at
    if isinstance(outcome.result, RefundFact):
        source: service.Source = "query" if outcome.submitted_at is None else "answer"
        await service.record_refund(session, outcome.result, source=source, actor=PROVIDER)
        return
    this_try = (RefundStatus.SENDING, sending.sequence, sending.attempt)
    if (refund.status, refund.sendings, refund.attempts) == this_try:
        await _record_failure(session, refund, payment, outcome.result, settings)


async def _record_failure(
    session: AsyncSession, refund: Refund, payment: Payment, error: GatewayError, settings: RefundSettings
) -> None:
    if not isinstance(error, Rejected):
        if refund.attempts >= settings.auto_attempts:
            await _fail(session, refund, payment, code=error.code, message=error.message)
        return  # otherwise it stays in sending, and is due at the instant the claim set
    cause = rules.HOLD_CAUSES.get(error.code)
    if cause is None:
        await _fail(session, refund, payment, code=error.code, message=error.message)
    elif await repository.open_hold(session) is not None:
        # Was under way when another row met the same wall: this try never counted.
        refund.attempts -= 1
        refund.next_attempt_at = clock.now()
    else:
        await _fail(session, refund, payment, code=cause, message=error.message)
        hold = RefundHold(id=new_id(), cause=cause, refund_id=refund.id)
        session.add(hold)
        await messages.sending_held(session, hold, refund)


async def _fail(session: AsyncSession, refund: Refund, payment: Payment, *, code: str, message: str) -> None:
    await service.fail(session, refund, payment, code=code, message=message, event="answer", actor=PROVIDER)


async def claim_queries(session: AsyncSession, *, limit: int, settings: RefundSettings) -> list[tuple[str, str]]:
    """Numbers of accepted refunds to ask about now, each with its merchant.

    The next time is set, and what takes too long is told once.
    """
    now = clock.now()
    found = await repository.lock_to_query(session, now=now, limit=limit)
    for refund, _ in found:
        sent_at = refund.sent_at or refund.created_at
        refund.next_attempt_at = rules.next_query_at(sent_at, now)
        if now - sent_at > dt.timedelta(hours=settings.stuck_hours):
            await messages.refund_stuck(session, refund, hours=settings.stuck_hours)
    return [(refund.out_refund_no, mch_id) for refund, mch_id in found]
