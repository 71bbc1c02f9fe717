"""The refund list of a camp: made from a complete sync that began after the camp's last day, else not at all.

Where 知识星球 can't be read any more, a sheet of everybody's days, imported after the last day, takes the sync's place:
then every row needs a person's confirmation (docs/decisions/0013-imported-days.md).
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit import service as audit
from backend.camps import service as camps
from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.core.ids import new_id, new_number
from backend.core.money import format_yuan
from backend.members.rules import Assessment, assess
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import SyncRun, SyncStatus
from backend.models.history import move
from backend.models.members import MatchStatus, Member, Verdict
from backend.models.refunds import IN_FLIGHT, Refund, RefundKind, RefundStatus
from backend.notifications import scenes
from backend.notifications import service as notifications
from backend.notifications.service import To
from backend.refunds import repository


class ListRefused(Conflict):
    """The list may not be made now; nothing was created."""


class CampNotEnded(ListRefused):
    code, message = "camp_not_ended", "训练营尚未结束，不能生成退款名单"


class ListClosed(ListRefused):
    code, message = "refund_list_closed", "训练营已归档，不能再生成退款名单"


class SyncIncomplete(ListRefused):
    """``data`` holds the newest sync run after the last day, if any: ``{last_run_status, error_message}``."""

    code, message = "sync_incomplete", "最后一天结束后还没有完整的打卡同步，不能生成退款名单"


@dataclass(frozen=True, slots=True)
class ListResult:
    """``created`` rows now; the rest counts all members of the camp."""

    created: int
    eligible: int
    needs_confirmation: int
    not_eligible: int
    unmatched: int


def assessment_of(member: Member, *, by_sheet: bool) -> Assessment:
    """A member's verdict as of now; ``by_sheet``: no sync saw the camp's end, so what earlier ones counted is void."""
    return assess(
        member.refund_policy,
        days_ranking=None if by_sheet else member.days_ranking,
        days_posts=None if by_sheet else member.days_posts,
        match_status=member.status,
        confidence=member.confidence,
        days_import=member.days_import,
    )


async def make_list(session: AsyncSession, camp_id: uuid.UUID, *, actor: Actor) -> ListResult:
    """Put every member who may get the deposit back into review, once; refresh what still waits there.

    An ended camp begins to settle with it. Raises NotFound, CampNotEnded, ListClosed, SyncIncomplete.
    """
    camp = await camps.lock_camp(session, camp_id)
    await check_possible(session, camp)
    by_sheet = await rests_on_sheet(session, camp)
    members = await repository.members_of(session, camp_id)
    earlier = await repository.refunds_by_payment(session, camp_id)
    judged = [(member, assessment_of(member, by_sheet=by_sheet)) for member in members]
    new = [
        row
        for member, found in judged
        if (row := _new_row(member, found, earlier.get(member.payment_id, []))) is not None
    ]
    await repository.insert_all(session, new)
    _refresh(judged, earlier)
    result = _result(judged, created=len(new))
    started = camp.status is CampStatus.ENDED
    if started:
        move(session, camp, CampStatus.SETTLING, event="refund_list", actor=actor)
        audit.record(
            session, actor, "camp.settle", target_type="camp", target_id=camp.id, target_name=camp.name,
            camp_id=camp.id, before={"status": CampStatus.ENDED}, after={"status": camp.status},
        )  # fmt: skip
    audit.record(
        session, actor, "refund.generate", target_type="camp", target_id=camp.id, target_name=camp.name,
        camp_id=camp.id, after=asdict(result),
    )  # fmt: skip
    if started or new:
        await _tell(session, camp, result, sum(row["amount_fen"] for row in new))
    return result


async def check_possible(session: AsyncSession, camp: Camp) -> None:
    """Raise the reason why a list may not be made now."""
    if camp.status is CampStatus.ARCHIVED:
        raise ListClosed
    if camp.status not in (CampStatus.ENDED, CampStatus.SETTLING) or clock.today() <= camp.ends_on:
        raise CampNotEnded
    runs = await repository.syncs_since(session, camp.id, _end_of(camp))
    if not _is_synced(runs) and not await rests_on_sheet(session, camp):
        raise SyncIncomplete(_why(runs), data=_last_run(runs))


async def rests_on_sheet(session: AsyncSession, camp: Camp) -> bool:
    """Whether the camp's end was seen by no complete sync, but by a sheet of everybody's days."""
    if clock.today() <= camp.ends_on or _is_synced(await repository.syncs_since(session, camp.id, _end_of(camp))):
        return False
    return await repository.has_whole_sheet_since(session, camp.id, _end_of(camp))


def _end_of(camp: Camp) -> dt.datetime:
    return clock.day_start(camp.ends_on + dt.timedelta(days=1))


def _is_synced(runs: Sequence[SyncRun]) -> bool:
    return any(run.status is SyncStatus.COMPLETE for run in runs)


def _last_run(runs: Sequence[SyncRun]) -> dict[str, Any]:
    if not runs:
        return {"last_run_status": None, "error_message": None}
    return {"last_run_status": runs[0].status, "error_message": runs[0].error_message}


def _why(runs: Sequence[SyncRun]) -> str:
    if not runs:
        return f"{SyncIncomplete.message}（营期结束后尚未同步）"
    if runs[0].status is SyncStatus.RUNNING:
        return f"{SyncIncomplete.message}（同步进行中）"
    detail = f"：{runs[0].error_message}" if runs[0].error_message else ""
    return f"{SyncIncomplete.message}（最近一次同步未完成{detail}）"


def _new_row(member: Member, found: Assessment, earlier: Sequence[Refund]) -> dict[str, Any] | None:
    """A row for somebody who may get money back and has no row yet; None else."""
    if member.status is not MatchStatus.MATCHED or found.verdict is Verdict.NOT_ELIGIBLE:
        return None
    standing = [refund for refund in earlier if refund.status is not RefundStatus.CLOSED]
    if any(refund.kind is RefundKind.CAMP or refund.status in IN_FLIGHT for refund in standing):
        return None
    left = member.paid_fen - sum(row.amount_fen for row in standing if row.status is RefundStatus.SUCCEEDED)
    if left <= 0:
        return None
    replaced = [refund.id for refund in earlier if refund.kind is RefundKind.CAMP]
    return {
        "id": new_id(),
        "camp_id": member.camp_id,
        "member_id": member.id,
        "payment_id": member.payment_id,
        "kind": RefundKind.CAMP,
        "amount_fen": left,
        "out_refund_no": new_number("R"),
        "replaces_id": replaced[-1] if replaced else None,
        **_evidence(member, found),
    }


def _evidence(member: Member, found: Assessment) -> dict[str, Any]:
    """What the reviewer sees, kept as it is now."""
    return {
        "verdict": found.verdict,
        "verdict_reasons": [reason.value for reason in found.reasons],
        "days": found.days,
        "days_ranking": member.days_ranking,
        "days_posts": member.days_posts,
        "days_import": member.days_import,
        "required_days": found.required_days,
        "confidence": member.confidence,
        "match_method": member.match_method,
    }


def _refresh(judged: Sequence[tuple[Member, Assessment]], earlier: Mapping[uuid.UUID, Sequence[Refund]]) -> None:
    """Rows nobody has reviewed yet follow the newest counts; even one no longer eligible stays for a person to see."""
    for member, found in judged:
        for refund in earlier.get(member.payment_id, []):
            if refund.kind is RefundKind.CAMP and refund.status is RefundStatus.PENDING_REVIEW:
                bring_up_to_date(refund, member, found)


def bring_up_to_date(refund: Refund, member: Member, found: Assessment) -> None:
    """Put the evidence of now on a row that a person has yet to review."""
    for name, value in _evidence(member, found).items():
        setattr(refund, name, value)


# The evidence that decides whether a row may be approved (``rules.batch_refusal``). Days alone don't: 9 instead of 8
# out of 7 changes nothing.
_DECISIVE = ("verdict", "verdict_reasons", "confidence")


def is_stale(refund: Refund, member: Member, found: Assessment) -> bool:
    """Whether a row's copy of the evidence would be judged otherwise than the evidence of now."""
    now = _evidence(member, found)
    return any(getattr(refund, name) != now[name] for name in _DECISIVE)


