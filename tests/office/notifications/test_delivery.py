"""Messages go out once, are tried again, given up, taken up again, and are never in the way of what they tell about."""

from typing import Any

import pytest
from sqlalchemy import text

from backend.core import clock
from backend.core.db import Database
from backend.gateways.errors import Rejected, Unavailable
from backend.models.notifications import NoticeStatus
from backend.office.notifications import flows, repository, rules, scenes, sending, service
from backend.office.notifications.service import To
from backend.runtime import Runtime
from tests.conftest import RecordingQueue, Time
from tests.office.notifications.post import alert, app_messages, colleague, deliver_for, rows, samples, tell
from tests.world import World


async def test_an_alert_reaches_wecom_once(runtime: Runtime, db: Database, world: World, queue: RecordingQueue):
    await alert(db)
    assert [job.name for job in queue.jobs] == ["notifications.deliver"]
    assert (await flows.deliver_due(runtime))["sent"] == 1
    assert (await flows.deliver_due(runtime))["sent"] == 0
    [message] = world.sandbox.wecom.messages
    assert message.text.startswith("打卡同步失败\n训练营「21 天写作营」的打卡同步没有完成：知识星球暂时无法访问。")
    assert "http://testserver/admin/system/sync-logs" in message.text


async def test_a_long_text_keeps_its_link_and_its_mark(runtime: Runtime, db: Database, world: World):
    for about in ("1", "2"):
        await tell(db, scenes.SYNC_FAILED, To.staff(), about, {"cause": "很长" * 1000})
    await flows.deliver_due(runtime)
    [first, _] = await rows(db)
    # The mark keeps the second from being taken for a repeat; it waits for the receiver's slot.
    assert app_messages(world)[0].text.endswith(
        f"很长\n查看：http://testserver/admin/system/sync-logs\n[{first.id.hex[-6:]}]"
    )


async def test_the_same_scene_about_the_same_object_is_asked_for_once(db: Database):
    await alert(db)
    await alert(db)
    await alert(db, about="2")
    assert len(await rows(db)) == 2


async def test_each_colleague_hears_it_and_has_a_row(runtime: Runtime, db: Database, world: World):
    async with db.transaction() as session:
        for name in ("wangfang", "lina"):
            await colleague(session, name)
    await alert(db)
    assert (await flows.deliver_due(runtime))["sent"] == 2
    assert sorted(message.shown_to for message in app_messages(world)) == [["lina"], ["wangfang"]]
    assert {row.recipient for row in await rows(db)} == {"wangfang", "lina"}


async def test_three_tries_then_a_sweep_every_five_minutes(runtime: Runtime, db: Database, world: World, time: Time):
    world.sandbox.wecom.faults.set("broken_off", times=None)
    await alert(db)
    for seconds in (0, 1, 2):
        time.advance(seconds)
        await flows.deliver_due(runtime)
    [row] = await rows(db)
    assert (row.status, row.attempts) == (NoticeStatus.FAILED, 3)
    assert row.error == "bad_answer"
    time.advance(299)
    assert sum((await flows.deliver_due(runtime)).values()) == 0
    world.sandbox.wecom.faults.clear()
    time.advance(2)
    assert (await flows.deliver_due(runtime))["sent"] == 1
    [row] = await rows(db)
    assert (row.status, row.attempts, row.error) == (NoticeStatus.SENT, 4, None)


