"""Pictures uploaded by staff."""

import uuid
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified, checked


class UploadKind(StrEnum):
    POSTER = "poster"
    GROUP_QR = "group_qr"


class Upload(Identified, Base):
    """A stored picture. ``created_at`` shows when a group QR expires: WeChat invalidates it after 7 days."""

    __tablename__ = "uploads"

    key: Mapped[str] = mapped_column(String(100), unique=True)
    kind: Mapped[UploadKind] = mapped_column(checked(UploadKind))
    content_type: Mapped[str] = mapped_column(String(50))
    size_bytes: Mapped[int]
    uploaded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
