"""One running system and one Chromium for all browser tests; each test has camps, people and browsers of its own."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from backend.core import clock
from backend.embedded.run_directory import run_directory
from tests.browser.chromium import find_chromium, running
from tests.browser.phones import Kind, Phone, open_phone
from tests.browser.stand import Stand, running_stand
from tests.servers import Servers

_FAILED = pytest.StashKey[bool]()
NewPhone = Callable[..., Awaitable[Phone]]


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
async def new_phone(
    stand: Stand, chromium: Browser, request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[NewPhone]:
    """Opens browsers. At the end none may have noticed a problem; what a failed test saw is kept."""
    phones: list[Phone] = []

    async def new(kind: Kind = "wechat", *, openid: str | None = None, choose: bool = False) -> Phone:
        """Inside WeChat as somebody new, as ``openid``, or (``choose``) as nobody yet."""
        if kind == "wechat" and not choose:
            openid = openid or f"oBrowser{secrets.token_hex(8)}"
        phone = await open_phone(
            chromium.new_context, kind, base_url=stand.api_url, sandbox_url=stand.sandbox_url, openid=openid
        )
        phones.append(phone)
        return phone

    yield new
    problems = [problem for phone in phones for problem in phone.unexpected()]
    if request.node.stash.get(_FAILED, False) or problems:
        for number, phone in enumerate(phones):
            await phone.save(tmp_path, f"{phone.kind}-{number}")
    for phone in phones:
        await phone.context.close()
    assert not problems, f"noticed by the browsers: {problems} (saved in {tmp_path})"


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
