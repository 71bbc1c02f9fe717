"""What all tests share: a migrated database per worker, an outer transaction per test, the clock, the outside world.

The code under test commits and rolls back for real, inside savepoints; the outer transaction ends with the test.
Tests that need several connections use ``shared_db`` and live in ``tests/concurrency``.
"""

import datetime as dt
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from starlette.routing import BaseRoute

from backend.app import create_app
from backend.core import clock, pem, security
from backend.core.config import LogSettings
from backend.core.db import Database, make_engine
from backend.core.logging import configure_logging
from backend.core.migrate import upgrade
from backend.core.queue import Job
from backend.runtime import Outbound, Runtime, RuntimeHolder, build_runtime, close_gateways
from tests.servers import servers_of
from tests.world import World, make_world

pytest_plugins = ["tests.servers", "tests.workers"]
os.environ["CAMP_ENV"] = "test"
# As the product logs: structlog left to itself prints tracebacks with all local variables, which takes minutes.
configure_logging(LogSettings(level="warning"))
# The least that bcrypt takes: at the product's cost each password would take a third of a second.
security._passwords.update(bcrypt__rounds=4)
# The sandbox's key is the same in all tests of a process, and checking an RSA key takes 30 ms.
pem.private_key = cache(pem.private_key)


class RecordingQueue:
    """Keeps what would be sent to the workers."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    async def send(self, jobs: list[Job]) -> None:
        self.jobs += jobs


class Time:
    """Moves the clock of product and simulators together."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._path.write_text("0")
        clock.use_test_clock(path)

    def set(self, instant: str) -> None:
        """Go to a Shanghai wall-clock time, such as ``2026-03-01 10:00``."""
        wanted = dt.datetime.fromisoformat(instant).replace(tzinfo=clock.SHANGHAI)
        self.advance((wanted - clock.now()).total_seconds())

    def advance(self, seconds: float) -> None:
        offset = float(self._path.read_text()) + seconds
        self._path.write_text(repr(offset))
        clock.use_test_clock(self._path)


@pytest.fixture(autouse=True)
def time(tmp_path: Path) -> Iterator[Time]:
    """Every test begins at 2026-03-01 10:00 in Shanghai."""
    moved = Time(tmp_path / "clock")
    moved.set("2026-03-01 10:00")
    yield moved
    clock.use_test_clock(None)


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated database of this worker's own."""
    name = f"camp_test_{uuid.uuid4().hex[:12]}"
    admin = servers_of(request.config).database_admin_url
    url = _create_database(admin, name)
    upgrade(url)
    yield url
    _drop_database(admin, name)


def _create_database(admin_url: str, name: str) -> str:
    _run_sql(admin_url, f'CREATE DATABASE "{name}"')
    from sqlalchemy.engine import make_url

    return make_url(admin_url).set(database=name).render_as_string(hide_password=False)


def _drop_database(admin_url: str, name: str) -> None:
    _run_sql(admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _run_sql(url: str, statement: str) -> None:
    import asyncio

    async def run() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


@pytest.fixture(scope="session")
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    opened = make_engine(database_url, pool_size=10)
    yield opened
    await opened.dispose()


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


@pytest.fixture
async def db(engine: AsyncEngine, queue: RecordingQueue) -> AsyncIterator[Database]:
    """Transactions of one connection, inside an outer one that is rolled back at the end."""
    async with engine.connect() as connection:
        outer = await connection.begin()
        sessions = async_sessionmaker(
            bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False, class_=AsyncSession
        )
        yield Database(engine, queue, sessions)
        await outer.rollback()


@pytest.fixture
async def shared_db(engine: AsyncEngine, queue: RecordingQueue) -> AsyncIterator[Database]:
    """Real connections and real commits; every table is emptied afterwards."""
    yield Database(engine, queue)
    async with engine.begin() as connection:
        names = await connection.scalar(
            text(
                "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables "
                "WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            )
        )
        # The append-only tables refuse TRUNCATE by trigger, which a replica role doesn't fire.
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(f"TRUNCATE {names}"))
        await connection.execute(text("INSERT INTO audit_head VALUES (1, 0, decode(repeat('00', 32), 'hex'))"))


@pytest.fixture
async def session(db: Database) -> AsyncIterator[AsyncSession]:
    """One open transaction, for tests of services and repositories."""
    async with db.transaction() as opened:
        yield opened


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The simulators of the outside, and the settings that point at them."""
    return make_world(tmp_path)


async def _no_wait(_: float) -> None:
    return None


def outbound_of(world: World) -> Outbound:
    """The way from the gateways to the simulators."""
    return Outbound(world.transport, _no_wait)


@pytest.fixture
async def runtime(db: Database, world: World) -> AsyncIterator[Runtime]:
    """Product code wired to the simulators over their real protocols."""
    made = build_runtime(world.settings, db, outbound_of(world))
    yield made
    await close_gateways(made)


@pytest.fixture
async def shared_runtime(shared_db: Database, world: World) -> AsyncIterator[Runtime]:
    """Like ``runtime``, on real connections."""
    made = build_runtime(world.settings, shared_db, outbound_of(world))
    yield made
    await close_gateways(made)


_routes: list[BaseRoute] = []


def _application(live: RuntimeHolder) -> FastAPI:
    """An application of the test's own, on routes that all tests of the worker share.

    FastAPI prepares a route when a request first passes it, in each application again: more work than most tests are.
    Nothing in a route belongs to one application.
    """
    app = create_app(live.base, live)
    if not _routes:
        _routes.extend(app.router.routes)
    app.router.routes[:] = _routes
    return app


def _client(app: FastAPI, ip: str = "203.0.113.9") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(ip, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


@pytest.fixture
async def live(runtime: Runtime, world: World) -> AsyncIterator[RuntimeHolder]:
    """What the application under test works with: ``runtime`` until settings are saved."""
    made = RuntimeHolder(runtime, outbound_of(world))
    yield made
    await made.aclose()


@pytest.fixture
async def client(live: RuntimeHolder, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The API over HTTP, nobody logged in. The simulators' notifications reach the same application."""
    app = _application(live)
    world.connect(app)
    async with _client(app) as opened:
        yield opened


@pytest.fixture
async def shared_client(shared_runtime: Runtime, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Like ``client``, on real connections, for many requests at once."""
    app = _application(RuntimeHolder(shared_runtime, outbound_of(world)))
    world.connect(app)
    async with _client(app) as opened:
        yield opened
