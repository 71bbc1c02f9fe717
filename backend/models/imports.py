"""Sheets that staff imported: check-in days, day totals, and the planet's members."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified, checked


class ImportKind(StrEnum):
    CHECKIN_DAYS = "checkin_days"
    CHECKIN_TOTALS = "checkin_totals"
    PLANET_MEMBERS = "planet_members"


class Import(Identified, Base):
    """One applied sheet. ``whole``: the importer declared it complete, so rows missing from it were removed."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("(kind = 'planet_members') = (camp_id IS NULL)", name="check_ins_are_a_camp_s"),
        Index(None, "camp_id", "created_at"),
        Index(None, "planet_id", "created_at"),
    )

    kind: Mapped[ImportKind] = mapped_column(checked(ImportKind))
    planet_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("planets.id"))
    camp_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("camps.id"))
    file_name: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    whole: Mapped[bool]
    rows: Mapped[int]
    added: Mapped[int]
    changed: Mapped[int]
    removed: Mapped[int]
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))


class ImportedTotal(Base):
    """The number of days an imported sheet gives one planet user in a camp."""

    __tablename__ = "imported_totals"
    __table_args__ = (CheckConstraint("days >= 0", name="days_not_negative"),)

    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"), primary_key=True)
    planet_user_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    days: Mapped[int]
    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imports.id"))


class PlanetMember(Base):
    """A member in the planet's own export, identified by number. ``user_id`` is set only if it is unambiguous."""

    __tablename__ = "planet_members"

    planet_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("planets.id"), primary_key=True)
    number: Mapped[str] = mapped_column(String(20), primary_key=True)
    nickname: Mapped[str] = mapped_column(Text)
    wechat_nickname: Mapped[str] = mapped_column(Text, default="")
    card_nickname: Mapped[str] = mapped_column(Text, default="")
    remark_nickname: Mapped[str] = mapped_column(Text, default="")
    role: Mapped[str] = mapped_column(Text, default="")
    joined_on: Mapped[dt.date | None]
    left: Mapped[bool] = mapped_column(default=False)
    user_id: Mapped[str | None] = mapped_column(String(32))
    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("imports.id"))
    updated_at: Mapped[dt.datetime]
