"""Reading check-ins from 知识星球 on request, and the record of every reading (同步日志)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from backend.api.answers import Answer, Id, Instant, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, RuntimeDep, SessionDep
from backend.community.camps.service import get_camp
from backend.community.checkins import repository, service
from backend.community.checkins.repository import NamedRun
from backend.core.errors import NotFound
from backend.core.queue import enqueue
from backend.models.checkins import SyncStatus, SyncTrigger
from backend.office.staff.rules import Permission

router = APIRouter(tags=["打卡同步"], dependencies=[Depends(Allowed(Permission.CHECKIN_SYNC))])


class SyncStartedOut(Model):
    sync_run_id: Id


class SyncErrorOut(Model):
    code: str
    message: str


class SyncRunOut(Model):
    """While it is ``running`` the counts move; only a ``complete`` one changed the members' days."""

    id: Id
    camp_id: Id
    camp_name: str
    trigger: SyncTrigger
    status: SyncStatus
    pages_done: int
    people_seen: int
    people_expected: int | None
    posts_seen: int
    rows_malformed: int
    started_at: Instant
    finished_at: Instant | None
    error: SyncErrorOut | None


def _out(found: NamedRun) -> SyncRunOut:
    run, camp_name = found
    columns = {name: getattr(run, name) for name in SyncRunOut.model_fields if hasattr(run, name)}
    error = SyncErrorOut(code=run.error_code, message=run.error_message or "") if run.error_code else None
    return SyncRunOut(**columns, camp_name=camp_name, error=error)


@router.post("/camps/{camp_id}/sync")
async def sync(camp_id: Id, runtime: RuntimeDep, session: SessionDep, viewer: CurrentStaff) -> Answer[SyncStartedOut]:
    """Ask for a reading now; a worker does it, and the run's own address shows how far it is."""
    run = await service.start(
        session,
        camp_id,
        trigger=SyncTrigger.MANUAL,
        actor=viewer.actor,
        pause_seconds=runtime.settings.sync.manual_pause_seconds,
    )
    enqueue(session, "checkins.sync", run_id=run.id)
    return answer(SyncStartedOut(sync_run_id=run.id))


@router.get("/sync-runs")
async def list_runs(
    session: SessionDep,
    viewer: CurrentStaff,
    page: PageDep,
    camp_id: Annotated[Id | None, Query()] = None,
    status: SyncStatus | None = None,
) -> Answer[Rows[SyncRunOut]]:
    """Newest first."""
    if camp_id is not None:
        viewer.require_camp((await get_camp(session, camp_id)).id)
    found = await repository.runs_page(session, page, camp_ids=viewer.camp_ids, camp_id=camp_id, status=status)
    return answer(Rows.of(found, _out))


@router.get("/sync-runs/{run_id}")
async def read_run(run_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[SyncRunOut]:
    found = await repository.named_run(session, run_id)
    if found is None:
        raise NotFound("同步记录不存在")
    viewer.require_camp(found[0].camp_id)
    return answer(_out(found))
