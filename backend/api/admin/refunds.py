"""One refund: reading, reviewing (many at once: ``refund_batches``), repairing; and the hold on sending."""

import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from backend.api.admin.camps import StateChangeOut
from backend.api.admin.refund_lists import RefundOut, fields_of, refund_out
from backend.api.answers import Answer, Day, Id, Instant, Model, answer
from backend.api.deps import Allowed, CurrentStaff, RuntimeDep, SessionDep
from backend.core.errors import NotFound
from backend.models.members import MatchStatus, Member, Verdict
from backend.models.payments import Channel, Excess, Payment
from backend.models.refunds import RefundKind
from backend.money.refunds import flows, queries, recovery, review, service
from backend.money.refunds.evidence import Seen
from backend.money.refunds.queries import Listed
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/refunds", tags=["退款"], dependencies=[Depends(Allowed(Permission.REFUND_VIEW))])
Reviewer = Depends(Allowed(Permission.REFUND_REVIEW))
Executor = Depends(Allowed(Permission.REFUND_EXECUTE))

Fen = Annotated[int, Field(ge=1, le=10**9)]
ReasonText = Annotated[str, Field(min_length=1, max_length=200)]


class RefundPaymentOut(Model):
    id: Id
    out_trade_no: str
    transaction_id: str | None
    channel: Channel
    amount_fen: int
    paid_at: Instant | None
    excess: Excess | None


class RefundMemberOut(Model):
    """As it stands now, also beside evidence that a decision froze."""

    id: Id
    match_status: MatchStatus = Field(validation_alias="status")
    confidence: int
    match_method: str | None
    planet_user_id: str | None
    days_ranking: int | None
    days_posts: int | None
    days_import: int | None
    joined: bool


class RefundDetailOut(RefundOut):
    """``others`` are the payment's other refunds, ``checkin_days`` the member's counted days."""

    payment: RefundPaymentOut
    member: RefundMemberOut | None
    checkin_days: list[Day]
    others: list[RefundOut]
    history: list[StateChangeOut]


class ExtraIn(Model):
    payment_id: Id
    amount_fen: Fen
    kind: Literal[RefundKind.DUPLICATE, RefundKind.EXCEPTION]
    reason: ReasonText


class SeenIn(Model):
    """What the reviewer saw of the row; if anything else holds now, nothing is done (409 ``stale_evidence``)."""

    expected_verdict: Verdict | None = None
    expected_amount_fen: Annotated[int, Field(ge=0)] | None = None

    @property
    def seen(self) -> Seen:
        return Seen(self.expected_verdict, self.expected_amount_fen)


class ApproveIn(SeenIn):
    note: Annotated[str, Field(max_length=200)] | None = None


class ReasonIn(Model):
    reason: ReasonText


class RejectIn(SeenIn):
    reason: ReasonText


class NoteIn(Model):
    note: ReasonText


class ResumedOut(Model):
    resumed: bool


async def _answer(session: SessionDep, refund_id: uuid.UUID) -> Answer[RefundOut]:
    await session.flush()
    row = await queries.listed(session, refund_id)
    if row is None:
        raise NotFound
    return answer(refund_out(row))


async def _visible(session: SessionDep, viewer: CurrentStaff, refund_id: Id) -> Listed:
    """Unknown: 404; of a foreign camp: 403."""
    row = await queries.listed(session, refund_id)
    if row is None:
        raise NotFound
    viewer.require_camp(row.refund.camp_id)
    return row


Visible = Annotated[Listed, Depends(_visible)]


@router.post("", dependencies=[Executor])
async def extra(body: ExtraIn, viewer: CurrentStaff, session: SessionDep) -> Answer[RefundOut]:
    """Ask for a refund outside the list; it waits for review like any other."""
    payment = await session.get(Payment, body.payment_id)
    if payment is None:
        raise NotFound("订单不存在")
    viewer.require_camp(payment.camp_id)
    member = await queries.member_of_payment(session, payment.id)
    refund = await service.open_extra(
        session,
        payment=payment,
        kind=body.kind,
        amount_fen=body.amount_fen,
        reason=body.reason,
        actor=viewer.actor,
        member_id=member.id if member is not None else None,
    )
    return await _answer(session, refund.id)


@router.post("/resume", dependencies=[Executor])
async def resume(viewer: CurrentStaff, session: SessionDep) -> Answer[ResumedOut]:
    """Go on sending after a hold; without one it only wakes the sender."""
    return answer(ResumedOut(resumed=await recovery.resume(session, actor=viewer.actor)))


