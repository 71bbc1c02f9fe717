"""In which camps coaches and volunteers are listed, from the account's side."""

from typing import Any

import pytest

from backend.core.db import Database
from backend.models.camps import Camp, CampStaffKind, CampStatus
from backend.models.staff import StaffRole
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.factories import assign, make_camp, make_staff

COACH, VOLUNTEER = CampStaffKind.COACH, CampStaffKind.VOLUNTEER


@pytest.fixture
async def camps(db: Database) -> list[Camp]:
    """A draft, two that are enrolling, and an archived one."""
    states = (CampStatus.DRAFT, CampStatus.ENROLLING, CampStatus.ENROLLING, CampStatus.ARCHIVED)
    async with db.transaction() as session:
        return [await make_camp(session, name=f"{n}号营", status=state) for n, state in enumerate(states)]


async def listed(admin: Desk, user_id: object) -> dict[str, tuple[str, bool]]:
    users = (await admin.ok("GET", "/users", params={"page_size": 200}))["items"]
    (user,) = (user for user in users if user["id"] == str(user_id))
    return {camp["name"]: (camp["kind"], camp["only_coach"]) for camp in user["camps"]}


async def person(db: Database, role: StaffRole, *camps: Camp, **fields: Any) -> str:
    async with db.transaction() as session:
        staff = await make_staff(session, role, **fields)
        for camp in camps:
            await assign(session, camp, staff, COACH if role is StaffRole.COACH else VOLUNTEER)
        return str(staff.id)


async def actions(admin: Desk, camp: Camp) -> list[tuple[str, Any, Any]]:
    log = await admin.ok("GET", "/logs", params={"target_id": str(camp.id)})
    return [(row["action"], row["before"], row["after"]) for row in log["items"]]


async def test_an_account_is_made_with_its_camps(admin: Desk, camps: list[Camp], desk: NewDesk) -> None:
    body = {"username": "chen", "display_name": "陈", "role": "coach", "password": "first-pass-1"}
    user = await admin.ok("POST", "/users", json=body | {"camp_ids": [str(camps[0].id), str(camps[1].id)]})
    assert {camp["name"]: camp["kind"] for camp in user["camps"]} == {"0号营": "coach", "1号营": "coach"}
    assert await actions(admin, camps[1]) == [
        ("camp.staff.change", {"coach_ids": [], "volunteer_ids": []}, {"coach_ids": [user["id"]], "volunteer_ids": []})
    ]
    assert (await admin.ok("GET", f"/camps/{camps[1].id}"))["coaches"][0]["id"] == user["id"]


async def test_a_half_filled_account_makes_nothing(admin: Desk, camps: list[Camp]) -> None:
    body = {"username": "chen", "display_name": "陈", "password": "first-pass-1", "camp_ids": [str(camps[3].id)]}
    assert await admin.bad_fields("POST", "/users", json=body | {"role": "coach"}) == {"camp_ids"}
    body |= {"role": "manager", "camp_ids": [str(camps[1].id)]}
    assert await admin.bad_fields("POST", "/users", json=body) == {"camp_ids"}
    assert (await admin.ok("GET", "/users", params={"q": "chen"}))["items"] == []


async def test_camps_are_changed_from_the_account(admin: Desk, db: Database, camps: list[Camp]) -> None:
    volunteer = await person(db, StaffRole.VOLUNTEER, camps[0], camps[1], camps[3])
    change = {"camp_ids": [str(camps[1].id), str(camps[2].id)]}
    await admin.ok("PUT", f"/users/{volunteer}", json=change)
    assert await listed(admin, volunteer) == {"1号营": ("volunteer", False), "2号营": ("volunteer", False)}
    assert [len(await actions(admin, camp)) for camp in camps] == [1, 0, 1, 0]
    await admin.ok("PUT", f"/users/{volunteer}", json=change)
    assert [len(await actions(admin, camp)) for camp in camps] == [1, 0, 1, 0]


async def test_what_a_person_sees_follows_at_once(admin: Desk, desk: NewDesk, camps: list[Camp]) -> None:
    coach = await desk(StaffRole.COACH)
    await coach.refused(403, "forbidden", "GET", f"/camps/{camps[0].id}")
    await admin.ok("PUT", f"/users/{coach.staff.id}", json={"camp_ids": [str(camps[0].id)]})
    await coach.ok("GET", f"/camps/{camps[0].id}")
    await admin.ok("PUT", f"/users/{coach.staff.id}", json={"camp_ids": []})
    await coach.refused(403, "forbidden", "GET", f"/camps/{camps[0].id}")


@pytest.mark.parametrize("change", [{"camp_ids": []}, {"role": "volunteer"}, {"role": "manager"}, None])
async def test_a_published_camp_keeps_a_coach(
    admin: Desk, db: Database, camps: list[Camp], change: dict[str, Any] | None
) -> None:
    """Taken off the list, given another role, or deleted: the camps that would be left alone are named."""
    coach = await person(db, StaffRole.COACH, *camps)
    await person(db, StaffRole.COACH, camps[2])
    await person(db, StaffRole.COACH, camps[1], active=False)
    await person(db, StaffRole.VOLUNTEER, camps[1])
    target, method = f"/users/{coach}", "DELETE" if change is None else "PUT"
    assert await listed(admin, coach) == {
        "0号营": ("coach", False),
        "1号营": ("coach", True),
        "2号营": ("coach", False),
    }
    data = await admin.refused(409, "last_coach", method, target, json=change)
    assert data == {"camps": [{"id": str(camps[1].id), "name": "1号营"}]}
    assert len(await listed(admin, coach)) == 3
    await person(db, StaffRole.COACH, camps[1])
    await admin.ok(method, target, json=change)


async def test_disabling_waits_for_nobody(admin: Desk, desk: NewDesk, db: Database, camps: list[Camp]) -> None:
    """Somebody who must go goes at once; the list says which camps are without a coach then."""
    coach = await desk(StaffRole.COACH)
    await admin.ok("PUT", f"/users/{coach.staff.id}", json={"camp_ids": [str(camps[1].id)]})
    await admin.ok("PUT", f"/users/{coach.staff.id}", json={"active": False})
    await coach.refused(401, "unauthenticated", "GET", "/auth/me")
    assert await listed(admin, coach.staff.id) == {"1号营": ("coach", True)}
    add = {"camp_ids": [str(camps[1].id), str(camps[2].id)]}
    assert await admin.bad_fields("PUT", f"/users/{coach.staff.id}", json=add) == {"camp_ids"}


async def test_another_role_leaves_the_lists_of_the_old_one(admin: Desk, db: Database, camps: list[Camp]) -> None:
    coach = await person(db, StaffRole.COACH, camps[0], camps[1])
    await person(db, StaffRole.COACH, camps[1])
    change = {"role": "volunteer", "camp_ids": [str(camps[1].id)]}
    await admin.ok("PUT", f"/users/{coach}", json=change)
    assert await listed(admin, coach) == {"1号营": ("volunteer", False)}
    await admin.ok("PUT", f"/users/{coach}", json={"role": "coach"})
    assert await listed(admin, coach) == {}


@pytest.mark.parametrize("ids", [["00000000-0000-0000-0000-000000000000"], ["x"]])
async def test_unknown_camps_are_refused(admin: Desk, db: Database, ids: list[str]) -> None:
    coach = await person(db, StaffRole.COACH)
    response = await admin.call("PUT", f"/users/{coach}", json={"camp_ids": ids})
    assert response.status_code in (404, 422)
