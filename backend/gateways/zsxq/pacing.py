"""Pacing of calls per token: serial, with a minimum interval, retries with pauses, and a circuit breaker.

Numbers from zsxq-api §3.3 and §3.4: under load code 1059 becomes persistent, and further calls then kill the token.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from backend.core import clock
from backend.core.config import ZsxqSettings
from backend.gateways.errors import Unavailable
from backend.gateways.zsxq.errors import AuthExpired, RateLimited

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
Sleep = Callable[[float], Awaitable[None]]

BREAKER_EVENTS = 4
BREAKER_WINDOW_SECONDS = 20 * 60
BREAKER_REST_SECONDS = 15 * 60
PROBE_RETRIES = 2
_RETRY_JITTER = 0.3
_COOL_DOWN_JITTER = 0.2
_random = random.SystemRandom()


class Lane:
    """The state of one token in this process.

    The breaker counts calls whose ordinary retries ended in 'busy'. Single 1059s don't count: they also happen to
    well-behaved clients.
    """

    def __init__(self, settings: ZsxqSettings, sleep: Sleep) -> None:
        self.settings = settings
        self._sleep = sleep
        self._calls = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._next_at = 0.0
        self._busy_at: list[float] = []
        self._rest_until = 0.0
        self._dead: AuthExpired | None = None

    async def call(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Make a call with all its retries, one call at a time. Raises what the last attempt raised.

        Raises at once, without a request: AuthExpired if the token is known to be invalid, RateLimited while the
        breaker is open or a long Retry-After runs.
        """
        async with self._calls:
            self._refuse_if_closed()
            try:
                return await self._with_retries(attempt, self.settings.retry_waits_seconds)
            except RateLimited as error:
                await self._cool_down(error)
            return await self._once(attempt)

    async def probe(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Like :meth:`call`, for an interactive test: few retries, no cool-down, also while the token is blocked here.

        It doesn't wait for a running call to end, only for the minimum interval.
        """
        return await self._with_retries(attempt, self.settings.retry_waits_seconds[:PROBE_RETRIES])

    def revive(self) -> None:
        """Clear an earlier AuthExpired, because the token works."""
        self._dead = None

    async def _with_retries(self, attempt: Callable[[], Awaitable[Result]], waits: Sequence[float]) -> Result:
        for number, wait in enumerate(waits, start=1):
            try:
                return await self._once(attempt)
            except Unavailable as error:
                if self._asks_too_much(error):
                    raise
                pause = max(wait * _random.uniform(1 - _RETRY_JITTER, 1 + _RETRY_JITTER), error.retry_after or 0.0)
                log.info("zsxq_retry", attempt=number, code=error.code, detail=error.message, seconds=round(pause, 1))
            await self._sleep(pause)
        return await self._once(attempt)

    async def _once(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Make one request, after the minimum interval."""
        async with self._turn:
            interval = self.settings.min_interval_seconds
            # Bounded: if the clock is set back, the wait could otherwise be hours.
            wait = min(self._next_at - clock.timestamp(), 2 * interval)
            if wait > 0:
                await self._sleep(wait)
            self._next_at = clock.timestamp() + interval * _random.uniform(1, 2)
            try:
                return await attempt()
            except AuthExpired as error:
                self._dead = error
                raise

    async def _cool_down(self, error: RateLimited) -> None:
        """Pause before the last attempt. Raises RateLimited instead if the breaker opens or the pause is too long."""
        now = clock.timestamp()
        self._busy_at = [at for at in self._busy_at if now - BREAKER_WINDOW_SECONDS < at <= now] + [now]
        if self._asks_too_much(error):
            self._rest_until = now + (error.retry_after or 0.0)
        if len(self._busy_at) >= BREAKER_EVENTS:
            self._busy_at.clear()
            self._rest_until = max(self._rest_until, now + BREAKER_REST_SECONDS)
        if self._rest_until > now:
            log.warning("zsxq_token_rests", seconds=round(self._rest_until - now))
            raise RateLimited(error.message, retry_after=self._rest_until - now)
        seconds = self.settings.cool_down_seconds * _random.uniform(1 - _COOL_DOWN_JITTER, 1 + _COOL_DOWN_JITTER)
        log.warning("zsxq_cool_down", seconds=round(seconds, 1))
        await self._sleep(max(seconds, error.retry_after or 0.0))

    def _asks_too_much(self, error: Unavailable) -> bool:
        """Whether the server asked for a longer pause than the cool-down, too long to wait within a call."""
        return (error.retry_after or 0.0) > self.settings.cool_down_seconds

    def _refuse_if_closed(self) -> None:
        if self._dead is not None:
            raise type(self._dead)(self._dead.message)
        left = self._rest_until - clock.timestamp()
        if left > 0:
            raise RateLimited("the token rests", retry_after=left)
