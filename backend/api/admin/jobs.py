"""Running a scheduled job by hand, through the worker."""

from fastapi import APIRouter, Depends

from backend.api.answers import Answer, Model, answer
from backend.api.deps import Allowed, CurrentStaff, SessionDep
from backend.audit import service as audit
from backend.core.errors import NotFound
from backend.core.queue import enqueue
from backend.jobs import SCHEDULED
from backend.staff.rules import Permission

router = APIRouter(prefix="/jobs", tags=["任务"], dependencies=[Depends(Allowed(Permission.JOB_RUN))])


class JobOut(Model):
    name: str


@router.post("/{name}/run")
async def run(name: str, viewer: CurrentStaff, session: SessionDep) -> Answer[JobOut]:
    """Ask the worker to run it now."""
    if name not in SCHEDULED:
        raise NotFound("没有这个任务")
    audit.record(session, viewer.actor, "job.run", target_type="job", target_name=name)
    enqueue(session, "job", name=name)
    return answer(JobOut(name=name))
