"""Settling a camp: its refund list, where everybody's deposit stands, and the archive."""

import uuid
from dataclasses import asdict

from fastapi import APIRouter, Depends

from backend.api.admin.refund_lists import ReasonOut, SumOut, reasons_out
from backend.api.answers import Answer, Id, Instant, Model, answer
from backend.api.deps import Allowed, CurrentStaff, SessionDep
from backend.community.camps import service as camps
from backend.models.camps import CampStatus
from backend.models.members import MatchStatus, Standing, Verdict
from backend.models.refunds import RefundKind, RefundStatus
from backend.money.refunds import lists
from backend.money.refunds import settlement as service
from backend.money.refunds.settlement import Line
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/camps", tags=["结算"])


class ListOut(Model):
    """``created`` rows now; the rest counts all members of the camp."""

    created: int
    eligible: int
    partial: int
    needs_confirmation: int
    not_eligible: int
    unmatched: int


class LineRefundOut(Model):
    """``amount_fen`` is what it pays now while it waits for review."""

    id: Id
    kind: RefundKind
    status: RefundStatus
    amount_fen: int
    succeeded_at: Instant | None
    reject_reason: str | None
    settled_offline: bool


class LineOut(Model):
    """One paid member as they are judged now; ``amount_line`` says in one line how ``entitled_fen`` comes about."""

    member_id: Id
    payment_id: Id
    planet_nickname: str
    planet_number: str
    wechat_nickname: str
    match_status: MatchStatus
    confidence: int
    match_method: str | None
    days: int
    days_ranking: int | None
    days_posts: int | None
    days_import: int | None
    required_days: int | None
    standing: Standing
    verdict: Verdict | None
    entitled_fen: int
    reasons: list[ReasonOut]
    amount_line: str
    paid_fen: int
    refunded_fen: int
    refund: LineRefundOut | None


class BlockedOut(Model):
    code: str
    message: str


class SettlementSummaryOut(Model):
    """Verdicts count matched members; ``blocked`` says why no list can be made now."""

    members: int
    eligible: int
    partial: int
    needs_confirmation: int
    not_eligible: int
    unmatched: int
    paid_fen: int
    refunded_fen: int
    refunds: dict[RefundStatus, SumOut]
    blocked: BlockedOut | None


class SettlementOut(Model):
    camp_id: Id
    status: CampStatus
    last_complete_sync_at: Instant | None
    summary: SettlementSummaryOut
    items: list[LineOut]


class ArchivedOut(Model):
    """``kept_fen`` is what nobody gets back."""

    kept_fen: int


@router.post("/{camp_id}/refunds", dependencies=[Depends(Allowed(Permission.REFUND_EXECUTE))])
async def make_list(camp_id: Id, viewer: CurrentStaff, session: SessionDep) -> Answer[ListOut]:
    """Make or refresh the refund list now."""
    return answer(await _make_list(camp_id, viewer, session))


@router.post("/{camp_id}/settle", dependencies=[Depends(Allowed(Permission.CAMP_WRITE))])
async def settle(camp_id: Id, viewer: CurrentStaff, session: SessionDep) -> Answer[ListOut]:
    """开始结算: the same, under the camp's own name for it."""
    return answer(await _make_list(camp_id, viewer, session))


async def _make_list(camp_id: uuid.UUID, viewer: CurrentStaff, session: SessionDep) -> ListOut:
    return ListOut(**asdict(await lists.make_list(session, camp_id, actor=viewer.actor)))


@router.get("/{camp_id}/settlement", dependencies=[Depends(Allowed(Permission.REFUND_VIEW))])
async def settlement(camp_id: Id, viewer: CurrentStaff, session: SessionDep) -> Answer[SettlementOut]:
    """Every paid member with verdict and reasons, also those not eligible."""
    camp = await camps.get_camp(session, camp_id)
    viewer.require_camp(camp_id)
    found = await service.settlement(session, camp_id)
    blocked = found.blocked
    summary = SettlementSummaryOut(
        members=len(found.lines),
        eligible=found.verdicts[Verdict.ELIGIBLE],
        partial=found.verdicts[Verdict.PARTIAL],
        needs_confirmation=found.verdicts[Verdict.NEEDS_CONFIRMATION],
        not_eligible=found.verdicts[Verdict.NOT_ELIGIBLE],
        unmatched=found.unmatched,
        paid_fen=found.paid_fen,
        refunded_fen=found.refunded_fen,
        refunds={status: SumOut(count=count, sum_fen=fen) for status, (count, fen) in found.refunds.items()},
        blocked=BlockedOut(code=blocked.code, message=blocked.text) if blocked is not None else None,
    )
    return answer(
        SettlementOut(
            camp_id=camp.id,
            status=camp.status,
            last_complete_sync_at=camp.last_complete_sync_at,
            summary=summary,
            items=[_line_out(line) for line in found.lines],
        )
    )


def _line_out(line: Line) -> LineOut:
    member = line.member
    return LineOut(
        member_id=member.id,
        payment_id=member.payment_id,
        planet_nickname=member.planet_nickname,
        planet_number=member.planet_number,
        wechat_nickname=member.wechat_nickname,
        match_status=member.status,
        confidence=member.confidence,
        match_method=member.match_method,
        days=member.days,
        days_ranking=member.days_ranking,
        days_posts=member.days_posts,
        days_import=member.days_import,
        required_days=member.required_days,
        standing=member.standing,
        verdict=member.verdict,
        entitled_fen=member.entitled_fen,
        reasons=reasons_out(member.verdict_reasons),
        amount_line=member.breakdown.get("line", ""),
        paid_fen=member.paid_fen,
        refunded_fen=line.refunded_fen,
        refund=_refund_out(line) if line.refund is not None else None,
    )


def _refund_out(line: Line) -> LineRefundOut:
    shown = LineRefundOut.model_validate(line.refund)
    if line.refund is None or not line.refund.follows_member:
        return shown
    return shown.model_copy(update={"amount_fen": max(0, line.member.entitled_fen - line.refunded_fen)})


@router.post("/{camp_id}/archive", dependencies=[Depends(Allowed(Permission.CAMP_WRITE))])
async def archive(camp_id: Id, viewer: CurrentStaff, session: SessionDep) -> Answer[ArchivedOut]:
    """归档: refused while a refund is open; what nobody gets back is booked as income."""
    return answer(ArchivedOut(kept_fen=await service.archive(session, camp_id, actor=viewer.actor)))
