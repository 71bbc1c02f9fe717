"""Orders at WeChat Pay."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.states import Transitions
from backend.models.base import Base, Identified, checked


class PaymentStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    CLOSED = "closed"


PAYMENT_TRANSITIONS = Transitions(
    {
        PaymentStatus.PENDING: frozenset({PaymentStatus.PAID, PaymentStatus.CLOSED}),
        # Money can arrive after we closed the order; it must be recorded.
        PaymentStatus.CLOSED: frozenset({PaymentStatus.PAID}),
    }
)


class Channel(StrEnum):
    JSAPI = "jsapi"
    H5 = "h5"
    NATIVE = "native"


class Excess(StrEnum):
    """Why a paid order gives no place; its money waits for review as an extra refund."""

    ALREADY_ENROLLED = "already_enrolled"
    CAMP_FULL = "camp_full"
    CAMP_STARTED = "camp_started"
    CAMP_OVER = "camp_over"


class Payment(Identified, Base):
    """An order. A ``pending`` order holds a seat; it closes only when the provider confirms that it is closed.

    ``amount_fen``, ``description`` and ``expires_at`` must not change: renewing the prepay id sends them again, and
    the provider accepts the same order number only with the same parameters.
    """

    __tablename__ = "payments"
    transitions: ClassVar[Transitions[PaymentStatus]] = PAYMENT_TRANSITIONS
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("(status = 'paid') = (transaction_id IS NOT NULL)", name="paid_has_transaction"),
        Index("uq_payments_pending", "camp_id", "payer_id", unique=True, postgresql_where=text("status = 'pending'")),
        Index("ix_payments_pending_expiry", "expires_at", postgresql_where=text("status = 'pending'")),
        # Covering indexes for sums of money by camp and by payment time; they avoid reading the rows.
        Index(
            "ix_payments_income", "camp_id", postgresql_include=["amount_fen"], postgresql_where=text("status = 'paid'")
        ),
        Index(None, "paid_at", postgresql_include=["camp_id", "amount_fen"]),
        Index(None, "openid", postgresql_where=text("openid IS NOT NULL")),
    )

    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"), index=True)
    payer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payers.id"), index=True)
    channel: Mapped[Channel] = mapped_column(checked(Channel))
    # The merchant and account of the order; its notification must carry the same.
    mch_id: Mapped[str] = mapped_column(String(32))
    app_id: Mapped[str] = mapped_column(String(32))
    out_trade_no: Mapped[str] = mapped_column(String(32), unique=True)
    status: Mapped[PaymentStatus] = mapped_column(checked(PaymentStatus), default=PaymentStatus.PENDING)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    description: Mapped[str] = mapped_column(String(127))
    payer_ip: Mapped[str | None] = mapped_column(String(45))
    planet_nickname: Mapped[str] = mapped_column(String(50))
    planet_number: Mapped[str] = mapped_column(String(20))
    wechat_nickname: Mapped[str] = mapped_column(String(50))
    expires_at: Mapped[dt.datetime]
    prepay: Mapped[str | None] = mapped_column(Text)
    prepay_expires_at: Mapped[dt.datetime | None]
    transaction_id: Mapped[str | None] = mapped_column(String(32), unique=True)
    openid: Mapped[str | None] = mapped_column(String(128))
    trade_type: Mapped[str | None] = mapped_column(String(16))
    paid_at: Mapped[dt.datetime | None]
    recorded_at: Mapped[dt.datetime | None]
    source: Mapped[str | None] = mapped_column(String(16))
    excess: Mapped[Excess | None] = mapped_column(checked(Excess))
    closed_at: Mapped[dt.datetime | None]
