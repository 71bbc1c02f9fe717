"""Browsers of members: inside WeChat, on a phone outside it, on a computer.

They notice whatever goes wrong in a page.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    ViewportSize,
    WebError,
)
from playwright.async_api import Error as PlaywrightError

Kind = Literal["wechat", "mobile", "desktop"]

ANDROID = (
    "Mozilla/5.0 (Linux; Android 12; M2012K11AC Build/SKQ1.211006.001; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Version/4.0 Chrome/{chrome} Mobile Safari/537.36"
)
AGENTS: dict[Kind, str | None] = {
    "wechat": ANDROID.format(chrome="116.0.0.0 XWEB/1160065")
    + " MMWEBSDK/20231002 MicroMessenger/8.0.43.2480(0x28002B37)",
    "mobile": ANDROID.format(chrome="120.0.6099.144").replace("; wv", "").replace("Version/4.0 ", ""),
    "desktop": None,
}
PHONE = ViewportSize(width=375, height=812)
DESKTOP = ViewportSize(width=1440, height=900)

# WeChat puts its bridge into the page some time after the page began.
_BRIDGE = """
document.addEventListener("DOMContentLoaded", () => setTimeout(() => {
  window.WeixinJSBridge = {
    invoke: (name, params, callback) => {
      window.sandboxBridge(name, params).then((message) => callback({ err_msg: `get_brand_wcpay_request:${message}` }));
    },
    call: () => undefined,
    on: () => undefined,
  };
  document.dispatchEvent(new Event("WeixinJSBridgeReady"));
}, 50));
"""


@dataclass
class Bridge:
    """Stands in for ``WeixinJSBridge``: the sandbox verifies what the page signed, the payer uses its cashier.

    ``answer`` is what the payer does in the sheet that WeChat opens, as soon as it ``may_answer``; ``calls`` are the
    parameters the page gave, ``called`` tells of the first.
    """

    sandbox_url: str
    answer: Literal["pay", "cancel", "fail", "pay, then fail"] = "pay"
    calls: list[dict[str, str]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def invoke(self, context: BrowserContext, name: str, params: dict[str, str]) -> str:
        """What the callback of ``getBrandWCPayRequest`` gets behind the colon (WeChat Pay v3, JSAPI)."""
        if name != "getBrandWCPayRequest":
            self.refusals.append(f"unknown function {name}")
            return "fail"
        self.calls.append(params)
        self.called.set()
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{self.sandbox_url}/wechat-pay/cashier/bridge", json=params)
        if answer.status_code != 200:
            self.refusals.append(answer.json()["error"])
            return "fail"
        if self.answer == "fail":
            return "fail"
        await self.may_answer.wait()
        sheet = await context.new_page()
        await sheet.goto(answer.json()["cashier_url"])
        pays = self.answer != "cancel"
        await sheet.get_by_role("button", name="支付 ¥" if pays else "取消").tap()
        await sheet.get_by_text("支付成功" if pays else "已取消支付").wait_for()
        # The payer reads WeChat's own page of success; mostly the notification has arrived by then.
        await asyncio.sleep(0.2)
        await sheet.close()
        return {"pay": "ok", "cancel": "cancel"}.get(self.answer, "fail")


class Phone:
    """One browser with storage of its own, and one page in it.

    ``problems`` collects console errors, exceptions, answers 5xx and lost requests. A test that provokes one names
    it with ``expect_problem``; any other fails the test when it ends.
    """

    def __init__(self, kind: Kind, context: BrowserContext, page: Page, base_url: str, bridge: Bridge | None) -> None:
        self.kind = kind
        self.context = context
        self.page = page
        self.bridge = bridge
        self.problems: list[str] = []
        self._base_url = base_url
        self._expected: list[re.Pattern[str]] = []

    async def open(self, path: str) -> None:
        """Go to a page of the member's app."""
        await self.page.goto(self._base_url + path)

    @property
    def path(self) -> str:
        """Where the page is, without the server's address."""
        return self.page.url.removeprefix(self._base_url)

    async def arrives(self, pattern: str) -> str:
        """Wait until the whole path fits the pattern; returns its first group, or the path."""
        whole = re.compile(re.escape(self._base_url) + pattern)
        await self.page.wait_for_url(lambda url: whole.fullmatch(url) is not None)
        found = whole.fullmatch(self.page.url)
        assert found is not None
        return found[1] if found.groups() else self.path

    @property
    def cashier(self) -> Bridge:
        """WeChat's bridge of a browser inside WeChat."""
        assert self.bridge is not None
        return self.bridge

    async def token(self) -> str | None:
        """Who the app takes this browser for."""
        found: str | None = await self.page.evaluate("localStorage.getItem('camp:token')")
        return found

    def expect_problem(self, pattern: str) -> None:
        """Problems that fit are what this test is about."""
        self._expected.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        return [problem for problem in self.problems if not any(known.search(problem) for known in self._expected)]

    def watch(self) -> None:
        self.context.on("console", self._console)
        self.context.on("weberror", self._exception)
        self.context.on("response", self._response)
        self.context.on("requestfailed", self._request_failed)

    def _console(self, message: ConsoleMessage) -> None:
        # What the browser says about an answer's status is judged by _response.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console error: {message.text}")

    def _exception(self, error: WebError) -> None:
        self.problems.append(f"exception: {error.error}")

    def _response(self, response: Response) -> None:
        # The API refuses with 4xx in the course of things; a page, script or picture must be there.
        refusal = "/api/" in response.url and response.status < 500
        if response.status >= 400 and not refusal and response.url.startswith(self._base_url):
            self.problems.append(f"status {response.status}: {response.request.method} {response.url}")

    def _request_failed(self, request: Request) -> None:
        # Leaving a page ends its requests.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"no answer: {request.method} {request.url}: {request.failure}")

    async def save(self, directory: Path, name: str) -> None:
        """Screenshot and HTML of every open page, for a test that failed."""
        for number, page in enumerate(self.context.pages):
            stem = directory / f"{name}-{number}"
            with suppress(PlaywrightError):
                stem.with_suffix(".html").write_text(f"<!-- {page.url} -->\n{await page.content()}")
                await page.screenshot(path=stem.with_suffix(".png"))


ContextFactory = Callable[..., Any]


async def open_phone(
    new_context: ContextFactory, kind: Kind, *, base_url: str, sandbox_url: str, openid: str | None
) -> Phone:
    """A browser of the kind; inside WeChat ``openid`` is logged in at WeChat, without one WeChat asks who it is."""
    touch = kind != "desktop"
    context: BrowserContext = await new_context(
        user_agent=AGENTS[kind],
        viewport=PHONE if touch else DESKTOP,
        is_mobile=touch,
        has_touch=touch,
        locale="zh-CN",
        # Somewhere else than the service: nothing shown may depend on the phone's zone.
        timezone_id="America/New_York",
    )
    bridge = None
    if kind == "wechat":
        bridge = Bridge(sandbox_url)
        await _install_bridge(context, bridge)
        if openid is not None:
            await context.add_cookies([{"name": "sandbox_openid", "value": openid, "url": f"{sandbox_url}/oauth/"}])
    page = await context.new_page()
    phone = Phone(kind, context, page, base_url, bridge)
    phone.watch()
    return phone


async def _install_bridge(context: BrowserContext, bridge: Bridge) -> None:
    async def invoke(_: Any, name: str, params: dict[str, str]) -> str:
        return await bridge.invoke(context, name, params)

    await context.expose_binding("sandboxBridge", invoke)
    await context.add_init_script(_BRIDGE)
