"""The double-entry ledger: balanced by a deferred constraint, append-only by a trigger."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from backend.models.base import Base, Identified, checked


class Account(StrEnum):
    """Signed fen, debit +, credit −; each transaction sums to zero."""

    PROVIDER_CLEARING = "provider_clearing"
    DEPOSITS_HELD = "deposits_held"
    REFUNDS_IN_TRANSIT = "refunds_in_transit"
    FORFEITED_INCOME = "forfeited_income"
    # Refunded by the operator outside the provider (标记已处理); the provider still holds that money.
    OFFLINE_SETTLEMENTS = "offline_settlements"
    # The service-fee part of a payment (服务费), earned when the camp begins.
    SERVICE_INCOME = "service_income"


class Movement(StrEnum):
    PAID = "paid"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REVERSED = "reversed"
    SETTLED_OFFLINE = "settled_offline"
    KEPT = "kept"
    FEE = "fee"


class LedgerTransaction(Identified, Base):
    """One movement of money. ``sequence`` distinguishes a refund's attempts; the unique key prevents double booking."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        UniqueConstraint("movement", "payment_id", "refund_id", "sequence", postgresql_nulls_not_distinct=True),
        Index(None, "camp_id", "occurred_at"),
    )

    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"))
    movement: Mapped[Movement] = mapped_column(checked(Movement))
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payments.id"))
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refunds.id"))
    sequence: Mapped[int] = mapped_column(default=0)
    occurred_at: Mapped[dt.datetime]

    # Without this relationship the session might insert entries before their transaction (foreign key).
    entries: Mapped[list["LedgerEntry"]] = relationship(lazy="raise")


class LedgerEntry(Base):
    """One side of a movement."""

    __tablename__ = "ledger_entries"
    __table_args__ = (CheckConstraint("amount_fen <> 0", name="amount_not_zero"), Index(None, "camp_id", "account"))

    transaction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ledger_transactions.id"), primary_key=True)
    account: Mapped[Account] = mapped_column(checked(Account), primary_key=True)
    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
