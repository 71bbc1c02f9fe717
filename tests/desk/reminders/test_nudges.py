"""The 20:00 nudge: off by default, and only from what was read that evening (B6)."""

import pytest

from backend.community.checkins import flows as checkins
from backend.core.actor import SYSTEM
from backend.desk.reminders.flows import checkin_nudges, checkin_refresh
from backend.models.checkins import SyncTrigger
from backend.models.notifications import NoticeAudience, NoticeChannel
from backend.office.notifications import configuring, scenes
from backend.office.notifications.configuring import Chosen
from backend.runtime import Runtime
from tests.community.checkins.stage import Stage, make_stage
from tests.conftest import RecordingQueue, Time
from tests.office.notifications.post import rows
from tests.world import World


@pytest.fixture
async def stage(runtime: Runtime, world: World, time: Time) -> Stage:
    """On 3 March at 19:30: 小满 posted today, 阿哲 only yesterday, 南山 has not joined the group."""
    stage = await make_stage(runtime, world, time)
    for name, days, joined in (("小满", (1, 2, 3), True), ("阿哲", (1, 2), True), ("南山", (1,), False)):
        user = stage.person(name)
        stage.posts(user, *days)
        await stage.member(user, planet_nickname=name, joined=joined)
    time.set("2026-03-03 19:30")
    return stage


async def switch_on(stage: Stage) -> None:
    notice = scenes.CHECKIN_DAILY.notices[NoticeAudience.MEMBER]
    how = Chosen(True, (NoticeChannel.INBOX,), (), (), notice.title, notice.content)
    async with stage.runtime.db.transaction() as session:
        await configuring.save(session, SYSTEM, "checkin_daily", NoticeAudience.MEMBER, how)


async def evening(stage: Stage, queue: RecordingQueue) -> dict[str, int]:
    await checkin_refresh(stage.runtime)
    for job in [job for job in queue.jobs if job.name == "checkins.sync"]:
        await checkins.sync(stage.runtime, job.arguments)
    stage.time.set("2026-03-03 20:00")
    return await checkin_nudges(stage.runtime)


async def test_it_is_off_by_default(stage: Stage, queue: RecordingQueue) -> None:
    assert await evening(stage, queue) == {"told": 0}
    assert [job.name for job in queue.jobs if job.name == "checkins.sync"] == []


async def test_who_has_not_checked_in_today_is_nudged_once(stage: Stage, queue: RecordingQueue) -> None:
    await switch_on(stage)
    assert await evening(stage, queue) == {"told": 1}
    await checkin_nudges(stage.runtime)
    [row] = [row for row in await rows(stage.runtime.db) if row.scene == "checkin_daily"]
    assert row.recipient == "阿哲"
    assert "已打卡 2/7 天（28%）。坚持打卡仍可达标。" in row.content


async def test_without_this_evening_s_data_nobody_is_nudged(stage: Stage) -> None:
    """Last night's sync knows nothing of today's posts: it would nag 小满 too."""
    await switch_on(stage)
    stage.time.set("2026-03-03 01:00")
    await checkins.sync_camp(stage.runtime, stage.camp.id, trigger=SyncTrigger.SCHEDULER)
    stage.time.set("2026-03-03 20:00")
    assert await checkin_nudges(stage.runtime) == {"told": 0}


async def test_who_reached_the_days_is_left_alone(stage: Stage, queue: RecordingQueue) -> None:
    await switch_on(stage)
    user = stage.person("老手")
    stage.posts(user, 1, 2)
    policy = {"kind": "threshold", "required_days": 2}
    await stage.member(user, planet_nickname="老手", joined=True, refund_policy=policy)
    assert await evening(stage, queue) == {"told": 1}
    assert {row.recipient for row in await rows(stage.runtime.db)} == {"阿哲"}
