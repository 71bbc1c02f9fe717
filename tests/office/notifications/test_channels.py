"""Where messages go: followers of the service account, groups, hours, summaries, limits."""

import datetime as dt
from collections import Counter
from typing import Any

import pytest

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.config import NoticeSettings
from backend.core.db import Database
from backend.models.camps import Camp
from backend.models.members import Member
from backend.models.notifications import NoticeAudience, NoticeChannel, NoticeStatus
from backend.models.staff import StaffRole
from backend.office.notifications import configuring, flows, rules, scenes, sending
from backend.office.notifications.configuring import Chosen
from backend.office.notifications.scenes import Scene
from backend.office.notifications.service import To
from backend.runtime import Runtime
from tests.conftest import Time
from tests.factories import assign, make_camp, make_member, make_payer, make_staff
from tests.office.notifications.post import (
    alert,
    app_messages,
    colleague,
    deliver_for,
    follower,
    robot_messages,
    rows,
    tell,
)
from tests.world import World

BOTH = (NoticeChannel.INBOX, NoticeChannel.MP_TEMPLATE)


async def through_account(db: Database, world: World, scene: Scene, **fields: str) -> None:
    """Let a scene also go out through the service account."""
    notice = scene.notices[NoticeAudience.MEMBER]
    fields = fields or {"thing1": "{camp}", "amount2": "9.9", "time3": "2026", "thing4": "{camp}"}
    how = Chosen(True, BOTH, (), (), notice.title, notice.content, world.sandbox.wechat_mp.template_id, fields)
    async with db.transaction() as session:
        await configuring.save(session, SYSTEM, scene.code, NoticeAudience.MEMBER, how)


async def paid(db: Database, member: Member, **values: object) -> None:
    await tell(db, scenes.PAYMENT_SUCCESS, To.member(member), values=values)


@pytest.fixture
async def member(db: Database, world: World) -> Member:
    await through_account(db, world, scenes.PAYMENT_SUCCESS)
    async with db.transaction() as session:
        return await follower(session, world)


async def mp_row(db: Database) -> Any:
    [row] = [row for row in await rows(db) if row.channel is NoticeChannel.MP_TEMPLATE]
    return row


async def test_a_follower_gets_it_in_wechat_and_in_the_app(
    runtime: Runtime, db: Database, world: World, member: Member
) -> None:
    await paid(db, member, camp="很长很长很长很长很长很长很长很长的训练营名称\n第二行")
    assert (await flows.deliver_due(runtime))["sent"] == 1
    [message] = world.sandbox.wechat_mp.inbox(member.openid or "")
    assert message.fields["thing1"] == "很长很长很长很长很长很长很长很长的训练…"
    assert message.url == f"http://testserver/qrcode/{member.payment_id}"
    by_channel = {row.channel: row.status for row in await rows(db)}
    assert by_channel == {NoticeChannel.INBOX: NoticeStatus.SENT, NoticeChannel.MP_TEMPLATE: NoticeStatus.SENT}


@pytest.mark.parametrize(("left", "known", "code"), [(True, True, "43004"), (False, False, "40003")])
async def test_who_can_t_be_reached_is_skipped_and_not_tried_again(
    runtime: Runtime, db: Database, world: World, time: Time, member: Member, left: bool, known: bool, code: str
) -> None:
    openid = member.openid or ""
    if left:
        world.sandbox.wechat_mp.unfollowed.add(openid)
    if not known:
        del world.sandbox.oauth.users[openid]
    await paid(db, member)
    assert (await flows.deliver_due(runtime))["skipped"] == 1
    row = await mp_row(db)
    assert (row.status, row.error, row.attempts) == (NoticeStatus.SKIPPED, code, 1)
    assert sum((await deliver_for(runtime, time, 6)).values()) == 0


async def test_without_an_openid_nothing_is_tried(runtime: Runtime, db: Database, world: World) -> None:
    await through_account(db, world, scenes.PAYMENT_SUCCESS)
    async with db.transaction() as session:
        guest = await make_member(session, await make_camp(session), await make_payer(session))
    await paid(db, guest)
    await flows.deliver_due(runtime)
    row = await mp_row(db)
    assert (row.status, row.error, row.attempts) == (NoticeStatus.SKIPPED, "no_openid", 0)


async def test_a_wrong_template_is_a_failure_that_a_person_mends(
    runtime: Runtime, db: Database, world: World, member: Member
) -> None:
    await through_account(db, world, scenes.PAYMENT_SUCCESS, thing1="{camp}")
    await paid(db, member)
    await flows.deliver_due(runtime)
    row = await mp_row(db)
    assert (row.status, row.error, row.next_attempt_at) == (NoticeStatus.FAILED, "47003", None)


