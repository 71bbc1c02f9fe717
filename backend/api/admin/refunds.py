"""Refunds: reading, reviewing one by one (many at once: ``refund_batches``), repairing, and the hold on sending."""

import datetime as dt
import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from backend.api.admin.camps import StateChangeOut
from backend.api.answers import Answer, Day, Id, Instant, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, RuntimeDep, SessionDep
from backend.core import clock
from backend.core.errors import Invalid, NotFound
from backend.members.rules import REASON_TEXTS, Reason
from backend.models.members import MatchStatus, Member
from backend.models.payments import Channel, Excess, Payment
from backend.models.refunds import RefundKind, RefundStatus, Verdict
from backend.refunds import flows, recovery, repository, review, service
from backend.refunds.repository import Filter, Listed
from backend.staff.rules import Permission

router = APIRouter(prefix="/refunds", tags=["退款"], dependencies=[Depends(Allowed(Permission.REFUND_VIEW))])
Reviewer = Depends(Allowed(Permission.REFUND_REVIEW))
Executor = Depends(Allowed(Permission.REFUND_EXECUTE))

Fen = Annotated[int, Field(ge=1, le=10**9)]
ReasonText = Annotated[str, Field(min_length=1, max_length=200)]


class ReasonOut(Model):
    code: str
    text: str


class FailureOut(Model):
    code: str
    message: str


class RefundOut(Model):
    """``days`` and what belongs to it are as they were when the row was made; an extra refund has none."""

    id: Id
    camp_id: Id
    camp_name: str
    member_id: Id | None
    payment_id: Id
    planet_nickname: str
    planet_number: str
    wechat_nickname: str
    paid_fen: int
    paid_at: Instant | None
    kind: RefundKind
    status: RefundStatus
    amount_fen: int
    out_refund_no: str
    reason: str
    verdict: Verdict | None
    verdict_reasons: list[ReasonOut]
    days: int | None
    days_ranking: int | None
    days_posts: int | None
    required_days: int | None
    confidence: int | None
    match_method: str | None
    reviewer_name: str | None
    reviewed_at: Instant | None
    review_note: str | None
    reject_reason: str | None
    attempts: int
    manual_retries: int
    failure: FailureOut | None
    provider_refund_id: str | None
    sent_at: Instant | None
    succeeded_at: Instant | None
    settled_offline: bool
    offline_note: str | None
    replaces_id: Id | None
    created_at: Instant


class RefundPaymentOut(Model):
    id: Id
    out_trade_no: str
    transaction_id: str | None
    channel: Channel
    amount_fen: int
    paid_at: Instant | None
    excess: Excess | None


class RefundMemberOut(Model):
    """As it stands now, beside the row's frozen evidence."""

    id: Id
    match_status: MatchStatus = Field(validation_alias="status")
    confidence: int
    match_method: str | None
    planet_user_id: str | None
    days_ranking: int | None
    days_posts: int | None
    joined: bool


class RefundDetailOut(RefundOut):
    """``others`` are the payment's other refunds, ``checkin_days`` the member's counted days."""

    payment: RefundPaymentOut
    member: RefundMemberOut | None
    checkin_days: list[Day]
    others: list[RefundOut]
    history: list[StateChangeOut]


class SumOut(Model):
    count: int
    sum_fen: int


class HoldOut(Model):
    cause: str
    refund_id: Id | None
    created_at: Instant


class SummaryOut(Model):
    by_status: dict[RefundStatus, SumOut]
    hold: HoldOut | None


class ExtraIn(Model):
    payment_id: Id
    amount_fen: Fen
    kind: Literal[RefundKind.DUPLICATE, RefundKind.EXCEPTION]
    reason: ReasonText


class ApproveIn(Model):
    note: Annotated[str, Field(max_length=200)] | None = None


class ReasonIn(Model):
    reason: ReasonText


class NoteIn(Model):
    note: ReasonText


class ResumedOut(Model):
    resumed: bool


def refund_out(row: Listed) -> RefundOut:
    return RefundOut.model_validate(_fields(row))


def _fields(row: Listed) -> dict[str, object]:
    refund, payment = row.refund, row.payment
    fields: dict[str, object] = {
        name: getattr(refund, name) for name in RefundOut.model_fields if hasattr(refund, name)
    }
    failure = (
        FailureOut(code=refund.failure_code, message=refund.failure_message or "") if refund.failure_code else None
    )
    return fields | {
        "camp_name": row.camp_name,
        "planet_nickname": payment.planet_nickname,
        "planet_number": payment.planet_number,
        "wechat_nickname": payment.wechat_nickname,
        "paid_fen": payment.amount_fen,
        "paid_at": payment.paid_at,
        "verdict_reasons": [ReasonOut(code=code, text=REASON_TEXTS[Reason(code)]) for code in refund.verdict_reasons],
        "reviewer_name": row.reviewer_name,
        "failure": failure,
    }


async def _answer(session: SessionDep, refund_id: uuid.UUID) -> Answer[RefundOut]:
    await session.flush()
    row = await repository.listed(session, refund_id)
    if row is None:
        raise NotFound
    return answer(refund_out(row))


