"""Steps of sending refunds, each in one transaction. The provider call runs between two of them.

Approved → *claim* (intent, ledger, commit) → call → *record*. After a crash in between, the row stays in ``sending``
and is due again after the first wait. The retry queries the provider before it sends anything.
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
    """A claimed refund with its request, merchant, and attempt number (from 1).

    ``ask_first``: query the provider first, because an earlier attempt may have worked.
    """

    refund_id: uuid.UUID
    sequence: int
    attempt: int
    ask_first: bool
    mch_id: str
    request: RefundRequest


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt. ``submitted_at`` is None if no refund request was sent, only a query or nothing."""

    result: RefundFact | GatewayError
    submitted_at: dt.datetime | None


async def claim(session: AsyncSession, *, limit: int, settings: RefundSettings, notify_url: str) -> list[Sending]:
    """Claim due refunds for sending, at most ``limit``. Claims none while a hold is open."""
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
    """When the next approved refund can be sent, after its undo period. None if there is none."""
    reviewed_at = await repository.next_approved(session, approved_after=clock.now() - _undo(settings))
    return reviewed_at + _undo(settings) if reviewed_at is not None else None


def _undo(settings: RefundSettings) -> dt.timedelta:
    return dt.timedelta(seconds=settings.undo_seconds)


def _sending(refund: Refund, payment: Payment, notify_url: str) -> Sending:
    """Identical values at every attempt: WeChat Pay accepts a number again only with the same parameters."""
    request = RefundRequest(
        out_refund_no=refund.out_refund_no,
        transaction_id=payment.transaction_id or "",
        amount_fen=refund.amount_fen,
        total_fen=payment.amount_fen,
        notify_url=notify_url,
        # The payer reads this, so never use the staff's own reason.
        reason=f"{_PAYER_TEXTS[refund.kind]} {payment.description}",
    )
    ask_first = refund.sendings > 1 or refund.attempts > 1
    return Sending(refund.id, refund.sendings, refund.attempts, ask_first, payment.mch_id, request)


async def record(session: AsyncSession, sending: Sending, outcome: Outcome, *, settings: RefundSettings) -> None:
    """Store the result of an attempt. Ignores a failure if the refund moved on since the claim."""
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
        return  # otherwise it stays in sending, due at the time that the claim set
    cause = rules.HOLD_CAUSES.get(error.code)
    if cause is None:
        await _fail(session, refund, payment, code=error.code, message=error.message)
    elif await repository.open_hold(session) is not None:
        # Another refund opened a hold during this call. Don't count this attempt against the limit.
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
    """Claim accepted refunds that are due for a query, as (refund number, merchant).

    Sets the time of each one's next query. Alerts staff once about a refund older than ``stuck_hours``.
    """
    now = clock.now()
    found = await repository.lock_to_query(session, now=now, limit=limit)
    for refund, _ in found:
        sent_at = refund.sent_at or refund.created_at
        refund.next_attempt_at = rules.next_query_at(sent_at, now)
        if now - sent_at > dt.timedelta(hours=settings.stuck_hours):
            await messages.refund_stuck(session, refund, hours=settings.stuck_hours)
    return [(refund.out_refund_no, mch_id) for refund, mch_id in found]