async def test_a_lost_answer_is_repeated_and_shown_once(
    runtime: Runtime, db: Database, world: World, time: Time, member: Member
) -> None:
    world.sandbox.wechat_mp.faults.set("broken_off", times=2)
    await paid(db, member)
    await deliver_for(runtime, time, 1)
    assert (await mp_row(db)).status is NoticeStatus.SENT
    assert len(world.sandbox.wechat_mp.inbox(member.openid or "")) == 1


async def test_a_token_that_another_process_renewed(
    runtime: Runtime, db: Database, world: World, member: Member
) -> None:
    world.sandbox.wechat_mp.faults.set("token_revoked", times=1)
    await paid(db, member)
    assert (await flows.deliver_due(runtime))["sent"] == 1
    assert (await mp_row(db)).attempts == 1


async def test_the_day_s_quota_is_waited_out(
    runtime: Runtime, db: Database, world: World, time: Time, member: Member
) -> None:
    world.sandbox.wechat_mp.faults.set("quota_used_up", times=1)
    await paid(db, member)
    await flows.deliver_due(runtime)
    row = await mp_row(db)
    assert clock.minute(row.next_attempt_at) == "2026-03-02 00:05"
    time.set("2026-03-02 00:06")
    assert (await flows.deliver_due(runtime))["sent"] == 1  # of a payment is told at any hour


async def test_members_are_not_woken_at_night(
    runtime: Runtime, db: Database, world: World, time: Time, member: Member
) -> None:
    await through_account(db, world, scenes.REFUND_DELAYED)
    time.set("2026-03-01 21:00")
    await tell(db, scenes.REFUND_DELAYED, To.member(member))
    assert (await flows.deliver_due(runtime))["later"] == 1
    row = await mp_row(db)
    assert (row.status, row.attempts, clock.minute(row.next_attempt_at)) == (
        NoticeStatus.PENDING, 0, "2026-03-02 09:00",
    )  # fmt: skip
    time.set("2026-03-02 08:59")
    assert sum((await flows.deliver_due(runtime)).values()) == 0
    time.set("2026-03-02 09:00")
    assert (await flows.deliver_due(runtime))["sent"] == 1


@pytest.mark.parametrize(
    ("scene", "audience", "at", "leaves"),
    [
        (scenes.REFUND_SUCCESS, "member", "2026-03-01 08:59", "2026-03-01 09:00"),
        (scenes.REFUND_SUCCESS, "group", "2026-03-01 23:00", "2026-03-02 09:00"),
        (scenes.REFUND_SUCCESS, "member", "2026-03-01 09:00", "2026-03-01 09:00"),
        (scenes.REFUND_SUCCESS, "member", "2026-03-01 20:59", "2026-03-01 20:59"),
        (scenes.REFUND_SUCCESS, "member", "2026-03-01 21:00", "2026-03-02 09:00"),
        (scenes.PAYMENT_SUCCESS, "member", "2026-03-01 03:00", "2026-03-01 03:00"),
        (scenes.REFUND_FAILED, "staff", "2026-03-01 03:00", "2026-03-01 03:00"),
        (scenes.CAMP_ENDED_REVIEW, "staff", "2026-03-01 02:00", "2026-03-01 10:00"),
        (scenes.CAMP_ENDED_REVIEW, "staff", "2026-03-01 22:00", "2026-03-02 10:00"),
        (scenes.CAMP_ENDED_REVIEW, "staff", "2026-03-01 09:30", "2026-03-01 09:30"),
    ],
)
def test_hours(time: Time, scene: Scene, audience: str, at: str, leaves: str) -> None:
    time.set(at)
    found = rules.may_leave_at(scene, NoticeAudience(audience), clock.now(), NoticeSettings())
    assert clock.minute(found) == leaves


async def test_what_is_out_of_date_is_not_sent(
    runtime: Runtime, db: Database, world: World, time: Time, member: Member
) -> None:
    await through_account(db, world, scenes.CHECKIN_DAILY)
    time.set("2026-03-01 20:00")
    world.sandbox.wechat_mp.faults.set("busy", times=None)
    await tell(db, scenes.CHECKIN_DAILY, To.member(member))
    await flows.deliver_due(runtime)
    world.sandbox.wechat_mp.faults.clear()
    time.set("2026-03-02 09:00")
    await flows.deliver_due(runtime)
    row = await mp_row(db)
    assert (row.status, row.error) == (NoticeStatus.SKIPPED, "out_of_date")
    assert world.sandbox.wechat_mp.messages == []


