"""Messages that are due, in SQL."""

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models.notifications import NoticeStatus, Notification


async def due(session: AsyncSession, *, at: dt.datetime, limit: int) -> Sequence[uuid.UUID]:
    """Ids of waiting messages whose time has come, oldest first."""
    statement = (
        select(Notification.id)
        .where(Notification.status == NoticeStatus.PENDING, Notification.next_attempt_at <= at)
        .order_by(Notification.next_attempt_at)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def get_locked(session: AsyncSession, notification_id: uuid.UUID) -> Notification:
    statement = select(Notification).where(Notification.id == notification_id).with_for_update()
    return (await session.scalars(statement)).one()
