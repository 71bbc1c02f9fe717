"""Messages to staff, members and groups. A row is the queued message, its delivery record and its retry state."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.core import clock
from backend.core.states import Transitions
from backend.models.base import Base, Identified, checked


class NoticeChannel(StrEnum):
    WECOM_APP = "wecom_app"
    WECOM_ROBOT = "wecom_robot"
    MP_TEMPLATE = "mp_template"
    INBOX = "inbox"


class NoticeAudience(StrEnum):
    """Whom a message speaks to. ``group`` is a camp's own group, which is public."""

    STAFF = "staff"
    MEMBER = "member"
    GROUP = "group"


class NoticeStatus(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


# Every final state can return to pending: the sweep retries failed messages, staff may resend any.
NOTICE_TRANSITIONS = Transitions(
    {
        NoticeStatus.PENDING: frozenset({NoticeStatus.SENT, NoticeStatus.FAILED, NoticeStatus.SKIPPED}),
        NoticeStatus.FAILED: frozenset({NoticeStatus.PENDING}),
        NoticeStatus.SENT: frozenset({NoticeStatus.PENDING}),
        NoticeStatus.SKIPPED: frozenset({NoticeStatus.PENDING}),
    }
)


class Notification(Identified, Base):
    """A message to one receiver through one channel.

    ``dedupe_key`` allows one message per scene, object, receiver and channel. ``next_attempt_at`` is None if there are
    no more automatic retries. ``values`` fill the fields of a service-account template.
    """

    __tablename__ = "notifications"
    transitions: ClassVar[Transitions[NoticeStatus]] = NOTICE_TRANSITIONS
    __table_args__ = (
        Index("ix_notifications_due", "next_attempt_at", postgresql_where=text("status IN ('pending', 'failed')")),
        # Partial index for the unsent messages that staff review: few rows of many.
        Index("ix_notifications_unsent", "created_at", "id", postgresql_where=text("status <> 'sent'")),
        Index(None, "member_id", "created_at"),
        Index(None, "created_at", "id"),
        Index(None, "scene", "created_at", "id"),
        Index(None, "camp_id", "created_at", "id"),
    )

    scene: Mapped[str] = mapped_column(String(50))
    audience: Mapped[NoticeAudience] = mapped_column(checked(NoticeAudience))
    channel: Mapped[NoticeChannel] = mapped_column(checked(NoticeChannel))
    dedupe_key: Mapped[str] = mapped_column(String(250), unique=True)
    camp_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("camps.id"))
    member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    payer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payers.id"), index=True)
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payments.id"))
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    # The receiver's name at the time of writing, for display.
    recipient: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(100))
    content: Mapped[str] = mapped_column(Text)
    values: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    status: Mapped[NoticeStatus] = mapped_column(checked(NoticeStatus), default=NoticeStatus.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    resends: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]
    read_at: Mapped[dt.datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    # The row whose summary message included this one.
    merged_into: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("notifications.id"))


class NoticeScene(Base):
    """Settings by super administrators for one audience of a scene. Without a row the built-in defaults apply."""

    __tablename__ = "notice_scenes"

    scene: Mapped[str] = mapped_column(String(50), primary_key=True)
    audience: Mapped[NoticeAudience] = mapped_column(checked(NoticeAudience), primary_key=True)
    enabled: Mapped[bool]
    channels: Mapped[list[str]]
    roles: Mapped[list[str]]
    staff_ids: Mapped[list[str]]
    title: Mapped[str] = mapped_column(String(100))
    content: Mapped[str] = mapped_column(Text)
    mp_template_id: Mapped[str] = mapped_column(String(64))
    mp_fields: Mapped[dict[str, str]] = mapped_column(JSONB)
    updated_at: Mapped[dt.datetime] = mapped_column(default=clock.now, onupdate=clock.now)
    updated_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))


class SendSlot(Base):
    """When a rate-limited receiver (a robot, a WeCom user) may be sent the next message."""

    __tablename__ = "send_slots"

    receiver: Mapped[str] = mapped_column(String(100), primary_key=True)
    free_at: Mapped[dt.datetime]
