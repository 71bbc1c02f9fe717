"""An exact sliding-window rate limiter in Redis.

A list per key holds the times of the newest admitted events, at most ``limit`` of them. The oldest one tells whether
another event is allowed, and when. One Lua script checks and records atomically, so several processes may share a key.
A key expires with its window.

Redis is not authoritative. When it is down or slow, events are admitted and counted as ``unchecked``.
"""

import asyncio

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from backend.core import clock, metrics

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60
# Timeouts for one check: on an established connection, and for the first check. They are long enough that a stall of
# our own event loop under load isn't mistaken for a slow Redis.
PATIENCE_SECONDS = 0.15
FIRST_PATIENCE_SECONDS = 0.25
# Redis counts as down after an error, or after this long without any reply. Counting late replies instead would trip
# on one event-loop stall, which delays all waiting checks at once.
SILENCE_SECONDS = 0.4
# Skip Redis for this long after a failure, so an outage doesn't add 150 ms to each request.
PAUSE_SECONDS = 1.0
_CONNECTIONS = 32

# Times are milliseconds of our own clock. Refused events aren't recorded: a client that keeps retrying would otherwise
# never be admitted again.
_TAKE = """
local key, now, window, limit = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local oldest = tonumber(redis.call('LINDEX', key, limit - 1) or '0')
if oldest + window > now then
  return math.min(oldest + window - now, window)
end
redis.call('LPUSH', key, ARGV[1])
redis.call('LTRIM', key, 0, limit - 1)
redis.call('PEXPIRE', key, window)
return 0
"""


class SlidingWindow:
    """One per process. ``patience_seconds`` is the timeout of a check; the first check may take longer."""

    def __init__(
        self, redis_url: str, *, patience_seconds: float = PATIENCE_SECONDS, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        pool = BlockingConnectionPool.from_url(
            redis_url, max_connections=_CONNECTIONS, timeout=1, socket_timeout=1, socket_connect_timeout=1
        )
        self._redis = Redis.from_pool(pool)
        self._take = self._redis.register_script(_TAKE)
        self._patience, self._pause = patience_seconds, pause_seconds
        self._met = False
        self._is_open = False
        self._pause_until = 0.0
        self._silent_since: float | None = None
        self._asked: set[asyncio.Future[int]] = set()

    async def seconds_until_free(self, key: str, *, limit: int) -> float:
        """Record an event. Returns 0 if it is admitted, else the seconds until one would be."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._pause_until:
            metrics.rate_limits.labels("unchecked").inc()
            return 0.0
        asked = asyncio.ensure_future(self._ask(key, limit))
        self._asked.add(asked)
        asked.add_done_callback(self._forget)
        # Don't cancel a late check: that would drop the connection, and the late reply still resets the silence timer.
        patience = self._patience if self._met else max(self._patience, FIRST_PATIENCE_SECONDS)
        await asyncio.wait({asked}, timeout=patience)
        if not asked.done():
            return self._late(loop.time())
        failure = asked.exception()
        if failure is not None:
            if not isinstance(failure, RedisError | OSError):
                raise failure
            return self._away(type(failure).__name__, loop.time())
        if self._is_open:
            self._is_open = False
            log.info("limits.checked_again")
        self._met = True
        wait_ms = asked.result()
        if wait_ms:
            metrics.rate_limits.labels("refused").inc()
        return wait_ms / 1000

    async def _ask(self, key: str, limit: int) -> int:
        now_ms = int(clock.timestamp() * 1000)
        return int(await self._take(keys=[f"camp:limit:{key}"], args=[now_ms, WINDOW_SECONDS * 1000, limit]))

    def _late(self, now: float) -> float:
        if self._silent_since is None:
            self._silent_since = now
        if now - self._silent_since >= SILENCE_SECONDS:
            return self._away("slow", now)
        metrics.rate_limits.labels("unchecked").inc()
        return 0.0

    def _away(self, reason: str, now: float) -> float:
        self._pause_until = now + self._pause
        metrics.rate_limits.labels("unchecked").inc()
        if not self._is_open:
            self._is_open = True
            log.warning("limits.unchecked", reason=reason)
        return 0.0

    def _forget(self, asked: asyncio.Future[int]) -> None:
        self._asked.discard(asked)
        # Retrieve the exception of a late failure, so asyncio doesn't log it. Any late reply resets the silence timer.
        if not asked.cancelled() and asked.exception() is None:
            self._silent_since = None

    async def aclose(self) -> None:
        for asked in tuple(self._asked):
            asked.cancel()
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()
