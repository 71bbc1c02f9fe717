import pytest

from tests.world import World


@pytest.fixture(autouse=True)
def at_full_speed(world: World) -> None:
    """The pace has a test of its own; the others needn't wait for it."""
    world.settings.refund.per_second = 150
