"""Members (会员): lists, one member with everything about them, and who joined the group."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from backend.api.answers import Answer, Day, Id, Instant, LongRows, Model, answer
from backend.api.batches import BatchOut, Ids, batch_out, parse_ids
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.community.camps.service import get_camp
from backend.community.checkins import progress as progresses
from backend.community.checkins.rules import DayState
from backend.community.eligibility.offers import offer_of
from backend.community.eligibility.rules import REASON_TEXTS, Reason
from backend.community.matching import repository as matching
from backend.community.matching.repository import Candidate
from backend.community.matching.rules import likeness
from backend.community.matching.service import form_of
from backend.community.members import repository, service
from backend.community.members.repository import Filters, MemberRow
from backend.core import clock
from backend.core.errors import Invalid, NotFound
from backend.core.pagination import PageRequest
from backend.models.camps import CampStatus
from backend.models.grants import GrantKind
from backend.models.members import MatchMethod, MatchStatus, Member, Standing, Verdict
from backend.models.payments import Channel, Excess, PaymentStatus
from backend.models.planets import PlanetUser
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/members", tags=["会员"])
Reader = Depends(Allowed(Permission.MEMBER_VIEW))

# Maximum number of candidates offered for a member that no rule matched.
_CANDIDATES = 10


class PlanetPersonOut(Model):
    """Somebody on the planet; ``id`` is the long user id, ``number`` the 星球编号 where it is known."""

    id: str
    name: str
    number: str | None


class MemberOut(Model):
    """``planet_user`` is who is matched, or only suggested: ``match_status`` tells.

    ``verdict`` is null until the camp's end was seen. ``required_days`` is the least number of days that brings the
    whole deposit back, null for a deal nobody can read; ``days_left`` those on which one more can still be earned.
    ``entitled_fen``: what comes back as things stand, while the camp runs if nothing more is added.
    """

    id: Id
    camp_id: Id
    camp_name: str
    payment_id: Id
    planet_nickname: str
    planet_number: str
    wechat_nickname: str
    match_status: MatchStatus
    confidence: int
    match_method: MatchMethod | None
    planet_user: PlanetPersonOut | None
    joined: bool
    days: int
    required_days: int | None
    days_left: int
    standing: Standing
    verdict: Verdict | None
    entitled_fen: int
    paid_fen: int
    paid_at: Instant


class CandidateOut(PlanetPersonOut):
    """``days`` are those of the camp's ranking; ``taken_by`` is the member matched to this person already."""

    alias: str | None
    left: bool
    days: int | None
    taken_by: Id | None


class VerdictReasonOut(Model):
    code: Reason
    text: str


class TypedFormOut(Model):
    planet_nickname: str
    planet_number: str
    wechat_nickname: str


class FoundOut(PlanetPersonOut):
    alias: str | None
    left: bool


class EvidenceOut(Model):
    """What the member typed beside who was found; ``note`` says what a person has to look at.

    ``amount_line`` says in one line how the amount comes about, ``rule`` what was agreed at payment.
    """

    typed: TypedFormOut
    found: FoundOut | None
    note: str | None
    reasons: list[VerdictReasonOut]
    amount_line: str
    rule: str
    days_ranking: int | None
    days_posts: int | None
    days_import: int | None
    counted_at: Instant | None
    candidates: list[CandidateOut]


class CalendarDayOut(Model):
    day: Day
    state: DayState


class GrantOut(Model):
    """A day granted to the member: 认定."""

    day: Day
    kind: GrantKind
    reason: str
    granted_by: str | None
    created_at: Instant


class MatchChangeOut(Model):
    from_state: str
    to_state: str
    event: str
    actor_name: str
    note: str | None
    at: Instant


class MemberActionOut(Model):
    action: str
    actor_name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    note: str | None
    at: Instant


class MemberPaymentOut(Model):
    id: Id
    out_trade_no: str
    status: PaymentStatus
    channel: Channel
    amount_fen: int
    paid_at: Instant | None
    excess: Excess | None
    created_at: Instant


class MemberRefundOut(Model):
    """``amount_fen`` is what it pays now while it waits for review."""

    id: Id
    kind: RefundKind
    status: RefundStatus
    amount_fen: int
    out_refund_no: str
    reject_reason: str | None
    created_at: Instant
    succeeded_at: Instant | None


class MemberCampOut(Model):
    id: Id
    name: str
    status: CampStatus
    starts_on: Day
    ends_on: Day
    total_days: int
    last_complete_sync_at: Instant | None