async def judged_now(session: AsyncSession, refunds: Collection[Refund]) -> list[tuple[Refund, Member, Assessment]]:
    """Each refund of a member's deposit with the verdict of now; extra refunds have none and are left out.

    The caller holds the camps, if only shared: that keeps syncs, imports and matching out until the transaction ends.
    """
    deposits = [(row, row.member_id) for row in refunds if row.kind is RefundKind.CAMP and row.member_id is not None]
    members = await repository.members_by_id(session, {member_id for _, member_id in deposits})
    by_sheet = {
        camp_id: await rests_on_sheet(session, await camps.get_camp(session, camp_id))
        for camp_id in {row.camp_id for row, _ in deposits}
    }
    judged = [(row, members[member_id]) for row, member_id in deposits]
    return [(row, member, assessment_of(member, by_sheet=by_sheet[row.camp_id])) for row, member in judged]


async def follow_members(session: AsyncSession, camp_id: uuid.UUID) -> None:
    """Bring the rows nobody has reviewed yet up to date with their members. The caller holds the camp."""
    by_sheet = await rests_on_sheet(session, await camps.get_camp(session, camp_id))
    members = await repository.members_of(session, camp_id)
    judged = [(member, assessment_of(member, by_sheet=by_sheet)) for member in members]
    _refresh(judged, await repository.refunds_by_payment(session, camp_id))


def _result(judged: Sequence[tuple[Member, Assessment]], *, created: int) -> ListResult:
    counts = Counter(found.verdict for member, found in judged if member.status is MatchStatus.MATCHED)
    return ListResult(
        created=created,
        eligible=counts[Verdict.ELIGIBLE],
        needs_confirmation=counts[Verdict.NEEDS_CONFIRMATION],
        not_eligible=counts[Verdict.NOT_ELIGIBLE],
        unmatched=len(judged) - counts.total(),
    )


async def _tell(session: AsyncSession, camp: Camp, result: ListResult, sum_fen: int) -> None:
    values = {
        "camp": camp.name,
        "count": result.created,
        "sum": format_yuan(sum_fen),
        "eligible": result.eligible,
        "to_confirm": result.needs_confirmation,
        "short": result.not_eligible,
        "unmatched": result.unmatched,
    }
    await notifications.tell(
        session, scenes.CAMP_ENDED_REVIEW, To.staff(camp.id), about=f"{camp.id}:{clock.today()}", values=values
    )


async def tell_blocked(session: AsyncSession, camp_id: uuid.UUID, refusal: ListRefused) -> None:
    """The nightly job couldn't make the list: staff hear it once a day."""
    camp = await camps.get_camp(session, camp_id)
    await notifications.tell(
        session, scenes.REFUND_LIST_BLOCKED, To.staff(camp_id), about=f"{camp_id}:{clock.today()}",
        values={"camp": camp.name, "reason": refusal.text},
    )  # fmt: skip
