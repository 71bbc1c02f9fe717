"""Waking workers. The state of a row is the queue; a job only triggers a look at it, so a lost job loses no work.

``enqueue(session, …)`` keeps the job on the session. It is sent after the commit and dropped by a rollback.
"""

import asyncio
import datetime as dt
import math
import uuid
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock

log = structlog.get_logger(__name__)

QUEUE_NAME = "camp:queue"
_JOBS = "jobs"


@dataclass(frozen=True, slots=True)
class Job:
    """``name`` is a key of the worker's job table. ``arguments`` are ids as text. ``at`` None means now."""

    name: str
    arguments: dict[str, str] = field(default_factory=dict)
    at: dt.datetime | None = None


class Queue(Protocol):
    """Receives jobs after a commit."""

    async def send(self, jobs: list[Job]) -> None: ...


class RedisQueue:
    """arq over Redis. If Redis is down, ``send`` only logs a warning: the periodic sweep finds the rows."""

    def __init__(self, redis_url: str) -> None:
        self._settings = arq_settings(redis_url)
        self._pool: ArqRedis | None = None
        self._connecting = asyncio.Lock()

    async def send(self, jobs: list[Job]) -> None:
        try:
            pool = await self._connected()
            for job in jobs:
                await pool.enqueue_job(job.name, job.arguments, **_later(job))
        except (RedisError, OSError) as error:
            log.warning("queue.unavailable", jobs=[job.name for job in jobs], error=type(error).__name__)

    async def _connected(self) -> ArqRedis:
        async with self._connecting:
            if self._pool is None:
                self._pool = await create_pool(self._settings, default_queue_name=QUEUE_NAME)
            return self._pool

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()


def _later(job: Job) -> dict[str, Any]:
    """arq options of a deferred job. The id contains the second, so arq deduplicates jobs within one second."""
    if job.at is None:
        return {}
    second = math.ceil(job.at.timestamp())
    return {"_job_id": f"{job.name}:{second}", "_defer_by": max(0.0, second - clock.timestamp())}


def arq_settings(redis_url: str) -> RedisSettings:
    """arq connection settings without retries: a request must not wait for Redis only to wake a worker."""
    settings = RedisSettings.from_dsn(redis_url)
    settings.conn_retries = 0
    settings.conn_timeout = 2
    return settings


def enqueue(session: AsyncSession, name: str, /, **ids: uuid.UUID | str) -> None:
    """Send job ``name`` after the session's transaction commits."""
    _keep(session, Job(name, {key: str(value) for key, value in ids.items()}))


def enqueue_at(session: AsyncSession, name: str, at: dt.datetime) -> None:
    """Send job ``name`` after the commit, to run at ``at``. Jobs of one name within a second run once."""
    _keep(session, Job(name, at=at))


def _keep(session: AsyncSession, job: Job) -> None:
    pending: list[Job] = session.info.setdefault(_JOBS, [])
    if job not in pending:
        pending.append(job)


def take_jobs(session: AsyncSession) -> list[Job]:
    """Remove and return the jobs kept on the session."""
    jobs: list[Job] = session.info.pop(_JOBS, [])
    return jobs
