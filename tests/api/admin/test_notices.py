"""通知设置: words, switches and receivers, all or nothing; previews and test messages."""

from typing import Any

import pytest

from backend.core.db import Database
from backend.models.staff import StaffRole
from backend.office.notifications import flows, scenes
from backend.office.notifications.scenes import SCENES
from backend.office.notifications.service import To
from backend.runtime import Runtime
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.conftest import Time
from tests.factories import make_camp, make_member
from tests.office.notifications.post import app_messages, colleague, robot_messages, rows, tell
from tests.world import World

URL = "/notices/refund_failed/staff"


def choice(**changes: Any) -> dict[str, Any]:
    """A choice for staff that may be saved."""
    body: dict[str, Any] = {
        "enabled": True, "channels": ["wecom_app"], "roles": ["manager"], "staff_ids": [], "title": "退款出错",
        "content": "{camp}：{name} 的 {amount} 元没有退成", "mp_template_id": "", "mp_fields": {},
    }  # fmt: skip
    return body | changes


def to_member(**changes: Any) -> dict[str, Any]:
    return choice(roles=[], channels=["inbox"], content="{camp} 报名成功") | changes


async def test_all_scenes_are_listed_with_what_may_stand_in_them(admin: Desk) -> None:
    found = await admin.ok("GET", "/notices")
    assert [scene["code"] for scene in found["scenes"]] == list(SCENES)
    assert (found["enabled"], found["opens_at"], found["closes_at"]) == (True, "09:00", "21:00")
    assert set(found["configured"]) == {"wecom_app", "wecom_robot", "mp_template", "inbox"}
    paid = found["scenes"][0]
    assert paid["title"] == "支付成功"
    [notice] = paid["notices"]
    assert notice["channels"] == ["inbox", "mp_template"]
    assert notice["choice"]["channels"] == ["inbox"]
    assert {"name": "amount", "label": "金额（元）", "sample": "99.00"} in notice["values"]
    assert not notice["edited"]


async def test_a_saved_choice_is_what_people_get(admin: Desk, db: Database, world: World, runtime: Runtime) -> None:
    async with db.transaction() as session:
        await colleague(session, "lina")
        await colleague(session, "wangfang", StaffRole.SUPER_ADMIN)
    saved = await admin.ok("PUT", URL, json=choice())
    assert saved["edited"]
    assert saved["choice"]["content"] == choice()["content"]
    await tell(db, scenes.REFUND_FAILED, To.staff(), values={"camp": "晨读", "name": "小满", "amount": "5.00"})
    [row] = await rows(db)
    assert (row.title, row.content) == ("退款出错", "晨读：小满 的 5.00 元没有退成")
    assert row.recipient == "lina"
    (entry,) = (await admin.ok("GET", "/logs", params={"action": "config.update"}))["items"]
    assert entry["target_name"] == "refund_failed:staff"
    assert entry["after"]["title"] == "退款出错"


async def test_back_to_the_program_s_own(admin: Desk, db: Database) -> None:
    await admin.ok("PUT", URL, json=choice(enabled=False))
    await tell(db, scenes.REFUND_FAILED, To.staff())
    assert await rows(db) == []
    reset = await admin.ok("DELETE", URL)
    assert not reset["edited"]
    assert reset["choice"]["title"] == "退款{state}"
    await tell(db, scenes.REFUND_FAILED, To.staff())
    assert len(await rows(db)) == 1
    assert not (await admin.ok("DELETE", URL))["edited"]


BAD = [
    (choice(content="{camp} {openid}"), "content", "{openid}"),
    (choice(title="{camp.name}"), "title", "{camp.name}"),
    (choice(content="{camp"), "content", "没有配对"),
    (choice(content="camp}"), "content", "没有配对"),
    (choice(content="{}"), "content", "没有名称"),
    (choice(title="  "), "title", "不能为空"),
    (choice(title="长" * 61), "title", "最多 60 个字"),
    (choice(content="长" * 601), "content", "最多 600 个字"),
    (choice(channels=[]), "channels", "至少选择一个渠道"),
    (choice(channels=["inbox"]), "channels", "不能走所选的渠道"),
    (choice(roles=[]), "staff_ids", "请选择接收人"),
    (choice(mp_template_id="abc"), "mp_template_id", "只有发给会员"),
]


