"""What outside systems told us, once each, in the transaction of what we made of it."""

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
    """Keep a verified notification; None when the same one was received before, and its effect with it.

    A repeat that arrives while the first is being handled waits for it here, and takes over if that fails.
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
