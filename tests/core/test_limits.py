"""The sliding window, against a real Redis."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

import pytest
import structlog
from redis.asyncio import Redis

from backend.core.limits import FIRST_PATIENCE_SECONDS, PAUSE_SECONDS, SILENCE_SECONDS, WINDOW_SECONDS, SlidingWindow
from backend.demo.processes import free_port
from tests.conftest import Time
from tests.servers import Servers


@pytest.fixture
async def window(servers: Servers) -> AsyncIterator[SlidingWindow]:
    """Patient, so that a busy machine isn't mistaken for a slow Redis."""
    opened = SlidingWindow(servers.redis_url, patience_seconds=30)
    yield opened
    await opened.aclose()


@pytest.fixture
async def redis(servers: Servers) -> AsyncIterator[Redis]:
    async with Redis.from_url(servers.redis_url) as opened:
        yield opened


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


async def test_the_window_slides_and_tells_exactly_when_a_place_gets_free(
    window: SlidingWindow, key: str, time: Time
) -> None:
    for seconds_later in (0, 10, 30):
        time.advance(seconds_later)
        assert await window.seconds_until_free(key, limit=3) == 0
    # The first was 40 seconds ago.
    assert await window.seconds_until_free(key, limit=3) == pytest.approx(20, abs=5)
    time.advance(20)
    assert await window.seconds_until_free(key, limit=3) == 0
    # Nothing starts anew with the minute: now the second one is the oldest, 50 seconds old.
    assert await window.seconds_until_free(key, limit=3) == pytest.approx(10, abs=5)
    time.advance(WINDOW_SECONDS)
    assert [await window.seconds_until_free(key, limit=3) for _ in range(3)] == [0, 0, 0]


async def test_who_is_refused_isnt_counted(window: SlidingWindow, key: str, time: Time) -> None:
    await window.seconds_until_free(key, limit=1)
    for _ in range(5):
        assert await window.seconds_until_free(key, limit=1) > 0
    time.advance(WINDOW_SECONDS)
    assert await window.seconds_until_free(key, limit=1) == 0


async def test_keys_dont_know_of_each_other(window: SlidingWindow, key: str) -> None:
    assert await window.seconds_until_free(key, limit=1) == 0
    assert await window.seconds_until_free(f"{key}-other", limit=1) == 0


async def test_many_at_once_get_exactly_the_places_there_are(window: SlidingWindow, servers: Servers, key: str) -> None:
    other = SlidingWindow(servers.redis_url, patience_seconds=30)
    asked = [which.seconds_until_free(key, limit=10) for which in (window, other) for _ in range(40)]
    answers = await asyncio.gather(*asked)
    await other.aclose()
    assert answers.count(0) == 10


async def test_another_limit_holds_at_once(window: SlidingWindow, key: str) -> None:
    for _ in range(3):
        await window.seconds_until_free(key, limit=3)
    assert await window.seconds_until_free(key, limit=2) > 0
    assert await window.seconds_until_free(key, limit=4) == 0


async def test_a_clock_set_back_locks_nobody_out_for_long(window: SlidingWindow, key: str, time: Time) -> None:
    await window.seconds_until_free(key, limit=1)
    time.advance(-86_400)
    assert 0 < await window.seconds_until_free(key, limit=1) <= WINDOW_SECONDS


async def test_what_it_keeps_is_bounded_and_ends_by_itself(
    window: SlidingWindow, redis: Redis, key: str, time: Time
) -> None:
    for _ in range(12):  # somebody who never stays away long enough for the key to end
        time.advance(WINDOW_SECONDS)
        assert await window.seconds_until_free(key, limit=5) == 0
    name = f"camp:limit:{key}"
    length: int = await redis.llen(name)  # type: ignore[misc] # redis-py types commands for both kinds of client
    assert length == 5
    assert 0 < await redis.pttl(name) <= WINDOW_SECONDS * 1000


