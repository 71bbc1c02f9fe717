"""The job table: scheduled jobs with their times, and wake-ups that a commit enqueues.

PostgreSQL stores the schedule (``job_runs.slot``), not Redis. An empty or unavailable Redis therefore skips no nightly
job. Any number of workers run each slot once. A worker that restarts late runs the latest slot it missed.
"""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import flows as camps
from backend.community.checkins import flows as checkins
from backend.community.planets import flows as planets
from backend.core import clock, metrics
from backend.core.ids import new_id
from backend.desk.housekeeping import flows as housekeeping
from backend.desk.reminders import flows as reminders
from backend.models.jobs import JobRun
from backend.money.payments import fees
from backend.money.payments import flows as payments
from backend.money.reconciliation import flows as reconciliation
from backend.money.refunds import flows as refunds
from backend.office.notifications import flows as notifications
from backend.runtime import Runtime
from backend.timetable import Daily, Every

log = structlog.get_logger(__name__)

Summary = dict[str, Any]


async def _camp_states(runtime: Runtime) -> Summary:
    """At 00:05: start and end camps by date, then book the fees of started camps as income."""
    return await camps.camp_states(runtime) | {"fees": await fees.earn_due(runtime)}


async def _refund_sweep(runtime: Runtime) -> Summary:
    """Every minute: process rows stuck in an intermediate state, in case their wake-up was lost."""
    return {
        "refunds": await refunds.refund_sweep(runtime),
        "notifications": await notifications.deliver_due(runtime),
    }


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A job and its schedule.

    A job must be idempotent: it may run twice. It may run concurrently with other jobs, but not with itself.
    """

    run: Callable[[Runtime], Awaitable[Summary]]
    when: Every | Daily


# Jobs due at the same time run in this order.
SCHEDULED: dict[str, Scheduled] = {
    "camp_states": Scheduled(_camp_states, Daily(0, 5)),
    "order_expiry": Scheduled(payments.order_expiry, Every(1)),
    "payment_backfill": Scheduled(payments.payment_backfill, Every(60)),
    "checkin_sync": Scheduled(checkins.checkin_sync, Daily(1, 0)),
    "refund_lists": Scheduled(refunds.refund_lists, Daily(2, 0)),
    "refund_sweep": Scheduled(_refund_sweep, Every(1)),
    # Not part of refund_sweep: a sync takes minutes and would delay refunds.
    "sync_sweep": Scheduled(checkins.sweep_syncs, Every(1)),
    "credential_check": Scheduled(planets.credential_check, Every(360, offset=20)),
    "reminders": Scheduled(reminders.reminders, Daily(10, 0)),
    "checkin_refresh": Scheduled(reminders.checkin_refresh, Daily(19, 30)),
    "checkin_nudges": Scheduled(reminders.checkin_nudges, Daily(20, 0)),
    "reconcile": Scheduled(reconciliation.reconcile, Daily(10, 30)),
    "housekeeping": Scheduled(housekeeping.housekeeping, Daily(3, 30)),
    "audit_check": Scheduled(housekeeping.audit_check, Daily(3, 45)),
}

# A commit enqueues these through Redis. Each reads its rows from the database, so a lost wake-up only waits for the
# next sweep, a minute later.
WAKEUPS: dict[str, Callable[[Runtime, dict[str, str]], Awaitable[None]]] = {
    "notifications.deliver": notifications.deliver,
    "refunds.send": refunds.send,
    "checkins.sync": checkins.sync,
}


async def run_job(runtime: Runtime, name: str) -> bool:
    """Run a scheduled job now, outside its schedule. Returns whether it succeeded; raises KeyError if unknown."""
    return bool(await _run(runtime, name, SCHEDULED[name], slot=None))


async def run_if_due(runtime: Runtime, name: str) -> bool | None:
    """Run a scheduled job if no worker has taken its latest slot. Returns whether it succeeded, None if not due."""
    job = SCHEDULED[name]
    return await _run(runtime, name, job, slot=job.when.latest(clock.now()))


async def _run(runtime: Runtime, name: str, job: Scheduled, *, slot: dt.datetime | None) -> bool | None:
    run_id = new_id()
    async with runtime.db.transaction() as session:
        taken = await session.scalar(
            insert(JobRun)
            .values(id=run_id, created_at=clock.now(), name=name, slot=slot)
            .on_conflict_do_nothing(index_elements=["name", "slot"])
            .returning(JobRun.id)
        )
    if taken is None:
        return None
    with structlog.contextvars.bound_contextvars(job=name, job_run=str(run_id)):
        try:
            summary = await _alone(runtime, name, job)
        except Exception as error:
            log.exception("job.failed")
            await _finish(runtime, run_id, ok=False, error=f"{type(error).__name__}: {error}"[:500])
            metrics.jobs.labels(name, "failed").inc()
            return False
        await _finish(runtime, run_id, ok=True, summary=summary)
        metrics.jobs.labels(name, "ok").inc()
        return True


async def _alone(runtime: Runtime, name: str, job: Scheduled) -> Summary:
    async with runtime.db.exclusive(f"job:{name}", wait=True):
        began = clock.timestamp()
        summary = await job.run(runtime)
        log.info("job.done", seconds=round(clock.timestamp() - began, 2), **summary)
        return summary


async def _finish(
    runtime: Runtime, run_id: uuid.UUID, *, ok: bool, summary: Summary | None = None, error: str | None = None
) -> None:
    async with runtime.db.transaction() as session:
        await session.execute(
            update(JobRun)
            .where(JobRun.id == run_id)
            .values(finished_at=clock.now(), ok=ok, summary=summary, error=error)
        )


async def last_runs(session: AsyncSession) -> Sequence[JobRun]:
    """The newest run of each job; a job that never ran is missing."""
    statement = select(JobRun).ext(distinct_on(JobRun.name))
    statement = statement.order_by(JobRun.name, JobRun.created_at.desc(), JobRun.id.desc())
    return (await session.scalars(statement)).all()
