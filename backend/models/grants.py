"""Days granted to members. They are stored beside the check-ins, which are never edited."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified, checked


class GrantKind(StrEnum):
    """``leave`` and ``amnesty`` excuse a day, the others stand for a check-in (reference fair-deal §4)."""

    LEAVE = "leave"
    MAKEUP = "makeup"
    APPEAL = "appeal"
    AMNESTY = "amnesty"
    COACH = "coach"


class DayGrant(Identified, Base):
    """One day granted to one member; append-only. ``source_id`` is the leave, appeal or amnesty that granted it."""

    __tablename__ = "day_grants"
    __table_args__ = (UniqueConstraint("member_id", "day"),)

    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"), index=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    day: Mapped[dt.date]
    kind: Mapped[GrantKind] = mapped_column(checked(GrantKind))
    source_id: Mapped[uuid.UUID | None]
    granted_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    reason: Mapped[str] = mapped_column(Text)
