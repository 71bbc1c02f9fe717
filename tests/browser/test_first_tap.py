"""A complaint that goes as its field is left must not move a button from under the finger: the first tap counts."""

from playwright.async_api import expect

from tests.browser.conftest import NewPhone
from tests.browser.pages import fill_planet, pay_button
from tests.browser.phones import Phone
from tests.browser.stand import Stand


async def test_saving_a_mended_planet_number(new_phone: NewPhone, stand: Stand):
    camp = await stand.camp("一次就好训练营")
    person = await stand.person("改错")
    phone = await new_phone(openid="oMender0")
    page = phone.page
    member_id = await stand.enrol(camp, "oMender0")
    save = page.get_by_role("button", name="保存并重新匹配")
    await phone.open(f"/members/{member_id}/planet")
    await fill_planet(page, nickname="改错", number="12三")
    await save.tap()
    await expect(page.get_by_text("星球编号须为 1 至 20 位数字")).to_be_visible()
    await fill_planet(page, nickname="改错", number=person.number)
    await save.tap()
    await expect(page.get_by_text("已保存，并重新匹配。")).to_be_visible(timeout=3_000)


async def test_asking_for_help_after_an_empty_form_was_sent(wechat: Phone, stand: Stand):
    camp = await stand.camp("填表训练营")
    page = wechat.page
    await wechat.open(f"/enroll/{camp.id}")
    await pay_button(page).tap()
    await expect(page.get_by_label("星球昵称")).to_be_focused()
    await page.get_by_role("button", name="如何获取星球编号").tap()
    await expect(page.get_by_role("dialog")).to_be_visible(timeout=3_000)
