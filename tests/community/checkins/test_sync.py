"""Whole runs against the simulator: what counts, what doesn't, and what is written down."""

import datetime as dt

from sqlalchemy import select

from backend.models.audit import AuditEntry
from backend.models.checkins import Checkin, CheckinTotal, SyncRun, SyncStatus
from backend.models.members import MatchMethod, MatchStatus, Member
from backend.models.planets import CredentialStatus, PlanetUser
from tests.community.checkins.stage import Stage


async def only_run(stage: Stage) -> SyncRun:
    async with stage.runtime.db.transaction() as session:
        return (await session.scalars(select(SyncRun))).one()


async def counts(stage: Stage, member: Member) -> tuple[int | None, int | None]:
    found = await stage.fresh(member)
    return found.days_ranking, found.days_posts


async def test_a_complete_run_matches_and_counts(stage: Stage) -> None:
    lin, chen = stage.person("小林"), stage.person("陈西")
    paid, absent = await stage.member(lin), await stage.member(planet_number="4444", planet_nickname="陈西")
    stage.posts(lin, 1, 2, 3)
    stage.posts(lin, 2, hour="21:00")
    stage.posts(chen, 4)
    stage.time.set("2026-03-05 01:00")

    assert await stage.sync() is SyncStatus.COMPLETE

    member, other = await stage.fresh(paid), await stage.fresh(absent)
    assert (member.status, member.confidence, member.planet_user_id) == (MatchStatus.MATCHED, 100, lin)
    assert (other.status, other.confidence, other.planet_user_id) == (MatchStatus.MATCHED, 66, chen)
    assert (member.days_ranking, member.days_posts) == (3, 3)
    assert (other.days_ranking, other.days_posts) == (1, 1)
    run = await only_run(stage)
    assert (run.people_seen, run.people_expected, run.posts_seen, run.posts_read) == (2, 2, 5, True)
    assert run.error_code is None
    assert member.counted_at == run.finished_at == (await stage.fresh(stage.camp)).last_complete_sync_at


async def test_a_post_two_minutes_before_the_last_midnight_counts_in_the_run_after_the_camp(stage: Stage) -> None:
    """B1: the camp has ended by date when its last day can be read for the first time."""
    lin = stage.person("小林")
    member = await stage.member(lin)
    stage.posts(lin, *range(1, 7))
    stage.post_at(lin, "2026-03-10 23:58")
    stage.post_at(lin, "2026-03-11 00:00")
    stage.time.set("2026-03-11 01:00")
    assert await stage.sync() is SyncStatus.COMPLETE
    # The ranking counts the whole project, and so the day after the end; the posts know the camp's dates.
    assert await counts(stage, member) == (8, 7)


async def test_numbers_are_learnt_once_per_person(stage: Stage) -> None:
    """B2 and B20: rankings don't tell the number that people type."""
    lin = stage.person("小林")
    stage.posts(lin, 1)
    stage.time.set("2026-03-02 01:00")
    await stage.sync()
    await stage.sync()
    looked_up = [call for call in stage.zsxq.calls if call.path.endswith(f"/members/{lin}")]
    assert len(looked_up) == 1
    async with stage.runtime.db.transaction() as session:
        person = await session.get_one(PlanetUser, (stage.planet.id, lin))
    assert person.number == stage.number_of(lin)


async def test_many_new_people_are_learnt_from_the_list(stage: Stage) -> None:
    for number in range(60):
        stage.posts(stage.person(f"学员{number}"), 1)
    stage.time.set("2026-03-02 01:00")
    assert await stage.sync() is SyncStatus.COMPLETE
    paths = [call.path for call in stage.zsxq.calls]
    assert sum(path.endswith("/members") for path in paths) >= 1
    assert not any("/members/" in path for path in paths)
    async with stage.runtime.db.transaction() as session:
        people = (await session.scalars(select(PlanetUser).where(PlanetUser.planet_id == stage.planet.id))).all()
    assert len(people) == 61  # everybody who posted, and the owner
    assert all(person.number for person in people)


async def test_who_may_not_list_members_looks_them_up_one_by_one(stage: Stage) -> None:
    stage.zsxq.group(stage.group_id).members_visibility = "admins"
    people = [stage.person(f"学员{number}") for number in range(25)]
    for user_id in people:
        stage.posts(user_id, 1)
    stage.zsxq.tokens[stage.token].user_id = people[0]
    stage.time.set("2026-03-02 01:00")
    assert await stage.sync() is SyncStatus.COMPLETE
    looked_up = [call.path for call in stage.zsxq.calls if "/members/" in call.path]
    assert len(looked_up) == len(set(looked_up)) == 25


async def test_who_left_the_planet_still_counts(stage: Stage) -> None:
    lin = stage.person("小林")
    member = await stage.member(planet_number="4444", planet_nickname="小林")
    stage.posts(lin, 1, 2)
    stage.zsxq.leave(lin, group_id=stage.group_id)
    stage.time.set("2026-03-03 01:00")
    assert await stage.sync() is SyncStatus.COMPLETE
    assert await counts(stage, member) == (2, 2)
    async with stage.runtime.db.transaction() as session:
        assert (await session.get_one(PlanetUser, (stage.planet.id, lin))).left


async def test_a_refused_look_up_doesn_t_spoil_the_counts(stage: Stage) -> None:
    lin = stage.person("小林")
    member = await stage.member(planet_number="4444", planet_nickname="小林")
    stage.posts(lin, 1)
    stage.zsxq.faults.set("http_5xx", path=f"/members/{lin}", times=None)
    stage.time.set("2026-03-02 01:00")
    assert await stage.sync() is SyncStatus.COMPLETE
    assert await counts(stage, member) == (1, 1)
    stage.zsxq.faults.clear()
    await stage.sync()
    async with stage.runtime.db.transaction() as session:
        assert (await session.get_one(PlanetUser, (stage.planet.id, lin))).number


