"""The migrations lead to what the models say, and back."""

import asyncio
import uuid
from collections.abc import Iterator

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.db import make_engine
from backend.core.migrate import alembic_config, current_revision, newest_revision, upgrade
from backend.models import Base
from backend.office.audit.chain import Report, verify
from tests.servers import Servers


@pytest.fixture
def empty_database(servers: Servers) -> Iterator[str]:
    """A database of this test's own, with nothing in it."""
    name = f"camp_migrations_{uuid.uuid4().hex[:12]}"
    _run(servers.database_admin_url, f'CREATE DATABASE "{name}"')
    yield make_url(servers.database_admin_url).set(database=name).render_as_string(hide_password=False)
    _run(servers.database_admin_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _run(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


def _revision(url: str) -> str | None:
    async def run() -> str | None:
        engine = make_engine(url, pool_size=1)
        try:
            return await current_revision(engine)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _differences(url: str) -> list[object]:
    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async def run() -> list[object]:
        engine = make_engine(url, pool_size=1)
        async with engine.connect() as connection:
            found = await connection.run_sync(compare)
        await engine.dispose()
        return found

    return asyncio.run(run())


def _things_left(url: str) -> list[str]:
    """Tables, views, functions and triggers of ours."""

    async def run() -> list[str]:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        rows = await connection.fetch(
            "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1"
        )
        await connection.close()
        return [row["name"] for row in rows if not row["name"].startswith("alembic_version")]

    return asyncio.run(run())


def test_the_newest_schema_is_what_the_models_say(empty_database: str) -> None:
    assert _revision(empty_database) is None
    upgrade(empty_database)
    assert _revision(empty_database) == newest_revision()
    assert _differences(empty_database) == []


def test_up_down_and_up_again(empty_database: str) -> None:
    upgrade(empty_database)
    first = _things_left(empty_database)
    command.downgrade(alembic_config(empty_database), "base")
    assert _things_left(empty_database) == [] != first
    upgrade(empty_database)
    assert _things_left(empty_database) == first
    assert _differences(empty_database) == []


def test_audit_rows_from_before_the_chain_are_chained(empty_database: str) -> None:
    command.upgrade(alembic_config(empty_database), "0030-1")
    row = "INSERT INTO audit_log (id, created_at, actor_kind, actor_name, action, target_type) "
    _run(empty_database, row + "SELECT gen_random_uuid(), now() - i * interval '1s', 'system', i::text, 'x', 'x' "
         "FROM generate_series(1, 30) AS i")  # fmt: skip
    upgrade(empty_database)

    async def look() -> tuple[Report, str]:
        engine = make_engine(empty_database, pool_size=1)
        async with AsyncSession(engine) as session:
            report = await verify(session)
            first = await session.scalar(text("SELECT actor_name FROM audit_log WHERE seq = 1"))
        await engine.dispose()
        return report, str(first)

    report, first = asyncio.run(look())
    assert report.damage is None
    assert report.head is not None
    assert (report.head.count, first) == (30, "30")
