"""Messages to staff and members; each row is the send order, its proof, and its retry state."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.states import Transitions
from backend.models.base import Base, Identified, checked


class NoticeChannel(StrEnum):
    WECOM_APP = "wecom_app"
    WECOM_ROBOT = "wecom_robot"
    INBOX = "inbox"


class NoticeStatus(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


NOTICE_TRANSITIONS = Transitions(
    {
        NoticeStatus.PENDING: frozenset({NoticeStatus.SENT, NoticeStatus.FAILED, NoticeStatus.SKIPPED}),
        NoticeStatus.FAILED: frozenset({NoticeStatus.PENDING}),
    }
)


class Notification(Identified, Base):
    """A message. ``dedupe_key`` makes the same scene about the same object happen once."""

    __tablename__ = "notifications"
    transitions: ClassVar[Transitions[NoticeStatus]] = NOTICE_TRANSITIONS
    __table_args__ = (
        Index("ix_notifications_due", "next_attempt_at", postgresql_where=text("status = 'pending'")),
        Index(None, "member_id", "created_at"),
        Index(None, "created_at"),
    )

    scene: Mapped[str] = mapped_column(String(50))
    channel: Mapped[NoticeChannel] = mapped_column(checked(NoticeChannel))
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    camp_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("camps.id"))
    member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    payer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payers.id"), index=True)
    title: Mapped[str] = mapped_column(String(100))
    content: Mapped[str] = mapped_column(Text)
    status: Mapped[NoticeStatus] = mapped_column(checked(NoticeStatus), default=NoticeStatus.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
    read_at: Mapped[dt.datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
