"""Composing a camp's deal: what it says and pays while it is typed, and that members get just that."""

from playwright.async_api import Locator, Page, expect

from tests.browser import axe
from tests.browser.console.conftest import MEMBERS, FullCamp
from tests.browser.console.pages import choose, field_of, question, say, told
from tests.browser.console.test_camps import draft, fill_terms
from tests.browser.desks import Desk
from tests.browser.stand import Stand


def way(page: Page, label: str) -> Locator:
    """How the deposit comes back, as one chooses it."""
    return page.locator(".el-radio-button").filter(has=page.get_by_text(label, exact=True))


def number(page: Page, label: str) -> Locator:
    return page.get_by_role("spinbutton", name=label, exact=True)


async def type_in(field: Locator, value: str) -> None:
    await field.fill(value)
    await field.press("Tab")


def preview_of(page: Page) -> Locator:
    return page.get_by_role("region", name="规则预览")


async def test_a_deal_by_days_from_the_form_to_the_published_camp(desk: Desk, stand: Stand, full_camp: FullCamp):
    camp_id = await draft(stand, "按天退的七天营")
    page = desk.page
    await desk.open(f"/camps/{camp_id}/edit")
    preview = preview_of(page)
    await expect(number(page, "要求打卡天数")).to_have_value("5")
    await expect(preview).to_contain_text("累计打卡满 5 天，否则不退。")

    # The numbers fit the camp's seven days; one that can't be is said at its field.
    await way(page, "按天退（推荐）").click()
    await expect(number(page, "从几天起退")).to_have_value("5")
    await expect(number(page, "满几天全退")).to_have_value("7")
    await type_in(number(page, "满几天全退"), "9")
    await expect(field_of(page, "满几天全退")).to_contain_text("全退天数须在 1 至 7 天之间")
    await expect(preview).to_contain_text("改好标出的问题后")
    await page.get_by_role("button", name="保存草稿").click()
    await expect(field_of(page, "满几天全退")).to_contain_text("全退天数须在 1 至 7 天之间")
    await expect(page.get_by_text("还有 1 处需要修改")).to_be_visible()
    await type_in(number(page, "满几天全退"), "6")
    await type_in(number(page, "从几天起退"), "3")

    # 199 yuan in sixths, rounded down to a tenth.
    await expect(field_of(page, "满几天全退").locator(".el-form-item__error")).to_have_count(0)
    await expect(preview).to_contain_text("打卡满 3 天起按天退还，每天退 6 分之一，向下取整到 ¥0.10，满 6 天全退")
    chart = preview.get_by_role("img", name="打卡")
    await expect(chart).to_have_accessible_name(
        "打卡 0–2 天退 ¥0；打卡 3 天退 ¥99.50；打卡 4 天退 ¥132.60；打卡 5 天退 ¥165.80；打卡 6–7 天退 ¥199"
    )
    await expect(chart.locator("svg")).to_be_visible()
    await preview.get_by_text("按天数列出金额").click()
    await expect(preview.get_by_role("row").filter(has_text="5 天")).to_contain_text("¥165.80")
    await expect(preview).to_contain_text("最陡的一步：打卡 2 天比 3 天少退 ¥99.50，占押金的 50%。")

    # What people as they usually are would get, and those of a camp that is over.
    await expect(preview).to_contain_text("典型分布的 100 人：共退")
    await choose(page, "用哪一期试算", full_camp.camp.name, within=preview)
    await expect(preview).to_contain_text(f"「{full_camp.camp.name}」的 {MEMBERS} 人：共退")
    await expect(preview).to_contain_text("两期天数不同")
    # None of them comes to all of the days here: two of three are five of seven.
    people = preview.get_by_role("region", name="试算人数").get_by_role("row")
    await expect(people.filter(has_text="¥165.80")).to_contain_text("12 人")
    await expect(people.filter(has_text="¥0")).to_contain_text("12 人")
    await expect(preview.get_by_role("listitem").filter(has_text="最少：")).to_contain_text("退 ¥0")
    assert await axe.findings(page) == []

    await page.get_by_role("button", name="保存草稿").click()
    await expect(told(page, "草稿已保存")).to_be_visible()
    await page.reload()
    await expect(way(page, "按天退（推荐）")).to_have_class("el-radio-button is-active")
    await expect(number(page, "从几天起退")).to_have_value("3")
    await expect(number(page, "满几天全退")).to_have_value("6")
    await expect(preview).to_contain_text("打卡满 3 天起按天退还")

    await page.get_by_role("button", name="发布", exact=True).click()
    await expect(question(page)).to_contain_text("退款规则：7 天，打卡满 3 天起按天退还")
    await say(page, "发布")
    await desk.arrives(f"/camps/{camp_id}")
    await expect(page.get_by_text("打卡满 3 天起按天退还").first).to_be_visible()

    # From now on the deal is read, not written.
    await desk.open(f"/camps/{camp_id}/edit")
    await expect(page.get_by_text("打卡满 3 天起按天退还")).to_be_visible()
    await expect(page.get_by_text("例：每天打卡，退 ¥199")).to_be_visible()
    await expect(number(page, "满几天全退")).to_have_count(0)


