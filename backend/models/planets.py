"""知识星球 communities whose check-ins we sync, and their known users."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified, checked


class CredentialStatus(StrEnum):
    """``credential_invalid`` stops the planet's syncs until a cookie is saved or a test succeeds."""

    UNTESTED = "untested"
    VALID = "valid"
    CREDENTIAL_INVALID = "credential_invalid"


class Planet(Identified, Base):
    """A planet and its access token, sealed with the data keys."""

    __tablename__ = "planets"

    name: Mapped[str] = mapped_column(String(50))
    group_id: Mapped[str] = mapped_column(String(32), unique=True)
    sealed_token: Mapped[str] = mapped_column(Text)
    token_hint: Mapped[str] = mapped_column(String(8))
    credential_status: Mapped[CredentialStatus] = mapped_column(
        checked(CredentialStatus), default=CredentialStatus.UNTESTED
    )
    credential_checked_at: Mapped[dt.datetime | None]
    credential_expires_at: Mapped[dt.datetime | None]


class PlanetUser(Base):
    """A user of a planet. ``user_id`` is the long stable id; ``number`` (星球编号) is the short one users see."""

    __tablename__ = "planet_users"
    __table_args__ = (Index(None, "planet_id", "number"),)

    planet_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("planets.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[str | None] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(Text)
    alias: Mapped[str | None] = mapped_column(Text)
    # The number that an imported member list gives the only user of this name. A name match is no proof, so the
    # match confidence never reaches 100.
    listed_number: Mapped[str | None] = mapped_column(String(20))
    left: Mapped[bool] = mapped_column(default=False)
    number_checked_at: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime]