async def test_a_message_that_is_refused_for_good_is_marked_and_the_others_go_on(
    runtime: Runtime, db: Database, world: World, time: Time
):
    async with db.transaction() as session:
        gone = await colleague(session, "gone")
        await colleague(session, "lina")
    await alert(db)
    assert await flows.deliver_due(runtime) == {"sent": 1, "failed": 1, "skipped": 0, "later": 0}
    found = {row.staff_id: row for row in await rows(db)}
    assert (found[gone.id].status, found[gone.id].error) == (NoticeStatus.FAILED, "81013")
    assert found[gone.id].next_attempt_at is None
    assert sum((await deliver_for(runtime, time, 10)).values()) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"secret": "rotated"}, "40001"), ({"corp_id": "ww0"}, "40013"), ({"agent_id": 7}, "40056"), ({}, "60020")],
)
async def test_a_wrong_account_is_tried_again_every_five_minutes_until_it_is_mended(
    runtime: Runtime, db: Database, world: World, time: Time, wrong: dict[str, Any], code: str
):
    async with db.transaction() as session:
        await colleague(session, "lina")
    wecom = world.sandbox.wecom
    right = {name: getattr(wecom, name) for name in wrong}
    for name, value in wrong.items():
        setattr(wecom, name, value)
    if not wrong:
        wecom.faults.set("ip_refused", times=None)
    await alert(db, about="1")
    await alert(db, about="2")
    await flows.deliver_due(runtime)
    first, second = await rows(db)
    # The second is not even tried: the channel is down.
    assert (first.error, first.attempts, second.attempts) == (code, 1, 0)
    assert first.next_attempt_at is not None
    assert first.next_attempt_at > clock.now() + rules.SWEEP_PAUSE * 0.8
    await deliver_for(runtime, time, 30)
    assert {row.status for row in await rows(db)} == {NoticeStatus.FAILED}
    for name, value in right.items():
        setattr(wecom, name, value)
    wecom.faults.clear()
    assert (await deliver_for(runtime, time, 6))["sent"] == 2
    assert len(app_messages(world)) == 2


async def test_a_wrong_account_is_given_up_when_the_scene_is_out_of_date(
    runtime: Runtime, db: Database, world: World, time: Time
):
    world.sandbox.wecom.faults.set("ip_refused", times=None)
    await alert(db)
    await flows.deliver_due(runtime)
    time.advance(scenes.SYNC_FAILED.good_for.total_seconds() + 1)
    await flows.deliver_due(runtime)
    [row] = await rows(db)
    assert (row.status, row.error) == (NoticeStatus.SKIPPED, "out_of_date")


@pytest.mark.parametrize("code", ["40001", "40013", "40056", "40125", "40164", "48001", "60020", "not_configured"])
def test_refusals_of_the_account_may_pass(code: str):
    now = clock.now()
    assert [rules.next_try(Rejected("wecom", code), tries, now) for tries in (1, 9)] == [now + rules.SWEEP_PAUSE] * 2


@pytest.mark.parametrize("code", ["81013", "60011", "60111", "93000", "40003", "43004", "40037", "47003"])
def test_refusals_of_a_receiver_or_a_template_are_final(code: str):
    assert rules.next_try(Rejected("wecom", code), 1, clock.now()) is None


@pytest.mark.slow
async def test_wecom_away_for_an_hour_loses_nothing(runtime: Runtime, db: Database, world: World, time: Time):
    async with db.transaction() as session:
        await colleague(session, "lina")
    world.sandbox.wecom.faults.set("http_500", times=None)
    for number in range(5):
        await alert(db, about=str(number))
    await deliver_for(runtime, time, 60)
    # While it is away one message at a time finds out.
    assert {row.status for row in await rows(db)} <= {NoticeStatus.PENDING, NoticeStatus.FAILED}
    world.sandbox.wecom.faults.clear()
    world.sandbox.wecom.messages.clear()
    await deliver_for(runtime, time, 6)
    assert {row.status for row in await rows(db)} == {NoticeStatus.SENT}
    assert len(app_messages(world)) == 5


async def test_a_throttled_robot_waits_a_minute(runtime: Runtime, db: Database, world: World, time: Time):
    world.sandbox.wecom.faults.set("rate_limited", times=1)
    await alert(db)
    assert (await flows.deliver_due(runtime))["later"] == 1
    time.advance(58)
    assert sum((await flows.deliver_due(runtime)).values()) == 0
    time.advance(3)
    assert (await flows.deliver_due(runtime))["sent"] == 1


def test_pauses_grow_and_a_limit_is_respected():
    now = clock.now()
    busy, full = Unavailable("wecom", "-1"), Unavailable("wecom", "45009", retry_after=60)
    pauses = [rules.next_try(busy, attempts, now) for attempts in (1, 2, 3, 4)]
    assert [(at - now).total_seconds() for at in pauses if at] == [1, 2, 300, 300]
    at = rules.next_try(full, 1, now)
    assert at is not None
    assert (at - now).total_seconds() == 60