async def _visible(session: SessionDep, viewer: CurrentStaff, refund_id: Id) -> Listed:
    """Unknown: 404; of a foreign camp: 403."""
    row = await repository.listed(session, refund_id)
    if row is None:
        raise NotFound
    viewer.require_camp(row.refund.camp_id)
    return row


Visible = Annotated[Listed, Depends(_visible)]


def _statuses(status: Annotated[str | None, Query(description="可用逗号分隔多个状态")] = None) -> list[RefundStatus]:
    try:
        return [RefundStatus(part.strip()) for part in (status or "").split(",") if part.strip()]
    except ValueError:
        raise Invalid({"status": "不是可选的值"}) from None


@router.get("")
async def refunds(
    viewer: CurrentStaff,
    session: SessionDep,
    page: PageDep,
    status: Annotated[list[RefundStatus], Depends(_statuses)],
    camp_id: Annotated[Id | None, Query()] = None,
    member_id: Annotated[Id | None, Query()] = None,
    payment_id: Annotated[Id | None, Query()] = None,
    kind: RefundKind | None = None,
    verdict: Verdict | None = None,
    confidence: Annotated[int | None, Query(ge=0, le=100)] = None,
    created_from: Annotated[Day | None, Query(alias="from")] = None,
    created_to: Annotated[Day | None, Query(alias="to")] = None,
    reviewer: Annotated[str | None, Query(max_length=50)] = None,
    q: Annotated[str | None, Query(max_length=64)] = None,
) -> Answer[Rows[RefundOut]]:
    """Newest first. ``from`` and ``to`` are days of creation, both inclusive."""
    if camp_id is not None:
        viewer.require_camp(camp_id)
    wanted = Filter(
        camp_ids=viewer.camp_ids,
        camp_id=camp_id,
        member_id=member_id,
        payment_id=payment_id,
        status=status,
        kind=kind,
        verdict=verdict,
        confidence=confidence,
        created_from=clock.day_start(created_from) if created_from else None,
        created_before=clock.day_start(created_to + dt.timedelta(days=1)) if created_to else None,
        reviewer=reviewer,
        q=q,
    )
    return answer(Rows.of(await repository.page(session, page, wanted), refund_out))


@router.get("/summary")
async def summary(
    viewer: CurrentStaff, session: SessionDep, camp_id: Annotated[Id | None, Query()] = None
) -> Answer[SummaryOut]:
    """Counts and sums by status, of one camp or of all that the person sees; and whether sending is on hold."""
    if camp_id is not None:
        viewer.require_camp(camp_id)
    camp_ids = [camp_id] if camp_id is not None else viewer.camp_ids
    sums = await repository.sums_by_status(session, camp_ids=camp_ids)
    hold = await repository.open_hold(session)
    return answer(
        SummaryOut(
            by_status={status: SumOut(count=count, sum_fen=fen) for status, (count, fen) in sums.items()},
            hold=HoldOut.model_validate(hold) if hold is not None else None,
        )
    )


@router.post("", dependencies=[Executor])
async def extra(body: ExtraIn, viewer: CurrentStaff, session: SessionDep) -> Answer[RefundOut]:
    """Ask for a refund outside the list; it waits for review like any other."""
    payment = await session.get(Payment, body.payment_id)
    if payment is None:
        raise NotFound("订单不存在")
    viewer.require_camp(payment.camp_id)
    member = await repository.member_of_payment(session, payment.id)
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
    others = await repository.of_payment(session, refund.payment_id)
    return answer(
        RefundDetailOut.model_validate(
            _fields(row)
            | {
                "payment": RefundPaymentOut.model_validate(row.payment),
                "member": RefundMemberOut.model_validate(member) if member is not None else None,
                "checkin_days": await repository.checkin_days(session, member) if member is not None else [],
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
                    for change, name in await repository.history(session, refund.id)
                ],
            }
        )
    )


@router.post("/{refund_id}/approve", dependencies=[Reviewer])
async def approve(
    row: Visible, viewer: CurrentStaff, runtime: RuntimeDep, session: SessionDep, body: ApproveIn | None = None
) -> Answer[RefundOut]:
    """By a person's word even a row in doubt passes; one that isn't eligible needs a note."""
    review.require_reviewer(viewer, runtime.settings.refund)
    note = body.note if body is not None else None
    refund = await review.approve(session, row.refund.id, actor=viewer.actor, note=note or None)
    return await _answer(session, refund.id)


@router.post("/{refund_id}/reject", dependencies=[Reviewer])
async def reject(
    row: Visible, body: ReasonIn, viewer: CurrentStaff, runtime: RuntimeDep, session: SessionDep
) -> Answer[RefundOut]:
    review.require_reviewer(viewer, runtime.settings.refund)
    refund = await review.reject(session, row.refund.id, actor=viewer.actor, reason=body.reason)
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


@router.post("/{refund_id}/settle-offline", dependencies=[Executor])
async def settle_offline(refund_id: Id, body: NoteIn, viewer: CurrentStaff, runtime: RuntimeDep) -> Answer[RefundOut]:
    """标记已处理: the member got the money by other means, as the note says. The provider is asked first."""
    async with runtime.db.transaction() as session:
        await _visible(session, viewer, refund_id)
    await flows.settle_offline(runtime, refund_id, note=body.note, actor=viewer.actor)
    async with runtime.db.transaction() as session:
        return await _answer(session, refund_id)
