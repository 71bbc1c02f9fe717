"""The COS store: the official SDK against a small COS on a loopback port that checks every signature."""

import logging
import socket
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from backend.gateways.errors import Rejected, Unavailable
from backend.gateways.storage import CosStorage, make_storage
from tests.gateways.storage.fake_cos import FakeCos, served, settings_for


@pytest.fixture
def cos() -> FakeCos:
    return FakeCos()


@pytest.fixture
async def address(cos: FakeCos) -> AsyncIterator[str]:
    async with served(cos) as address:
        yield address


@pytest.fixture
def storage(address: str) -> CosStorage:
    return CosStorage(settings_for(address))


async def test_kept_replaced_and_forgotten(storage: CosStorage, cos: FakeCos) -> None:
    await storage.put("posters/0198.png", b"one", "image/png")
    await storage.put("posters/0198.png", b"\x89PNG two", "image/png")
    assert cos.objects == {"/posters/0198.png": (b"\x89PNG two", "image/png")}
    assert await storage.get("posters/0198.png") == b"\x89PNG two"
    await storage.delete("posters/0198.png")
    await storage.delete("posters/0198.png")
    with pytest.raises(Rejected) as refused:
        await storage.get("posters/0198.png")
    assert refused.value.code == "not_found"


async def test_empty_picture(storage: CosStorage) -> None:
    await storage.put("a.png", b"", "image/png")
    assert await storage.get("a.png") == b""


async def test_signed_address_opens_the_picture(storage: CosStorage, address: str) -> None:
    await storage.put("group_qr/a.png", b"qr", "image/png")
    signed = await storage.url("group_qr/a.png", 120)
    assert signed is not None
    assert signed.startswith(f"{address}/group_qr/a.png?")
    begin, end = dict(parse_qsl(urlsplit(signed).query))["q-sign-time"].split(";")
    assert int(end) - int(begin) == 120 + 60  # the SDK lets it begin a minute ago
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(signed)).content == b"qr"
        assert (await browser.get(signed.replace("group_qr/a", "group_qr/b"))).status_code == 403


async def test_address_without_base_url_is_the_buckets() -> None:
    signed = await make_storage(settings_for("")).url("a.png", None)
    assert signed is not None
    assert signed.startswith("https://camp-1250000000.cos.ap-guangzhou.myqcloud.com/a.png?")


@pytest.mark.parametrize(
    ("status", "code", "kind", "ours"),
    [
        (503, "SlowDown", Unavailable, "SlowDown"),
        (500, "", Unavailable, "http_500"),
        (403, "AccessDenied", Rejected, "AccessDenied"),
        (404, "NoSuchBucket", Rejected, "NoSuchBucket"),
        (404, "", Rejected, "not_found"),
    ],
)
async def test_failures(
    storage: CosStorage, cos: FakeCos, status: int, code: str, kind: type[Rejected | Unavailable], ours: str
) -> None:
    cos.fail_with = (status, code)
    with pytest.raises(kind) as failure:
        await storage.get("a.png")
    assert failure.value.code == ours


async def test_half_a_picture_is_none(storage: CosStorage, cos: FakeCos) -> None:
    await storage.put("a.png", b"x" * 100_000, "image/png")
    cos.cut_short = True
    with pytest.raises(Unavailable):
        await storage.get("a.png")


async def test_wrong_key_is_refused_and_told_nowhere(address: str, caplog: pytest.LogCaptureFixture) -> None:
    storage = CosStorage(settings_for(address, cos_secret_key=SecretStr("another-secret")))
    with caplog.at_level(logging.DEBUG), pytest.raises(Rejected) as refused:
        await storage.put("a.png", b"x", "image/png")
    assert refused.value.code == "SignatureDoesNotMatch"
    assert "another-secret" not in caplog.text + str(refused.value)
    assert "q-signature" not in caplog.text


async def test_nobody_listening_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        storage = CosStorage(settings_for(f"http://127.0.0.1:{closed.getsockname()[1]}"))
        with pytest.raises(Unavailable, match="unreachable"):
            await storage.get("a.png")


async def test_keys_are_checked_before_anything_is_sent(storage: CosStorage, cos: FakeCos) -> None:
    for call in (storage.put("../a", b"", "x"), storage.get("../a"), storage.delete("../a"), storage.url("../a", 1)):
        with pytest.raises(Rejected, match="bad_key"):
            await call
    assert cos.objects == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"cos_bucket": ""},
        {"cos_secret_key": SecretStr("")},
        {"cos_base_url": "cos.test"},
        {"cos_base_url": "https://cos.test/path"},
    ],
)
async def test_incomplete_settings_refuse_every_call(changes: dict[str, object]) -> None:
    storage = make_storage(settings_for("https://cos.test", **changes))
    for call in (
        storage.put("a/b", b"x", "text/plain"),
        storage.get("a/b"),
        storage.delete("a/b"),
        storage.url("a/b", 9),
    ):
        with pytest.raises(Rejected, match="not_configured"):
            await call
