"""Review: nothing is refunded without a person's recorded approval."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.camps import service as camps
from backend.core import clock
from backend.core.actor import Actor
from backend.core.config import RefundSettings
from backend.core.errors import Conflict, Forbidden, Invalid, NotFound
from backend.core.queue import enqueue
from backend.ledger import service as ledger
from backend.members.rules import Assessment
from backend.models.camps import Camp, CampStatus
from backend.models.history import move
from backend.models.members import Verdict
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundStatus
from backend.models.staff import StaffRole
from backend.refunds import lists, messages, repository, rules, service
from backend.staff.service import Viewer


class RefundAlreadyReviewed(Conflict):
    code, message = "refund_already_reviewed", "该退款已由其他人审核，请刷新后再看"


class StaleEvidence(Conflict):
    """``data`` holds what would be judged now: ``{verdict, days}``."""

    code, message = "stale_evidence", "打卡或匹配数据已更新，请更新名单后按最新判定审核"


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
    """Raise Forbidden for a coach while coaches don't review."""
    if viewer.staff.role is StaffRole.COACH and not settings.coach_review:
        raise Forbidden("当前设置下教练不能审核退款")


async def approve(session: AsyncSession, refund_id: uuid.UUID, *, actor: Actor, note: str | None) -> Refund:
    """Let one refund go out. A row in doubt passes by this person's word; a not eligible one needs a note.

    The row's copy of the evidence must still hold: else the person decides on what is no longer so. Raises NotFound,
    RefundAlreadyReviewed, StaleEvidence, Invalid.
    """
    refund, _ = await _pending(session, refund_id)
    stale = await _stale(session, [refund])
    if refund.id in stale:
        raise StaleEvidence(data={"verdict": stale[refund.id].verdict, "days": stale[refund.id].days})
    if refund.verdict is Verdict.NOT_ELIGIBLE and not note:
        raise Invalid({"note": "系统判定不符合退款条件，通过时必须填写原因"})
    _approve(session, refund, actor, note)
    return refund


async def reject(session: AsyncSession, refund_id: uuid.UUID, *, actor: Actor, reason: str) -> Refund:
    """Say no, with a reason the member reads. Raises NotFound, RefundAlreadyReviewed."""
    refund, payment = await _pending(session, refund_id)
    _reject(session, refund, actor, reason)
    await _after_rejection(session, refund, payment)
    return refund


async def reopen(session: AsyncSession, refund_id: uuid.UUID, *, actor: Actor, reason: str) -> Refund:
    """Review a rejected refund once more, until its camp is archived.

    Raises NotFound, NotRejected, CampArchived, RefundInFlight, RefundExceedsPaid.
    """
    refund = await session.get(Refund, refund_id)
    if refund is None:
        raise NotFound
    camp = await camps.lock_camp(session, refund.camp_id)
    refund, payment = await _locked(session, refund_id)
    if refund.status is not RefundStatus.REJECTED:
        raise NotRejected
    if camp.status is CampStatus.ARCHIVED:
        raise CampArchived
    await service.check_room(session, payment, refund.amount_fen)
    move(session, refund, RefundStatus.PENDING_REVIEW, event="reopen", actor=actor, note=reason)
    before = {"status": RefundStatus.REJECTED, "reject_reason": refund.reject_reason}
    refund.reviewer_id = refund.reviewed_at = refund.reject_reason = None
    service.record(session, actor, "refund.reopen", refund, before=before, after={"status": refund.status}, note=reason)
    return refund


async def undo(session: AsyncSession, refund_id: uuid.UUID, *, actor: Actor) -> Refund:
    """Take an approval back, back to review, while nothing of it was sent. Raises NotFound, NotApproved, AlreadySent.

    The sender claims a row under the same locks before it calls the provider: whoever comes second finds the row in
    another state and leaves it alone.
    """
    refund, _ = await _locked(session, refund_id)
    code = _undo_code(refund)
    if code == NotApproved.code:
        raise NotApproved
    if code == AlreadySent.code:
        raise AlreadySent
    _undo(session, refund, actor)
    return refund


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the person confirmed; the server does exactly that or nothing."""

    count: int | None = None
    sum_fen: int | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one row: ``ok``, or why it was left alone."""

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
    """Approve many, each row judged by itself. All rows are held first, so that what is checked is what is done.

    ``password_right`` is None when no password was given. Raises ExpectationMismatch, PasswordRequired,
    PasswordWrong; then nothing is done.
    """
    rows = await repository.locked_many(session, ids)
    stale = await _stale(session, rows.values())
    codes = {id_: _approval_code(rows.get(id_), viewer, stale, min_confidence, accept_import) for id_ in ids}
    chosen = [rows[id_] for id_ in ids if codes[id_] == "ok"]
    _check_expected(chosen, expected)
    if sum(refund.amount_fen for refund in chosen) > settings.password_threshold_fen:
        if password_right is None:
            raise PasswordRequired
        if not password_right:
            raise PasswordWrong
    for refund in chosen:
        _approve(session, refund, viewer.actor, None)
    return [BatchResult(id_, code) for id_, code in codes.items()]


async def reject_batch(
    session: AsyncSession, viewer: Viewer, ids: Sequence[uuid.UUID], *, reason: str, expected: Expectation
) -> list[BatchResult]:
    """Reject many with one reason, whatever their verdict. Raises ExpectationMismatch."""
    rows = await repository.locked_many(session, ids)
    codes = {id_: _scope_code(rows.get(id_), viewer) or _pending_code(rows[id_]) for id_ in ids}
    chosen = [rows[id_] for id_ in ids if codes[id_] == "ok"]
    _check_expected(chosen, expected)
    # Kept in hand, so that looking one up below is no statement of its own.
    payments, _kept = await repository.around(session, chosen)
    for refund in chosen:
        _reject(session, refund, viewer.actor, reason)
    for refund in chosen:
        await _after_rejection(session, refund, payments[refund.payment_id])
    return [BatchResult(id_, code) for id_, code in codes.items()]


