"""What the product says to its database, to be said again without the product."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine


@dataclass(frozen=True, slots=True)
class Call:
    """A statement as the driver was given it; ``many``: once for each of the values."""

    statement: str
    values: Sequence[Any]
    many: bool


class Recorder:
    """Keeps the statements of every committed transaction, in the order of the commits."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._open: dict[Connection, list[Call]] = {}
        self._done: list[list[Call]] = []
        event.listen(engine.sync_engine, "before_cursor_execute", self._executing)
        event.listen(engine.sync_engine, "commit", self._committed)

    def take(self) -> list[list[Call]]:
        """The transactions since the last time."""
        taken, self._done = self._done, []
        return taken

    def _executing(
        self, connection: Connection, _: object, statement: str, values: Any, __: object, executemany: bool
    ) -> None:
        self._open.setdefault(connection, []).append(Call(statement, values, executemany))

    def _committed(self, connection: Connection) -> None:
        calls = self._open.pop(connection, None)
        if calls:
            self._done.append(calls)


async def replay(connection: asyncpg.Connection, calls: Sequence[Call]) -> None:
    """One transaction with the same statements and values."""
    async with connection.transaction():
        for call in calls:
            if call.many:
                await connection.executemany(call.statement, call.values)
            else:
                await connection.fetch(call.statement, *call.values)
