"""SQL queries for places in a camp."""

import uuid

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models.members import Member
from backend.models.payments import Payment, PaymentStatus


async def membership(
    session: AsyncSession, camp_id: uuid.UUID, *, payer_id: uuid.UUID, openid: str | None
) -> Member | None:
    """A person's place in a camp, by payer or by openid; None without one.

    A place paid in another browser can leave the person with two rows. The older one counts.
    """
    person = Member.payer_id == payer_id
    if openid is not None:
        person = or_(person, Member.openid == openid)
    statement = select(Member).where(Member.camp_id == camp_id, person).order_by(Member.created_at, Member.id).limit(1)
    found: Member | None = await session.scalar(statement)
    return found


async def taken(session: AsyncSession, camp_id: uuid.UUID) -> int:
    """Seats taken: members plus pending orders. A pending order holds its seat until the provider has closed it.

    Only reliable while the camp's row is locked. Otherwise concurrent orders can exceed the capacity.
    """
    members = select(func.count()).select_from(Member).where(Member.camp_id == camp_id).scalar_subquery()
    pending = (
        select(func.count())
        .select_from(Payment)
        .where(Payment.camp_id == camp_id, Payment.status == PaymentStatus.PENDING)
        .scalar_subquery()
    )
    return await session.scalar(select(members + pending)) or 0
