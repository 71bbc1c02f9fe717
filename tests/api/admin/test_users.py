"""Staff accounts: who manages them, and what ends at once."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backend.core.db import Database
from backend.models.audit import AuditEntry
from backend.models.staff import StaffRole
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.factories import PASSWORD, make_staff

BODY = {"username": "xiaochen", "display_name": "小陈", "role": "coach", "password": "first-pass-1"}


async def log_in(client: httpx.AsyncClient, username: str, password: str) -> httpx.Response:
    return await client.post("/api/admin/auth/login", json={"username": username, "password": password})


async def test_a_new_account_logs_in_and_must_change_its_password(admin: Desk, client: httpx.AsyncClient) -> None:
    user = await admin.ok("POST", "/users", json=BODY)
    assert user | {"id": "", "created_at": ""} == {
        "id": "", "username": "xiaochen", "display_name": "小陈", "role": "coach", "active": True,
        "must_change_password": True, "last_login_at": None, "created_at": "", "wecom_user_id": None,
        "locked_until": None, "camps": [],
    }  # fmt: skip
    token = (await log_in(client, "XiaoChen", BODY["password"])).json()["data"]["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    refused = await client.get("/api/admin/camps", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "password_change_required")
    change = {"old_password": BODY["password"], "new_password": "second-pass-2"}
    assert (await client.post("/api/admin/auth/password", json=change, headers=headers)).status_code == 200
    token = (await log_in(client, "xiaochen", "second-pass-2")).json()["data"]["access_token"]
    assert (await client.get("/api/admin/camps", headers={"Authorization": f"Bearer {token}"})).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "x"}, "username"),
        ({"username": "a b"}, "username"),
        ({"display_name": " "}, "display_name"),
        ({"role": "boss"}, "role"),
        ({"password": "short1"}, "password"),
        ({"password": "onlyletters"}, "password"),
        ({"password": "12345678"}, "password"),
        ({"wecom_user_id": "-x"}, "wecom_user_id"),
        ({"wecom_user_id": "a" * 65}, "wecom_user_id"),
    ],
)
async def test_bad_fields_are_named(admin: Desk, change: dict[str, str], field: str) -> None:
    assert await admin.bad_fields("POST", "/users", json=BODY | change) == {field}


async def test_names_are_taken_whatever_their_case_until_deleted(admin: Desk) -> None:
    user = await admin.ok("POST", "/users", json=BODY)
    await admin.refused(409, "username_taken", "POST", "/users", json=BODY | {"username": "XIAOCHEN"})
    await admin.ok("DELETE", f"/users/{user['id']}")
    await admin.ok("POST", "/users", json=BODY)


@pytest.mark.parametrize("change", [{"role": "volunteer"}, {"active": False}])
async def test_losing_power_ends_log_ins_at_once(admin: Desk, desk: NewDesk, change: dict[str, Any]) -> None:
    coach = await desk(StaffRole.COACH)  # B25
    await coach.ok("GET", "/auth/me")
    user = await admin.ok("PUT", f"/users/{coach.staff.id}", json=change)
    assert {name: user[name] for name in change} == change
    await coach.refused(401, "unauthenticated", "GET", "/auth/me")


async def test_a_new_display_name_ends_nothing(admin: Desk, desk: NewDesk) -> None:
    coach = await desk(StaffRole.COACH)
    await admin.ok("PUT", f"/users/{coach.staff.id}", json={"display_name": "陈老师"})
    assert (await coach.ok("GET", "/auth/me"))["display_name"] == "陈老师"


async def test_a_wecom_account_is_set_kept_and_taken_away(admin: Desk) -> None:
    user = await admin.ok("POST", "/users", json=BODY | {"wecom_user_id": "Chen.Xiao@team"})
    assert user["wecom_user_id"] == "Chen.Xiao@team"
    target = f"/users/{user['id']}"
    assert (await admin.ok("PUT", target, json={"display_name": "陈"}))["wecom_user_id"] == "Chen.Xiao@team"
    assert (await admin.ok("PUT", target, json={"wecom_user_id": ""}))["wecom_user_id"] is None
    (entry, *_) = (await admin.ok("GET", "/logs", params={"target_id": user["id"]}))["items"]
    assert (entry["before"], entry["after"]) == ({"wecom_user_id": "Chen.Xiao@team"}, {"wecom_user_id": None})


async def test_deleting_ends_everything_but_the_log(admin: Desk, desk: NewDesk, client: httpx.AsyncClient) -> None:
    coach = await desk(StaffRole.COACH)
    await coach.ok("POST", "/auth/logout")
    await admin.ok("DELETE", f"/users/{coach.staff.id}")
    assert (await log_in(client, coach.staff.username, PASSWORD)).status_code == 401
    assert str(coach.staff.id) not in [user["id"] for user in (await admin.ok("GET", "/users"))["items"]]
    await admin.refused(404, "not_found", "PUT", f"/users/{coach.staff.id}", json={})
    log = await admin.ok("GET", "/logs", params={"actor_id": str(coach.staff.id)})
    assert [entry["actor_name"] for entry in log["items"]] == [coach.staff.username]


async def test_a_reset_shows_a_random_password_once_and_ends_log_ins(
    admin: Desk, desk: NewDesk, client: httpx.AsyncClient, db: Database
) -> None:
    coach = await desk(StaffRole.COACH)
    password = (await admin.ok("POST", f"/users/{coach.staff.id}/reset-password"))["password"]
    assert len(password) == 12
    await coach.refused(401, "unauthenticated", "GET", "/auth/me")
    assert (await log_in(client, coach.staff.username, PASSWORD)).status_code == 401
    user = (await log_in(client, coach.staff.username, password)).json()["data"]["user"]
    assert user["must_change_password"] is True
    async with db.transaction() as session:
        rows = await session.scalars(select(AuditEntry).where(AuditEntry.target_id == coach.staff.id))
        assert password not in str([(row.before, row.after, row.note) for row in rows])


async def test_nobody_locks_themselves_or_the_last_admin_out(admin: Desk, desk: NewDesk) -> None:
    me = f"/users/{admin.staff.id}"
    await admin.refused(409, "not_yourself", "PUT", me, json={"active": False})
    await admin.refused(409, "not_yourself", "PUT", me, json={"role": "manager"})
    await admin.refused(409, "not_yourself", "DELETE", me)
    await admin.ok("PUT", me, json={"display_name": "星主"})
    second = await desk(StaffRole.SUPER_ADMIN)
    await second.ok("PUT", me, json={"role": "manager"})
    await second.refused(409, "not_yourself", "DELETE", f"/users/{second.staff.id}")


async def test_the_list_is_filtered(admin: Desk, db: Database) -> None:
    async with db.transaction() as session:
        await make_staff(session, StaffRole.COACH, username="coach-a", display_name="甲", active=False)
        await make_staff(session, StaffRole.COACH, username="coach-b", display_name="乙")

    async def names(**query: Any) -> list[str]:
        return [user["username"] for user in (await admin.ok("GET", "/users", params=query))["items"]]

    assert await names(role="coach") == ["coach-b", "coach-a"]
    assert await names(role="coach", active="true") == ["coach-b"]
    assert await names(q="甲") == ["coach-a"]
    assert await names(q="COACH-B") == ["coach-b"]
    assert (await admin.call("GET", "/users", params={"role": "boss"})).status_code == 422


async def test_no_answer_shows_a_password_hash(admin: Desk) -> None:
    response = await admin.call("GET", "/users")
    assert "password_hash" not in response.text
    assert "$2b$" not in response.text


async def test_who_may(manager: Desk, desk: NewDesk) -> None:
    await manager.ok("GET", "/users")
    for person in (manager, await desk(StaffRole.COACH), await desk(StaffRole.VOLUNTEER)):
        target = f"/users/{person.staff.id}"
        if person is not manager:
            await person.refused(403, "forbidden", "GET", "/users")
        await person.refused(403, "forbidden", "POST", "/users", json=BODY)
        await person.refused(403, "forbidden", "PUT", target, json={"role": "super_admin"})
        await person.refused(403, "forbidden", "DELETE", target)
        await person.refused(403, "forbidden", "POST", f"{target}/reset-password")
