"""Users of the member's app."""

import datetime as dt

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from backend.models.base import Base, Identified


class Payer(Identified, Base):
    """A user: an openid, or a guest (None). A guest's openid is learned from the payment and stored on the member."""

    __tablename__ = "payers"

    openid: Mapped[str | None] = mapped_column(String(128), unique=True)


class OAuthState(Base):
    """A pending WeChat log-in: single use, valid for five minutes, bound to the browser by a cookie."""

    __tablename__ = "oauth_states"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    browser_hash: Mapped[str] = mapped_column(String(64))
    return_to: Mapped[str] = mapped_column(String(500))
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    used_at: Mapped[dt.datetime | None]
