"""What isn't complete changes no count: B3, B18, B19; dead credentials, dead workers, lost wake-ups."""

import datetime as dt

import pytest
from sqlalchemy import select

from backend.community.checkins import flows, service
from backend.community.checkins.reading import Reading
from backend.community.checkins.service import (
    CampNotSyncable,
    PlanetCredentialInvalid,
    SyncRunning,
    SyncTooSoon,
)
from backend.core import clock
from backend.core.actor import SYSTEM
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import CheckinTotal, SyncRun, SyncStatus, SyncTrigger
from backend.models.history import StateChange
from backend.models.members import MatchStatus, Member
from backend.models.notifications import Notification
from backend.models.planets import CredentialStatus, Planet
from tests.community.checkins.stage import Stage
from tests.factories import make_camp, make_member, make_planet_user


async def ask(stage: Stage, *, pause_seconds: int = 0) -> SyncRun:
    async with stage.runtime.db.transaction() as session:
        return await service.start(
            session, stage.camp.id, trigger=SyncTrigger.MANUAL, actor=SYSTEM, pause_seconds=pause_seconds
        )


async def last_run(stage: Stage) -> SyncRun:
    async with stage.runtime.db.transaction() as session:
        found = (await session.scalars(select(SyncRun).order_by(SyncRun.created_at.desc()).limit(1))).one()
        await session.refresh(found)
        return found


async def alerts(stage: Stage, scene: str) -> list[Notification]:
    async with stage.runtime.db.transaction() as session:
        return list((await session.scalars(select(Notification).where(Notification.scene == scene))).all())


@pytest.fixture
async def counted(stage: Stage) -> Member:
    """A member of 30 with two days counted; everybody has checked in once more since."""
    people = [stage.person(f"学员{number}") for number in range(30)]
    member = await stage.member(people[0])
    for user_id in people:
        stage.posts(user_id, 1, 2)
    stage.time.set("2026-03-03 01:00")
    assert await stage.sync() is SyncStatus.COMPLETE
    for user_id in people:
        stage.posts(user_id, 3)
    stage.time.set("2026-03-04 01:00")
    return member


async def assert_untouched(stage: Stage, member: Member) -> None:
    found = await stage.fresh(member)
    assert (found.days_ranking, found.days_posts, found.status) == (2, 2, MatchStatus.MATCHED)
    async with stage.runtime.db.transaction() as session:
        totals = (await session.scalars(select(CheckinTotal.days_ranking))).all()
        camp = await session.get_one(Camp, stage.camp.id, populate_existing=True)
    assert set(totals) == {2}
    assert len(totals) == 30
    assert camp.last_complete_sync_at is not None
    assert clock.day_of(camp.last_complete_sync_at) == dt.date(2026, 3, 3)


async def test_a_failed_second_page_leaves_the_old_counts(stage: Stage, counted: Member) -> None:
    """B3: the predecessor took 21 of 75 people for everybody."""
    stage.zsxq.faults.set("http_5xx", path="ranking_list", page=2, times=None)
    assert await stage.sync() is SyncStatus.PARTIAL
    run = await last_run(stage)
    assert (run.people_seen, run.people_expected) == (21, 30)
    assert run.error_code == "server_error"
    assert run.error_message
    await assert_untouched(stage, counted)
    assert len(await alerts(stage, "sync_failed")) == 1


async def test_a_second_page_that_is_empty_once_is_no_end(stage: Stage, counted: Member) -> None:
    stage.zsxq.faults.set("empty_page", path="ranking_list", page=2)
    assert await stage.sync() is SyncStatus.COMPLETE
    assert (await stage.fresh(counted)).days_ranking == 3


async def test_a_ranking_that_stays_short_is_partial(stage: Stage, counted: Member) -> None:
    stage.zsxq.faults.set("empty_page", path="ranking_list", page=2, times=None)
    assert await stage.sync() is SyncStatus.PARTIAL
    assert (await last_run(stage)).error_code == "ranking_short"
    await assert_untouched(stage, counted)


async def test_a_ranking_that_is_short_once_is_read_again(stage: Stage, counted: Member) -> None:
    # The page is looked at twice before it is taken for the end; the second reading is whole.
    stage.zsxq.faults.set("empty_page", path="ranking_list", page=2, times=2)
    assert await stage.sync() is SyncStatus.COMPLETE
    assert (await stage.fresh(counted)).days_ranking == 3
    assert (await last_run(stage)).people_seen == 30


