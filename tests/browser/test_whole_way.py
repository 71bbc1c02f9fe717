"""A member's whole way: from the link to the money back, by taps alone."""

from playwright.async_api import expect

from tests.browser.conftest import NewPhone
from tests.browser.pages import fill_form, pay_button, verdict
from tests.browser.stand import Stand


async def test_from_the_link_to_the_money_back(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("三天写作训练营", days=3, required=2)
    person = await stand.person("安宁")
    phone = await new_phone(choose=True)
    page = phone.page

    await phone.open(f"/camps/{camp.id}")
    await page.get_by_role("link", name="立即报名").click()
    await page.get_by_role("button", name="小满").click()  # WeChat asks who it is
    await phone.arrives(f"/enroll/{camp.id}")
    await fill_form(page, nickname=person.name, number=person.number)
    await page.get_by_label("我已阅读并同意").check()
    await pay_button(page).click()

    await phone.arrives("/qrcode/.*")
    await expect(page.get_by_role("heading", name="报名成功")).to_be_visible()
    picture = page.get_by_role("img", name="训练营群二维码")
    await expect(picture).to_have_js_property("complete", True)
    assert await picture.evaluate("(image) => image.naturalWidth") > 0

    await page.get_by_role("link", name="查看我的打卡进度").click()
    await phone.arrives("/progress/.*")
    await expect(verdict(page)).to_contain_text("打卡满 2 天，即可退还押金 ¥199")
    await expect(page.get_by_text("每日 01:00 更新")).to_contain_text("待同步")

    await camp.posts(person, 1, 2)
    await camp.go_to_day(2)
    await camp.sync()
    await page.reload()
    await expect(verdict(page)).to_contain_text("已达标，押金 ¥199 可退还")
    await expect(page.get_by_role("img", name="已打卡 2 天，全额退还需要 2 天")).to_be_visible()
    day = camp.day(1)
    await expect(page.get_by_text(f"{day.month}月{day.day}日，已打卡")).to_be_attached()
    await expect(page.get_by_text("第 2 天打卡")).to_be_visible()

    [refund] = await camp.end()
    await page.reload()
    await expect(verdict(page)).to_contain_text("押金 ¥199 正等待审核，通过后退还")

    await stand.approve(refund["id"])
    await page.reload()
    await expect(verdict(page)).to_contain_text("押金 ¥199 已退还")
    await expect(page.get_by_role("list", name="退款进度")).to_contain_text("已退回原支付账户")
