"""The dependencies of flows: the database, the queue and the external systems, built from the current settings.

A process has one :class:`RuntimeHolder`. Each request and each job leases the current :class:`Runtime` and keeps it
until it ends, even when staff save new settings meanwhile (docs/decisions/0015).
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import httpx
import structlog
from sqlalchemy.exc import SQLAlchemyError

from backend.core.config import Section, Settings, SettingsError
from backend.core.db import Database, make_engine
from backend.core.queue import RedisQueue
from backend.core.security import SecretBox
from backend.gateways.storage import Storage, make_storage
from backend.gateways.wechat_mp import WeChatMp
from backend.gateways.wechat_oauth import WeChatOAuth
from backend.gateways.wechat_pay import WeChatPay
from backend.gateways.wecom import WeCom
from backend.gateways.zsxq import Sleep, Zsxq
from backend.runtime import overrides

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Runtime:
    """Passed to routers and flows. It is immutable, and nothing in the program is a global."""

    settings: Settings
    db: Database
    secrets: SecretBox
    wechat_pay: WeChatPay
    wechat_oauth: WeChatOAuth
    wechat_mp: WeChatMp
    zsxq: Zsxq
    wecom: WeCom
    storage: Storage


@dataclass(frozen=True, slots=True)
class Outbound:
    """The transport and sleep of gateways. Tests pass simulators and a sleep that doesn't wait."""

    transport: httpx.AsyncBaseTransport | None = None
    sleep: Sleep = asyncio.sleep


@dataclass(frozen=True, slots=True)
class _Maker:
    """``make`` gets the settings section, the transport and the previous gateway, which is None at first."""

    section: str
    make: Callable[[Any, Outbound, Any], Any]


# Gateways by field of ``Runtime``. The 知识星球 gateway tracks how each token was treated, so a new one inherits that.
_GATEWAYS: dict[str, _Maker] = {
    "wechat_pay": _Maker("wechat_pay", lambda section, outbound, _: WeChatPay(section, transport=outbound.transport)),
    "wechat_oauth": _Maker(
        "wechat_oauth", lambda section, outbound, _: WeChatOAuth(section, transport=outbound.transport)
    ),
    # The same service account as ``wechat_oauth``.
    "wechat_mp": _Maker("wechat_oauth", lambda section, outbound, _: WeChatMp(section, transport=outbound.transport)),
    "zsxq": _Maker(
        "zsxq",
        lambda section, outbound, before: (
            before.renewed(section) if before else Zsxq(section, transport=outbound.transport, sleep=outbound.sleep)
        ),
    ),
    "wecom": _Maker("wecom", lambda section, outbound, _: WeCom(section, transport=outbound.transport)),
    "storage": _Maker("storage", lambda section, *_: make_storage(section)),
}


def build_runtime(settings: Settings, db: Database, outbound: Outbound | None = None) -> Runtime:
    """Build a runtime with new gateways. Raises SettingsError for unusable key files."""
    gateways = {
        name: maker.make(getattr(settings, maker.section), outbound or Outbound(), None)
        for name, maker in _GATEWAYS.items()
    }
    return Runtime(settings=settings, db=db, secrets=SecretBox(settings.data_key_bytes), **gateways)


class _Closable(Protocol):
    async def aclose(self) -> None: ...


def _closable(runtime: Runtime) -> list[_Closable]:
    gateways = [getattr(runtime, name) for name in _GATEWAYS]
    return [gateway for gateway in gateways if hasattr(gateway, "aclose")]


async def close_gateways(runtime: Runtime) -> None:
    for gateway in _closable(runtime):
        await gateway.aclose()


