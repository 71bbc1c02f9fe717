"""The screen on which a camp is settled, found by what staff read there; and a camp's money on both sides."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.desks import Desk
from tests.browser.stand import Camp


class SettleScreen:
    """Of one camp, on one desk."""

    def __init__(self, desk: Desk, camp: Camp) -> None:
        self.desk, self.camp = desk, camp
        self.page: Page = desk.page
        self.members = self.page.get_by_role("region", name="会员列表")
        self.case = self.page.get_by_role("region", name="证据与处理")
        self.progress = self.page.get_by_role("region", name="退款进度")

    async def open(self, query: str = "") -> None:
        await self.desk.open(f"/camps/{self.camp.id}/settle{query}")
        await self.members.wait_for()

    def stage(self, name: str) -> Locator:
        """How far deposits are: 待审核, 退款中, …; with count and sum."""
        return self._choice("退款进度", name)

    def group(self, name: str) -> Locator:
        """What the evidence says: 符合, 需人工确认, …; with count and sum."""
        return self._choice("系统判定", name)

    def _choice(self, question: str, name: str) -> Locator:
        return self.page.get_by_role("group", name=question).get_by_role("button", name=re.compile(f"^{name} "))

    def row(self, name: str) -> Locator:
        button = self.page.get_by_role("button", name=name, exact=True)
        return self.members.get_by_role("row").filter(has=button)

    def row_states(self, state: str) -> Locator:
        """The rows that stand so."""
        return self.members.get_by_role("row").filter(has_text=state)

    async def choose(self, name: str) -> None:
        """Open somebody's case, and wait until its evidence is there."""
        await self.row(name).click()
        await expect(self.case.get_by_role("heading", name=name)).to_be_visible()
        await expect(self.case.get_by_role("heading", name="身份：填写与查到")).to_be_visible()

    async def approve(self) -> None:
        """The open case, by keys."""
        await self.page.keyboard.press("a")
        await expect(self.dialog("通过退款").get_by_role("textbox")).to_be_focused()
        await self.page.keyboard.press("Enter")

    def dialog(self, title: str) -> Locator:
        return self.page.get_by_role("dialog", name=title)

    async def told(self, text: str) -> None:
        """The short word at the top of the screen."""
        await expect(self.page.get_by_role("alert").filter(has_text=text)).to_be_visible()


async def books_agree(camp: Camp, *, refunded_fen: int, kept_fen: int = 0) -> None:
    """The camp's ledger and the sandbox's own books, to the fen."""
    ours = await camp.stage.admin.get("/ledger", camp_id=camp.id)
    sandbox = camp.stage.sandbox
    numbers = {
        order["out_trade_no"]
        for order in await sandbox.get("wechat-pay", "orders")
        if order["description"].endswith(camp.name)
    }
    orders = [
        order for order in (await sandbox.get("wechat-pay", "books"))["orders"] if order["out_trade_no"] in numbers
    ]
    paid = sum(order["amount_fen"] for order in orders)
    assert sum(order["refunded_fen"] for order in orders) == refunded_fen
    assert sum(order["refunding_fen"] for order in orders) == 0
    assert ours["provider_clearing_fen"] == paid - refunded_fen
    assert ours["refunds_in_transit_fen"] == 0
    assert -ours["forfeited_income_fen"] == kept_fen
    assert -ours["deposits_held_fen"] == paid - refunded_fen - kept_fen