async def test_an_emptied_redis_is_no_trouble(window: SlidingWindow, redis: Redis, key: str) -> None:
    await window.seconds_until_free(key, limit=1)
    await redis.script_flush()
    await redis.delete(f"camp:limit:{key}")
    assert await window.seconds_until_free(key, limit=1) == 0
    assert await window.seconds_until_free(key, limit=1) > 0


async def test_without_redis_everything_passes_and_it_is_said_once() -> None:
    window = SlidingWindow("redis://127.0.0.1:1/0")
    with structlog.testing.capture_logs() as logs:
        assert [await window.seconds_until_free("x", limit=1) for _ in range(20)] == [0] * 20
    await window.aclose()
    assert [line["event"] for line in logs] == ["limits.unchecked"]


class Silent:
    """Takes connections and never says a word."""

    def __init__(self) -> None:
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Silent":
        self._server = await asyncio.start_server(self._taken, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def _taken(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()


async def test_a_silent_redis_is_left_alone_after_a_few_tries() -> None:
    async with Silent() as silent:
        window = SlidingWindow(silent.url)
        with structlog.testing.capture_logs() as logs:
            began = asyncio.get_running_loop().time()
            answers = [await window.seconds_until_free("x", limit=1) for _ in range(200)]
            seconds = asyncio.get_running_loop().time() - began
        await window.aclose()
        assert answers == [0] * 200
        # After the first few one try per pause: the others cost nothing.
        first = 2 + SILENCE_SECONDS / FIRST_PATIENCE_SECONDS
        assert silent.connections <= first + seconds / PAUSE_SECONDS
    assert [line["reason"] for line in logs] == ["slow"]


@asynccontextmanager
async def relay(port: int, redis_url: str, flows: asyncio.Event | None = None) -> AsyncIterator[None]:
    """Leads connections to this port to the real Redis; while ``flows`` isn't set, nothing passes."""
    there = urlsplit(redis_url)

    async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(4096):
            if flows is not None:
                await flows.wait()
            target.write(data)
        target.close()

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if there.scheme == "unix":
            up_reader, up_writer = await asyncio.open_unix_connection(unquote(there.path))
        else:
            up_reader, up_writer = await asyncio.open_connection(there.hostname, there.port)
        await asyncio.gather(pass_on(reader, up_writer), pass_on(up_reader, writer))

    server = await asyncio.start_server(taken, "127.0.0.1", port)
    yield
    server.close()


async def test_it_checks_again_when_redis_is_back(servers: Servers, key: str) -> None:
    port = free_port()
    window = SlidingWindow(f"redis://127.0.0.1:{port}/0", patience_seconds=30, pause_seconds=0)
    with structlog.testing.capture_logs() as logs:
        assert [await window.seconds_until_free(key, limit=1) for _ in range(3)] == [0, 0, 0]
        async with relay(port, servers.redis_url):
            assert await window.seconds_until_free(key, limit=1) == 0
            assert await window.seconds_until_free(key, limit=1) > 0
            await window.aclose()
    assert [line["event"] for line in logs] == ["limits.unchecked", "limits.checked_again"]


async def test_a_stall_that_makes_many_late_at_once_turns_nothing_off(servers: Servers, key: str) -> None:
    """As under a flood: all that wait are admitted, and the next are checked again, whatever the pause."""
    port, flows = free_port(), asyncio.Event()
    flows.set()
    window = SlidingWindow(f"redis://127.0.0.1:{port}/0", patience_seconds=0.05, pause_seconds=3600)
    with structlog.testing.capture_logs() as logs:
        async with relay(port, servers.redis_url, flows):
            assert any([await window.seconds_until_free(key, limit=1) for _ in range(20)])
            flows.clear()
            assert await asyncio.gather(*[window.seconds_until_free(key, limit=1) for _ in range(20)]) == [0] * 20
            flows.set()
            assert any([await window.seconds_until_free(key, limit=1) for _ in range(20)])
            await window.aclose()
    assert logs == []
