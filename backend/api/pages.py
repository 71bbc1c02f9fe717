"""The built front-ends, where no web server stands in front: the member's app at ``/``, the console at ``/admin/``.

Vite's ``dist`` folders are served as they lie on the disk, so a new build is seen at once. What isn't a file is a page
of the app itself: it gets ``index.html``, and the app's router takes it from there.
"""

import asyncio
import base64
import gzip
import hashlib
import os
import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

# First path segments reserved for the API: an unknown path below them must not return a page.
RESERVED = frozenset({"api", "media", "doc", "doc.html", "openapi", "openapi.json", "healthz", "readyz", "metrics"})
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
_PACKED = frozenset({".html", ".js", ".css", ".json", ".webmanifest", ".svg", ".txt"})
# Bytes. Smaller files fit into one packet uncompressed.
_PACKED_FROM = 1024
_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
# Vant embeds its icon font in the style sheet (data:). Components set styles by script ('unsafe-inline').
_POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob: https:; font-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


@dataclass(frozen=True, slots=True)
class _Stamp:
    """A file as it is now: another build gives another stamp."""

    path: Path
    modified_ns: int
    size: int

    @property
    def etag(self) -> str:
        return f'W/"{self.modified_ns:x}-{self.size:x}"'


@dataclass(frozen=True, slots=True)
class _Content:
    plain: bytes
    packed: bytes | None
    policy: str


class Pages:
    """What answers a path that no route knows. Whatever isn't a page goes on to ``otherwise``."""

    # The route label of all pages in the metrics.
    path = "/pages"

    def __init__(self, directory: Path, *, otherwise: ASGIApp) -> None:
        self._member_app = directory / "h5-member" / "dist"
        self._console = directory / "admin-web" / "dist"
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parts = scope["path"].strip("/").split("/")
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or parts[0] in RESERVED:
            await self._otherwise(scope, receive, send)
            return
        scope["route"] = self
        root, parts = (self._console, parts[1:]) if parts[0] == "admin" else (self._member_app, parts)
        # Disk reads and compression would block the event loop.
        response = await asyncio.to_thread(_answer, root, parts, Headers(scope=scope), scope["method"])
        await response(scope, receive, send)


def nginx_policies(directory: Path) -> str:
    """For nginx, where it serves the pages: their content policies by path, which hold hashes of their scripts."""
    member_app, console = (
        _policy((directory / app / "dist" / "index.html").read_bytes()) for app in ("h5-member", "admin-web")
    )
    return f"""map $uri $camp_page_policy {{
    default            "{member_app}";
    ~^/admin(?:/|$)    "{console}";
}}
"""


def _answer(root: Path, parts: list[str], asked: Headers, method: str) -> Response:
    """The file of this path, or else the app's page. Raises HTTPException (404)."""
    file = _file(root, parts)
    is_asset = parts[:1] == ["assets"]
    if file is None and not is_asset:
        # A script removed by a release must return 404: browsers would run the page as a script.
        file = _file(root, ["index.html"])
    if file is None:
        raise HTTPException(404)
    try:
        content = _content(file)
    except FileNotFoundError:  # a build is replacing the file
        raise HTTPException(404) from None
    # Vite puts a content hash into the names of assets only.
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable" if is_asset else "no-cache",
        "ETag": file.etag,
        "Vary": "Accept-Encoding",
        # Also with 304: browsers replace the cached headers, and the default policy blocks scripts (blank page).
        "Content-Security-Policy": content.policy,
    }
    if file.etag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = content.plain
    if content.packed is not None and "gzip" in asked.get("accept-encoding", ""):
        body = content.packed
        headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(body))
    media_type = _TYPES.get(file.path.suffix, "application/octet-stream")
    return Response(b"" if method == "HEAD" else body, headers=headers, media_type=media_type)


def _file(root: Path, parts: list[str]) -> _Stamp | None:
    """The file inside ``root`` that these parts of a path name; None if there is none. Raises HTTPException (404)."""
    # Block path traversal and hidden files, such as Vite's manifest.
    if any(part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        raise HTTPException(404)
    path = root.joinpath(*parts)
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            return None
        found = os.stat(path)
    except OSError:  # also raised for a name that is too long
        return None
    return _Stamp(path, found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


@lru_cache(maxsize=256)
def _content(file: _Stamp) -> _Content:
    """Read and packed once per build."""
    plain = file.path.read_bytes()
    is_text = file.path.suffix in _PACKED and len(plain) >= _PACKED_FROM
    packed = gzip.compress(plain, 9, mtime=0) if is_text else None
    return _Content(plain, packed, _policy(plain if file.path.suffix == ".html" else b""))


def _policy(page: bytes) -> str:
    """Only our own scripts run: those in files, and those that stand in the page itself, by their hash."""
    digests = [hashlib.sha256(script).digest() for script in _INLINE_SCRIPT.findall(page.replace(b"\r\n", b"\n"))]
    return _POLICY.format(scripts="".join(f" 'sha256-{base64.b64encode(each).decode()}'" for each in digests))
