"""When members may correct the planet data they typed (product requirements §3.6). Pure functions."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from backend.models.camps import Camp, CampStatus
from backend.models.members import MatchMethod, MatchStatus, Member
from backend.models.refunds import RefundStatus

# Counted from payment (product requirements §3.6 and C31).
CORRECTION_TIME = dt.timedelta(days=7)
# A refund in any other state was decided or paid for the current match. A correction could change that match.
_UNDECIDED = frozenset({RefundStatus.PENDING_REVIEW, RefundStatus.REJECTED, RefundStatus.CLOSED})


@dataclass(frozen=True, slots=True)
class Correction:
    """``until``: the deadline for correcting the planet data. ``locked_reason``: why not, in Chinese for the member."""

    until: dt.datetime | None = None
    locked_reason: str | None = None


def correction(member: Member, camp: Camp, refunds: Collection[RefundStatus], *, now: dt.datetime) -> Correction:
    """Whether a member may correct the planet data at ``now``.

    ``refunds``: the states of all refunds of the member's payment.
    """
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
