"""Log-in of staff, and how log-ins end."""

import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backend.core.db import Database
from backend.core.security import Audience, issue_token, read_token
from backend.models.audit import AuditEntry
from backend.models.staff import StaffRole
from backend.office.staff.rules import PERMISSIONS
from backend.runtime import Runtime
from tests.api.conftest import NewDesk
from tests.api.desk import Desk, desk_of
from tests.conftest import Time
from tests.factories import PASSWORD, make_staff


async def log_in(client: httpx.AsyncClient, username: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/api/admin/auth/login", json={"username": username, "password": password})


async def me(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/api/admin/auth/me", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("role", list(StaffRole))
async def test_the_answer_names_role_and_rights(client: httpx.AsyncClient, db: Database, role: StaffRole) -> None:
    async with db.transaction() as session:
        staff = await make_staff(session, role)
    body = (await log_in(client, staff.username)).json()
    assert body["code"] == "ok"
    data = body["data"]
    assert (data["token_type"], data["expires_in"]) == ("bearer", 86_400)
    assert data["user"]["role"] == role
    assert set(data["user"]["permissions"]) == PERMISSIONS[role]
    assert (await me(client, data["access_token"])).json()["data"] == data["user"]


async def test_unknown_names_and_wrong_passwords_are_told_alike_and_logged(
    client: httpx.AsyncClient, db: Database
) -> None:
    async with db.transaction() as session:
        staff = await make_staff(session)
    wrong, unknown = await log_in(client, staff.username, "wrong-pass-1"), await log_in(client, "nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    async with db.transaction() as session:
        rows = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "auth.login_failed"))).all()
    assert {(row.target_name, row.ip) for row in rows} == {(staff.username, "203.0.113.9"), ("n***", "203.0.113.9")}
    assert "wrong-pass-1" not in str([vars(row) for row in rows])


async def test_a_disabled_account_is_told_so_only_with_its_password(client: httpx.AsyncClient, db: Database) -> None:
    async with db.transaction() as session:
        staff = await make_staff(session, active=False)
    assert (await log_in(client, staff.username)).json()["code"] == "account_disabled"
    assert (await log_in(client, staff.username, "wrong-pass-1")).json()["code"] == "login_failed"


@pytest.mark.parametrize(
    "body", [{}, {"username": "x"}, {"username": "", "password": "x"}, {"username": 1, "password": 2}]
)
async def test_the_form_must_be_whole(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    response = await client.post("/api/admin/auth/login", json=body)
    assert (response.status_code, response.json()["code"]) == (422, "validation_error")


async def test_logging_out_ends_this_log_in_only(
    client: httpx.AsyncClient, db: Database, runtime: Runtime, manager: Desk
) -> None:
    elsewhere = await desk_of(db, runtime, client, manager.staff)
    await manager.ok("POST", "/auth/logout")
    await manager.refused(401, "unauthenticated", "GET", "/auth/me")
    await elsewhere.ok("GET", "/auth/me")


async def test_changing_the_password_ends_all_log_ins(
    client: httpx.AsyncClient, db: Database, runtime: Runtime, manager: Desk
) -> None:
    elsewhere = await desk_of(db, runtime, client, manager.staff)
    change = {"old_password": PASSWORD, "new_password": "another-pass-2"}
    wrong = change | {"old_password": "wrong-pass-1"}
    assert await manager.bad_fields("POST", "/auth/password", json=wrong) == {"old_password"}
    same = {"old_password": PASSWORD, "new_password": PASSWORD}
    assert await manager.bad_fields("POST", "/auth/password", json=same) == {"new_password"}
    await manager.ok("POST", "/auth/password", json=change)
    for desk in (manager, elsewhere):
        await desk.refused(401, "unauthenticated", "GET", "/auth/me")
    assert (await log_in(client, manager.staff.username)).status_code == 401
    assert (await log_in(client, manager.staff.username, "another-pass-2")).status_code == 200


async def test_the_last_passwords_are_not_taken_again(
    client: httpx.AsyncClient, db: Database, runtime: Runtime, manager: Desk
) -> None:
    """The one in use and the two before it, a reset one among them; after that it may come back."""
    desk, now = manager, PASSWORD

    async def change(new: str) -> dict[str, Any]:
        body = {"old_password": now, "new_password": new}
        response: dict[str, Any] = (await desk.call("POST", "/auth/password", json=body)).json()
        return response

    async def refused(password: str, words: str) -> None:
        body = await change(password)
        assert body["code"] == "validation_error"
        assert body["data"]["fields"] == [{"field": "new_password", "message": words}]

    for fresh in ("second-pass-2", "third-pass-3"):
        assert (await change(fresh))["code"] == "ok"
        desk, now = await desk_of(db, runtime, client, manager.staff), fresh
    await refused("third-pass-3", "新密码不能与原密码相同")
    await refused("second-pass-2", "不能使用最近 3 次用过的密码")
    await refused(PASSWORD, "不能使用最近 3 次用过的密码")
    assert (await change("fourth-pass-4"))["code"] == "ok"
    desk, now = await desk_of(db, runtime, client, manager.staff), "fourth-pass-4"
    assert (await change(PASSWORD))["code"] == "ok"


async def test_a_token_ends_after_its_day(client: httpx.AsyncClient, manager: Desk, time: Time) -> None:
    time.advance(24 * 3600 - 1)
    await manager.ok("GET", "/auth/me")
    time.advance(2)
    await manager.refused(401, "unauthenticated", "GET", "/auth/me")


async def test_forged_and_foreign_tokens_are_refused(
    client: httpx.AsyncClient, manager: Desk, runtime: Runtime, desk: NewDesk
) -> None:
    good = manager.headers["Authorization"].removeprefix("Bearer ")
    ours, another = runtime.settings.secret_key.get_secret_value(), "another-secret-of-32-characters-!"
    other = await desk(StaffRole.SUPER_ADMIN)
    good_session = read_token(ours, good, audience="admin")
    assert good_session is not None

    def forge(secret: str, audience: Audience, subject: uuid.UUID, session: uuid.UUID) -> str:
        return issue_token(secret, audience=audience, subject=subject, session=session, seconds=60)

    staff_id, session_id = good_session
    forged = [
        forge(another, "admin", staff_id, session_id),
        forge(ours, "h5", staff_id, session_id),
        forge(ours, "admin", other.staff.id, session_id),
        forge(ours, "admin", staff_id, uuid.uuid4()),
        good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        "x.y.z",
        "",
    ]
    for token in forged:
        assert (await me(client, token)).status_code == 401, token
    assert (await me(client, forge(ours, "admin", staff_id, session_id))).status_code == 200
