"""The 10:00 reminders (product requirements §3.9). Each scene happens once per object and day."""

import datetime as dt
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.members.rules import required_days
from backend.models.camps import Camp
from backend.models.members import Member
from backend.notifications import service as notifications
from backend.reminders import repository
from backend.runtime import Runtime

QR_WARNING_AGE = dt.timedelta(days=6)
GROUP_REMINDER_AFTER = dt.timedelta(hours=24)
GROUP_REMINDERS = 3


async def reminders(runtime: Runtime) -> dict[str, Any]:
    """Remind members and staff of what today calls for; returns how many of each scene."""
    async with runtime.db.transaction() as session:
        return {
            "camp_ending": await _camps_ending(session),
            "not_in_group": await _not_in_group(session),
            "match_needed": await _match_needed(session),
            "qr_expiring": await _qr_expiring(session),
        }


async def _camps_ending(session: AsyncSession) -> int:
    camps = await repository.camps_ending_on(session, clock.today() + dt.timedelta(days=1))
    for camp in camps:
        short = [member for member in await repository.members_of(session, camp) if _days(member) < _needed(member)]
        for member in short:
            done, needed = _days(member), _needed(member)
            await notifications.tell_member(
                session,
                "camp_ending",
                member,
                about=str(member.id),
                title="训练营明天结束",
                content=f"「{camp.name}」{camp.ends_on} 结束，您已打卡 {done}/{needed} 天，还差 {needed - done} 天。",
            )
        await notifications.alert_staff(
            session,
            "camp_ending",
            about=str(camp.id),
            title="训练营明天结束",
            content=f"「{camp.name}」将于 {camp.ends_on} 结束，{len(short)} 人打卡天数未达标。",
            camp_id=camp.id,
        )
    return len(camps)


def _days(member: Member) -> int:
    counted = member.days_posts if member.days_posts is not None else member.days_ranking
    return counted or 0


def _needed(member: Member) -> int:
    return required_days(member.refund_policy)


async def _not_in_group(session: AsyncSession) -> int:
    now = clock.now()
    count = 0
    for member, camp in await repository.not_in_group(session, paid_before=now - GROUP_REMINDER_AFTER):
        nth = (now - member.paid_at).days
        if nth > GROUP_REMINDERS:
            continue
        count += 1
        await notifications.tell_member(
            session,
            "not_in_group",
            member,
            about=f"{member.id}:{nth}",
            title="请加入训练营群",
            content=f"您已报名「{camp.name}」，请在「我的」中打开群二维码并加入。",
        )
    return count


async def _match_needed(session: AsyncSession) -> int:
    found = await repository.camps_with_unmatched(session)
    if found:
        lines = [f"「{camp.name}」{count} 人" for camp, count in found]
        await notifications.alert_staff(
            session, "match_needed", about=str(clock.today()), title="有会员待身份匹配", content="\n".join(lines)
        )
    return len(found)


async def _qr_expiring(session: AsyncSession) -> int:
    camps = await repository.camps_with_old_qr(session, uploaded_before=clock.now() - QR_WARNING_AGE)
    for camp in camps:
        await _warn_of_qr(session, camp)
    return len(camps)


async def _warn_of_qr(session: AsyncSession, camp: Camp) -> None:
    await notifications.alert_staff(
        session,
        "qr_expiring",
        about=str(camp.group_qr_key),
        title="群二维码即将失效",
        content=f"「{camp.name}」的群二维码已上传 6 天以上，请更换。",
        camp_id=camp.id,
    )
