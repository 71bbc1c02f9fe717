"""Reviewing many refunds at once: each row by its own merits, and exactly what the person confirmed or nothing."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from backend.api.admin.refunds import ReasonText, SeenIn
from backend.api.answers import Answer, Id, Model, answer
from backend.api.batches import BatchOut, Ids, batch_out, parse_ids
from backend.api.deps import Allowed, CurrentStaff, RuntimeDep, SessionDep
from backend.money.refunds import review
from backend.money.refunds.evidence import NothingDue, StaleEvidence
from backend.office.staff import flows as staff
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/refunds", tags=["退款"], dependencies=[Depends(Allowed(Permission.REFUND_REVIEW))])


class SeenRowIn(SeenIn):
    id: Id


class BatchIn(Model):
    """What the person confirmed; if the server would do anything else, it does nothing.

    ``rows`` say what they saw of single rows: one that is something else now is skipped with ``stale_evidence``.
    """

    ids: Ids
    rows: Annotated[list[SeenRowIn], Field(max_length=1000, default_factory=list)]
    expected_count: Annotated[int, Field(ge=0)] | None = None
    expected_sum_fen: Annotated[int, Field(ge=0)] | None = None

    @property
    def expected(self) -> review.Expectation:
        return review.Expectation(self.expected_count, self.expected_sum_fen, {row.id: row.seen for row in self.rows})


class BatchApproveIn(BatchIn):
    """``accept_import``: rows of a list that rests on an imported sheet pass too, where the sheet says enough."""

    min_confidence: Annotated[int, Field(ge=0, le=100)] = 100
    accept_import: bool = False
    password: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class BatchRejectIn(BatchIn):
    reason: ReasonText


_TEXTS = {
    "refund_already_reviewed": review.RefundAlreadyReviewed.message,
    "needs_confirmation": "需要人工确认，请单独审核",
    "not_eligible": "系统判定不符合退款条件，请单独审核",
    StaleEvidence.code: StaleEvidence.message,
    NothingDue.code: NothingDue.message,
    "expectation_required": "部分退还，请带上您看到的金额一起提交",
    "refund_not_approved": review.NotApproved.message,
    "refund_already_sent": review.AlreadySent.message,
}


@router.post("/batch-approve")
async def batch_approve(
    body: BatchApproveIn, viewer: CurrentStaff, runtime: RuntimeDep, session: SessionDep
) -> Answer[BatchOut]:
    """Approve many at their amounts of now. Rows in doubt are skipped unless ``min_confidence`` admits them."""
    settings = runtime.settings.refund
    review.require_reviewer(viewer, settings)
    # Check the password before locking rows: hashing is slow on purpose. A wrong password counts as a failed log-in.
    right = await staff.confirm_password(runtime, viewer, body.password) if body.password is not None else None
    results = await review.approve_batch(
        session,
        viewer,
        parse_ids(body.ids),
        min_confidence=body.min_confidence,
        accept_import=body.accept_import,
        expected=body.expected,
        password_right=right,
        settings=settings,
    )
    return _answer(body.ids, results)


@router.post("/batch-reject")
async def batch_reject(
    body: BatchRejectIn, viewer: CurrentStaff, runtime: RuntimeDep, session: SessionDep
) -> Answer[BatchOut]:
    """Reject many with one reason."""
    review.require_reviewer(viewer, runtime.settings.refund)
    results = await review.reject_batch(
        session, viewer, parse_ids(body.ids), reason=body.reason, expected=body.expected
    )
    return _answer(body.ids, results)


@router.post("/batch-undo")
async def batch_undo(body: BatchIn, viewer: CurrentStaff, runtime: RuntimeDep, session: SessionDep) -> Answer[BatchOut]:
    """Take back what of many approvals hasn't left yet."""
    review.require_reviewer(viewer, runtime.settings.refund)
    return _answer(body.ids, await review.undo_batch(session, viewer, parse_ids(body.ids), expected=body.expected))


def _answer(asked: list[str], results: list[review.BatchResult]) -> Answer[BatchOut]:
    return answer(batch_out(asked, {result.id: result.code for result in results}, _TEXTS))
