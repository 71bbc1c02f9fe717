"""Granted days (认定): a coach grants days to one member, an amnesty excuses everybody when the platform was down.

Grants are append-only and stored beside the check-ins. Lock order: the camp's row, then its members' rows.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.community.eligibility import repository as facts
from backend.community.eligibility import service as eligibility
from backend.community.eligibility.offers import offer_of
from backend.community.members import service as members
from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import Conflict, Invalid
from backend.core.ids import new_id
from backend.models.camps import Camp, CampStatus
from backend.models.grants import DayGrant, GrantKind
from backend.models.members import Member
from backend.office.audit import service as audit
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.service import To

# Days per camp that may be excused for everybody (reference fair-deal §4).
MOST_AMNESTIES = 3


class CampNotGrantable(Conflict):
    code, message = "camp_not_grantable", "训练营未开营或已归档，不能认定打卡"


class DayAlreadyGranted(Conflict):
    """``data.days`` names the days."""

    code, message = "day_already_granted", "这一天已经认定过，不能重复认定"


class TooManyAmnesties(Conflict):
    code, message = "too_many_amnesties", f"每个训练营最多豁免 {MOST_AMNESTIES} 天"


async def grant_by_coach(
    session: AsyncSession, member_id: uuid.UUID, *, days: Collection[dt.date], reason: str, actor: Actor
) -> Member:
    """Count days for a member as if they had checked in, and judge the member again. A checked day stays as it is.

    Raises NotFound, CampNotGrantable, Invalid (a day that isn't countable), DayAlreadyGranted.
    """
    camp = await _open_camp(session, await members.camp_of(session, member_id))
    member = await members.lock_member(session, member_id)
    _check_asked(days, offer_of(member, camp).countable_days, field="days")
    granted = (await facts.grants(session, [member.id])).get(member.id, {})
    repeated = sorted(set(days) & granted.keys())
    if repeated:
        raise DayAlreadyGranted(data={"days": [day.isoformat() for day in repeated]})
    session.add_all(_rows([member], days, kind=GrantKind.COACH, reason=reason, actor=actor, source_id=None))
    await eligibility.recount(session, camp, [member])
    listed = sorted(day.isoformat() for day in days)
    audit.record(
        session, actor, "member.grant", target_type="member", target_id=member.id, target_name=member.planet_nickname,
        camp_id=camp.id, after={"kind": GrantKind.COACH, "days": listed}, note=reason,
    )  # fmt: skip
    await _notify(session, camp, [member], days=days, kind="认定为已打卡", reason=reason)
    return member


async def grant_amnesty(session: AsyncSession, camp_id: uuid.UUID, *, day: dt.date, reason: str, actor: Actor) -> int:
    """Excuse a day for everybody in a camp, and judge all members again. The day isn't missed and lowers the target.

    Returns the number of members who received the grant. A member with another grant on that day keeps it.
    Raises NotFound, CampNotGrantable, Invalid (a future day, or not countable), DayAlreadyGranted, TooManyAmnesties.
    """
    camp = await _open_camp(session, camp_id)
    _check_asked([day], offer_of(camp, camp).countable_days, field="day")
    if day > clock.today():
        raise Invalid({"day": "只能豁免今天或之前的日子"})
    earlier = await facts.amnesties(session, camp.id)
    if day in earlier:
        raise DayAlreadyGranted(data={"days": [day.isoformat()]})
    if len(earlier) >= MOST_AMNESTIES:
        raise TooManyAmnesties
    everybody = await facts.lock_members(session, camp.id)
    granted = await facts.grants(session, [member.id for member in everybody])
    receivers = [member for member in everybody if day not in granted.get(member.id, {})]
    session.add_all(_rows(receivers, [day], kind=GrantKind.AMNESTY, reason=reason, actor=actor, source_id=new_id()))
    await eligibility.recount(session, camp, everybody)
    after = {"kind": GrantKind.AMNESTY, "days": [day.isoformat()], "members": len(receivers)}
    audit.record(
        session, actor, "camp.amnesty", target_type="camp", target_id=camp.id, target_name=camp.name,
        camp_id=camp.id, after=after, note=reason,
    )  # fmt: skip
    await _notify(session, camp, receivers, days=[day], kind="豁免，不算缺卡", reason=reason)
    return len(receivers)


async def _open_camp(session: AsyncSession, camp_id: uuid.UUID) -> Camp:
    camp = await camps.lock_camp(session, camp_id)
    if camp.status not in (CampStatus.ONGOING, CampStatus.ENDED, CampStatus.SETTLING):
        raise CampNotGrantable
    return camp


def _check_asked(days: Iterable[dt.date], asked: Collection[dt.date], *, field: str) -> None:
    wrong = sorted(day.isoformat() for day in days if day not in asked)
    if wrong:
        raise Invalid({field: f"不在营期内或不计打卡：{'、'.join(wrong)}"})


def _rows(
    some: Sequence[Member],
    days: Collection[dt.date],
    *,
    kind: GrantKind,
    reason: str,
    actor: Actor,
    source_id: uuid.UUID | None,
) -> list[DayGrant]:
    return [
        DayGrant(
            id=new_id(),
            camp_id=member.camp_id,
            member_id=member.id,
            day=day,
            kind=kind,
            source_id=source_id,
            granted_by=actor.id,
            reason=reason,
        )
        for member in some
        for day in sorted(set(days))
    ]


async def _notify(
    session: AsyncSession, camp: Camp, some: Sequence[Member], *, days: Collection[dt.date], kind: str, reason: str
) -> None:
    listed = "、".join(day.isoformat() for day in sorted(set(days)))
    values = {"camp": camp.name, "day": listed, "kind": kind, "reason": reason}
    for member in some:
        about = f"{member.id}:{min(days)}"
        await notifications.notify(session, scenes.DAY_GRANTED, To.member(member), about=about, values=values)
