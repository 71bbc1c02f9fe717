"""Scheduled jobs: how their last runs went, and running one by hand through the worker."""

from typing import Any

from fastapi import APIRouter, Depends

from backend.api.answers import Answer, Id, Instant, Model, answer
from backend.api.deps import Allowed, CurrentStaff, SessionDep
from backend.core.errors import NotFound
from backend.core.queue import enqueue
from backend.jobs import SCHEDULED, last_runs
from backend.office.audit import service as audit
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/jobs", tags=["任务"], dependencies=[Depends(Allowed(Permission.JOB_RUN))])


class RunOut(Model):
    id: Id
    created_at: Instant
    finished_at: Instant | None
    ok: bool | None
    summary: dict[str, Any] | None
    error: str | None


class JobOut(Model):
    name: str
    last_run: RunOut | None


@router.get("")
async def jobs(session: SessionDep) -> Answer[list[JobOut]]:
    """Every scheduled job with its newest run."""
    runs = await last_runs(session)
    found = {run.name: RunOut.model_validate(run) for run in runs}
    return answer([JobOut(name=name, last_run=found.get(name)) for name in SCHEDULED])


@router.post("/{name}/run")
async def run(name: str, viewer: CurrentStaff, session: SessionDep) -> Answer[None]:
    """Ask the worker to run it now."""
    if name not in SCHEDULED:
        raise NotFound("没有这个任务")
    audit.record(session, viewer.actor, "job.run", target_type="job", target_name=name)
    enqueue(session, "job", name=name)
    return answer(None)
