import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from arq.connections import RedisSettings, create_pool
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.processes import EmbeddedServerError, ServerProcess
from backend.embedded.run_directory import run_directory
from backend.embedded.valkey import EmbeddedValkey


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    with run_directory() as directory, EmbeddedPostgres(directory) as server:
        yield server


@pytest.fixture(scope="module")
def valkey() -> Iterator[EmbeddedValkey]:
    with run_directory() as directory, EmbeddedValkey(directory) as server:
        yield server


async def ask(url: str, *statements: str) -> object:
    """Run the statements and return the last one's first value, if it has one."""
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            for statement in statements:
                result = await connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        await engine.dispose()


async def test_postgres_18_serves_in_utc_and_unicode(postgres: EmbeddedPostgres) -> None:
    version = await ask(postgres.url(), "SELECT current_setting('server_version_num')::int / 10000")
    assert version == 18
    assert await ask(postgres.url(), "SELECT current_setting('TimeZone')") == "UTC"
    assert await ask(postgres.url(), "SELECT lower('ÄÖ') || length('训练营')") == "äö3"


async def test_a_database_is_made_from_a_template(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("template_camp")
    await ask(postgres.url("template_camp"), "CREATE TABLE camps (name text)", "INSERT INTO camps VALUES ('七天')")
    postgres.create_database("copy 1", template="template_camp")
    assert await ask(postgres.url("copy 1"), "SELECT name FROM camps") == "七天"


def test_a_database_that_exists_is_refused_with_the_reason(postgres: EmbeddedPostgres) -> None:
    postgres.create_database("once")
    with pytest.raises(EmbeddedServerError, match="already exists"):
        postgres.create_database("once")


async def test_the_caller_s_postgresql_variables_change_nothing(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGHOST", "nowhere.invalid")
    postgres.create_database("in_spite_of_them")
    assert await ask(postgres.url("in_spite_of_them"), "SELECT current_database()") == "in_spite_of_them"


async def test_two_servers_at_a_time_are_strangers(postgres: EmbeddedPostgres) -> None:
    with run_directory() as directory, EmbeddedPostgres(directory) as other:
        other.create_database("only_there")
        names = "SELECT string_agg(datname, ',') FROM pg_database"
        there, here = await asyncio.gather(ask(other.url(), names), ask(postgres.url(), names))
    assert "only_there" in str(there)
    assert "only_there" not in str(here)


def test_valkey_keeps_its_databases_apart(valkey: EmbeddedValkey) -> None:
    with redis.Redis.from_url(valkey.url(1)) as one, redis.Redis.from_url(valkey.url(2)) as two:
        one.set("camp", "open")
        assert one.get("camp") == b"open"
        assert two.get("camp") is None


async def test_valkey_s_address_is_understood_by_arq(valkey: EmbeddedValkey) -> None:
    pool = await create_pool(RedisSettings.from_dsn(valkey.url(3)))
    try:
        await pool.enqueue_job("checkin_sync")
        assert [job.function for job in await pool.queued_jobs()] == ["checkin_sync"]
    finally:
        await pool.aclose()
    with redis.Redis.from_url(valkey.url(3)) as same:
        assert same.exists("arq:queue")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with run_directory() as directory:
        server = ServerProcess("cat", ["cat", "/no/such/file"], directory=directory, cwd=directory)
        with pytest.raises(EmbeddedServerError, match="No such file"):
            server.wait_until(lambda: False)


def test_another_thread_may_not_start_one() -> None:
    def start() -> None:
        assert threading.current_thread() is not threading.main_thread()
        with run_directory() as directory:
            EmbeddedValkey(directory).start()

    with ThreadPoolExecutor(max_workers=1) as pool, pytest.raises(RuntimeError, match="main thread"):
        pool.submit(start).result()
