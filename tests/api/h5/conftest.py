"""A camp that runs from 1 to 10 March 2026, and people at their phones."""

import httpx
import pytest

from backend.runtime import Runtime
from tests.api.h5.phone import Phone, phone_of
from tests.community.checkins.stage import Stage, make_stage
from tests.conftest import Time
from tests.world import World


@pytest.fixture
async def stage(runtime: Runtime, world: World, time: Time) -> Stage:
    return await make_stage(runtime, world, time)


@pytest.fixture
async def phone(stage: Stage, client: httpx.AsyncClient) -> Phone:
    """Lin, logged in through WeChat."""
    return await phone_of(stage, client, openid="o-lin")


@pytest.fixture
async def guest(stage: Stage, client: httpx.AsyncClient) -> Phone:
    """Somebody in another browser."""
    return await phone_of(stage, client)


@pytest.fixture
async def stranger(stage: Stage, client: httpx.AsyncClient) -> Phone:
    """Somebody else, logged in through WeChat."""
    return await phone_of(stage, client, openid="o-other")