async def undo_batch(
    session: AsyncSession, viewer: Viewer, ids: Sequence[uuid.UUID], *, expected: Expectation
) -> list[BatchResult]:
    """Take back what of many approvals was not sent yet. Raises ExpectationMismatch."""
    rows = await repository.locked_many(session, ids)
    codes = {id_: _scope_code(rows.get(id_), viewer) or _undo_code(rows[id_]) for id_ in ids}
    chosen = [rows[id_] for id_ in ids if codes[id_] == "ok"]
    _check_expected(chosen, expected)
    for refund in chosen:
        _undo(session, refund, viewer.actor)
    return [BatchResult(id_, code) for id_, code in codes.items()]


def _scope_code(refund: Refund | None, viewer: Viewer) -> str | None:
    """Why a row is none of the viewer's; None when it is."""
    if refund is None:
        return "not_found"
    return "forbidden" if viewer.camp_ids is not None and refund.camp_id not in viewer.camp_ids else None


def _undo_code(refund: Refund) -> str:
    if refund.undoable:
        return "ok"
    reviewed = (RefundStatus.PENDING_REVIEW, RefundStatus.REJECTED)
    return NotApproved.code if refund.status in reviewed else AlreadySent.code


def _pending_code(refund: Refund) -> str:
    return "ok" if refund.status is RefundStatus.PENDING_REVIEW else RefundAlreadyReviewed.code


async def _stale(session: AsyncSession, refunds: Collection[Refund]) -> dict[uuid.UUID, Assessment]:
    """Of held refunds those that wait with evidence which no longer holds, with the verdict of now."""
    waiting = [refund for refund in refunds if refund.status is RefundStatus.PENDING_REVIEW]
    judged = await lists.judged_now(session, waiting)
    return {refund.id: found for refund, member, found in judged if lists.is_stale(refund, member, found)}


def _approval_code(
    refund: Refund | None, viewer: Viewer, stale: Collection[uuid.UUID], min_confidence: int, accept_import: bool
) -> str:
    foreign = _scope_code(refund, viewer)
    if refund is None or foreign is not None:
        return foreign or "not_found"
    if refund.id in stale:
        return StaleEvidence.code
    refusal = rules.batch_refusal(
        status=refund.status,
        verdict=refund.verdict,
        reasons=refund.verdict_reasons,
        confidence=refund.confidence,
        min_confidence=min_confidence,
        accept_import=accept_import,
    )
    return refusal or "ok"


def _check_expected(chosen: Sequence[Refund], expected: Expectation) -> None:
    count, sum_fen = len(chosen), sum(refund.amount_fen for refund in chosen)
    if expected.count not in (None, count) or expected.sum_fen not in (None, sum_fen):
        raise ExpectationMismatch(data={"count": count, "sum_fen": sum_fen})


async def _locked(session: AsyncSession, refund_id: uuid.UUID) -> tuple[Refund, Payment]:
    found = await repository.locked(session, Refund.id == refund_id)
    if found is None:
        raise NotFound
    return found


async def _pending(session: AsyncSession, refund_id: uuid.UUID) -> tuple[Refund, Payment]:
    """The row, held; of two reviewers at once the second comes too late."""
    refund, payment = await _locked(session, refund_id)
    if refund.status is not RefundStatus.PENDING_REVIEW:
        raise RefundAlreadyReviewed
    return refund, payment


def _approve(session: AsyncSession, refund: Refund, actor: Actor, note: str | None) -> None:
    move(session, refund, RefundStatus.APPROVED, event="approve", actor=actor, note=note)
    refund.reviewer_id, refund.reviewed_at, refund.review_note = actor.id, clock.now(), note
    after = {
        "status": refund.status,
        "amount_fen": refund.amount_fen,
        "verdict": refund.verdict,
        "override": refund.verdict not in (Verdict.ELIGIBLE, None),
    }
    before = {"status": RefundStatus.PENDING_REVIEW}
    service.record(session, actor, "refund.approve", refund, before=before, after=after, note=note)
    enqueue(session, "refunds.send")


def _undo(session: AsyncSession, refund: Refund, actor: Actor) -> None:
    move(session, refund, RefundStatus.PENDING_REVIEW, event="undo", actor=actor)
    before = {"status": RefundStatus.APPROVED, "reviewer_id": str(refund.reviewer_id), "note": refund.review_note}
    refund.reviewer_id = refund.reviewed_at = refund.review_note = None
    service.record(session, actor, "refund.undo", refund, before=before, after={"status": refund.status})


def _reject(session: AsyncSession, refund: Refund, actor: Actor, reason: str) -> None:
    refund.reviewer_id, refund.reviewed_at, refund.reject_reason = actor.id, clock.now(), reason
    move(session, refund, RefundStatus.REJECTED, event="reject", actor=actor, note=reason)
    before = {"status": RefundStatus.PENDING_REVIEW}
    after = {"status": refund.status, "amount_fen": refund.amount_fen}
    service.record(session, actor, "refund.reject", refund, before=before, after=after, note=reason)


async def _after_rejection(session: AsyncSession, refund: Refund, payment: Payment) -> None:
    camp = await session.get_one(Camp, refund.camp_id)
    if camp.status is CampStatus.ARCHIVED:
        # Money that came after the camp's books were closed, and stays: income like the rest at archive.
        await session.flush()
        ledger.kept(session, payment, payment.amount_fen - await repository.taken_fen(session, payment.id))
    await messages.refund_rejected(session, refund, payment)
