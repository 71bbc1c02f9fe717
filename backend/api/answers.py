"""The one shape of every answer, and the types that cross the border."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import structlog
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from backend.core import clock
from backend.core.errors import NotFound
from backend.core.ids import parse_id
from backend.core.pagination import Page

T = TypeVar("T")
U = TypeVar("U")
D = TypeVar("D", bound=dt.date)


def request_id() -> str:
    """The id of the request being answered; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _parse(value: object) -> uuid.UUID:
    found = value if isinstance(value, uuid.UUID) else parse_id(value) if isinstance(value, str) else None
    if found is None:
        raise NotFound
    return found


# An id in a path or body. A malformed id gets 404, like an unknown one.
Id = Annotated[uuid.UUID, BeforeValidator(_parse), PlainSerializer(str), WithJsonSchema({"type": "string"})]


def _within_reason(value: D) -> D:
    """Years at the ends of the calendar overflow as soon as a time zone or a day is added."""
    if not 1900 <= value.year <= 2999:
        raise ValueError("年份须在 1900 至 2999 之间")
    return value


# An instant: RFC 3339 with offset in input and output. Output uses Shanghai time.
Instant = Annotated[
    AwareDatetime,
    AfterValidator(_within_reason),
    PlainSerializer(lambda value: clock.shanghai(value).isoformat(), when_used="json"),
]

# A calendar day in Shanghai.
Day = Annotated[dt.date, AfterValidator(_within_reason)]


class Model(BaseModel):
    """What routers take and give. Built from rows by attribute names where they agree."""

    model_config = ConfigDict(from_attributes=True, str_strip_whitespace=True)


class Answer(BaseModel, Generic[T]):
    """``code`` is ``ok`` or a stable name of what went wrong; ``message`` is fit to be shown."""

    code: str = "ok"
    message: str = ""
    data: T
    request_id: str = Field(default_factory=request_id)


class Rows(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    total: int
    page: int
    page_size: int

    @classmethod
    def of(cls, page: Page[U], function: Callable[[U], T]) -> "Rows[T]":
        return cls(
            items=[function(item) for item in page.items], total=page.total, page=page.page, page_size=page.page_size
        )


class LongRows(Rows[T], Generic[T]):
    """One page of a list that may be very long. ``more``: counting ended at ``total``, and there are more."""

    more: bool

    @classmethod
    def of(cls, page: Page[U], function: Callable[[U], T]) -> "LongRows[T]":
        return cls(
            items=[function(item) for item in page.items],
            total=page.total,
            page=page.page,
            page_size=page.page_size,
            more=page.more,
        )


def answer(data: T) -> Answer[T]:
    return Answer(data=data)


def refusal(code: str, message: str, data: Any = None) -> dict[str, Any]:
    """An answer that says no, as JSON."""
    return {"code": code, "message": message, "data": data, "request_id": request_id()}
