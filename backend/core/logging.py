"""Structured logs: one event per line, with request and job ids, without secrets."""

import logging
import logging.handlers
import sys
from typing import Any

import structlog

from backend.core.config import LogSettings

# Values under names that contain one of these are masked in every log line.
_SECRET_NAMES = (
    "password",
    "token",
    "secret",
    "cookie",
    "authorization",
    "openid",
    "signature",
    "apiv3",
    "private_key",
)


def _hide_secrets(_: Any, __: str, event: Any) -> Any:
    for name in event:
        if any(secret in name.lower() for secret in _SECRET_NAMES):
            event[name] = "***"
    return event


def configure_logging(settings: LogSettings) -> None:
    """Send structlog and standard-library logs through one formatter, to standard error or a file."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    last: list[Any]
    if settings.format == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        colors = settings.file is None and sys.stderr.isatty()
        # Plain tracebacks: the rich formatters print local variables, which may hold secrets.
        last = [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler: logging.Handler
    if settings.file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        handler = logging.handlers.WatchedFileHandler(settings.file, encoding="utf-8")
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    # httpx logs full URLs, and the group robot's URL contains its key.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    # Our own request log replaces uvicorn's access log.
    logging.getLogger("uvicorn.access").disabled = True
