"""Granted days (认定): by a coach to one member, or to a whole camp as an amnesty."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from backend.api.admin.members import MemberOut, Visible, member_out
from backend.api.answers import Answer, Day, Id, Instant, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.community.camps.service import get_camp
from backend.community.grants import repository, service
from backend.community.grants.repository import GrantRow
from backend.community.members import repository as members
from backend.models.grants import GrantKind
from backend.office.staff.rules import Permission

router = APIRouter(tags=["认定"])
Granter = Depends(Allowed(Permission.DAY_GRANT))

GrantReason = Annotated[str, Field(min_length=2, max_length=200)]


class GrantIn(Model):
    """Days of the camp that count as checked from now on."""

    days: Annotated[frozenset[Day], Field(min_length=1, max_length=31)]
    reason: GrantReason


class AmnestyIn(Model):
    day: Day
    reason: GrantReason


class AmnestyOut(Model):
    """``members``: to how many it was granted."""

    members: int


class GrantRowOut(Model):
    """``granted_by`` is null where nobody decided by hand."""

    id: Id
    camp_id: Id
    camp_name: str
    member_id: Id
    planet_nickname: str
    day: Day
    kind: GrantKind
    reason: str
    granted_by: str | None
    created_at: Instant


def _out(row: GrantRow) -> GrantRowOut:
    grant = row.grant
    return GrantRowOut(
        id=grant.id,
        camp_id=grant.camp_id,
        camp_name=row.camp_name,
        member_id=grant.member_id,
        planet_nickname=row.member.planet_nickname,
        day=grant.day,
        kind=grant.kind,
        reason=grant.reason,
        granted_by=row.granted_by,
        created_at=grant.created_at,
    )


@router.get("/grants", dependencies=[Depends(Allowed(Permission.CHECKIN_VIEW))])
async def list_grants(
    session: SessionDep,
    viewer: CurrentStaff,
    page: PageDep,
    camp_id: Annotated[Id | None, Query()] = None,
    member_id: Annotated[Id | None, Query()] = None,
    kind: GrantKind | None = None,
) -> Answer[Rows[GrantRowOut]]:
    """Newest first; coaches and volunteers see those of their camps."""
    if camp_id is not None:
        viewer.require_camp(camp_id)
    found = await repository.page(
        session, page, camp_ids=viewer.camp_ids, camp_id=camp_id, member_id=member_id, kind=kind
    )
    return answer(Rows.of(found, _out))


@router.post("/members/{member_id}/grants", dependencies=[Granter])
async def grant(row: Visible, body: GrantIn, session: SessionDep, viewer: CurrentStaff) -> Answer[MemberOut]:
    """教练认定: these days count for the member, whatever the posts say."""
    member = await service.grant_by_coach(
        session, row.member.id, days=body.days, reason=body.reason, actor=viewer.actor
    )
    found = await members.row(session, member.id)
    return answer(member_out(found or row))


@router.post("/camps/{camp_id}/amnesties", dependencies=[Depends(Allowed(Permission.CAMP_WRITE))])
async def amnesty(camp_id: Id, body: AmnestyIn, session: SessionDep, viewer: CurrentStaff) -> Answer[AmnestyOut]:
    """豁免: a day on which nobody is missed, since the platform was down."""
    await get_camp(session, camp_id)
    viewer.require_camp(camp_id)
    count = await service.grant_amnesty(session, camp_id, day=body.day, reason=body.reason, actor=viewer.actor)
    return answer(AmnestyOut(members=count))
