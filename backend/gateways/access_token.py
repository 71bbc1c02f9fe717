"""The server token, in the form that service account and WeCom share: kept until near its end, renewed when refused."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from backend.core import clock
from backend.gateways.errors import Rejected, Unavailable, Unknown

T = TypeVar("T")

# A token is given up this many seconds before its end, so that no message travels with a dying one.
MARGIN_SECONDS = 300


# Ask for a token: the raw answer. True: the one handed out before is no good.
Fetch = Callable[[bool], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    good_until: float


class AccessToken:
    """One token of one application, for all calls of this process."""

    def __init__(self, fetch: Fetch, *, refused_codes: Collection[str]) -> None:
        self._fetch = fetch
        self._refused_codes = refused_codes
        self._token: _Token | None = None
        self._lock = asyncio.Lock()

    async def use(self, call: Callable[[str], Awaitable[T]]) -> T:
        """Make a call with the token; when the token itself is refused, get another and repeat the call, once."""
        token = await self._get(refused=None)
        try:
            return await call(token)
        except Rejected as error:
            if error.code not in self._refused_codes:
                raise
        return await call(await self._get(refused=token))

    async def _get(self, *, refused: str | None) -> str:
        """The kept token, or a new one if it is old or is the one that was just refused."""
        async with self._lock:
            kept = self._token
            if kept and kept.value != refused and clock.timestamp() < kept.good_until:
                return kept.value
            found = await self._ask(force=False)
            if found.value == refused:
                # Another process may have renewed it already; only when nobody did, we do.
                found = await self._ask(force=True)
            self._token = found
            return found.value

    async def _ask(self, *, force: bool) -> _Token:
        try:
            answer = await self._fetch(force)
        except Unknown as error:
            # Asking for a token changes nothing that matters there, and no message has left yet.
            raise Unavailable(error.system, error.code, error.message) from None
        value, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(value, str) or not value or not isinstance(seconds, int):
            raise Unavailable("access_token", "bad_answer", "no token")
        return _Token(value, clock.timestamp() + max(seconds - MARGIN_SECONDS, 0))
