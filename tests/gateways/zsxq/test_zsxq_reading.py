"""What the gateway reads off the simulator: projects, rankings, posts, members."""

import datetime as dt

import pytest

from backend.core import clock
from backend.gateways.errors import Unknown
from backend.gateways.zsxq import NotFound, NotMember, PermissionDenied, ShapeChanged, Totals
from tests.gateways.zsxq.zsxq_stage import open_stage

DAY = dt.timedelta(days=1)


async def test_a_camp_of_124_people_is_read_whole_on_six_pages() -> None:
    async with open_stage() as stage:
        checkin_id, users = stage.camp(124, days=2)
        rows = await stage.ranking(checkin_id)
        assert sorted(row.user_id for row in rows) == sorted(users)
        assert [row.rank for row in rows] == list(range(1, 125))
        assert {row.days for row in rows} == {2}
        assert await stage.planet.totals(checkin_id) == Totals(124, 124)
        offsets = [int(call.query.rpartition("=")[2]) for call in stage.calls("ranking_list")]
        # Six pages, then the end, looked at twice.
        assert offsets == [0, 21, 42, 63, 84, 105, 124, 124]
        assert stage.clock.sleeps == []


async def test_people_with_equal_days_who_change_places_come_once() -> None:
    async with open_stage() as stage:
        checkin_id, users = stage.camp(60)
        stage.sandbox.faults.set("shuffle_ties", times=None)
        rows = await stage.ranking(checkin_id)
        ids = [row.user_id for row in rows]
        assert len(ids) == len(set(ids))
        assert set(ids) <= set(users)


async def test_an_empty_project_has_no_rows_and_no_posts() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(0)
        assert await stage.ranking(checkin_id) == []
        assert await stage.posts(checkin_id) == []
        assert await stage.planet.totals(checkin_id) == Totals(0, 0)


async def test_who_joined_without_a_post_is_counted_but_not_ranked() -> None:
    async with open_stage() as stage:
        checkin_id, users = stage.camp(2)
        stage.sandbox.join(stage.sandbox.add_member("只报名"), checkin_id)
        assert await stage.planet.totals(checkin_id) == Totals(3, 2)
        assert {row.user_id for row in await stage.ranking(checkin_id)} == set(users)


async def test_posts_at_the_edges_of_a_day_and_two_on_one_day() -> None:
    async with open_stage() as stage:
        checkin_id, (user, other) = stage.camp(2, days=0)
        midnight = clock.day_start(clock.today() - DAY)
        late = stage.sandbox.post(user, checkin_id, midnight - dt.timedelta(milliseconds=100))
        early = stage.sandbox.post(user, checkin_id, midnight)
        for hour in (8, 20):
            stage.sandbox.post(other, checkin_id, midnight + dt.timedelta(hours=hour))
        days = {row.user_id: row.days for row in await stage.ranking(checkin_id)}
        assert days == {user: 2, other: 1}
        posts = {post.topic_id: post for post in await stage.posts(checkin_id)}
        assert len(posts) == 4
        assert clock.day_of(posts[late].created_at) == clock.today() - 2 * DAY
        assert clock.day_of(posts[early].created_at) == clock.today() - DAY
        assert posts[late].created_at == midnight - dt.timedelta(milliseconds=100)


async def test_a_post_dated_tomorrow_appears_tomorrow() -> None:
    async with open_stage() as stage:
        checkin_id, (user,) = stage.camp(1, days=0)
        stage.sandbox.post(user, checkin_id, clock.now() + DAY)
        assert await stage.posts(checkin_id) == []
        stage.clock.advance(DAY.total_seconds() + 1)
        assert len(await stage.posts(checkin_id)) == 1


async def test_deleting_editing_and_renaming() -> None:
    async with open_stage() as stage:
        checkin_id, (user, other) = stage.camp(2)
        first = {post.user_id: post for post in await stage.posts(checkin_id)}
        stage.sandbox.delete_post(first[user].topic_id)
        stage.sandbox.edit_post(first[other].topic_id, '短 <e type="hashtag" hid="1" title="%23a%23" /> 文')
        stage.sandbox.rename(other, "新名字", alias="备注")
        (post,) = await stage.posts(checkin_id)
        assert (post.user_id, post.name, post.alias, post.excerpt) == (other, "新名字", "备注", "短 文")
        assert post.created_at == first[other].created_at
        assert [(row.user_id, row.name) for row in await stage.ranking(checkin_id)] == [(other, "新名字")]


