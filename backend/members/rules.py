"""Entitlement: what two sources of day counts and a match say about a member's deposit; and what a member may correct.

Pure functions. Both sources say enough → eligible; both say short → not eligible; they disagree, or the match is
below 100, or the posts could not be read completely → a person decides. A sheet that staff imported never decides: it
can only make a person look (docs/decisions/0013-imported-days.md).
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backend.models.camps import Camp, CampStatus
from backend.models.members import MatchMethod, MatchStatus, Member, Verdict
from backend.models.refunds import RefundStatus


class Reason(StrEnum):
    """Why a verdict is what it is."""

    ENOUGH_DAYS = "enough_days"
    DAYS_SHORT = "days_short"
    NOT_COUNTED = "not_counted"
    SOURCES_DISAGREE = "sources_disagree"
    POSTS_INCOMPLETE = "posts_incomplete"
    MATCH_BELOW_100 = "match_below_100"
    NOT_MATCHED = "not_matched"
    IMPORT_ENOUGH = "import_enough"
    IMPORT_SHORT = "import_short"


REASON_TEXTS = {
    Reason.ENOUGH_DAYS: "打卡天数达标",
    Reason.DAYS_SHORT: "打卡天数不足",
    Reason.NOT_COUNTED: "尚无完整的打卡同步",
    Reason.SOURCES_DISAGREE: "排行榜与打卡帖子天数不一致",
    Reason.POSTS_INCOMPLETE: "打卡帖子未能完整读取",
    Reason.MATCH_BELOW_100: "身份匹配置信度低于 100",
    Reason.NOT_MATCHED: "身份未匹配",
    Reason.IMPORT_ENOUGH: "手工导入的打卡天数达标",
    Reason.IMPORT_SHORT: "手工导入的打卡天数不足",
}


@dataclass(frozen=True, slots=True)
class Assessment:
    """A verdict with its reasons.

    ``days`` is the posts' count where posts are complete, else the ranking's; where no sync has spoken, the sheet's.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...]
    days: int
    required_days: int


def assess(
    policy: Mapping[str, Any],
    *,
    days_ranking: int | None,
    days_posts: int | None,
    match_status: MatchStatus,
    confidence: int,
    days_import: int | None = None,
) -> Assessment:
    """Judge one member. ``days_posts`` is None when the posts were not read to their end.

    Counts of None mean that no complete sync has spoken of the camp yet, and ``days_import`` of None that no sheet
    tells of this person.
    """
    required = required_days(policy)
    reasons: list[Reason] = []
    if match_status is not MatchStatus.MATCHED:
        reasons.append(Reason.NOT_MATCHED)
    elif confidence < 100:
        reasons.append(Reason.MATCH_BELOW_100)
    if days_ranking is None:
        reasons.append(Reason.NOT_COUNTED)
        if days_import is not None:
            reasons.append(Reason.IMPORT_ENOUGH if days_import >= required else Reason.IMPORT_SHORT)
        return Assessment(Verdict.NEEDS_CONFIRMATION, tuple(reasons), days_import or 0, required)
    days = days_posts if days_posts is not None else days_ranking
    if days_posts is None:
        reasons.append(Reason.POSTS_INCOMPLETE)
    elif (days_ranking >= required) != (days_posts >= required):
        reasons.append(Reason.SOURCES_DISAGREE)
    if days < required <= (days_import or 0):
        reasons.append(Reason.IMPORT_ENOUGH)
    doubtful = bool(reasons)
    reasons.append(Reason.ENOUGH_DAYS if days >= required else Reason.DAYS_SHORT)
    if doubtful:
        verdict = Verdict.NEEDS_CONFIRMATION
    else:
        verdict = Verdict.ELIGIBLE if days >= required else Verdict.NOT_ELIGIBLE
    return Assessment(verdict, tuple(reasons), days, required)


def required_days(policy: Mapping[str, Any]) -> int:
    """Days the policy asks for. Raises ValueError for a kind this version doesn't know."""
    if policy.get("kind") != "threshold":
        raise ValueError(f"unknown refund policy: {policy.get('kind')!r}")
    return int(policy["required_days"])


def only_match_in_doubt(reasons: tuple[Reason, ...] | list[str]) -> bool:
    """Whether the days are beyond doubt and enough, and only the match is below 100.

    Such rows, and no others that need confirmation, may pass in a batch with a lower ``min_confidence``.
    """
    return set(reasons) <= {Reason.MATCH_BELOW_100, Reason.ENOUGH_DAYS} and Reason.ENOUGH_DAYS in reasons


def only_import_speaks(reasons: tuple[Reason, ...] | list[str]) -> bool:
    """Whether no sync counts, a sheet says enough, and at most the match is in doubt besides.

    Such rows may pass in a batch whose reviewer says in so many words that the sheet will do.
    """
    admitted = {Reason.NOT_COUNTED, Reason.IMPORT_ENOUGH, Reason.MATCH_BELOW_100}
    return set(reasons) <= admitted and Reason.IMPORT_ENOUGH in reasons


# From payment on (product requirements §3.6 and C31).
CORRECTION_TIME = dt.timedelta(days=7)
# A refund in any other state has been decided on, or paid, for the person as matched.
_UNDECIDED = frozenset({RefundStatus.PENDING_REVIEW, RefundStatus.REJECTED, RefundStatus.CLOSED})


@dataclass(frozen=True, slots=True)
class Correction:
    """Whether a member may correct the planet data they typed: ``until`` when, or why not, in their words."""

    until: dt.datetime | None = None
    locked_reason: str | None = None


def correction(member: Member, camp: Camp, refunds: Collection[RefundStatus], *, now: dt.datetime) -> Correction:
    """What holds at ``now``; ``refunds`` are the states of all refunds of the member's payment."""
    until = member.paid_at + CORRECTION_TIME
    if member.status is MatchStatus.CLOSED:
        reason = "工作人员已确认无法匹配，如有疑问请联系工作人员"
    elif member.match_method is MatchMethod.MANUAL:
        reason = "工作人员已确认您的星球身份，如有疑问请联系工作人员"
    elif member.confidence == 100:
        reason = "星球信息已匹配成功，无需修改"
    elif camp.status is CampStatus.ARCHIVED:
        reason = "训练营已归档，不能再修改"
    elif any(status not in _UNDECIDED for status in refunds):
        reason = "退款已在处理或已完成，不能再修改"
    elif now >= until:
        reason = f"支付满 {CORRECTION_TIME.days} 天后不能自行修改，请联系工作人员"
    else:
        return Correction(until=until)
    return Correction(locked_reason=reason)
