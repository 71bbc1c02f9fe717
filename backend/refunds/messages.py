"""What people are told about refunds (product requirements §3.9)."""

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.money import format_yuan
from backend.models.camps import Camp
from backend.models.members import Member
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundHold, RefundStatus
from backend.notifications import service as notifications


async def refund_succeeded(session: AsyncSession, refund: Refund, payment: Payment) -> None:
    """The member's money is back."""
    at = clock.shanghai(refund.succeeded_at or clock.now())
    way = "由工作人员线下退还" if refund.settled_offline else "退回原支付账户"
    content = f"「{await _camp_name(session, refund)}」退款 {_yuan(refund)} 已于 {at:%Y-%m-%d %H:%M} {way}。"
    if refund.days is not None and refund.required_days is not None:
        content += f"打卡 {refund.days}/{refund.required_days} 天。"
    await _tell(session, "refund_success", refund, payment, title="押金已退回", content=content)


async def refund_rejected(session: AsyncSession, refund: Refund, payment: Payment) -> None:
    """Review said no."""
    content = f"「{await _camp_name(session, refund)}」的退款申请未通过：{refund.reject_reason}"
    await _tell(session, "refund_rejected", refund, payment, title="退款未通过", content=content)


async def refund_failed(session: AsyncSession, refund: Refund, payment: Payment) -> None:
    """Staff must act; the member hears that it takes longer. ``sendings`` tells one failure from the next."""
    camp = await _camp_name(session, refund)
    state = "已关闭" if refund.status is RefundStatus.CLOSED else "失败"
    await notifications.alert_staff(
        session,
        "refund_failed",
        about=f"{refund.id}:{refund.sendings}:{refund.failure_code}",
        title=f"退款{state}",
        content=f"「{camp}」{payment.planet_nickname} {_yuan(refund)}：{refund.failure_message}",
        camp_id=refund.camp_id,
    )
    content = f"「{camp}」的退款 {_yuan(refund)} 需要人工处理，到账会晚一些，请耐心等待。"
    await _tell(session, "refund_delayed", refund, payment, title="退款处理中", content=content)


async def sending_held(session: AsyncSession, hold: RefundHold, refund: Refund) -> None:
    """Sending stopped for everybody."""
    content = f"因「{refund.failure_message}」已暂停发出所有退款。处理后请在退款页面点击「继续发送」。"
    await notifications.alert_staff(session, "refund_hold", about=str(hold.id), title="退款已暂停", content=content)


async def refund_stuck(session: AsyncSession, refund: Refund, *, hours: int) -> None:
    """The provider has been at it for too long."""
    await notifications.alert_staff(
        session,
        "refund_stuck",
        about=str(refund.id),
        title="退款长时间未完成",
        content=f"「{await _camp_name(session, refund)}」退款 {refund.out_refund_no}（{_yuan(refund)}）"
        f"已处理超过 {hours} 小时，请到微信支付商户平台核对。",
        camp_id=refund.camp_id,
    )


async def _tell(
    session: AsyncSession, scene: str, refund: Refund, payment: Payment, *, title: str, content: str
) -> None:
    member = await session.get(Member, refund.member_id) if refund.member_id is not None else None
    about = str(refund.id)
    if member is not None:
        await notifications.tell_member(session, scene, member, about=about, title=title, content=content)
    else:
        await notifications.tell_payer(
            session, scene, payment.payer_id, about=about, title=title, content=content, camp_id=refund.camp_id
        )


async def _camp_name(session: AsyncSession, refund: Refund) -> str:
    camp = await session.get_one(Camp, refund.camp_id)
    return camp.name


def _yuan(refund: Refund) -> str:
    return f"{format_yuan(refund.amount_fen)} 元"