@pytest.mark.parametrize(("body", "field", "words"), BAD)
async def test_what_can_t_be_is_refused_with_its_reason(
    admin: Desk, body: dict[str, Any], field: str, words: str
) -> None:
    data = await admin.refused(422, "validation_error", "PUT", URL, json=body)
    [problem] = data["fields"]
    assert problem["field"] == field
    assert words in problem["message"]
    scene = next(one for one in (await admin.ok("GET", "/notices"))["scenes"] if one["code"] == "refund_failed")
    assert not scene["notices"][0]["edited"]


HALF = [
    (to_member(channels=["mp_template"]), {"mp_template_id", "mp_fields"}),
    (to_member(mp_template_id="T1"), {"mp_fields"}),
    (to_member(mp_fields={"thing1": "{camp}"}), {"mp_template_id"}),
    (to_member(mp_template_id="T1", mp_fields={"thing1": "{cause}"}), {"mp_fields"}),
    (to_member(mp_template_id="T1", mp_fields={"Thing 1": "{camp}"}), {"mp_fields"}),
    (to_member(mp_template_id="T1", mp_fields={"thing1": " "}), {"mp_fields"}),
    (to_member(mp_template_id="T 1", mp_fields={"thing1": "{camp}"}), {"mp_template_id"}),
    (to_member(roles=["manager"]), {"staff_ids"}),
    (to_member(channels=["wecom_app"]), {"channels"}),
]


@pytest.mark.parametrize(("body", "fields"), HALF)
async def test_half_a_template_is_refused(admin: Desk, body: dict[str, Any], fields: set[str]) -> None:
    assert await admin.bad_fields("PUT", "/notices/payment_success/member", json=body) == fields


async def test_receivers_must_be_there_and_reachable(admin: Desk, db: Database, desk: NewDesk) -> None:
    mute = await desk(StaffRole.MANAGER, display_name="小哑")
    async with db.transaction() as session:
        gone = await colleague(session, "gone")
        gone.active = False
        lina = await colleague(session, "lina", StaffRole.VOLUNTEER)
    for person, words in ((mute.staff, "小哑 没有填写企业微信账号"), (gone, "1 位接收人已停用")):
        body = choice(roles=[], staff_ids=[str(person.id)])
        data = await admin.refused(422, "validation_error", "PUT", URL, json=body)
        assert words in data["fields"][0]["message"]
    await admin.ok("PUT", URL, json=choice(roles=[], staff_ids=[str(lina.id)]))
    await tell(db, scenes.REFUND_FAILED, To.staff())
    assert [row.recipient for row in await rows(db)] == ["lina"]


async def test_unknown_scenes_and_audiences_are_not_found(admin: Desk) -> None:
    for address in ("/notices/nothing/staff", "/notices/refund_failed/member"):
        await admin.refused(404, "not_found", "PUT", address, json=choice())
        await admin.refused(404, "not_found", "DELETE", address)
    draft = {"scene": "nothing", "audience": "staff", "title": "一", "content": "二", "mp_fields": {}}
    await admin.refused(404, "not_found", "POST", "/notices/preview", json=draft)


def draft(scene: str = "refund_failed", audience: str = "staff", **changes: Any) -> dict[str, Any]:
    words = {"title": "退款{state}", "content": "{camp}：{cause}", "mp_fields": {}}
    return {"scene": scene, "audience": audience} | words | changes


async def test_a_preview_shows_samples_and_what_is_cut(admin: Desk) -> None:
    shown = await admin.ok("POST", "/notices/preview", json=draft(content="{{{camp}}}：{cause}"))
    assert shown["title"] == "退款失败"
    assert shown["content"] == "{21 天写作营}：知识星球暂时无法访问"
    assert await admin.bad_fields("POST", "/notices/preview", json=draft(content="{nobody}")) == {"content"}
    body = draft("payment_success", "member", title="一", content="二", mp_template_id="T1",
                 mp_fields={"thing1": "{camp}" * 3, "phrase2": "{name}"})  # fmt: skip
    shown = await admin.ok("POST", "/notices/preview", json=body)
    assert shown["mp_fields"] == {"thing1": "21 天写作营21 天写作营21 天写…", "phrase2": "清风徐来"}


