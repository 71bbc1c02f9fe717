"""A person in front of the member's app, over HTTP."""

from dataclasses import dataclass
from typing import Any

import httpx

from backend.models.payers import Payer
from backend.office.payers.service import token_for
from tests.community.checkins.stage import Stage
from tests.factories import make_payer


@dataclass
class Phone:
    """``call`` gives the answer as it is; ``ok`` insists on success and ``refused`` on one error code."""

    client: httpx.AsyncClient
    payer: Payer
    token: str

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.client.request(method, f"/api/h5{path}", headers=headers, **options)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.call("GET", path, params=query)

    async def ok(self, path: str, method: str = "GET", **options: Any) -> Any:
        response = await self.call(method, path, **options)
        assert response.status_code == 200, response.text
        return response.json()["data"]

    async def refused(self, status: int, code: str, path: str, method: str = "GET", **options: Any) -> str:
        """The message of the refusal."""
        response = await self.call(method, path, **options)
        assert (response.status_code, response.json()["code"]) == (status, code), response.text
        return str(response.json()["message"])


async def phone_of(stage: Stage, client: httpx.AsyncClient, payer: Payer | None = None, **fields: Any) -> Phone:
    """A new person (``openid=…``; a guest without), or one we know."""
    if payer is None:
        async with stage.runtime.db.transaction() as session:
            payer = await make_payer(session, **fields)
    secret = stage.runtime.settings.secret_key.get_secret_value()
    return Phone(client, payer, token_for(payer, secret=secret, days=60))