class MemberDetailOut(MemberOut):
    camp: MemberCampOut
    joined_at: Instant | None
    evidence: EvidenceOut
    calendar: list[CalendarDayOut]
    grants: list[GrantOut]
    history: list[MatchChangeOut]
    actions: list[MemberActionOut]
    payments: list[MemberPaymentOut]
    refunds: list[MemberRefundOut]


class JoinedIn(Model):
    joined: bool


class JoinedBatchIn(JoinedIn):
    ids: Ids


def person_out(person: PlanetUser) -> PlanetPersonOut:
    return PlanetPersonOut(id=person.user_id, name=person.name, number=person.number)


def candidate_out(candidate: Candidate) -> CandidateOut:
    person = candidate.person
    return CandidateOut(
        **person_out(person).model_dump(),
        alias=person.alias,
        left=person.left,
        days=candidate.days_ranking,
        taken_by=candidate.taken_by,
    )


def member_out(row: MemberRow) -> MemberOut:
    return MemberOut(**_fields(row))


def _fields(row: MemberRow) -> dict[str, Any]:
    member = row.member
    columns = {name: getattr(member, name) for name in MemberOut.model_fields if hasattr(member, name)}
    return columns | {
        "camp_name": row.camp.name,
        "match_status": member.status,
        "planet_user": person_out(row.person) if row.person else None,
        "days_left": offer_of(member, row.camp).days_left(clock.today()),
    }


async def visible_member(member_id: Id, session: SessionDep, viewer: CurrentStaff) -> MemberRow:
    """Unknown: 404; of a foreign camp: 403."""
    row = await repository.row(session, member_id)
    if row is None:
        raise NotFound("会员不存在")
    viewer.require_camp(row.member.camp_id)
    return row


Visible = Annotated[MemberRow, Depends(visible_member)]


def _statuses(
    match_status: Annotated[str | None, Query(description="可用逗号分隔多个状态")] = None,
) -> list[MatchStatus]:
    try:
        return [MatchStatus(part.strip()) for part in (match_status or "").split(",") if part.strip()]
    except ValueError:
        raise Invalid({"match_status": "不是可选的值"}) from None


def _standings(
    standing: Annotated[str | None, Query(description="可用逗号分隔多个状态")] = None,
) -> list[Standing]:
    try:
        return [Standing(part.strip()) for part in (standing or "").split(",") if part.strip()]
    except ValueError:
        raise Invalid({"standing": "不是可选的值"}) from None


async def _wanted(
    session: SessionDep,
    viewer: CurrentStaff,
    match_status: Annotated[list[MatchStatus], Depends(_statuses)],
    camp_id: Annotated[Id | None, Query()] = None,
    confidence: Annotated[int | None, Query(ge=0, le=100)] = None,
    joined: bool | None = None,
    verdict: Verdict | None = None,
    standing: Annotated[list[Standing], Depends(_standings)] = [],  # noqa: B006 - FastAPI copies it
    paid_from: Day | None = None,
    paid_to: Day | None = None,
    q: Annotated[str | None, Query(max_length=50)] = None,
) -> Filters:
    """``paid_from`` and ``paid_to`` are days, both inclusive; ``q`` looks into what was typed and into the planet
    person's names and numbers. A foreign camp: 403.
    """
    if camp_id is not None:
        viewer.require_camp((await get_camp(session, camp_id)).id)
    return Filters(
        camp_ids=viewer.camp_ids,
        camp_id=camp_id,
        match_status=match_status,
        confidence=confidence,
        joined=joined,
        verdict=verdict,
        standing=standing,
        paid_from=clock.day_start(paid_from) if paid_from else None,
        paid_before=clock.day_start(paid_to + dt.timedelta(days=1)) if paid_to else None,
        q=q,
    )


# Shared by list and export, so both return the same rows.
WantedMembers = Annotated[Filters, Depends(_wanted)]


@router.get("", dependencies=[Reader])
async def list_members(wanted: WantedMembers, session: SessionDep, page: PageDep) -> Answer[LongRows[MemberOut]]:
    """Latest payment first."""
    return answer(LongRows.of(await repository.page(session, page, wanted), member_out))