async def test_a_test_message_goes_to_oneself(desk: NewDesk, world: World) -> None:
    me = await desk(StaffRole.SUPER_ADMIN, wecom_user_id="lina")
    assert (await me.ok("POST", "/notices/test", json=draft(channel="wecom_app")))["ok"]
    [message] = app_messages(world)
    assert message.shown_to == ["lina"]
    assert message.text.startswith("【测试】退款失败\n21 天写作营：知识星球暂时无法访问")
    assert (await me.ok("POST", "/notices/test", json=draft(channel="wecom_robot")))["ok"]
    assert len(robot_messages(world)) == 1
    world.sandbox.wecom.faults.set("ip_refused", times=1)
    result = await me.ok("POST", "/notices/test", json=draft(channel="wecom_app"))
    assert result == {"ok": False, "detail": "本机 IP 不在企业微信白名单中"}


async def test_a_test_message_of_the_service_account(admin: Desk, world: World) -> None:
    user = world.sandbox.oauth.add_user()
    body = draft(
        "payment_success", "member", title="一", content="二", channel="mp_template", openid=user.openid,
        mp_template_id=world.sandbox.wechat_mp.template_id,
        mp_fields={"thing1": "{camp}", "amount2": "{amount}元", "time3": "{time}", "thing4": "{name}"},
    )  # fmt: skip
    assert (await admin.ok("POST", "/notices/test", json=body))["ok"]
    [message] = world.sandbox.wechat_mp.inbox(user.openid)
    assert message.fields["amount2"] == "99.00元"
    assert await admin.bad_fields("POST", "/notices/test", json=body | {"openid": ""}) == {"openid"}
    wrong = body | {"mp_template_id": "wrong"}
    assert (await admin.ok("POST", "/notices/test", json=wrong))["detail"] == "公众号模板 ID 不正确"


async def test_a_test_needs_a_way(admin: Desk) -> None:
    assert await admin.bad_fields("POST", "/notices/test", json=draft(channel="wecom_app")) == {"channel"}
    assert await admin.bad_fields("POST", "/notices/test", json=draft(channel="inbox")) == {"channel"}


@pytest.mark.parametrize("role", [StaffRole.MANAGER, StaffRole.COACH, StaffRole.VOLUNTEER])
async def test_settings_are_for_super_administrators(desk: NewDesk, role: StaffRole) -> None:
    someone = await desk(role)
    await someone.refused(403, "forbidden", "GET", "/notices")
    await someone.refused(403, "forbidden", "PUT", URL, json=choice())
    await someone.refused(403, "forbidden", "POST", "/notices/preview", json=draft())


async def test_the_record_is_filtered_counted_and_sent_again(
    desk: NewDesk, db: Database, world: World, runtime: Runtime, time: Time
) -> None:
    manager = await desk(StaffRole.MANAGER)
    async with db.transaction() as session:
        camp = await make_camp(session, name="晨读营")
        member = await make_member(session, camp, planet_nickname="小满")
        await colleague(session, "gone")
    await tell(db, scenes.SYNC_FAILED, To.staff(camp.id))
    await tell(db, scenes.PAYMENT_SUCCESS, To.member(member))
    await flows.deliver_due(runtime)
    found = await manager.ok("GET", "/notifications")
    assert [row["scene"] for row in found["items"]] == ["payment_success", "sync_failed"]
    told, alarm = found["items"]
    assert (told["recipient"], told["camp_name"], told["status"], told["error"]) == ("小满", "晨读营", "sent", None)
    assert (alarm["recipient"], alarm["status"], alarm["attempts"]) == ("gone", "failed", 1)
    assert alarm["error"] == {"code": "81013", "message": "企业微信接收人都无效"}
    assert await manager.ok("GET", "/notifications/unsent") == {"pending": 0, "failed": 1, "skipped": 0}

    async def scenes_of(**query: Any) -> list[str]:
        return [row["scene"] for row in (await manager.ok("GET", "/notifications", params=query))["items"]]

    assert await scenes_of(status="failed") == ["sync_failed"]
    assert await scenes_of(channel="inbox") == ["payment_success"]
    assert await scenes_of(audience="staff") == ["sync_failed"]
    assert await scenes_of(q="小") == ["payment_success"]
    assert await scenes_of(scene="sync_failed", camp_id=str(camp.id)) == ["sync_failed"]
    assert await scenes_of(**{"from": "2026-03-02"}) == []
    assert len(await scenes_of(**{"from": "2026-03-01", "to": "2026-03-01"})) == 2

    world.sandbox.wecom.members.add("gone")
    result = await manager.ok("POST", "/notifications/resend", json={"ids": [alarm["id"], told["id"], "no-id"]})
    assert [(line["ok"], line["code"]) for line in result["results"]] == [
        (True, "ok"), (False, "notice_in_inbox"), (False, "not_found"),
    ]  # fmt: skip
    again = await manager.ok("POST", "/notifications/resend", json={"ids": [alarm["id"]]})
    assert again["results"][0]["code"] == "notice_waiting"
    time.advance(3)
    await flows.deliver_due(runtime)
    [alarm] = (await manager.ok("GET", "/notifications", params={"scene": "sync_failed"}))["items"]
    assert (alarm["status"], alarm["resends"], alarm["attempts"]) == ("sent", 1, 1)
    [message] = app_messages(world)
    assert message.shown_to == ["gone"]
    admin = await desk(StaffRole.SUPER_ADMIN)
    (entry,) = (await admin.ok("GET", "/logs", params={"action": "notice.resend"}))["items"]
    assert (entry["target_id"], entry["actor_name"]) == (alarm["id"], manager.staff.username)


