"""Pagination, and streaming a whole result in batches."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """``page`` counts from 1; ``page_size`` is at most 200 (validated by the API)."""

    page: int = 1
    page_size: int = 20

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.page_size


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The rows of one page. ``more`` means that there are more rows than ``total``, because counting stopped there."""

    items: Sequence[T]
    total: int
    page: int
    page_size: int
    more: bool = False

    def map(self, function: Callable[[T], U]) -> "Page[U]":
        return self.with_items([function(item) for item in self.items])

    def with_items(self, items: Sequence[U]) -> "Page[U]":
        """A page with the same position and totals, but other items."""
        return Page(items, self.total, self.page, self.page_size, self.more)


async def fetch_page(session: AsyncSession, statement: Select[*tuple[Any, ...]], request: PageRequest) -> Page[Any]:
    """Run a select for one page. Items are entities or values for a select of one column, else rows."""
    total = await session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    result = await session.execute(statement.limit(request.page_size).offset(request.offset))
    rows: Sequence[Any] = result.scalars().all() if len(statement.column_descriptions) == 1 else result.all()
    return Page(rows, total, request.page, request.page_size)


# No reader pages further, and counting beyond this would cost more than the page itself.
COUNTED_AT_MOST = 200_000


async def fetch_keys(
    session: AsyncSession,
    keys: Select[*tuple[Any, ...]],
    request: PageRequest,
    *,
    is_search: bool = False,
    at_most: int = COUNTED_AT_MOST,
) -> Page[Any]:
    """One page of a select of keys only, for long lists: an index-only scan doesn't touch the rows.

    The caller then loads one page of rows by key. ``total`` stops at ``at_most``. With ``is_search`` the count comes
    from a window function: a search scans everything anyway, and a separate count would scan it again. Items are
    plain values for one key column, else tuples.
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
        # Beyond the last page no row carries the window count.
        total = await session.scalar(select(func.count()).select_from(keys.order_by(None).subquery())) or 0
        return _page([], total, request, at_most)
    return _page([row[:-1] for row in found], found[0][-1] if found else 0, request, at_most)


def _page(found: Sequence[Any], total: int, request: PageRequest, at_most: int) -> Page[Any]:
    items = [row[0] if len(row) == 1 else tuple(row) for row in found]
    return Page(items, min(total, at_most), request.page, request.page_size, total > at_most)


async def in_parts(
    session: AsyncSession, statement: Select[*tuple[Any, ...]], *, size: int = 500
) -> AsyncIterator[Sequence[Any]]:
    """All rows of a select in batches of ``size`` through a server-side cursor, so memory use stays constant."""
    result = await session.stream(statement.execution_options(yield_per=size))
    async for part in result.partitions():
        yield part
