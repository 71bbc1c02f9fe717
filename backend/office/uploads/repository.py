"""Queries for uploads."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models.uploads import Upload


async def by_key(session: AsyncSession, key: str) -> Upload | None:
    upload: Upload | None = await session.scalar(select(Upload).where(Upload.key == key))
    return upload
