"""Around every request: its id, where it comes from, one log line, one measurement, and an answer whatever happens."""

import ipaddress
import re
import time
from collections.abc import Sequence

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.errors import unexpected
from backend.core import metrics
from backend.core.config import Network
from backend.core.ids import new_id

log = structlog.get_logger("backend.request")

_GOOD_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def client_ip(peer: str | None, forwarded: str | None, trusted: Sequence[Network]) -> str | None:
    """The client's address: the peer's, unless the peer is a trusted proxy.

    Then it is the last address in ``X-Forwarded-For`` that isn't a trusted proxy's: everything before it
    was written by the client and can't be believed.
    """
    if peer is None or not _is_trusted(peer, trusted):
        return peer
    address = peer
    for part in reversed((forwarded or "").split(",")):
        candidate = part.strip()
        try:
            ipaddress.ip_address(candidate)
        except ValueError:
            break
        address = candidate
        if not _is_trusted(candidate, trusted):
            break
    return address


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in trusted)


class RequestMiddleware:
    """Outermost: what it binds is in every log line and answer of the request."""

    def __init__(self, app: ASGIApp, *, trusted_proxies: Sequence[Network]) -> None:
        self.app = app
        self._trusted = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _GOOD_ID.fullmatch(given) else new_id().hex
        peer = scope["client"][0] if scope.get("client") else None
        scope.setdefault("state", {})["client_ip"] = client_ip(peer, headers.get("x-forwarded-for"), self._trusted)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await self._measured(scope, receive, _with_header(send, "X-Request-Id", request_id))

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            if status:  # the response has started; it can only be aborted
                raise
            await unexpected(error)(scope, receive, noting)
        finally:
            seconds = time.perf_counter() - began
            route = _route(scope)
            metrics.requests.labels(scope["method"], route, str(status or 500)).observe(seconds)
            log.info("request", method=scope["method"], route=route, status=status or 500, ms=round(seconds * 1000, 1))


def _route(scope: Scope) -> str:
    """The path as it was declared: one name for all ids, and for everything unknown."""
    # A route in a router holds only its own part of the path. FastAPI keeps the full path in `effective_route_context`.
    whole = scope.get("fastapi", {}).get("effective_route_context")
    path: str = getattr(whole or scope.get("route"), "path", "other")
    return path


def _with_header(send: Send, name: str, value: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)[name] = value
        await send(message)

    return sending
