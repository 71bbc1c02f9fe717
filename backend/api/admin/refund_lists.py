"""Refunds in lists: narrowed, counted, summed up, and chosen all at once."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from backend.api.answers import Answer, Day, Id, Instant, LongRows, Model, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, RuntimeDep, SessionDep
from backend.community.eligibility.rules import REASON_TEXTS, Reason
from backend.core import clock
from backend.core.errors import Invalid
from backend.models.members import MatchMethod, Verdict
from backend.models.refunds import RefundKind, RefundStatus
from backend.money.refunds import queries, repository
from backend.money.refunds.evidence import COLUMNS
from backend.money.refunds.queries import Filter, Listed
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/refunds", tags=["退款"], dependencies=[Depends(Allowed(Permission.REFUND_VIEW))])

# Maximum number of rows selected at once; equals the batch limit.
MOST_CHOSEN = 1000


class ReasonOut(Model):
    code: str
    text: str


class FailureOut(Model):
    code: str
    message: str


class RefundOut(Model):
    """``days`` and what belongs to it are the member's while a deposit's refund is in review, and frozen by
    the decision; an extra refund has none. ``amount_line`` says in one line how the amount comes about.

    ``undoable``: approved, and nothing of it was ever sent.
    """

    id: Id
    camp_id: Id
    camp_name: str
    member_id: Id | None
    payment_id: Id
    planet_nickname: str
    planet_number: str
    wechat_nickname: str
    paid_fen: int
    paid_at: Instant | None
    kind: RefundKind
    status: RefundStatus
    amount_fen: int
    out_refund_no: str
    reason: str
    verdict: Verdict | None
    verdict_reasons: list[ReasonOut]
    days: int | None
    days_ranking: int | None
    days_posts: int | None
    days_import: int | None
    required_days: int | None
    confidence: int | None
    match_method: str | None
    amount_line: str
    reviewer_name: str | None
    reviewed_at: Instant | None
    review_note: str | None
    reject_reason: str | None
    attempts: int
    manual_retries: int
    failure: FailureOut | None
    provider_refund_id: str | None
    sent_at: Instant | None
    succeeded_at: Instant | None
    settled_offline: bool
    offline_note: str | None
    replaces_id: Id | None
    undoable: bool
    created_at: Instant


class SumOut(Model):
    count: int
    sum_fen: int


class HoldOut(Model):
    cause: str
    refund_id: Id | None
    created_at: Instant


class SummaryOut(Model):
    """``undo_seconds`` is how long an approval waits before it leaves."""

    by_status: dict[RefundStatus, SumOut]
    hold: HoldOut | None
    undo_seconds: int


class SeenOut(Model):
    """A row as it stands now, to be sent back as what the reviewer saw of it."""

    id: Id
    verdict: Verdict | None
    amount_fen: int


class ChosenOut(Model):
    """The newest thousand that fit; ``count`` and ``sum_fen`` are those of ``ids``, ``total`` counts all that fit."""

    ids: list[Id]
    rows: list[SeenOut]
    count: int
    sum_fen: int
    total: int


def reasons_out(codes: Sequence[str]) -> list[ReasonOut]:
    return [ReasonOut(code=code, text=REASON_TEXTS[Reason(code)]) for code in codes]


def refund_out(row: Listed) -> RefundOut:
    return RefundOut.model_validate(fields_of(row))


def fields_of(row: Listed) -> dict[str, object]:
    refund, payment, evidence = row.refund, row.payment, row.evidence
    fields: dict[str, object] = {
        name: getattr(refund, name) for name in RefundOut.model_fields if hasattr(refund, name)
    }
    fields |= {name: getattr(evidence, name) for name in COLUMNS if name in RefundOut.model_fields}
    failure = (
        FailureOut(code=refund.failure_code, message=refund.failure_message or "") if refund.failure_code else None
    )
    return fields | {
        "camp_name": row.camp_name,
        "planet_nickname": payment.planet_nickname,
        "planet_number": payment.planet_number,
        "wechat_nickname": payment.wechat_nickname,
        "paid_fen": payment.amount_fen,
        "paid_at": payment.paid_at,
        "amount_fen": row.amount_fen,
        "verdict_reasons": reasons_out(evidence.verdict_reasons),
        "amount_line": (evidence.breakdown or {}).get("line", ""),
        "reviewer_name": row.reviewer_name,
        "failure": failure,
    }


def _statuses(status: Annotated[str | None, Query(description="可用逗号分隔多个状态")] = None) -> list[RefundStatus]:
    try:
        return [RefundStatus(part.strip()) for part in (status or "").split(",") if part.strip()]
    except ValueError:
        raise Invalid({"status": "不是可选的值"}) from None


def _wanted(
    viewer: CurrentStaff,
    status: Annotated[list[RefundStatus], Depends(_statuses)],
    camp_id: Annotated[Id | None, Query()] = None,
    member_id: Annotated[Id | None, Query()] = None,
    payment_id: Annotated[Id | None, Query()] = None,
    kind: RefundKind | None = None,
    verdict: Verdict | None = None,
    confidence: Annotated[int | None, Query(ge=0, le=100)] = None,
    match_method: MatchMethod | None = None,
    created_from: Annotated[Day | None, Query(alias="from")] = None,
    created_to: Annotated[Day | None, Query(alias="to")] = None,
    reviewer: Annotated[str | None, Query(max_length=50)] = None,
    q: Annotated[str | None, Query(max_length=64)] = None,
) -> Filter:
    """``from`` and ``to`` are days of creation, both inclusive. A foreign camp: 403."""
    if camp_id is not None:
        viewer.require_camp(camp_id)
    return Filter(
        camp_ids=viewer.camp_ids,
        camp_id=camp_id,
        member_id=member_id,
        payment_id=payment_id,
        status=status,
        kind=kind,
        verdict=verdict,
        confidence=confidence,
        match_method=match_method,
        created_from=clock.day_start(created_from) if created_from else None,
        created_before=clock.day_start(created_to + dt.timedelta(days=1)) if created_to else None,
        reviewer=reviewer,
        q=q,
    )


# Shared by list, "select all" and export, so all three cover the same rows.
WantedRefunds = Annotated[Filter, Depends(_wanted)]


@router.get("")
async def refunds(wanted: WantedRefunds, session: SessionDep, page: PageDep) -> Answer[LongRows[RefundOut]]:
    """Newest first."""
    return answer(LongRows.of(await queries.page(session, page, wanted), refund_out))


@router.get("/ids")
async def chosen(wanted: WantedRefunds, session: SessionDep) -> Answer[ChosenOut]:
    """Everything a filter finds, to be chosen at once over all pages."""
    found = await queries.chosen(session, wanted, limit=MOST_CHOSEN)
    rows = [SeenOut(id=id_, verdict=verdict, amount_fen=fen) for id_, verdict, fen in found.rows]
    return answer(ChosenOut(ids=found.ids, rows=rows, count=found.count, sum_fen=found.sum_fen, total=found.total))


@router.get("/summary")
async def summary(
    viewer: CurrentStaff, runtime: RuntimeDep, session: SessionDep, camp_id: Annotated[Id | None, Query()] = None
) -> Answer[SummaryOut]:
    """Counts and sums by status, of one camp or of all that the person sees; and whether sending is on hold.

    Cheap enough to be asked every second or two while a batch is under way.
    """
    if camp_id is not None:
        viewer.require_camp(camp_id)
    camp_ids = [camp_id] if camp_id is not None else viewer.camp_ids
    sums = await repository.sums_by_status(session, camp_ids=camp_ids)
    hold = await repository.open_hold(session)
    return answer(
        SummaryOut(
            by_status={status: SumOut(count=count, sum_fen=fen) for status, (count, fen) in sums.items()},
            hold=HoldOut.model_validate(hold) if hold is not None else None,
            undo_seconds=runtime.settings.refund.undo_seconds,
        )
    )
