"""Queries for saved settings groups and their last connection tests."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.models.settings import SettingsCheck, SettingsGroup
from backend.models.staff import Staff


async def locked(session: AsyncSession, name: str, *, staff_id: uuid.UUID) -> SettingsGroup:
    """The group's row, locked. A row of version 0 is created if it was never saved."""
    fresh = insert(SettingsGroup).values(
        name=name, values={}, secrets={}, version=0, updated_at=clock.now(), updated_by=staff_id
    )
    await session.execute(fresh.on_conflict_do_nothing(index_elements=["name"]))
    return await session.get_one(SettingsGroup, name, with_for_update=True, populate_existing=True)


async def names_of_savers(session: AsyncSession) -> dict[str, str]:
    """By group, the display name of the person who saved it last."""
    statement = select(SettingsGroup.name, Staff.display_name).join(Staff, Staff.id == SettingsGroup.updated_by)
    return {row.name: row.display_name for row in await session.execute(statement)}


async def checks(session: AsyncSession) -> Sequence[SettingsCheck]:
    return (await session.scalars(select(SettingsCheck))).all()


async def forget_check(session: AsyncSession, name: str) -> None:
    await session.execute(delete(SettingsCheck).where(SettingsCheck.name == name))


async def keep_check(session: AsyncSession, name: str, **outcome: Any) -> None:
    """Store a test result and replace the previous one."""
    written = insert(SettingsCheck).values(name=name, checked_at=clock.now(), **outcome)
    columns = {column: written.excluded[column] for column in ("checked_at", *outcome)}
    await session.execute(written.on_conflict_do_update(index_elements=["name"], set_=columns))
