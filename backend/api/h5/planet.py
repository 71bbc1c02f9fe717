"""修改星球信息: a member corrects what they typed while nobody is sure who they are."""

import uuid
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from backend.api.answers import Answer, Id, Instant, Model, answer
from backend.api.deps import CurrentPayer, SessionDep
from backend.api.guard import Sensitive
from backend.api.h5.shown import MyCampOut
from backend.community.enrollments.rules import read_form
from backend.community.members import repository
from backend.community.members.repository import MemberRow
from backend.community.members.rules import correction
from backend.core import clock
from backend.core.errors import NotFound
from backend.models.members import MatchStatus
from backend.money.refunds import corrections

router = APIRouter(prefix="/members/{member_id}/planet", tags=["我的"])

# Looser than the enrolment form rules, so that those report a too long text in words for members.
Typed = Annotated[str, Field(max_length=200)]


class MyPlanetIn(Model):
    planet_nickname: Typed
    planet_number: Typed


class MyPlanetOut(Model):
    """Either ``correct_until`` or ``locked_reason`` is set. ``planet_user_name`` is who the member is matched to."""

    member_id: Id
    camp: MyCampOut
    planet_nickname: str
    planet_number: str
    wechat_nickname: str
    match_status: MatchStatus
    confidence: int
    planet_user_name: str | None
    correct_until: Instant | None
    locked_reason: str | None


@router.get("")
async def read_planet(member_id: Id, payer: CurrentPayer, session: SessionDep) -> Answer[MyPlanetOut]:
    return answer(await _planet(session, await _owned(session, payer, member_id)))


@router.put("", dependencies=[Sensitive])
async def correct_planet(
    member_id: Id, body: MyPlanetIn, payer: CurrentPayer, session: SessionDep
) -> Answer[MyPlanetOut]:
    """Correct the planet data; the match is looked for again at once."""
    member = (await _owned(session, payer, member_id)).member
    form = read_form(
        planet_nickname=body.planet_nickname, planet_number=body.planet_number, wechat_nickname=member.wechat_nickname
    )
    await corrections.correct_planet(
        session,
        member_id,
        planet_nickname=form.planet_nickname,
        planet_number=form.planet_number,
        actor=payer.actor,
    )
    return answer(await _planet(session, await _owned(session, payer, member_id)))


async def _owned(session: SessionDep, payer: CurrentPayer, member_id: uuid.UUID) -> MemberRow:
    row = await repository.owned_row(session, member_id, payer_id=payer.id, openid=payer.openid)
    if row is None:
        raise NotFound
    return row


async def _planet(session: SessionDep, row: MemberRow) -> MyPlanetOut:
    member = row.member
    refunds = await repository.refunds(session, [member.payment_id])
    correctable = correction(member, row.camp, [refund.status for refund in refunds], now=clock.now())
    return MyPlanetOut(
        member_id=member.id,
        camp=MyCampOut.model_validate(row.camp),
        planet_nickname=member.planet_nickname,
        planet_number=member.planet_number,
        wechat_nickname=member.wechat_nickname,
        match_status=member.status,
        confidence=member.confidence,
        planet_user_name=row.matched_name,
        correct_until=correctable.until,
        locked_reason=correctable.locked_reason,
    )
