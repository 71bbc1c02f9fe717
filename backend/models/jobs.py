"""Runs of scheduled jobs."""

import datetime as dt

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified, JsonObject


class JobRun(Identified, Base):
    """One run of a scheduled job. A run without ``finished_at`` is still running or was killed.

    ``slot`` is the scheduled time. Its unique key lets only one worker take a slot. It is None for a manual run.
    """

    __tablename__ = "job_runs"
    __table_args__ = (Index(None, "name", "created_at"), Index("uq_job_runs_slot", "name", "slot", unique=True))

    name: Mapped[str] = mapped_column(String(50))
    slot: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    ok: Mapped[bool | None]
    summary: Mapped[JsonObject | None]
    error: Mapped[str | None] = mapped_column(Text)
