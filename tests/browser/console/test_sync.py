"""Reading a camp's check-ins from the console."""

import asyncio

from playwright.async_api import expect

from tests.browser.desks import Desk
from tests.browser.stand import Stand

PEOPLE = 30  # two pages of the planet's ranking


async def test_a_sync_is_followed_also_over_a_reload_and_refused_too_soon(desk: Desk, stand: Stand):
    camp = await stand.camp("同步进度训练营")
    people = await asyncio.gather(*(stand.person(f"同步者{number}") for number in range(PEOPLE)))
    for person in people:
        await camp.posts(person, 1)
    await camp.go_to_day(2)
    await desk.log_in()
    page = desk.page
    bar = page.get_by_role("region", name="打卡同步")
    await desk.open(f"/camps/{camp.id}")
    await expect(bar).to_contain_text("还没有同步过打卡数据")
    # The second page keeps us waiting until it is told not to.
    await stand.stage.sandbox.post("zsxq", "faults", {"name": "slow", "path": "ranking_list", "page": 2, "value": 60})
    try:
        await bar.get_by_role("button", name="同步打卡").click()
        await expect(bar.get_by_role("progressbar", name="同步进度")).to_be_visible()
        await expect(bar.get_by_role("status")).to_contain_text("21 / 30 人")
        await page.reload()
        await expect(bar.get_by_role("button", name="同步中…")).to_be_disabled()
        await expect(bar.get_by_role("status")).to_contain_text("21 / 30 人")
    finally:
        await stand.stage.sandbox.clear_faults("zsxq")
    await expect(bar).to_contain_text("完整")
    await expect(bar).to_contain_text("30 / 30 人")
    await bar.get_by_role("button", name="同步打卡").click()
    await expect(bar.get_by_role("alert")).to_have_text("刚刚同步过，请稍后再试")
