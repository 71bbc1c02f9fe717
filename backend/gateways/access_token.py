"""The server access token of a service account or of WeCom: cached until near expiry, renewed when refused."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from backend.core import clock
from backend.gateways.errors import Rejected, Unavailable, Unknown

T = TypeVar("T")

# Renew a token this many seconds before it expires, so that it can't expire during a call.
MARGIN_SECONDS = 300


# Requests a token and returns the raw answer. The argument forces a new token instead of the current one.
Fetch = Callable[[bool], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    good_until: float


class AccessToken:
    """The token of one application, shared by all calls of this process."""

    def __init__(self, fetch: Fetch, *, refused_codes: Collection[str]) -> None:
        self._fetch = fetch
        self._refused_codes = refused_codes
        self._token: _Token | None = None
        self._lock = asyncio.Lock()

    async def use(self, call: Callable[[str], Awaitable[T]]) -> T:
        """Make a call with the token. If the token is refused, renew it and repeat the call once.

        Raises what the call raises, and Rejected or Unavailable if no token can be had.
        """
        token = await self._get(refused=None)
        try:
            return await call(token)
        except Rejected as error:
            if error.code not in self._refused_codes:
                raise
        return await call(await self._get(refused=token))

    async def _get(self, *, refused: str | None) -> str:
        """The cached token, or a new one if it is expired or was just refused."""
        async with self._lock:
            kept = self._token
            if kept and kept.value != refused and clock.timestamp() < kept.good_until:
                return kept.value
            found = await self._ask(force=False)
            if found.value == refused:
                # Force a renewal only if no other process has renewed the token: it may invalidate theirs.
                found = await self._ask(force=True)
            self._token = found
            return found.value

    async def _ask(self, *, force: bool) -> _Token:
        try:
            answer = await self._fetch(force)
        except Unknown as error:
            # No message has been sent yet and a token request is safe to repeat, so the outcome isn't Unknown.
            raise Unavailable(error.system, error.code, error.message) from None
        value, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(value, str) or not value or not isinstance(seconds, int):
            raise Unavailable("access_token", "bad_answer", "no token")
        return _Token(value, clock.timestamp() + max(seconds - MARGIN_SECONDS, 0))
