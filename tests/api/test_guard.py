"""The rate limit over HTTP: who is counted, what counts, and what a refusal looks like."""

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from backend.app import create_app
from backend.core.config import LimitSettings
from backend.core.db import Database
from backend.core.limits import SlidingWindow
from backend.models.staff import StaffRole
from backend.office.payers.service import token_for
from backend.runtime import Runtime
from tests.api.desk import Desk, desk_of, new_desk
from tests.conftest import Time
from tests.factories import make_payer
from tests.servers import Servers

CAMPS, GUEST, ME = "/api/h5/camps", "/api/h5/auth/guest", "/api/h5/me"
ORDER = "/api/h5/payments"


@dataclass
class Door:
    """An installation that admits few."""

    runtime: Runtime
    app: FastAPI

    @asynccontextmanager
    async def at(self, address: str) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app=self.app, client=(address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            yield client


@asynccontextmanager
async def opened_door(runtime: Runtime, redis_url: str, **more: Any) -> AsyncIterator[Door]:
    limits = LimitSettings(per_minute=6, sensitive_per_minute=2)
    settings = runtime.settings.model_copy(
        update={"limits": limits, "cors_origins": ["https://camp.example.com"]} | more
    )
    limiter = SlidingWindow(redis_url, patience_seconds=30)
    runtime = replace(runtime, settings=settings)
    yield Door(runtime, create_app(settings, runtime, limiter=limiter))
    await limiter.aclose()


@pytest.fixture
async def door(runtime: Runtime, servers: Servers) -> AsyncIterator[Door]:
    async with Redis.from_url(servers.redis_url) as redis:
        keys = await redis.keys("camp:limit:*")
        if keys:
            await redis.delete(*keys)
    async with opened_door(runtime, servers.redis_url, trusted_proxies=[ip_network("10.0.0.0/8")]) as opened:
        yield opened


async def asked(client: httpx.AsyncClient, path: str = CAMPS, times: int = 6, **options: Any) -> list[int]:
    return [(await client.get(path, **options)).status_code for _ in range(times)]


async def guest(client: httpx.AsyncClient) -> dict[str, str]:
    response = await client.post(GUEST)
    assert response.status_code == 200, response.text
    return {"Authorization": f"Bearer {response.json()['data']['token']}"}


async def test_a_refusal_says_when_to_come_back(door: Door, time: Time) -> None:
    async with door.at("198.51.100.1") as client:
        assert await asked(client) == [200] * 6
        time.advance(30)
        refused = await client.get(CAMPS, headers={"Origin": "https://camp.example.com"})
        seconds = int(refused.headers["retry-after"])
        assert (refused.status_code, refused.json()) == (
            429,
            {
                "code": "rate_limited",
                "message": f"操作太频繁，请 {seconds} 秒后再试",
                "data": {"retry_after": seconds},
                "request_id": refused.headers["x-request-id"],
            },
        )
        assert 1 <= seconds <= 30
        # Pages of other origins may read it.
        assert refused.headers["access-control-allow-origin"] == "https://camp.example.com"
        assert "Retry-After" in refused.headers["access-control-expose-headers"]
        time.advance(seconds)
        assert await asked(client, times=1) == [200]


async def test_a_person_on_the_way_to_wechat_reads_a_page(door: Door) -> None:
    async with door.at("198.51.100.1") as client:
        await asked(client)
        page = await client.get("/api/h5/auth/wechat", headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert f"操作太频繁，请 {page.headers['retry-after']} 秒后再试" in page.text


async def test_addresses_are_counted_apart_and_only_trusted_proxies_tell_them(door: Door) -> None:
    async with door.at("198.51.100.1") as client:
        await asked(client)
        assert await asked(client, times=1, headers={"X-Forwarded-For": "198.51.100.7"}) == [429]
    async with door.at("198.51.100.2") as client:
        assert await asked(client, times=1) == [200]
    async with door.at("10.0.0.1") as proxy:
        assert await asked(proxy, times=1, headers={"X-Forwarded-For": "198.51.100.1"}) == [429]
        assert await asked(proxy, times=1, headers={"X-Forwarded-For": "198.51.100.3"}) == [200]


async def test_a_line_with_many_ipv6_addresses_is_one_caller(door: Door) -> None:
    for last in range(6):
        async with door.at(f"2001:db8:0:1::{last}") as client:
            assert await asked(client, times=1) == [200]
    async with door.at("2001:db8:0:1:ffff::") as same_line:
        assert await asked(same_line, times=1) == [429]
    async with door.at("2001:db8:0:2::1") as neighbour:
        assert await asked(neighbour, times=1) == [200]


async def test_members_behind_one_address_are_counted_each_for_themselves(door: Door) -> None:
    async with door.at("198.51.100.1") as client:
        one, other = await guest(client), await guest(client)
        assert await asked(client, ME, headers=one) == [200] * 6
        assert await asked(client, ME, times=1, headers=one) == [429]
        assert await asked(client, ME, times=1, headers=other) == [200]
    async with door.at("198.51.100.2") as elsewhere:
        assert await asked(elsewhere, ME, times=1, headers=one) == [429]


async def test_a_forged_token_makes_nobody_a_person(door: Door) -> None:
    async with door.at("198.51.100.1") as client:
        for number in range(6):
            forged = {"Authorization": f"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ{number}.x"}
            assert await asked(client, times=1, headers=forged) == [200]
        assert await asked(client, times=1) == [429]


async def test_a_token_of_the_other_audience_counts_as_none(door: Door, db: Database) -> None:
    async with door.at("198.51.100.1") as client:
        member = await guest(client)
        await asked(client, "/api/admin/auth/me", times=5, headers=member)
        assert (await client.get(ME, headers=member)).status_code == 200  # as themselves
        assert (await client.get("/api/admin/auth/me", headers=member)).status_code == 429  # as their address


async def test_staff_are_counted_as_persons(door: Door, db: Database) -> None:
    async with door.at("198.51.100.1") as client:
        desk = await new_desk(db, door.runtime, client, StaffRole.MANAGER)
        for _ in range(6):
            await desk.ok("GET", "/auth/me")
        assert await desk.refused(429, "rate_limited", "GET", "/auth/me") == {"retry_after": 60}
        again: Desk = await desk_of(db, door.runtime, client, desk.staff)
        await again.refused(429, "rate_limited", "GET", "/auth/me")  # another session is the same person
        colleague = await new_desk(db, door.runtime, client, StaffRole.MANAGER)
        await colleague.ok("GET", "/auth/me")


async def test_log_ins_are_counted_more_carefully(door: Door) -> None:
    wrong = {"username": "nobody", "password": "wrong"}
    async with door.at("198.51.100.1") as client:
        tries = [await client.post("/api/admin/auth/login", json=wrong) for _ in range(3)]
        assert [response.status_code for response in tries] == [401, 401, 429]
        assert tries[-1].json()["code"] == "rate_limited"
        assert (await client.post(GUEST)).status_code == 429
        assert await asked(client, times=1) == [200]


async def test_changes_of_passwords_are_counted_more_carefully(door: Door, db: Database) -> None:
    async with door.at("198.51.100.1") as client:
        desk = await new_desk(db, door.runtime, client, StaffRole.MANAGER)
        body = {"old_password": "wrong-pass-1", "new_password": "other-pass-2"}
        tries = [await desk.call("POST", "/auth/password", json=body) for _ in range(3)]
        assert [response.status_code for response in tries] == [422, 422, 429]
        assert tries[-1].json()["code"] == "rate_limited"


async def wechat(door: Door) -> dict[str, str]:
    """Somebody who came through WeChat."""
    settings = door.runtime.settings
    async with door.runtime.db.transaction() as session:
        payer = await make_payer(session, openid=uuid.uuid4().hex)
        token = token_for(payer, secret=settings.secret_key.get_secret_value(), days=1)
    return {"Authorization": f"Bearer {token}"}


async def orders(client: httpx.AsyncClient, who: dict[str, str], times: int) -> list[int]:
    return [(await client.post(ORDER, json={}, headers=who)).status_code for _ in range(times)]


async def test_orders_are_counted_by_person_also_when_they_are_nonsense(door: Door) -> None:
    """However many there are behind an address."""
    async with door.at("198.51.100.1") as client:
        one, other, third = [await wechat(door) for _ in range(3)]
        assert await orders(client, one, 3) == [422, 422, 429]
        assert await orders(client, other, 2) == await orders(client, third, 2) == [422, 422]


async def test_guests_are_counted_by_address_too(door: Door) -> None:
    """One address gets no more orders by being many guests, and one guest none by many addresses."""
    async with door.at("198.51.100.1") as client, door.at("198.51.100.2") as other_place:
        guests = [await guest(client), await guest(client), await guest(other_place), await guest(other_place)]
    async with door.at("198.51.100.3") as client:
        assert [status for one in guests for status in await orders(client, one, 1)] == [422, 422, 429, 429]
        assert await orders(client, await wechat(door), 1) == [422]
    async with door.at("198.51.100.4") as client:
        assert await orders(client, guests[0], 2) == [422, 429]


async def test_a_log_in_through_wechat_counts_overall_only(door: Door) -> None:
    """A mobile carrier puts a whole camp behind one address."""
    async with door.at("198.51.100.1") as client:
        body = {"code": "x", "state": "x"}
        tries = [await client.post("/api/h5/auth/wechat", json=body) for _ in range(7)]
        assert [response.status_code == 429 for response in tries] == [False] * 6 + [True]


async def test_what_isnt_a_persons_call_is_never_counted(door: Door) -> None:
    async with door.at("198.51.100.1") as client:
        assert await asked(client) == [200] * 6
        for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/media/poster/x.png", "/nothing"):
            assert 429 not in await asked(client, path, times=8), path
        for _ in range(8):
            assert (await client.post("/api/webhook/wechat/payment", content=b"x")).status_code == 400
        preflight = {"Origin": "https://camp.example.com", "Access-Control-Request-Method": "GET"}
        assert (await client.options(CAMPS, headers=preflight)).status_code == 200


async def test_it_can_be_switched_off(door: Door, servers: Servers) -> None:
    off = LimitSettings(enabled=False, per_minute=1, sensitive_per_minute=1)
    async with opened_door(door.runtime, servers.redis_url, limits=off) as quiet, quiet.at("198.51.100.1") as client:
        assert await asked(client) == [200] * 6
        assert (await client.post(GUEST)).status_code == (await client.post(GUEST)).status_code == 200


async def test_without_redis_nobody_is_refused(runtime: Runtime) -> None:
    async with opened_door(runtime, "redis://127.0.0.1:1/0") as door, door.at("198.51.100.1") as client:
        assert await asked(client, times=9) == [200] * 9
        counted = (await client.get("/metrics")).text
        assert 'camp_rate_limit_total{outcome="unchecked"}' in counted


async def test_every_call_of_members_that_changes_something_is_sensitive(door: Door) -> None:
    """A new one must be marked too, or be named here with its reason."""
    harmless = {
        ("post", "/api/h5/auth/wechat"),  # see the test above
        ("post", "/api/h5/messages/read"),  # creates nothing
    }
    async with door.at("198.51.100.250") as client:
        document = (await client.get("/openapi/h5.json")).json()
    changing = [
        (method, path)
        for path, operations in document["paths"].items()
        for method in operations
        if method in ("post", "put", "patch", "delete")
    ]
    unmarked = set()
    for number, (method, path) in enumerate(changing):
        async with door.at(f"198.51.100.{number}") as client:
            member = {} if "/auth/" in path else await guest(client)
            address = re.sub(r"{\w+}", str(uuid.uuid4()), path)
            tries = [await client.request(method, address, json={}, headers=member) for _ in range(3)]
        if tries[-1].status_code != 429:
            unmarked.add((method, path))
    assert unmarked == harmless
    assert len(changing) > len(harmless) + 3
