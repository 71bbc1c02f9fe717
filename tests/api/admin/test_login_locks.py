"""Guessing passwords: what locks whom, for how long, and who lets in again."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backend.app import create_app
from backend.core.db import Database
from backend.models.audit import AuditEntry
from backend.models.staff import LoginGuard, Staff, StaffRole
from backend.runtime import Runtime
from tests.api.desk import Desk
from tests.conftest import Time
from tests.factories import PASSWORD, make_staff

Body = dict[str, Any]
MINUTE = 60


async def log_in(client: httpx.AsyncClient, username: str, password: str = "wrong-pass-1") -> httpx.Response:
    body = {"username": username, "password": password}
    return await client.post("/api/admin/auth/login", json=body)


async def codes(client: httpx.AsyncClient, username: str, times: int) -> list[str]:
    return [(await log_in(client, username)).json()["code"] for _ in range(times)]


@pytest.fixture
async def lin(db: Database) -> Staff:
    async with db.transaction() as session:
        return await make_staff(session, StaffRole.COACH, username="lin")


def from_address(runtime: Runtime, ip: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(runtime.settings, runtime), client=(ip, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://testserver")


async def test_five_failures_lock_a_name_for_a_quarter_of_an_hour(
    client: httpx.AsyncClient, lin: Staff, time: Time
) -> None:
    assert await codes(client, "lin", 4) == ["login_failed"] * 4
    last = await log_in(client, "LIN")
    assert (last.status_code, last.json()["code"]) == (429, "login_locked")
    right = await log_in(client, "lin", PASSWORD)
    assert (right.status_code, right.json()["code"]) == (429, "login_locked")
    assert "请 15 分钟后再试" in right.json()["message"]
    assert right.headers["Retry-After"] == str(right.json()["data"]["retry_after"])
    assert 14 * MINUTE < right.json()["data"]["retry_after"] <= 15 * MINUTE
    time.advance(14.5 * MINUTE)
    waiting = (await log_in(client, "lin", PASSWORD)).json()
    assert waiting["code"] == "login_locked"
    assert " 秒后再试" in waiting["message"]
    time.advance(MINUTE)
    assert (await log_in(client, "lin", PASSWORD)).status_code == 200


async def test_the_last_tries_are_announced(client: httpx.AsyncClient, lin: Staff) -> None:
    messages = [(await log_in(client, "lin")).json()["message"] for _ in range(4)]
    assert messages[:2] == ["用户名或密码错误"] * 2
    assert ["再错 2 次" in messages[2], "再错 1 次" in messages[3]] == [True, True]


async def test_unknown_names_are_answered_and_locked_alike(client: httpx.AsyncClient, lin: Staff) -> None:
    def told(response: httpx.Response) -> Body:
        body = response.json() | {"request_id": "", "status": response.status_code}
        body["data"] = body["data"] and {"retry_after": 890 < body["data"]["retry_after"] <= 901}
        return dict(body)

    known = [told(await log_in(client, "lin")) for _ in range(6)]
    unknown = [told(await log_in(client, "nobody")) for _ in range(6)]
    assert known == unknown
    assert [body["status"] for body in known] == [401] * 4 + [429] * 2


async def test_failures_are_counted_over_a_sliding_window(client: httpx.AsyncClient, lin: Staff, time: Time) -> None:
    assert await codes(client, "lin", 3) == ["login_failed"] * 3
    time.advance(14 * MINUTE)
    assert await codes(client, "lin", 1) == ["login_failed"]
    time.advance(1.1 * MINUTE)
    # The first three are forgotten, the fourth isn't.
    assert await codes(client, "lin", 4) == ["login_failed"] * 3 + ["login_locked"]


async def test_the_right_password_starts_anew(client: httpx.AsyncClient, lin: Staff) -> None:
    for _ in range(2):
        assert await codes(client, "lin", 4) == ["login_failed"] * 4
        assert (await log_in(client, "lin", PASSWORD)).status_code == 200


async def test_an_address_is_locked_whatever_names_it_tries(client: httpx.AsyncClient, lin: Staff, time: Time) -> None:
    assert {code for n in range(19) for code in await codes(client, f"name{n}", 1)} == {"login_failed"}
    assert (await log_in(client, "lin", PASSWORD)).status_code == 200  # and that takes nothing off the others
    assert await codes(client, "name20", 1) == ["login_locked"]
    response = await log_in(client, "lin", PASSWORD)
    assert (response.status_code, response.json()["code"]) == (429, "login_locked")
    assert "当前网络" in response.json()["message"]
    time.advance(15.1 * MINUTE)
    assert (await log_in(client, "lin", PASSWORD)).status_code == 200


async def test_a_right_password_at_the_limit_locks_nothing(
    client: httpx.AsyncClient, lin: Staff, runtime: Runtime
) -> None:
    assert {code for n in range(19) for code in await codes(client, f"name{n}", 1)} == {"login_failed"}
    for _ in range(3):
        assert (await log_in(client, "lin", PASSWORD)).status_code == 200


async def test_addresses_of_one_ipv6_network_count_together(runtime: Runtime) -> None:
    for n in range(19):
        async with from_address(runtime, f"2001:db8::{n + 1}") as client:
            assert await codes(client, f"name{n}", 1) == ["login_failed"]
    async with from_address(runtime, "2001:db8:0:0:ffff::1") as client:
        assert await codes(client, "last", 1) == ["login_locked"]
    async with from_address(runtime, "2001:db8:0:1::1") as client:
        assert await codes(client, "other", 1) == ["login_failed"]


async def test_many_tries_at_once_get_no_more_guesses(shared_db: Database, shared_client: httpx.AsyncClient) -> None:
    async with shared_db.transaction() as session:
        await make_staff(session, username="lin")
    found = await asyncio.gather(*(log_in(shared_client, "lin") for _ in range(15)))
    assert sorted(response.json()["code"] for response in found) == ["login_failed"] * 4 + ["login_locked"] * 11
    async with shared_db.transaction() as session:
        rows = await session.scalars(select(AuditEntry).where(AuditEntry.action == "auth.login_failed"))
        assert len(rows.all()) == 5


async def test_what_failed_and_what_it_locked_is_in_the_audit_log(
    client: httpx.AsyncClient, lin: Staff, db: Database
) -> None:
    await codes(client, "lin", 9)
    async with db.transaction() as session:
        rows = (await session.scalars(select(AuditEntry).order_by(AuditEntry.created_at, AuditEntry.id))).all()
    failed = [row for row in rows if row.action == "auth.login_failed"]
    assert [(row.error, row.target_name, row.ip) for row in failed] == [("用户名或密码错误", "lin", "203.0.113.9")] * 5
    # Tries while the lock lasts aren't told.
    assert [(row.action, row.target_name) for row in rows if row not in failed] == [("auth.lock", "lin")]


async def test_a_password_in_the_wrong_field_isnt_written_down(client: httpx.AsyncClient, db: Database) -> None:
    """Neither what failed nor what it locked names what nobody is called."""
    await codes(client, PASSWORD, 5)
    async with db.transaction() as session:
        rows = (await session.scalars(select(AuditEntry))).all()
    assert {row.action for row in rows} == {"auth.login_failed", "auth.lock"}
    assert {(row.actor_name, row.target_name) for row in rows} == {(f"{PASSWORD[0]}***",) * 2}


async def test_a_disabled_account_is_told_as_the_reason(client: httpx.AsyncClient, db: Database) -> None:
    async with db.transaction() as session:
        await make_staff(session, username="gone", active=False)
    assert (await log_in(client, "gone", PASSWORD)).json()["code"] == "account_disabled"
    async with db.transaction() as session:
        row = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "auth.login_failed"))).one()
    assert row.error == "账号已停用，请联系超级管理员"


@pytest.mark.parametrize("act", ["unlock", "reset-password"])
async def test_a_super_admin_lets_somebody_in_again(
    client: httpx.AsyncClient, admin: Desk, lin: Staff, act: str
) -> None:
    await codes(client, "lin", 5)
    (user,) = (await admin.ok("GET", "/users", params={"locked": "true"}))["items"]
    assert user["id"] == str(lin.id)
    assert user["locked_until"].startswith("2026-03-01T10:15")
    answer = await admin.ok("POST", f"/users/{lin.id}/{act}")
    assert (await log_in(client, "lin", answer.get("password", PASSWORD))).status_code == 200
    assert (await admin.ok("GET", "/users", params={"locked": "true"}))["items"] == []
    actions = [row["action"] for row in (await admin.ok("GET", "/logs", params={"target_id": str(lin.id)}))["items"]]
    assert {"unlock": "user.unlock", "reset-password": "user.reset_password"}[act] in actions


async def test_unlocking_who_isnt_locked_is_no_act(admin: Desk, lin: Staff) -> None:
    await admin.ok("POST", f"/users/{lin.id}/unlock")
    assert (await admin.ok("GET", "/logs", params={"target_id": str(lin.id)}))["items"] == []


async def test_only_a_super_admin_unlocks(manager: Desk, lin: Staff) -> None:
    await manager.refused(403, "forbidden", "POST", f"/users/{lin.id}/unlock")


async def test_numbers_are_settings(client: httpx.AsyncClient, lin: Staff, runtime: Runtime) -> None:
    runtime.settings.login.failures = 2
    runtime.settings.login.lock_minutes = 60
    assert await codes(client, "lin", 2) == ["login_failed", "login_locked"]
    assert "60 分钟" in (await log_in(client, "lin")).json()["message"]


async def test_what_is_old_is_swept_away(client: httpx.AsyncClient, lin: Staff, runtime: Runtime, time: Time) -> None:
    from backend.desk.housekeeping.flows import housekeeping

    await codes(client, "lin", 1)
    assert (await housekeeping(runtime))["login_guards"] == 0
    time.advance(3 * 24 * 3600)
    assert (await housekeeping(runtime))["login_guards"] == 2
    async with runtime.db.transaction() as session:
        assert (await session.scalars(select(LoginGuard))).all() == []


# Passwords typed again within a session.

CHANGE = {"old_password": "wrong-pass-1", "new_password": "other-pass-2"}


async def confirmed(desk: Desk, password: str) -> Body:
    """The answer to a batch of nothing that is confirmed by a password."""
    body = {"ids": [str(uuid.uuid4())], "password": password}
    return dict((await desk.call("POST", "/refunds/batch-approve", json=body)).json())


@pytest.mark.parametrize("act", ["change", "confirm"])
async def test_an_open_session_is_no_place_to_guess(
    client: httpx.AsyncClient, manager: Desk, db: Database, act: str
) -> None:
    async def guess(password: str) -> str:
        if act == "confirm":
            return str((await confirmed(manager, password))["code"])
        body = CHANGE | {"old_password": password}
        return str((await manager.call("POST", "/auth/password", json=body)).json()["code"])

    answers = [await guess("wrong-pass-1") for _ in range(5)]
    assert answers == ["validation_error" if act == "change" else "ok"] * 4 + ["login_locked"]
    assert await guess(PASSWORD) == "login_locked"
    name = manager.staff.username
    assert await codes(client, name, 1) == ["login_locked"]
    async with db.transaction() as session:
        rows = (await session.scalars(select(AuditEntry).order_by(AuditEntry.created_at, AuditEntry.id))).all()
    found = [(row.action, row.target_name, row.actor_id) for row in rows]
    wrong = ("auth.password_wrong", name, manager.staff.id)
    assert found == [wrong] * 5 + [("auth.lock", name, manager.staff.id)]
    assert "wrong-pass-1" not in str([vars(row) for row in rows])


async def test_right_passwords_within_a_session_count_nothing(manager: Desk, db: Database) -> None:
    for password in ["wrong-pass-1"] * 4 + [PASSWORD] * 2 + ["wrong-pass-1"] * 4:
        assert (await confirmed(manager, password))["code"] == "ok"
    await manager.ok("POST", "/auth/password", json=CHANGE | {"old_password": PASSWORD})
    async with db.transaction() as session:
        assert {tuple(row.failures) for row in await session.scalars(select(LoginGuard)) if "name:" in row.subject} == {
            ()
        }


async def test_batches_without_a_password_count_nothing(manager: Desk, db: Database) -> None:
    await manager.ok("POST", "/refunds/batch-approve", json={"ids": [str(uuid.uuid4())]})
    async with db.transaction() as session:
        assert (await session.scalars(select(LoginGuard))).all() == []
