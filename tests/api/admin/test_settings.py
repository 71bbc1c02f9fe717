"""系统配置: groups saved as a whole, secrets that never come back, connections tried for real."""

import datetime as dt
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import select

from backend.core import clock
from backend.core.config import Settings
from backend.core.db import Database
from backend.core.security import SecretBox
from backend.desk.settings.groups import GROUPS
from backend.models.audit import AuditEntry
from backend.models.payments import PaymentStatus
from backend.models.refunds import RefundStatus
from backend.models.settings import SettingsGroup
from backend.models.staff import StaffRole
from backend.runtime import Runtime, RuntimeHolder
from backend.sandbox.wechat_pay.keys import private_pem, public_pem, rsa_key
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.desk.settings.rows import save
from tests.factories import make_camp, make_payment, make_planet
from tests.money.refunds.facts import refund_in
from tests.world import World

SIGN_ERROR = "微信支付拒绝了签名：商户号、证书序列号与商户私钥不匹配"
OTHER_APP = {"app_id": "wx0000000000000009", "app_secret": "not-the-secret-of-this-account"}


async def put(
    desk: Desk, group: str, values: dict[str, Any], *, clear: list[str] | None = None, version: int = 0
) -> Any:
    body = {"version": version, "values": values, "clear": clear or []}
    return await desk.call("PUT", f"/settings/{group}", json=body)


async def refused(desk: Desk, group: str, values: dict[str, Any], clear: Any = ()) -> dict[str, str]:
    """The problems by field of a change that must be refused."""
    answer = await put(desk, group, values, clear=clear)
    assert answer.status_code == 422, answer.text
    return {item["field"]: item["message"] for item in answer.json()["data"]["fields"]}


async def saved(desk: Desk, group: str, values: dict[str, Any], **more: Any) -> Any:
    answer = await put(desk, group, values, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def rows(db: Database) -> list[SettingsGroup]:
    async with db.transaction() as session:
        return list((await session.scalars(select(SettingsGroup))).all())


async def logged(db: Database) -> list[AuditEntry]:
    async with db.transaction() as session:
        statement = select(AuditEntry).where(AuditEntry.target_type == "settings").order_by(AuditEntry.created_at)
        return list((await session.scalars(statement)).all())


def values_of(group: Any) -> dict[str, Any]:
    return {field["key"]: field["value"] for field in group["fields"]}


# What is shown


async def test_all_groups_come_with_what_is_in_force_and_how_to_show_it(admin: Desk, world: World):
    groups = {group["key"]: group for group in await admin.ok("GET", "/settings")}
    assert list(groups) == list(GROUPS)
    refund = {field["key"]: field for field in groups["refund"]["fields"]}
    assert (refund["password_threshold_fen"]["kind"], refund["password_threshold_fen"]["unit"]) == ("money", "元")
    assert (refund["coach_review"]["kind"], refund["coach_review"]["value"]) == ("switch", True)
    assert refund["retry_waits_seconds"] | {"help": ""} == {
        "key": "retry_waits_seconds", "label": "重试间隔", "help": "", "unit": "秒", "kind": "numbers",
        "secret": False, "read_only": False, "value": [60, 300, 1800], "choices": [],
    }  # fmt: skip
    storage = {field["key"]: field for field in groups["storage"]["fields"]}
    assert [choice["value"] for choice in storage["kind"]["choices"]] == ["local", "cos"]
    assert storage["local_dir"]["read_only"]
    assert [fact["value"] for fact in groups["wechat_pay"]["facts"]] == [
        "http://testserver/api/webhook/wechat/payment", "http://testserver/api/webhook/wechat/refund",
    ]  # fmt: skip
    assert (groups["refund"]["version"], groups["refund"]["updated_at"], groups["refund"]["tested"]) == (0, None, False)


async def test_secrets_show_only_whether_they_are_set(admin: Desk, world: World):
    answer = await admin.call("GET", "/settings")
    secrets = {
        (group["key"], field["key"]): field["value"]
        for group in answer.json()["data"]
        for field in group["fields"]
        if field["secret"]
    }
    assert secrets == {
        ("wechat_pay", "private_key"): "", ("wechat_pay", "apiv3_key"): "******",
        ("wechat_oauth", "app_secret"): "******", ("wecom", "secret"): "******", ("wecom", "robot_key"): "******",
        ("storage", "cos_secret_key"): "",
    }  # fmt: skip
    for told in (world.sandbox.oauth.app_secret, world.sandbox.wecom.secret, world.sandbox.wecom.robot_key):
        assert told not in answer.text


@pytest.mark.parametrize("role", [StaffRole.MANAGER, StaffRole.COACH, StaffRole.VOLUNTEER])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("GET", "/refund"), ("PUT", "/refund"), ("POST", "/wecom/test")]
)
async def test_only_super_admins_may(desk: NewDesk, role: StaffRole, method: str, path: str):
    body = None if method == "GET" else {"version": 0, "values": {}}
    answer = await (await desk(role)).call(method, f"/settings{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_an_unknown_group_is_not_found(admin: Desk):
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "/test")):
        answer = await admin.call(method, f"/settings/log{path}", json={"version": 0})
        assert answer.status_code == 404


