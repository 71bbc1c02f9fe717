"""Verified notifications of outside systems."""

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified, JsonObject


class InboxEvent(Identified, Base):
    """A verified notification and its outcome. The unique key skips repeats early; effects are idempotent anyway."""

    __tablename__ = "inbox_events"
    __table_args__ = (UniqueConstraint("source", "external_id"), Index(None, "created_at"))

    source: Mapped[str] = mapped_column(String(32))
    external_id: Mapped[str] = mapped_column(String(100))
    event_type: Mapped[str] = mapped_column(String(64))
    payload: Mapped[JsonObject]
    outcome: Mapped[str] = mapped_column(String(32))
