"""No page has a serious or critical finding of axe-core, in the states in which members meet it."""

from playwright.async_api import Page, expect

from tests.browser import axe
from tests.browser.conftest import NewPhone
from tests.browser.pages import order, pay_button
from tests.browser.phones import Phone
from tests.browser.stand import Stand


async def look(phone: Phone, path: str, text: str) -> None:
    """Open a page, wait for its content, and let axe look at it."""
    await phone.open(path)
    await settled(phone.page, text)


async def settled(page: Page, text: str) -> None:
    await expect(page.get_by_text(text).first).to_be_visible()
    found = await axe.findings(page)
    assert found == [], page.url


async def test_pages_before_enrolling(mobile: Phone, stand: Stand):
    camp = await stand.camp("无障碍训练营")
    page = mobile.page
    await look(mobile, "/", "无障碍训练营")
    await look(mobile, f"/camps/{camp.id}", "立即报名")
    await look(mobile, f"/enroll/{camp.id}", "押金怎么退")
    for button in ("如何获取星球编号", "《训练营规则》"):
        await page.get_by_role("button", name=button).click()
        await sheet(page)
    await pay_button(page).click()
    await settled(page, "请填写星球昵称")
    await look(mobile, "/me", "还没有报名训练营")
    await look(mobile, "/refunds", "还没有退款记录")
    await look(mobile, "/messages", "还没有消息")
    await look(mobile, "/auth/callback", "重新授权")
    await look(mobile, "/maintenance", "系统正在维护")
    await look(mobile, "/unsupported.html", "浏览器")
    await look(mobile, "/nothing", "没有找到这个页面")


async def sheet(page: Page) -> None:
    """The sheet that has just been opened; closes it."""
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    assert await axe.findings(page) == []
    await dialog.get_by_role("button", name="关闭").click()
    await expect(dialog).to_have_count(0)


async def test_pages_of_members(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("无障碍打卡训练营", days=5, required=3)
    person = await stand.person("读屏")
    phone = await new_phone(openid="oScreen0")
    page = phone.page
    phone.cashier.answer = "cancel"
    await order(phone, camp, person)
    await settled(page, "支付已取消")
    await look(phone, "/me", "待支付")
    phone.cashier.answer = "pay"
    await page.get_by_role("link", name="继续支付").click()
    await page.get_by_role("button", name="立即支付").click()
    payment_id = await phone.arrives("/qrcode/(.*)")
    await settled(page, "报名成功")
    [member] = await camp.members()
    await camp.posts(person, 1, 3)
    await camp.go_to_day(4)
    await camp.sync()
    await look(phone, "/?status=ongoing", "无障碍打卡训练营")
    await look(phone, f"/progress/{member['id']}", "打卡日历")
    await look(phone, f"/members/{member['id']}/planet", "已找到您的星球账号")
    await look(phone, f"/enroll/{camp.id}", "您已报名该训练营")
    await camp.end()
    await look(phone, f"/progress/{member['id']}", "打卡日历")
    await look(phone, "/me", "无障碍打卡训练营")
    await look(phone, "/messages", "报名成功")
    await look(phone, "/refunds", "退款记录")
    await look(phone, f"/qrcode/{payment_id}", "二维码")


async def test_the_code_on_a_computer(desktop: Phone, stand: Stand):
    camp = await stand.camp("大屏训练营")
    await look(desktop, "/", "大屏训练营")
    await order(desktop, camp, await stand.person("大屏"))
    await settled(desktop.page, "微信扫码支付")
