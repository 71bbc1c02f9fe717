import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import uvicorn

from backend.core import clock
from tests.gateways.wechat_pay.kit import Shop, Travel


@pytest.fixture(autouse=True)
def travel(tmp_path: Path) -> Iterator[Travel]:
    yield Travel(tmp_path)
    clock.use_test_clock(None)


@pytest.fixture
async def shop(tmp_path: Path, travel: Travel) -> AsyncIterator[Shop]:
    """A merchant in public-key mode."""
    opened = Shop(tmp_path / "keys")
    yield opened
    await opened.gateway.aclose()


@pytest.fixture
async def certificate_shop(tmp_path: Path, travel: Travel) -> AsyncIterator[Shop]:
    """A merchant in platform-certificate mode."""
    opened = Shop(tmp_path / "certificate-keys", public_key_mode=False)
    yield opened
    await opened.gateway.aclose()


@pytest.fixture
async def http_sandbox() -> AsyncIterator[Callable[[Shop], str]]:
    """Serves a shop's sandbox on a loopback port; call it with the shop to learn the address."""
    servers: list[tuple[uvicorn.Server, asyncio.Task[None]]] = []

    def serve(shop: Shop) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(shop.sandbox.app, log_level="critical", lifespan="off"))
        servers.append((server, asyncio.create_task(server.serve(sockets=[listening]))))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield serve
    for server, serving in servers:
        server.should_exit = True
        await serving
