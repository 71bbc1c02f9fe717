"""The audit log (操作日志): read only."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from backend.api.answers import Answer, Day, Id, Instant, LongRows, Model, answer
from backend.api.deps import Allowed, PageDep, SessionDep
from backend.audit import repository
from backend.audit.repository import Filter
from backend.staff.rules import Permission

router = APIRouter(prefix="/logs", tags=["操作日志"])

Word = Annotated[str | None, Query(max_length=50)]


class LogOut(Model):
    """``before`` and ``after`` hold what differs; secrets are never in them."""

    id: Id
    created_at: Instant
    actor_kind: str
    actor_id: Id | None
    actor_name: str
    action: str
    target_type: str
    target_id: Id | None
    target_name: str | None
    camp_id: Id | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    note: str | None
    ip: str | None
    user_agent: str | None
    request_id: str | None


def _wanted(
    action: Word = None,
    actor_id: Id | None = None,
    target_type: Word = None,
    target_id: Id | None = None,
    camp_id: Id | None = None,
    first_day: Annotated[Day | None, Query(alias="from")] = None,
    last_day: Annotated[Day | None, Query(alias="to")] = None,
    q: Word = None,
) -> Filter:
    """``from`` and ``to`` are whole days, both included."""
    return Filter(action, actor_id, target_type, target_id, camp_id, first_day, last_day, q)


# The same filters for the list and for its export.
WantedLogs = Annotated[Filter, Depends(_wanted)]


@router.get("", dependencies=[Depends(Allowed(Permission.LOG_VIEW))])
async def list_logs(wanted: WantedLogs, session: SessionDep, page: PageDep) -> Answer[LongRows[LogOut]]:
    """Newest first."""
    return answer(LongRows.of(await repository.page(session, page, wanted), LogOut.model_validate))
