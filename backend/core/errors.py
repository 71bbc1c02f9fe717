"""Expected errors. Rules raise them; ``api/errors.py`` turns them into responses.

::

    AppError
    ├── Unauthenticated      401
    ├── Forbidden            403
    ├── NotFound             404   unknown ids, malformed ids, and other people's objects
    ├── Conflict             409   the wrong state; domains subclass it with their own codes
    ├── Invalid              422   ``validation_error`` with field details
    ├── TooMany              429
    └── ProviderProblem      502   an external system failed, so the request can't complete

``message`` is Chinese and safe to show. Domains subclass these beside their rules to define codes. Every class with
its own code is in :func:`registry`, which the OpenAPI document publishes.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar


class AppError(Exception):
    """An error that may be shown to a person. ``data`` is JSON for programs, such as the conflicting id."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    message: ClassVar[str] = "服务异常，请稍后再试"
    _classes: ClassVar[dict[str, type["AppError"]]] = {}

    def __init__(self, message: str | None = None, *, data: Mapping[str, Any] | None = None) -> None:
        self.text = message or self.message
        self.data = dict(data) if data is not None else None
        super().__init__(f"{self.code}: {self.text}")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" in cls.__dict__:
            known = AppError._classes.setdefault(cls.code, cls)
            if known is not cls and known.__qualname__ != cls.__qualname__:
                raise TypeError(f"error code {cls.code} is taken by {known.__qualname__}")


class Unauthenticated(AppError):
    code, status, message = "unauthenticated", 401, "请先登录"


class Forbidden(AppError):
    code, status, message = "forbidden", 403, "没有权限进行此操作"


class NotFound(AppError):
    code, status, message = "not_found", 404, "内容不存在或已被删除"


class Conflict(AppError):
    code, status, message = "conflict", 409, "当前状态不允许此操作，请刷新后再试"


class TooMany(AppError):
    """``retry_after`` is in seconds and becomes the ``Retry-After`` header."""

    code, status, message = "rate_limited", 429, "操作太频繁，请稍后再试"

    def __init__(self, message: str | None = None, *, retry_after: int) -> None:
        super().__init__(message, data={"retry_after": retry_after})
        self.retry_after = retry_after


class Invalid(AppError):
    """Invalid fields with their messages: ``Invalid({"name": "名称不能为空"})``."""

    code, status, message = "validation_error", 422, "提交的内容有误，请检查后再试"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(data={"fields": [{"field": name, "message": text} for name, text in fields.items()]})


class ProviderProblem(AppError):
    code, status, message = "provider_unavailable", 502, "外部服务暂时不可用，请稍后再试"


def registry() -> Iterator[tuple[str, int, str]]:
    """Every code with its HTTP status and default message, sorted by code."""
    for code, cls in sorted(AppError._classes.items()):
        yield code, cls.status, cls.message
