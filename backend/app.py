"""The API process: builds the application and mounts one router per audience (h5, admin, webhook)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from backend.api import errors, media, system
from backend.api.admin import router as admin
from backend.api.bodies import SizeLimit
from backend.api.guard import RateLimit
from backend.api.h5 import router as h5
from backend.api.headers import SecurityHeaders
from backend.api.html_errors import HtmlErrors
from backend.api.middleware import RequestMiddleware
from backend.api.pages import Pages
from backend.api.webhook import router as webhook
from backend.api.webhook.alarms import Forgeries
from backend.core import clock
from backend.core.config import Settings, load_settings
from backend.core.limits import SlidingWindow
from backend.core.logging import configure_logging
from backend.runtime import Runtime, RuntimeHolder, open_holder


def create_app(
    settings: Settings, runtime: RuntimeHolder | Runtime | None = None, *, limiter: SlidingWindow | None = None
) -> FastAPI:
    """Build the application. Without ``runtime``, its lifespan opens one at start-up and closes it at shutdown."""
    live = RuntimeHolder(runtime) if isinstance(runtime, Runtime) else runtime
    limiter = limiter or SlidingWindow(settings.redis_url)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_holder(settings) as opened:
            app.state.live = opened
            yield
        await limiter.aclose()

    app = FastAPI(
        title="训练营押金系统",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan if live is None else None,
    )
    if live is not None:
        app.state.live = live
    app.state.limiter = limiter
    app.state.forgeries = Forgeries()
    errors.install(app)
    app.include_router(system.router)
    app.include_router(media.router)
    for audience in (h5, admin, webhook):
        app.include_router(audience, prefix="/api")
    if settings.front_ends_dir is not None:
        app.router.default = Pages(settings.front_ends_dir, otherwise=app.router.default)
    # The middleware added last is the outermost. CORS wraps the rate limit: without its headers, pages couldn't read
    # a 429.
    app.add_middleware(SizeLimit)
    app.add_middleware(RateLimit)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
            expose_headers=["X-Request-Id", "Retry-After"],
            # Needed for the cookie that binds a WeChat log-in to its browser.
            allow_credentials=True,
        )
    app.add_middleware(RequestMiddleware, trusted_proxies=settings.trusted_proxies)
    app.add_middleware(HtmlErrors)
    app.add_middleware(SecurityHeaders, strict_transport=settings.env == "production")
    return app


def from_environment() -> FastAPI:
    """The application factory that uvicorn loads; reads the settings from the environment."""
    settings = load_settings()
    clock.use_test_clock(settings.test_clock)
    configure_logging(settings.log)
    return create_app(settings)
