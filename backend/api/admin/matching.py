"""Matching (身份匹配): the queue, by hand one or many, per camp, and the people to choose from."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from backend.api.admin.members import CandidateOut, MemberOut, PlanetPersonOut, candidate_out, member_out
from backend.api.answers import Answer, Id, Model, Rows, answer
from backend.api.batches import BatchOut, Ids, batch_out, parse_ids
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.community.camps.service import get_camp
from backend.community.matching import batches, queue, repository, service
from backend.community.matching.queue import QueueRow, Tab
from backend.community.members import repository as members
from backend.community.planets.service import get_planet
from backend.core.errors import Invalid, NotFound
from backend.core.pagination import Page
from backend.models.members import MatchMethod
from backend.office.audit import service as audit
from backend.office.staff.rules import Permission

router = APIRouter(tags=["身份匹配"], dependencies=[Depends(Allowed(Permission.MEMBER_MATCH))])

MatchReason = Annotated[str, Field(min_length=1, max_length=200)]


class MatchIn(Model):
    """``planet_user_id`` is the long user id, as the candidates have it."""

    planet_user_id: Annotated[str, Field(pattern=r"^\d{1,32}$")]
    reason: MatchReason | None = None


class MatchReasonIn(Model):
    reason: MatchReason | None = None


class CloseMatchIn(Model):
    reason: MatchReason


class MatchedOut(Model):
    """How many members the camp has, how many of each status, and how many this run changed."""

    members: int
    unmatched: int
    suggested: int
    matched: int
    conflict: int
    closed: int
    changed: int


class SuggestionOut(PlanetPersonOut):
    """``agrees`` are the typed fields that are this person's; ``days`` those of the camp's ranking."""

    alias: str | None
    agrees: list[MatchMethod]
    days: int | None


class QueueRowOut(MemberOut):
    """``suggestion`` is who was found, else the free person of the camp who most resembles what was typed."""

    out_trade_no: str
    note: str | None
    suggestion: SuggestionOut | None


class QueueOut(Rows[QueueRowOut]):
    """``counts`` are those of all tabs, under the same camp and search."""

    counts: dict[Tab, int]


class MatchBatchIn(Model):
    ids: Ids


class CloseBatchIn(MatchBatchIn):
    reason: MatchReason


_TEXTS = {
    service.MatchingOver.code: service.MatchingOver.message,
    service.MemberClosed.code: service.MemberClosed.message,
    service.PlanetUserTaken.code: service.PlanetUserTaken.message,
    "nothing_to_confirm": "没有待确认的匹配结果，请刷新后再看",
}


def _queue_row(found: QueueRow) -> QueueRowOut:
    suggestion = None
    if found.suggestion is not None:
        person = found.suggestion.person
        suggestion = SuggestionOut(
            id=person.user_id,
            name=person.name,
            number=person.number,
            alias=person.alias,
            agrees=list(found.suggestion.agrees),
            days=found.suggestion.days,
        )
    return QueueRowOut(
        **member_out(found.row).model_dump(),
        out_trade_no=found.out_trade_no,
        note=found.row.member.match_note,
        suggestion=suggestion,
    )


@router.get("/matching")
async def matching_queue(
    session: SessionDep,
    viewer: CurrentStaff,
    page: PageDep,
    tab: Tab = Tab.TO_MATCH,
    camp_id: Annotated[Id | None, Query()] = None,
    q: Annotated[str | None, Query(max_length=50)] = None,
) -> Answer[QueueOut]:
    """Latest payment first; members of archived camps are no longer here."""
    if camp_id is not None:
        viewer.require_camp((await get_camp(session, camp_id)).id)
    wanted = queue.Wanted(tab, camp_id, q)
    counts = await queue.counts(session, wanted)
    found = await queue.page(session, page, wanted, total=counts[tab])
    return answer(
        QueueOut(
            items=[_queue_row(row) for row in found.items],
            total=found.total,
            page=found.page,
            page_size=found.page_size,
            counts=counts,
        )
    )


@router.post("/members/batch-close-match")
async def batch_close(body: CloseBatchIn, session: SessionDep, viewer: CurrentStaff) -> Answer[BatchOut]:
    """无法匹配 for many, with one reason."""
    ids = parse_ids(body.ids)
    codes = await batches.close_many(session, ids, actor=viewer.actor, reason=body.reason)
    return answer(batch_out(body.ids, codes, _TEXTS))


@router.post("/members/batch-confirm-match")
async def batch_confirm(body: MatchBatchIn, session: SessionDep, viewer: CurrentStaff) -> Answer[BatchOut]:
    """Say of many that the person found by a nickname is right: matched by hand, confidence 100."""
    ids = parse_ids(body.ids)
    codes = await batches.confirm_many(session, ids, actor=viewer.actor)
    return answer(batch_out(body.ids, codes, _TEXTS))


async def _answer(session: SessionDep, member_id: uuid.UUID) -> Answer[MemberOut]:
    row = await members.row(session, member_id)
    if row is None:
        raise NotFound("会员不存在")
    return answer(member_out(row))


@router.post("/members/{member_id}/match")
async def match(member_id: Id, body: MatchIn, session: SessionDep, viewer: CurrentStaff) -> Answer[MemberOut]:
    """Say who a member is. No sync changes it again."""
    await service.match_manually(
        session, member_id, planet_user_id=body.planet_user_id, actor=viewer.actor, reason=body.reason
    )
    return await _answer(session, member_id)


@router.post("/members/{member_id}/unmatch")
async def unmatch(
    member_id: Id, session: SessionDep, viewer: CurrentStaff, body: MatchReasonIn | None = None
) -> Answer[MemberOut]:
    """Take a match or suggestion back; the next sync may match anew."""
    await service.unmatch(session, member_id, actor=viewer.actor, reason=body.reason if body else None)
    return await _answer(session, member_id)


@router.post("/members/{member_id}/close-match")
async def close_match(
    member_id: Id, body: CloseMatchIn, session: SessionDep, viewer: CurrentStaff
) -> Answer[MemberOut]:
    """无法匹配: no sync looks for this member any more."""
    await service.close(session, member_id, actor=viewer.actor, reason=body.reason)
    return await _answer(session, member_id)


@router.post("/members/{member_id}/reopen-match")
async def reopen_match(
    member_id: Id, session: SessionDep, viewer: CurrentStaff, body: MatchReasonIn | None = None
) -> Answer[MemberOut]:
    """Let a closed member be matched again."""
    await service.reopen(session, member_id, actor=viewer.actor, reason=body.reason if body else None)
    return await _answer(session, member_id)


@router.post("/camps/{camp_id}/match")
async def match_camp(camp_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[MatchedOut]:
    """Match the camp's members anew with what is known of the planet now."""
    counts = await service.match_camp(session, camp_id, viewer.actor)
    camp = await get_camp(session, camp_id)
    audit.record(
        session,
        viewer.actor,
        "member.match",
        target_type="camp",
        target_id=camp.id,
        target_name=camp.name,
        camp_id=camp.id,
        after=counts,
    )
    return answer(MatchedOut.model_validate(counts))


@router.get("/planet-users")
async def planet_users(
    session: SessionDep,
    page: PageDep,
    planet_id: Annotated[Id | None, Query()] = None,
    camp_id: Annotated[Id | None, Query()] = None,
    q: Annotated[str | None, Query(max_length=50)] = None,
) -> Answer[Rows[CandidateOut]]:
    """People of a planet, or of a camp's planet with their days in the camp. ``q`` is part of a name, or a number."""
    if camp_id is not None:
        camp = await get_camp(session, camp_id)
        planet_id = camp.planet_id
        if planet_id is None:
            return answer(Rows.of(Page([], 0, page.page, page.page_size), candidate_out))
    elif planet_id is not None:
        planet_id = (await get_planet(session, planet_id)).id
    else:
        raise Invalid({"camp_id": "camp_id 与 planet_id 至少填写一个"})
    typed = (q or "").strip() or None
    found = await repository.candidates(session, page, planet_id=planet_id, camp_id=camp_id, q=typed)
    return answer(Rows.of(found, candidate_out))
