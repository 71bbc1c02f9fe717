"""Evidence for a deposit's refund: the member's columns while it waits. The decision copies them to the refund."""

import uuid
from dataclasses import dataclass

from backend.core.errors import Conflict
from backend.models.members import Member, Verdict
from backend.models.refunds import Refund

# Copied from the member on a decision. The member's columns have the same names.
COLUMNS = (
    "verdict",
    "verdict_reasons",
    "days",
    "days_ranking",
    "days_posts",
    "days_import",
    "required_days",
    "confidence",
    "match_method",
    "breakdown",
)


class StaleEvidence(Conflict):
    """``data`` holds the current values: ``{verdict, amount_fen, days}``."""

    code, message = "stale_evidence", "打卡或匹配数据已更新，请刷新后按最新判定审核"


class NothingDue(Conflict):
    code, message = "refund_nothing_due", "按最新打卡记录没有可退金额，请拒绝该行；确需退款请在拒绝后发起特殊退款"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the reviewer saw of a row. None means that the request doesn't state it."""

    verdict: Verdict | None = None
    amount_fen: int | None = None

    @property
    def is_told(self) -> bool:
        return self.verdict is not None or self.amount_fen is not None


UNTOLD = Seen()


def evidence_of(refund: Refund, member: Member | None) -> Refund | Member:
    """The row with the evidence: the member until a decision, then the refund."""
    return member if refund.follows_member and member is not None else refund


@dataclass(frozen=True, slots=True)
class Held:
    """A locked refund with its member, and what it would pay now, in fen."""

    refund: Refund
    member: Member | None
    amount_fen: int

    @property
    def source(self) -> Refund | Member:
        return evidence_of(self.refund, self.member)

    @property
    def camp_id(self) -> uuid.UUID:
        return self.refund.camp_id

    def is_stale(self, seen: Seen) -> bool:
        """Whether the row differs from what the reviewer saw. Listed values replace those the request doesn't state.

        Without a stated verdict, a row that became eligible since, for the same amount, isn't stale.
        """
        if seen.verdict is not None:
            is_other = seen.verdict is not self.source.verdict
        else:
            listed = (self.refund.listed_verdict, Verdict.ELIGIBLE)
            is_other = self.refund.follows_member and self.source.verdict not in listed
        return is_other or self.amount_fen != (self.refund.amount_fen if seen.amount_fen is None else seen.amount_fen)

    def stale(self) -> StaleEvidence:
        source = self.source
        return StaleEvidence(data={"verdict": source.verdict, "amount_fen": self.amount_fen, "days": source.days})

    def freeze(self) -> None:
        """Copy the member's evidence to the refund. A refund that pays nothing keeps its listed amount."""
        if not self.refund.follows_member or self.member is None:
            return
        for name in COLUMNS:
            setattr(self.refund, name, getattr(self.member, name))
        if self.amount_fen > 0:
            self.refund.amount_fen = self.amount_fen


def thaw(refund: Refund) -> None:
    """Clear the evidence of a deposit's refund: it follows its member again. Call this once the refund is in review."""
    if not refund.follows_member:
        return
    refund.listed_verdict = refund.verdict
    for name in COLUMNS:
        setattr(refund, name, [] if name == "verdict_reasons" else None)
