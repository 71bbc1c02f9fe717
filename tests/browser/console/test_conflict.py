"""Two payers with one number: what speaks for whom stands side by side, and a person decides."""

import re

from playwright.async_api import Locator, expect

from tests.browser import crowd
from tests.browser.conftest import NewDesk
from tests.browser.crowd import Enrolled
from tests.browser.settling import SettleScreen
from tests.browser.stand import Stand


async def test_a_conflict_is_resolved_by_hand(new_desk: NewDesk, stand: Stand):
    camp = await stand.camp("同号冲突营", days=2, required=2)
    right, wrong = await stand.people(["林晚", "晚晚不晚"])
    # The second one mistyped somebody else's number; nobody on the planet has that nickname.
    payers = [
        Enrolled("林晚", right.number, "晚", right, (1, 2)),
        Enrolled("晚晚", right.number, "晚晚", wrong, (1, 2)),
    ]
    await crowd.enrol(stand, camp, payers)
    await camp.end()
    assert await camp.refunds() == []
    desk = await new_desk()
    page = desk.page

    # From the settling screen to the member's evidence, and to the queue of conflicts.
    screen = SettleScreen(desk, camp)
    await screen.open()
    await expect(screen.group("未匹配")).to_contain_text("2")
    await screen.choose("晚晚")
    await expect(screen.case).to_contain_text("冲突 · 置信度 0")
    await desk.open(f"/matching?tab=conflict&camp_id={camp.id}")

    def row(name: str) -> Locator:
        return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))

    await expect(page.get_by_role("tab", name="冲突")).to_contain_text("2")
    await expect(row("林晚")).to_contain_text("冲突")
    await expect(row("晚晚")).to_contain_text(right.number)

    by_hand = re.compile("手动匹配|换一个")
    # Typed and found beside each other, equal fields named as such.
    await row("林晚").get_by_role("button", name=by_hand).click()
    dialog = page.get_by_role("dialog", name="手动匹配 · 同号冲突营")
    await dialog.locator("label").filter(has_text="林晚").click()
    compared = dialog.get_by_role("table").get_by_role("row")
    await expect(compared.filter(has_text="星球编号")).to_contain_text(f"{right.number}{right.number}一致")
    await expect(compared.filter(has_text="星球昵称")).to_contain_text("林晚林晚一致")
    await dialog.get_by_label("原因").fill("编号与昵称都一致")
    await dialog.get_by_role("button", name="匹配给 林晚").click()
    await expect(row("林晚")).to_have_count(0)

    # The other one is found by search; whom somebody has already can't be chosen again.
    await row("晚晚").get_by_role("button", name=by_hand).click()
    await expect(dialog.get_by_role("radio", name="林晚")).to_be_disabled()
    await expect(dialog).to_contain_text("已匹配他人")
    await dialog.get_by_label("搜索星球成员").fill("晚晚不晚")
    await dialog.get_by_role("button", name="搜索").click()
    await expect(dialog.get_by_role("status").first).to_have_text("找到 1 位")
    await dialog.locator("label").filter(has_text="晚晚不晚").click()
    await expect(compared.filter(has_text="星球编号")).to_contain_text("不同")
    await dialog.get_by_role("button", name="匹配给 晚晚不晚").click()
    await expect(page.get_by_text("这里没有需要处理的会员")).to_be_visible()
    for member in await camp.members():
        assert (member["match_status"], member["match_method"], member["confidence"]) == ("matched", "manual", 100)

    # With that the list can be made anew, and both may have their money.
    await screen.open()
    await page.get_by_role("button", name="生成退款名单").click()
    await page.get_by_role("dialog", name="生成名单").get_by_role("button", name="生成名单").click()
    await screen.told("名单已更新：新增 2 笔待审核，0 人未匹配")
    await expect(screen.stage("待审核")).to_contain_text("2")
