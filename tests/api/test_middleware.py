"""Around every request: where it comes from, its id, and an answer in any case."""

from ipaddress import ip_network

import httpx
import pytest

from backend.api.middleware import client_ip
from backend.app import create_app
from backend.runtime import Runtime
from tests.api.desk import Desk

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),  # nobody we trust says so
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),  # what the client wrote itself isn't believed
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "garbage", "10.0.0.1"),
        ("10.0.0.1", "6.6.6.6, garbage, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("unix", "1.2.3.4", "unix"),
        (None, "1.2.3.4", None),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str | None, forwarded: str | None, address: str | None) -> None:
    assert client_ip(peer, forwarded, TRUSTED) == address


async def test_a_request_keeps_its_id_if_that_is_harmless(client: httpx.AsyncClient) -> None:
    for given, kept in [("trace-0123456789", True), ("x", False), ("a" * 65, False), ("bad id <script>", False)]:
        response = await client.get("/api/h5/camps", headers={"X-Request-Id": given})
        assert (response.headers["x-request-id"] == given) is kept
        assert response.json()["request_id"] == response.headers["x-request-id"]


async def test_a_fault_of_ours_is_answered_like_everything_else(runtime: Runtime) -> None:
    app = create_app(runtime.settings, runtime)

    @app.get("/api/h5/broken")
    async def broken() -> None:
        raise RuntimeError("a secret detail")

    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        response = await client.get("/api/h5/broken")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in response.text


async def test_a_text_that_cant_be_kept_is_the_callers_mistake(admin: Desk) -> None:
    assert await admin.refused(400, "bad_request", "GET", "/matching?q=%00") is None
    assert await admin.refused(400, "bad_request", "GET", "/reconciliation-cases?kind=x%00") is None