async def test_all_or_nothing_is_one_number_and_warns_of_its_cliff(desk: Desk):
    page = desk.page
    await desk.open("/camps/create")
    # Before the days and the deposit are known there are no numbers to propose.
    await expect(page.get_by_role("radio", name="阶梯")).to_be_disabled()
    await fill_terms(page, "一刀切的二十一天营", days=21)
    preview = preview_of(page)
    warning = preview.get_by_role("alert")
    await expect(warning).to_contain_text("只差一天就可能失去全部押金 ¥199：打卡 5 天全退，4 天可能分文不退。")
    await warning.get_by_role("button", name="改用「按天退」").click()
    await expect(number(page, "满几天全退")).to_have_value("19")
    await expect(warning).to_have_count(0)

    # What was typed before comes back; what was typed after the days changed is kept and said to be too much.
    await way(page, "达标全退").click()
    await expect(number(page, "要求打卡天数")).to_have_value("5")
    await type_in(number(page, "要求打卡天数"), "22")
    await expect(field_of(page, "要求打卡天数")).to_contain_text("要求打卡天数须在 1 至 21 天之间")
    await expect(number(page, "要求打卡天数")).to_have_value("22")
    await page.get_by_role("button", name="按营期填入建议值").click()
    await expect(number(page, "要求打卡天数")).to_have_value("15")


async def test_a_deal_composed_by_hand(desk: Desk):
    page = desk.page
    await desk.open("/camps/create")
    await fill_terms(page, "自定义规则的训练营", days=14)
    preview = preview_of(page)
    await way(page, "自定义").click()
    await choose(page, "添加条件", "连续缺卡天数")
    await type_in(number(page, "连续缺卡不超过"), "2")
    await choose(page, "退款方式", "阶梯退还")
    await page.get_by_role("button", name="添加一级").click()
    await type_in(number(page, "第 1 级天数"), "8")
    await type_in(number(page, "第 1 级比例"), "40")
    await type_in(number(page, "第 2 级天数"), "12")
    await expect(preview).to_contain_text("连续缺卡不超过 2 天，否则不退。")
    await expect(preview).to_contain_text("打卡满 8 天退 40%，满 12 天全退")

    await page.get_by_text("更多规则").click()
    await page.get_by_text("周日", exact=True).click()
    await type_in(number(page, "服务费（元）"), "150")
    await expect(field_of(page, "服务费（元）")).to_contain_text("服务费不能超过支付金额的 50%")
    await type_in(number(page, "服务费（元）"), "20")
    await expect(preview).to_contain_text("休息日：每周日，不算缺卡")
    await expect(preview).to_contain_text("支付金额另含服务费 ¥20，开营后不退。")
    assert await axe.findings(page) == []
    await page.get_by_role("button", name="保存草稿").click()
    await desk.arrives("/camps/.*/edit")
    await page.reload()
    await expect(way(page, "自定义")).to_have_class("el-radio-button is-active")
    await expect(number(page, "第 1 级比例")).to_have_value("40")
    await expect(number(page, "服务费（元）")).to_have_value("20.00")
    await expect(page.get_by_role("checkbox", name="周日")).to_be_checked()

    # Without any condition somebody who never came would get all of it back.
    for name in ("累计打卡天数", "连续缺卡天数"):
        part = page.locator(".part").filter(has_text=name)
        await part.get_by_role("button").filter(has_text="删除").click()
    await choose(page, "退款方式", "全额退还")
    await expect(page.get_by_role("alert").filter(has_text="至少需要一个条件")).to_be_visible()


async def test_composing_by_keyboard_alone(desk: Desk):
    page = desk.page
    await desk.open("/camps/create")
    await fill_terms(page, "只用键盘的训练营", days=14)
    await page.get_by_role("radio", name="达标全退").focus()
    await page.keyboard.press("ArrowRight")
    await expect(number(page, "从几天起退")).to_have_value("9")
    await page.keyboard.press("Tab")
    await expect(number(page, "从几天起退")).to_be_focused()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("10")
    await page.keyboard.press("Tab")
    await expect(number(page, "满几天全退")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(number(page, "满几天全退")).to_have_value("12")
    await expect(preview_of(page)).to_contain_text("打卡满 10 天起按天退还")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("combobox", name="取整到")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="按营期填入建议值")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("checkbox", name="周一")).to_be_focused()
    await page.keyboard.press("Space")
    await expect(preview_of(page)).to_contain_text("休息日：每周一")
