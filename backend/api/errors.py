"""Every way a request can fail, turned into an answer once."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from backend.api.answers import refusal
from backend.api.bodies import TooLarge
from backend.core.errors import AppError, TooMany
from backend.core.fields import field_text
from backend.gateways.errors import GatewayError

log = structlog.get_logger(__name__)

_PLAIN = {
    400: ("bad_request", "请求格式有误"),
    404: ("not_found", "内容不存在或已被删除"),
    405: ("method_not_allowed", "不支持的请求方式"),
    413: ("too_large", "提交的内容太大"),
}


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(AppError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(GatewayError, _gateway)
    for error in (OperationalError, InterfaceError, PoolTimeout, ConnectionError, DBAPIError):
        app.add_exception_handler(error, _database)


def refused(error: AppError) -> JSONResponse:
    """The answer to an expected refusal."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else None
    return JSONResponse(refusal(error.code, error.text, error.data), status_code=error.status, headers=headers)


async def _expected(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)  # noqa: S101 - registered for this class only
    return refused(error)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    fields = [{"field": _field(item["loc"]), "message": field_text(item)} for item in error.errors()]
    return JSONResponse(
        refusal("validation_error", "提交的内容有误，请检查后再试", {"fields": fields}), status_code=422
    )


def _field(location: tuple[Any, ...]) -> str:
    parts = [str(part) for part in location if part not in ("body", "query", "path", "header")]
    return ".".join(parts)


async def _plain(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    code, message = _PLAIN.get(error.status_code, ("bad_request", "请求无法处理"))
    if isinstance(error, TooLarge):
        message = error.detail
    return JSONResponse(refusal(code, message), status_code=error.status_code, headers=error.headers)


async def _gateway(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GatewayError)  # noqa: S101 - registered for this class only
    log.warning("gateway.failed", system=error.system, code=error.code, kind=type(error).__name__)
    return JSONResponse(refusal("provider_unavailable", "外部服务暂时不可用，请稍后再试"), status_code=502)


def _is_away(error: Exception) -> bool:
    if isinstance(error, DBAPIError):
        # SQLSTATE classes 08 (connection), 53 (resources) and 57 (operator intervention) are transient, others bugs.
        state = getattr(error.orig, "sqlstate", None)
        return error.connection_invalidated or state is None or str(state)[:2] in ("08", "53", "57")
    return True


# SQLSTATE for texts that PostgreSQL can't store, such as one with a NUL. Normal typing doesn't produce these.
_UNSTORABLE = ("22021", "22P05")


async def _database(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _UNSTORABLE:
        return JSONResponse(refusal("bad_request", "内容含有无法识别的字符"), status_code=400)
    if not _is_away(error):
        return unexpected(error)
    log.error("database.away", error=type(error).__name__)
    return JSONResponse(refusal("unavailable", "服务暂时不可用，请稍后再试"), status_code=503)


def unexpected(error: Exception) -> JSONResponse:
    """The answer to a fault of ours, which is in the log."""
    log.error("request.failed", exc_info=error)
    return JSONResponse(refusal("internal_error", "服务异常，请稍后再试"), status_code=500)