# Saving


async def test_a_saved_group_is_in_force_at_once(admin: Desk, live: RuntimeHolder):
    group = await saved(admin, "refund", {"undo_seconds": 25, "promise": " 尽快到账 ", "coach_review": False})
    assert values_of(group)["promise"] == "尽快到账"
    assert (group["version"], bool(group["updated_at"]), group["updated_by"]) == (1, True, admin.staff.display_name)
    in_force = live.now.settings.refund
    assert (in_force.undo_seconds, in_force.promise, in_force.coach_review) == (25, "尽快到账", False)
    assert (await admin.ok("GET", "/refunds/summary"))["undo_seconds"] == 25


async def test_what_is_left_out_stays(admin: Desk, live: RuntimeHolder):
    await saved(admin, "refund", {"undo_seconds": 25})
    await saved(admin, "refund", {"auto_attempts": 4}, version=1)
    assert (live.now.settings.refund.undo_seconds, live.now.settings.refund.auto_attempts) == (25, 4)


@pytest.mark.parametrize(
    ("group", "values", "fields"),
    [
        ("refund", {"per_second": 0}, {"per_second": "应大于 0"}),
        ("refund", {"per_second": "fast", "stuck_hours": 0}, {"per_second": "应为数字", "stuck_hours": "不能小于 1"}),
        ("refund", {"retry_waits_seconds": []}, {"retry_waits_seconds": "至少 1 项"}),
        ("refund", {"retry_waits_seconds": [-1]}, {"retry_waits_seconds": "不能小于 0"}),
        ("refund", {"coach_review": "perhaps"}, {"coach_review": "应为是或否"}),
        ("refund", {"promise": None}, {"promise": "应为文字"}),
        ("refund", {"promise": "a\x00b"}, {"promise": "含有不可见的字符"}),
        ("refund", {"promise": "长" * 20_001}, {"promise": "最多 20000 个字"}),
        ("refund", {"fee": 1}, {"fee": "没有这一配置项"}),
        ("payment", {"deposit_min_fen": 200, "deposit_max_fen": 100}, {"deposit_min_fen": "不能高于押金上限"}),
        ("payment", {"order_minutes": 1.5}, {"order_minutes": "应为整数"}),
        ("notices", {"opens_at": "late"}, {"opens_at": "应为时间，如 09:00"}),
        ("notices", {"opens_at": "22:00"}, {"opens_at": "须早于结束时间"}),
        ("storage", {"kind": "ftp"}, {"kind": "不是可选的值"}),
        ("storage", {"local_dir": "/etc"}, {"local_dir": "由环境变量决定，不能在这里修改"}),
        ("wechat_pay", {"base_url": "https://evil.test"}, {"base_url": "由环境变量决定，不能在这里修改"}),
        ("wechat_pay", {"timeout_seconds": 1}, {"timeout_seconds": "没有这一配置项"}),
        ("wechat_pay", {"apiv3_key": "short"}, {"apiv3_key": "须为 32 个字符"}),
        ("wechat_pay", {"private_key": "no pem"}, {"private_key": "不是可用的 RSA 私钥（PEM 格式，不带密码）"}),
        ("wechat_pay", {"public_key": "no pem"}, {"public_key": "不是可用的 RSA 公钥（PEM 格式）"}),
        ("wechat_oauth", {"app_secret": 7}, {"app_secret": "应为文字"}),
        ("wecom", {"corp_id": "a\u200bb"}, {"corp_id": "含有不可见的字符"}),
    ],
)  # fmt: skip
async def test_every_wrong_field_is_named_and_nothing_is_saved(
    admin: Desk, db: Database, live: RuntimeHolder, group: str, values: dict[str, Any], fields: dict[str, str]
):
    before = live.now
    assert await refused(admin, group, {"undo_seconds": 99} | values if group == "refund" else values) == fields
    assert (await rows(db), await logged(db)) == ([], [])
    assert live.now is before


