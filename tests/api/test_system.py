"""Health, documents, and the shape of refusals."""

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from backend.api.documents import error_codes
from backend.app import create_app
from backend.core.db import Database, make_engine
from backend.models.staff import StaffRole
from backend.runtime import Runtime
from tests.api.conftest import NewDesk
from tests.servers import Servers


async def test_the_process_answers(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}


def ready_app(runtime: Runtime, *, redis_url: str, database: Database | None = None) -> httpx.AsyncClient:
    settings = runtime.settings.model_copy(update={"redis_url": redis_url})
    app = create_app(settings, replace(runtime, settings=settings, db=database or runtime.db))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver")


async def test_ready_when_all_three_are_there(runtime: Runtime, servers: Servers) -> None:
    async with ready_app(runtime, redis_url=servers.redis_url) as client:
        response = await client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "redis": "ok", "migrations": "ok"}


async def test_not_ready_without_redis(runtime: Runtime) -> None:
    async with ready_app(runtime, redis_url="redis://127.0.0.1:1/0") as client:
        response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "database": "ok", "redis": "unreachable", "migrations": "ok"}


async def test_not_ready_without_the_database(runtime: Runtime, servers: Servers, queue: Any) -> None:
    engine = make_engine("postgresql+asyncpg://camp:hidden-password@127.0.0.1:1/camp")
    async with ready_app(runtime, redis_url=servers.redis_url, database=Database(engine, queue)) as client:
        ready, camps = await client.get("/readyz"), await client.get("/api/h5/camps")
    await engine.dispose()
    assert ready.status_code == 503
    assert ready.json() | {"redis": ""} == {
        "status": "unavailable", "database": "unreachable", "redis": "", "migrations": "unknown",
    }  # fmt: skip
    assert (camps.status_code, camps.json()["code"]) == (503, "unavailable")
    assert "hidden-password" not in ready.text + camps.text


async def test_not_ready_with_an_old_schema(runtime: Runtime, servers: Servers, queue: Any) -> None:
    engine = make_engine(servers.database_admin_url)  # nobody migrates this one
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None
    async with ready_app(runtime, redis_url=servers.redis_url, database=Database(engine, queue)) as client:
        response = await client.get("/readyz")
    await engine.dispose()
    assert response.status_code == 503
    assert re.fullmatch(r"at nothing, newest is \w+", response.json()["migrations"])


async def test_the_documents_need_no_other_host(client: httpx.AsyncClient) -> None:
    page = await client.get("/doc.html")
    assert page.status_code == 200
    assert "http" not in page.text.replace("http-equiv", "")
    assert "'self'" in page.headers["content-security-policy"]
    for address in re.findall(r'(?:src|href)="(doc/[^"]+)"', page.text):
        asset = await client.get(f"/{address}")
        assert asset.status_code == 200, address
        assert asset.headers["content-type"].startswith(("text/css", "text/javascript")), address
    for name in ("x.js", "redoc.standalone.js", "..%2f__init__.py"):
        assert (await client.get(f"/doc/{name}")).status_code == 404


async def test_each_audience_has_a_document_of_its_own(client: httpx.AsyncClient) -> None:
    whole = (await client.get("/openapi.json")).json()
    of = {name: (await client.get(f"/openapi/{name}.json")).json() for name in ("h5", "admin")}
    for name, document in of.items():
        assert document["paths"]
        assert all(path.startswith(f"/api/{name}/") for path in document["paths"])
    assert set(whole["paths"]) >= set(of["h5"]["paths"]) | set(of["admin"]["paths"])
    assert (await client.get("/openapi/staff.json")).status_code == 422


@pytest.mark.parametrize("audience", ["h5", "admin"])
async def test_types_of_one_audience_have_names_of_their_own(client: httpx.AsyncClient, audience: str) -> None:
    """Two of the same name would be told apart by their modules, and the front-ends would have to follow."""
    schemas = (await client.get(f"/openapi/{audience}.json")).json()["components"]["schemas"]
    assert [name for name in schemas if "backend__" in name] == []


async def test_every_reference_in_the_documents_leads_somewhere(client: httpx.AsyncClient) -> None:
    for address in ("/openapi.json", "/openapi/h5.json", "/openapi/admin.json"):
        response = await client.get(address)
        schemas = response.json()["components"]["schemas"]
        assert set(re.findall(r'"#/components/schemas/([^"]+)"', response.text)) <= set(schemas)
        assert "HTTPValidationError" not in response.text


async def test_the_documents_list_the_codes_of_refusals(client: httpx.AsyncClient, desk: NewDesk) -> None:
    document = (await client.get("/openapi.json")).json()
    listed = document["components"]["schemas"]["ErrorCode"]["enum"]
    assert listed == [code for code, _, _ in error_codes()] == sorted(set(listed))
    coach = await desk(StaffRole.COACH)
    seen = [
        await client.get("/api/admin/camps"),
        await client.get("/nothing"),
        await client.put("/healthz"),
        await client.post("/api/admin/auth/login", json={}),
        await client.post("/api/admin/auth/login", content=b"{", headers={"Content-Type": "application/json"}),
        await client.post("/api/admin/auth/login", json={"username": "x", "password": "y"}),
        await client.post("/api/admin/auth/login", content=b"x" * 4_000_000),
        await coach.call("GET", "/users"),
    ]
    registered = {(code, status) for code, status, _ in error_codes()}
    for response in seen:
        body = response.json()
        assert (body["code"], response.status_code) in registered
        assert set(body) == {"code", "message", "data", "request_id"}
        assert body["request_id"] == response.headers["x-request-id"]
    assert len({response.json()["code"] for response in seen}) == 7


async def test_an_operation_says_that_it_may_refuse(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi/admin.json")).json()
    answers = document["paths"]["/api/admin/camps"]["post"]["responses"]
    assert set(answers) == {"200", "default"}


async def test_metrics_name_routes_not_addresses(client: httpx.AsyncClient) -> None:
    for path in ("/api/h5/camps/1", "/api/h5/camps/2", "/healthz", "/no/such/page"):
        await client.get(path)
    response = await client.get("/metrics")
    assert response.status_code == 200
    counted = set(re.findall(r'camp_request_seconds_count\{method="GET",route="([^"]+)"', response.text))
    assert counted >= {"/api/h5/camps/{camp_id}", "/healthz", "other"}  # one name for all ids
    assert not [route for route in counted if re.search(r"\d/|\d$", route.replace("h5", ""))]