async def test_a_message_that_was_sent_can_be_sent_again_and_is_shown(
    desk: NewDesk, db: Database, world: World, runtime: Runtime, time: Time
) -> None:
    """WeCom shows an equal text once in half an hour; a person who sends it again means it."""
    manager = await desk(StaffRole.MANAGER)
    await tell(db, scenes.SYNC_FAILED, To.staff())
    await flows.deliver_due(runtime)
    [row] = await rows(db)
    await manager.ok("POST", "/notifications/resend", json={"ids": [str(row.id)]})
    time.advance(3)
    await flows.deliver_due(runtime)
    assert len(app_messages(world)) == 2


@pytest.mark.parametrize("role", [StaffRole.COACH, StaffRole.VOLUNTEER])
async def test_the_record_is_for_managers(desk: NewDesk, role: StaffRole) -> None:
    someone = await desk(role)
    await someone.refused(403, "forbidden", "GET", "/notifications")
    await someone.refused(403, "forbidden", "GET", "/notifications/unsent")
    await someone.refused(403, "forbidden", "POST", "/notifications/resend", json={"ids": ["x"]})


async def test_a_camp_s_robot_is_kept_and_never_shown(
    desk: NewDesk, db: Database, world: World, runtime: Runtime, time: Time
) -> None:
    manager = await desk(StaffRole.MANAGER)
    async with db.transaction() as session:
        camp = await make_camp(session)
    address, key = f"/camps/{camp.id}/robot", world.sandbox.wecom.add_robot("晨读营群")
    assert await manager.ok("GET", address) == {"hint": None}
    assert await manager.bad_fields("PUT", address, json={"key": "https://example.com/?other=1"}) == {"key"}
    whole = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={key}"
    assert await manager.ok("PUT", address, json={"key": whole}) == {"hint": key[-4:]}
    assert await manager.ok("GET", address) == {"hint": key[-4:]}
    admin = await desk(StaffRole.SUPER_ADMIN)
    body = choice(roles=[], channels=["wecom_robot"], title="播报", content="{masked_name} 完成 {camp}")
    await admin.ok("PUT", "/notices/refund_success/group", json=body)
    await tell(db, scenes.REFUND_SUCCESS, To.group(camp))
    time.advance(31)
    assert (await flows.deliver_due(runtime))["sent"] == 1
    [message] = robot_messages(world)
    assert (message.shown_to, message.text) == (["晨读营群"], "播报\n清***来 完成 21 天写作营")
    assert await manager.ok("DELETE", address) == {"hint": None}
    assert key not in (await admin.call("GET", "/logs")).text


async def test_a_coach_may_not_set_robots(desk: NewDesk, db: Database) -> None:
    coach = await desk(StaffRole.COACH)
    async with db.transaction() as session:
        camp = await make_camp(session)
    await coach.refused(403, "forbidden", "PUT", f"/camps/{camp.id}/robot", json={"key": "12345678"})