class RuntimeHolder:
    """The process's runtime. It is rebuilt when the version of a saved settings group changes in PostgreSQL.

    Gateways whose settings didn't change are kept, with their cached tokens and keys. A replaced gateway is closed when
    the last lease that may use it ends. The initial runtime counts as up to date unless ``unread`` says that the
    database wasn't read yet.
    """

    def __init__(self, runtime: Runtime, outbound: Outbound | None = None, *, unread: bool = False) -> None:
        self._base = runtime.settings
        self._now = runtime
        self._outbound = outbound or Outbound()
        self._unread = unread
        self._versions: dict[str, int] = {}
        self._leases: Counter[Runtime] = Counter()
        self._replaced: list[_Closable] = []
        self._refreshing = asyncio.Lock()

    @property
    def base(self) -> Settings:
        """The settings from the environment, without saved overrides."""
        return self._base

    @property
    def now(self) -> Runtime:
        """The newest runtime. Use a lease instead if you await before the last use: gateways may be closed."""
        return self._now

    @asynccontextmanager
    async def gateway(self, name: str, section: Section) -> AsyncIterator[Any]:
        """A separate gateway for testing settings that aren't saved. Raises SettingsError for unusable keys."""
        tried = _GATEWAYS[name].make(section, self._outbound, None)
        try:
            yield tried
        finally:
            if hasattr(tried, "aclose"):
                await tried.aclose()

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Runtime]:
        """The newest runtime. Its gateways stay open until the block ends, whatever is saved meanwhile."""
        if self._unread:
            await self.refresh()
        runtime = self._now
        self._leases[runtime] += 1
        try:
            yield runtime
        finally:
            self._leases[runtime] -= 1
            if not self._leases[runtime]:
                del self._leases[runtime]
            await self._close_unused()

    async def refresh(self) -> None:
        """Apply settings saved since the last call. Raises database errors when the database is down."""
        async with self._refreshing:
            async with self._now.db.transaction() as session:
                versions = await overrides.versions(session)
                if versions == self._versions:
                    self._unread = False
                    return
                rows = await overrides.saved_groups(session)
            effective = overrides.lay_over(self._base, rows, self._now.secrets)
            for group, problem in effective.problems.items():
                log.error("settings.unusable", group=group, problem=problem)
            self._renew(effective.settings)
            self._versions = {row.name: row.version for row in rows}
            self._unread = False
        await self._close_unused()

    def _renew(self, settings: Settings) -> None:
        before, gateways = self._now, {}
        for name, maker in _GATEWAYS.items():
            section = getattr(settings, maker.section)
            if section == getattr(before.settings, maker.section):
                continue
            try:
                gateways[name] = maker.make(section, self._outbound, getattr(before, name))
            except SettingsError as error:
                log.error("settings.unusable", group=maker.section, problem=str(error))
                settings = settings.model_copy(update={maker.section: getattr(before.settings, maker.section)})
        self._now = replace(before, settings=settings, **gateways)
        self._replaced += [gateway for gateway in _closable(before) if gateway not in _closable(self._now)]
        log.info("settings.renewed", gateways=sorted(gateways))

    async def _close_unused(self) -> None:
        if not self._replaced:
            return
        used = [gateway for runtime in (self._now, *self._leases) for gateway in _closable(runtime)]
        unused = [gateway for gateway in self._replaced if gateway not in used]
        self._replaced = [gateway for gateway in self._replaced if gateway in used]
        for gateway in unused:
            await gateway.aclose()

    async def keep_up(self) -> None:
        """Poll for new versions forever. Database errors are logged once per outage and retried."""
        away = False
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.refresh()
                away = False
            except (SQLAlchemyError, OSError) as error:
                if not away:
                    log.warning("settings.not_read", error=type(error).__name__)
                away = True

    async def aclose(self) -> None:
        for gateway in self._replaced:
            await gateway.aclose()
        await close_gateways(self._now)


@asynccontextmanager
async def open_holder(settings: Settings) -> AsyncIterator[RuntimeHolder]:
    """For a long-running process: build the runtime, poll for saved settings, and close everything at the end."""
    async with _opened(settings) as live:
        keeping_up = asyncio.create_task(live.keep_up())
        try:
            yield live
        finally:
            keeping_up.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping_up


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """For a single command: the runtime with the settings as saved now."""
    async with _opened(settings) as live, live.lease() as runtime:
        yield runtime


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[RuntimeHolder]:
    engine = make_engine(settings.database_url, pool_size=settings.database_pool_size)
    queue = RedisQueue(settings.redis_url)
    live = RuntimeHolder(build_runtime(settings, Database(engine, queue)), unread=True)
    try:
        yield live
    finally:
        await live.aclose()
        await queue.aclose()
        await engine.dispose()
