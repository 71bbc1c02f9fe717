"""Places of a camp in SQL."""

import uuid

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models.members import Member
from backend.models.payments import Payment, PaymentStatus


async def membership(
    session: AsyncSession, camp_id: uuid.UUID, *, payer_id: uuid.UUID, openid: str | None
) -> Member | None:
    """The place a person has in a camp: got under the same log-in, or paid by the same WeChat user.

    A person may be found both ways in two rows when a place was paid in another browser; the older one counts.
    """
    person = Member.payer_id == payer_id
    if openid is not None:
        person = or_(person, Member.openid == openid)
    statement = select(Member).where(Member.camp_id == camp_id, person).order_by(Member.created_at, Member.id).limit(1)
    found: Member | None = await session.scalar(statement)
    return found


async def taken(session: AsyncSession, camp_id: uuid.UUID) -> int:
    """Seats that are gone: members, and pending orders, which hold one each until the provider closed them.

    Only worth something while the camp's row is locked.
    """
    members = select(func.count()).select_from(Member).where(Member.camp_id == camp_id).scalar_subquery()
    pending = (
        select(func.count())
        .select_from(Payment)
        .where(Payment.camp_id == camp_id, Payment.status == PaymentStatus.PENDING)
        .scalar_subquery()
    )
    return await session.scalar(select(members + pending)) or 0
