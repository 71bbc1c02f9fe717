"""Sync runs: request, execution state, and the changes of a finished run.

Only a complete run changes counts. Counts and the matching that follows are one transaction.
Lock order: camp row, run row, member rows.
"""

import datetime as dt
import math
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.community.checkins import repository, rules
from backend.community.checkins.reading import Plan, Reading
from backend.community.checkins.repository import DayChanges
from backend.community.matching import service as matching
from backend.community.planets import service as planets
from backend.core import clock
from backend.core.actor import SYSTEM, Actor
from backend.core.errors import Conflict, TooMany
from backend.core.ids import new_id
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import SyncRun, SyncStatus, SyncTrigger
from backend.models.history import move
from backend.models.planets import CredentialStatus
from backend.office.audit import service as audit
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.service import To

SYNCED = (CampStatus.ENROLLING, CampStatus.ONGOING, CampStatus.ENDED, CampStatus.SETTLING)
SILENT_AFTER = dt.timedelta(minutes=10)
# Limits how many people a run's audit row lists, so that the row stays small.
_NAMED = 100


class SyncRunning(Conflict):
    """``data.sync_run_id`` is the running sync."""

    code, message = "sync_running", "该训练营正在同步，请稍后查看结果"


class SyncTooSoon(TooMany):
    code, status, message = "sync_too_soon", 429, "刚刚同步过，请稍后再试"


class PlanetCredentialInvalid(Conflict):
    code, message = "planet_credential_invalid", "星球凭证已失效，请先更新 Cookie"


class CampNotSyncable(Conflict):
    code, message = "camp_not_syncable", "训练营未发布、已归档或没有打卡项目，不能同步"


class RunOver(Exception):
    """The run was ended elsewhere while it was read. What was read must not be stored."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run isn't complete. ``message`` is Chinese and safe to show to users."""

    code: str
    message: str


async def start(
    session: AsyncSession, camp_id: uuid.UUID, *, trigger: SyncTrigger, actor: Actor, pause_seconds: int = 0
) -> SyncRun:
    """Create a run. The row itself is the queue entry: any worker may take it up.

    ``pause_seconds`` is the minimum interval between manual runs. Raises NotFound, CampNotSyncable, SyncRunning,
    PlanetCredentialInvalid, SyncTooSoon.
    """
    camp = await camps.lock_camp(session, camp_id)
    if camp.status not in SYNCED or camp.planet_id is None or camp.checkin_id is None:
        raise CampNotSyncable
    now = clock.now()
    running = await repository.running(session, camp_id)
    if running is not None:
        if running.heartbeat_at > now - SILENT_AFTER:
            raise SyncRunning(data={"sync_run_id": str(running.id)})
        await _abandon(session, running, camp)
    planet = await planets.get_planet(session, camp.planet_id)
    if planet.credential_status is CredentialStatus.CREDENTIAL_INVALID:
        raise PlanetCredentialInvalid
    if trigger is SyncTrigger.MANUAL:
        await _refuse_if_too_soon(session, camp_id, now=now, pause_seconds=pause_seconds)
    run = SyncRun(id=new_id(), camp_id=camp_id, trigger=trigger, heartbeat_at=now, started_at=now)
    session.add(run)
    await session.flush()
    if actor.kind == "staff":
        _audit(session, actor, run, camp)
    return run


async def _refuse_if_too_soon(
    session: AsyncSession, camp_id: uuid.UUID, *, now: dt.datetime, pause_seconds: int
) -> None:
    last = await repository.last_manual(session, camp_id)
    if last is None:
        return
    left = pause_seconds - (now - last).total_seconds()
    if left > 0:
        raise SyncTooSoon(retry_after=math.ceil(left))


