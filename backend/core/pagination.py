"""One page of a list, or all of it part by part."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted: counted from 1, at most 200 rows (checked at the door)."""

    page: int = 1
    page_size: int = 20

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.page_size


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The rows of one page, and how many there are in all; ``more``: there are more than were counted."""

    items: Sequence[T]
    total: int
    page: int
    page_size: int
    more: bool = False

    def map(self, function: Callable[[T], U]) -> "Page[U]":
        return self.with_items([function(item) for item in self.items])

    def with_items(self, items: Sequence[U]) -> "Page[U]":
        """The same place in another list of the same length."""
        return Page(items, self.total, self.page, self.page_size, self.more)


async def fetch_page(session: AsyncSession, statement: Select[*tuple[Any, ...]], request: PageRequest) -> Page[Any]:
    """Run a select for one page. A select of one entity gives that entity, else rows."""
    total = await session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    result = await session.execute(statement.limit(request.page_size).offset(request.offset))
    rows: Sequence[Any] = result.scalars().all() if len(statement.column_descriptions) == 1 else result.all()
    return Page(rows, total, request.page, request.page_size)


# Nobody pages further, and counting on would cost more than the page.
COUNTED_AT_MOST = 200_000


async def fetch_keys(
    session: AsyncSession,
    keys: Select[*tuple[Any, ...]],
    request: PageRequest,
    *,
    is_search: bool = False,
    at_most: int = COUNTED_AT_MOST,
) -> Page[Any]:
    """One page of a select of keys alone, for long lists: an index gives them without touching the rows.

    The rows themselves are read by their keys, a page full. A search reads everything anyway, so it counts along
    instead of searching twice. Counts to ``at_most``. Keys are values where they are one column, else rows.
    """
    if is_search:
        return await _search_keys(session, keys, request, at_most)
    some = keys.order_by(None).limit(at_most + 1).subquery()
    total = await session.scalar(select(func.count()).select_from(some)) or 0
    found = (await session.execute(keys.limit(request.page_size).offset(request.offset))).all()
    return _page(found, total, request, at_most)


async def _search_keys(
    session: AsyncSession, keys: Select[*tuple[Any, ...]], request: PageRequest, at_most: int
) -> Page[Any]:
    counting = keys.add_columns(func.count().over())
    found = (await session.execute(counting.limit(request.page_size).offset(request.offset))).all()
    if not found and request.page > 1:
        # Behind the last page there is no row to tell how many there are.
        total = await session.scalar(select(func.count()).select_from(keys.order_by(None).subquery())) or 0
        return _page([], total, request, at_most)
    return _page([row[:-1] for row in found], found[0][-1] if found else 0, request, at_most)


def _page(found: Sequence[Any], total: int, request: PageRequest, at_most: int) -> Page[Any]:
    items = [row[0] if len(row) == 1 else tuple(row) for row in found]
    return Page(items, min(total, at_most), request.page, request.page_size, total > at_most)


async def in_parts(
    session: AsyncSession, statement: Select[*tuple[Any, ...]], *, size: int = 500
) -> AsyncIterator[Sequence[Any]]:
    """All rows of a select through a cursor of the server, ``size`` at a time: memory doesn't grow with them."""
    result = await session.stream(statement.execution_options(yield_per=size))
    async for part in result.partitions():
        yield part
