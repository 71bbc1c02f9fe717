import pytest

from backend.runtime import Runtime
from tests.community.checkins.stage import Stage, make_stage
from tests.conftest import Time
from tests.world import World


@pytest.fixture
async def stage(runtime: Runtime, world: World, time: Time) -> Stage:
    return await make_stage(runtime, world, time)
