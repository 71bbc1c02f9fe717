"""Refunds. A refund is one row with one fixed ``out_refund_no``, from review to the provider's final state."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.states import Transitions
from backend.models.base import Base, Identified, JsonObject, checked
from backend.models.members import Verdict


class RefundKind(StrEnum):
    CAMP = "camp"
    DUPLICATE = "duplicate"
    EXCEPTION = "exception"


class RefundStatus(StrEnum):
    PENDING_REVIEW = "pending_review"
    APPROVED = "approved"
    SENDING = "sending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    CLOSED = "closed"


_R = RefundStatus
REFUND_TRANSITIONS = Transitions(
    {
        _R.PENDING_REVIEW: frozenset({_R.APPROVED, _R.REJECTED}),
        # Back to review only if nothing was ever sent; moving to SENDING makes that impossible for good.
        _R.APPROVED: frozenset({_R.SENDING, _R.PENDING_REVIEW}),
        _R.SENDING: frozenset({_R.PROCESSING, _R.SUCCEEDED, _R.FAILED, _R.CLOSED}),
        _R.PROCESSING: frozenset({_R.SUCCEEDED, _R.FAILED, _R.CLOSED}),
        # A retry, 标记已处理, or a late answer from the provider about a refund we had marked failed.
        _R.FAILED: frozenset({_R.APPROVED, _R.PROCESSING, _R.SUCCEEDED, _R.CLOSED}),
        _R.REJECTED: frozenset({_R.PENDING_REVIEW}),
    }
)

# States from which money may still be paid out. A unique index allows one such refund per payment.
IN_FLIGHT = (_R.PENDING_REVIEW, _R.APPROVED, _R.SENDING, _R.PROCESSING, _R.FAILED)


class Refund(Identified, Base):
    """A refund.

    While a ``camp`` refund is in review, its evidence and its amount are the member's current ones. The decision
    freezes both (verdict, days, match, breakdown, amount). Until then, ``amount_fen`` is the amount of the last list
    run.
    """

    __tablename__ = "refunds"
    transitions: ClassVar[Transitions[RefundStatus]] = REFUND_TRANSITIONS
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("NOT settled_offline OR status = 'succeeded'", name="offline_is_settled"),
        CheckConstraint("status <> 'rejected' OR reject_reason IS NOT NULL", name="rejected_has_reason"),
        CheckConstraint(
            "status IN ('pending_review', 'rejected') OR reviewed_at IS NOT NULL", name="sent_was_approved"
        ),
        Index(
            "uq_refunds_in_flight",
            "payment_id",
            unique=True,
            postgresql_where=text("status IN ('pending_review','approved','sending','processing','failed')"),
        ),
        Index(
            "uq_refunds_camp_kind",
            "payment_id",
            unique=True,
            postgresql_where=text("kind = 'camp' AND status NOT IN ('closed', 'succeeded')"),
        ),
        Index(None, "camp_id", "status", postgresql_include=["amount_fen"]),
        Index(
            "ix_refunds_due",
            "status",
            "next_attempt_at",
            postgresql_where=text("status IN ('approved','sending','processing')"),
        ),
        Index(None, "created_at", "id"),
        Index(None, "succeeded_at", postgresql_include=["camp_id", "amount_fen", "status"]),
    )

    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"))
    member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"), index=True)
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payments.id"), index=True)
    kind: Mapped[RefundKind] = mapped_column(checked(RefundKind))
    status: Mapped[RefundStatus] = mapped_column(checked(RefundStatus), default=RefundStatus.PENDING_REVIEW)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    out_refund_no: Mapped[str] = mapped_column(String(64), unique=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    verdict: Mapped[Verdict | None] = mapped_column(checked(Verdict))
    verdict_reasons: Mapped[list[str]] = mapped_column(default=list)
    days: Mapped[int | None]
    days_ranking: Mapped[int | None]
    days_posts: Mapped[int | None]
    days_import: Mapped[int | None]
    required_days: Mapped[int | None]
    confidence: Mapped[int | None]
    match_method: Mapped[str | None] = mapped_column(String(32))
    breakdown: Mapped[JsonObject | None]
    # The verdict of the last list run. A decision request that doesn't state the verdict the reviewer saw is checked
    # against this one and ``amount_fen``.
    listed_verdict: Mapped[Verdict | None] = mapped_column(checked(Verdict, "listed_verdict"))
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    replaces_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refunds.id"))
    reviewer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    reviewed_at: Mapped[dt.datetime | None]
    review_note: Mapped[str | None] = mapped_column(Text)
    reject_reason: Mapped[str | None] = mapped_column(Text)
    # Requests to the provider since the last approval or retry.
    attempts: Mapped[int] = mapped_column(default=0)
    # Number of moves from approved to sending; the ``sequence`` of its ledger movements.
    sendings: Mapped[int] = mapped_column(default=0)
    manual_retries: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]
    failure_code: Mapped[str | None] = mapped_column(String(64))
    failure_message: Mapped[str | None] = mapped_column(Text)
    provider_refund_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    succeeded_at: Mapped[dt.datetime | None]
    settled_offline: Mapped[bool] = mapped_column(default=False)
    offline_note: Mapped[str | None] = mapped_column(Text)

    @property
    def follows_member(self) -> bool:
        """Whether evidence and amount are still the member's current ones, because no decision was made."""
        return self.kind is RefundKind.CAMP and self.status is RefundStatus.PENDING_REVIEW

    @property
    def undoable(self) -> bool:
        """Whether the approval may be undone: no request was ever sent, not even before a retry."""
        return self.status is RefundStatus.APPROVED and self.sendings == 0


class RefundHold(Identified, Base):
    """A pause of sending for all refunds until staff resume it. At most one is open."""

    __tablename__ = "refund_holds"
    __table_args__ = (
        Index(
            "uq_refund_holds_open", text("(ended_at IS NULL)"), unique=True, postgresql_where=text("ended_at IS NULL")
        ),
    )

    cause: Mapped[str] = mapped_column(String(50))
    refund_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("refunds.id"))
    ended_at: Mapped[dt.datetime | None]
    ended_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
