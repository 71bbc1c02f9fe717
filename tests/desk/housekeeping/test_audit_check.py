"""The nightly look at the audit log."""

from sqlalchemy import select

from backend.desk.housekeeping.flows import housekeeping
from backend.jobs import run_job
from backend.models.jobs import JobRun
from backend.models.notifications import Notification
from backend.runtime import Runtime
from tests.conftest import Time
from tests.office.audit.chained import REHASH, tamper, write


async def check(runtime: Runtime) -> bool:
    return await run_job(runtime, "audit_check")


async def alerts(runtime: Runtime) -> list[str]:
    async with runtime.db.transaction() as session:
        rows = await session.scalars(select(Notification.content).where(Notification.scene == "audit_damaged"))
        return list(rows)


async def test_the_head_is_noted(shared_runtime: Runtime) -> None:
    assert await check(shared_runtime)
    await write(shared_runtime.db, "a", "b")
    assert await check(shared_runtime)
    async with shared_runtime.db.transaction() as session:
        runs = (await session.scalars(select(JobRun).order_by(JobRun.created_at))).all()
    assert [run.summary and run.summary["rows"] for run in runs] == [0, 2]
    assert await alerts(shared_runtime) == []


async def test_damage_fails_the_job_and_tells_staff_once(shared_runtime: Runtime, time: Time) -> None:
    await write(shared_runtime.db, "a", "b")
    assert await check(shared_runtime)
    await tamper(shared_runtime.db, "UPDATE audit_log SET note = 'x' WHERE seq = 2")
    assert not await check(shared_runtime)
    assert not await check(shared_runtime)
    (told,) = await alerts(shared_runtime)
    assert told.startswith("操作日志第 2 条（2026-03-01 10:00:")
    assert "test.act）内容被改动" in told


async def test_what_was_rewritten_since_the_last_check_is_found(shared_runtime: Runtime) -> None:
    await write(shared_runtime.db, "a", "b", "c")
    assert await check(shared_runtime)
    await tamper(shared_runtime.db, "UPDATE audit_log SET note = 'x' WHERE seq = 2", *REHASH, kept=1)
    assert not await check(shared_runtime)
    assert "第 3 条" in (await alerts(shared_runtime))[0]


async def test_the_noted_head_outlives_old_job_records(shared_runtime: Runtime, time: Time) -> None:
    """Or a log rewritten while the nightly jobs stood still would be taken for the true one."""
    await write(shared_runtime.db, "a", "b", "c")
    assert await check(shared_runtime)
    assert await check(shared_runtime)
    time.advance((shared_runtime.settings.retention.job_run_days + 1) * 86_400)
    assert (await housekeeping(shared_runtime))["job_runs"] == 1
    await tamper(shared_runtime.db, "UPDATE audit_log SET note = 'x' WHERE seq = 2", *REHASH, kept=1)
    assert not await check(shared_runtime)
