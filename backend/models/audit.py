"""The audit log: append-only, and chained by hashes, so that a change by the database's owner is seen as well."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified, JsonObject


class AuditEntry(Identified, Base):
    """Who did what to what, when, from where; what it was before and after. Secrets never get here.

    ``error`` says why it failed; None: it went well. ``seq`` (without gaps), ``prev_hash`` and ``hash`` are written by
    the database when the transaction commits (docs/audit-chain.md); nobody sees another's row without them.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        UniqueConstraint("seq"),
        CheckConstraint("num_nulls(seq, prev_hash, hash) IN (0, 3)", name="chained_whole"),
        Index(None, "created_at", "id"),
        Index(None, "action", "created_at"),
        Index(None, "target_type", "target_id"),
        Index("ix_audit_log_unchained", "created_at", "id", postgresql_where=text("seq IS NULL")),
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
    error: Mapped[str | None] = mapped_column(Text)
    ip: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    seq: Mapped[int | None] = mapped_column(BigInteger)
    prev_hash: Mapped[bytes | None]
    hash: Mapped[bytes | None]


class AuditHead(Base):
    """The one row that tells where the chain ends; locked while a transaction that wrote audit rows commits."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    last_seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
