"""A camp of a thousand, settled in one batch: with a password, live progress, failures, and a reload in between."""

import re

import pytest
from playwright.async_api import expect

from tests.browser import crowd
from tests.browser.conftest import NewDesk
from tests.browser.settling import SettleScreen, books_agree
from tests.browser.stand import Stand

PEOPLE = 1000


@pytest.mark.timeout(300)
async def test_a_thousand_refunds_go_back_although_five_fail_first(new_desk: NewDesk, stand: Stand):
    camp = await stand.camp("千人晨读营", days=1, required=1, capacity=PEOPLE)
    people = await stand.people([f"书友{number:04d}" for number in range(PEOPLE)])
    await crowd.enrol(stand, camp, crowd.sure(people, 1))
    await camp.end()
    knobs = stand.stage.sandbox
    refused = {"name": "refuse", "on": "create_refund", "times": 4, "value": 403, "code": "NO_AUTH"}
    await knobs.post("wechat-pay", "faults", refused)
    await knobs.post("wechat-pay", "faults", {"name": "refund_closed"})
    desk = await new_desk("manager")
    page = desk.page
    screen = SettleScreen(desk, camp)

    # By filter; what the server will do is said with count and sum, and is dear enough for the password.
    await screen.open()
    await expect(screen.stage("待审核")).to_contain_text("1000")
    await screen.group("符合").click()
    await page.get_by_role("button", name="批量通过 1000 笔 · ¥199,000").click()
    dialog = screen.dialog("批量通过")
    yes = dialog.get_by_role("button", name="确认通过 1000 笔 · ¥199,000")
    await yes.click()
    password = dialog.get_by_label("登录密码")
    await expect(password).to_be_focused()
    await password.fill("not-my-password-1")
    await yes.click()
    await expect(dialog).to_contain_text("密码不正确")
    assert (await stand.stage.admin.get("/refunds/summary", camp_id=camp.id))["by_status"]["approved"]["count"] == 0
    await password.fill(desk.staff.password)
    await password.press("Enter")
    await expect(dialog.get_by_role("status")).to_have_text(re.compile(r"已通过 1000 笔\s*$"))
    await dialog.get_by_role("button", name="知道了").click()

    # The progress moves by itself, and a reload in the middle loses nothing.
    bar = screen.progress.get_by_role("progressbar")
    some = re.compile(r"^[1-9]\d?$")
    await expect(bar).to_have_attribute("aria-valuenow", some, timeout=20_000)
    await page.reload()
    await expect(bar).to_have_attribute("aria-valuenow", some)
    seen = int(await bar.get_attribute("aria-valuenow") or 0)
    await expect(bar).not_to_have_attribute("aria-valuenow", str(seen))
    await expect(screen.progress).to_contain_text("已退款 995 / 1000 笔", timeout=120_000)
    await expect(screen.progress).to_contain_text("失败 5")

    # Each failure has its cause and the next step.
    await screen.progress.get_by_role("button", name="去处理").click()
    await expect(screen.members.get_by_role("row")).to_have_count(6)
    rows = screen.members.get_by_role("row")
    await rows.filter(has_text="退款失败").first.click()
    await expect(screen.case).to_contain_text("没有退款权限（NO_AUTH）")
    await expect(screen.case).to_contain_text("下一步：请先在微信商户平台开通退款权限，再重试。")
    await rows.filter(has_text="已关闭").click()
    await expect(screen.case).to_contain_text("微信已关闭该笔退款，款项未退出")
    await expect(screen.case).to_contain_text("下一步：重试会换用新的退款单号，并需要再次审核。")

    # Four keep their number; the closed one gets a new one and is reviewed again.
    await page.get_by_role("button", name="重试全部 4 笔").click()
    await page.get_by_role("button", name="重试 4 笔", exact=True).click()
    await screen.told("已重新提交 4 笔")
    await expect(screen.progress).to_contain_text("已退款 999 / 1000 笔", timeout=30_000)
    await stand.wait(minutes=1)  # WeChat Pay takes the next refund of an order after a minute
    await screen.case.get_by_role("button", name="重试").click()
    await page.get_by_role("dialog", name="重试退款").get_by_role("button", name="重试", exact=True).click()
    await screen.told("已重新提交")
    await screen.stage("待审核").click()
    await expect(screen.stage("待审核")).to_contain_text("1", timeout=20_000)
    await expect(rows).to_have_count(2)
    await page.keyboard.press("a")
    await screen.dialog("通过退款").get_by_role("button", name="通过并退款 ¥199").click()
    await expect(screen.progress).to_contain_text("已退款 1000 / 1000 笔", timeout=20_000)
    await expect(page.get_by_text("没有待处理的退款了")).to_be_visible()
    await books_agree(camp, refunded_fen=PEOPLE * 19_900)
