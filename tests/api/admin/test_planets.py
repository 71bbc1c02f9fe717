"""Planets at the console: the cookie goes in and never comes out."""

from typing import Any

import pytest
from sqlalchemy import select

from backend.core.db import Database
from backend.models.audit import AuditEntry
from backend.models.planets import CredentialStatus, Planet
from backend.models.staff import StaffRole
from backend.runtime import Runtime
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.factories import make_camp, make_planet
from tests.world import World

TOKEN = "0A1B2C3D-1111-4222-8333-0123456789AB_89ABCDEF01234567"
BODY = {"name": "写作星球", "group_id": "88512145458842", "cookie": TOKEN}


async def token_of(db: Database, runtime: Runtime, planet_id: str) -> str:
    async with db.transaction() as session:
        planet = await session.get_one(Planet, planet_id)
        return runtime.secrets.open(planet.sealed_token, context=f"planet:{planet_id}")


async def mark_invalid(db: Database, planet_id: str) -> None:
    async with db.transaction() as session:
        planet = await session.get_one(Planet, planet_id)
        planet.credential_status = CredentialStatus.CREDENTIAL_INVALID


async def test_the_cookie_is_sealed_and_shown_masked(admin: Desk, db: Database, runtime: Runtime) -> None:
    planet = await admin.ok("POST", "/planets", json=BODY)
    assert planet["cookie"] == "****4567"
    assert (planet["credential_status"], planet["credential_checked_at"]) == ("untested", None)
    assert (await admin.ok("GET", "/planets"))["items"] == [planet]
    assert await token_of(db, runtime, planet["id"]) == TOKEN
    async with db.transaction() as session:
        row = await session.get_one(Planet, planet["id"])
        log = (await session.scalars(select(AuditEntry).where(AuditEntry.target_id == row.id))).one()
    assert TOKEN not in row.sealed_token
    assert log.action == "planet.create"
    assert TOKEN not in str([log.before, log.after, log.note])


async def test_a_whole_cookie_header_is_read_for_its_token(admin: Desk, db: Database, runtime: Runtime) -> None:
    header = f"Cookie: sensorsdata=x; zsxq_access_token={TOKEN}; abtest_env=product"
    planet = await admin.ok("POST", "/planets", json=BODY | {"cookie": header})
    assert await token_of(db, runtime, planet["id"]) == TOKEN


@pytest.mark.parametrize("cookie", ["sensorsdata=x", "a b c d e f g h", "短"])
async def test_what_holds_no_token_is_refused_without_repeating_it(admin: Desk, cookie: str) -> None:
    response = await admin.call("POST", "/planets", json=BODY | {"cookie": cookie})
    assert response.status_code == 422
    assert [field["field"] for field in response.json()["data"]["fields"]] == ["cookie"]
    assert cookie not in response.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"group_id": "abc"}, "group_id"),
        ({"group_id": ""}, "group_id"),
        ({"cookie": ""}, "cookie"),
    ],
)
async def test_bad_fields_are_named(admin: Desk, change: dict[str, str], field: str) -> None:
    assert await admin.bad_fields("POST", "/planets", json=BODY | change) == {field}


@pytest.mark.parametrize("cookie", [None, ""])
async def test_no_cookie_keeps_the_old_one_as_it_is(
    admin: Desk, db: Database, runtime: Runtime, cookie: str | None
) -> None:
    planet = await admin.ok("POST", "/planets", json=BODY)
    await mark_invalid(db, planet["id"])
    body = {"name": "改名", "group_id": BODY["group_id"], "cookie": cookie}
    changed = await admin.ok("PUT", f"/planets/{planet['id']}", json=body)
    assert (changed["name"], changed["cookie"]) == ("改名", "****4567")
    assert changed["credential_status"] == "credential_invalid"
    assert await token_of(db, runtime, planet["id"]) == TOKEN


async def test_saving_a_cookie_even_the_same_one_arms_it_again(admin: Desk, db: Database) -> None:
    planet = await admin.ok("POST", "/planets", json=BODY)
    await mark_invalid(db, planet["id"])
    changed = await admin.ok("PUT", f"/planets/{planet['id']}", json={"cookie": TOKEN})
    assert changed["credential_status"] == "untested"


async def test_one_group_is_one_planet(admin: Desk) -> None:
    await admin.ok("POST", "/planets", json=BODY)
    await admin.refused(409, "planet_exists", "POST", "/planets", json=BODY)
    other = await admin.ok("POST", "/planets", json=BODY | {"group_id": "1"})
    await admin.refused(409, "planet_exists", "PUT", f"/planets/{other['id']}", json=BODY)


async def test_a_planet_with_camps_keeps_its_group(admin: Desk, db: Database) -> None:
    planet = await admin.ok("POST", "/planets", json=BODY)
    await mark_invalid(db, planet["id"])
    moved = await admin.ok("PUT", f"/planets/{planet['id']}", json={"group_id": "1"})
    assert moved["credential_status"] == "untested"
    async with db.transaction() as session:
        await make_camp(session, planet_id=planet["id"])
    await admin.refused(409, "planet_in_use", "PUT", f"/planets/{planet['id']}", json={"group_id": "2"})
    await admin.ok("PUT", f"/planets/{planet['id']}", json={"group_id": "1", "name": "改名"})