@pytest.mark.parametrize(
    ("group", "values", "clear", "missing"),
    [
        ("wecom", {"corp_id": ""}, [], {"corp_id"}),
        ("wecom", {"corp_id": "", "agent_id": 0}, [], {"corp_id", "agent_id"}),
        ("wecom", {}, ["secret"], {"secret"}),
        ("wechat_oauth", {"app_id": ""}, [], {"app_id"}),
        ("wechat_pay", {"mch_id": "", "cert_serial_no": " "}, [], {"mch_id", "cert_serial_no"}),
        ("wechat_pay", {}, ["apiv3_key"], {"apiv3_key"}),
        ("wechat_pay", {"public_key_id": ""}, [], {"public_key_id"}),
        ("storage", {"kind": "cos", "cos_bucket": "b-1"}, [], {"cos_region", "cos_secret_id", "cos_secret_key"}),
    ],
)
async def test_a_half_filled_group_is_refused_with_each_empty_field(
    admin: Desk, db: Database, group: str, values: dict[str, Any], clear: list[str], missing: set[str]
):
    assert (await refused(admin, group, values, clear)).keys() == missing
    assert await rows(db) == []


async def test_a_group_may_be_emptied_as_a_whole(admin: Desk, live: RuntimeHolder):
    group = await saved(admin, "wecom", {"corp_id": "", "agent_id": 0}, clear=["secret", "robot_key"])
    assert (values_of(group)["secret"], group["check"]) == ("", None)
    assert not live.now.wecom.configured
    assert not live.now.wecom.robot_configured


async def test_an_empty_or_masked_secret_keeps_the_old_one(
    admin: Desk, db: Database, live: RuntimeHolder, world: World
):
    await saved(admin, "wecom", {"alert_user_ids": "zhangsan", "secret": "", "robot_key": "******"})
    assert [row.secrets for row in await rows(db)] == [{}]
    assert live.now.settings.wecom.secret.get_secret_value() == world.sandbox.wecom.secret


