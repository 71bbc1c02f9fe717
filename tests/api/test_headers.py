"""What every answer tells the browser about its own safety."""

from pathlib import Path

import httpx
import pytest

from backend.api.headers import SECURITY, STRICT_TRANSPORT
from backend.app import create_app
from backend.runtime import Runtime
from tests.api.desk import Desk

PATHS = (
    "/healthz", "/metrics", "/openapi.json", "/doc.html", "/doc/start.js", "/doc/swagger-ui.css",
    "/api/h5/camps", "/api/h5/me", "/api/h5/camps/x", "/api/admin/camps", "/api/h5/auth/wechat", "/nothing",
    "/media/poster/x.png",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_carries_them(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    for name, value in SECURITY.items():
        assert headers.get_list(name) == [value], name
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "strict-transport-security" not in headers


async def test_refusals_and_preflights_carry_them_too(runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(update={"cors_origins": ["https://camp.example.com"]})
    transport = httpx.ASGITransport(app=create_app(settings, runtime), client=("203.0.113.9", 50000))
    preflight = {"Origin": "https://camp.example.com", "Access-Control-Request-Method": "POST"}
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answers = [
            await client.options("/api/h5/payments", headers=preflight),
            await client.post("/api/admin/auth/login", content=b"x" * 4_000_000),
            await client.post("/api/h5/payments", json={}),
            await client.post("/api/webhook/wechat/payment", content=b"x"),
        ]
    assert [response.status_code for response in answers] == [200, 413, 401, 400]
    for response in answers:
        assert {name: response.headers[name] for name in SECURITY} == SECURITY


async def test_answers_of_the_api_are_kept_by_nobody(client: httpx.AsyncClient, admin: Desk) -> None:
    answers = [await client.get(path) for path in ("/api/h5/camps", "/api/h5/me", "/api/h5/auth/wechat")]
    answers += [await admin.call("GET", path) for path in ("/auth/me", "/camps", "/members/export?format=csv")]
    for response in answers:
        assert response.headers["cache-control"] == "no-store", response.url


async def test_https_for_good_in_production_only(runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(update={"env": "production"})
    transport = httpx.ASGITransport(app=create_app(settings, runtime), client=("203.0.113.9", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="https://testserver") as client:
        assert (await client.get("/healthz")).headers["strict-transport-security"] == STRICT_TRANSPORT


async def test_pages_may_run_their_own_scripts(runtime: Runtime, tmp_path: Path) -> None:
    for app in ("h5-member", "admin-web"):
        (tmp_path / app / "dist").mkdir(parents=True)
        (tmp_path / app / "dist" / "index.html").write_text("<!doctype html><title>x</title>")
    settings = runtime.settings.model_copy(update={"front_ends_dir": tmp_path})
    transport = httpx.ASGITransport(app=create_app(settings, runtime), client=("203.0.113.9", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        headers = (await client.get("/admin/camps")).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["cache-control"] == "no-cache"
    assert headers["x-frame-options"] == "DENY"
