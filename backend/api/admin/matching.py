"""Matching (身份匹配): by hand, per camp, and the people to choose from."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from backend.api.admin.members import CandidateOut, MemberOut, candidate_out, member_out
from backend.api.answers import Answer, Id, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.audit import service as audit
from backend.camps.service import get_camp
from backend.core.errors import Invalid, NotFound
from backend.core.pagination import Page
from backend.matching import repository, service
from backend.members import repository as members
from backend.planets.service import get_planet
from backend.staff.rules import Permission

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


async def _answer(session: SessionDep, member_id: uuid.UUID) -> Answer[MemberOut]:
    await session.flush()
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
