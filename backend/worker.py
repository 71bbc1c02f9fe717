"""The worker process: runs scheduled jobs from the timetable, and wake-ups (the "doorbell") queued through Redis."""

import asyncio
import contextlib
import signal
from typing import Any, cast

import structlog
from arq import ArqRedis, Worker, create_pool, func
from arq.typing import WorkerCoroutine
from redis.exceptions import RedisError

from backend.core.config import Settings
from backend.core.queue import QUEUE_NAME, arq_settings
from backend.jobs import SCHEDULED, WAKEUPS, run_if_due, run_job
from backend.runtime import RuntimeHolder, open_holder
from backend.timetable import Daily

log = structlog.get_logger(__name__)

TICK_SECONDS = 5.0
RETRY_SECONDS = 5.0
STOP_SECONDS = 20


async def run_worker(settings: Settings) -> None:
    """Run jobs until SIGTERM or SIGINT. Work in progress either finishes or is resumed by the next worker."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_holder(settings) as live:
        lanes = [asyncio.create_task(_keep_timetable(live, lane, stop)) for lane in _lanes(settings.jobs_off)]
        tasks = [asyncio.create_task(_answer_doorbell(live, stop)), *lanes]
        log.info("worker.started")
        await stop.wait()
        # Kill the process if shutdown hangs, e.g. in a driver whose server is gone. This is safe: the rows hold the
        # state of the work.
        signal.alarm(STOP_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    log.info("worker.stopped")


def _lanes(off: list[str]) -> list[list[str]]:
    """One lane for all nightly jobs, in order, and one lane per frequent job, so that none delays another."""
    names = [name for name in SCHEDULED if name not in off]
    nightly = [name for name in names if isinstance(SCHEDULED[name].when, Daily)]
    return [nightly, *([name] for name in names if name not in nightly)]


async def _keep_timetable(live: RuntimeHolder, lane: list[str], stop: asyncio.Event) -> None:
    # Not `while True`: a database failure during shutdown may replace the CancelledError, and the loop wouldn't end.
    while not stop.is_set():
        for name in lane:
            try:
                async with live.lease() as runtime:
                    await run_if_due(runtime, name)
            except Exception:
                # E.g. the database is unavailable: the slot stays free and the next tick retries.
                log.exception("timetable.failed", job=name)
        await _pause(stop, TICK_SECONDS)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _answer_doorbell(live: RuntimeHolder, stop: asyncio.Event) -> None:
    """Run wake-ups. While Redis is unavailable, retry the connection; the scheduled sweep covers the work meanwhile."""
    while not stop.is_set():
        try:
            pool = await create_pool(arq_settings(live.now.settings.redis_url), default_queue_name=QUEUE_NAME)
            await _listen(live, pool)
        except (RedisError, OSError) as error:
            log.warning("doorbell.unavailable", error=type(error).__name__)
        await _pause(stop, RETRY_SECONDS)


async def _listen(live: RuntimeHolder, pool: ArqRedis) -> None:
    worker = Worker(
        functions=[func(_wakeup(live, name), name=name, keep_result=0, max_tries=1) for name in WAKEUPS]
        + [func(_by_hand(live), name="job", keep_result=0, max_tries=1)],
        queue_name=QUEUE_NAME,
        redis_pool=pool,
        handle_signals=False,
        max_jobs=10,
        job_timeout=1800,
        poll_delay=0.1,
    )
    try:
        await worker.main()
    finally:
        # arq's close() aborts half-way if a job is cancelled with it, and would leak the pool's connections.
        await asyncio.gather(worker.close(), return_exceptions=True)
        await pool.aclose()


def _wakeup(live: RuntimeHolder, name: str) -> WorkerCoroutine:
    async def wake(_: dict[Any, Any], arguments: dict[str, str]) -> None:
        with structlog.contextvars.bound_contextvars(job=name):
            try:
                async with live.lease() as runtime:
                    await WAKEUPS[name](runtime, arguments)
            except Exception:
                log.exception("job.failed")

    return cast("WorkerCoroutine", wake)


def _by_hand(live: RuntimeHolder) -> WorkerCoroutine:
    async def run(_: dict[Any, Any], arguments: dict[str, str]) -> None:
        async with live.lease() as runtime:
            await run_job(runtime, arguments["name"])

    return cast("WorkerCoroutine", run)
