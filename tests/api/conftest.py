"""People at the console."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from backend.core.db import Database
from backend.models.staff import StaffRole
from backend.runtime import Runtime
from tests.api.desk import Desk, new_desk

NewDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
def desk(db: Database, runtime: Runtime, client: httpx.AsyncClient) -> NewDesk:
    """``await desk(StaffRole.COACH)`` is a new coach, logged in; more fields of the account may be given."""
    return lambda role, **fields: new_desk(db, runtime, client, role, **fields)


@pytest.fixture
async def manager(desk: NewDesk) -> Desk:
    return await desk(StaffRole.MANAGER)


@pytest.fixture
async def admin(desk: NewDesk) -> Desk:
    return await desk(StaffRole.SUPER_ADMIN)