async def test_a_repeated_page_is_no_progress(stage: Stage, counted: Member) -> None:
    stage.zsxq.faults.set("repeat_page", path="ranking_list", page=2, times=None)
    assert await stage.sync() is SyncStatus.PARTIAL
    await assert_untouched(stage, counted)


async def test_posts_that_can_t_be_read_to_their_end_are_partial(stage: Stage, counted: Member) -> None:
    stage.zsxq.faults.set("http_5xx", path="/topics", skip=2, times=None)
    assert await stage.sync() is SyncStatus.PARTIAL
    await assert_untouched(stage, counted)


async def test_nothing_usable_is_failed(stage: Stage, counted: Member) -> None:
    stage.zsxq.faults.set("html_body", path="statistics", times=None)
    assert await stage.sync() is SyncStatus.FAILED
    await assert_untouched(stage, counted)


async def test_a_renamed_field_is_a_failure_and_never_nobody(stage: Stage, counted: Member) -> None:
    stage.zsxq.faults.set("rename_field", path="ranking_list", field="ranking_list", to="list", times=None)
    assert await stage.sync() is SyncStatus.FAILED
    assert (await last_run(stage)).error_code == "shape_changed"
    await assert_untouched(stage, counted)


async def test_a_row_that_makes_no_sense_is_counted_and_skipped(stage: Stage, counted: Member) -> None:
    """B19: odd content costs one row, not the run."""
    stage.zsxq.faults.set("junk_row", path="ranking_list", page=1)
    stage.zsxq.faults.set("junk_row", path="/topics")
    stage.zsxq.faults.set("extra_field", times=None)
    assert await stage.sync() is SyncStatus.COMPLETE
    assert (await last_run(stage)).rows_malformed >= 2
    assert (await stage.fresh(counted)).days_posts == 3


async def test_staff_are_told_of_failures_once_per_camp_and_day(stage: Stage, counted: Member) -> None:
    stage.zsxq.faults.set("http_5xx", path="ranking_list", times=None)
    await stage.sync()
    await stage.sync()
    assert len(await alerts(stage, "sync_failed")) == 1
    stage.time.set("2026-03-05 01:00")
    await stage.sync()
    assert len(await alerts(stage, "sync_failed")) == 2


@pytest.mark.parametrize("way", ["http", "body"])
async def test_a_dead_credential_stops_the_planet_s_syncs_and_alarms_once(stage: Stage, counted: Member, way) -> None:
    """B18: it dies silently, and the refusal may come in a 200 body."""
    stage.zsxq.auth_failure = way
    stage.zsxq.faults.set("expire_token", path="ranking_list", page=2)
    assert await stage.sync() is SyncStatus.PARTIAL
    assert (await last_run(stage)).error_code == "auth_expired"
    await assert_untouched(stage, counted)
    assert (await stage.fresh(stage.planet)).credential_status is CredentialStatus.CREDENTIAL_INVALID
    with pytest.raises(PlanetCredentialInvalid):
        await stage.sync()
    assert len(await alerts(stage, "credential_expired")) == 1


async def test_a_token_that_was_dead_and_is_saved_anew_reads_again(stage: Stage, counted: Member) -> None:
    stage.zsxq.set_token_state(stage.token, "kicked")
    await stage.sync()
    stage.zsxq.set_token_state(stage.token, "good")
    async with stage.runtime.db.transaction() as session:
        planet = await session.get_one(Planet, stage.planet.id)
        planet.credential_status = CredentialStatus.UNTESTED
    assert await stage.sync() is SyncStatus.COMPLETE


async def test_a_credential_that_dies_while_numbers_are_looked_up_costs_no_count(stage: Stage) -> None:
    lin = stage.person("小林")
    member = await stage.member(planet_number="4444", planet_nickname="小林")
    stage.posts(lin, 1)
    stage.time.set("2026-03-02 01:00")
    stage.zsxq.faults.set("expire_token", path=f"/members/{lin}")
    assert await stage.sync() is SyncStatus.COMPLETE
    assert (await stage.fresh(member)).days_posts == 1
    assert (await stage.fresh(stage.planet)).credential_status is CredentialStatus.CREDENTIAL_INVALID


