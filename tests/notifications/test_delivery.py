"""Messages to staff: sent once, tried again, given up, never in the way of what they tell about."""

import pytest
from sqlalchemy import select

from backend.core.db import Database
from backend.models.notifications import NoticeStatus, Notification
from backend.notifications import flows, service
from backend.runtime import Runtime
from tests.conftest import RecordingQueue
from tests.world import World


async def _alert(db: Database, about: str = "1") -> None:
    async with db.transaction() as session:
        await service.alert_staff(session, "sync_failed", about=about, title="同步失败", content="「写作营」未能读完")


async def _rows(db: Database) -> list[Notification]:
    async with db.transaction() as session:
        return list((await session.scalars(select(Notification).order_by(Notification.created_at))).all())


async def test_an_alert_reaches_wecom_once(runtime: Runtime, db: Database, world: World, queue: RecordingQueue):
    await _alert(db)
    assert [job.name for job in queue.jobs] == ["notifications.deliver"]
    assert (await flows.deliver_due(runtime))["sent"] == 1
    assert (await flows.deliver_due(runtime))["sent"] == 0
    [message] = world.sandbox.wecom.messages
    assert "同步失败" in str(message)


async def test_the_same_scene_about_the_same_object_is_asked_for_once(db: Database):
    await _alert(db)
    await _alert(db)
    await _alert(db, about="2")
    assert len(await _rows(db)) == 2


async def test_a_refused_message_is_marked_and_the_others_go_on(runtime: Runtime, db: Database, world: World, time):
    world.sandbox.wecom.faults.set("broken_off", times=None)
    await _alert(db)
    for seconds in (0, 10, 100):
        time.advance(seconds)
        await flows.deliver_due(runtime)
    [row] = await _rows(db)
    assert row.status is NoticeStatus.FAILED
    assert row.attempts == flows.MAX_ATTEMPTS
    assert row.error
    world.sandbox.wecom.faults.clear()
    await _alert(db, about="2")
    assert (await flows.deliver_due(runtime))["sent"] == 1


async def test_wecom_is_away_for_a_moment(runtime: Runtime, db: Database, world: World, time):
    world.sandbox.wecom.faults.set("http_500", times=1)
    await _alert(db)
    assert (await flows.deliver_due(runtime))["later"] == 1
    assert (await flows.deliver_due(runtime))["later"] == 0  # not before its time
    time.advance(10)
    assert (await flows.deliver_due(runtime))["sent"] == 1


async def test_a_rolled_back_act_asks_for_nothing(db: Database, queue: RecordingQueue):
    async def act() -> None:
        async with db.transaction() as session:
            await service.alert_staff(session, "sync_failed", about="1", title="t", content="c")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await act()
    assert queue.jobs == []
    assert await _rows(db) == []
