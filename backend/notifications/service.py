"""Asking for messages. A row is the send order; the sweep and a wake-up job deliver it.

Sending never blocks or breaks what it tells about: the row is written in the same transaction, and that is all.
"""

import uuid

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.ids import new_id
from backend.core.queue import enqueue
from backend.models.members import Member
from backend.models.notifications import NoticeChannel, NoticeStatus, Notification


async def alert_staff(
    session: AsyncSession, scene: str, *, about: str, title: str, content: str, camp_id: uuid.UUID | None = None
) -> None:
    """Tell staff through WeCom. ``about`` makes it happen once per object: the same scene and object never twice."""
    await _ask(session, scene, NoticeChannel.WECOM_APP, about=about, title=title, content=content, camp_id=camp_id)


async def tell_member(
    session: AsyncSession, scene: str, member: Member, *, about: str, title: str, content: str
) -> None:
    """Put a message into a member's inbox."""
    await _ask(
        session,
        scene,
        NoticeChannel.INBOX,
        about=about,
        title=title,
        content=content,
        camp_id=member.camp_id,
        member_id=member.id,
        payer_id=member.payer_id,
    )


async def tell_payer(
    session: AsyncSession, scene: str, payer_id: uuid.UUID, *, about: str, title: str, content: str, camp_id: uuid.UUID
) -> None:
    """Put a message into the inbox of somebody who paid but has no place."""
    await _ask(
        session,
        scene,
        NoticeChannel.INBOX,
        about=about,
        title=title,
        content=content,
        camp_id=camp_id,
        payer_id=payer_id,
    )


async def _ask(
    session: AsyncSession,
    scene: str,
    channel: NoticeChannel,
    *,
    about: str,
    title: str,
    content: str,
    camp_id: uuid.UUID | None = None,
    member_id: uuid.UUID | None = None,
    payer_id: uuid.UUID | None = None,
) -> None:
    now = clock.now()
    delivered = channel is NoticeChannel.INBOX  # being written is being delivered
    await session.execute(
        insert(Notification)
        .values(
            id=new_id(),
            created_at=now,
            scene=scene,
            channel=channel,
            dedupe_key=f"{scene}:{channel}:{about}",
            camp_id=camp_id,
            member_id=member_id,
            payer_id=payer_id,
            title=title,
            content=content,
            status=NoticeStatus.SENT if delivered else NoticeStatus.PENDING,
            attempts=0,
            next_attempt_at=now,
            sent_at=now if delivered else None,
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
    )
    if not delivered:
        enqueue(session, "notifications.deliver")
