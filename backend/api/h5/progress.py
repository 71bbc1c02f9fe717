"""How far a member has come, and what becomes of the deposit. Only the owner's; others get 404."""

from fastapi import APIRouter

from backend.api.answers import Answer, Day, Id, Instant, Model, answer
from backend.api.deps import CurrentPayer, RuntimeDep, SessionDep
from backend.api.h5.shown import MyCampOut, MyRefundOut, newest_refund
from backend.checkins import progress as progresses
from backend.checkins.rules import DayState
from backend.core import clock
from backend.core.errors import NotFound
from backend.core.text import mask_middle
from backend.members import repository
from backend.members.rules import correction
from backend.models.members import MatchStatus
from backend.models.refunds import Verdict

router = APIRouter(tags=["我的"])


class MyDayOut(Model):
    """``future`` is also a day that has passed but was not counted by a complete sync yet."""

    day: Day
    state: DayState


class CheckinPostOut(Model):
    day: Day
    posted_at: Instant | None
    excerpt: str


class ProgressOut(Model):
    """``days_left`` are those on which one more can be earned, today included until it is earned.

    ``planet_user_name`` is who the member is matched to; ``correct_until`` is null when the planet data can't be
    corrected (any more); ``refund_promise`` says when refunds are made.
    """

    member_id: Id
    payment_id: Id
    camp: MyCampOut
    joined: bool
    paid_fen: int
    paid_at: Instant
    planet_nickname: str
    planet_number_masked: str
    planet_user_name: str | None
    days: int
    required_days: int
    total_days: int
    days_left: int
    reachable: bool
    verdict: Verdict
    calendar: list[MyDayOut]
    posts: list[CheckinPostOut]
    match_status: MatchStatus
    confidence: int
    correct_until: Instant | None
    refund: MyRefundOut | None
    refund_promise: str
    last_complete_sync_at: Instant | None


@router.get("/progress/{member_id}")
async def progress(member_id: Id, payer: CurrentPayer, runtime: RuntimeDep, session: SessionDep) -> Answer[ProgressOut]:
    row = await repository.owned_row(session, member_id, payer_id=payer.id, openid=payer.openid)
    if row is None:
        raise NotFound
    member, camp = row.member, row.camp
    found = await progresses.of_member(session, member, camp)
    refunds = await repository.refunds(session, [member.payment_id])
    return answer(
        ProgressOut(
            member_id=member.id,
            payment_id=member.payment_id,
            camp=MyCampOut.model_validate(camp),
            joined=member.joined,
            paid_fen=member.paid_fen,
            paid_at=member.paid_at,
            planet_nickname=member.planet_nickname,
            planet_number_masked=mask_middle(member.planet_number),
            planet_user_name=row.matched_name,
            days=found.assessment.days,
            required_days=found.assessment.required_days,
            total_days=camp.total_days,
            days_left=found.days_left,
            reachable=found.reachable,
            verdict=found.assessment.verdict,
            calendar=[MyDayOut.model_validate(day) for day in found.calendar],
            posts=[CheckinPostOut.model_validate(checkin) for checkin in found.checkins],
            match_status=member.status,
            confidence=member.confidence,
            correct_until=correction(member, camp, [refund.status for refund in refunds], now=clock.now()).until,
            refund=newest_refund(refunds),
            refund_promise=runtime.settings.refund.promise,
            last_complete_sync_at=camp.last_complete_sync_at,
        )
    )