async def test_a_token_that_no_key_opens_is_a_failure_and_not_a_crash(stage: Stage) -> None:
    async with stage.runtime.db.transaction() as session:
        planet = await session.get_one(Planet, stage.planet.id)
        planet.sealed_token = stage.runtime.secrets.seal("a-token-of-another-planet", context="planet:other")
    assert await stage.sync() is SyncStatus.FAILED
    assert (await last_run(stage)).error_code == "credential_unreadable"


async def test_one_run_at_a_time(stage: Stage) -> None:
    run = await ask(stage)
    with pytest.raises(SyncRunning) as refused:
        await ask(stage)
    assert refused.value.data == {"sync_run_id": str(run.id)}


async def test_people_may_ask_again_after_a_pause_only(stage: Stage) -> None:
    run = await ask(stage)
    assert await flows.perform(stage.runtime, run.id) is SyncStatus.COMPLETE
    with pytest.raises(SyncTooSoon) as refused:
        await ask(stage, pause_seconds=300)
    assert 295 <= refused.value.retry_after <= 300
    stage.time.advance(301)
    assert (await ask(stage, pause_seconds=300)).status is SyncStatus.RUNNING


async def test_the_nightly_run_needs_no_pause(stage: Stage) -> None:
    await flows.perform(stage.runtime, (await ask(stage)).id)
    assert await stage.sync() is SyncStatus.COMPLETE


@pytest.mark.parametrize("status", [CampStatus.DRAFT, CampStatus.ARCHIVED])
async def test_drafts_and_archived_camps_are_not_read(stage: Stage, status: CampStatus) -> None:
    async with stage.runtime.db.transaction() as session:
        (await session.get_one(Camp, stage.camp.id)).status = status
    with pytest.raises(CampNotSyncable):
        await ask(stage)


async def test_a_camp_without_a_project_is_not_read(stage: Stage) -> None:
    async with stage.runtime.db.transaction() as session:
        (await session.get_one(Camp, stage.camp.id)).checkin_id = None
    with pytest.raises(CampNotSyncable):
        await ask(stage)


async def test_an_unknown_project_says_so(stage: Stage) -> None:
    async with stage.runtime.db.transaction() as session:
        (await session.get_one(Camp, stage.camp.id)).checkin_id = "5555555555"
    assert await stage.sync() is SyncStatus.FAILED
    run = await last_run(stage)
    assert run.error_code == "not_found"
    assert "打卡项目" in (run.error_message or "")


async def test_a_run_whose_worker_died_is_failed_and_makes_room(stage: Stage) -> None:
    run = await ask(stage)
    async with stage.runtime.db.transaction() as session:
        await service.take_up(session, run.id, read_posts=True)
    stage.time.advance(9 * 60)
    assert await flows.sweep_syncs(stage.runtime) == {"abandoned": 0, "taken_up": 0}
    stage.time.advance(2 * 60)
    assert await flows.sweep_syncs(stage.runtime) == {"abandoned": 1, "taken_up": 0}
    assert (await last_run(stage)).error_code == "abandoned"
    assert await stage.sync() is SyncStatus.COMPLETE


async def test_asking_again_fails_a_silent_run_first(stage: Stage) -> None:
    run = await ask(stage)
    async with stage.runtime.db.transaction() as session:
        await service.take_up(session, run.id, read_posts=True)
    stage.time.advance(11 * 60)
    newer = await ask(stage)
    assert newer.id != run.id
    assert (await stage.fresh(run)).status is SyncStatus.FAILED


async def test_what_a_late_worker_read_is_thrown_away(stage: Stage, counted: Member) -> None:
    """Its run was failed meanwhile; a newer one may have stored newer counts."""
    run = await ask(stage)
    async with stage.runtime.db.transaction() as session:
        plan = await service.take_up(session, run.id, read_posts=True)
    assert plan is not None
    stage.time.advance(11 * 60)
    await flows.sweep_syncs(stage.runtime)
    with pytest.raises(service.RunOver):
        async with stage.runtime.db.transaction() as session:
            await service.beat(session, run.id, Reading())
    async with stage.runtime.db.transaction() as session:
        assert await service.finish(session, plan, Reading(), None) is None
    await assert_untouched(stage, counted)


