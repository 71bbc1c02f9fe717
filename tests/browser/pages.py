"""What members do on the pages of their app, found by what they read there."""

from playwright.async_api import Locator, Page

from tests.browser.phones import Phone
from tests.browser.stand import Camp, PlanetPerson


async def fill_form(page: Page, *, nickname: str, number: str, wechat: str = "微信里的我") -> None:
    """The three fields that say who somebody is."""
    await fill_planet(page, nickname=nickname, number=number)
    await page.get_by_label("微信昵称").fill(wechat)


async def fill_planet(page: Page, *, nickname: str, number: str) -> None:
    """The two that are about the planet."""
    await page.get_by_label("星球昵称").fill(nickname)
    await page.get_by_label("星球编号", exact=True).fill(number)


def pay_button(page: Page) -> Locator:
    """The one button of the form; its amount is the camp's."""
    return page.get_by_role("button", name="支付押金 ¥199")


def verdict(page: Page) -> Locator:
    """The sentence on top of the progress: whether the deposit comes back."""
    return page.get_by_role("region", name="押金能否退还")


async def order(phone: Phone, camp: Camp, person: PlanetPerson, *, opened: bool = False, twice: bool = False) -> None:
    """Fill in the form of the camp and press the button, or two times at once. ``opened``: the form is there."""
    if not opened:
        await phone.open(f"/enroll/{camp.id}")
    await fill_form(phone.page, nickname=person.name, number=person.number)
    await phone.page.get_by_label("我已阅读并同意").check()
    await pay_button(phone.page).click(click_count=2 if twice else 1)