async def test_a_secret_is_sealed_for_its_place_and_told_to_nobody(
    admin: Desk, db: Database, live: RuntimeHolder, world: World
):
    key = world.sandbox.wecom.add_robot("新的告警群")
    answer = await put(admin, "wecom", {"robot_key": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={key}"})
    assert values_of(answer.json()["data"])["robot_key"] == "******"
    [row] = await rows(db)
    [entry] = await logged(db)
    told = f"{answer.text}{row.values}{row.secrets}{entry.before}{entry.after}{entry.note}"
    assert key not in told
    await live.now.wecom.send_robot_text("新群收到")
    assert world.sandbox.wecom.messages[-1].shown_to == ["新的告警群"]


async def test_a_secret_is_cleared_only_when_asked_to(admin: Desk, db: Database, live: RuntimeHolder):
    assert await refused(admin, "wecom", {}, clear=["corp_id"]) == {"corp_id": "不是密文，不能清除"}
    group = await saved(admin, "wecom", {}, clear=["robot_key"])
    assert values_of(group)["robot_key"] == ""
    assert not live.now.wecom.robot_configured


async def test_the_log_tells_what_changed_with_secrets_masked(admin: Desk, db: Database, world: World):
    await saved(admin, "wecom", {"alert_user_ids": "lisi", "robot_key": world.sandbox.wecom.robot_key})
    [entry] = await logged(db)
    assert (entry.action, entry.target_name) == ("config.update", "企业微信")
    assert entry.actor_name == admin.staff.username
    assert entry.before == {"alert_user_ids": "@all", "robot_key": "******"}
    assert entry.after == {"alert_user_ids": "lisi", "robot_key": "******（新）"}


async def test_saving_the_same_again_changes_nothing(admin: Desk, db: Database):
    await saved(admin, "refund", {"undo_seconds": 25})
    group = await saved(admin, "refund", {"undo_seconds": 25}, version=1)
    assert group["version"] == 1
    assert len(await logged(db)) == 1


async def test_who_saves_over_somebody_elses_change_is_told(admin: Desk, live: RuntimeHolder):
    await saved(admin, "refund", {"undo_seconds": 25})
    answer = await put(admin, "refund", {"undo_seconds": 60})
    assert (answer.status_code, answer.json()["code"]) == (409, "settings_changed")
    assert live.now.settings.refund.undo_seconds == 25


async def test_a_row_that_cannot_be_used_is_shown_and_can_be_mended(
    admin: Desk, live: RuntimeHolder, runtime: Runtime, world: World
):
    await save(runtime.db, SecretBox([b"x" * 32]), "wecom", {}, {"secret": "sealed with a lost key"})
    group = await admin.ok("GET", "/settings/wecom")
    assert "解密" in group["problem"]
    assert values_of(group)["secret"] == ""
    mended = await saved(admin, "wecom", {"secret": world.sandbox.wecom.secret}, version=1)
    assert mended["problem"] is None
    assert live.now.wecom.configured


async def test_a_row_from_another_release_can_be_saved_again(admin: Desk, runtime: Runtime):
    await save(runtime.db, runtime.secrets, "refund", {"undo_seconds": -5})
    assert "重新保存" in (await admin.ok("GET", "/settings/refund"))["problem"]
    assert (await saved(admin, "refund", {}, version=1))["problem"] is None


# Wrong credentials


@pytest.mark.parametrize(
    ("group", "values", "fields"),
    [
        ("wechat_oauth", {"app_secret": "another"}, {"app_secret": "AppSecret 不正确"}),
        ("wechat_oauth", {"app_id": "wx9"}, {"app_id": "微信不认识这个 AppID"}),
        ("wecom", {"secret": "another"}, {"secret": "应用 Secret 不正确"}),
        ("wecom", {"corp_id": "ww9"}, {"corp_id": "企业微信不认识这个企业 ID"}),
        ("wechat_pay", {"cert_serial_no": "ABCDEF"}, {"private_key": SIGN_ERROR}),
        ("wechat_pay", {"public_key": private_pem().decode()}, {"public_key": "不是可用的 RSA 公钥（PEM 格式）"}),
    ],
)  # fmt: skip
async def test_a_wrong_credential_is_refused_with_the_reason_and_nothing_saved(
    admin: Desk, db: Database, live: RuntimeHolder, group: str, values: dict[str, str], fields: dict[str, str]
):
    before = live.now
    assert await refused(admin, group, values) == fields
    assert (await rows(db), await logged(db)) == ([], [])
    assert live.now is before


async def test_a_private_key_that_is_not_the_merchants_is_refused(admin: Desk, db: Database):
    other = rsa_key("stranger").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert (await refused(admin, "wechat_pay", {"private_key": other})).keys() == {"private_key"}
    assert await rows(db) == []


async def test_keys_may_be_typed_instead_of_named(admin: Desk, live: RuntimeHolder, world: World, tmp_path: Path):
    """The PEM wins over the file, which may be gone."""
    group = await saved(
        admin, "wechat_pay", {"private_key": private_pem().decode(), "public_key": public_pem().decode()}
    )
    assert (values_of(group)["private_key"], group["check"]["ok"]) == ("******", True)
    path = live.base.wechat_pay.private_key_path
    assert path is not None
    path.write_text("damaged")
    await live.now.wechat_pay.probe()


async def merchant_refused(desk: Desk, values: dict[str, Any]) -> str:
    answer = await put(desk, "wechat_pay", values)
    assert (answer.status_code, answer.json()["code"]) == (409, "merchant_in_use")
    return str(answer.json()["message"])


async def order(db: Database, hours_closed: float | None) -> None:
    """An order that is still open, or was closed so long ago."""
    fields: dict[str, Any] = {}
    if hours_closed is not None:
        fields = {"status": PaymentStatus.CLOSED, "closed_at": clock.now() - dt.timedelta(hours=hours_closed)}
    async with db.transaction() as session:
        await make_payment(session, await make_camp(session), **fields)


@pytest.mark.parametrize("values", [{"mch_id": "1900000999"}, {"app_id": "wx0000000000000009"}])
@pytest.mark.parametrize(
    ("hours_closed", "told"),
    [
        (None, "原商户还有待支付的订单，了结后才能修改商户号或 AppID"),
        (23.9, "原商户还有关闭不满 24 小时的订单，了结后才能修改商户号或 AppID"),
    ],
)
async def test_the_merchant_stays_while_one_of_its_orders_may_be_paid(
    admin: Desk, db: Database, values: dict[str, Any], hours_closed: float | None, told: str
):
    await order(db, hours_closed)
    assert await merchant_refused(admin, values) == told
    assert await rows(db) == []


async def test_an_order_closed_a_day_ago_holds_no_merchant(admin: Desk, db: Database):
    await order(db, 24.1)
    await saved(admin, "wechat_pay", {"app_id": "wx0000000000000009"})


@pytest.mark.parametrize("status", RefundStatus)
async def test_the_merchant_stays_while_one_of_its_refunds_may_be_paid_out(
    admin: Desk, db: Database, status: RefundStatus
):
    async with db.transaction() as session:
        await refund_in(session, status)
    other = {"app_id": "wx0000000000000009"}
    if status in ("approved", "sending", "processing", "failed"):
        assert "已通过但未完成的退款（含失败）" in await merchant_refused(admin, other)
    else:
        await saved(admin, "wechat_pay", other)


async def test_the_merchant_of_what_is_open_may_be_put_back(admin: Desk, db: Database):
    """After a change from outside, such as by the environment."""
    async with db.transaction() as session:
        await make_payment(session, await make_camp(session), app_id="wx0000000000000009")
    await saved(admin, "wechat_pay", {"app_id": "wx0000000000000009"})


async def test_what_cannot_be_judged_is_saved_and_shown_as_ill(admin: Desk, live: RuntimeHolder, world: World):
    world.sandbox.oauth.faults.set("busy", times=None)
    group = await saved(admin, "wechat_oauth", {"app_secret": "may-be-right"})
    assert (group["check"]["ok"], group["check"]["detail"]) == (False, "暂时无法连接（-1）")
    assert live.now.settings.wechat_oauth.app_secret.get_secret_value() == "may-be-right"


async def test_an_address_that_is_not_allowed_is_no_wrong_credential(admin: Desk, world: World):
    world.sandbox.wecom.faults.set("ip_refused")
    group = await saved(admin, "wecom", {"agent_id": world.sandbox.wecom.agent_id, "alert_user_ids": "lisi"})
    assert group["check"] | {"checked_at": "", "latency_ms": 0} == {
        "ok": False, "latency_ms": 0, "endpoint": "http://sandbox.test/wecom",
        "detail": "本服务器的 IP 不在应用的可信 IP 中", "checked_at": "",
    }  # fmt: skip


# Testing the connection


@pytest.mark.parametrize("group", ["wechat_pay", "wechat_oauth", "wecom", "storage"])
async def test_a_connection_is_tried_for_real_and_its_outcome_kept(admin: Desk, db: Database, world: World, group: str):
    check = await admin.ok("POST", f"/settings/{group}/test", json={})
    assert check["ok"] is True
    assert check["latency_ms"] >= 0
    assert check["endpoint"].startswith(("http://sandbox.test/", "/"))
    kept = (await admin.ok("GET", f"/settings/{group}"))["check"]
    assert kept | {"checked_at": ""} == check | {"checked_at": ""}
    [entry] = await logged(db)
    assert (entry.action, entry.after) == ("config.test", {"ok": True})


async def test_what_was_typed_is_tried_but_neither_kept_nor_taken_for_the_state(
    admin: Desk, db: Database, live: RuntimeHolder
):
    before = live.now
    check = await admin.ok("POST", "/settings/wechat_oauth/test", json={"values": OTHER_APP})
    assert (check["ok"], check["detail"]) == (False, "微信不认识这个 AppID")
    assert OTHER_APP["app_secret"] not in str(check)
    assert (await admin.ok("GET", "/settings/wechat_oauth"))["check"] is None
    assert await rows(db) == []
    assert live.now is before


async def test_a_half_filled_form_is_not_tried(admin: Desk):
    fields = await admin.bad_fields("POST", "/settings/wecom/test", json={"values": {"corp_id": ""}})
    assert fields == {"corp_id"}


async def test_nothing_to_test(admin: Desk):
    answer = await admin.call("POST", "/settings/refund/test", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "settings_not_testable")


async def test_an_empty_group_says_that_it_is_not_configured(admin: Desk):
    body = {"values": {"app_id": ""}, "clear": ["app_secret"]}
    check = await admin.ok("POST", "/settings/wechat_oauth/test", json=body)
    assert (check["ok"], check["detail"]) == (False, "尚未配置")


async def test_a_system_that_hangs_ends_within_the_time_of_its_client(admin: Desk, world: World):
    world.sandbox.wecom.faults.set("broken_off", times=None)
    check = await admin.ok("POST", "/settings/wecom/test", json={})
    assert check["ok"] is False


async def test_wecom_sends_a_message_when_asked_to(admin: Desk, world: World):
    await admin.ok("POST", "/settings/wecom/test", json={})
    assert world.sandbox.wecom.messages == []
    check = await admin.ok("POST", "/settings/wecom/test", json={"send_message": True})
    assert check["detail"] == "已向告警接收人和告警群发送测试消息"
    assert [message.channel for message in world.sandbox.wecom.messages] == ["app", "robot"]


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({"agent_id": 5}, "企业微信不认识这个应用"),
        ({"alert_user_ids": "nobody"}, "告警接收人都收不到"),
        ({"robot_key": "wrong"}, "群机器人的 key 不正确，或机器人已被移除"),
    ],
)
async def test_a_message_that_cannot_arrive_says_why(admin: Desk, values: dict[str, Any], detail: str):
    check = await admin.ok("POST", "/settings/wecom/test", json={"values": values, "send_message": True})
    assert (check["ok"], check["detail"]) == (False, detail)


