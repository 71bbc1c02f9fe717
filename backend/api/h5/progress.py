"""How far a member has come, and what becomes of the deposit. Only the owner's; others get 404."""

from fastapi import APIRouter

from backend.api.answers import Answer, Day, Id, Instant, Model, answer
from backend.api.deps import CurrentPayer, RuntimeDep, SessionDep
from backend.api.h5.shown import MembershipOut, membership
from backend.api.rules import RuleOut
from backend.community.checkins import progress as progresses
from backend.community.checkins.rules import DayState
from backend.community.members import repository
from backend.core import clock
from backend.core.errors import NotFound
from backend.models.members import MatchStatus, Member, Standing

router = APIRouter(tags=["我的"])


class MyDayOut(Model):
    """``future`` is also a day that has passed but was not counted by a complete sync yet."""

    day: Day
    state: DayState


class CheckinPostOut(Model):
    day: Day
    posted_at: Instant | None
    excerpt: str


class ProgressOut(MembershipOut):
    """``days_left`` are those on which one more can be earned, today included until it is earned.

    ``now_fen`` comes back if no day is added; ``next_days`` more bring ``next_fen``, all that are left ``most_fen``.
    Once the camp's end was seen, and where nobody can tell, they are null. ``amount_line`` says how the amount
    comes about.
    ``planet_user_name`` is who the member is matched to; ``refund_promise`` says when refunds are made.
    """

    planet_user_name: str | None
    today: Day
    total_days: int
    days_left: int
    reachable: bool
    now_fen: int | None
    next_days: int | None
    next_fen: int | None
    most_fen: int | None
    amount_line: str
    deposit_fen: int
    rule: RuleOut
    calendar: list[MyDayOut]
    posts: list[CheckinPostOut]
    confidence: int
    refund_promise: str
    last_complete_sync_at: Instant | None


def _outlook(member: Member) -> dict[str, int | None]:
    told = member.breakdown if member.verdict is None else {}
    now = member.entitled_fen if "most_fen" in told and member.status is MatchStatus.MATCHED else None
    return {"now_fen": now} | {name: told.get(name) for name in ("next_days", "next_fen", "most_fen")}


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
            **dict(membership(row, refunds)),
            planet_user_name=row.matched_name,
            today=clock.today(),
            total_days=camp.total_days,
            days_left=found.days_left,
            reachable=member.standing is not Standing.OUT_OF_REACH,
            **_outlook(member),
            amount_line=member.breakdown.get("line", ""),
            deposit_fen=member.paid_fen - member.fee_fen,
            rule=RuleOut.model_validate(found.offer),
            calendar=[MyDayOut.model_validate(day) for day in found.calendar],
            posts=[CheckinPostOut.model_validate(checkin) for checkin in found.checkins],
            confidence=member.confidence,
            refund_promise=runtime.settings.refund.promise,
            last_complete_sync_at=camp.last_complete_sync_at,
        )
    )
