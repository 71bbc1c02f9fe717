"""Manual actions on failed refunds: retry, settle by other means, resume sending after a hold."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock, metrics
from backend.core.actor import Actor
from backend.core.config import RefundSettings
from backend.core.errors import Conflict, NotFound
from backend.core.ids import new_id, new_number
from backend.core.queue import enqueue
from backend.models.history import move
from backend.models.refunds import Refund, RefundStatus
from backend.money.ledger import service as ledger
from backend.money.refunds import messages, repository, service
from backend.office.audit import service as audit


class RefundNotFailed(Conflict):
    code, message = "refund_not_failed", "只有失败的退款可以这样处理，请刷新后再看"


class RetryExhausted(Conflict):
    code, message = "retry_exhausted", "重试次数已用完，请线下处理后标记已处理"


async def retry(session: AsyncSession, refund_id: uuid.UUID, *, actor: Actor, settings: RefundSettings) -> Refund:
    """Send a failed refund again under the same number, or replace a closed one with a new one in review.

    Raises NotFound, RefundNotFailed, RetryExhausted; for a closed one also what ``check_refundable`` raises.
    """
    found = await repository.locked(session, Refund.id == refund_id)
    if found is None:
        raise NotFound
    refund, payment = found
    if refund.status is RefundStatus.CLOSED:
        await service.check_refundable(session, payment, refund.amount_fen)
        return await _replace(session, refund, actor)
    if refund.status is not RefundStatus.FAILED:
        raise RefundNotFailed
    if refund.manual_retries >= settings.manual_attempts:
        raise RetryExhausted
    before = {"status": refund.status, "failure_code": refund.failure_code}
    refund.manual_retries += 1
    refund.attempts = 0
    refund.failure_code = refund.failure_message = None
    move(session, refund, RefundStatus.APPROVED, event="retry", actor=actor)
    after = {"status": refund.status, "manual_retries": refund.manual_retries}
    service.record(session, actor, "refund.retry", refund, before=before, after=after)
    enqueue(session, "refunds.send")
    return refund


async def _replace(session: AsyncSession, closed: Refund, actor: Actor) -> Refund:
    """The provider never pays out a closed number, so the refund needs a new number and a new approval."""
    refund = Refund(
        id=new_id(),
        camp_id=closed.camp_id,
        member_id=closed.member_id,
        payment_id=closed.payment_id,
        kind=closed.kind,
        amount_fen=closed.amount_fen,
        out_refund_no=new_number("R"),
        reason=closed.reason,
        listed_verdict=closed.verdict,
        created_by=actor.id,
        replaces_id=closed.id,
    )
    session.add(refund)
    await session.flush()
    after = {"replaces": closed.out_refund_no, "amount_fen": refund.amount_fen}
    service.record(session, actor, "refund.retry", refund, after=after)
    return refund


def require_failed(refund: Refund) -> None:
    """Raises RefundNotFailed."""
    if refund.status is not RefundStatus.FAILED:
        raise RefundNotFailed


async def settle_offline(session: AsyncSession, refund_id: uuid.UUID, *, note: str, actor: Actor) -> Refund:
    """标记已处理: the operator paid the member by other means. Query the provider first (see ``flows``).

    Raises NotFound, RefundNotFailed.
    """
    found = await repository.locked(session, Refund.id == refund_id)
    if found is None:
        raise NotFound
    refund, payment = found
    require_failed(refund)
    before = {"status": refund.status, "failure_code": refund.failure_code}
    # Flush these together with the status, or the check constraint fails.
    refund.settled_offline, refund.offline_note, refund.succeeded_at = True, note, clock.now()
    move(session, refund, RefundStatus.SUCCEEDED, event="settle_offline", actor=actor, note=note)
    metrics.refunds.labels("settled_offline").inc()
    ledger.settled_offline(session, payment, refund)
    after = {"status": refund.status, "amount_fen": refund.amount_fen}
    service.record(session, actor, "refund.mark_offline", refund, before=before, after=after, note=note)
    await messages.refund_succeeded(session, refund, payment)
    return refund


async def resume(session: AsyncSession, *, actor: Actor) -> bool:
    """Resume sending after a hold. Returns whether one was open."""
    hold = await repository.open_hold(session, lock=True)
    if hold is not None:
        hold.ended_at, hold.ended_by = clock.now(), actor.id
        audit.record(
            session, actor, "refund.resume", target_type="refund_hold", target_id=hold.id, before={"cause": hold.cause}
        )
    enqueue(session, "refunds.send")
    return hold is not None
