"""Pictures in a folder."""

import asyncio
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.config import StorageSettings
from backend.gateways.errors import Rejected, Unavailable
from backend.gateways.storage import LocalStorage, make_storage
from backend.gateways.storage.keys import check_key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


@pytest.fixture
def storage(folder: Path) -> LocalStorage:
    return LocalStorage(folder)


async def test_kept_replaced_and_forgotten(storage: LocalStorage) -> None:
    await storage.put("posters/0198.png", b"one", "image/png")
    await storage.put("posters/0198.png", b"two", "image/png")
    assert await storage.get("posters/0198.png") == b"two"
    assert await storage.url("posters/0198.png", 60) is None
    await storage.delete("posters/0198.png")
    await storage.delete("posters/0198.png")
    with pytest.raises(Rejected) as refused:
        await storage.get("posters/0198.png")
    assert refused.value.code == "not_found"


async def test_only_our_user_may_read(storage: LocalStorage, folder: Path) -> None:
    await storage.put("group_qr/a.png", b"x", "image/png")
    assert stat.S_IMODE((folder / "group_qr/a.png").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "group_qr").stat().st_mode) == 0o700


async def test_readers_never_see_half_a_picture(storage: LocalStorage, folder: Path) -> None:
    pictures = [bytes([n]) * 200_000 for n in range(8)]
    await storage.put("p.png", pictures[0], "image/png")

    async def look() -> bytes:
        return await storage.get("p.png")

    seen = await asyncio.gather(*(work for p in pictures for work in (storage.put("p.png", p, "image/png"), look())))
    assert {picture for picture in seen if picture is not None} <= set(pictures)
    assert os.listdir(folder) == ["p.png"]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a/..",
        "a//b",
        "a/",
        ".hidden",
        "a/.b",
        "A.png",
        "a b",
        "a\\b",
        "a\x00b",
        "图",
        "a..b",
        "%2e%2e/x",
        "a\n",
        "a" * 201,
    ],
)
async def test_keys_that_could_leave_the_folder(storage: LocalStorage, key: str) -> None:
    for call in (storage.put(key, b"", "image/png"), storage.get(key), storage.delete(key), storage.url(key, 1)):
        with pytest.raises(Rejected) as refused:
            await call
        assert refused.value.code == "bad_key"


@given(st.text(st.sampled_from("ab0/._-~A\\\n "), max_size=12))
def test_every_accepted_key_stays_inside(key: str) -> None:
    try:
        check_key(key)
    except Rejected:
        return
    root = Path("/store")
    path = Path("/store") / key
    assert path.is_relative_to(root)
    assert not any(part.startswith(".") for part in path.relative_to(root).parts)
    assert str(path) == f"/store/{key}"


async def test_a_folder_is_not_a_picture(storage: LocalStorage) -> None:
    await storage.put("a/b", b"x", "image/png")
    for key in ("a", "a/b/c"):
        with pytest.raises(Rejected, match="not_found"):
            await storage.get(key)


async def test_an_ill_disk_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="disk"):
        await LocalStorage(Path("/dev/null")).put("a/b.png", b"x", "image/png")


async def test_default_settings_mean_the_folder(folder: Path) -> None:
    storage = make_storage(StorageSettings(local_dir=folder))
    await storage.put("a.png", b"x", "image/png")
    assert (folder / "a.png").read_bytes() == b"x"
