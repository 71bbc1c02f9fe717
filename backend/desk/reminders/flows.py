"""Scheduled reminders (product requirements §3.9). Each scene happens once per object and day."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.checkins import service as checkins
from backend.community.eligibility.offers import offer_of
from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.errors import AppError
from backend.core.money import format_yuan
from backend.core.queue import enqueue
from backend.desk.reminders import repository
from backend.models.camps import Camp
from backend.models.checkins import SyncTrigger
from backend.models.members import Member, Standing
from backend.models.notifications import NoticeAudience
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.configuring import chosen
from backend.office.notifications.service import To
from backend.runtime import Runtime

QR_WARNING_AGE = dt.timedelta(days=6)
GROUP_REMINDER_AFTER = dt.timedelta(hours=24)
GROUP_REMINDERS = 3
# A sync that ended earlier is too old to tell who hasn't checked in today (B6).
FRESH_FROM = dt.time(19, 30)
_NAMES_LISTED = 20
_UNKNOWN = "–"


async def reminders(runtime: Runtime) -> dict[str, Any]:
    """Job, 10:00: send the reminders of today to members and staff. Returns how many per scene."""
    async with runtime.db.transaction() as session:
        return {
            "camp_ending": await _camps_ending(session),
            "not_in_group": await _not_in_group(session),
            "match_needed": await _match_needed(session),
            "qr_expiring": await _qr_expiring(session),
        }


async def checkin_refresh(runtime: Runtime) -> dict[str, Any]:
    """Job, 19:30: sync running camps again if the 20:00 nudges are enabled. Returns how many syncs were started."""
    asked = 0
    async with runtime.db.transaction() as session:
        camps = await repository.running_camps(session) if await _nudges(session) else []
    for camp in camps:
        try:
            async with runtime.db.transaction() as session:
                run = await checkins.start(session, camp.id, trigger=SyncTrigger.SCHEDULER, actor=SYSTEM)
                enqueue(session, "checkins.sync", run_id=run.id)
                asked += 1
        except AppError:
            continue  # a sync is running, or the planet can't be read; without a fresh sync no reminder is sent
    return {"asked": asked}


async def checkin_nudges(runtime: Runtime) -> dict[str, Any]:
    """Job, 20:00: nudge members without a check-in today, if enabled and if their camp was synced since 19:30."""
    told = 0
    async with runtime.db.transaction() as session:
        if not await _nudges(session):
            return {"told": 0}
        today = clock.today()
        fresh = dt.datetime.combine(today, FRESH_FROM, clock.SHANGHAI)
        for member, camp in await repository.not_checked_in(session, day=today, read_after=fresh):
            if not _is_short(member):
                continue
            told += 1
            values = _values(member, camp)
            values["rate"] = f"{member.days * 100 // member.required_days}%" if member.required_days else _UNKNOWN
            about = f"{member.id}:{today}"
            await notifications.notify(session, scenes.CHECKIN_DAILY, To.member(member), about=about, values=values)
    return {"told": told}


async def _nudges(session: AsyncSession) -> bool:
    return (await chosen(session, scenes.CHECKIN_DAILY, NoticeAudience.MEMBER)).enabled


async def _camps_ending(session: AsyncSession) -> int:
    camps = await repository.camps_ending_on(session, clock.today() + dt.timedelta(days=1))
    for camp in camps:
        short = [member for member in await repository.members_of(session, camp) if _is_short(member)]
        for member in short:
            values = _values(member, camp) | {"day": camp.ends_on}
            await notifications.notify(
                session, scenes.CAMP_ENDING, To.member(member), about=str(member.id), values=values
            )
        values = {
            "camp": camp.name,
            "day": camp.ends_on,
            "count": len(short),
            "list": _names(short),
        }
        await notifications.notify(session, scenes.CAMP_ENDING, To.staff(camp.id), about=str(camp.id), values=values)
    return len(camps)


def _is_short(member: Member) -> bool:
    """Whether the days counted so far, from syncs or sheets, refund less than the whole deposit."""
    return member.entitled_fen < member.paid_fen - member.fee_fen


def _values(member: Member, camp: Camp) -> dict[str, object]:
    return {
        "camp": camp.name,
        "days": member.days,
        "required": member.required_days if member.required_days is not None else _UNKNOWN,
        "missing": max(0, member.required_days - member.days) if member.required_days is not None else _UNKNOWN,
        "outlook": _outlook(member),
        "rule": offer_of(member, camp).short,
    }


def _outlook(member: Member) -> str:
    if member.standing is not Standing.OUT_OF_REACH:
        return "坚持打卡仍可达标。"
    more, fen = member.breakdown.get("next_days"), member.breakdown.get("next_fen")
    if more is None or fen is None:
        return "剩余天数已不足以达标。"
    return f"已不能全额退还，再打卡 {more} 天可退 {format_yuan(fen)} 元。"


def _names(members: Sequence[Member]) -> str:
    names = [member.planet_nickname for member in members[:_NAMES_LISTED]]
    return "、".join(names) + (f" 等 {len(members)} 人" if len(members) > _NAMES_LISTED else "")


async def _not_in_group(session: AsyncSession) -> int:
    now, count = clock.now(), 0
    missing: defaultdict[Camp, list[Member]] = defaultdict(list)
    for member, camp in await repository.not_in_group(session, paid_before=now - GROUP_REMINDER_AFTER):
        nth = (now - member.paid_at).days
        if nth > GROUP_REMINDERS:
            continue
        count += 1
        missing[camp].append(member)
        values: dict[str, object] = {"camp": camp.name, "name": member.planet_nickname}
        about = f"{member.id}:{nth}"
        await notifications.notify(session, scenes.NOT_IN_GROUP, To.member(member), about=about, values=values)
    for camp, members in missing.items():
        values = {"camp": camp.name, "count": len(members), "list": _names(members)}
        about = f"{camp.id}:{clock.today()}"
        await notifications.notify(session, scenes.NOT_IN_GROUP, To.staff(camp.id), about=about, values=values)
    return count


async def _match_needed(session: AsyncSession) -> int:
    found = await repository.camps_with_unmatched(session)
    if found:
        lines = [f"「{camp.name}」{count} 人" for camp, count in found]
        values = {"count": sum(count for _, count in found), "list": "\n".join(lines)}
        await notifications.notify(session, scenes.MATCH_NEEDED, To.staff(), about=str(clock.today()), values=values)
    return len(found)


async def _qr_expiring(session: AsyncSession) -> int:
    camps = await repository.camps_with_old_qr(session, uploaded_before=clock.now() - QR_WARNING_AGE)
    for camp in camps:
        await notifications.notify(
            session, scenes.QR_EXPIRING, To.staff(camp.id), about=str(camp.group_qr_key), values={"camp": camp.name}
        )
    return len(camps)