async def test_a_lost_wake_up_is_made_up_by_the_sweep(stage: Stage) -> None:
    run = await ask(stage)
    assert (await flows.sweep_syncs(stage.runtime))["taken_up"] == 0
    stage.time.advance(31)
    assert (await flows.sweep_syncs(stage.runtime))["taken_up"] == 1
    assert (await stage.fresh(run)).status is SyncStatus.COMPLETE


async def test_a_wake_up_that_comes_twice_reads_once(stage: Stage) -> None:
    run = await ask(stage)
    await flows.sync(stage.runtime, {"run_id": str(run.id)})
    calls = len(stage.zsxq.calls)
    await flows.sync(stage.runtime, {"run_id": str(run.id)})
    assert len(stage.zsxq.calls) == calls
    async with stage.runtime.db.transaction() as session:
        moves = (await session.scalars(select(StateChange).where(StateChange.entity_id == run.id))).all()
    assert [each.to_state for each in moves] == ["complete"]


async def test_a_wake_up_for_nothing_does_nothing(stage: Stage) -> None:
    await flows.sync(stage.runtime, {"run_id": str(stage.camp.id)})
    await flows.sync(stage.runtime, {"run_id": "nonsense"})
    assert not stage.zsxq.calls


async def test_an_archive_while_reading_keeps_the_counts(stage: Stage, counted: Member) -> None:
    run = await ask(stage)
    async with stage.runtime.db.transaction() as session:
        plan = await service.take_up(session, run.id, read_posts=True)
        (await session.get_one(Camp, stage.camp.id)).status = CampStatus.ARCHIVED
    assert plan is not None
    async with stage.runtime.db.transaction() as session:
        await service.finish(session, plan, Reading(ranking_ended=True, posts_ended=True), None)
    assert (await stage.fresh(run)).error_code == "camp_archived"
    await assert_untouched(stage, counted)


async def test_the_nightly_job_reads_running_and_unsettled_camps(stage: Stage) -> None:
    lin = stage.person("小林")
    member = await stage.member(lin)
    stage.posts(lin, 1)
    others = {}
    async with stage.runtime.db.transaction() as session:
        for status in (CampStatus.ENROLLING, CampStatus.ENDED, CampStatus.SETTLING, CampStatus.ARCHIVED):
            checkin_id = stage.zsxq.add_project(status, group_id=stage.group_id)
            others[status] = await make_camp(
                session, planet_id=stage.planet.id, checkin_id=checkin_id, status=status, starts_on=dt.date(2026, 2, 1)
            )
    stage.time.set("2026-03-02 01:00")
    assert await flows.checkin_sync(stage.runtime) == {
        "complete": 3,
        "partial": 0,
        "failed": 0,
        "skipped": 0,
        "matched": 0,
    }
    async with stage.runtime.db.transaction() as session:
        read = set((await session.scalars(select(SyncRun.camp_id))).all())
    assert read == {stage.camp.id, others[CampStatus.ENDED].id, others[CampStatus.SETTLING].id}
    assert (await stage.fresh(member)).days_posts == 1
    assert (await flows.checkin_sync(stage.runtime))["complete"] == 3


async def test_one_camp_s_failure_doesn_t_keep_the_others_from_being_read(stage: Stage) -> None:
    async with stage.runtime.db.transaction() as session:
        await make_camp(
            session,
            planet_id=stage.planet.id,
            checkin_id="5555555555",
            status=CampStatus.ONGOING,
            starts_on=dt.date(2026, 2, 1),
        )
    summary = await flows.checkin_sync(stage.runtime)
    assert (summary["complete"], summary["failed"]) == (1, 1)


async def test_a_dead_credential_skips_the_planet_s_other_camps_but_matches_them(stage: Stage) -> None:
    stage.zsxq.set_token_state(stage.token, "revoked")
    async with stage.runtime.db.transaction() as session:
        other = await make_camp(
            session, planet_id=stage.planet.id, status=CampStatus.ONGOING, starts_on=dt.date(2026, 3, 2)
        )
        await make_planet_user(session, stage.planet, number="55")
        await make_member(session, other, planet_number="55")
    summary = await flows.checkin_sync(stage.runtime)
    assert (summary["failed"], summary["skipped"], summary["matched"]) == (1, 1, 1)
