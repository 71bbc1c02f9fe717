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
    """The rows of one page, and how many there are in all."""

    items: Sequence[T]
    total: int
    page: int
    page_size: int

    def map(self, function: Callable[[T], U]) -> "Page[U]":
        return Page([function(item) for item in self.items], self.total, self.page, self.page_size)


async def fetch_page(session: AsyncSession, statement: Select[*tuple[Any, ...]], request: PageRequest) -> Page[Any]:
    """Run a select for one page. A select of one entity gives that entity, else rows."""
    total = await session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    result = await session.execute(statement.limit(request.page_size).offset(request.offset))
    rows: Sequence[Any] = result.scalars().all() if len(statement.column_descriptions) == 1 else result.all()
    return Page(rows, total, request.page, request.page_size)


async def in_parts(
    session: AsyncSession, statement: Select[*tuple[Any, ...]], *, size: int = 500
) -> AsyncIterator[Sequence[Any]]:
    """All rows of a select through a cursor of the server, ``size`` at a time: memory doesn't grow with them."""
    result = await session.stream(statement.execution_options(yield_per=size))
    async for part in result.partitions():
        yield part
