"""Running scheduled jobs: each slot once, whatever happens in them."""

import asyncio

import pytest
from sqlalchemy import select

from backend import jobs
from backend.core.db import Database
from backend.jobs import SCHEDULED, Scheduled, last_runs, run_if_due, run_job
from backend.models.jobs import JobRun
from backend.runtime import Runtime
from backend.timetable import Every

NAMES = (
    "camp_states checkin_sync payment_backfill order_expiry refund_lists refund_sweep reminders reconcile "
    "credential_check housekeeping audit_check sync_sweep checkin_refresh checkin_nudges"
)


def test_the_names_are_those_that_operators_know():
    assert set(SCHEDULED) == set(NAMES.split())


@pytest.mark.parametrize("name", NAMES.split())
async def test_every_job_runs_twice_on_an_empty_database(runtime: Runtime, name: str):
    assert await run_job(runtime, name) is True
    assert await run_job(runtime, name) is True


async def test_a_slot_is_taken_once_and_the_next_one_again(runtime: Runtime, time):
    assert await run_if_due(runtime, "housekeeping") is True
    assert await run_if_due(runtime, "housekeeping") is None
    time.advance(24 * 3600)
    assert await run_if_due(runtime, "housekeeping") is True


async def test_two_workers_take_a_slot_once(shared_runtime: Runtime):
    results = await asyncio.gather(*(run_if_due(shared_runtime, "housekeeping") for _ in range(4)))
    assert sorted(results, key=str) == [None, None, None, True]


async def test_a_failing_job_is_recorded_and_breaks_nothing(runtime: Runtime, db: Database, monkeypatch):
    async def broken(_: Runtime) -> dict[str, object]:
        raise RuntimeError("no such luck")

    monkeypatch.setitem(jobs.SCHEDULED, "broken", Scheduled(broken, Every(1)))
    assert await run_job(runtime, "broken") is False
    async with db.transaction() as session:
        run = (await session.scalars(select(JobRun).where(JobRun.name == "broken"))).one()
    assert run.ok is False
    assert run.error == "RuntimeError: no such luck"
    assert run.finished_at is not None


async def test_a_run_by_hand_waits_for_the_one_under_way(shared_runtime: Runtime, monkeypatch):
    running: list[int] = []
    most: list[int] = []

    async def slow(_: Runtime) -> dict[str, object]:
        running.append(1)
        most.append(len(running))
        await asyncio.sleep(0.05)
        running.pop()
        return {}

    monkeypatch.setitem(jobs.SCHEDULED, "slow", Scheduled(slow, Every(1)))
    assert await asyncio.gather(*(run_job(shared_runtime, "slow") for _ in range(3))) == [True, True, True]
    assert most == [1, 1, 1]


async def test_last_runs_shows_the_newest_of_each(runtime: Runtime, db: Database, time):
    await run_job(runtime, "housekeeping")
    time.advance(60)
    await run_job(runtime, "housekeeping")
    async with db.transaction() as session:
        runs = await last_runs(session)
        newest = (await session.scalars(select(JobRun.created_at).order_by(JobRun.created_at.desc()).limit(1))).one()
    assert [(run.name, run.created_at) for run in runs] == [("housekeeping", newest)]


def test_frequent_jobs_do_not_wait_for_nightly_ones():
    from backend.worker import _lanes

    lanes = _lanes([])
    assert ["refund_sweep"] in lanes
    assert ["order_expiry"] in lanes
    nightly = next(lane for lane in lanes if "checkin_sync" in lane)
    assert nightly.index("camp_states") < nightly.index("checkin_sync") < nightly.index("refund_lists")


def test_a_job_can_be_switched_off():
    from backend.worker import _lanes

    assert not any("reminders" in lane for lane in _lanes(["reminders"]))
