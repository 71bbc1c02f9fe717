"""Browsers of staff: a computer on which somebody is logged in at the console."""

import json
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize

from tests.browser.stand import Colleague
from tests.browser.watched import Watched

SCREEN = ViewportSize(width=1440, height=900)


class Desk(Watched):
    """Where ``staff`` sits. Paths are those of the console: ``/camps``, not ``/admin/camps``."""

    def __init__(self, staff: Colleague, context: BrowserContext, page: Page, server: str) -> None:
        super().__init__(staff.role, context, page, server, "/admin")
        self.staff = staff

    async def log_in(self) -> None:
        """As if logged in today, without the form; anew when the clock went past the last log-in's end. Then open."""
        if not await self.staff.is_logged_in():
            await self.staff.client.log_in()
        # Not a page of the console: one with an older log-in would forget this one when it is refused.
        await self.open("/icon.svg")
        await self.page.evaluate(
            "(token) => localStorage.setItem('camp-admin:token', token)", json.dumps(self.staff.client.token)
        )

    async def fill_login(self, password: str | None = None) -> None:
        """Log in by the form that is open, as people do; ``password``: in place of the right one."""
        await self.page.get_by_label("用户名").fill(self.staff.username)
        await self.page.get_by_label("密码", exact=True).fill(password or self.staff.password)
        await self.page.get_by_role("button", name="登录", exact=True).click()


async def open_desk(browser: Browser, staff: Colleague, *, server: str, **options: Any) -> Desk:
    """A browser in which nobody is logged in yet; ``options`` are Playwright's for a context."""
    context = await browser.new_context(
        **{
            "viewport": SCREEN,
            "locale": "zh-CN",
            # Somewhere else than the service: nothing shown may depend on the computer's zone.
            "timezone_id": "America/New_York",
        }
        | options
    )
    return Desk(staff, context, await context.new_page(), server)
