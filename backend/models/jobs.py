"""What the scheduled jobs did."""

import datetime as dt

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified, JsonObject


class JobRun(Identified, Base):
    """One run of one scheduled job; a run without ``finished_at`` is under way or was killed.

    ``slot`` is the instant the timetable asked for; its unique key makes one worker among many take it.
    A run by hand has none.
    """

    __tablename__ = "job_runs"
    __table_args__ = (Index(None, "name", "created_at"), Index("uq_job_runs_slot", "name", "slot", unique=True))

    name: Mapped[str] = mapped_column(String(50))
    slot: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    ok: Mapped[bool | None]
    summary: Mapped[JsonObject | None]
    error: Mapped[str | None] = mapped_column(Text)
