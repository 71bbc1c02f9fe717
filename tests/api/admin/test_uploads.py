"""Uploading pictures, and who may fetch them afterwards."""

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from sqlalchemy import select

from backend.core.db import Database
from backend.core.security import sign_path
from backend.models.audit import AuditEntry
from backend.models.staff import StaffRole
from backend.models.uploads import Upload
from backend.runtime import Runtime
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.conftest import Time


def png(size: tuple[int, int] = (40, 40)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "red").save(out, "PNG")
    return out.getvalue()


def form(data: bytes, kind: str = "poster", name: str = "海报.png") -> dict[str, Any]:
    return {"files": {"file": (name, data, "image/png")}, "data": {"kind": kind}}


async def test_a_poster_is_kept_under_a_random_name_and_public(
    manager: Desk, db: Database, client: httpx.AsyncClient
) -> None:
    found = await manager.ok("POST", "/uploads", **form(png(), name="../../etc/passwd.png"))
    assert found["key"].startswith("poster/")
    assert "passwd" not in found["key"]
    assert found["url"] == f"http://testserver/media/{found['key']}"
    shown = await client.get(found["url"])
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "image/png"
    assert "immutable" in shown.headers["cache-control"]
    assert shown.headers["x-content-type-options"] == "nosniff"
    async with db.transaction() as session:
        row = (await session.scalars(select(Upload).where(Upload.key == found["key"]))).one()
        log = (await session.scalars(select(AuditEntry).where(AuditEntry.target_id == row.id))).one()
    assert (row.kind, row.size_bytes, row.uploaded_by) == ("poster", len(shown.content), manager.staff.id)
    assert log.action == "upload.create"


async def test_the_type_is_told_by_the_content(manager: Desk) -> None:
    out = BytesIO()
    Image.new("RGB", (40, 40)).save(out, "JPEG")
    found = await manager.ok("POST", "/uploads", **form(out.getvalue(), name="x.png"))
    assert found["key"].endswith(".jpg")


async def test_a_group_qr_is_shown_only_by_its_signed_address_for_ten_minutes(
    manager: Desk, client: httpx.AsyncClient, time: Time
) -> None:
    found = await manager.ok("POST", "/uploads", **form(png(), kind="group_qr"))
    shown = await client.get(found["url"])
    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "private, no-store"
    assert (await client.get(urlsplit(found["url"]).path)).status_code == 404
    time.advance(599)
    assert (await client.get(found["url"])).status_code == 200
    time.advance(2)
    assert (await client.get(found["url"])).status_code == 404


async def test_a_signature_fits_one_picture_and_one_end(manager: Desk, client: httpx.AsyncClient) -> None:
    first = (await manager.ok("POST", "/uploads", **form(png(), kind="group_qr")))["url"]
    second = (await manager.ok("POST", "/uploads", **form(png(), kind="group_qr")))["url"]
    path, query = urlsplit(first).path, urlsplit(second).query
    assert (await client.get(f"{path}?{query}")).status_code == 404
    for tampered in ("expires=9999999999", "expires=abc", "expires=", "expires=-1", "expires=" + "9" * 400):
        signature = first.partition("&signature=")[2]
        assert (await client.get(f"{path}?{tampered}&signature={signature}")).status_code == 404
    for signature in ("", "0" * 64, "签名"):
        expires = first.partition("expires=")[2].partition("&")[0]
        assert (await client.get(path, params={"expires": expires, "signature": signature})).status_code == 404


@pytest.mark.parametrize(
    "key",
    [
        "poster/nothing.png",
        "poster/nothing",
        "other/x.png",
        "poster/../group_qr/x.png",
        "poster/%2e%2e/secret.png",
        "poster/",
        "",
        "/etc/passwd",
        "poster/a.html",
    ],
)
async def test_what_isnt_a_stored_picture_is_not_found(client: httpx.AsyncClient, key: str) -> None:
    assert (await client.get(f"/media/{key}")).status_code == 404


async def test_a_signed_address_to_nothing_is_not_found(client: httpx.AsyncClient, runtime: Runtime) -> None:
    path, expires = "/media/group_qr/nothing.png", 9999999999
    signature = sign_path(runtime.settings.secret_key.get_secret_value(), path, expires)
    assert (await client.get(f"{path}?expires={expires}&signature={signature}")).status_code == 404


@pytest.mark.parametrize("data", [b"", b"no picture", png()[:-10]])
async def test_bad_pictures_are_refused(manager: Desk, data: bytes) -> None:
    assert await manager.bad_fields("POST", "/uploads", **form(data)) == {"file"}


async def test_the_form_must_be_whole(manager: Desk) -> None:
    assert await manager.bad_fields("POST", "/uploads", files={"file": ("x.png", png())}) == {"kind"}
    assert await manager.bad_fields("POST", "/uploads", **form(png(), kind="avatar")) == {"kind"}
    assert await manager.bad_fields("POST", "/uploads", data={"kind": "poster"}) == {"file"}


async def test_more_than_two_megabytes_are_refused(manager: Desk) -> None:
    assert await manager.bad_fields("POST", "/uploads", **form(png() + b"\0" * 2 * 1024 * 1024)) == {"file"}
    response = await manager.call("POST", "/uploads", **form(png() + b"\0" * 4 * 1024 * 1024))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


async def test_who_may(desk: NewDesk, client: httpx.AsyncClient) -> None:
    for role in (StaffRole.COACH, StaffRole.VOLUNTEER):
        await (await desk(role)).refused(403, "forbidden", "POST", "/uploads", **form(png()))
    assert (await client.post("/api/admin/uploads", **form(png()))).status_code == 401
