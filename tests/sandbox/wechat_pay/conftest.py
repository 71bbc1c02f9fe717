from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

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
