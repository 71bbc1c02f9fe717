"""What staff set in the console over the environment, and how its last connection test went."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, JsonObject


class SettingsGroup(Base):
    """A group that was saved at least once. ``name`` is that of a section of the settings.

    ``secrets`` holds each sealed for ``settings:<group>:<field>``, or null for one that was cleared; a field that
    is in neither column is the environment's. Each save makes ``version`` one more, a rotation of keys doesn't.
    """

    __tablename__ = "settings_groups"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    values: Mapped[JsonObject]
    secrets: Mapped[dict[str, str | None]] = mapped_column(JSONB)
    version: Mapped[int]
    updated_at: Mapped[dt.datetime]
    updated_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))


class SettingsCheck(Base):
    """The last test of a group's connection with what is in force. ``detail`` is Chinese and holds no secret."""

    __tablename__ = "settings_checks"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    ok: Mapped[bool]
    latency_ms: Mapped[int]
    endpoint: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    checked_at: Mapped[dt.datetime]
