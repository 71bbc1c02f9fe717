"""Browsers of members: inside WeChat, on a phone outside it, on a computer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
from playwright.async_api import BrowserContext, Page, ViewportSize

from tests.browser.watched import Watched

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


class Phone(Watched):
    """A member's browser."""

    def __init__(self, kind: Kind, context: BrowserContext, page: Page, server: str, bridge: Bridge | None) -> None:
        super().__init__(kind, context, page, server)
        self.bridge = bridge

    @property
    def cashier(self) -> Bridge:
        """WeChat's bridge of a browser inside WeChat."""
        assert self.bridge is not None
        return self.bridge

    async def token(self) -> str | None:
        """Who the app takes this browser for."""
        found: str | None = await self.page.evaluate("localStorage.getItem('camp:token')")
        return found


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
    return Phone(kind, context, page, base_url, bridge)


async def _install_bridge(context: BrowserContext, bridge: Bridge) -> None:
    async def invoke(_: Any, name: str, params: dict[str, str]) -> str:
        return await bridge.invoke(context, name, params)

    await context.expose_binding("sandboxBridge", invoke)
    await context.add_init_script(_BRIDGE)
