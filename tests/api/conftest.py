"""People at the console."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from backend.core.db import Database
from backend.models.staff import StaffRole
from backend.runtime import Runtime
from tests.api.desk import Desk, new_desk

NewDesk = Callable[[StaffRole], Awaitable[Desk]]


@pytest.fixture
def desk(db: Database, runtime: Runtime, client: httpx.AsyncClient) -> NewDesk:
    """``await desk(StaffRole.COACH)`` is a new coach, logged in."""
    return lambda role: new_desk(db, runtime, client, role)


@pytest.fixture
async def manager(desk: NewDesk) -> Desk:
    return await desk(StaffRole.MANAGER)


@pytest.fixture
async def admin(desk: NewDesk) -> Desk:
    return await desk(StaffRole.SUPER_ADMIN)