async def test_zsxq_tries_every_planet_with_its_own_cookie(admin: Desk, runtime: Runtime, world: World):
    assert (await admin.ok("POST", "/settings/zsxq/test", json={}))["detail"].startswith("还没有星球")
    group_id = world.sandbox.zsxq.add_group()
    token = world.sandbox.zsxq.issue_token(world.sandbox.zsxq.group(group_id).owner_id)
    async with runtime.db.transaction() as session:
        await make_planet(session, runtime.secrets, name="好星球", group_id=group_id, token=token)
    check = await admin.ok("POST", "/settings/zsxq/test", json={})
    assert (check["ok"], check["detail"].startswith("好星球：已连接")) == (True, True)
    async with runtime.db.transaction() as session:
        await make_planet(session, runtime.secrets, name="坏星球", group_id="1", token="B" * 36)
        unreadable = await make_planet(session, runtime.secrets, name="打不开", group_id="2")
        unreadable.sealed_token = "AAAA" * 12
    check = await admin.ok("POST", "/settings/zsxq/test", json={})
    assert check["ok"] is False
    assert "坏星球：凭证已失效" in check["detail"]
    assert "打不开：凭证无法解密" in check["detail"]


async def test_local_storage_that_cannot_be_written_says_so(admin: Desk, world: World):
    folder = world.settings.storage.local_dir
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be")
    check = await admin.ok("POST", "/settings/storage/test", json={})
    assert check["ok"] is False


async def test_local_storage_leaves_nothing_behind(admin: Desk, world: World):
    await admin.ok("POST", "/settings/storage/test", json={})
    assert [path for path in world.settings.storage.local_dir.rglob("*") if path.is_file()] == []


async def test_without_the_token_nothing_is_told(client: httpx.AsyncClient):
    assert (await client.get("/api/admin/settings")).status_code == 401


def test_every_group_and_field_exists_in_the_settings():
    sections = Settings(_env_file=None, env="test").sections()
    for name, group in GROUPS.items():
        assert set(group.fields) <= set(type(sections[name]).model_fields)