async def test_the_master_switch(runtime: Runtime, db: Database, world: World, member: Member) -> None:
    runtime.settings.notices.enabled = False
    await alert(db)
    await paid(db, member)
    assert (await flows.deliver_due(runtime))["skipped"] == 2
    assert Counter(row.error for row in await rows(db)) == {"switched_off": 2, None: 1}
    assert world.sandbox.wecom.messages == []


async def failed_refund(db: Database, number: int) -> None:
    await tell(db, scenes.REFUND_FAILED, To.staff(), str(number), {"name": f"会员{number}"})


@pytest.mark.parametrize(("count", "messages"), [(1, 1), (2, 2), (3, 1), (12, 1)])
async def test_three_failures_at_once_are_one_summary(
    runtime: Runtime, db: Database, world: World, time: Time, count: int, messages: int
) -> None:
    for number in range(count):
        await failed_refund(db, number)
        time.advance(1)
    assert sum((await flows.deliver_due(runtime)).values()) == 0  # others may follow
    await deliver_for(runtime, time, 1)
    found = app_messages(world)
    assert len(found) == messages
    assert {row.status for row in await rows(db)} == {NoticeStatus.SENT}
    if messages == 1 and count > 1:
        text = found[0].text
        assert text.startswith(f"{count} 笔退款失败\n· 「21 天写作营」会员0 99.00 元")
        assert ("…… 共 12 条" in text) == (count > 10)
        assert sum(row.merged_into is not None for row in await rows(db)) == count - 1


async def test_a_summary_that_failed_is_tried_again_whole(
    runtime: Runtime, db: Database, world: World, time: Time
) -> None:
    world.sandbox.wecom.faults.set("busy", times=1)
    for number in range(5):
        await failed_refund(db, number)
    await deliver_for(runtime, time, 1)
    [message] = app_messages(world)
    assert message.text.startswith("5 笔退款失败")


async def camp_with_robot(runtime: Runtime, world: World) -> Camp:
    async with runtime.db.transaction() as session:
        camp = await make_camp(session)
        key = world.sandbox.wecom.add_robot(camp.name)
        camp.sealed_robot_key = runtime.secrets.seal(key, context=sending.robot_context(camp.id))
        how = Chosen(True, (NoticeChannel.WECOM_ROBOT,), (), (), "播报", "恭喜 {masked_name} 完成「{camp}」")
        await configuring.save(session, SYSTEM, "refund_success", NoticeAudience.GROUP, how)
    return camp


async def test_a_group_is_told_in_summaries_of_twenty_within_the_robot_s_limit(
    runtime: Runtime, db: Database, world: World, time: Time
) -> None:
    camp = await camp_with_robot(runtime, world)
    for number in range(50):
        await tell(db, scenes.REFUND_SUCCESS, To.group(camp), str(number), {"masked_name": f"会员{number}"})
    await deliver_for(runtime, time, 2)
    texts = [message.text for message in robot_messages(world)]
    assert [text.splitlines()[0] for text in texts] == ["恭喜 20 位同学押金已退还"] * 2 + ["恭喜 10 位同学押金已退还"]
    assert all(f"会员{number} " in "".join(texts) for number in range(50))
    assert {row.status for row in await rows(db)} == {NoticeStatus.SENT}


@pytest.mark.slow
async def test_a_robot_never_gets_more_than_twenty_a_minute(
    runtime: Runtime, db: Database, world: World, time: Time
) -> None:
    notice = scenes.SYNC_FAILED.notices[NoticeAudience.STAFF]
    how = Chosen(True, (NoticeChannel.WECOM_ROBOT,), (), (), notice.title, notice.content)
    async with db.transaction() as session:
        await configuring.save(session, SYSTEM, "sync_failed", NoticeAudience.STAFF, how)
    for number in range(60):
        await alert(db, str(number))
    await deliver_for(runtime, time, 6)
    at = [message.at for message in robot_messages(world)]
    assert len(at) == 60
    assert max(sum(0 <= other - one < 60 for other in at) for one in at) <= 20
    assert {row.attempts for row in await rows(db)} == {1}  # none was refused


async def test_a_camp_without_robot_says_so(runtime: Runtime, db: Database, world: World, time: Time) -> None:
    camp = await camp_with_robot(runtime, world)
    async with db.transaction() as session:
        (await session.get_one(Camp, camp.id)).sealed_robot_key = None
    await tell(db, scenes.REFUND_SUCCESS, To.group(camp))
    await deliver_for(runtime, time, 1)
    [row] = await rows(db)
    assert (row.status, row.error) == (NoticeStatus.SKIPPED, "no_robot")
    assert robot_messages(world) == []


