"""A deal that pays by days, with a fee and a rest day: read before paying, followed while it runs, and paid in part."""

import datetime as dt

from playwright.async_api import Page, expect

from backend.core import clock
from tests.browser import axe
from tests.browser.conftest import NewPhone
from tests.browser.pages import verdict
from tests.browser.phones import Phone
from tests.browser.stand import Camp, Stand

DAYS = 5


async def by_days(stand: Stand, name: str) -> Camp:
    """¥100 and a fee of ¥20: a quarter for each of four days from the second on; the fourth of five days is a rest."""
    rest = clock.today() + dt.timedelta(days=4)
    policy = {
        "version": 2,
        "counting": {"rest_dates": [rest.isoformat()]},
        "conditions": [],
        "payout": {"kind": "pro_rata", "min": 2, "full_at": 4, "step_fen": 1},
        "fee_fen": 2000,
    }
    return await stand.camp(name, days=DAYS, required_days=None, refund_policy=policy, deposit_fen=12000)


async def says(page: Page, *texts: str) -> None:
    for text in texts:
        await expect(page.get_by_text(text).first).to_be_visible()


async def test_rule_examples_loss_and_fee_are_read_before_paying(mobile: Phone, stand: Stand):
    camp = await by_days(stand, "按天退还训练营")
    page = mobile.page
    await mobile.open(f"/camps/{camp.id}")
    examples = page.get_by_role("list", name="举例").get_by_role("listitem")
    await expect(examples).to_have_text(["每天打卡，退 ¥100", "累计打卡 3 天，退 ¥75", "累计打卡 2 天，退 ¥50"])
    await says(page, "打卡满 2 天起按天退还", "另付服务费 ¥20，开营后不退", "未达到要求，押金 ¥100 会少退或不退")
    assert await axe.findings(page) == []

    await page.get_by_role("link", name="立即报名").click()
    pay = page.get_by_role("button", name="支付 ¥120")
    await expect(pay).to_be_visible()
    await expect(examples).to_have_count(3)
    # What may be lost and the fee are in sight together with the button, and nothing calls all of it a deposit.
    for line in ("未达到要求，押金 ¥100 会少退或不退", "服务费 ¥20，开营后不退"):
        risk = page.locator(".risk", has_text=line)
        await expect(risk).to_be_in_viewport()
        await expect(risk).to_have_css("font-weight", "700")
    assert "押金 ¥120" not in await page.locator("main").inner_text()
    await page.get_by_role("button", name="《训练营规则》").click()
    await expect(page.get_by_role("dialog")).to_contain_text("支付金额另含服务费 ¥20，开营后不退。")
    assert await axe.findings(page) == []


async def test_a_part_for_a_part(new_phone: NewPhone, stand: Stand):
    camp = await by_days(stand, "部分退还训练营")
    person = await stand.person("半程")
    phone = await new_phone(openid="oHalfWay0")
    page = phone.page
    member_id = await stand.enrol(camp, "oHalfWay0", person)
    await phone.open(f"/progress/{member_id}")
    await expect(verdict(page)).to_contain_text("打卡满 2 天可退 ¥50；最多可退 ¥100")

    await camp.posts(person, 1, 3)
    await camp.go_to_day(3, "08:00")
    await camp.sync()
    granted = {"days": [camp.day(2).isoformat()], "reason": "分享代替打卡"}
    await stand.stage.admin.post(f"/members/{member_id}/grants", granted)
    await page.reload()
    await expect(verdict(page)).to_contain_text("现在停下可退 ¥50；再打卡 1 天可退 ¥75；最多可退 ¥100")
    for number, state in ((1, "已打卡"), (2, "认定"), (3, "今天"), (4, "休息日")):
        day = camp.day(number)
        await expect(page.get_by_text(f"{day.month}月{day.day}日，{state}")).to_be_attached()
    table = page.get_by_role("table")
    await expect(table.locator(".mark")).to_have_text(["认", "休"])
    for state in ("认定", "休息日"):
        await expect(page.locator(".legend").get_by_text(state)).to_be_visible()
    assert await axe.findings(page) == []
    await phone.open("/me")
    await says(page, "打卡 2/4 天，现在停下可退 ¥50")

    [refund] = await camp.end()
    await phone.open(f"/progress/{member_id}")
    await expect(verdict(page)).to_contain_text("部分退还 ¥75，等待审核")
    await expect(verdict(page)).to_contain_text("打卡 3 天（含认定 1 天）；¥100 × 3/4 → ¥75")
    await says(page, "支付 ¥120，其中服务费 ¥20（开营后不退）")
    assert await axe.findings(page) == []
    await phone.open("/me")
    await says(page, "部分退还 ¥75：待审核")
    await phone.open("/refunds")
    await says(page, "¥75", "金额以审核结果为准")

    await stand.approve(refund["id"])
    await phone.open(f"/progress/{member_id}")
    await expect(verdict(page)).to_contain_text("部分押金 ¥75 已退还")
