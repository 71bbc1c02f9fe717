"""The doorbell through a real Valkey, and a product that does without it."""

import asyncio
from dataclasses import replace

from sqlalchemy import select

from backend import jobs
from backend.core.db import Database
from backend.core.queue import Job, RedisQueue, enqueue
from backend.jobs import Scheduled
from backend.models.jobs import JobRun
from backend.runtime import Runtime, RuntimeHolder
from backend.timetable import Every
from backend.worker import _answer_doorbell, _keep_timetable
from tests.servers import Servers


async def _runs(db: Database) -> list[JobRun]:
    async with db.transaction() as session:
        return list((await session.scalars(select(JobRun))).all())


async def test_a_commit_wakes_the_worker(shared_runtime: Runtime, servers: Servers):
    queue = RedisQueue(servers.redis_url)
    settings = shared_runtime.settings.model_copy(update={"redis_url": servers.redis_url})
    db = Database(shared_runtime.db.engine, queue)
    runtime = replace(shared_runtime, settings=settings, db=db)
    worker = asyncio.create_task(_answer_doorbell(RuntimeHolder(runtime), asyncio.Event()))
    async with db.transaction() as session:
        enqueue(session, "job", name="housekeeping")
    for _ in range(100):
        runs = await _runs(db)
        if runs and runs[0].finished_at:
            break
        await asyncio.sleep(0.05)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    await queue.aclose()
    assert [(run.name, run.ok) for run in runs] == [("housekeeping", True)]


async def test_a_redis_that_is_away_fails_no_commit():
    queue = RedisQueue("redis://127.0.0.1:1/0")
    await queue.send([Job("refunds.send")])
    await queue.aclose()


async def test_a_worker_told_to_stop_stops_though_its_cancellation_gets_lost(runtime: Runtime, monkeypatch):
    """As when the database dies at the same moment: the driver's error takes the cancellation's place."""
    began, stop = asyncio.Event(), asyncio.Event()

    async def dies_on_cancellation(_: Runtime) -> dict[str, object]:
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ConnectionError from None
        return {}

    monkeypatch.setitem(jobs.SCHEDULED, "broken", Scheduled(dies_on_cancellation, Every(1)))
    lane = asyncio.create_task(_keep_timetable(RuntimeHolder(runtime), ["broken"], stop))
    await began.wait()
    stop.set()
    lane.cancel()
    await asyncio.wait_for(lane, 5)
