"""Health, metrics and the API's own documents."""

import asyncio
from collections.abc import Awaitable
from importlib.resources import files
from pathlib import Path

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from backend.api.deps import LiveDep
from backend.api.documents import Audience, Json, openapi_document
from backend.core.errors import NotFound
from backend.core.migrate import current_revision, newest_revision
from backend.runtime import Runtime

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)

READY_SECONDS = 2.0


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(live: LiveDep) -> JSONResponse:
    """Whether requests can be served: database, Redis and migrations are each ``ok`` or say why not (then 503)."""
    runtime = live.now  # not a lease: taking one may need the database
    redis, (database, migrations) = await asyncio.gather(_redis(runtime), _database(runtime))
    parts = {"database": database, "redis": redis, "migrations": migrations}
    ready = set(parts.values()) == {"ok"}
    if not ready:
        log.warning("not_ready", **parts)
    return JSONResponse({"status": "ok" if ready else "unavailable", **parts}, status_code=200 if ready else 503)


async def _database(runtime: Runtime) -> tuple[str, str]:
    try:
        revision = await asyncio.wait_for(current_revision(runtime.db.engine), READY_SECONDS)
    except (SQLAlchemyError, OSError, TimeoutError):
        return "unreachable", "unknown"
    newest = await asyncio.to_thread(newest_revision)
    return "ok", "ok" if revision == newest else f"at {revision or 'nothing'}, newest is {newest}"


async def _redis(runtime: Runtime) -> str:
    try:
        async with Redis.from_url(runtime.settings.redis_url, socket_connect_timeout=READY_SECONDS) as redis:
            answered: Awaitable[bool] = redis.ping()
            await asyncio.wait_for(answered, READY_SECONDS)
    except (RedisError, OSError, TimeoutError):
        return "unreachable"
    return "ok"


@router.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json")
async def openapi(request: Request) -> Json:
    """The whole API."""
    return openapi_document(request.app)


@router.get("/openapi/{audience}.json")
async def openapi_of(request: Request, audience: Audience) -> Json:
    """One audience, for the generators of types."""
    return openapi_document(request.app, audience)


# Serve Swagger UI from an installed package, so that the page needs no other host.
_ASSETS = Path(str(files("fastapi_offline"))) / "static"
_ASSET_NAMES = frozenset({"swagger-ui-bundle.js", "swagger-ui.css"})
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>接口文档 · 训练营押金系统</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="doc/swagger-ui.css">
</head>
<body>
<nav style="padding:12px 20px;font-family:sans-serif">
<a href="?audience=all">全部接口</a> · <a href="?audience=admin">管理后台</a> · <a href="?audience=h5">会员端</a>
</nav>
<div id="doc"></div>
<script src="doc/swagger-ui-bundle.js"></script>
<script src="doc/start.js"></script>
</body>
</html>
"""
_START = """const audience = new URLSearchParams(location.search).get("audience");
const url = ["h5", "admin"].includes(audience) ? `openapi/${audience}.json` : "openapi.json";
SwaggerUIBundle({ url, dom_id: "#doc", deepLinking: true, docExpansion: "none", validatorUrl: null });
"""


@router.get("/doc.html")
async def doc() -> HTMLResponse:
    """The documents for people."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/doc/start.js")
async def doc_start() -> Response:
    return Response(_START, media_type="text/javascript")


@router.get("/doc/{name}")
async def doc_asset(name: str) -> FileResponse:
    if name not in _ASSET_NAMES:
        raise NotFound
    return FileResponse(_ASSETS / name, headers={"Cache-Control": "public, max-age=86400"})
