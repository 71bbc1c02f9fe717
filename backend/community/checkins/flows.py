"""Check-in syncs: the nightly job, the wake-up after a manual request, and the sweep of stuck runs."""

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

# A run not taken up within this time has lost its wake-up; the sweep takes it up.
_WAKE_UP_LOST = dt.timedelta(seconds=30)


async def sync_camp(
    runtime: Runtime, camp_id: uuid.UUID, *, trigger: SyncTrigger, actor: Actor = SYSTEM
) -> SyncStatus | None:
    """Sync one camp's check-ins now. None if another process took up or ended the run.

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
    """Take up a run and finish it. None if another process holds its lock or the run is over."""
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
    """Record whether the credential worked. An expired one stops the planet's syncs until staff act."""
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
    """Job, 01:00: sync all ongoing camps and all ended, unarchived ones, one after the other.

    Ended camps stay included until archived: only a run after the last day sees that day completely.
    A complete run also rematches its camp. All other live camps are rematched too, since any run may have identified
    new people. Returns the number of runs per outcome (``skipped``: not started), and of matches changed (``matched``)
    in those other camps.
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
    """Sync one camp. Catches every error, so that one camp's failure doesn't stop the others."""
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
    """Wake-up ``checkins.sync``: take up the requested run."""
    run_id = parse_id(arguments["run_id"])
    if run_id is not None:
        await perform(runtime, run_id)


async def sweep_syncs(runtime: Runtime) -> dict[str, Any]:
    """Job, every minute: fail runs whose worker died, and take up runs whose wake-up was lost."""
    async with runtime.db.transaction() as session:
        abandoned = await service.abandon_silent(session)
        waiting = await repository.waiting(session, before=clock.now() - _WAKE_UP_LOST)
    for run_id in waiting:
        await perform(runtime, run_id)
    return {"abandoned": abandoned, "taken_up": len(waiting)}
