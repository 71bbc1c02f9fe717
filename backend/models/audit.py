"""The audit log: append-only, a trigger refuses change and removal."""

import uuid

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified, JsonObject


class AuditEntry(Identified, Base):
    """Who did what to what, when, from where; what it was before and after. Secrets never get here."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "action", "created_at"),
        Index(None, "target_type", "target_id"),
    )

    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    target_type: Mapped[str] = mapped_column(Text)
    target_id: Mapped[uuid.UUID | None]
    target_name: Mapped[str | None] = mapped_column(Text)
    camp_id: Mapped[uuid.UUID | None]
    before: Mapped[JsonObject | None]
    after: Mapped[JsonObject | None]
    note: Mapped[str | None] = mapped_column(Text)
    ip: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
