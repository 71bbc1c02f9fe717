"""The demo's database and Redis: embedded, or those in CAMP_DATABASE_URL and CAMP_REDIS_URL."""

import asyncio
import os
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import text

from backend.core.config import Settings
from backend.core.db import make_engine
from backend.demo.processes import DemoError
from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.valkey import EmbeddedValkey

_MARK = "camp-deposit demo: may be emptied by the next demo"


def addresses(stack: ExitStack, directory: Path) -> dict[str, str]:
    """Return CAMP_DATABASE_URL and CAMP_REDIS_URL for the demo's processes. The database is empty.

    Raises DemoError if the given database holds other data or can't be reached.
    """
    database = os.environ.get("CAMP_DATABASE_URL")
    redis = os.environ.get("CAMP_REDIS_URL")
    if database:
        database = Settings(_env_file=None, database_url=database).database_url
        asyncio.run(_make_empty(database))
    else:
        postgres = stack.enter_context(EmbeddedPostgres(directory))
        postgres.create_database("camp")
        database = postgres.url("camp")
    redis = redis or stack.enter_context(EmbeddedValkey(directory)).url()
    return {"CAMP_DATABASE_URL": database, "CAMP_REDIS_URL": redis}


async def _make_empty(database_url: str) -> None:
    """Empty the database if it has no tables, no camps in the product's tables, or the mark of an earlier demo.

    Raises DemoError otherwise.
    """
    engine = make_engine(database_url, pool_size=1)
    try:
        async with engine.begin() as connection:
            mark = await connection.scalar(text("SELECT obj_description(to_regnamespace('public'))"))
            tables = await connection.scalar(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
            camps = tables and await connection.scalar(text("SELECT to_regclass('public.camps')"))
            used = await connection.scalar(text("SELECT count(*) FROM camps")) if camps else 0
            if mark != _MARK and (used or (tables and not camps)):
                raise DemoError(
                    "The database of CAMP_DATABASE_URL holds data that no demo wrote. "
                    "Give the demo an empty database of its own."
                )
            if tables:
                await connection.execute(text("DROP SCHEMA public CASCADE"))
                await connection.execute(text("CREATE SCHEMA public"))
            await connection.execute(text(f"COMMENT ON SCHEMA public IS '{_MARK}'"))
    except OSError as error:
        raise DemoError(f"The database of CAMP_DATABASE_URL can't be reached: {error}") from error
    finally:
        await engine.dispose()
