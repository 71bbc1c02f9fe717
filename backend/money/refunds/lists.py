"""The refund list of a camp. It requires a complete sync that began after the camp's last day.

If 知识星球 can't be read any more, a sheet of all members' days, imported after the last day, replaces the sync. Then
every row needs a person's confirmation (docs/decisions/0013-imported-days.md).
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.core.ids import new_id, new_number
from backend.core.money import format_yuan
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import SyncRun, SyncStatus
from backend.models.history import move
from backend.models.members import MatchStatus, Verdict
from backend.models.refunds import IN_FLIGHT, RefundKind, RefundStatus
from backend.money.refunds import repository
from backend.money.refunds.repository import Earlier, Entitled
from backend.office.audit import service as audit
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.service import To


class ListRefused(Conflict):
    """The list can't be created now. Nothing was written."""


class CampNotEnded(ListRefused):
    code, message = "camp_not_ended", "训练营尚未结束，不能生成退款名单"


class ListClosed(ListRefused):
    code, message = "refund_list_closed", "训练营已归档，不能再生成退款名单"


class SyncIncomplete(ListRefused):
    """``data`` holds the newest sync run after the last day, if any: ``{last_run_status, error_message}``."""

    code, message = "sync_incomplete", "最后一天结束后还没有完整的打卡同步，不能生成退款名单"


@dataclass(frozen=True, slots=True)
class ListResult:
    """``created`` counts the new rows. The other fields count all members of the camp."""

    created: int
    eligible: int
    partial: int
    needs_confirmation: int
    not_eligible: int
    unmatched: int


async def make_list(session: AsyncSession, camp_id: uuid.UUID, *, actor: Actor) -> ListResult:
    """Create a refund in review for every entitled member without one, and update the listed amount of waiting ones.

    Idempotent. Moves an ended camp to settling. Raises NotFound, CampNotEnded, ListClosed, SyncIncomplete.
    """
    camp = await camps.lock_camp(session, camp_id)
    await check_possible(session, camp)
    members = await repository.entitled_of(session, camp_id)
    earlier = await repository.earlier_refunds(session, camp_id)
    new, changed = [], []
    for member in members:
        row, amounts = _rows_for(member, camp_id, earlier.get(member.payment_id, []))
        new += row
        changed += amounts
    await repository.insert_all(session, new)
    await repository.note_listed(session, changed)
    result = _result(members, created=len(new))
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
    """Raises CampNotEnded, ListClosed or SyncIncomplete if a list can't be created now."""
    if camp.status is CampStatus.ARCHIVED:
        raise ListClosed
    if camp.status not in (CampStatus.ENDED, CampStatus.SETTLING) or clock.today() <= camp.ends_on:
        raise CampNotEnded
    runs = await repository.syncs_since(session, camp.id, _end_of(camp))
    if not _is_synced(runs) and not await rests_on_sheet(session, camp):
        raise SyncIncomplete(_why(runs), data=_last_run(runs))


async def rests_on_sheet(session: AsyncSession, camp: Camp) -> bool:
    """Whether a sheet of all members' days covers the camp's end, and no complete sync does."""
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


_NEW = {"kind": RefundKind.CAMP}


def _rows_for(
    member: Entitled, camp_id: uuid.UUID, earlier: Sequence[Earlier]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """New refunds for an entitled member without one, and changed listed values of waiting ones; both may be empty."""
    if member.match_status is not MatchStatus.MATCHED:
        return [], []
    open_rows = [row for row in earlier if row.status is not RefundStatus.CLOSED]
    left = member.entitled_fen - sum(row.amount_fen for row in open_rows if row.status is RefundStatus.SUCCEEDED)
    if left <= 0:
        return [], []
    waiting = [row for row in open_rows if row.kind is RefundKind.CAMP and row.status is RefundStatus.PENDING_REVIEW]
    # A rejection stands until a person reopens it. After a partial refund, a new one pays the rest if more is due now.
    stands = (RefundStatus.REJECTED, *IN_FLIGHT)
    if any(row.status in stands if row.kind is RefundKind.CAMP else row.status in IN_FLIGHT for row in open_rows):
        return [], [
            {"refund_id": row.id, "fen": left, "listed": member.verdict}
            for row in waiting
            if (row.amount_fen, row.listed_verdict) != (left, member.verdict)
        ]
    replaced = [row.id for row in earlier if row.kind is RefundKind.CAMP and row.status is RefundStatus.CLOSED]
    new = {
        "id": new_id(),
        "camp_id": camp_id,
        "member_id": member.id,
        "payment_id": member.payment_id,
        "amount_fen": left,
        "listed_verdict": member.verdict,
        "out_refund_no": new_number("R"),
        "replaces_id": replaced[-1] if replaced else None,
    }
    return [_NEW | new], []


def _result(members: Sequence[Entitled], *, created: int) -> ListResult:
    counts = Counter(member.verdict for member in members if member.match_status is MatchStatus.MATCHED)
    return ListResult(
        created=created,
        eligible=counts[Verdict.ELIGIBLE],
        partial=counts[Verdict.PARTIAL],
        needs_confirmation=counts[Verdict.NEEDS_CONFIRMATION],
        not_eligible=counts[Verdict.NOT_ELIGIBLE],
        unmatched=sum(member.match_status is not MatchStatus.MATCHED for member in members),
    )


async def _tell(session: AsyncSession, camp: Camp, result: ListResult, sum_fen: int) -> None:
    values = {
        "camp": camp.name,
        "count": result.created,
        "sum": format_yuan(sum_fen),
        "eligible": result.eligible,
        "partial": result.partial,
        "to_confirm": result.needs_confirmation,
        "short": result.not_eligible,
        "unmatched": result.unmatched,
    }
    await notifications.notify(
        session, scenes.CAMP_ENDED_REVIEW, To.staff(camp.id), about=f"{camp.id}:{clock.today()}", values=values
    )


async def tell_blocked(session: AsyncSession, camp_id: uuid.UUID, refusal: ListRefused) -> None:
    """Alert staff, once a day, that the nightly job couldn't create the list."""
    camp = await camps.get_camp(session, camp_id)
    await notifications.notify(
        session, scenes.REFUND_LIST_BLOCKED, To.staff(camp_id), about=f"{camp_id}:{clock.today()}",
        values={"camp": camp.name, "reason": refusal.text},
    )  # fmt: skip
