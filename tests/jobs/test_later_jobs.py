"""Jobs of a later time in a real Valkey."""

import datetime as dt

from arq.connections import create_pool

from backend.core import clock
from backend.core.queue import QUEUE_NAME, Job, RedisQueue, arq_settings
from tests.servers import Servers


async def test_many_who_want_the_same_second_get_one_job(servers: Servers) -> None:
    queue = RedisQueue(servers.redis_url)
    pool = await create_pool(arq_settings(servers.redis_url), default_queue_name=QUEUE_NAME)
    at = clock.now().replace(microsecond=400_000) + dt.timedelta(seconds=50)
    await queue.send([Job("refunds.send", at=at), Job("refunds.send", at=at + dt.timedelta(milliseconds=300))])
    await queue.send([Job("refunds.send", at=at)])
    later = f"refunds.send:{int(at.timestamp()) + 1}"
    waiting = [job for job in await pool.queued_jobs() if job.job_id == later]
    score = await pool.zscore(QUEUE_NAME, later)
    await pool.zrem(QUEUE_NAME, later)
    await queue.aclose()
    await pool.aclose()
    assert len(waiting) == 1
    # Real time, whatever the test clock shows: a worker waits in real seconds.
    delay = score / 1000 - waiting[0].enqueue_time.timestamp()
    assert 49 <= delay <= 51.5
