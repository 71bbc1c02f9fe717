"""Reading check-ins: the nightly job, the wake-up after a person's wish, and the sweep of what was missed."""

import datetime as dt
import uuid
from collections import Counter
from typing import Any

import structlog

from backend.community.checkins import reading as reads
from backend.community.checkins import repository, service
from backend.community.checkins.reading import Plan, Reading
from backend.community.checkins.service import Failure
from backend.community.matching import service as matching
from backend.community.planets import flows as planet_flows
from backend.community.planets import service as planets
from backend.core import clock
from backend.core.actor import SYSTEM, Actor
from backend.core.errors import AppError
from backend.core.ids import parse_id
from backend.gateways import zsxq
from backend.gateways.errors import GatewayError
from backend.models.camps import CampStatus
from backend.models.checkins import SyncStatus, SyncTrigger
from backend.runtime import Runtime

log = structlog.get_logger(__name__)

# A wake-up that didn't come within this time was lost.
_WAKE_UP_LOST = dt.timedelta(seconds=30)


async def sync_camp(
    runtime: Runtime, camp_id: uuid.UUID, *, trigger: SyncTrigger, actor: Actor = SYSTEM
) -> SyncStatus | None:
    """Read one camp's check-ins now. None when another process ended the run.

    Raises NotFound, CampNotSyncable, SyncRunning, PlanetCredentialInvalid, SyncTooSoon.
    """
    async with runtime.db.transaction() as session:
        run = await service.start(
            session,
            camp_id,
            trigger=trigger,
            actor=actor,
            pause_seconds=runtime.settings.sync.manual_pause_seconds,
        )
    return await perform(runtime, run.id)


async def perform(runtime: Runtime, run_id: uuid.UUID) -> SyncStatus | None:
    """Take up a run and see it to its end. None when it is over, or another process is at it."""
    async with runtime.db.exclusive(f"checkins.sync:{run_id}") as alone:
        if not alone:
            return None
        async with runtime.db.transaction() as session:
            plan = await service.take_up(session, run_id, read_posts=runtime.settings.zsxq.read_posts)
        if plan is None:
            return None
        try:
            return await _read_and_store(runtime, plan)
        except service.RunOver:
            log.warning("checkins.run_taken_away", run_id=str(run_id))
            return None
        except Exception:
            async with runtime.db.transaction() as session:
                await service.give_up(session, plan, Failure("internal_error", "同步程序出错，请联系技术人员"))
            raise


async def _read_and_store(runtime: Runtime, plan: Plan) -> SyncStatus | None:
    reading, failure = Reading(), None
    try:
        view = planets.planet_gateway(runtime, plan.planet)
    except planets.CredentialUnreadable as error:
        failure = Failure(error.code, error.text)
        await _note_dead_credential(runtime, plan, error.text)
    else:
        await _read(runtime, plan, view, reading)
        await _note_credential(runtime, plan, reading)
        failure = _failure(reading.error) if reading.error else None
    async with runtime.db.transaction() as session:
        return await service.finish(session, plan, reading, failure)


async def _read(runtime: Runtime, plan: Plan, view: zsxq.Planet, reading: Reading) -> None:
    async def beat(reading: Reading) -> None:
        async with runtime.db.transaction() as session:
            await service.beat(session, plan.run_id, reading)

    await reads.read_project(view, plan, reading, beat)
    if reading.error is not None:
        return
    seen = reading.people.keys() | {post.user_id for post in reading.posts}
    async with runtime.db.transaction() as session:
        new = await repository.people_without_number(session, plan.planet.id, seen)
    await reads.look_up_numbers(view, new, reading, beat)


async def _note_credential(runtime: Runtime, plan: Plan, reading: Reading) -> None:
    """Keep what the reading showed of the credential: a dead one stops the planet's syncs until a person acts."""
    error = reading.error or reading.numbers_error
    if isinstance(error, zsxq.AuthExpired):
        await _note_dead_credential(runtime, plan, planet_flows.explain(error))
    elif reading.error is None:
        async with runtime.db.transaction() as session:
            await planets.credential_works(session, plan.planet)


async def _note_dead_credential(runtime: Runtime, plan: Plan, reason: str) -> None:
    async with runtime.db.transaction() as session:
        await planets.credential_failed(session, plan.planet, reason=reason)


def _failure(error: GatewayError) -> Failure:
    if isinstance(error, zsxq.NotFound):
        return Failure(error.code, "星球上找不到该打卡项目，请检查打卡项目编号")
    return Failure(error.code, planet_flows.explain(error))


async def checkin_sync(runtime: Runtime) -> dict[str, Any]:
    """Job, 01:00: read every camp that runs, and every camp that is over but not archived, one after the other.

    Its last day is only over when the camp is, so camps stay in until they are settled. A complete run matches and
    counts; all other live camps are matched too, since any run may have told who somebody is.
    Returns how many runs ended how; ``skipped`` are those that could not begin.
    """
    reading = {CampStatus.ONGOING, CampStatus.ENDED, CampStatus.SETTLING}
    async with runtime.db.transaction() as session:
        camps = await repository.camps_in(session, service.SYNCED)
    counts = Counter(complete=0, partial=0, failed=0, skipped=0, matched=0)
    stale = [camp.id for camp in camps if camp.status not in reading]
    for camp in camps:
        if camp.status in reading:
            outcome = await _sync_in_turn(runtime, camp.id)
            counts[outcome] += 1
            if outcome != SyncStatus.COMPLETE:
                stale.append(camp.id)
    for camp_id in stale:
        counts["matched"] += await _match_again(runtime, camp_id)
    return dict(counts)


async def _match_again(runtime: Runtime, camp_id: uuid.UUID) -> int:
    try:
        async with runtime.db.transaction() as session:
            return (await matching.match_camp(session, camp_id, SYSTEM))["changed"]
    except AppError:
        return 0  # archived or deleted since the job began


async def _sync_in_turn(runtime: Runtime, camp_id: uuid.UUID) -> str:
    """One camp of many: its failure doesn't keep the others from being read."""
    try:
        outcome = await sync_camp(runtime, camp_id, trigger=SyncTrigger.SCHEDULER)
    except AppError as error:
        log.info("checkins.sync_skipped", camp_id=str(camp_id), code=error.code)
        return "skipped"
    except Exception:
        log.exception("checkins.sync_broke", camp_id=str(camp_id))
        return "failed"
    return outcome.value if outcome is not None else "skipped"


async def sync(runtime: Runtime, arguments: dict[str, str]) -> None:
    """Wake-up ``checkins.sync``: take up the run somebody asked for."""
    run_id = parse_id(arguments["run_id"])
    if run_id is not None:
        await perform(runtime, run_id)


async def sweep_syncs(runtime: Runtime) -> dict[str, Any]:
    """Each minute: fail the runs whose worker died, and take up those whose wake-up was lost."""
    async with runtime.db.transaction() as session:
        abandoned = await service.abandon_silent(session)
        waiting = await repository.waiting(session, before=clock.now() - _WAKE_UP_LOST)
    for run_id in waiting:
        await perform(runtime, run_id)
    return {"abandoned": abandoned, "taken_up": len(waiting)}
