"""The servers of a run, and throw-away databases on them. All addresses are SQLAlchemy's."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from backend.core.config import Settings
from backend.core.db import Database, make_engine
from backend.core.migrate import upgrade
from backend.core.queue import RedisQueue
from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.run_directory import run_directory
from backend.embedded.valkey import EmbeddedValkey


async def connect(url: str) -> asyncpg.Connection:
    """A bare connection, without anything of ours."""
    return await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))


async def contents(url: str) -> dict[str, tuple[int, str]]:
    """Each table's number of rows, and a digest of them all."""
    connection = await connect(url)
    try:
        found = {}
        for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            digest = f"SELECT count(*), coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM {table} t"
            row = await connection.fetchrow(digest)
            assert row is not None
            found[str(table)] = (int(row[0]), str(row[1]))
        return found
    finally:
        await connection.close()


class Databases:
    """Databases that exist for one run. ``admin_url`` names one whose role may create others; it is left alone."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        self._prefix = f"camp_bench_{uuid.uuid4().hex[:8]}"
        self._names: list[str] = []
        self.empty = self._url(f"{self._prefix}_0")

    def _url(self, name: str) -> str:
        return make_url(self.admin_url).set(database=name).render_as_string(hide_password=False)

    async def copy(self, source: str | None = None) -> str:
        """A new database: a copy of ``source``, which must have no connections, else an empty migrated one."""
        template = make_url(source or self.empty).database
        name = f"{self._prefix}_{len(self._names)}"
        await self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template if self._names else "template0"}"')
        self._names.append(name)
        return self._url(name)

    async def drop(self, url: str) -> None:
        await self._run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    async def drop_all(self) -> None:
        for name in self._names:
            await self.drop(self._url(name))

    async def version(self) -> str:
        """PostgreSQL's, and what of its settings makes it faster than a careful one."""
        connection = await connect(self.admin_url)
        try:
            version, fsync = [await connection.fetchval(f"SHOW {name}") for name in ("server_version", "fsync")]
        finally:
            await connection.close()
        return f"{version.split()[0]} (fsync {fsync})"

    async def _run(self, statement: str) -> None:
        connection = await connect(self.admin_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def databases_on(admin_url: str) -> Iterator[Databases]:
    """Make the migrated database all others are copied from; drop everything at the end. Not inside an event loop."""
    made = Databases(admin_url)
    try:
        upgrade(asyncio.run(made.copy()))
        yield made
    finally:
        asyncio.run(made.drop_all())


@dataclass(frozen=True)
class Servers:
    """Where a run's data live; ``directory`` is its own."""

    databases: Databases
    redis_url: str
    directory: Path

    @asynccontextmanager
    async def open(self, database_url: str) -> AsyncIterator[Database]:
        """The product's way to a database, with the queue it has in production."""
        engine, queue = make_engine(database_url), RedisQueue(self.redis_url)
        try:
            yield Database(engine, queue)
        finally:
            await queue.aclose()
            await engine.dispose()

    @asynccontextmanager
    async def twin(self, source: str) -> AsyncIterator[str]:
        """A copy of a database, for the block."""
        url = await self.databases.copy(source)
        try:
            yield url
        finally:
            await self.databases.drop(url)


@contextmanager
def servers() -> Iterator[Servers]:
    """Embedded servers, or those named by CAMP_DATABASE_URL (its role must be allowed to create databases) and
    CAMP_REDIS_URL."""
    with ExitStack() as stack:
        directory = stack.enter_context(run_directory())
        named = os.environ.get("CAMP_DATABASE_URL")
        if named:
            admin_url = Settings(_env_file=None, database_url=named).database_url
        else:
            admin_url = stack.enter_context(EmbeddedPostgres(directory)).url()
        redis_url = os.environ.get("CAMP_REDIS_URL") or stack.enter_context(EmbeddedValkey(directory)).url()
        yield Servers(stack.enter_context(databases_on(admin_url)), redis_url, directory)
