"""One page of a list."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import PageRequest, fetch_keys, fetch_page, in_parts
from backend.models.staff import Staff
from tests.factories import make_staff


@pytest.mark.parametrize(
    ("page", "size", "expected"),
    [(1, 2, ["u0", "u1"]), (3, 2, ["u4"]), (4, 2, []), (1, 200, ["u0", "u1", "u2", "u3", "u4"])],
)
async def test_pages_follow_one_another(session: AsyncSession, page: int, size: int, expected: list[str]) -> None:
    for number in range(5):
        await make_staff(session, username=f"u{number}")
    statement = select(Staff).order_by(Staff.username)
    found = await fetch_page(session, statement, PageRequest(page, size))
    assert [staff.username for staff in found.items] == expected
    assert (found.total, found.page, found.page_size) == (5, page, size)


async def test_columns_come_as_rows_and_can_be_turned_into_something(session: AsyncSession) -> None:
    await make_staff(session, username="u0")
    found = await fetch_page(session, select(Staff.username, Staff.active), PageRequest())
    assert [tuple(row) for row in found.items] == [("u0", True)]
    assert list(found.map(lambda row: row[0]).items) == ["u0"]


@pytest.mark.parametrize("is_search", [False, True])
@pytest.mark.parametrize(("page", "expected"), [(1, ["u4", "u3"]), (2, ["u2", "u1"]), (3, ["u0"]), (4, []), (1000, [])])
async def test_keys_follow_one_another_with_the_whole_count(
    session: AsyncSession, page: int, expected: list[str], is_search: bool
) -> None:
    for number in range(5):
        await make_staff(session, username=f"u{number}")
    keys = select(Staff.username).order_by(Staff.username.desc())
    found = await fetch_keys(session, keys, PageRequest(page, 2), is_search=is_search)
    assert (found.items, found.total, found.more) == (expected, 5, False)


@pytest.mark.parametrize("is_search", [False, True])
async def test_counting_ends_and_says_so(session: AsyncSession, is_search: bool) -> None:
    for number in range(5):
        await make_staff(session, username=f"u{number}")
    keys = select(Staff.username, Staff.active).order_by(Staff.username)
    found = await fetch_keys(session, keys, PageRequest(2, 2), is_search=is_search, at_most=3)
    assert (found.items, found.total, found.more) == ([("u2", True), ("u3", True)], 3, True)
    exact = await fetch_keys(session, keys, PageRequest(2, 2), is_search=is_search, at_most=5)
    assert (exact.total, exact.more) == (5, False)


async def test_all_of_it_comes_part_by_part(session: AsyncSession) -> None:
    for number in range(5):
        await make_staff(session, username=f"u{number}")
    parts = [part async for part in in_parts(session, select(Staff.username).order_by(Staff.username), size=2)]
    assert [[row[0] for row in part] for part in parts] == [["u0", "u1"], ["u2", "u3"], ["u4"]]
