"""How much a request may carry."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from backend.api.bodies import MEGABYTE
from tests.api.desk import Desk

LOGIN, WEBHOOK = "/api/admin/auth/login", "/api/webhook/wechat/payment"


async def pieces(size: int) -> AsyncIterator[bytes]:
    """A body whose length nobody tells."""
    for _ in range(size // 50_000):
        yield b" " * 50_000
    yield b" " * (size % 50_000)


def json_of(size: int) -> bytes:
    login = b'{"username": "nobody", "password": "wrong"}'
    return login + b" " * (size - len(login))


async def test_a_megabyte_and_not_a_byte_more(client: httpx.AsyncClient) -> None:
    header = {"Content-Type": "application/json"}
    fits = await client.post(LOGIN, content=json_of(MEGABYTE), headers=header)
    assert fits.json()["code"] == "login_failed"
    over = await client.post(LOGIN, content=json_of(MEGABYTE + 1), headers=header)
    assert (over.status_code, over.json()["code"]) == (413, "too_large")
    assert over.json()["message"] == "提交的内容太大，最多 1 MB"


async def test_pieces_are_counted_while_they_come(client: httpx.AsyncClient) -> None:
    header = {"Content-Type": "application/json"}
    assert (await client.post(LOGIN, content=pieces(MEGABYTE), headers=header)).status_code == 422
    sent = 0

    async def long() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(400):
            sent += 50_000
            yield b" " * 50_000

    response = await client.post(LOGIN, content=long(), headers=header)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert sent < 2 * MEGABYTE


async def test_what_is_declared_too_large_isnt_read(client: httpx.AsyncClient) -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"{}"

    request = client.build_request("POST", LOGIN, content=body())
    request.headers = httpx.Headers([(b"Content-Type", b"application/json"), (b"Content-Length", b"1048577")])
    assert (await client.send(request)).status_code == 413
    assert not read


async def test_a_lie_about_the_length_doesnt_help(client: httpx.AsyncClient) -> None:
    for length in (b"10", b"-1", b"x", "²".encode("latin-1"), b"1_0", b""):
        request = client.build_request("POST", LOGIN, content=pieces(2 * MEGABYTE))
        request.headers = httpx.Headers([(b"Content-Type", b"application/json"), (b"Content-Length", length)])
        assert (await client.send(request)).status_code == 413, length


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/uploads", {"kind": "poster"}),
        ("/camps/0197c0de-0000-7000-8000-000000000000/checkins/import", {"mode": "preview"}),
        ("/planets/0197c0de-0000-7000-8000-000000000000/members/import", {"mode": "preview"}),
    ],
)
async def test_files_may_be_larger_up_to_a_limit_of_their_own(admin: Desk, path: str, fields: dict[str, Any]) -> None:
    for size, too_large in ((2 * MEGABYTE, False), (3 * MEGABYTE, True)):
        response = await admin.call("POST", path, data=fields, files={"file": ("x.csv", b"x" * size)})
        assert (response.status_code == 413) is too_large, response.text
    assert response.json()["message"] == "提交的内容太大，最多 3 MB"


async def test_whoever_isnt_logged_in_sends_no_files(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/admin/uploads", files={"file": ("x.png", b"x" * 4 * MEGABYTE)})
    assert response.status_code == 413


async def test_a_notification_has_a_smaller_limit_of_its_own(client: httpx.AsyncClient) -> None:
    for size in (65 * 1024, 2 * MEGABYTE):
        assert (await client.post(WEBHOOK, content=b"x" * size)).status_code == 413


async def test_a_body_nobody_reads_does_no_harm(admin: Desk) -> None:
    for path in ("/camps", "/members/export?format=csv"):
        response = await admin.call("GET", path, content=b"x" * 2 * MEGABYTE)
        assert response.status_code == 200, response.text


async def test_deep_nests_are_no_fault_of_ours(client: httpx.AsyncClient) -> None:
    nest = b"[" * 200_000 + b"]" * 200_000
    response = await client.post(LOGIN, content=nest, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
