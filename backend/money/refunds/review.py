"""Review: nothing is refunded without a person's recorded approval."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.core import clock
from backend.core.actor import Actor
from backend.core.config import RefundSettings
from backend.core.errors import Conflict, Forbidden, NotFound
from backend.core.queue import enqueue
from backend.models.camps import Camp, CampStatus
from backend.models.history import move
from backend.models.members import Verdict
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundStatus
from backend.models.staff import StaffRole
from backend.money.ledger import service as ledger
from backend.money.refunds import messages, repository, rules, service
from backend.money.refunds.evidence import UNTOLD, Held, NothingDue, Seen, StaleEvidence, thaw
from backend.office.staff.service import Viewer


class RefundAlreadyReviewed(Conflict):
    code, message = "refund_already_reviewed", "该退款已由其他人审核，请刷新后再看"


class NotRejected(Conflict):
    code, message = "refund_not_rejected", "只有已拒绝的退款可以重新审核"


class NotApproved(Conflict):
    code, message = "refund_not_approved", "只有已通过的退款可以撤销，请刷新后再看"


class AlreadySent(Conflict):
    code, message = "refund_already_sent", "退款已经发出，不能撤销"


class CampArchived(Conflict):
    code, message = "camp_archived", "训练营已归档"


class ExpectationMismatch(Conflict):
    """``data`` holds what the server would do: ``{count, sum_fen}``."""

    code, message = "expectation_mismatch", "笔数或金额与您确认时不一致，未做任何处理，请刷新后重新确认"


class PasswordRequired(Forbidden):
    code, message = "password_required", "金额较大，请输入登录密码确认"


class PasswordWrong(Forbidden):
    code, message = "password_wrong", "密码不正确"


def require_reviewer(viewer: Viewer, settings: RefundSettings) -> None:
    """Raises Forbidden for a coach unless ``coach_review`` is on."""
    if viewer.staff.role is StaffRole.COACH and not settings.coach_review:
        raise Forbidden("当前设置下教练不能审核退款")


async def approve(
    session: AsyncSession, refund_id: uuid.UUID, *, actor: Actor, note: str | None, seen: Seen = UNTOLD
) -> Refund:
    """Approve one refund at its current amount, even if its verdict needs confirmation.

    Raises NotFound, RefundAlreadyReviewed, StaleEvidence (the row isn't what the reviewer saw), NothingDue.
    """
    held = await _pending(session, refund_id, seen)
    if held.amount_fen <= 0:
        raise NothingDue
    _approve(session, held, actor, note)
    return held.refund


async def reject(
    session: AsyncSession, refund_id: uuid.UUID, *, actor: Actor, reason: str, seen: Seen = UNTOLD
) -> Refund:
    """Reject one refund. The member reads ``reason``. Raises NotFound, RefundAlreadyReviewed, StaleEvidence."""
    held = await _pending(session, refund_id, seen, untold_may_differ=True)
    _reject(session, held, actor, reason)
    await _after_rejection(session, held.refund)
    return held.refund


async def reopen(session: AsyncSession, refund_id: uuid.UUID, *, actor: Actor, reason: str) -> Refund:
    """Return a rejected refund to review, unless its camp is archived.

    Raises NotFound, NotRejected, CampArchived, RefundInFlight, RefundExceedsPaid.
    """
    refund = await session.get(Refund, refund_id)
    if refund is None:
        raise NotFound
    camp = await camps.lock_camp(session, refund.camp_id)
    payment = await repository.lock_payment_of(session, refund_id)
    refund = (await _held(session, refund_id)).refund
    if payment is None or refund.status is not RefundStatus.REJECTED:
        raise NotRejected
    if camp.status is CampStatus.ARCHIVED:
        raise CampArchived
    await service.check_refundable(session, payment, refund.amount_fen)
    move(session, refund, RefundStatus.PENDING_REVIEW, event="reopen", actor=actor, note=reason)
    before = {"status": RefundStatus.REJECTED, "reject_reason": refund.reject_reason}
    refund.reviewer_id = refund.reviewed_at = refund.reject_reason = None
    thaw(refund)
    service.record(session, actor, "refund.reopen", refund, before=before, after={"status": refund.status}, note=reason)
    return refund


async def undo(session: AsyncSession, refund_id: uuid.UUID, *, actor: Actor) -> Refund:
    """Return an approved refund to review if it was never sent. Raises NotFound, NotApproved, AlreadySent.

    The sender claims a row under the same locks before it calls the provider. Whichever comes second finds the row in
    another state and leaves it unchanged.
    """
    refund = (await _held(session, refund_id)).refund
    code = _undo_code(refund)
    if code == NotApproved.code:
        raise NotApproved
    if code == AlreadySent.code:
        raise AlreadySent
    _undo(session, refund, actor)
    return refund


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the person confirmed: count and sum of the batch, and what they saw of single rows.

    If count or sum differ, the server does nothing. None means that the request doesn't state it.
    """

    count: int | None = None
    sum_fen: int | None = None
    rows: Mapping[uuid.UUID, Seen] = field(default_factory=dict)

    def of(self, refund_id: uuid.UUID) -> Seen:
        return self.rows.get(refund_id, UNTOLD)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result for one row: ``ok``, or the error code why it was left unchanged."""

    id: uuid.UUID
    code: str

    @property
    def ok(self) -> bool:
        return self.code == "ok"


async def approve_batch(
    session: AsyncSession,
    viewer: Viewer,
    ids: Sequence[uuid.UUID],
    *,
    min_confidence: int,
    expected: Expectation,
    accept_import: bool = False,
    password_right: bool | None,
    settings: RefundSettings,
) -> list[BatchResult]:
    """Approve many refunds at their current amounts. Each row is checked separately.

    All rows are locked first, so that none changes between check and approval. ``password_right`` is None when no
    password was given. Raises ExpectationMismatch, PasswordRequired, PasswordWrong; then nothing is done.
    """
    rows = await repository.lock_for_review(session, ids)
    codes = {id_: _approval_code(rows.get(id_), viewer, expected, id_, min_confidence, accept_import) for id_ in ids}
    chosen = [rows[id_] for id_ in ids if codes[id_] == "ok"]
    _check_expected(chosen, expected)
    if sum(held.amount_fen for held in chosen) > settings.password_threshold_fen:
        if password_right is None:
            raise PasswordRequired
        if not password_right:
            raise PasswordWrong
    for held in chosen:
        _approve(session, held, viewer.actor, None)
    return [BatchResult(id_, code) for id_, code in codes.items()]


async def reject_batch(
    session: AsyncSession, viewer: Viewer, ids: Sequence[uuid.UUID], *, reason: str, expected: Expectation
) -> list[BatchResult]:
    """Reject many refunds with one reason, regardless of their verdict. Raises ExpectationMismatch."""
    rows = await repository.lock_for_review(session, ids)
    codes = {id_: _rejection_code(rows.get(id_), viewer, expected.of(id_)) for id_ in ids}
    chosen = [rows[id_] for id_ in ids if codes[id_] == "ok"]
    _check_expected(chosen, expected)
    for held in chosen:
        _reject(session, held, viewer.actor, reason)
    # Preload payments, camps and members, so that the lookups below hit the identity map instead of querying per row.
    # The variable keeps the objects alive: the identity map holds weak references.
    _kept = await repository.load_payments(session, [held.refund for held in chosen])
    for held in chosen:
        await _after_rejection(session, held.refund)
    return [BatchResult(id_, code) for id_, code in codes.items()]


async def undo_batch(
    session: AsyncSession, viewer: Viewer, ids: Sequence[uuid.UUID], *, expected: Expectation
) -> list[BatchResult]:
    """Undo those of many approvals that were never sent. Raises ExpectationMismatch."""
    rows = await repository.lock_for_review(session, ids)
    codes = {id_: _scope_code(rows.get(id_), viewer) or _undo_code(rows[id_].refund) for id_ in ids}
    chosen = [rows[id_] for id_ in ids if codes[id_] == "ok"]
    _check_expected(chosen, expected)
    for held in chosen:
        _undo(session, held.refund, viewer.actor)
    return [BatchResult(id_, code) for id_, code in codes.items()]


def _scope_code(held: Held | None, viewer: Viewer) -> str | None:
    """Error code if the row is unknown or outside the viewer's camps, otherwise None."""
    if held is None:
        return "not_found"
    return "forbidden" if viewer.camp_ids is not None and held.camp_id not in viewer.camp_ids else None


def _undo_code(refund: Refund) -> str:
    if refund.undoable:
        return "ok"
    reviewed = (RefundStatus.PENDING_REVIEW, RefundStatus.REJECTED)
    return NotApproved.code if refund.status in reviewed else AlreadySent.code


def _rejection_code(held: Held | None, viewer: Viewer, seen: Seen) -> str:
    foreign = _scope_code(held, viewer)
    if held is None or foreign is not None:
        return foreign or "not_found"
    if held.refund.status is not RefundStatus.PENDING_REVIEW:
        return RefundAlreadyReviewed.code
    return StaleEvidence.code if seen.is_told and held.is_stale(seen) else "ok"


def _approval_code(
    held: Held | None,
    viewer: Viewer,
    expected: Expectation,
    refund_id: uuid.UUID,
    min_confidence: int,
    accept_import: bool,
) -> str:
    seen = expected.of(refund_id)
    code = _rejection_code(held, viewer, seen)
    if held is None or code != "ok":
        return code
    source = held.source
    # If the request states nothing about a row, a changed value passes only if the row is beyond doubt (design §11).
    if not seen.is_told and source.verdict not in (Verdict.ELIGIBLE, None) and held.is_stale(seen):
        return StaleEvidence.code
    refusal = rules.batch_refusal(
        verdict=source.verdict,
        reasons=source.verdict_reasons,
        confidence=source.confidence,
        min_confidence=min_confidence,
        accept_import=accept_import,
        is_sum_told=seen.amount_fen is not None or expected.sum_fen is not None,
    )
    return refusal or ("ok" if held.amount_fen > 0 else NothingDue.code)


def _check_expected(chosen: Sequence[Held], expected: Expectation) -> None:
    count, sum_fen = len(chosen), sum(held.amount_fen for held in chosen)
    if expected.count not in (None, count) or expected.sum_fen not in (None, sum_fen):
        raise ExpectationMismatch(data={"count": count, "sum_fen": sum_fen})


async def _held(session: AsyncSession, refund_id: uuid.UUID) -> Held:
    held = (await repository.lock_for_review(session, [refund_id])).get(refund_id)
    if held is None:
        raise NotFound
    return held


async def _pending(session: AsyncSession, refund_id: uuid.UUID, seen: Seen, *, untold_may_differ: bool = False) -> Held:
    """Lock a row in review. Of two concurrent reviewers, the second gets RefundAlreadyReviewed."""
    held = await _held(session, refund_id)
    if held.refund.status is not RefundStatus.PENDING_REVIEW:
        raise RefundAlreadyReviewed
    if held.is_stale(seen) and (seen.is_told or not untold_may_differ):
        raise held.stale()
    return held


def _approve(session: AsyncSession, held: Held, actor: Actor, note: str | None) -> None:
    refund = held.refund
    held.freeze()
    move(session, refund, RefundStatus.APPROVED, event="approve", actor=actor, note=note)
    refund.reviewer_id, refund.reviewed_at, refund.review_note = actor.id, clock.now(), note
    after = {
        "status": refund.status,
        "amount_fen": refund.amount_fen,
        "verdict": refund.verdict,
        "override": refund.verdict is Verdict.NEEDS_CONFIRMATION,
    }
    before = {"status": RefundStatus.PENDING_REVIEW}
    service.record(session, actor, "refund.approve", refund, before=before, after=after, note=note)
    enqueue(session, "refunds.send")


def _undo(session: AsyncSession, refund: Refund, actor: Actor) -> None:
    move(session, refund, RefundStatus.PENDING_REVIEW, event="undo", actor=actor)
    before = {"status": RefundStatus.APPROVED, "reviewer_id": str(refund.reviewer_id), "note": refund.review_note}
    refund.reviewer_id = refund.reviewed_at = refund.review_note = None
    thaw(refund)
    service.record(session, actor, "refund.undo", refund, before=before, after={"status": refund.status})


def _reject(session: AsyncSession, held: Held, actor: Actor, reason: str) -> None:
    refund = held.refund
    held.freeze()
    refund.reviewer_id, refund.reviewed_at, refund.reject_reason = actor.id, clock.now(), reason
    move(session, refund, RefundStatus.REJECTED, event="reject", actor=actor, note=reason)
    before = {"status": RefundStatus.PENDING_REVIEW}
    after = {"status": refund.status, "amount_fen": refund.amount_fen}
    service.record(session, actor, "refund.reject", refund, before=before, after=after, note=reason)


async def _after_rejection(session: AsyncSession, refund: Refund) -> None:
    camp = await session.get_one(Camp, refund.camp_id)
    payment = await session.get_one(Payment, refund.payment_id)
    if camp.status is CampStatus.ARCHIVED:
        # Paid after the camp was archived, and not refunded. Book it as income, or it stays in held deposits.
        await session.flush()
        ledger.kept(session, payment, payment.amount_fen - await repository.reserved_fen(session, payment.id))
    await messages.refund_rejected(session, refund, payment)
