"""How members stand while a camp runs: said everywhere alike, found by a filter, and never called a verdict."""

import re

from playwright.async_api import expect

from tests.browser import axe, crowd
from tests.browser.conftest import NewDesk
from tests.browser.console.pages import choose, field_of, question, row, say, told
from tests.browser.desks import Desk
from tests.browser.stand import Camp, Stand

# Days of a camp of five in which four are asked for, looked at on the fourth day at noon.
DAYS = {"已达者": (1, 2, 3, 4), "在途者": (2, 3), "落后者": (1,)}
SAYS = {"已达者": "已达标", "在途者": "还差 2 天，还可打 2 天", "落后者": "已无法达标"}


async def running(stand: Stand, name: str) -> Camp:
    camp = await stand.camp(name, days=5, required=4)
    people = await stand.people(list(DAYS))
    await crowd.enrol(stand, camp, [one for person in people for one in crowd.sure([person], *DAYS[person.name])])
    await camp.go_to_day(4)
    await camp.sync()
    return camp


async def words_of(desk: Desk) -> str:
    """What is on the page, without lists that are folded."""
    return await desk.page.locator("main").inner_text()


async def test_lists_say_how_members_stand(new_desk: NewDesk, stand: Stand):
    camp = await running(stand, "进行中的进度营")
    desk = await new_desk()
    page = desk.page
    for path in (
        f"/members?camp_id={camp.id}",
        f"/camps/{camp.id}?tab=members",
        f"/camps/{camp.id}?tab=checkins",
        f"/checkins/stats?camp_id={camp.id}",
    ):
        await desk.open(path)
        for name, words in SAYS.items():
            await expect(row(page, name)).to_contain_text(words)
        assert not re.search("不符合|未达标", (await words_of(desk)).replace("尚未达标", "")), path
        assert await axe.findings(page) == []
    await expect(page.get_by_role("columnheader", name="判定")).to_have_count(0)

    # The filter stays in the address.
    await desk.open(f"/members?camp_id={camp.id}")
    await choose(page, "进度", "已无法达标")
    await page.get_by_role("button", name="查询").click()
    await desk.arrives(r"/members\?.*standing=out_of_reach.*")
    await expect(row(page, "落后者")).to_be_visible()
    await expect(row(page, "已达者")).to_have_count(0)
    await page.reload()
    await expect(row(page, "落后者")).to_be_visible()
    await expect(row(page, "在途者")).to_have_count(0)

    await row(page, "落后者").get_by_role("link").click()
    facts = page.locator(".panel").filter(has=page.get_by_role("heading", name="打卡与押金"))
    await expect(facts).to_contain_text("已无法达标")
    await expect(facts).to_contain_text("5 天累计打卡满 4 天，全额退还")
    await expect(facts.get_by_text("判定", exact=True)).to_have_count(0)

    # Once the end was seen there is a verdict.
    await camp.end()
    await desk.log_in()
    await desk.open(f"/members?camp_id={camp.id}")
    await expect(page.get_by_role("columnheader", name="判定")).to_be_visible()
    await expect(row(page, "落后者")).to_contain_text("不符合")
    await expect(row(page, "已达者")).to_contain_text("符合")


async def test_a_coach_grants_days(new_desk: NewDesk, stand: Stand):
    coach = await stand.colleague("coach")
    camp = await stand.camp("认定打卡营", days=5, required=3, coach_ids=[coach.id])
    [person] = await stand.people(["讲课的人"])
    await crowd.enrol(stand, camp, crowd.sure([person], 1))
    await camp.go_to_day(4)
    await camp.sync()
    [member] = await camp.members()
    desk = await new_desk(coach)
    page = desk.page
    await desk.open(f"/members/{member['id']}?tab=checkins")
    await page.get_by_role("button", name="认定打卡").click()
    dialog = question(page)
    assert await axe.findings(page) == []
    await expect(dialog.get_by_role("button", name=re.compile("已打卡"))).to_be_disabled()
    await dialog.get_by_role("button", name=re.compile("认定 0 天")).click()
    await expect(dialog).to_contain_text("请至少选择一天")
    for number in (2, 3):
        day = camp.day(number)
        await dialog.get_by_role("button", name=re.compile(f"^{day.month}月{day.day}日 ")).click()
    await dialog.get_by_label("原因（会员会看到）").fill("当天为大家讲课")
    await dialog.get_by_role("button", name="认定 2 天").click()
    await expect(told(page, "已认定 2 天")).to_be_visible()
    granted = page.get_by_role("region", name="认定的日子").get_by_role("row")
    await expect(granted.filter(has_text="当天为大家讲课")).to_have_count(2)
    await expect(granted.nth(1)).to_contain_text("教练认定")
    await expect(granted.nth(1)).to_contain_text(coach.name)
    legend = page.get_by_role("list", name="图例")
    await expect(legend).to_contain_text("教练认定")
    await expect(page.locator(".panel").filter(has_text="打卡与押金").first).to_contain_text("已达标")
    assert await axe.findings(page) == []


async def test_a_day_is_excused_for_everybody(new_desk: NewDesk, stand: Stand):
    camp = await running(stand, "平台故障营")
    desk = await new_desk()
    page = desk.page
    await desk.open(f"/camps/{camp.id}?tab=checkins")
    await page.get_by_role("button", name="豁免一天").click()
    dialog = page.get_by_role("dialog", name="豁免一天")
    await dialog.get_by_role("button", name="豁免", exact=True).click()
    await expect(field_of(page, "日期")).to_contain_text("请选择日期")
    assert await axe.findings(page) == []
    day = camp.day(3)
    await choose(page, "日期", f"{day.month}月{day.day}日", within=dialog)
    await dialog.get_by_label("原因（会员会看到）").fill("星球无法打开")
    await dialog.get_by_role("button", name="豁免", exact=True).click()
    asked = page.get_by_role("dialog", name=f"豁免 {day.month}月{day.day}日")
    await expect(asked).to_contain_text("3 名会员的这一天都不算缺卡")
    await asked.get_by_role("button", name=f"豁免 {day.month}月{day.day}日").click()
    await expect(told(page, "已豁免")).to_be_visible()
    # Three are asked for now.
    await expect(row(page, "落后者")).to_contain_text("还差 2 天，还可打 2 天")
    await row(page, "落后者").get_by_role("button", name="打卡日历").click()
    await expect(question(page).get_by_role("list", name="图例")).to_contain_text("豁免")
    await page.keyboard.press("Escape")

    await page.get_by_role("button", name="豁免一天").click()
    await expect(page.get_by_role("dialog", name="豁免一天")).to_contain_text(f"已豁免：{day.month}月{day.day}日")
    await say(page, "取消")