@router.get("/{refund_id}")
async def detail(row: Visible, session: SessionDep) -> Answer[RefundDetailOut]:
    """One refund with everything a reviewer looks at."""
    refund = row.refund
    member = await session.get(Member, refund.member_id) if refund.member_id is not None else None
    others = await queries.of_payments(session, [refund.payment_id])
    return answer(
        RefundDetailOut.model_validate(
            fields_of(row)
            | {
                "payment": RefundPaymentOut.model_validate(row.payment),
                "member": RefundMemberOut.model_validate(member) if member is not None else None,
                "checkin_days": await queries.checkin_days(session, member) if member is not None else [],
                "others": [refund_out(other) for other in others if other.refund.id != refund.id],
                "history": [
                    StateChangeOut(
                        from_state=change.from_state,
                        to_state=change.to_state,
                        event=change.event,
                        actor_name=name or "系统",
                        note=change.note,
                        at=change.created_at,
                    )
                    for change, name in await queries.history(session, refund.id)
                ],
            }
        )
    )


@router.post("/{refund_id}/approve", dependencies=[Reviewer])
async def approve(
    row: Visible, viewer: CurrentStaff, runtime: RuntimeDep, session: SessionDep, body: ApproveIn | None = None
) -> Answer[RefundOut]:
    """By a person's word even a row in doubt passes, at its amount of now; one that pays nothing doesn't."""
    review.require_reviewer(viewer, runtime.settings.refund)
    body = body or ApproveIn()
    refund = await review.approve(session, row.refund.id, actor=viewer.actor, note=body.note or None, seen=body.seen)
    return await _answer(session, refund.id)


@router.post("/{refund_id}/reject", dependencies=[Reviewer])
async def reject(
    row: Visible, body: RejectIn, viewer: CurrentStaff, runtime: RuntimeDep, session: SessionDep
) -> Answer[RefundOut]:
    review.require_reviewer(viewer, runtime.settings.refund)
    refund = await review.reject(session, row.refund.id, actor=viewer.actor, reason=body.reason, seen=body.seen)
    return await _answer(session, refund.id)


@router.post("/{refund_id}/undo", dependencies=[Reviewer])
async def undo(row: Visible, viewer: CurrentStaff, runtime: RuntimeDep, session: SessionDep) -> Answer[RefundOut]:
    """Take an approval back while the money hasn't begun to move."""
    review.require_reviewer(viewer, runtime.settings.refund)
    refund = await review.undo(session, row.refund.id, actor=viewer.actor)
    return await _answer(session, refund.id)


@router.post("/{refund_id}/reopen", dependencies=[Executor])
async def reopen(row: Visible, body: ReasonIn, viewer: CurrentStaff, session: SessionDep) -> Answer[RefundOut]:
    """Review a rejection once more."""
    refund = await review.reopen(session, row.refund.id, actor=viewer.actor, reason=body.reason)
    return await _answer(session, refund.id)


@router.post("/{refund_id}/retry", dependencies=[Executor])
async def retry(row: Visible, viewer: CurrentStaff, runtime: RuntimeDep, session: SessionDep) -> Answer[RefundOut]:
    """Send a failed refund again under its number. A closed one gets a successor, which is the answer."""
    settings = runtime.settings.refund
    refund = await recovery.retry(session, row.refund.id, actor=viewer.actor, settings=settings)
    return await _answer(session, refund.id)


@router.post("/{refund_id}/refresh", dependencies=[Executor])
async def refresh(refund_id: Id, viewer: CurrentStaff, runtime: RuntimeDep) -> Answer[RefundOut]:
    """刷新状态: ask the provider now about a refund that it accepted; any other is answered as it stands."""
    async with runtime.db.transaction() as session:
        await _visible(session, viewer, refund_id)
    await flows.refresh(runtime, refund_id)
    async with runtime.db.transaction() as session:
        return await _answer(session, refund_id)


@router.post("/{refund_id}/settle-offline", dependencies=[Executor])
async def settle_offline(refund_id: Id, body: NoteIn, viewer: CurrentStaff, runtime: RuntimeDep) -> Answer[RefundOut]:
    """标记已处理: the member got the money by other means, as the note says. The provider is asked first."""
    async with runtime.db.transaction() as session:
        await _visible(session, viewer, refund_id)
    await flows.settle_offline(runtime, refund_id, note=body.note, actor=viewer.actor)
    async with runtime.db.transaction() as session:
        return await _answer(session, refund_id)
