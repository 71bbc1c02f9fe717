"""Differences between our records and those of outside systems, for manual review."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.states import Transitions
from backend.models.base import Base, Identified, JsonObject, checked


class CaseStatus(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


CASE_TRANSITIONS = Transitions({CaseStatus.OPEN: frozenset({CaseStatus.RESOLVED})})


class ReconciliationCase(Identified, Base):
    """One difference. ``dedupe_key`` prevents a second case when the same difference is found again."""

    __tablename__ = "reconciliation_cases"
    transitions: ClassVar[Transitions[CaseStatus]] = CASE_TRANSITIONS
    __table_args__ = (Index(None, "status", "created_at"),)

    kind: Mapped[str] = mapped_column(String(50))
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    status: Mapped[CaseStatus] = mapped_column(checked(CaseStatus), default=CaseStatus.OPEN)
    summary: Mapped[str] = mapped_column(Text)
    detail: Mapped[JsonObject]
    camp_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("camps.id"))
    payment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payments.id"))
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refunds.id"))
    resolved_at: Mapped[dt.datetime | None]
    resolved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    resolution: Mapped[str | None] = mapped_column(Text)


class ReconciliationDay(Base):
    """A bill day whose comparison finished. A day without a row is compared again."""

    __tablename__ = "reconciliation_days"

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    finished_at: Mapped[dt.datetime]
    trade_rows: Mapped[int]
    fund_rows: Mapped[int]
    cases: Mapped[int]
