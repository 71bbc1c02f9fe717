"""Notifications about refunds (product requirements §3.9)."""

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.money import format_yuan
from backend.core.text import mask_middle
from backend.models.camps import Camp
from backend.models.members import Member
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundHold, RefundStatus
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.service import To

_UNKNOWN = "–"


async def refund_succeeded(session: AsyncSession, refund: Refund, payment: Payment) -> None:
    """Tell the member, and also the camp's group if that notice is enabled."""
    camp = await session.get_one(Camp, refund.camp_id)
    values = {
        "camp": camp.name,
        "amount": format_yuan(refund.amount_fen),
        "time": clock.minute(refund.succeeded_at or clock.now()),
        "way": "由工作人员线下退还" if refund.settled_offline else "退回原支付账户",
        **_days(refund),
    }
    member = await _tell(session, scenes.REFUND_SUCCESS, refund, payment, values)
    # Extra refunds are not announced in the group.
    if member is not None and refund.days is not None and refund.required_days is not None:
        group = {
            "camp": camp.name,
            "masked_name": mask_middle(member.planet_nickname),
            "amount": values["amount"],
            "days": refund.days,
            "required": refund.required_days,
        }
        await notifications.notify(session, scenes.REFUND_SUCCESS, To.group(camp), about=str(refund.id), values=group)


async def refund_rejected(session: AsyncSession, refund: Refund, payment: Payment) -> None:
    values = {"camp": await _camp_name(session, refund), "reason": refund.reject_reason or _UNKNOWN, **_days(refund)}
    await _tell(session, scenes.REFUND_REJECTED, refund, payment, values)


async def refund_failed(session: AsyncSession, refund: Refund, payment: Payment) -> None:
    """Alert staff, and tell the member about the delay. ``sendings`` keeps a later failure from being deduplicated."""
    camp, amount = await _camp_name(session, refund), format_yuan(refund.amount_fen)
    values = {
        "camp": camp,
        "name": payment.planet_nickname,
        "amount": amount,
        "cause": refund.failure_message or _UNKNOWN,
        "state": "已关闭" if refund.status is RefundStatus.CLOSED else "失败",
        "number": refund.out_refund_no,
    }
    about = f"{refund.id}:{refund.sendings}:{refund.failure_code}"
    await notifications.notify(session, scenes.REFUND_FAILED, To.staff(refund.camp_id), about=about, values=values)
    await _tell(session, scenes.REFUND_DELAYED, refund, payment, {"camp": camp, "amount": amount})


async def sending_held(session: AsyncSession, hold: RefundHold, refund: Refund) -> None:
    """Alert staff that the sending of all refunds has stopped."""
    values = {"cause": refund.failure_message or _UNKNOWN}
    await notifications.notify(session, scenes.REFUND_HOLD, To.staff(), about=str(hold.id), values=values)


async def refund_stuck(session: AsyncSession, refund: Refund, *, hours: int) -> None:
    """Alert staff that the provider hasn't finished a refund within ``hours``."""
    values = {
        "camp": await _camp_name(session, refund),
        "number": refund.out_refund_no,
        "amount": format_yuan(refund.amount_fen),
        "hours": hours,
    }
    to = To.staff(refund.camp_id)
    await notifications.notify(session, scenes.REFUND_STUCK, to, about=str(refund.id), values=values)


async def _tell(
    session: AsyncSession, scene: scenes.Scene, refund: Refund, payment: Payment, values: dict[str, object]
) -> Member | None:
    member = await session.get(Member, refund.member_id) if refund.member_id is not None else None
    to = To.member(member) if member is not None else To.payer(payment)
    await notifications.notify(session, scene, to, about=str(refund.id), values=values)
    return member


def _days(refund: Refund) -> dict[str, object]:
    if refund.days is None or refund.required_days is None:
        return {"days": _UNKNOWN, "required": _UNKNOWN, "progress": ""}
    progress = f"打卡 {refund.days}/{refund.required_days} 天。"
    return {"days": refund.days, "required": refund.required_days, "progress": progress}


async def _camp_name(session: AsyncSession, refund: Refund) -> str:
    camp = await session.get_one(Camp, refund.camp_id)
    return camp.name
