"""Training camps and their staff."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.states import Transitions
from backend.models.base import Base, Identified, JsonObject, checked


class CampStatus(StrEnum):
    DRAFT = "draft"
    ENROLLING = "enrolling"
    ONGOING = "ongoing"
    ENDED = "ended"
    SETTLING = "settling"
    ARCHIVED = "archived"
    CANCELLED = "cancelled"  # reserved


CAMP_TRANSITIONS = Transitions(
    {
        CampStatus.DRAFT: frozenset({CampStatus.ENROLLING}),
        # Back to draft is possible only before the first payment.
        CampStatus.ENROLLING: frozenset({CampStatus.DRAFT, CampStatus.ONGOING}),
        CampStatus.ONGOING: frozenset({CampStatus.ENDED}),
        CampStatus.ENDED: frozenset({CampStatus.SETTLING}),
        CampStatus.SETTLING: frozenset({CampStatus.ARCHIVED}),
    }
)

MAX_CAPACITY = 1000


class Camp(Identified, Base):
    """A camp. ``refund_policy`` is the current offer; each member keeps the copy frozen at payment."""

    __tablename__ = "camps"
    transitions: ClassVar[Transitions[CampStatus]] = CAMP_TRANSITIONS
    __table_args__ = (
        CheckConstraint("deposit_fen > 0", name="deposit_positive"),
        CheckConstraint("ends_on >= starts_on", name="dates_in_order"),
        CheckConstraint("capacity BETWEEN 1 AND 1000", name="capacity_range"),
        Index(
            "uq_camps_name_live",
            "name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND status <> 'archived'"),
        ),
        Index(
            "uq_camps_checkin_live",
            "planet_id",
            "checkin_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND status <> 'archived' AND checkin_id IS NOT NULL"),
        ),
        Index(None, "status", "starts_on"),
    )

    name: Mapped[str] = mapped_column(String(50))
    description: Mapped[str] = mapped_column(Text, default="")
    status: Mapped[CampStatus] = mapped_column(checked(CampStatus), default=CampStatus.DRAFT)
    deposit_fen: Mapped[int] = mapped_column(BigInteger)
    capacity: Mapped[int] = mapped_column(default=MAX_CAPACITY)
    enroll_opens_at: Mapped[dt.datetime | None]
    enroll_closes_at: Mapped[dt.datetime | None]
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date]
    refund_policy: Mapped[JsonObject]
    planet_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("planets.id"))
    checkin_id: Mapped[str | None] = mapped_column(String(32))
    poster_key: Mapped[str | None] = mapped_column(ForeignKey("uploads.key"))
    group_qr_key: Mapped[str | None] = mapped_column(ForeignKey("uploads.key"))
    # The WeCom robot of the camp's group. The key alone authorises sending, so it is stored sealed.
    sealed_robot_key: Mapped[str | None] = mapped_column(Text)
    robot_key_hint: Mapped[str | None] = mapped_column(String(8))
    published_at: Mapped[dt.datetime | None]
    last_complete_sync_at: Mapped[dt.datetime | None]
    deleted_at: Mapped[dt.datetime | None]
    # When the members' personal data were blanked; happens some time after archiving.
    personal_data_cleared_at: Mapped[dt.datetime | None]

    @property
    def total_days(self) -> int:
        """Number of days; both dates are inclusive."""
        return (self.ends_on - self.starts_on).days + 1


class CampStaffKind(StrEnum):
    COACH = "coach"
    VOLUNTEER = "volunteer"


class CampStaff(Base):
    """An assignment of a coach or volunteer to a camp. They see only the camps they are assigned to."""

    __tablename__ = "camp_staff"

    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"), primary_key=True)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True, index=True)
    kind: Mapped[CampStaffKind] = mapped_column(checked(CampStaffKind), primary_key=True)