@router.get("/{member_id}", dependencies=[Reader])
async def read_member(row: Visible, session: SessionDep, viewer: CurrentStaff) -> Answer[MemberDetailOut]:
    """``candidates`` are there for who may match, and while the match is not beyond doubt."""
    may_match = Permission.MEMBER_MATCH in viewer.permissions
    in_doubt = row.member.status is not MatchStatus.MATCHED or row.member.confidence < 100
    candidates = await _candidates(session, row) if may_match and in_doubt else []
    progress = await progresses.of_member(session, row.member, row.camp)
    payments = await repository.payments(session, row.member)
    refunds = await repository.refunds(session, [payment.id for payment in payments])
    return answer(
        MemberDetailOut(
            **_fields(row),
            camp=MemberCampOut.model_validate(row.camp),
            joined_at=row.member.joined_at,
            evidence=_evidence(row, candidates),
            calendar=[CalendarDayOut.model_validate(day) for day in progress.calendar],
            grants=[
                GrantOut(
                    day=grant.day, kind=grant.kind, reason=grant.reason, granted_by=name, created_at=grant.created_at
                )
                for grant, name in await repository.grants(session, row.member.id)
            ],
            history=await _history(session, row),
            actions=await _actions(session, row),
            payments=[MemberPaymentOut.model_validate(payment) for payment in payments],
            refunds=[_refund_out(refund, refunds, row.member) for refund in refunds],
        )
    )


def _refund_out(refund: Refund, others: Sequence[Refund], member: Member) -> MemberRefundOut:
    shown = MemberRefundOut.model_validate(refund)
    if not refund.follows_member:
        return shown
    same = [other for other in others if other.payment_id == refund.payment_id]
    back = sum(other.amount_fen for other in same if other.status is RefundStatus.SUCCEEDED)
    return shown.model_copy(update={"amount_fen": max(0, member.entitled_fen - back)})


def _evidence(row: MemberRow, candidates: list[CandidateOut]) -> EvidenceOut:
    member, person = row.member, row.person
    found = FoundOut(**person_out(person).model_dump(), alias=person.alias, left=person.left) if person else None
    return EvidenceOut(
        typed=TypedFormOut.model_validate(member),
        found=found,
        note=member.match_note,
        reasons=[
            VerdictReasonOut(code=Reason(code), text=REASON_TEXTS[Reason(code)]) for code in member.verdict_reasons
        ],
        amount_line=member.breakdown.get("line", ""),
        rule=offer_of(member, row.camp).short,
        days_ranking=member.days_ranking,
        days_posts=member.days_posts,
        days_import=member.days_import,
        counted_at=member.counted_at,
        candidates=candidates,
    )


async def _candidates(session: SessionDep, row: MemberRow) -> list[CandidateOut]:
    """The people on the planet who most resemble what was typed."""
    if row.camp.planet_id is None:
        return []
    form = form_of(row.member)
    scored = [(likeness(form, person), person.user_id) for person in await matching.people(session, row.camp.planet_id)]
    best = [user_id for score, user_id in sorted(scored, reverse=True)[:_CANDIDATES] if score > 0]
    found = await matching.candidates(
        session, PageRequest(1, _CANDIDATES), planet_id=row.camp.planet_id, camp_id=row.camp.id, user_ids=best
    )
    return [candidate_out(each) for each in sorted(found.items, key=lambda each: best.index(each.person.user_id))]


async def _history(session: SessionDep, row: MemberRow) -> list[MatchChangeOut]:
    return [
        MatchChangeOut(
            from_state=change.from_state,
            to_state=change.to_state,
            event=change.event,
            actor_name=name or "系统",
            note=change.note,
            at=change.created_at,
        )
        for change, name in await repository.history(session, row.member.id)
    ]


async def _actions(session: SessionDep, row: MemberRow) -> list[MemberActionOut]:
    return [
        MemberActionOut(
            action=entry.action,
            actor_name=entry.actor_name,
            before=entry.before,
            after=entry.after,
            note=entry.note,
            at=entry.created_at,
        )
        for entry in await repository.actions(session, row.member.id)
    ]


@router.post("/{member_id}/joined", dependencies=[Depends(Allowed(Permission.MEMBER_JOIN))])
async def mark_joined(row: Visible, body: JoinedIn, session: SessionDep, viewer: CurrentStaff) -> Answer[MemberOut]:
    """标记进群, or take it back. Saying it twice changes nothing."""
    await service.mark_joined(session, row.member.id, joined=body.joined, actor=viewer.actor)
    return answer(member_out(row))


@router.post("/batch-joined", dependencies=[Depends(Allowed(Permission.MEMBER_JOIN))])
async def mark_many_joined(body: JoinedBatchIn, session: SessionDep, viewer: CurrentStaff) -> Answer[BatchOut]:
    """The same for many; members of foreign camps are left alone."""
    codes = await service.mark_many_joined(
        session, parse_ids(body.ids), joined=body.joined, actor=viewer.actor, camp_ids=viewer.camp_ids
    )
    return answer(batch_out(body.ids, codes, {}))
