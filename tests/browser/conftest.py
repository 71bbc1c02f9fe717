"""One running system and one Chromium for all browser tests; each test has camps, people and browsers of its own."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from backend.core import clock
from backend.embedded.run_directory import run_directory
from tests.browser.chromium import find_chromium, running
from tests.browser.desks import Desk, open_desk
from tests.browser.phones import Kind, Phone, open_phone
from tests.browser.stand import Colleague, Role, Stand, running_stand
from tests.browser.watched import Watched
from tests.servers import Servers

_FAILED = pytest.StashKey[bool]()
NewPhone = Callable[..., Awaitable[Phone]]
NewDesk = Callable[..., Awaitable[Desk]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
    return report


@pytest.fixture(scope="session")
def private_directory() -> Iterator[Path]:
    with run_directory("camp-browser-") as directory:
        private = directory / "private"
        private.mkdir(mode=0o700)
        yield private


@pytest.fixture(scope="session")
async def stand(private_directory: Path, servers: Servers) -> AsyncIterator[Stand]:
    async with running_stand(private_directory, servers) as started:
        yield started


@pytest.fixture(scope="session")
async def chromium(private_directory: Path) -> AsyncIterator[Browser]:
    expect.set_options(timeout=10_000)
    async with running(find_chromium(private_directory)) as browser:
        yield browser


@pytest.fixture(autouse=True)
def time(stand: Stand) -> Iterator[None]:
    """In place of the other tests' clock: the running system's."""
    clock.use_test_clock(stand.stage.clock_file)
    yield
    clock.use_test_clock(None)


@pytest.fixture
async def browsers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[Watched]]:
    """All that a test opens. At the end none may have noticed a problem; what a failed test saw is kept."""
    opened: list[Watched] = []
    yield opened
    problems = [problem for browser in opened for problem in browser.unexpected()]
    if request.node.stash.get(_FAILED, False) or problems:
        for number, browser in enumerate(opened):
            await browser.save(tmp_path, f"{browser.name}-{number}")
    for browser in opened:
        await browser.context.close()
    assert not problems, f"noticed by the browsers: {problems} (saved in {tmp_path})"


@pytest.fixture
def new_phone(stand: Stand, chromium: Browser, browsers: list[Watched]) -> NewPhone:
    """Opens browsers of members."""

    async def new(kind: Kind = "wechat", *, openid: str | None = None, choose: bool = False) -> Phone:
        """Inside WeChat as somebody new, as ``openid``, or (``choose``) as nobody yet."""
        if kind == "wechat" and not choose:
            openid = openid or f"oBrowser{secrets.token_hex(8)}"
        phone = await open_phone(
            chromium.new_context, kind, base_url=stand.api_url, sandbox_url=stand.sandbox_url, openid=openid
        )
        browsers.append(phone)
        return phone

    return new


@pytest.fixture
def new_desk(stand: Stand, chromium: Browser, browsers: list[Watched]) -> NewDesk:
    """Opens browsers of staff."""

    async def new(who: Role | Colleague = "manager", *, logged_in: bool = True, **options: Any) -> Desk:
        """Of somebody, or of the colleague of this role that all tests share. ``options`` are Playwright's."""
        staff = await stand.colleague(who) if isinstance(who, str) else who
        desk = await open_desk(chromium, staff, server=stand.api_url, **options)
        browsers.append(desk)
        if logged_in:
            await desk.log_in()
        return desk

    return new


@pytest.fixture
async def wechat(new_phone: NewPhone) -> Phone:
    """Somebody new inside WeChat."""
    return await new_phone("wechat")


@pytest.fixture
async def mobile(new_phone: NewPhone) -> Phone:
    """A phone's browser outside WeChat."""
    return await new_phone("mobile")


@pytest.fixture
async def desktop(new_phone: NewPhone) -> Phone:
    """A computer."""
    return await new_phone("desktop")


@pytest.fixture
async def desk(new_desk: NewDesk) -> Desk:
    """A manager, logged in at the console."""
    return await new_desk()
