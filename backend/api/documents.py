"""The OpenAPI document, whole or for one audience, with every error code the API can answer."""

from typing import Any, Literal

from fastapi import FastAPI

from backend.api.admin import router as admin
from backend.api.h5 import router as h5
from backend.core.errors import registry

Audience = Literal["all", "h5", "admin"]
Json = dict[str, Any]

_ROUTERS = {"h5": h5, "admin": admin}
# Errors raised outside the business rules (api.errors, api.middleware): code, status, message.
_AT_THE_DOOR = (
    ("bad_request", 400, "请求格式有误"),
    ("internal_error", 500, "服务异常，请稍后再试"),
    ("method_not_allowed", 405, "不支持的请求方式"),
    ("too_large", 413, "提交的内容太大"),
    ("unavailable", 503, "服务暂时不可用，请稍后再试"),
)


def openapi_document(app: FastAPI, audience: Audience = "all") -> Json:
    """The document of the whole API, or of one audience: types of the same name in both don't meet there."""
    if audience != "all":
        alone = FastAPI(title=app.title, version=app.version)
        alone.include_router(_ROUTERS[audience], prefix="/api")
        app = alone
    document = app.openapi()
    components = document.setdefault("components", {})
    # Drop FastAPI's 422 schemas: our 422 responses have another shape.
    ours = {
        name: schema
        for name, schema in components.get("schemas", {}).items()
        if name not in ("HTTPValidationError", "ValidationError")
    }
    paths = {path: _with_refusals(operations) for path, operations in document["paths"].items()}
    return document | {"paths": paths, "components": components | {"schemas": ours | _refusal_schemas()}}


def error_codes() -> list[tuple[str, int, str]]:
    """Every ``code`` but ``ok``, with its status and default message, sorted."""
    return sorted({*registry(), *_AT_THE_DOOR})


def _refusal_schemas() -> Json:
    codes = error_codes()
    lines = "\n".join(f"- `{code}` {status}: {message}" for code, status, message in codes)
    return {
        "ErrorCode": {"type": "string", "enum": [code for code, _, _ in codes], "description": lines},
        "Refusal": {
            "type": "object",
            "description": "Every answer that says no. `message` is fit to be shown; `data` is for programs.",
            "required": ["code", "message", "data", "request_id"],
            "properties": {
                "code": {"$ref": "#/components/schemas/ErrorCode"},
                "message": {"type": "string"},
                "data": {"anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}]},
                "request_id": {"type": "string"},
            },
        },
    }


def _with_refusals(operations: Json) -> Json:
    """Each operation may answer with a refusal instead."""
    schema = {"$ref": "#/components/schemas/Refusal"}
    refusal = {"description": "Refused", "content": {"application/json": {"schema": schema}}}
    return {
        method: operation
        | {"responses": {s: r for s, r in operation["responses"].items() if s != "422"} | {"default": refusal}}
        for method, operation in operations.items()
    }
