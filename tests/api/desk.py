"""A member of staff at the console, over HTTP."""

from dataclasses import dataclass
from typing import Any

import httpx

from backend.core.db import Database
from backend.models.staff import Staff, StaffRole
from backend.runtime import Runtime
from tests.factories import make_staff, sign_in


@dataclass
class Desk:
    """``call`` gives the answer as it is; ``ok`` insists on success and ``refused`` on one error code."""

    client: httpx.AsyncClient
    staff: Staff
    headers: dict[str, str]

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return await self.client.request(method, f"/api/admin{path}", headers=self.headers, **options)

    async def ok(self, method: str, path: str, **options: Any) -> Any:
        response = await self.call(method, path, **options)
        assert response.status_code == 200, response.text
        body = response.json()
        assert body["code"] == "ok"
        return body["data"]

    async def refused(self, status: int, code: str, method: str, path: str, **options: Any) -> Any:
        """The ``data`` of the refusal."""
        response = await self.call(method, path, **options)
        assert (response.status_code, response.json()["code"]) == (status, code), response.text
        assert response.json()["message"]
        return response.json()["data"]

    async def bad_fields(self, method: str, path: str, **options: Any) -> set[str]:
        """The names of the fields a 422 complains about."""
        data = await self.refused(422, "validation_error", method, path, **options)
        return {field["field"] for field in data["fields"]}


async def desk_of(db: Database, runtime: Runtime, client: httpx.AsyncClient, staff: Staff) -> Desk:
    """Somebody who just logged in."""
    async with db.transaction() as session:
        headers = await sign_in(session, staff, runtime.settings.secret_key.get_secret_value())
    return Desk(client, staff, headers)


async def new_desk(db: Database, runtime: Runtime, client: httpx.AsyncClient, role: StaffRole, **fields: Any) -> Desk:
    """A new member of staff who just logged in."""
    async with db.transaction() as session:
        staff = await make_staff(session, role, **fields)
    return await desk_of(db, runtime, client, staff)