async def test_a_token_that_died_early_costs_no_try(runtime: Runtime, db: Database, world: World):
    world.sandbox.wecom.faults.set("token_revoked", times=1)
    await alert(db)
    assert (await flows.deliver_due(runtime))["sent"] == 1
    [row] = await rows(db)
    assert row.attempts == 1


@pytest.mark.slow
async def test_no_more_than_thirty_a_minute_to_one_person(runtime: Runtime, db: Database, world: World, time: Time):
    async with db.transaction() as session:
        await colleague(session, "lina")
    for number in range(40):
        await alert(db, about=str(number))
    await deliver_for(runtime, time, 4)
    assert len(app_messages(world)) == 40
    assert [message.dropped for message in app_messages(world)] == [[]] * 40


async def test_a_crash_between_call_and_record_sends_once_more_at_most(
    runtime: Runtime, db: Database, world: World, time: Time
):
    """The row as a process leaves it that died after WeCom took the message; WeCom shows an equal one once."""
    await alert(db)
    [row] = await rows(db)
    async with db.transaction() as session:
        intent = await flows._intent(runtime, session, row.id, set())
    assert isinstance(intent, flows._Sending)
    await sending.deliver(runtime, intent.parcel)
    assert sum((await flows.deliver_due(runtime)).values()) == 0
    time.advance(61)
    assert (await flows.deliver_due(runtime))["sent"] == 1
    assert len(world.sandbox.wecom.messages) == 2
    assert len(app_messages(world)) == 1


@pytest.mark.parametrize("slot_taken", [False, True])
async def test_delivery_waits_for_no_message_that_somebody_else_has_locked(
    shared_runtime: Runtime, shared_db: Database, time: Time, slot_taken: bool
):
    """It holds one message already; whoever sends many again (重发) locks them in another order."""
    async with shared_db.transaction() as session:
        await colleague(session, "lina")
    for number in range(5):
        await tell(shared_db, scenes.REFUND_FAILED, To.staff(), str(number))
    time.advance(31)
    if slot_taken:
        async with shared_db.transaction() as session:
            assert await repository.take_slot(session, "wecom:lina", now=clock.now(), gap=rules.SWEEP_PAUSE) is None
    *_, other, _, _, _, last = [row.id for row in await rows(shared_db)]
    async with shared_db.transaction() as elsewhere:
        await repository.locked(elsewhere, [other])
        async with shared_db.transaction() as session:
            await session.execute(text("SET LOCAL lock_timeout = '2s'"))
            intent = await flows._intent(shared_runtime, session, last, set())
    if slot_taken:
        assert intent == "later"
    else:
        assert isinstance(intent, flows._Sending)
        assert len(intent.ids) == 4
        assert other not in intent.ids


async def test_a_rolled_back_act_asks_for_nothing(db: Database, queue: RecordingQueue):
    async def act() -> None:
        async with db.transaction() as session:
            values = samples(scenes.SYNC_FAILED, To.staff())
            await service.notify(session, scenes.SYNC_FAILED, To.staff(), about="1", values=values)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await act()
    assert queue.jobs == []
    assert await rows(db) == []


async def test_a_forgotten_value_breaks_nothing(runtime: Runtime, db: Database):
    async with db.transaction() as session:
        await service.notify(session, scenes.SYNC_FAILED, To.staff(), about="1", values={"camp": "营", "odd": 1})
    [row] = await rows(db)
    assert "训练营「营」的打卡同步没有完成：—。" in row.content


async def test_a_mistake_of_ours_about_one_message_keeps_no_other_back(runtime: Runtime, db: Database):
    await alert(db, about="1")
    await alert(db, about="2")
    first, _ = await rows(db)
    async with db.transaction() as session:
        row = await session.get_one(type(first), first.id)
        row.scene = "no_such_scene"
    assert (await flows.deliver_due(runtime))["sent"] == 1
    first, second = await rows(db)
    assert (first.error, first.status) == ("internal_error", NoticeStatus.PENDING)
    assert second.status is NoticeStatus.SENT
