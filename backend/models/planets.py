"""知识星球 communities we read check-ins from, and the people known there."""

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
    """A planet with the credential that reads it, sealed with the data keys."""

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
    """A person on a planet. ``user_id`` is the long stable number; ``number`` (星球编号) the small one people know."""

    __tablename__ = "planet_users"
    __table_args__ = (Index(None, "planet_id", "number"),)

    planet_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("planets.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[str | None] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(Text)
    alias: Mapped[str | None] = mapped_column(Text)
    # The number that an imported list of members gives the only one of this name: no proof, so it never makes a 100.
    listed_number: Mapped[str | None] = mapped_column(String(20))
    left: Mapped[bool] = mapped_column(default=False)
    number_checked_at: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime]
