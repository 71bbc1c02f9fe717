"""Syncs and matches on several connections at once."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import select

from backend.community.camps import service as camps
from backend.community.checkins import flows, service
from backend.community.checkins.service import SyncRunning
from backend.community.matching import service as matching
from backend.community.matching.service import PlanetUserTaken
from backend.core.actor import SYSTEM
from backend.core.errors import AppError
from backend.models.checkins import SyncRun, SyncStatus, SyncTrigger
from backend.models.members import MatchStatus, Member
from backend.models.planets import PlanetUser
from backend.runtime import Runtime
from tests.community.checkins.stage import Stage, make_stage
from tests.conftest import Time
from tests.factories import make_member, make_planet_user
from tests.world import World


@pytest.fixture
async def stage(shared_runtime: Runtime, world: World, time: Time) -> Stage:
    return await make_stage(shared_runtime, world, time)


async def ask(stage: Stage) -> SyncRun:
    async with stage.runtime.db.transaction() as session:
        return await service.start(session, stage.camp.id, trigger=SyncTrigger.MANUAL, actor=SYSTEM)


async def test_of_many_who_ask_at_once_one_gets_a_run(stage: Stage) -> None:
    results = await asyncio.gather(*(ask(stage) for _ in range(8)), return_exceptions=True)
    assert Counter(type(each) for each in results) == {SyncRun: 1, SyncRunning: 7}


async def test_a_run_woken_up_several_times_at_once_is_read_once(stage: Stage) -> None:
    stage.posts(stage.person("小林"), 1)
    run = await ask(stage)
    outcomes = await asyncio.gather(*(flows.perform(stage.runtime, run.id) for _ in range(4)))
    assert sorted(outcomes, key=str) == [None, None, None, SyncStatus.COMPLETE]
    assert sum(call.path.endswith("/statistics") for call in stage.zsxq.calls) == 1


async def test_a_sync_a_batch_match_and_payments_at_once_end_as_one_after_the_other(stage: Stage) -> None:
    """All take the camp's row first, so none waits for another in a circle."""
    people = [stage.person(f"学员{number}") for number in range(12)]
    for user_id in people:
        stage.posts(user_id, 1)
    first = [await stage.member(user_id) for user_id in people[:6]]
    stage.time.set("2026-03-02 01:00")

    async def pay(user_id: str) -> Member:
        async with stage.runtime.db.transaction() as session:
            camp = await camps.lock_camp(session, stage.camp.id)
            member = await make_member(session, camp, planet_number=stage.number_of(user_id))
            await matching.match_member(session, member, camp, actor=SYSTEM)
            return member

    async def match() -> dict[str, int]:
        async with stage.runtime.db.transaction() as session:
            return await matching.match_camp(session, stage.camp.id, SYSTEM)

    results = await asyncio.gather(
        stage.sync(), *(pay(user_id) for user_id in people[6:]), match(), match(), return_exceptions=True
    )
    assert not [each for each in results if isinstance(each, BaseException)]
    await match()
    late = [each for each in results if isinstance(each, Member)]
    for member, user_id in zip([*first, *late], people, strict=True):
        found = await stage.fresh(member)
        assert (found.status, found.planet_user_id, found.days_posts) == (MatchStatus.MATCHED, user_id, 1)


async def test_of_two_members_given_one_person_at_once_one_gets_them(stage: Stage) -> None:
    async with stage.runtime.db.transaction() as session:
        person: PlanetUser = await make_planet_user(session, stage.planet)
    members = [await stage.member(planet_number=str(number)) for number in (9001, 9002)]

    async def give(member: Member) -> str:
        try:
            async with stage.runtime.db.transaction() as session:
                await matching.match_manually(session, member.id, planet_user_id=person.user_id, actor=SYSTEM)
        except AppError as error:
            return error.code
        return "ok"

    assert sorted(await asyncio.gather(*(give(member) for member in members))) == ["ok", PlanetUserTaken.code]
    async with stage.runtime.db.transaction() as session:
        holders = (await session.scalars(select(Member).where(Member.planet_user_id == person.user_id))).all()
    assert len(holders) == 1


async def test_failing_silent_runs_and_asking_anew_at_once_is_no_deadlock(stage: Stage) -> None:
    run = await ask(stage)
    async with stage.runtime.db.transaction() as session:
        await service.take_up(session, run.id, read_posts=True)
    stage.time.advance(11 * 60)
    results = await asyncio.gather(
        ask(stage), flows.sweep_syncs(stage.runtime), flows.sweep_syncs(stage.runtime), return_exceptions=True
    )
    assert not [each for each in results if isinstance(each, BaseException)]
    assert (await stage.fresh(run)).status is SyncStatus.FAILED
