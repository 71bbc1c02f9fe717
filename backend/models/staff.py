"""Staff accounts and their log-ins."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import ARRAY, DateTime, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.models.base import Base, Identified, checked


class StaffRole(StrEnum):
    SUPER_ADMIN = "super_admin"
    MANAGER = "manager"
    COACH = "coach"
    VOLUNTEER = "volunteer"


class Staff(Identified, Base):
    """A staff account. Deletion is soft because the audit log still needs the name."""

    __tablename__ = "staff"
    __table_args__ = (
        Index(
            "uq_staff_username_live", text("lower(username)"), unique=True, postgresql_where=text("deleted_at IS NULL")
        ),
    )

    username: Mapped[str] = mapped_column(String(50))
    display_name: Mapped[str] = mapped_column(String(50))
    role: Mapped[StaffRole] = mapped_column(checked(StaffRole))
    password_hash: Mapped[str] = mapped_column(Text)
    # Newest first. Recent passwords can't be reused.
    former_password_hashes: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    last_login_at: Mapped[dt.datetime | None]
    deleted_at: Mapped[dt.datetime | None]
    # WeCom user id that receives this person's messages (企业微信账号); None: no messages.
    wecom_user_id: Mapped[str | None] = mapped_column(String(64))


class StaffSession(Identified, Base):
    """One log-in. A token is valid only while its session row exists and isn't revoked."""

    __tablename__ = "staff_sessions"

    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    revoked_at: Mapped[dt.datetime | None]

    staff: Mapped[Staff] = relationship(lazy="raise")


class LoginGuard(Base):
    """Recent failed log-ins of one user name (known or not) or one address; see ``staff/throttle.py``."""

    __tablename__ = "login_guards"

    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    failures: Mapped[list[dt.datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    locked_until: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime] = mapped_column(index=True)
