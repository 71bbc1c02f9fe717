"""Waking workers. The row's state is the queue; a job only says 'look now', so losing one loses nothing.

``enqueue(session, …)`` keeps the job on the session; it is sent after the commit, and dropped by a rollback.
"""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

log = structlog.get_logger(__name__)

QUEUE_NAME = "camp:queue"
_JOBS = "jobs"


@dataclass(frozen=True, slots=True)
class Job:
    """A name in the worker's table, and ids as text."""

    name: str
    arguments: dict[str, str] = field(default_factory=dict)


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
                await pool.enqueue_job(job.name, job.arguments)
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


def arq_settings(redis_url: str) -> RedisSettings:
    """How arq connects; one quick try, since a request must not wait for a doorbell."""
    settings = RedisSettings.from_dsn(redis_url)
    settings.conn_retries = 0
    settings.conn_timeout = 2
    return settings


def enqueue(session: AsyncSession, name: str, /, **ids: uuid.UUID | str) -> None:
    """Send job ``name`` once the session's transaction has committed."""
    pending: list[Job] = session.info.setdefault(_JOBS, [])
    job = Job(name, {key: str(value) for key, value in ids.items()})
    if job not in pending:
        pending.append(job)


def take_jobs(session: AsyncSession) -> list[Job]:
    """The jobs kept on the session, which forgets them."""
    jobs: list[Job] = session.info.pop(_JOBS, [])
    return jobs
