"""The migrations lead to what the models say, and back."""

import asyncio
import uuid
from collections.abc import Iterator

import asyncpg
import pytest
from alembic import command
from sqlalchemy import make_url

from backend.core.db import make_engine
from backend.core.migrate import alembic_config, current_revision, newest_revision, upgrade
from backend.models import Base
from tests.servers import Servers

# Tables and what is in them, as PostgreSQL itself would write it down; Alembic's comparison passes over checks.
TABLES = """
SELECT format('%s %s', relkind, relname) AS line FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
UNION ALL SELECT format('%s.%s %s, null: %s, default: %s', relname, attname, format_type(atttypid, atttypmod),
        NOT attnotnull, pg_get_expr(adbin, adrelid))
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT format('%s %s: %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype <> 't'
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
"""
# Views, functions and triggers, which the models know nothing of.
RULES = """
SELECT format('view %s %s', viewname, definition) AS line FROM pg_views WHERE schemaname = 'public'
UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""


@pytest.fixture
def empty_database(servers: Servers) -> Iterator[str]:
    """A database of this test's own, with nothing in it."""
    yield from _database(servers)


@pytest.fixture
def models_database(servers: Servers) -> Iterator[str]:
    """A database with the tables of the models, made without migrations."""
    for url in _database(servers):
        asyncio.run(_create_tables(url))
        yield url


def _database(servers: Servers) -> Iterator[str]:
    name = f"camp_migrations_{uuid.uuid4().hex[:12]}"
    _run(servers.database_admin_url, f'CREATE DATABASE "{name}"')
    yield make_url(servers.database_admin_url).set(database=name).render_as_string(hide_password=False)
    _run(servers.database_admin_url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _create_tables(url: str) -> None:
    engine = make_engine(url, pool_size=1)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


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


def _lines(url: str, query: str) -> set[str]:
    """What a database holds, without Alembic's own table."""

    async def run() -> set[str]:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        rows = await connection.fetch(query)
        await connection.close()
        return {row["line"] for row in rows if "alembic_version" not in row["line"]}

    return asyncio.run(run())


def test_the_newest_schema_is_what_the_models_say(empty_database: str, models_database: str) -> None:
    assert _revision(empty_database) is None
    upgrade(empty_database)
    assert _revision(empty_database) == newest_revision()
    assert _lines(empty_database, TABLES) == _lines(models_database, TABLES)


def test_up_down_and_up_again(empty_database: str) -> None:
    upgrade(empty_database)
    tables, rules = _lines(empty_database, TABLES), _lines(empty_database, RULES)
    assert tables
    assert rules
    command.downgrade(alembic_config(empty_database), "base")
    assert _lines(empty_database, TABLES) == _lines(empty_database, RULES) == set()
    upgrade(empty_database)
    assert (_lines(empty_database, TABLES), _lines(empty_database, RULES)) == (tables, rules)


def test_each_step_down_can_be_taken_back(empty_database: str) -> None:
    upgrade(empty_database)
    rules = _lines(empty_database, RULES)
    while _revision(empty_database) is not None:
        command.downgrade(alembic_config(empty_database), "-1")
        below = _revision(empty_database)
        upgrade(empty_database)
        assert _lines(empty_database, RULES) == rules
        command.downgrade(alembic_config(empty_database), below or "base")