async def take_up(session: AsyncSession, run_id: uuid.UUID, *, read_posts: bool) -> Plan | None:
    """Mark a run as taken up and return its plan. The caller holds the run's exclusive lock.

    None if the run is over, or the camp has no planet or check-in project.
    """
    run = await repository.run(session, run_id, lock=True)
    if run is None or run.status is not SyncStatus.RUNNING:
        return None
    camp = await camps.get_camp(session, run.camp_id)
    if camp.planet_id is None or camp.checkin_id is None:
        return None
    # heartbeat_at > started_at marks a run as taken up; equal means waiting. Without the extra microsecond, a run
    # taken up within the clock's resolution would look like a waiting one.
    run.heartbeat_at = max(clock.now(), run.started_at + dt.timedelta(microseconds=1))
    planet = await planets.get_planet(session, camp.planet_id)
    return Plan(run.id, camp.id, planet, camp.checkin_id, camp.starts_on, camp.ends_on, read_posts)


async def beat(session: AsyncSession, run_id: uuid.UUID, reading: Reading) -> None:
    """Write a run's heartbeat and progress. Raises RunOver if the run is over."""
    if not await repository.note_progress(session, run_id, heartbeat_at=clock.now(), **_progress(reading)):
        raise RunOver


def _progress(reading: Reading) -> dict[str, Any]:
    return {
        "pages_done": reading.pages,
        "people_seen": len(reading.people),
        "people_expected": reading.totals.checkined_count if reading.totals else None,
        "posts_seen": len(reading.posts),
        "rows_malformed": reading.malformed,
    }


async def finish(session: AsyncSession, plan: Plan, reading: Reading, failure: Failure | None) -> SyncStatus | None:
    """End a run with what was read. A complete one replaces the camp's counts and rematches its members.

    Returns the outcome; None if the run was over already, in which case nothing changes.
    """
    camp = await camps.lock_camp(session, plan.camp_id)
    run = await repository.run(session, plan.run_id, lock=True)
    if run is None or run.status is not SyncStatus.RUNNING:
        return None
    for name, value in _progress(reading).items():
        setattr(run, name, value)
    if camp.status is CampStatus.ARCHIVED:
        failure = failure or Failure("camp_archived", "训练营已归档，结果未采用")
    outcome = rules.judge(
        people=len(reading.people),
        expected=reading.totals.checkined_count if reading.totals else None,
        ranking_ended=reading.ranking_ended,
        posts_wanted=plan.read_posts,
        posts_ended=reading.posts_ended,
    )
    if failure is None and outcome is not SyncStatus.COMPLETE:
        failure = Failure("ranking_short", f"排行榜只读到 {run.people_seen} 人，应有 {run.people_expected} 人")
    if failure is not None:
        await _fail(session, run, camp, failure, SyncStatus.PARTIAL if reading.people else SyncStatus.FAILED)
        return run.status
    await _complete(session, plan, run, camp, reading)
    return run.status


async def give_up(session: AsyncSession, plan: Plan, failure: Failure) -> None:
    """End a run as failed after an unexpected exception; discards what was read."""
    camp = await camps.lock_camp(session, plan.camp_id)
    run = await repository.run(session, plan.run_id, lock=True)
    if run is not None and run.status is SyncStatus.RUNNING:
        await _fail(session, run, camp, failure, SyncStatus.FAILED)


async def abandon_silent(session: AsyncSession) -> int:
    """Fail runs without a heartbeat for ten minutes; returns how many."""
    before, abandoned = clock.now() - SILENT_AFTER, 0
    for camp_id in await repository.camps_with_silent_runs(session, before=before):
        camp = await camps.lock_camp(session, camp_id)
        run = await repository.running(session, camp_id)
        if run is not None and run.heartbeat_at < before:
            await _abandon(session, run, camp)
            abandoned += 1
    return abandoned


async def _abandon(session: AsyncSession, run: SyncRun, camp: Camp) -> None:
    await _fail(session, run, camp, Failure("abandoned", "同步中断，没有完成"), SyncStatus.FAILED)
    await session.flush()  # free uq_sync_runs_running, or the next run's INSERT violates it


async def _fail(session: AsyncSession, run: SyncRun, camp: Camp, failure: Failure, status: SyncStatus) -> None:
    """End a run without changing counts; notify staff once per camp and day."""
    run.error_code, run.error_message = failure.code, failure.message
    run.finished_at = clock.now()
    move(session, run, status, event=failure.code, actor=SYSTEM, note=failure.message)
    await notifications.notify(
        session,
        scenes.SYNC_FAILED,
        To.staff(camp.id),
        about=f"{camp.id}:{clock.today().isoformat()}",
        values={"camp": camp.name, "cause": failure.message, "time": clock.minute(run.finished_at)},
    )


