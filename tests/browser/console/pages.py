"""What staff do on the pages of the console, found by what they read there."""

from playwright.async_api import Locator, Page


async def choose(page: Page, field: str, option: str, *, within: Locator | None = None) -> None:
    """Pick from a list that drops down; one for several stays open and is folded."""
    place = within or page
    box = page.get_by_role("combobox", name=field, exact=True)
    # Its words lie on top of it.
    await place.locator(".el-select__wrapper").filter(has=box).click()
    await page.get_by_role("option", name=option).filter(visible=True).click()
    box = place.get_by_role("combobox", name=field, exact=True)
    if await box.get_attribute("aria-expanded") == "true":
        await box.press("Escape")


def row(page: Page, text: str) -> Locator:
    """The line of a list that says this."""
    return page.get_by_role("row").filter(has_text=text)


def told(page: Page, text: str) -> Locator:
    """The words that appear at the top for a moment."""
    return page.locator(".el-message").filter(has_text=text)


def field_of(page: Page, label: str) -> Locator:
    """A field of a form with all that stands at it, such as what is wrong."""
    return page.locator(".el-form-item").filter(has=page.get_by_text(label, exact=True))


def question(page: Page) -> Locator:
    """The dialog that is open."""
    return page.get_by_role("dialog").filter(visible=True)


async def say(page: Page, answer: str) -> None:
    """Press a button of the dialog that is open."""
    await question(page).get_by_role("button", name=answer, exact=True).click()
