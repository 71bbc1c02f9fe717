"""The audit log: append-only, and hash-chained so that a change by the database's owner is detected too."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified, JsonObject


class AuditEntry(Identified, Base):
    """One action: who did what to which object, when and from where, with its state before and after. No secrets.

    ``error`` is the reason of a failure; None means success. The database writes ``seq`` (no gaps), ``prev_hash`` and
    ``hash`` at commit (docs/audit-chain.md). They are null only inside the transaction that wrote the row.
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
    """The single row that holds the end of the chain. A transaction that wrote audit rows locks it while it commits."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    last_seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes]
