"""Changing the data keys: everything that is sealed, sealed again with the first of them (docs/deploy).

A new kind of sealed value is one more walk here.
"""

from collections.abc import Callable

from sqlalchemy import select

from backend import overrides
from backend.models.settings import SettingsGroup
from backend.planets import repository as planets
from backend.planets.service import seal_context
from backend.runtime import Runtime

BATCH = 100

# Sees a sealed value with what it is bound to and a name for people; what it returns is stored instead, None keeps it.
_Visit = Callable[[str, str, str], str | None]


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
    await _walk_planets(runtime, visit)
    await _walk_settings(runtime, visit)


async def _walk_planets(runtime: Runtime, visit: _Visit) -> None:
    after = None
    while True:
        async with runtime.db.transaction() as session:
            batch = await planets.locked_after(session, after, limit=BATCH)
            for planet in batch:
                name = f"planet {planet.name} ({planet.id})"
                planet.sealed_token = visit(planet.sealed_token, seal_context(planet.id), name) or planet.sealed_token
        if len(batch) < BATCH:
            return
        after = batch[-1].id


async def _walk_settings(runtime: Runtime, visit: _Visit) -> None:
    """All groups at once, there are few. Their version stays: what they say is the same."""
    async with runtime.db.transaction() as session:
        for row in await session.scalars(select(SettingsGroup).order_by(SettingsGroup.name).with_for_update()):
            row.secrets = {
                field: sealed
                and (visit(sealed, overrides.context(row.name, field), f"settings {row.name}.{field}") or sealed)
                for field, sealed in row.secrets.items()
            }
