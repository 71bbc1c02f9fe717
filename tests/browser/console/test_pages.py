"""Every page of the console, with something to show: accessible, calm, and sparing with requests."""

import asyncio
import re

import pytest
from playwright.async_api import Page, Request, Route, expect

from tests.browser import axe
from tests.browser.chromium import FRONT_END
from tests.browser.conftest import NewDesk
from tests.browser.console.conftest import FullCamp
from tests.browser.desks import Desk
from tests.browser.stand import Stand

ROUTER = FRONT_END.parent / "admin-web/src/router/index.ts"
PATHS = re.findall(r'\bpath: "/?((?::id|[^":])+)"', ROUTER.read_text())
ROUTES = [*dict.fromkeys(PATHS), "no-such-page"]
TABS = [f"camps/:id?tab={tab}" for tab in ("members", "checkins", "refunds")]
# Opening a page and searching in it may ask so often, the question who one is included.
OPENING, SEARCHING = 7, 2

# What moved after it was painted, without anybody having touched the page.
_WATCH_JUMPS = """
window.jumps = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    const moved = entry.sources.map(({ node }) => node?.className || node?.nodeName);
    window.jumps.push({ size: entry.value, moved });
  }
}).observe({ type: "layout-shift", buffered: true });
"""


# Faster than any person, and on a busy machine, too.
_TYPE = """(input, text) => {
  for (const letter of text) {
    input.value += letter;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}"""


def address(route: str, full: FullCamp) -> str:
    """The route's page about what the full camp holds."""
    known = {"camps": full.camp.id, "members": full.member_id}
    path = "/" + route.replace(":id", known.get(route.split("/")[0], ""))
    return path if path != "/checkins" else f"/checkins?camp_id={full.camp.id}"


class Asked:
    """Requests of a page to the API."""

    def __init__(self, page: Page) -> None:
        self._begun: list[str] = []
        self._open: set[Request] = set()
        page.on("request", self._request)
        page.on("requestfinished", self._over)
        page.on("requestfailed", self._over)

    def _request(self, request: Request) -> None:
        self._open.add(request)
        if "/api/" in request.url:
            self._begun.append(request.url)

    def _over(self, request: Request) -> None:
        self._open.discard(request)

    async def settled(self) -> list[str]:
        """Those since the last call, once the page has been asking for nothing a while."""
        quiet = 0
        while quiet < 4:
            await asyncio.sleep(0.1)
            quiet = 0 if self._open else quiet + 1
        asked, self._begun = self._begun, []
        return asked


async def answer_one_by_one(page: Page) -> None:
    """As on a slow line: what comes later must find its place kept."""
    turn = asyncio.Lock()

    async def answer(route: Route) -> None:
        response = await route.fetch()
        async with turn:
            await asyncio.sleep(0.05)
            await route.fulfill(response=response)

    await page.route("**/api/admin/**", answer)


@pytest.mark.parametrize("route", [*ROUTES, *TABS])
async def test_a_page_is_accessible_and_calm(new_desk: NewDesk, full_camp: FullCamp, route: str):
    desk = await new_desk("super_admin", logged_in=route != "login")
    page = desk.page
    await page.add_init_script(_WATCH_JUMPS)
    await answer_one_by_one(page)
    asked = Asked(page)
    await desk.open(address(route, full_camp))
    await expect(page.get_by_role("heading", level=1).or_(page.locator(".el-result")).first).to_be_visible()
    opening = await asked.settled()
    assert len(opening) <= OPENING, opening
    await expect(page.locator(".el-skeleton")).to_have_count(0)
    jumps = await page.evaluate("window.jumps")
    assert sum(jump["size"] for jump in jumps) <= 0.05, jumps
    assert await axe.findings(page) == []

    search = page.locator("form[role=search]").get_by_role("textbox").last
    if await search.count():
        await search.press_sequentially("写作者")
        await search.press("Enter")
        searching = await asked.settled()
        assert 1 <= len(searching) <= SEARCHING, searching
    await page.unroute_all(behavior="ignoreErrors")


async def test_typing_a_camps_name_asks_for_the_whole_of_it(desk: Desk, full_camp: FullCamp):
    page = desk.page
    await desk.open("/members")
    await expect(page.locator("tbody tr").first).to_be_visible()
    asked = Asked(page)
    await asked.settled()
    box = page.get_by_role("combobox", name="训练营", exact=True)
    await box.evaluate(_TYPE, "满满的晨间")
    await expect(page.get_by_role("option", name=full_camp.camp.name)).to_be_visible()
    assert len(await asked.settled()) <= SEARCHING


async def opened(page: Page) -> None:
    """The dialog that has just been opened; closes it."""
    dialog = page.get_by_role("dialog").filter(visible=True)
    await expect(dialog).to_be_visible()
    await expect(page.locator(".el-skeleton")).to_have_count(0)
    await expect(page.locator(".dialog-fade-enter-active, .el-drawer-fade-enter-active")).to_have_count(0)
    assert await axe.findings(page) == []
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


DIALOGS = {
    "camps/:id?tab=checkins": "打卡日历",
    "matching": "手动匹配",
    "members/:id": "取消匹配",
    "planets": "添加星球",
    "refunds": "申请特殊退款",
    "refunds/pending": "键盘操作 ?",
    "camps/:id/settle": "键盘操作 ?",
}


async def test_the_dialog_with_the_code_is_accessible(desk: Desk, stand: Stand):
    camp = await stand.camp("无障碍报名训练营")
    await desk.open(f"/camps/{camp.id}")
    await desk.page.get_by_role("button", name="报名二维码").click()
    await opened(desk.page)


async def test_the_dialog_for_a_password_is_accessible(desk: Desk):
    await desk.open("/403")
    await desk.page.get_by_role("button", name=desk.staff.name).click()
    await desk.page.get_by_role("menuitem", name="修改密码").click()
    await opened(desk.page)


@pytest.mark.parametrize("route", DIALOGS)
async def test_a_dialog_is_accessible(new_desk: NewDesk, full_camp: FullCamp, route: str):
    desk = await new_desk("super_admin")
    await desk.open(address(route, full_camp))
    await desk.page.get_by_role("button", name=DIALOGS[route]).first.click()
    await opened(desk.page)