async def test_coaches_hear_of_their_own_camps(runtime: Runtime, db: Database, world: World) -> None:
    async with db.transaction() as session:
        camp, other = await make_camp(session), await make_camp(session)
        for name, where in (("lina", camp), ("chenjie", other)):
            await assign(session, where, await colleague(session, name, StaffRole.COACH))
    await tell(db, scenes.CAMP_ENDING, To.staff(camp.id))
    await flows.deliver_due(runtime)
    assert [message.shown_to for message in app_messages(world)] == [["lina"]]


async def test_an_alarm_that_would_reach_nobody_reaches_the_default(
    runtime: Runtime, db: Database, world: World
) -> None:
    await tell(db, scenes.SYNC_FAILED, To.staff())
    await flows.deliver_due(runtime)
    [row] = await rows(db)
    assert (row.recipient, row.staff_id) == ("默认接收人", None)
    assert len(app_messages(world)[0].shown_to) == 4  # @all


async def test_what_reaches_none_of_its_receivers_reaches_managers(
    runtime: Runtime, db: Database, world: World
) -> None:
    async with db.transaction() as session:
        camp = await make_camp(session)
        await assign(session, camp, await make_staff(session, StaffRole.COACH))
        await colleague(session, "wangfang", StaffRole.SUPER_ADMIN)
        await colleague(session, "lina", StaffRole.MANAGER)
        await colleague(session, "chenjie", StaffRole.COACH)  # of no camp
    await tell(db, scenes.NOT_IN_GROUP, To.staff(camp.id))
    await flows.deliver_due(runtime)
    assert sorted(message.shown_to for message in app_messages(world)) == [["lina"], ["wangfang"]]


@pytest.mark.parametrize(
    ("configured", "shown"),
    [("@all", None), ("@all|", None), ("lina|@ALL", ["lina"]), ("lina|wangfang", ["lina", "wangfang"])],
)
async def test_members_are_never_named_to_the_whole_company(
    runtime: Runtime, db: Database, world: World, configured: str, shown: list[str] | None
) -> None:
    runtime.settings.wecom.alert_user_ids = configured
    async with db.transaction() as session:
        camp = await make_camp(session)
    await tell(db, scenes.NOT_IN_GROUP, To.staff(camp.id))
    await flows.deliver_due(runtime)
    [row] = await rows(db)
    assert [message.shown_to for message in app_messages(world)] == ([shown] if shown else [])
    assert (row.status, row.error) == (
        (NoticeStatus.SENT, None) if shown else (NoticeStatus.SKIPPED, "not_for_everybody")
    )


async def test_what_names_nobody_may_reach_everybody(runtime: Runtime, db: Database, world: World) -> None:
    async with db.transaction() as session:
        camp = await make_camp(session)
    await tell(db, scenes.SYNC_FAILED, To.staff(camp.id))
    await flows.deliver_due(runtime)
    assert len(app_messages(world)[0].shown_to) == 4


async def test_who_lost_the_account_meanwhile_is_skipped(runtime: Runtime, db: Database, world: World) -> None:
    async with db.transaction() as session:
        lina = await colleague(session, "lina")
    await alert(db)
    async with db.transaction() as session:
        (await session.get_one(type(lina), lina.id)).active = False
    await flows.deliver_due(runtime)
    [row] = await rows(db)
    assert (row.status, row.error) == (NoticeStatus.SKIPPED, "no_recipient")


async def test_a_credential_is_told_of_once_a_day_and_another_once_an_hour(db: Database, time: Time) -> None:
    async def told(about: str) -> int:
        await tell(db, scenes.CREDENTIAL_EXPIRED, To.staff(), about)
        return len(await rows(db))

    assert await told(f"planet:first:{clock.today()}") == 1
    time.advance(3500)
    assert await told(f"planet:second:{clock.today()}") == 1  # not within the hour
    assert await told(f"other:first:{clock.today()}") == 2
    time.advance(200)
    assert await told(f"planet:second:{clock.today()}") == 3
    time.advance(2 * 3600)
    assert await told(f"planet:second:{clock.today()}") == 3
    time.advance(24 * 3600)
    assert await told(f"planet:second:{clock.today()}") == 4


def test_a_whole_day_of_openings_is_in_hours() -> None:
    start = clock.day_start(dt.date(2026, 3, 1))
    for minute in range(0, 24 * 60, 7):
        at = rules.may_leave_at(
            scenes.REFUND_SUCCESS, NoticeAudience.MEMBER, start + dt.timedelta(minutes=minute), NoticeSettings()
        )
        assert dt.time(9) <= clock.shanghai(at).time() < dt.time(21)
