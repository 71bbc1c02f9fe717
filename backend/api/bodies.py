"""How much a request may carry: 1 MB, and more where an endpoint says so with ``@up_to(…)``.

What the header declares is refused unread; what comes in pieces is counted while it comes.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEGABYTE = 1024 * 1024
F = TypeVar("F", bound=Callable[..., Any])

_MOST = "most_body_bytes"
# No endpoint reads a body here. A streaming response calls `receive` to detect a disconnect, and a size error
# there would abort it.
_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")


class TooLarge(HTTPException):
    """The body is over the limit. FastAPI lets only HTTP errors pass that come up while it reads a body."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"提交的内容太大，最多 {most // MEGABYTE} MB")


def up_to(megabytes: int) -> Callable[[F], F]:
    """Mark an endpoint that takes so much: ``@router.post(…)`` above ``@up_to(3)``."""

    def mark(endpoint: F) -> F:
        setattr(endpoint, _MOST, megabytes * MEGABYTE)
        return endpoint

    return mark


class SizeLimit:
    """Counts what an endpoint reads."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY:
            await self.app(scope, receive, send)
            return
        declared = _declared(scope)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            # Routing runs before the first read, so the scope already holds the endpoint.
            most = getattr(scope.get("endpoint"), _MOST, MEGABYTE)
            if declared > most:
                raise TooLarge(most)
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise TooLarge(most)
            return message

        await self.app(scope, counted, send)


def _declared(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0
