"""Read lists completely.

The previous system took a failed second page for the end of the list and based refunds on 21 of 75 people. Therefore:
a second read must confirm the end, a repeated page is an error, and each person is returned once.
"""

import datetime as dt
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

from backend.gateways.zsxq import parsing
from backend.gateways.zsxq.errors import ShapeChanged
from backend.gateways.zsxq.parsing import Json
from backend.gateways.zsxq.types import PlanetMember, PostPage, Project, RankingPage, RankingRow

RANKING_PAGE_SIZE = 21
MAX_RANKING_PAGES = 200
MAX_TIMED_PAGES = 2000
MAX_PROJECT_PAGES = 20
_TICK = dt.timedelta(milliseconds=1)

Row = TypeVar("Row")
ReadByIndex = Callable[[int], Awaitable[list[Any]]]


class ReadByTime(Protocol):
    """Reads up to ``count`` raw rows, newest first, not later than ``end`` (inclusive; None: no bound)."""

    count: int

    async def __call__(self, end: dt.datetime | None) -> list[Any]: ...


async def ranking_pages(read: ReadByIndex) -> AsyncGenerator[RankingPage, None]:
    """Page through the ranking by offset; yields each person once.

    The end is reached when two reads return nothing new. A full page of known people isn't the end: the server ignored
    the offset. Raises ShapeChanged in that case, if no row of the first page is readable, or after 200 pages.
    """
    index, seen = 0, set[str]()
    for _ in range(MAX_RANKING_PAGES):
        raw = await read(index)
        fresh, malformed = _fresh_people(raw, seen)
        if not fresh and not malformed:
            # Empty or repeated pages also occur in the middle of a list, so read again before ending.
            raw = await read(index)
            fresh, malformed = _fresh_people(raw, seen)
            if not fresh and not malformed:
                if len(raw) < RANKING_PAGE_SIZE:
                    return
                raise ShapeChanged(f"the ranking repeats itself at offset {index}")
        if index == 0 and not fresh:
            raise ShapeChanged("not one row of the ranking can be read")
        seen.update(row.user_id for row in fresh)
        yield RankingPage(fresh, malformed)
        index += len(raw)
    raise ShapeChanged(f"the ranking has more than {MAX_RANKING_PAGES} pages")


def _fresh_people(raw: list[Any], seen: set[str]) -> tuple[list[RankingRow], int]:
    rows, malformed = parsing.readable(raw, parsing.ranking_row)
    return _fresh(rows, lambda row: row.user_id, seen), malformed


async def all_projects(read: ReadByTime) -> tuple[list[Project], int]:
    """The projects of one scope and the number of unreadable ones.

    One page nearly always holds all projects. Paging by ``end_time`` is only an assumption here. A full page with
    nothing new is therefore taken for the end, not for an error; staff can still type a project's id.
    """
    projects: dict[str, Project] = {}
    unreadable, end = 0, None
    for _ in range(MAX_PROJECT_PAGES):
        raw = await read(end)
        rows, malformed = parsing.readable(raw, parsing.project)
        unreadable += malformed
        fresh = {row.checkin_id: row for row in rows if row.checkin_id not in projects}
        projects.update(fresh)
        times = _instants(raw, "create_time")
        if len(raw) < read.count or not fresh or not times:
            break
        end = min(times) - _TICK
    return list(projects.values()), unreadable


async def post_pages(read: ReadByTime, until: dt.datetime | None) -> AsyncGenerator[PostPage, None]:
    """Yield each post once, newest first, back to ``until`` (inclusive) or to the oldest. Raises ShapeChanged."""
    async with aclosing(_newest_first(read, parsing.post, lambda post: post.topic_id, "create_time")) as pages:
        async for posts, malformed in pages:
            wanted = [post for post in posts if until is None or post.created_at >= until]
            yield PostPage(wanted, malformed)
            if len(wanted) < len(posts):
                return


async def member_pages(read: ReadByTime) -> AsyncGenerator[tuple[list[PlanetMember], int], None]:
    """Yield each member once, latest joined first, with the number of unreadable rows. Raises ShapeChanged."""
    async with aclosing(_newest_first(read, parsing.member, lambda row: row.user_id, "join_time")) as pages:
        async for page in pages:
            yield page


async def _newest_first(
    read: ReadByTime, parse: Callable[[Json], Row | None], key: Callable[[Row], str], time_field: str
) -> AsyncGenerator[tuple[list[Row], int], None]:
    """Yield pages of new rows, each with the number of unreadable rows (a row may be counted twice).

    The bound of each page is the time of the oldest row so far, inclusive; otherwise rows of the same millisecond
    would be lost. If a page brings nothing new, a second read decides whether it is the end. That read starts one
    millisecond earlier, or repeats the request if the page was empty or ignored the bound. If a full page lies within
    one millisecond, further rows of it are unreachable and count as unreadable.
    Raises ShapeChanged if the bound is ignored twice, if no row of the first page is readable, or after 2000 pages.
    """
    end: dt.datetime | None = None
    seen, looking_again = set[str](), False
    for _ in range(MAX_TIMED_PAGES):
        raw = await read(end)
        full = len(raw) >= read.count
        rows, malformed = parsing.readable(raw, parse)
        fresh = _fresh(rows, key, seen)
        seen.update(map(key, fresh))
        times = _instants(raw, time_field)
        oldest = min(times, default=None)
        if not seen and malformed:
            raise ShapeChanged("not one row of the list can be read")
        if fresh or (oldest is not None and (end is None or oldest < end)):
            if oldest is None and full:
                raise ShapeChanged(f"no {time_field!r} to page by")
            yield fresh, malformed
            end, looking_again = oldest or end, False
            continue
        ignored = full and end is not None and bool(times) and max(times) > end
        if looking_again and ignored:
            raise ShapeChanged("the list can't be paged by time")
        if full and not ignored:
            malformed += 1
        if malformed:
            yield [], malformed
        if looking_again:
            return
        looking_again = True
        if raw and not ignored and end is not None:
            end -= _TICK
    raise ShapeChanged(f"the list has more than {MAX_TIMED_PAGES} pages")


def _instants(raw: list[Any], field: str) -> list[dt.datetime]:
    found = (parsing.instant(parsing.mapping(row).get(field)) for row in raw)
    return [at for at in found if at is not None]


def _fresh(rows: list[Row], key: Callable[[Row], str], seen: set[str]) -> list[Row]:
    """The rows with new keys, each key once, in order."""
    first: dict[str, Row] = {}
    for row in rows:
        if key(row) not in seen:
            first.setdefault(key(row), row)
    return list(first.values())