async def real_planet(db: Database, runtime: Runtime, world: World, **token: Any) -> tuple[str, str]:
    """A planet that exists at the simulator: its id here, and the token."""
    group_id = world.sandbox.zsxq.add_group("真实星球", owner_name="星主老王")
    token_value = world.sandbox.zsxq.issue_token(**token)
    async with db.transaction() as session:
        planet = await make_planet(session, runtime.secrets, token=token_value, group_id=group_id)
    return str(planet.id), token_value


async def row(desk: Desk, planet_id: str) -> Any:
    return next(planet for planet in (await desk.ok("GET", "/planets"))["items"] if planet["id"] == planet_id)


async def test_a_good_test_arms_the_planet_again(manager: Desk, db: Database, runtime: Runtime, world: World) -> None:
    planet_id, _ = await real_planet(db, runtime, world)
    await mark_invalid(db, planet_id)
    found = await manager.ok("POST", f"/planets/{planet_id}/test")
    assert found["ok"] is True
    assert found["latency_ms"] >= 0
    assert "真实星球" in found["detail"]
    planet = await row(manager, planet_id)
    assert planet["credential_status"] == "valid"
    assert planet["credential_checked_at"].startswith("2026-03-01T10:00")
    assert planet["credential_expires_at"] > planet["credential_checked_at"]


@pytest.mark.parametrize("state", ["revoked", "kicked", "banned"])
async def test_a_dead_token_is_said_and_marked(
    manager: Desk, db: Database, runtime: Runtime, world: World, state: Any
) -> None:
    planet_id, token = await real_planet(db, runtime, world)
    world.sandbox.zsxq.set_token_state(token, state)
    found = await manager.ok("POST", f"/planets/{planet_id}/test")
    assert found["ok"] is False
    assert found["detail"]
    assert token not in found["detail"]
    assert (await row(manager, planet_id))["credential_status"] == "credential_invalid"
    world.sandbox.zsxq.set_token_state(token, "good")
    assert (await manager.ok("POST", f"/planets/{planet_id}/test"))["ok"] is True
    assert (await row(manager, planet_id))["credential_status"] == "valid"


async def test_a_wrong_group_is_no_fault_of_the_credential(
    manager: Desk, db: Database, runtime: Runtime, world: World
) -> None:
    _, token = await real_planet(db, runtime, world)
    async with db.transaction() as session:
        planet = await make_planet(session, runtime.secrets, token=token, group_id="99999999999999")
    assert (await manager.ok("POST", f"/planets/{planet.id}/test"))["ok"] is False
    assert (await row(manager, str(planet.id)))["credential_status"] == "untested"


async def test_projects_are_listed_for_the_picker(manager: Desk, db: Database, runtime: Runtime, world: World) -> None:
    planet_id, token = await real_planet(db, runtime, world)
    checkin_id = world.sandbox.zsxq.add_project("三月打卡", checkin_days=21)
    projects = await manager.ok("GET", f"/planets/{planet_id}/projects")
    assert [(project["checkin_id"], project["title"]) for project in projects] == [(checkin_id, "三月打卡")]
    assert await manager.ok("GET", f"/planets/{planet_id}/projects", params={"scope": "closed"}) == []
    assert (await manager.call("GET", f"/planets/{planet_id}/projects", params={"scope": "x"})).status_code == 422
    world.sandbox.zsxq.set_token_state(token, "revoked")
    await manager.refused(409, "credential_invalid", "GET", f"/planets/{planet_id}/projects")
    assert (await row(manager, planet_id))["credential_status"] == "credential_invalid"


async def test_a_token_no_key_opens_asks_for_a_new_one(manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        planet = await make_planet(session)
    await manager.refused(409, "credential_unreadable", "POST", f"/planets/{planet.id}/test")
    await manager.refused(409, "credential_unreadable", "GET", f"/planets/{planet.id}/projects")


async def test_who_may(admin: Desk, manager: Desk, desk: NewDesk) -> None:
    planet = await admin.ok("POST", "/planets", json=BODY)
    await manager.ok("GET", "/planets")
    for person in (manager, await desk(StaffRole.COACH), await desk(StaffRole.VOLUNTEER)):
        await person.refused(403, "forbidden", "POST", "/planets", json=BODY)
        await person.refused(403, "forbidden", "PUT", f"/planets/{planet['id']}", json=BODY)
        if person is not manager:
            await person.refused(403, "forbidden", "GET", "/planets")
            await person.refused(403, "forbidden", "POST", f"/planets/{planet['id']}/test")
            await person.refused(403, "forbidden", "GET", f"/planets/{planet['id']}/projects")


async def test_unknown_planets_are_not_found(admin: Desk) -> None:
    for planet_id in ("00000000-0000-7000-8000-000000000000", "1"):
        await admin.refused(404, "not_found", "PUT", f"/planets/{planet_id}", json={"name": "x"})
        await admin.refused(404, "not_found", "POST", f"/planets/{planet_id}/test")
        await admin.refused(404, "not_found", "GET", f"/planets/{planet_id}/projects")


async def test_the_list_can_be_searched(admin: Desk) -> None:
    await admin.ok("POST", "/planets", json=BODY)
    assert (await admin.ok("GET", "/planets", params={"q": "写作"}))["total"] == 1
    assert (await admin.ok("GET", "/planets", params={"q": "885121"}))["total"] == 1
    assert (await admin.ok("GET", "/planets", params={"q": "阅读"}))["total"] == 0
