"""What belongs to one person: camps, open orders, refunds, messages, and what they typed about themselves."""

from playwright.async_api import expect

from tests.browser.conftest import NewPhone
from tests.browser.pages import fill_planet, order
from tests.browser.stand import Stand


async def test_a_wrong_planet_number_is_corrected(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("填错编号训练营", days=3, required=1)
    person = await stand.person("笔误")
    phone = await new_phone(openid="oTypo00")
    page = phone.page
    member_id = await stand.enrol(camp, "oTypo00")
    await camp.posts(person, 1)
    await camp.go_to_day(2)
    await camp.sync()

    await phone.open("/me")
    await page.get_by_role("link", name="填错编号训练营：修改星球信息").click()
    await phone.arrives(f"/members/{member_id}/planet")
    await expect(page.get_by_text("暂时没有找到您的星球账号")).to_be_visible()
    await fill_planet(page, nickname="笔误", number=person.number)
    await page.get_by_role("button", name="保存并重新匹配").click()
    await expect(page.get_by_role("status")).to_contain_text("已找到您的星球账号：笔误")
    await expect(page.get_by_role("button", name="保存并重新匹配")).to_have_count(0)

    await page.get_by_role("link", name="查看打卡进度").click()
    await expect(page.get_by_text("找到的账号").locator("..")).to_contain_text("笔误")
    await expect(page.get_by_role("link", name="修改星球信息")).to_have_count(0)


async def test_after_seven_days_the_planet_number_is_the_staffs_affair(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("过时不候训练营", starts_in=10)
    phone = await new_phone(openid="oLate000")
    member_id = await stand.enrol(camp, "oLate000")
    await phone.open(f"/members/{member_id}/planet")
    await fill_planet(phone.page, nickname="迟到", number="88")
    await stand.wait(days=7)
    # The log-in has ended too: the way leads through WeChat, and back to this page.
    await phone.page.get_by_role("button", name="保存并重新匹配").click()
    await expect(phone.page.get_by_text("支付满 7 天后不能自行修改，请联系工作人员")).to_be_visible()
    stranger = await new_phone(openid="oStranger")
    await stranger.open(f"/members/{member_id}/planet")
    await expect(stranger.page.get_by_text("没有找到这份报名")).to_be_visible()


async def test_messages_are_unread_once(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("消息训练营")
    phone = await new_phone(openid="oReader0")
    page = phone.page
    await stand.enrol(camp, "oReader0", await stand.person("读者"))
    [member] = await camp.members()
    refund = await stand.stage.admin.post(
        "/refunds",
        {"payment_id": member["payment_id"], "amount_fen": 9_900, "kind": "exception", "reason": "家中有事"},
    )
    await stand.approve(refund["id"])

    await phone.open("/me")
    await expect(page.get_by_role("link", name="有未读消息")).to_be_visible()
    await page.get_by_role("link", name="2 条未读").click()
    await expect(page.get_by_role("article").filter(has_text="押金已退回")).to_contain_text("未读")
    await page.get_by_role("button", name="返回").click()
    await expect(page.get_by_role("link", name="我的", exact=True)).to_be_visible()

    await page.get_by_role("link", name="退款记录").click()
    card = page.get_by_role("article").filter(has_text="消息训练营")
    await expect(card).to_contain_text("¥99")
    await expect(card).to_contain_text("已退回原支付账户")


async def test_what_a_guest_paid_is_found_in_wechat(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("游客变会员训练营")
    guest = await new_phone("mobile")
    await guest.open("/me")
    await expect(guest.page.get_by_text("还没有报名训练营")).to_be_visible()
    await order(guest, camp, await stand.person("游客"))
    await guest.page.get_by_label("付款的微信用户").fill("oGuest00")
    await guest.page.get_by_role("button", name="支付 ¥199").click()
    await guest.page.get_by_role("link", name="返回商家").click()
    await guest.arrives("/qrcode/.*")

    phone = await new_phone(openid="oGuest00")
    await phone.open("/me")
    await expect(phone.page.get_by_role("article").filter(has_text="游客变会员训练营")).to_be_visible()


async def test_an_order_that_can_still_be_paid_is_on_the_persons_page(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("待支付训练营")
    phone = await new_phone(openid="oWaiting")
    await stand.order(camp, "oWaiting")
    await phone.open("/me")
    card = phone.page.get_by_role("article").filter(has_text="待支付训练营")
    await card.get_by_role("link", name="继续支付").click()
    await expect(phone.page.get_by_role("button", name="立即支付 ¥199")).to_be_visible()
