"""Differences between our books and the provider's, for a person to see and settle."""

import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from backend.api.answers import Answer, Id, Instant, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.models.reconciliation import CaseStatus, ReconciliationCase
from backend.money.cases import service
from backend.money.reconciliation import repository
from backend.office.staff.rules import Permission

router = APIRouter(
    prefix="/reconciliation-cases", tags=["对账"], dependencies=[Depends(Allowed(Permission.RECONCILIATION))]
)


class CaseOut(Model):
    """``detail`` holds the evidence: what the provider says and what we have."""

    id: Id
    kind: str
    status: CaseStatus
    summary: str
    detail: dict[str, Any]
    camp_id: Id | None
    payment_id: Id | None
    refund_id: Id | None
    created_at: Instant
    resolved_at: Instant | None
    resolved_by_name: str | None
    resolution: str | None


class ResolveIn(Model):
    note: Annotated[str, Field(min_length=1, max_length=500)]


def _out(case: ReconciliationCase, names: Mapping[uuid.UUID, str]) -> CaseOut:
    fields = {name: getattr(case, name) for name in CaseOut.model_fields if name != "resolved_by_name"}
    resolver = names.get(case.resolved_by) if case.resolved_by is not None else None
    return CaseOut.model_validate(fields | {"resolved_by_name": resolver})


@router.get("")
async def cases(
    session: SessionDep,
    page: PageDep,
    status: CaseStatus | None = None,
    kind: Annotated[str | None, Query(max_length=50)] = None,
    camp_id: Annotated[Id | None, Query()] = None,
) -> Answer[Rows[CaseOut]]:
    """Newest first."""
    found = await service.page(session, page, status=status, kind=kind, camp_id=camp_id)
    names = await repository.staff_names(session, {case.resolved_by for case in found.items if case.resolved_by})
    return answer(Rows.of(found, lambda case: _out(case, names)))


@router.post("/{case_id}/resolve")
async def resolve(case_id: Id, body: ResolveIn, viewer: CurrentStaff, session: SessionDep) -> Answer[CaseOut]:
    """Say what became of it; of two people at once the second comes too late."""
    case = await service.resolve(session, viewer.actor, case_id, note=body.note)
    return answer(_out(case, {viewer.staff.id: viewer.staff.display_name}))
