"""Lists are read to their real end, whatever their length, and what can't be read to the end says so."""

import datetime as dt
from collections.abc import Callable

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.core import clock
from backend.gateways.zsxq import PostPage, ShapeChanged
from tests.gateways.zsxq.zsxq_stage import open_planet, open_stage

NOON = dt.datetime(2025, 10, 24, 12, tzinfo=clock.SHANGHAI)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 400))
@example(0)
@example(20)
@example(21)
@example(22)
@example(42)
async def test_the_ranking_yields_everybody_once(people: int) -> None:
    async with open_stage() as stage:
        checkin_id, users = stage.camp(people)
        ids = [row.user_id for row in await stage.ranking(checkin_id)]
        assert sorted(ids) == sorted(users)
        post_authors = [post.user_id for post in await stage.posts(checkin_id)]
        assert sorted(post_authors) == sorted(users)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=120))
async def test_posts_of_any_instants_come_once_newest_first(offsets: list[int]) -> None:
    """Instants repeat, also across the border of a page, but never more often than a page holds."""
    kept = [offset for n, offset in enumerate(offsets) if offsets[:n].count(offset) < 15]
    async with open_stage() as stage:
        checkin_id, (user,) = stage.camp(1, days=0)
        begin = clock.now() - dt.timedelta(days=1)
        made = [stage.sandbox.post(user, checkin_id, begin + dt.timedelta(milliseconds=ms)) for ms in kept]
        pages = [page async for page in stage.planet.iter_posts(checkin_id)]
        posts = [post for page in pages for post in page.posts]
        assert sorted(post.topic_id for post in posts) == sorted(made)
        assert sorted(posts, key=lambda post: post.created_at, reverse=True) == posts
        assert sum(page.malformed for page in pages) == 0


async def test_more_posts_on_one_millisecond_than_a_page_holds_are_reported() -> None:
    async with open_stage() as stage:
        checkin_id, users = stage.camp(30, days=0)
        instant = clock.now() - dt.timedelta(days=1)
        for user in users:
            stage.sandbox.post(user, checkin_id, instant)
        stage.sandbox.post(users[0], checkin_id, instant - dt.timedelta(hours=1))
        pages = [page async for page in stage.planet.iter_posts(checkin_id)]
        assert sum(len(page.posts) for page in pages) == 21
        assert sum(page.malformed for page in pages) > 0


async def test_one_empty_page_in_the_middle_is_not_the_end() -> None:
    async with open_stage() as stage:
        checkin_id, users = stage.camp(75)
        stage.sandbox.faults.set("empty_page", path="ranking_list", page=2)
        assert len(await stage.ranking(checkin_id)) == 75
        stage.sandbox.faults.set("empty_page", path="/topics", skip=1)
        assert {post.user_id for post in await stage.posts(checkin_id)} == set(users)


async def test_an_empty_page_that_stays_empty_ends_the_list_short_of_the_totals() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(75)
        stage.sandbox.faults.set("empty_page", path="ranking_list", page=2, times=None)
        rows = await stage.ranking(checkin_id)
        totals = await stage.planet.totals(checkin_id)
        # Not to be told from the end by looking; the totals tell.
        assert (len(rows), totals.checkined_count) == (21, 75)


async def test_an_empty_first_page_is_looked_at_twice() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(30)
        for path in ("ranking_list", "/topics"):
            stage.sandbox.faults.set("empty_page", path=path)
        assert len(await stage.ranking(checkin_id)) == 30
        assert len(await stage.posts(checkin_id)) == 30


async def test_a_page_repeated_by_accident_is_read_again() -> None:
    async with open_stage() as stage:
        checkin_id, users = stage.camp(75)
        stage.sandbox.faults.set("repeat_page", path="ranking_list", page=2)
        assert {row.user_id for row in await stage.ranking(checkin_id)} == set(users)


async def test_an_offset_without_effect_is_an_error_not_the_end() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(75)
        stage.sandbox.faults.set("repeat_page", path="ranking_list", times=None)
        with pytest.raises(ShapeChanged, match="repeats itself at offset 21"):
            await stage.ranking(checkin_id)


async def test_a_short_page_repeated_is_the_end() -> None:
    async with open_stage() as stage:
        checkin_id, users = stage.camp(20)
        stage.sandbox.faults.set("repeat_page", path="ranking_list", times=None)
        assert {row.user_id for row in await stage.ranking(checkin_id)} == set(users)


async def test_one_strange_row_is_counted_and_hides_nobody() -> None:
    async with open_stage() as stage:
        checkin_id, users = stage.camp(50)
        stage.sandbox.faults.set("junk_row", path="ranking_list", page=2)
        stage.sandbox.faults.set("junk_row", path="/topics", skip=1)
        pages = [page async for page in stage.planet.iter_ranking(checkin_id)]
        assert [page.malformed for page in pages] == [0, 1, 0]
        # The strange row takes a place in the offset, so somebody is skipped; the count says that it isn't whole.
        assert sum(len(page.rows) for page in pages) == 49
        post_pages = [page async for page in stage.planet.iter_posts(checkin_id)]
        assert sum(page.malformed for page in post_pages) == 1
        assert {post.user_id for page in post_pages for post in page.posts} == set(users)


async def test_a_ranking_without_end_is_cut_off() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        index = int(request.url.params["index"])
        rows = [{"user": {"user_id": index + n + 1}, "checkined_days": 1} for n in range(21)]
        return httpx.Response(200, json={"succeeded": True, "resp_data": {"ranking_list": rows}})

    async with open_planet(httpx.MockTransport(answer)) as planet:
        with pytest.raises(ShapeChanged, match="200 pages"):
            [page async for page in planet.iter_ranking("1")]


def topic_server(count: int, choose: Callable[[list[dt.datetime], dt.datetime | None], list[dt.datetime]]):
    """A server with ``count`` posts, one a minute, and its own idea of ``end_time``; 20 per page."""
    instants = [NOON - dt.timedelta(minutes=n) for n in range(count)]
    ids = {instant: 10**16 + n for n, instant in enumerate(instants)}

    def answer(request: httpx.Request) -> httpx.Response:
        end = request.url.params.get("end_time")
        bound = dt.datetime.fromisoformat(end) if end else None
        topics = [
            {
                "topic_id": ids[instant],
                "create_time": instant.strftime("%Y-%m-%dT%H:%M:%S.000+0800"),
                "talk": {"owner": {"user_id": 222233334444555, "name": "学员"}, "text": "x"},
            }
            for instant in choose(instants, bound)[:20]
        ]
        return httpx.Response(200, json={"succeeded": True, "resp_data": {"topics": topics}})

    return httpx.MockTransport(answer)


async def read_posts(transport: httpx.MockTransport) -> list[PostPage]:
    async with open_planet(transport) as planet:
        return [page async for page in planet.iter_posts("1")]


async def test_a_server_whose_bound_is_exclusive() -> None:
    pages = await read_posts(topic_server(45, lambda all_, end: [at for at in all_ if end is None or at < end]))
    assert sum(len(page.posts) for page in pages) == 45


async def test_a_server_that_ignores_the_bound_has_no_complete_list() -> None:
    with pytest.raises(ShapeChanged, match="paged by time"):
        await read_posts(topic_server(45, lambda all_, _: all_))


async def test_a_server_that_ignores_the_bound_is_no_trouble_while_all_fits_one_page() -> None:
    pages = await read_posts(topic_server(15, lambda all_, _: all_))
    assert [(len(page.posts), page.malformed) for page in pages] == [(15, 0)]