async def test_reading_posts_only_back_to_an_instant() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(30, days=5)
        until = clock.day_start(clock.today() - 2 * DAY)
        pages = [page async for page in stage.planet.iter_posts(checkin_id, until=until)]
        posts = [post for page in pages for post in page.posts]
        assert len(posts) == 60
        assert min(post.created_at for post in posts) >= until
        assert len(stage.calls("/topics")) == 4


async def test_the_three_scopes_and_a_long_period_project() -> None:
    async with open_stage() as stage:
        over = stage.sandbox.add_project("过期", expires_at=clock.now() - DAY)
        closed = stage.sandbox.add_project("关闭", expires_at=clock.now() + DAY)
        stage.sandbox.close_project(closed)
        endless = stage.sandbox.add_project("长期", text="每天", checkin_days=21)
        planet = stage.planet
        assert [project.checkin_id for project in await planet.list_projects("over")] == [over]
        assert [project.checkin_id for project in await planet.list_projects("closed")] == [closed]
        (project,) = await planet.list_projects("ongoing")
        assert project == await planet.get_project(endless)
        assert (project.title, project.text, project.checkin_days, project.status) == ("长期", "每天", 21, "ongoing")
        assert project.long_period
        assert project.expires_at is None
        with pytest.raises(NotFound):
            await planet.get_project("9999999999")


async def test_more_projects_than_a_page_holds() -> None:
    async with open_stage() as stage:
        begin = clock.now() - 30 * DAY
        made = [stage.sandbox.add_project(f"营{n}", created_at=begin + dt.timedelta(minutes=n)) for n in range(205)]
        projects = await stage.planet.list_projects("ongoing")
        assert [project.checkin_id for project in projects] == made[::-1]


async def test_members_with_and_without_number_and_who_left() -> None:
    async with open_stage() as stage:
        planet, sandbox = stage.planet, stage.sandbox
        numbered = sandbox.add_member("同名", alias="甲", number=803)
        bare = sandbox.add_member("同名", number=None)
        gone = sandbox.add_member("走了")
        sandbox.leave(gone)
        member = await planet.get_member(numbered)
        assert (member.user_id, member.name, member.alias, member.number) == (numbered, "同名", "甲", "803")
        assert member.status == "joined"
        assert (await planet.get_member(bare)).number is None
        with pytest.raises(NotMember):
            await planet.get_member(gone)
        assert {member.user_id for member in await stage.members()} >= {numbered, bare}


