"""Who can't enrol is told so before paying, and what to do instead."""

from playwright.async_api import expect

from tests.browser.conftest import NewPhone
from tests.browser.pages import order, pay_button
from tests.browser.stand import Stand


async def test_already_enrolled(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("已报名训练营")
    person = await stand.person("老会员")
    phone = await new_phone(openid="oAlready")
    page = phone.page
    # The form stands open while the same person pays elsewhere.
    await phone.open(f"/enroll/{camp.id}")
    await expect(pay_button(page)).to_be_visible()
    member_id = await stand.enrol(camp, "oAlready", person)
    await order(phone, camp, person, opened=True)
    await expect(page.get_by_role("heading", name="您已报名该训练营")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="您已报名该训练营")).to_be_visible()
    await expect(pay_button(page)).to_have_count(0)
    await page.get_by_role("link", name="查看打卡进度").click()
    await phone.arrives(f"/progress/{member_id}")

    await phone.open("/")
    card = page.get_by_role("article").filter(has_text="已报名训练营")
    await card.get_by_role("link", name="查看进度").click()
    await phone.arrives(f"/progress/{member_id}")


async def test_full(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("满员训练营", capacity=1)
    phone = await new_phone()
    page = phone.page
    await phone.open(f"/enroll/{camp.id}")
    await expect(pay_button(page)).to_be_visible()
    await stand.enrol(camp, "oFirst0")
    # The last place goes while the form is filled in.
    await order(phone, camp, await stand.person("来晚了"), opened=True)
    await expect(page.get_by_role("heading", name="训练营名额已满")).to_be_visible()
    await phone.open(f"/camps/{camp.id}")
    await expect(page.get_by_role("button", name="已满员")).to_be_disabled()


async def test_a_camp_that_is_not_published_is_not_there(new_phone: NewPhone, stand: Stand):
    phone = await new_phone("mobile")
    for path in ("/camps", "/enroll"):
        await phone.open(f"{path}/01a20621-0000-7000-8000-000000000000")
        await expect(phone.page.get_by_text("训练营不存在或尚未发布")).to_be_visible()
    await phone.open("/no/such/page")
    await expect(phone.page.get_by_text("没有找到这个页面")).to_be_visible()
    await phone.page.get_by_role("link", name="返回首页").click()
    await phone.arrives("/")


async def test_a_dead_group_picture_is_not_shown(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("旧二维码训练营", starts_in=10)
    await stand.enrol(camp, "oOldQr00", await stand.person("晚进群"))
    [member] = await camp.members()
    phone = await new_phone(openid="oOldQr00")
    await stand.wait(days=7)
    await phone.open(f"/qrcode/{member['payment_id']}")
    await expect(phone.page.get_by_text("二维码更新中")).to_be_visible()
    await expect(phone.page.get_by_role("img", name="训练营群二维码")).to_have_count(0)
