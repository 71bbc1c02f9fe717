"""Check-ins. Both sources are stored: totals from the ranking, and days from the posts."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.states import Transitions
from backend.models.base import Base, Identified, checked


class SyncStatus(StrEnum):
    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"


SYNC_TRANSITIONS = Transitions(
    {SyncStatus.RUNNING: frozenset({SyncStatus.COMPLETE, SyncStatus.PARTIAL, SyncStatus.FAILED})}
)


class SyncTrigger(StrEnum):
    SCHEDULER = "scheduler"
    MANUAL = "manual"


class SyncRun(Identified, Base):
    """One sync of a camp's check-in project. Only a ``complete`` run changes counts."""

    __tablename__ = "sync_runs"
    transitions: ClassVar[Transitions[SyncStatus]] = SYNC_TRANSITIONS
    __table_args__ = (
        Index("uq_sync_runs_running", "camp_id", unique=True, postgresql_where=text("status = 'running'")),
        Index(None, "camp_id", "created_at"),
    )

    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"))
    trigger: Mapped[SyncTrigger] = mapped_column(checked(SyncTrigger))
    status: Mapped[SyncStatus] = mapped_column(checked(SyncStatus), default=SyncStatus.RUNNING)
    pages_done: Mapped[int] = mapped_column(default=0)
    people_seen: Mapped[int] = mapped_column(default=0)
    people_expected: Mapped[int | None]
    posts_seen: Mapped[int] = mapped_column(default=0)
    posts_read: Mapped[bool] = mapped_column(default=False)
    rows_malformed: Mapped[int] = mapped_column(default=0)
    heartbeat_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(50))
    error_message: Mapped[str | None] = mapped_column(Text)


class CheckinTotal(Base):
    """Totals of one planet user from the last complete sync, enrolled or not (未关联)."""

    __tablename__ = "checkin_totals"
    __table_args__ = (CheckConstraint("days_ranking >= 0 AND days_posts >= 0", name="days_not_negative"),)

    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"), primary_key=True)
    planet_user_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    alias: Mapped[str | None] = mapped_column(Text)
    days_ranking: Mapped[int]
    days_posts: Mapped[int | None]
    sync_run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sync_runs.id"))


class CheckinSource(StrEnum):
    POSTS = "posts"
    IMPORT = "import"


class Checkin(Base):
    """One check-in day of one planet user: a Shanghai calendar day within the camp's dates."""

    __tablename__ = "checkins"
    # For the newest check-ins across all camps; queries within a camp use the primary key.
    __table_args__ = (Index("ix_checkins_newest", "day", "posted_at", "camp_id", "planet_user_id"),)

    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"), primary_key=True)
    planet_user_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    posted_at: Mapped[dt.datetime | None]
    topic_id: Mapped[str | None] = mapped_column(String(32))
    excerpt: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[CheckinSource] = mapped_column(checked(CheckinSource))
