"""The inbox: each notification once."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models.inbox import InboxEvent
from backend.money.inbox import service


async def receive(session: AsyncSession, external_id: str, source: str = "wechat_pay") -> InboxEvent | None:
    return await service.receive(
        session, source=source, external_id=external_id, event_type="TRANSACTION.SUCCESS", payload={"a": 1}
    )


async def test_a_notification_is_kept_once(session: AsyncSession) -> None:
    first = await receive(session, "1")
    assert first is not None
    first.outcome = "credited"
    assert await receive(session, "1") is None
    kept = (await session.scalars(select(InboxEvent))).one()
    assert (kept.external_id, kept.payload, kept.outcome) == ("1", {"a": 1}, "credited")


async def test_the_same_id_of_another_source_is_another_notification(session: AsyncSession) -> None:
    assert await receive(session, "1") is not None
    assert await receive(session, "1", source="elsewhere") is not None
