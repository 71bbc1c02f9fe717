"""The database: engine, transactions, advisory locks. Nothing else commits."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from backend.core.queue import Queue, take_jobs


def make_engine(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine for PostgreSQL. ``pool_pre_ping`` prevents failed requests after a database restart."""
    return create_async_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_timeout=30, pool_pre_ping=True)


class Database:
    """Opens transactions and holds advisory locks."""

    def __init__(
        self, engine: AsyncEngine, queue: Queue, sessions: async_sessionmaker[AsyncSession] | None = None
    ) -> None:
        self.engine = engine
        self._queue = queue
        self._sessions = sessions or async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end of the block and rolls back if it raises. Its jobs are sent after that."""
        async with self._sessions() as session:
            async with session.begin():
                yield session
            jobs = take_jobs(session)
        if jobs:
            await self._queue.send(jobs)

    @asynccontextmanager
    async def exclusive(self, name: str, *, wait: bool = False) -> AsyncIterator[bool]:
        """Yield whether this process holds the PostgreSQL advisory lock ``name`` for the block.

        Without ``wait``, False means that another process holds it. With ``wait``, block until the lock is free and
        yield True. The lock has its own connection, so PostgreSQL releases it even if the process is killed.
        """
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        async with self.engine.connect() as raw:
            connection = await raw.execution_options(isolation_level="AUTOCOMMIT")
            if wait:
                await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
                taken = True
            else:
                taken = bool(await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}))
            try:
                yield taken
            finally:
                if taken:
                    await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})
