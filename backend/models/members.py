"""Members: a member is one paid enrolment of one person in one camp."""

import datetime as dt
import uuid
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.states import Transitions
from backend.models.base import Base, Identified, JsonObject, checked


class MatchStatus(StrEnum):
    UNMATCHED = "unmatched"
    SUGGESTED = "suggested"
    MATCHED = "matched"
    CONFLICT = "conflict"
    CLOSED = "closed"


class MatchMethod(StrEnum):
    PLANET_NUMBER = "planet_number"
    PLANET_NICKNAME = "planet_nickname"
    WECHAT_NICKNAME = "wechat_nickname"
    MANUAL = "manual"


class Standing(StrEnum):
    """A member's situation at any time (design §11): whether the whole deposit is certain or beyond reach."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    REACHED = "reached"
    OUT_OF_REACH = "out_of_reach"


class Verdict(StrEnum):
    """What comes of the deposit, once the camp's end has been seen: all of it, a part, nothing, or a person decides."""

    ELIGIBLE = "eligible"
    PARTIAL = "partial"
    NEEDS_CONFIRMATION = "needs_confirmation"
    NOT_ELIGIBLE = "not_eligible"


_OPEN = frozenset({MatchStatus.UNMATCHED, MatchStatus.SUGGESTED, MatchStatus.MATCHED, MatchStatus.CONFLICT})
# New data may cause any transition between open states; only staff reopen ``closed`` (无法匹配).
MATCH_TRANSITIONS = Transitions(
    {state: (_OPEN - {state}) | {MatchStatus.CLOSED} for state in _OPEN}
    | {MatchStatus.CLOSED: frozenset({MatchStatus.UNMATCHED, MatchStatus.MATCHED})}
)


class Member(Identified, Base):
    """A member. Day counts come from the last complete sync. ``refund_policy`` is the policy frozen at payment.

    ``required_days`` is None if the policy's version is unknown.
    """

    __tablename__ = "members"
    transitions: ClassVar[Transitions[MatchStatus]] = MATCH_TRANSITIONS
    __table_args__ = (
        CheckConstraint("confidence IN (0, 33, 66, 100)", name="confidence_levels"),
        CheckConstraint("paid_fen > 0", name="paid_positive"),
        CheckConstraint("(match_status = 'matched') <= (planet_user_id IS NOT NULL)", name="matched_has_planet_user"),
        Index("uq_members_camp_openid", "camp_id", "openid", unique=True, postgresql_where=text("openid IS NOT NULL")),
        Index(
            "uq_members_camp_planet_user",
            "camp_id",
            "planet_user_id",
            unique=True,
            postgresql_where=text("match_status = 'matched'"),
        ),
        Index("uq_members_camp_payer", "camp_id", "payer_id", unique=True),
        Index(None, "camp_id", "match_status"),
        Index(None, "paid_at", "id"),
        # A covering index for the queries of a camp's figures.
        Index(
            None,
            "camp_id",
            "standing",
            postgresql_include=["match_status", "verdict", "joined", "days", "required_days"],
        ),
        CheckConstraint("entitled_fen BETWEEN 0 AND paid_fen - fee_fen", name="entitled_within_paid"),
        CheckConstraint("fee_fen BETWEEN 0 AND paid_fen", name="fee_within_paid"),
        # Partial index for the manual matching queue: few rows of many.
        Index(
            "ix_members_matching_queue",
            "camp_id",
            postgresql_where=text("match_status <> 'matched' OR confidence < 100"),
        ),
        Index(None, "openid"),
        Index(None, "payer_id"),
    )

    camp_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("camps.id"))
    payer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payers.id"))
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payments.id"), unique=True)
    openid: Mapped[str | None] = mapped_column(String(128))
    planet_nickname: Mapped[str] = mapped_column(String(50))
    planet_number: Mapped[str] = mapped_column(String(20))
    wechat_nickname: Mapped[str] = mapped_column(String(50))
    status: Mapped[MatchStatus] = mapped_column("match_status", checked(MatchStatus), default=MatchStatus.UNMATCHED)
    confidence: Mapped[int] = mapped_column(default=0)
    match_method: Mapped[MatchMethod | None] = mapped_column(checked(MatchMethod))
    planet_user_id: Mapped[str | None] = mapped_column(String(32))
    match_note: Mapped[str | None] = mapped_column(Text)
    refund_policy: Mapped[JsonObject]
    joined: Mapped[bool] = mapped_column(default=False)
    joined_at: Mapped[dt.datetime | None]
    paid_fen: Mapped[int] = mapped_column(BigInteger)
    # The part of ``paid_fen`` that isn't refundable once the camp has begun; frozen with the policy.
    fee_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    paid_at: Mapped[dt.datetime]
    days_ranking: Mapped[int | None]
    days_posts: Mapped[int | None]
    # Days from imported sheets together with the posts; None if nothing was imported for this person.
    days_import: Mapped[int | None]
    counted_at: Mapped[dt.datetime | None]
    # Results of the eligibility service, which is their only writer (design §11).
    days: Mapped[int] = mapped_column(default=0)
    required_days: Mapped[int | None]
    standing: Mapped[Standing] = mapped_column(checked(Standing), default=Standing.NOT_STARTED)
    entitled_fen: Mapped[int] = mapped_column(BigInteger, default=0)
    verdict: Mapped[Verdict | None] = mapped_column(checked(Verdict))
    verdict_reasons: Mapped[list[str]] = mapped_column(default=list)
    breakdown: Mapped[JsonObject] = mapped_column(default=dict)
    judged_at: Mapped[dt.datetime | None]
