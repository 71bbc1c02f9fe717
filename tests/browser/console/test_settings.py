"""系统配置 in the browser: who sees it, saving, refusals at their fields, two people at once, leaving."""

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import NewDesk
from tests.browser.console.pages import field_of, say, told
from tests.browser.desks import Desk
from tests.browser.stand import Stand


def card(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title, exact=True)


async def press(part: Locator, button: str) -> None:
    await part.get_by_role("button", name=button, exact=True).click()


async def version_of(desk: Desk, group: str) -> int:
    return int((await desk.staff.client.get(f"/settings/{group}"))["version"])


async def test_the_page_is_the_super_admins_alone(new_desk: NewDesk):
    desk = await new_desk("super_admin")
    await desk.open("/system/config")
    for title in ("微信支付", "微信公众号", "知识星球", "企业微信", "退款", "支付", "打卡", "对象存储"):
        await expect(card(desk.page, title)).to_be_visible()
    for role in ("manager", "coach", "volunteer"):
        other = await new_desk(role)
        await other.open("/system/config")
        await expect(other.page.get_by_text("没有权限").first).to_be_visible()
        await expect(card(other.page, "微信支付")).to_have_count(0)
        await expect(other.page.get_by_role("menuitem", name="系统配置")).to_have_count(0)


async def test_saving_takes_effect_and_stays(new_desk: NewDesk):
    desk = await new_desk("super_admin")
    page = desk.page
    await desk.open("/system/config")
    payment = card(page, "支付")
    await expect(payment.get_by_role("button", name="保存")).to_be_disabled()
    await payment.get_by_label("押金上限").fill("1288.5")
    await press(payment, "保存")
    await expect(told(page, "支付已保存，即刻生效")).to_be_visible()
    await expect(payment).to_contain_text("保存")
    await desk.open("/system/config")
    await expect(card(page, "支付").get_by_label("押金上限")).to_have_value("1288.5")
    # As the other tests know it.
    back = {"version": await version_of(desk, "payment"), "values": {"deposit_max_fen": 99_900}}
    await desk.staff.client.put("/settings/payment", back)


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_saved(new_desk: NewDesk):
    desk = await new_desk("super_admin")
    page = desk.page
    await desk.open("/system/config")
    before = await version_of(desk, "wecom")
    wecom = card(page, "企业微信")
    desk.expect_problem("422")
    await wecom.get_by_label("企业 ID").fill("")
    await press(wecom, "保存")
    await expect(field_of(page, "企业 ID")).to_contain_text("必填")
    await wecom.get_by_label("企业 ID").fill("ww0000")
    await press(wecom, "保存")
    await expect(field_of(page, "企业 ID")).to_contain_text("企业微信不认识这个企业 ID")
    assert await version_of(desk, "wecom") == before
    await press(wecom, "放弃修改")
    await expect(wecom.get_by_label("企业 ID")).not_to_have_value("ww0000")


async def test_a_secret_can_be_looked_at_only_while_it_is_new(new_desk: NewDesk):
    desk = await new_desk("super_admin")
    page = desk.page
    await desk.open("/system/config")
    account = card(page, "微信公众号")
    secret = account.get_by_label("AppSecret")
    await expect(secret).to_have_attribute("placeholder", "已设置 ******，留空则不修改")
    await expect(account.get_by_role("button", name="显示")).to_have_count(0)
    await secret.fill("typed-just-now")
    await expect(secret).to_have_attribute("type", "password")
    await press(account, "显示")
    await expect(secret).to_have_attribute("type", "text")
    await press(account, "测试连接")
    await expect(account.get_by_role("status")).to_contain_text("AppSecret 不正确")
    await secret.fill("")
    await press(account, "测试连接")
    await expect(account.get_by_role("status")).to_contain_text("已连接")
    await expect(account.locator(".el-tag")).to_have_text("已连接")


async def test_who_comes_second_is_told_and_overwrites_nobody(new_desk: NewDesk, stand: Stand):
    first, second = await new_desk("super_admin"), await new_desk("super_admin")
    await first.open("/system/config")
    await second.open("/system/config")
    mine, theirs = card(first.page, "打卡"), card(second.page, "打卡")
    # The first must not save before the second has read the settings.
    await expect(theirs.get_by_label("手动同步间隔")).to_be_visible()
    await mine.get_by_label("手动同步间隔").fill("310")
    await press(mine, "保存")
    await expect(told(first.page, "打卡已保存")).to_be_visible()
    second.expect_problem("409")
    await theirs.get_by_label("手动同步间隔").fill("20")
    await press(theirs, "保存")
    await expect(theirs.get_by_text("这组配置刚被其他人修改")).to_be_visible()
    await press(theirs, "读取最新内容")
    await expect(theirs.get_by_label("手动同步间隔")).to_have_value("310")


async def test_leaving_with_changes_is_asked_about(new_desk: NewDesk):
    desk = await new_desk("super_admin")
    page = desk.page
    await desk.open("/system/config")
    await card(page, "打卡").get_by_label("手动同步间隔").fill("99")
    await page.get_by_role("menuitem", name="星球配置").click()
    await say(page, "取消")
    await desk.arrives("/system/config")
    await page.get_by_role("menuitem", name="星球配置").click()
    await say(page, "不保存，离开")
    await desk.arrives("/planets")
