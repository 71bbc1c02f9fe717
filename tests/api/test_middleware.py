"""Around every request: where it comes from, its id, its size."""

from ipaddress import ip_network

import httpx
import pytest

from backend.api.middleware import client_ip

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


async def test_a_large_body_is_refused_also_when_its_length_isnt_told(client: httpx.AsyncClient) -> None:
    async def pieces():
        for _ in range(5):
            yield b"x" * 1_000_000

    for content in (b"x" * 4_000_000, pieces()):
        response = await client.post("/api/admin/auth/login", content=content)
        assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
