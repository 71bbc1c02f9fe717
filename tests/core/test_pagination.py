"""One page of a list."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import PageRequest, fetch_page
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
