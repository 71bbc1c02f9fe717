"""The nightly job that follows the dates."""

import datetime as dt

from sqlalchemy import select

from backend.community.camps.flows import camp_states
from backend.community.camps.service import follow_the_date
from backend.core import clock
from backend.core.db import Database
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.history import StateChange
from backend.runtime import Runtime
from tests.conftest import Time
from tests.factories import make_camp


async def status_of(db: Database, camp: Camp) -> CampStatus:
    async with db.transaction() as session:
        found = await session.get(Camp, camp.id)
        assert found is not None
        return found.status


async def test_a_camp_runs_from_its_first_day_to_the_end_of_its_last(
    db: Database, runtime: Runtime, time: Time
) -> None:
    async with db.transaction() as session:
        camp = await make_camp(session, starts_on=dt.date(2026, 3, 3), ends_on=dt.date(2026, 3, 5))
    for instant, status in [
        ("2026-03-02 23:59", CampStatus.ENROLLING),
        ("2026-03-03 00:05", CampStatus.ONGOING),
        ("2026-03-05 23:58", CampStatus.ONGOING),
        ("2026-03-06 00:05", CampStatus.ENDED),
    ]:
        time.set(instant)
        await camp_states(runtime)
        assert await status_of(db, camp) is status


async def test_running_twice_changes_nothing_more(db: Database, runtime: Runtime) -> None:
    async with db.transaction() as session:
        camp = await make_camp(session, starts_on=clock.today())
    assert await camp_states(runtime) == {"started": 1, "ended": 0}
    assert await camp_states(runtime) == {"started": 0, "ended": 0}
    async with db.transaction() as session:
        moves = (await session.scalars(select(StateChange).where(StateChange.entity_id == camp.id))).all()
        log = (await session.scalars(select(AuditEntry).where(AuditEntry.target_id == camp.id))).all()
    assert [(move.from_state, move.to_state, move.actor_kind) for move in moves] == [("enrolling", "ongoing", "system")]
    assert [(entry.action, entry.actor_name) for entry in log] == [("camp.start", "system")]


async def test_a_camp_missed_for_long_makes_both_moves(db: Database, runtime: Runtime, time: Time) -> None:
    async with db.transaction() as session:
        camp = await make_camp(session)
    time.set("2026-04-01 00:05")
    assert await camp_states(runtime) == {"started": 1, "ended": 1}
    assert await status_of(db, camp) is CampStatus.ENDED


async def test_drafts_deleted_and_finished_camps_are_left_alone(db: Database, runtime: Runtime, time: Time) -> None:
    async with db.transaction() as session:
        camps = [await make_camp(session, status=status) for status in ("draft", "ended", "settling", "archived")]
        camps.append(await make_camp(session, deleted_at=clock.now()))
    before = [camp.status for camp in camps]
    time.set("2026-04-01 00:05")
    assert await camp_states(runtime) == {"started": 0, "ended": 0}
    assert [await status_of(db, camp) for camp in camps] == before


async def test_a_camp_withdrawn_since_it_was_listed_stays_withdrawn(db: Database, time: Time) -> None:
    async with db.transaction() as session:
        withdrawn = await make_camp(session, status=CampStatus.DRAFT)
        deleted = await make_camp(session, deleted_at=clock.now())
    time.set("2026-04-01 00:05")
    async with db.transaction() as session:
        assert await follow_the_date(session, withdrawn.id) == []
        assert await follow_the_date(session, deleted.id) == []


async def test_the_last_day_is_still_the_camps(db: Database, time: Time) -> None:
    """B1: what is posted late on the last day counts, so a camp looked at by hand that evening isn't over."""
    async with db.transaction() as session:
        camp = await make_camp(session, starts_on=dt.date(2026, 3, 3), ends_on=dt.date(2026, 3, 5))
    time.set("2026-03-02 23:59")
    async with db.transaction() as session:
        assert await follow_the_date(session, camp.id) == []
    time.set("2026-03-05 23:59")
    async with db.transaction() as session:
        assert await follow_the_date(session, camp.id) == [CampStatus.ONGOING]
