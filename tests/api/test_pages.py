"""The built front-ends behind the API's own port."""

import base64
import gzip
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from backend.api import media, system
from backend.api.pages import RESERVED
from backend.app import create_app
from backend.runtime import Runtime

INLINE = "window.early = fetch('/api/h5/camps');"
MEMBER_APP = f"<!doctype html><title>会员</title><script>{INLINE}</script><script src='/assets/a-1.js'></script>"
CONSOLE = "<!doctype html><title>后台</title><script type='module' src='/admin/assets/b-1.js'></script>"
SCRIPT = "console.log('押金');\n" * 200
IMMUTABLE = "public, max-age=31536000, immutable"


def put(folder: Path, name: str, content: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder with both front-ends, and things beside them that are nobody's business."""
    files: dict[str, str | bytes] = {
        "secret.txt": "outside",
        "h5-member/dist/index.html": MEMBER_APP,
        "h5-member/dist/icon.svg": "<svg/>",
        "h5-member/dist/assets/a-1.js": SCRIPT,
        "h5-member/dist/assets/p.woff2": b"\0" * 4096,
        "h5-member/dist/.vite/manifest.json": "{}",
        "admin-web/dist/index.html": CONSOLE,
        "admin-web/dist/assets/b-1.js": SCRIPT,
    }
    for name, content in files.items():
        put(tmp_path, name, content)
    return tmp_path


@pytest.fixture
def app(runtime: Runtime, built: Path) -> FastAPI:
    return create_app(runtime.settings.model_copy(update={"front_ends_dir": built}), runtime)


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 50000))
    headers = {"Accept-Encoding": "identity"}
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", MEMBER_APP),
        ("/index.html", MEMBER_APP),
        ("/camps/0198", MEMBER_APP),
        ("/auth/callback?code=x&state=y", MEMBER_APP),
        ("/administration", MEMBER_APP),
        ("/apis", MEMBER_APP),
        ("/admin", CONSOLE),
        ("/admin/", CONSOLE),
        ("/admin/camps/0198/edit", CONSOLE),
    ],
)
async def test_pages_are_the_apps_own(browser: httpx.AsyncClient, path: str, page: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.text) == (200, page)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "kind", "caching"),
    [
        ("/assets/a-1.js", "text/javascript; charset=utf-8", IMMUTABLE),
        ("/assets/p.woff2", "font/woff2", IMMUTABLE),
        ("/admin/assets/b-1.js", "text/javascript; charset=utf-8", IMMUTABLE),
        ("/icon.svg", "image/svg+xml", "no-cache"),
    ],
)
async def test_files_have_their_type_and_life(browser: httpx.AsyncClient, path: str, kind: str, caching: str) -> None:
    answer = await browser.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["cache-control"] == caching
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/gone-1.js",
        "/assets/",
        "/admin/assets/a-1.js",  # the other app's
        "/.vite/manifest.json",
        "/.env",
        "/..%2f..%2fsecret.txt",
        "/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2f..%2f..%2fsecret.txt",
        "/admin/..%2f..%2f..%2fsecret.txt",
        "/..%5c..%5csecret.txt",
        "/index.html%00.js",
        "/api/h5/nothing",
        "/api/nothing",
        "/api",
        "/media/poster/nothing.png",
        "/openapi/nothing.json",
        "/doc/nothing.js",
        "/metrics/nothing",
    ],
)
async def test_what_is_no_page_is_not_found(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.headers["content-type"] == "application/json", answer.text
    assert answer.json()["code"] in ("not_found", "validation_error")
    assert 404 <= answer.status_code <= 422


async def test_links_out_of_the_folder_and_endless_names_are_no_files(browser: httpx.AsyncClient, built: Path) -> None:
    (built / "h5-member" / "dist" / "link.txt").symlink_to(built / "secret.txt")
    for path in ("/link.txt", "/" + "a" * 5000, "/index.html/x"):
        assert (await browser.get(path)).text == MEMBER_APP


async def test_the_api_s_own_refusals_stay(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/api/h5/messages/read")).status_code == 405
    assert (await browser.get("/api/h5/me")).status_code == 401
    assert (await browser.get("/healthz")).json() == {"status": "ok"}
    assert "swagger" in (await browser.get("/doc.html")).text
    for method in ("POST", "PUT", "DELETE"):
        assert (await browser.request(method, "/camps/1")).status_code == 404


def test_every_route_outside_of_api_is_reserved() -> None:
    routes = [*system.router.routes, *media.router.routes]
    assert len(routes) >= 8
    assert {route.path.split("/")[1] for route in routes} | {"api"} == RESERVED  # type: ignore[attr-defined] # they have


async def test_text_is_packed_for_who_takes_it(browser: httpx.AsyncClient) -> None:
    async with browser.stream("GET", "/assets/a-1.js", headers={"Accept-Encoding": "br, gzip"}) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert int(answer.headers["content-length"]) == len(raw) < len(SCRIPT) / 10
    assert gzip.decompress(raw).decode() == SCRIPT
    font = await browser.get("/assets/p.woff2", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in font.headers


async def test_head_tells_the_same_without_the_body(browser: httpx.AsyncClient) -> None:
    for path in ("/", "/assets/a-1.js", "/camps/1"):
        whole, head = await browser.get(path), await browser.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.content))
        assert head.headers["cache-control"] == whole.headers["cache-control"]


async def test_an_unchanged_page_is_not_sent_again_and_a_new_build_is_seen(
    browser: httpx.AsyncClient, built: Path
) -> None:
    first = await browser.get("/")
    again = await browser.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    put(built, "h5-member/dist/index.html", "<!doctype html><title>新版</title>")
    third = await browser.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (third.status_code, "新版" in third.text) == (200, True)


async def test_only_our_own_scripts_may_run(browser: httpx.AsyncClient, built: Path) -> None:
    answer = await browser.get("/camps/1")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    digest = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()
    assert policy == {
        "default-src": "'self'",
        "script-src": f"'self' 'sha256-{digest}'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob: https:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
    }
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    # A file that has only scripts of its own needs no exception, and a new build gets new hashes.
    assert "sha256" not in (await browser.get("/admin/")).headers["content-security-policy"]
    put(built, "h5-member/dist/index.html", MEMBER_APP.replace(INLINE, "other()"))
    changed = (await browser.get("/")).headers["content-security-policy"]
    assert re.findall(r"sha256-([^']+)", changed) == [base64.b64encode(hashlib.sha256(b"other()").digest()).decode()]


async def test_what_is_not_built_is_not_found(runtime: Runtime, tmp_path: Path) -> None:
    app = create_app(runtime.settings.model_copy(update={"front_ends_dir": tmp_path}), runtime)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as browser:
        for path in ("/", "/admin/", "/assets/a-1.js"):
            assert (await browser.get(path)).status_code == 404


async def test_without_the_setting_there_are_no_pages(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
