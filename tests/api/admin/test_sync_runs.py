"""Asking for a sync and watching it; who may, how often."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select

from backend.community.checkins import flows
from backend.core.ids import new_id
from backend.models.audit import AuditEntry
from backend.models.planets import CredentialStatus, Planet
from backend.models.staff import StaffRole
from backend.runtime import Runtime
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.community.checkins.stage import Stage, make_stage
from tests.conftest import RecordingQueue, Time
from tests.factories import assign, make_camp
from tests.world import World

Worker = Callable[[], Awaitable[None]]


@pytest.fixture
async def stage(runtime: Runtime, world: World, time: Time) -> Stage:
    return await make_stage(runtime, world, time)


@pytest.fixture
def worker(stage: Stage, queue: RecordingQueue) -> Worker:
    """Does what the doorbell asked for."""

    async def work() -> None:
        for job in queue.jobs:
            if job.name == "checkins.sync":
                await flows.sync(stage.runtime, job.arguments)
        queue.jobs.clear()

    return work


async def test_a_run_is_asked_for_at_once_and_done_by_the_worker(stage: Stage, manager: Desk, worker: Worker) -> None:
    lin = stage.person("小林")
    stage.posts(lin, 1)
    started = await manager.ok("POST", f"/camps/{stage.camp.id}/sync")
    path = f"/sync-runs/{started['sync_run_id']}"
    run = await manager.ok("GET", path)
    assert (run["status"], run["trigger"], run["pages_done"], run["finished_at"]) == ("running", "manual", 0, None)
    assert not stage.zsxq.calls
    await worker()
    run = await manager.ok("GET", path)
    assert run == {
        "id": started["sync_run_id"],
        "camp_id": str(stage.camp.id),
        "camp_name": stage.camp.name,
        "trigger": "manual",
        "status": "complete",
        "pages_done": 2,
        "people_seen": 1,
        "people_expected": 1,
        "posts_seen": 1,
        "rows_malformed": 0,
        "started_at": run["started_at"],
        "finished_at": run["finished_at"],
        "error": None,
    }
    assert (await manager.ok("GET", "/sync-runs"))["items"] == [run]


async def test_the_person_who_asked_is_in_the_log(stage: Stage, manager: Desk) -> None:
    started = await manager.ok("POST", f"/camps/{stage.camp.id}/sync")
    async with stage.runtime.db.transaction() as session:
        (entry,) = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "checkin.sync"))).all()
    assert (entry.actor_name, str(entry.target_id)) == (manager.staff.username, started["sync_run_id"])


async def test_a_failure_is_told_in_chinese(stage: Stage, manager: Desk, worker: Worker) -> None:
    stage.zsxq.faults.set("http_5xx", path="ranking_list", times=None)
    started = await manager.ok("POST", f"/camps/{stage.camp.id}/sync")
    await worker()
    run = await manager.ok("GET", f"/sync-runs/{started['sync_run_id']}")
    assert (run["status"], run["error"]["code"]) == ("failed", "server_error")
    assert run["error"]["message"] == "知识星球暂时无法访问"


async def test_twice_at_once_and_too_soon(stage: Stage, manager: Desk, worker: Worker, time: Time) -> None:
    path = f"/camps/{stage.camp.id}/sync"
    started = await manager.ok("POST", path)
    assert await manager.refused(409, "sync_running", "POST", path) == started
    await worker()
    time.advance(100)
    data = await manager.refused(429, "sync_too_soon", "POST", path)
    assert 190 <= data["retry_after"] <= 200
    response = await manager.call("POST", path)
    assert response.headers["retry-after"] == str(response.json()["data"]["retry_after"])
    time.advance(201)
    await manager.ok("POST", path)


async def test_a_dead_credential_refuses(stage: Stage, manager: Desk) -> None:
    async with stage.runtime.db.transaction() as session:
        planet = await session.get_one(Planet, stage.planet.id)
        planet.credential_status = CredentialStatus.CREDENTIAL_INVALID
    await manager.refused(409, "planet_credential_invalid", "POST", f"/camps/{stage.camp.id}/sync")


async def test_a_draft_has_nothing_to_read(stage: Stage, manager: Desk) -> None:
    async with stage.runtime.db.transaction() as session:
        draft = await make_camp(session, status="draft", planet_id=None, checkin_id=None)
    await manager.refused(409, "camp_not_syncable", "POST", f"/camps/{draft.id}/sync")


async def test_runs_are_filtered_and_paged(stage: Stage, manager: Desk, worker: Worker) -> None:
    await manager.ok("POST", f"/camps/{stage.camp.id}/sync")
    await worker()
    await stage.sync()
    camp = str(stage.camp.id)

    async def triggers(**params: str) -> list[str]:
        return [row["trigger"] for row in (await manager.ok("GET", "/sync-runs", params=params))["items"]]

    assert await triggers() == await triggers(camp_id=camp, status="complete") == ["scheduler", "manual"]
    assert await triggers(status="failed") == []
    assert await triggers(page="2", page_size="1") == ["manual"]
    assert await manager.bad_fields("GET", "/sync-runs", params={"status": "odd"}) == {"status"}
    await manager.refused(404, "not_found", "GET", "/sync-runs", params={"camp_id": str(new_id())})


@pytest.mark.parametrize("wrong", ["nonsense", "00000000-0000-7000-8000-000000000000"])
async def test_unknown_ids_are_not_found(manager: Desk, wrong: str) -> None:
    await manager.refused(404, "not_found", "POST", f"/camps/{wrong}/sync")
    await manager.refused(404, "not_found", "GET", f"/sync-runs/{wrong}")


@pytest.mark.parametrize("role", [StaffRole.COACH, StaffRole.VOLUNTEER])
async def test_only_managers_sync(stage: Stage, desk: NewDesk, role: StaffRole) -> None:
    helper = await desk(role)
    async with stage.runtime.db.transaction() as session:
        await assign(session, stage.camp, helper.staff)
    await helper.refused(403, "forbidden", "POST", f"/camps/{stage.camp.id}/sync")
    await helper.refused(403, "forbidden", "GET", "/sync-runs")


async def test_nothing_without_a_log_in(stage: Stage, manager: Desk) -> None:
    for method, path in (("POST", f"/camps/{stage.camp.id}/sync"), ("GET", "/sync-runs")):
        response = await manager.client.request(method, f"/api/admin{path}")
        assert response.status_code == 401
