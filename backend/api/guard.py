"""The rate limit: who asks, how often, and what is asked more carefully.

A person who is logged in is counted as such, everybody else by address. Everything under ``/api`` counts but webhooks;
a route marks itself as sensitive with ``dependencies=[Sensitive]`` and is then also counted by the smaller limit. There
a guest counts as person and by address: whoever likes may be as many guests.
"""

import math
import uuid
from typing import Literal

from fastapi import Depends, Request
from starlette.datastructures import Headers, State
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.deps import RuntimeDep
from backend.api.errors import refused
from backend.core.addresses import network_of
from backend.core.errors import TooMany
from backend.core.limits import SlidingWindow
from backend.core.security import Audience, read_token
from backend.office.payers import service as payers
from backend.runtime import RuntimeHolder

Limit = Literal["overall", "sensitive"]


class RateLimit:
    """Refuses before anything is read or routed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        audience = _audience(scope)
        if audience is not None:
            state = scope["app"].state
            secret = state.live.base.secret_key.get_secret_value()
            person = _person(scope, audience, secret)
            caller = f"{audience}:{person.hex}" if person else _address(scope["state"]["client_ip"])
            scope["state"] |= {"caller": caller, "payer_id": person if audience == "h5" else None}
            try:
                await _count(state, "overall", caller)
            except TooMany as error:
                await refused(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


async def _sensitive(request: Request, runtime: RuntimeDep) -> None:
    state, payer_id = request.app.state, request.state.payer_id
    await _count(state, "sensitive", request.state.caller)
    if payer_id is not None:
        async with runtime.db.transaction() as session:
            is_guest = await payers.is_guest(session, payer_id)
        if is_guest:
            await _count(state, "sensitive", _address(request.state.client_ip))


Sensitive = Depends(_sensitive)


async def _count(state: State, limit: Limit, caller: str) -> None:
    """Raises TooMany with the seconds after which there is a place again."""
    live: RuntimeHolder = state.live
    limiter: SlidingWindow = state.limiter
    limits = live.now.settings.limits
    if not limits.enabled:
        return
    most = limits.per_minute if limit == "overall" else limits.sensitive_per_minute
    wait = await limiter.seconds_until_free(f"{limit}:{caller}", limit=most)
    if wait > 0:
        seconds = math.ceil(wait)
        raise TooMany(f"操作太频繁，请 {seconds} 秒后再试", retry_after=seconds)


def _audience(scope: Scope) -> Audience | None:
    """Whose API this is; None for what isn't counted."""
    if scope["type"] != "http":
        return None
    path: str = scope["path"]
    if path.startswith("/api/h5/"):
        return "h5"
    return "admin" if path.startswith("/api/admin/") else None


def _person(scope: Scope, audience: Audience, secret: str) -> uuid.UUID | None:
    """Whom a genuine token names. Whether its session still holds doesn't matter here."""
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    claims = read_token(secret, token.strip(), audience=audience) if scheme.lower() == "bearer" else None
    return claims[0] if claims else None


def _address(client_ip: str | None) -> str:
    network = network_of(client_ip)
    return f"address:{network.network_address if network else client_ip}"
