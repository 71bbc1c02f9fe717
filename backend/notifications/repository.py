"""Messages in SQL: those that are due, and a member's inbox."""

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import Page, PageRequest, fetch_page
from backend.models.notifications import NoticeChannel, NoticeStatus, Notification
from backend.payers.repository import owns_message


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


def _inbox(payer_id: uuid.UUID, openid: str | None) -> ColumnElement[bool]:
    return and_(Notification.channel == NoticeChannel.INBOX, owns_message(payer_id, openid))


async def inbox(
    session: AsyncSession, request: PageRequest, *, payer_id: uuid.UUID, openid: str | None
) -> Page[Notification]:
    """A person's messages, newest first."""
    statement = select(Notification).where(_inbox(payer_id, openid))
    return await fetch_page(
        session, statement.order_by(Notification.created_at.desc(), Notification.id.desc()), request
    )


async def unread(session: AsyncSession, *, payer_id: uuid.UUID, openid: str | None) -> int:
    """How many of a person's messages are new."""
    statement = select(func.count()).select_from(Notification)
    return await session.scalar(statement.where(_inbox(payer_id, openid), Notification.read_at.is_(None))) or 0


async def mark_read(session: AsyncSession, *, payer_id: uuid.UUID, openid: str | None, at: dt.datetime) -> None:
    """Mark a person's new messages as read."""
    new = update(Notification).where(_inbox(payer_id, openid), Notification.read_at.is_(None))
    await session.execute(new.values(read_at=at), execution_options={"synchronize_session": False})
