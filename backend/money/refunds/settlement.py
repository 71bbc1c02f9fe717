"""Settle a camp: every member's verdict with its reasons, and closing the books at archive."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.models.camps import Camp, CampStatus
from backend.models.history import move
from backend.models.members import MatchStatus, Member, Verdict
from backend.models.refunds import IN_FLIGHT, Refund, RefundKind, RefundStatus
from backend.money.ledger import service as ledger
from backend.money.refunds import lists, repository
from backend.office.audit import service as audit


class CampNotSettling(Conflict):
    code, message = "camp_not_settling", "只有结算中的训练营可以归档"


class CampHasOpenRefunds(Conflict):
    """``data`` counts them by status."""

    code, message = "camp_has_open_refunds", "还有未完成的退款，处理完后才能归档"


@dataclass(frozen=True, slots=True)
class Line:
    """One paid member. ``refund`` is the newest row of the deposit, if there is one."""

    member: Member
    refund: Refund | None
    refunded_fen: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """All members of a camp, with sums in fen.

    ``refunds`` has (count, fen) by status. ``blocked`` says why no list can be created now; None if one can.
    """

    lines: Sequence[Line]
    verdicts: Counter[Verdict | None]
    unmatched: int
    paid_fen: int
    refunded_fen: int
    refunds: dict[RefundStatus, tuple[int, int]]
    blocked: lists.ListRefused | None


async def settlement(session: AsyncSession, camp_id: uuid.UUID) -> Settlement:
    """Payments and refunds of a camp, per member. Raises NotFound."""
    camp = await camps.get_camp(session, camp_id)
    members = await repository.members_of(session, camp_id)
    refunds = await repository.refunds_by_payment(session, camp_id)
    lines = [_line(member, refunds.get(member.payment_id, [])) for member in members]
    matched = [line for line in lines if line.member.status is MatchStatus.MATCHED]
    return Settlement(
        lines=lines,
        verdicts=Counter(line.member.verdict for line in matched),
        unmatched=len(lines) - len(matched),
        paid_fen=sum(line.member.paid_fen for line in lines),
        refunded_fen=sum(line.refunded_fen for line in lines),
        refunds=await repository.sums_by_status(session, camp_ids=[camp_id]),
        blocked=await _blocked(session, camp),
    )


async def _blocked(session: AsyncSession, camp: Camp) -> lists.ListRefused | None:
    try:
        await lists.check_possible(session, camp)
    except lists.ListRefused as refusal:
        return refusal
    return None


def _line(member: Member, refunds: Sequence[Refund]) -> Line:
    of_deposit = [refund for refund in refunds if refund.kind is RefundKind.CAMP] or refunds
    refunded = sum(refund.amount_fen for refund in refunds if refund.status is RefundStatus.SUCCEEDED)
    return Line(member, of_deposit[-1] if of_deposit else None, refunded)


async def archive(session: AsyncSession, camp_id: uuid.UUID, *, actor: Actor) -> int:
    """Archive a camp: book what isn't refunded as income, and return that sum in fen.

    Raises NotFound, CampNotSettling, CampHasOpenRefunds.
    """
    camp = await camps.lock_camp(session, camp_id)
    if camp.status is not CampStatus.SETTLING:
        raise CampNotSettling
    by_status = await repository.sums_by_status(session, camp_ids=[camp_id])
    still_open = {status.value: by_status[status][0] for status in IN_FLIGHT if by_status[status][0]}
    if still_open:
        raise CampHasOpenRefunds(data={"counts": still_open})
    kept = 0
    for payment, gone in await repository.paid_with_gone(session, camp_id):
        if gone < payment.amount_fen:
            ledger.kept(session, payment, payment.amount_fen - gone)
            kept += payment.amount_fen - gone
    move(session, camp, CampStatus.ARCHIVED, event="archive", actor=actor)
    count, refunded_fen = by_status[RefundStatus.SUCCEEDED]
    summary = {"kept_fen": kept, "refunded_fen": refunded_fen, "refunds": count}
    audit.record(
        session, actor, "camp.archive", target_type="camp", target_id=camp.id, target_name=camp.name,
        camp_id=camp.id, before={"status": CampStatus.SETTLING}, after={"status": camp.status, **summary},
    )  # fmt: skip
    return kept
