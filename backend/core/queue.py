"""Waking workers. The row's state is the queue; a job only says 'look now', so losing one loses nothing.

``enqueue(session, …)`` keeps the job on the session; it is sent after the commit, and dropped by a rollback.
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
    """A name in the worker's table, and ids as text. ``at`` is an instant to come, None means now."""

    name: str
    arguments: dict[str, str] = field(default_factory=dict)
    at: dt.datetime | None = None


class Queue(Protocol):
    """Where jobs go after a commit."""

    async def send(self, jobs: list[Job]) -> None: ...


class RedisQueue:
    """arq over Redis. A Redis that is away is logged and otherwise ignored: the sweep finds the rows."""

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
    """What arq needs for a job of a later time: by its id it is asked for once a second, however many want it."""
    if job.at is None:
        return {}
    second = math.ceil(job.at.timestamp())
    return {"_job_id": f"{job.name}:{second}", "_defer_by": max(0.0, second - clock.timestamp())}


def arq_settings(redis_url: str) -> RedisSettings:
    """How arq connects; one quick try, since a request must not wait for a doorbell."""
    settings = RedisSettings.from_dsn(redis_url)
    settings.conn_retries = 0
    settings.conn_timeout = 2
    return settings


def enqueue(session: AsyncSession, name: str, /, **ids: uuid.UUID | str) -> None:
    """Send job ``name`` once the session's transaction has committed."""
    _keep(session, Job(name, {key: str(value) for key, value in ids.items()}))


def enqueue_at(session: AsyncSession, name: str, at: dt.datetime) -> None:
    """The same for an instant to come. Of several such jobs within a second one is run."""
    _keep(session, Job(name, at=at))


def _keep(session: AsyncSession, job: Job) -> None:
    pending: list[Job] = session.info.setdefault(_JOBS, [])
    if job not in pending:
        pending.append(job)


def take_jobs(session: AsyncSession) -> list[Job]:
    """The jobs kept on the session, which forgets them."""
    jobs: list[Job] = session.info.pop(_JOBS, [])
    return jobs
