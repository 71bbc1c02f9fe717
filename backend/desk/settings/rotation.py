"""Rotating the data keys: everything encrypted is encrypted again with the first key (docs/deploy).

For a new column with encrypted values, add a line to ``_SEALED``.
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

# Gets an encrypted value, its context and a readable name. Returns the value to store instead; None keeps the old one.
_Visit = Callable[[str, str, str], str | None]


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A column with encrypted values. ``context`` returns the encryption context for a row's id."""

    table: Any
    column: str
    context: Callable[[uuid.UUID], str]


_SEALED = (
    _Sealed(Planet, "sealed_token", seal_context),
    _Sealed(Camp, "sealed_robot_key", robot_context),
)


class Unreadable(Exception):
    """Some values can't be decrypted with any key. ``names`` lists them; nothing was changed."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


async def rotate(runtime: Runtime) -> dict[str, int]:
    """Encrypt again with the first key what an older key encrypted. Returns the numbers ``seen`` and ``resealed``.

    Uses short transactions, so it can run during operation. It is idempotent and may be stopped at any time. Raises
    Unreadable before any change if no key decrypts some value.
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
    """Batches by id, each in its own transaction."""
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
    """All groups in one transaction, since there are few. Versions stay: the settings don't change."""
    async with runtime.db.transaction() as session:
        for row in await session.scalars(select(SettingsGroup).order_by(SettingsGroup.name).with_for_update()):
            row.secrets = {
                field: sealed
                and (visit(sealed, overrides.context(row.name, field), f"settings {row.name}.{field}") or sealed)
                for field, sealed in row.secrets.items()
            }
