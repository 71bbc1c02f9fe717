"""Changing the data keys: everything that is sealed, sealed again with the first of them (docs/deploy).

A new column with sealed values is one more line in ``_SEALED``.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, true

from backend.community.planets.service import seal_context
from backend.models.camps import Camp
from backend.models.planets import Planet
from backend.models.settings import SettingsGroup
from backend.office.notifications.sending import robot_context
from backend.runtime import Runtime, overrides

BATCH = 100

# Sees a sealed value with what it is bound to and a name for people; what it returns is stored instead, None keeps it.
_Visit = Callable[[str, str, str], str | None]


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A column whose values are sealed, each for ``context`` of the row's id."""

    table: Any
    column: str
    context: Callable[[uuid.UUID], str]


_SEALED = (
    _Sealed(Planet, "sealed_token", seal_context),
    _Sealed(Camp, "sealed_robot_key", robot_context),
)


class Unreadable(Exception):
    """Some values open with no key. ``names`` says which; nothing was changed."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


async def rotate(runtime: Runtime) -> dict[str, int]:
    """Seal what an older key sealed with the first one. Returns how many values were ``seen`` and ``resealed``.

    Works in short transactions beside everything else, and may be stopped and run again at any time. Raises
    Unreadable, before anything is changed, when some value opens with none of the keys.
    """
    counts, names = {"seen": 0, "resealed": 0}, []

    def read(sealed: str, context: str, name: str) -> None:
        try:
            runtime.secrets.open(sealed, context=context)
        except ValueError:
            names.append(name)

    def reseal(sealed: str, context: str, _: str) -> str | None:
        resealed = runtime.secrets.reseal(sealed, context=context)
        counts["seen"] += 1
        counts["resealed"] += resealed is not None
        return resealed

    await _walk(runtime, read)
    if names:
        raise Unreadable(names)
    await _walk(runtime, reseal)
    return counts


async def _walk(runtime: Runtime, visit: _Visit) -> None:
    for sealed in _SEALED:
        await _walk_rows(runtime, sealed, visit)
    await _walk_settings(runtime, visit)


async def _walk_rows(runtime: Runtime, sealed: _Sealed, visit: _Visit) -> None:
    """Batch after batch by id, each in a transaction of its own."""
    table, column = sealed.table, getattr(sealed.table, sealed.column)
    statement = select(table).where(column.is_not(None)).order_by(table.id).limit(BATCH).with_for_update()
    batch = None
    while batch is None or len(batch) == BATCH:
        async with runtime.db.transaction() as session:
            after = table.id > batch[-1].id if batch else true()
            batch = (await session.scalars(statement.where(after))).all()
            for row in batch:
                old = getattr(row, sealed.column)
                new = visit(old, sealed.context(row.id), f"{table.__tablename__} {row.name} ({row.id})")
                if new is not None:
                    setattr(row, sealed.column, new)


async def _walk_settings(runtime: Runtime, visit: _Visit) -> None:
    """All groups at once, there are few. Their version stays: what they say is the same."""
    async with runtime.db.transaction() as session:
        for row in await session.scalars(select(SettingsGroup).order_by(SettingsGroup.name).with_for_update()):
            row.secrets = {
                field: sealed
                and (visit(sealed, overrides.context(row.name, field), f"settings {row.name}.{field}") or sealed)
                for field, sealed in row.secrets.items()
            }