async def _complete(session: AsyncSession, plan: Plan, run: SyncRun, camp: Camp, reading: Reading) -> None:
    now = clock.now()
    await _save_people(session, plan, reading, at=now)
    old = await repository.totals(session, camp.id)
    days, changes = None, DayChanges(0, [])
    if plan.read_posts:
        days = rules.days_of(reading.posts, starts_on=plan.starts_on, ends_on=plan.ends_on)
        changes = await repository.replace_days(session, camp.id, days)
    await repository.replace_totals(session, camp.id, _totals(run, reading, days))
    run.posts_read, run.finished_at = plan.read_posts, now
    move(session, run, SyncStatus.COMPLETE, event="complete", actor=SYSTEM)
    camp.last_complete_sync_at = now
    await session.flush()
    await matching.match_camp(session, camp.id, SYSTEM)
    _audit_changes(session, run, camp, old, await repository.totals(session, camp.id), changes)


async def _save_people(session: AsyncSession, plan: Plan, reading: Reading, *, at: dt.datetime) -> None:
    names = {post.user_id: (post.user_id, post.name, post.alias) for post in reading.posts}
    names |= {row.user_id: (row.user_id, row.name, row.alias) for row in reading.people.values()}
    names |= {member.user_id: (member.user_id, member.name, member.alias) for member in reading.members.values()}
    await repository.save_names(session, plan.planet.id, names.values(), at=at)
    await repository.save_numbers(session, plan.planet.id, list(reading.members.values()), reading.gone, at=at)


def _totals(run: SyncRun, reading: Reading, days: dict[tuple[str, dt.date], Any] | None) -> list[dict[str, Any]]:
    """One row per person of the ranking or posts. ``days_posts`` is None if posts weren't read."""
    by_posts: dict[str, int] = {}
    names = {row.user_id: (row.name, row.alias) for row in reading.people.values()}
    for (user_id, _), post in (days or {}).items():
        by_posts[user_id] = by_posts.get(user_id, 0) + 1
        names.setdefault(user_id, (post.name, post.alias))
    return [
        {
            "planet_user_id": user_id,
            "name": name,
            "alias": alias,
            "days_ranking": reading.people[user_id].days if user_id in reading.people else 0,
            "days_posts": by_posts.get(user_id, 0) if days is not None else None,
            "sync_run_id": run.id,
        }
        for user_id, (name, alias) in names.items()
    ]


Totals = dict[str, tuple[int, int | None]]


def _audit_changes(
    session: AsyncSession, run: SyncRun, camp: Camp, old: Totals, new: Totals, changes: DayChanges
) -> None:
    """Write one audit row with the differences; nothing if there are none. People who lost days come first."""
    none = (0, None)
    changed = [user_id for user_id in old.keys() | new.keys() if old.get(user_id, none) != new.get(user_id, none)]
    if not changed and not changes.added and not changes.removed:
        return
    changed.sort(key=lambda user_id: (new.get(user_id, none)[0] >= old.get(user_id, none)[0], user_id))
    named = changed[:_NAMED]
    removed = [f"{user_id} {day.isoformat()}" for user_id, day in changes.removed[:_NAMED]]
    _audit(
        session,
        SYSTEM,
        run,
        camp,
        before={"people": len(old), "days": {user_id: list(old.get(user_id, none)) for user_id in named}},
        after={
            "people": len(new),
            "days": {user_id: list(new.get(user_id, none)) for user_id in named},
            "people_changed": len(changed),
            "days_added": changes.added,
            "days_removed": len(changes.removed),
            "removed": removed,
        },
    )


def _audit(
    session: AsyncSession,
    actor: Actor,
    run: SyncRun,
    camp: Camp,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    audit.record(
        session,
        actor,
        "checkin.sync",
        target_type="sync_run",
        target_id=run.id,
        target_name=camp.name,
        camp_id=camp.id,
        before=before,
        after=after,
    )