async def test_all_members_of_a_large_planet() -> None:
    async with open_stage() as stage:
        begin = clock.now() - 300 * DAY
        # In batches of one instant, as after an import.
        users = [stage.sandbox.add_member(f"m{n}", joined_at=begin + n // 50 * DAY) for n in range(450)]
        members = await stage.members()
        ids = [member.user_id for member in members]
        assert len(ids) == len(set(ids)) == 451
        assert set(users) < set(ids)


async def test_a_planet_that_hides_its_members_from_others() -> None:
    async with open_stage() as stage:
        user = stage.sandbox.add_member("普通成员")
        stage.sandbox.group(None).members_visibility = "admins"
        planet = stage.zsxq.planet(stage.group_id, stage.sandbox.issue_token(user))
        with pytest.raises(PermissionDenied):
            [page async for page in planet.iter_members()]
        assert (await planet.get_member(user)).user_id == user


async def test_someone_elses_planet() -> None:
    async with open_stage() as stage:
        stranger = stage.sandbox.issue_token(
            stage.sandbox.add_member("外人", group_id=stage.sandbox.add_group("另一个星球"))
        )
        with pytest.raises(NotMember):
            await stage.zsxq.planet(stage.group_id, stranger).list_projects("ongoing")


async def test_probe_tells_names_and_the_tokens_remaining_life() -> None:
    async with open_stage() as stage:
        stage.clock.advance(3600)
        probe = await stage.planet.probe()
        assert (probe.user_name, probe.group_name) == ("星主", "示例星球")
        assert probe.expires_in_seconds is not None
        assert 0 <= 2_592_000 - 3600 - probe.expires_in_seconds < 60
        assert probe.latency_ms >= 0


async def test_ids_beyond_two_to_the_53_keep_every_digit() -> None:
    async with open_stage() as stage:
        checkin_id, (user,) = stage.camp(1, days=0)
        topic = stage.sandbox.post(user, checkin_id, clock.now() - DAY)
        assert int(topic) > 2**53
        (post,) = await stage.posts(checkin_id)
        assert post.topic_id == topic


async def test_unknown_fields_change_nothing() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(30)
        before = await stage.ranking(checkin_id), await stage.posts(checkin_id)
        stage.sandbox.faults.set("extra_field", times=None)
        assert (await stage.ranking(checkin_id), await stage.posts(checkin_id)) == before


@pytest.mark.parametrize("field", ["ranking_list", "checkined_days", "user_id", "user"])
async def test_a_renamed_field_is_not_read_as_nobody(field: str) -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(30)
        stage.sandbox.faults.set("rename_field", field=field, to="renamed", times=None)
        with pytest.raises(ShapeChanged):
            await stage.ranking(checkin_id)


@pytest.mark.parametrize("field", ["topics", "create_time", "owner", "talk"])
async def test_a_renamed_field_of_posts(field: str) -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(30)
        stage.sandbox.faults.set("rename_field", field=field, to="renamed", times=None)
        with pytest.raises(ShapeChanged):
            await stage.posts(checkin_id)


async def test_creating_a_project() -> None:
    async with open_stage() as stage:
        expires_at = dt.datetime(2030, 12, 17, 23, 59, 59, 594_000, clock.SHANGHAI)
        made = await stage.planet.create_project(title="新营", text="说明", checkin_days=7, expires_at=expires_at)
        assert made == await stage.planet.get_project(made.checkin_id)
        assert (made.title, made.checkin_days, made.expires_at) == ("新营", 7, expires_at)
        assert (made.status, made.joined_count, made.long_period) == ("ongoing", 0, False)
        member = stage.zsxq.planet(stage.group_id, stage.sandbox.issue_token(stage.sandbox.add_member("成员")))
        with pytest.raises(PermissionDenied):
            await member.create_project(title="x", text="", checkin_days=1, expires_at=expires_at)


@pytest.mark.parametrize(("fault", "projects"), [("drop", 1), ("slow", 0), ("http_5xx", 0), ("html_body", 0)])
async def test_a_create_without_a_clear_answer_is_unknown_and_not_repeated(fault: str, projects: int) -> None:
    async with open_stage(timeout_seconds=0.1 if fault == "slow" else 5) as stage:
        stage.sandbox.faults.set(fault, path="/checkins", value=5 if fault == "slow" else None)
        with pytest.raises(Unknown):
            await stage.planet.create_project(title="新营", text="", checkin_days=7, expires_at=clock.now() + DAY)
        assert len(stage.sandbox.projects) == projects
        assert stage.clock.sleeps == []


async def test_a_create_refused_as_busy_is_repeated_with_a_new_request_id() -> None:
    async with open_stage() as stage:
        stage.sandbox.faults.set("busy_1059", path="/checkins", times=2)
        await stage.planet.create_project(title="新营", text="", checkin_days=7, expires_at=clock.now() + DAY)
        assert len(stage.sandbox.projects) == 1
        assert len({call.request_id for call in stage.calls("/checkins")}) == 3


@pytest.mark.parametrize("wrong", ["", "abc", "../1", "1/2", "1?x=1", "-5"])
async def test_what_is_no_id_is_not_found_without_asking(wrong: str) -> None:
    async with open_stage() as stage:
        with pytest.raises(NotFound):
            await stage.planet.get_project(wrong)
        with pytest.raises(NotFound):
            await stage.planet.get_member(wrong)
        with pytest.raises(NotFound):
            await stage.zsxq.planet(wrong, stage.token).list_projects("ongoing")
        assert not stage.sandbox.calls