async def test_absent_from_the_ranking_means_no_day(stage: Stage) -> None:
    lin = stage.person("小林")
    member = await stage.member(planet_number="77", planet_user_id=lin)
    async with stage.runtime.db.transaction() as session:
        (await session.get_one(Member, member.id)).match_method = MatchMethod.MANUAL
    stage.time.set("2026-03-02 01:00")
    assert await stage.sync() is SyncStatus.COMPLETE
    assert await counts(stage, member) == (0, 0)


async def test_an_unmatched_member_has_no_counts(stage: Stage) -> None:
    member = await stage.member(planet_number="4444")
    stage.posts(stage.person("小林"), 1)
    stage.time.set("2026-03-02 01:00")
    await stage.sync()
    assert await counts(stage, member) == (None, None)


async def test_a_deleted_post_takes_its_day_away_and_is_written_down(stage: Stage) -> None:
    lin = stage.person("小林")
    member = await stage.member(lin)
    gone, _ = stage.posts(lin, 1, 2)
    stage.time.set("2026-03-03 01:00")
    await stage.sync()
    stage.zsxq.delete_post(gone)
    await stage.sync()
    assert await counts(stage, member) == (1, 1)
    async with stage.runtime.db.transaction() as session:
        days = (await session.scalars(select(Checkin.day))).all()
        rows = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "checkin.sync"))).all()
    assert days == [dt.date(2026, 3, 2)]
    last = max(rows, key=lambda row: (row.created_at, row.id))
    assert last.before is not None
    assert last.after is not None
    assert (last.before["days"], last.after["days"]) == ({lin: [2, 2]}, {lin: [1, 1]})
    assert last.after["removed"] == [f"{lin} 2026-03-01"]


async def test_an_unchanged_second_run_changes_and_logs_nothing(stage: Stage) -> None:
    lin = stage.person("小林")
    member = await stage.member(lin)
    stage.posts(lin, 1)
    stage.time.set("2026-03-02 01:00")
    assert await stage.sync() is SyncStatus.COMPLETE
    assert await stage.sync() is SyncStatus.COMPLETE
    assert await counts(stage, member) == (1, 1)
    async with stage.runtime.db.transaction() as session:
        rows = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "checkin.sync"))).all()
    assert len(rows) == 1


async def test_an_edited_post_keeps_its_day_with_the_new_text(stage: Stage) -> None:
    lin = stage.person("小林")
    (topic,) = stage.posts(lin, 1)
    stage.time.set("2026-03-02 01:00")
    await stage.sync()
    stage.zsxq.edit_post(topic, "改过的内容")
    await stage.sync()
    async with stage.runtime.db.transaction() as session:
        (row,) = (await session.scalars(select(Checkin))).all()
        await session.refresh(row)
    assert (row.day, row.excerpt) == (dt.date(2026, 3, 1), "改过的内容")


async def test_people_without_an_enrolment_are_kept(stage: Stage) -> None:
    stranger = stage.person("路人")
    stage.posts(stranger, 1)
    stage.time.set("2026-03-02 01:00")
    await stage.sync()
    async with stage.runtime.db.transaction() as session:
        (total,) = (await session.scalars(select(CheckinTotal))).all()
    assert (total.planet_user_id, total.name, total.days_ranking, total.days_posts) == (stranger, "路人", 1, 1)


async def test_without_posts_only_the_ranking_counts(stage: Stage) -> None:
    lin = stage.person("小林")
    member = await stage.member(lin)
    stage.posts(lin, 1, 2)
    stage.time.set("2026-03-03 01:00")
    stage.runtime.settings.zsxq.read_posts = False
    assert await stage.sync() is SyncStatus.COMPLETE
    assert await counts(stage, member) == (2, None)
    assert not any(call.path.endswith("/topics") for call in stage.zsxq.calls)


async def test_required_days_come_from_the_deal_only(stage: Stage) -> None:
    """B22: no default steps in for the deal's own number."""
    member = await stage.member(stage.person("小林"))
    await stage.sync()
    assert (await stage.fresh(member)).required_days == stage.camp.refund_policy["required_days"] == 7
    assert stage.camp.total_days == 10  # both dates count (B5)


async def test_a_manual_match_survives_every_sync(stage: Stage) -> None:
    lin, chen = stage.person("小林"), stage.person("陈西")
    member = await stage.member(lin, planet_user_id=chen, match_method=MatchMethod.MANUAL)
    stage.posts(lin, 1)
    stage.posts(chen, 1, 2)
    stage.time.set("2026-03-03 01:00")
    await stage.sync()
    found = await stage.fresh(member)
    assert (found.planet_user_id, found.match_method, found.days_posts) == (chen, MatchMethod.MANUAL, 2)


async def test_a_closed_member_stays_closed(stage: Stage) -> None:
    lin = stage.person("小林")
    member = await stage.member(lin, status=MatchStatus.CLOSED)
    stage.posts(lin, 1)
    stage.time.set("2026-03-02 01:00")
    await stage.sync()
    assert (await stage.fresh(member)).status is MatchStatus.CLOSED


async def test_a_run_notes_that_the_credential_works(stage: Stage) -> None:
    await stage.sync()
    planet = await stage.fresh(stage.planet)
    assert planet.credential_status is CredentialStatus.VALID


async def test_a_burst_of_1059_at_the_very_first_call_is_sat_out(stage: Stage) -> None:
    stage.zsxq.faults.set("busy_1059", times=5)
    assert await stage.sync() is SyncStatus.COMPLETE
