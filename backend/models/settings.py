"""Settings that staff changed in the console (they override the environment), and results of connection tests."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, JsonObject


class SettingsGroup(Base):
    """A settings group that was saved at least once. ``name`` is the name of the settings section.

    ``secrets`` maps a field to its value, sealed for ``settings:<group>:<field>``, or to null if it was cleared.
    A field in neither column comes from the environment. Each save increments ``version``; a key rotation doesn't.
    """

    __tablename__ = "settings_groups"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    values: Mapped[JsonObject]
    secrets: Mapped[dict[str, str | None]] = mapped_column(JSONB)
    version: Mapped[int]
    updated_at: Mapped[dt.datetime]
    updated_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))


class SettingsCheck(Base):
    """The last connection test of a group with its effective settings. ``detail`` is Chinese and holds no secret."""

    __tablename__ = "settings_checks"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    ok: Mapped[bool]
    latency_ms: Mapped[int]
    endpoint: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    checked_at: Mapped[dt.datetime]
