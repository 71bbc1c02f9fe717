"""Reconciliation cases: discrepancies for a person to resolve, each opened once, with its evidence."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import Conflict, NotFound
from backend.core.ids import new_id
from backend.core.pagination import Page, PageRequest, fetch_page
from backend.models.history import move
from backend.models.reconciliation import CaseStatus, ReconciliationCase
from backend.office.audit import service as audit
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.service import To


class CaseAlreadyResolved(Conflict):
    code, message = "case_already_resolved", "该差异已由其他人处理"


async def open_case(
    session: AsyncSession,
    kind: str,
    *,
    about: str,
    summary: str,
    detail: Mapping[str, Any],
    camp_id: uuid.UUID | None = None,
    payment_id: uuid.UUID | None = None,
    refund_id: uuid.UUID | None = None,
) -> bool:
    """Open a case and alert staff, unless one with the same ``kind`` and ``about`` exists, open or resolved.

    ``summary`` is Chinese text. Returns whether the case is new.
    """
    new = await session.scalar(
        insert(ReconciliationCase)
        .values(
            id=new_id(),
            created_at=clock.now(),
            kind=kind,
            dedupe_key=f"{kind}:{about}",
            status=CaseStatus.OPEN,
            summary=summary,
            detail=dict(detail),
            camp_id=camp_id,
            payment_id=payment_id,
            refund_id=refund_id,
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(ReconciliationCase.id)
    )
    if new is None:
        return False
    await notifications.notify(
        session, scenes.RECONCILIATION_CASE, To.staff(camp_id), about=str(new), values={"summary": summary}
    )
    return True


async def resolve(session: AsyncSession, actor: Actor, case_id: uuid.UUID, *, note: str) -> ReconciliationCase:
    """Close a case with a person's ``note``. Raises NotFound, CaseAlreadyResolved."""
    case: ReconciliationCase | None = await session.get(ReconciliationCase, case_id, with_for_update=True)
    if case is None:
        raise NotFound
    if case.status is not CaseStatus.OPEN:
        raise CaseAlreadyResolved
    move(session, case, CaseStatus.RESOLVED, event="resolve", actor=actor, note=note)
    case.resolved_at, case.resolved_by, case.resolution = clock.now(), actor.id, note
    audit.record(
        session, actor, "reconciliation.resolve", target_type="reconciliation_case", target_id=case.id,
        target_name=case.kind, camp_id=case.camp_id, note=note,
    )  # fmt: skip
    return case


async def page(
    session: AsyncSession,
    request: PageRequest,
    *,
    status: CaseStatus | None,
    kind: str | None,
    camp_id: uuid.UUID | None,
) -> Page[ReconciliationCase]:
    statement = select(ReconciliationCase).order_by(ReconciliationCase.created_at.desc(), ReconciliationCase.id.desc())
    if status is not None:
        statement = statement.where(ReconciliationCase.status == status)
    if kind:
        statement = statement.where(ReconciliationCase.kind == kind)
    if camp_id is not None:
        statement = statement.where(ReconciliationCase.camp_id == camp_id)
    return await fetch_page(session, statement, request)
