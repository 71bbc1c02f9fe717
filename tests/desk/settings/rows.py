"""Saved groups as they lie in the database."""

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.db import Database
from backend.core.security import SecretBox
from backend.models.settings import SettingsGroup
from backend.runtime import overrides
from tests import factories


async def saved(
    session: AsyncSession,
    box: SecretBox,
    name: str,
    values: dict[str, object] | None = None,
    secrets: dict[str, str | None] | None = None,
) -> SettingsGroup:
    """A group as a person saved it; its version is one more than before."""
    row = await session.get(SettingsGroup, name)
    if row is None:
        row = SettingsGroup(name=name, values={}, secrets={}, version=0)
        row.updated_by = (await factories.make_staff(session)).id
        session.add(row)
    row.version, row.updated_at = row.version + 1, clock.now()
    row.values = dict(values or {})
    row.secrets = {
        field: None if plain is None else box.seal(plain, context=overrides.context(name, field))
        for field, plain in (secrets or {}).items()
    }
    await session.flush()
    return row


async def save(db: Database, box: SecretBox, name: str, values=None, secrets=None) -> None:
    """The same in a transaction of its own."""
    async with db.transaction() as session:
        await saved(session, box, name, values, secrets)
