"""Alembic's entrance: the address comes from the settings, or from the caller's ``database_url`` attribute."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from backend.core.config import load_settings
from backend.core.db import make_engine
from backend.models import Base


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    url = context.config.attributes.get("database_url") or load_settings().database_url
    engine = make_engine(url, pool_size=1)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


asyncio.run(main())
