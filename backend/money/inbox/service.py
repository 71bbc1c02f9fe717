"""Received notifications. Each is stored once, in the same transaction as its effects."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.ids import new_id
from backend.models.inbox import InboxEvent


async def receive(
    session: AsyncSession, *, source: str, external_id: str, event_type: str, payload: Mapping[str, Any]
) -> InboxEvent | None:
    """Store a verified notification. None if it was received before; its effects are then committed, too.

    A concurrent repeat blocks here until the first transaction ends, and proceeds if that one rolls back.
    """
    return await session.scalar(
        insert(InboxEvent)
        .values(
            id=new_id(),
            created_at=clock.now(),
            source=source,
            external_id=external_id,
            event_type=event_type,
            payload=dict(payload),
            outcome="received",
        )
        .on_conflict_do_nothing(index_elements=["source", "external_id"])
        .returning(InboxEvent)
    )
