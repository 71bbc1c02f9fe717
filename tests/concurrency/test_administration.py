"""Two people at the console at the same time."""

import asyncio
import datetime as dt
from typing import Any

import httpx
from sqlalchemy import func, select

from backend.community.camps.flows import camp_states
from backend.core.db import Database
from backend.models.camps import Camp, CampStatus
from backend.models.history import StateChange
from backend.models.staff import Staff, StaffRole
from backend.runtime import Runtime
from tests.api.desk import Desk, new_desk
from tests.factories import make_camp, make_planet

CAMP = {"deposit_fen": 9900, "starts_on": "2026-03-10", "ends_on": "2026-03-30", "required_days": 15}


async def statuses(*calls: Any) -> list[int]:
    return sorted(response.status_code for response in await asyncio.gather(*calls))


async def desks(db: Database, runtime: Runtime, client: httpx.AsyncClient, role: StaffRole, count: int) -> list[Desk]:
    return [await new_desk(db, runtime, client, role) for _ in range(count)]


async def test_two_admins_demoting_each_other_leave_one(
    shared_db: Database, shared_runtime: Runtime, shared_client: httpx.AsyncClient
) -> None:
    """B25: the last super_admin stays, whoever is faster."""
    for _ in range(5):
        first, second = await desks(shared_db, shared_runtime, shared_client, StaffRole.SUPER_ADMIN, 2)
        found = await statuses(
            first.call("PUT", f"/users/{second.staff.id}", json={"role": "manager"}),
            second.call("PUT", f"/users/{first.staff.id}", json={"role": "manager"}),
        )
        assert found[0] == 200
        assert found[1] in (401, 409), found
        async with shared_db.transaction() as session:
            left = (await session.scalars(select(Staff).where(Staff.role == StaffRole.SUPER_ADMIN))).all()
            assert len(left) == 1
            left[0].role = StaffRole.COACH


async def test_one_of_two_camps_of_the_same_name_or_project_is_refused(
    shared_db: Database, shared_runtime: Runtime, shared_client: httpx.AsyncClient
) -> None:
    first, second = await desks(shared_db, shared_runtime, shared_client, StaffRole.MANAGER, 2)
    async with shared_db.transaction() as session:
        planet = await make_planet(session)
    named = CAMP | {"name": "同名营"}
    assert await statuses(*(desk.call("POST", "/camps", json=named) for desk in (first, second))) == [200, 409]
    project = {"planet_id": str(planet.id), "checkin_id": "8852148452"}
    assert await statuses(
        first.call("POST", "/camps", json=CAMP | project | {"name": "甲"}),
        second.call("POST", "/camps", json=CAMP | project | {"name": "乙"}),
    ) == [200, 409]


async def test_one_of_two_accounts_or_planets_of_the_same_name_is_refused(
    shared_db: Database, shared_runtime: Runtime, shared_client: httpx.AsyncClient
) -> None:
    first, second = await desks(shared_db, shared_runtime, shared_client, StaffRole.SUPER_ADMIN, 2)
    user = {"username": "xiaochen", "display_name": "小陈", "role": "coach", "password": "first-pass-1"}
    assert await statuses(*(desk.call("POST", "/users", json=user) for desk in (first, second))) == [200, 409]
    planet = {"name": "星球", "group_id": "885", "cookie": "token-1234567890"}
    assert await statuses(*(desk.call("POST", "/planets", json=planet) for desk in (first, second))) == [200, 409]


async def test_withdrawing_twice_at_once_happens_once(
    shared_db: Database, shared_runtime: Runtime, shared_client: httpx.AsyncClient
) -> None:
    first, second = await desks(shared_db, shared_runtime, shared_client, StaffRole.MANAGER, 2)
    async with shared_db.transaction() as session:
        camp = await make_camp(session)
    calls = [desk.call("POST", f"/camps/{camp.id}/withdraw") for desk in (first, second)]
    assert await statuses(*calls) == [200, 409]
    async with shared_db.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(StateChange)) == 1


async def test_two_runs_of_the_nightly_job_move_each_camp_once(shared_db: Database, shared_runtime: Runtime) -> None:
    async with shared_db.transaction() as session:
        for _ in range(5):
            await make_camp(session, starts_on=dt.date(2026, 3, 1))
    runs = await asyncio.gather(*(camp_states(shared_runtime) for _ in range(3)))
    assert sum(run["started"] for run in runs) == 5
    async with shared_db.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(StateChange)) == 5
        assert set(await session.scalars(select(Camp.status))) == {CampStatus.ONGOING}
