"""The reports: whose camps they count, ranges, order, charts, comparing, files, and nothing to count."""

import io
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.async_api import Locator, expect

from tests.browser import axe
from tests.browser.conftest import NewDesk
from tests.browser.desks import Desk
from tests.browser.stand import Camp, Role, Stand


async def camp_of(stand: Stand, name: str, people: int = 0) -> Camp:
    camp = await stand.camp(name, days=2, required=2)
    for _ in range(people):
        await stand.enrol(camp, f"oReport{secrets.token_hex(8)}")
    return camp


def address(camp: Camp, page: str = "camps") -> str:
    """The report of the day on which a camp begins."""
    return f"/reports/{page}?from={camp.first_day}&to={camp.first_day}"


def card(desk: Desk, name: str) -> Locator:
    return desk.page.locator(".card").filter(has=desk.page.get_by_text(name, exact=True)).locator("dd").first


async def test_figures_charts_order_and_comparison(new_desk: NewDesk, stand: Stand):
    full = await camp_of(stand, "报表满营", 2)
    empty = await camp_of(stand, "报表空营")
    desk = await new_desk()
    page = desk.page
    await desk.open(address(full))
    row = page.locator(".el-table__body tr").filter(has_text="报表满营")
    await expect(row).to_contain_text("¥398")
    await expect(page.locator(".el-table__body tr").filter(has_text="报表空营")).to_contain_text("–")
    # Drawn, and told to those who don't see it.
    trend = page.get_by_role("img", name=f"{full.first_day:%Y-%m} 报名")
    await expect(trend.locator("svg path[fill='#1767c2']").first).to_be_visible()
    await page.get_by_text("收入与退款", exact=True).click()
    await expect(page.get_by_role("img", name="收入 ¥").locator("svg path[fill='#1767c2']").first).to_be_visible()
    await expect(page.get_by_role("img", name="0 至 2 天").locator("svg path[fill='#1767c2']").first).to_be_visible()

    # The service orders: the address says so, and a reload keeps it.
    await page.locator("th").filter(has_text="报名").click()
    await desk.arrives(r"/reports/camps\?.*sort=enrolled.*")
    await expect(page.locator(".el-table__body .link").first).to_have_text("报表满营")
    await page.locator("th").filter(has_text="报名").click()
    await desk.arrives(r"/reports/camps\?.*order=asc.*")
    await expect(page.locator(".el-table__body .link").last).to_have_text("报表满营")
    await page.reload()
    await expect(page.locator(".el-table__body .link").last).to_have_text("报表满营")

    for camp in (full, empty):
        await page.locator(".el-table__body tr").filter(has_text=camp.name).get_by_label("选择此行").check(force=True)
    await page.get_by_role("button", name="对比").click()
    dialog = page.get_by_role("dialog", name="训练营对比")
    await expect(dialog.get_by_role("columnheader", name="报表空营")).to_be_visible()
    await expect(dialog.get_by_role("img").locator("svg text", has_text="平均打卡率")).to_be_visible()
    await expect(dialog.get_by_role("row", name="押金收入")).to_contain_text("¥398")


async def test_ranges(new_desk: NewDesk, stand: Stand):
    camp = await camp_of(stand, "报表时间营", 1)
    desk = await new_desk()
    page = desk.page
    await desk.open("/reports/camps")
    await expect(page.get_by_role("heading", name="训练营明细")).to_be_visible()
    await page.get_by_text("上月", exact=True).click()
    await desk.arrives(r"/reports/camps\?from=.*-01&to=.*")
    await expect(page.get_by_text("报表时间营")).to_have_count(0)
    await desk.open(address(camp))
    await expect(page.get_by_role("link", name="报表时间营")).to_be_visible()
    # Nothing at all: dashes, never 0 %.
    await desk.open("/reports/camps?from=2001-01-01&to=2001-01-31")
    await expect(page.get_by_text("所选时间内没有开营的训练营")).to_be_visible()
    await expect(card(desk, "完成率")).to_have_text("–")
    await expect(card(desk, "押金收入")).to_have_text("¥0")
    await expect(page.get_by_text("所选时间内没有会员")).to_be_visible()
    await expect(page.locator(".rates div").filter(has_text="参与率").locator("dd")).to_have_text("–")
    # An address that can't be is told, and may be mended.
    await desk.open("/reports/camps?from=2026-02-02&to=2026-02-01")
    await expect(page.get_by_text("提交的内容有误")).to_be_visible()


@pytest.mark.parametrize("role", ["super_admin", "manager", "coach", "volunteer"])
async def test_each_role(new_desk: NewDesk, stand: Stand, role: Role):
    colleague = await stand.new_colleague(role)
    coaches: dict[str, Any] = {"coach_ids": [colleague.id]} if role == "coach" else {}
    mine = await stand.camp(f"报表{role}的营", **coaches)
    await camp_of(stand, f"报表{role}之外", 1)
    desk = await new_desk(colleague)
    page = desk.page
    await desk.open(address(mine))
    if role == "volunteer":
        await desk.arrives("/403")
        return
    await expect(page.get_by_role("link", name=f"报表{role}的营")).to_be_visible()
    others = page.get_by_role("link", name=f"报表{role}之外")
    may_export = page.get_by_role("button", name="导出")
    await expect(others).to_have_count(0 if role == "coach" else 1)
    await expect(may_export).to_have_count(0 if role == "coach" else 1)
    await desk.open(address(mine, "coaches"))
    rows = page.locator(".el-table__body tr")
    if role == "coach":
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text(colleague.name)


async def test_the_file_is_the_table(new_desk: NewDesk, stand: Stand, tmp_path: Path):
    camp = await camp_of(stand, "报表导出营", 1)
    desk = await new_desk()
    page = desk.page
    await desk.open(address(camp))
    await page.get_by_role("button", name="导出").click()
    async with page.expect_download() as download:
        await page.get_by_role("menuitem", name="Excel").click()
    file = await download.value
    assert file.suggested_filename.startswith("训练营报表-")
    await file.save_as(tmp_path / "report.xlsx")
    book = load_workbook(io.BytesIO((tmp_path / "report.xlsx").read_bytes()))
    assert book.sheetnames == ["总览", "训练营明细"]
    assert "报表导出营" in [row[0].value for row in book["训练营明细"].iter_rows()]


async def test_one_person_s_data(new_desk: NewDesk, stand: Stand, tmp_path: Path):
    camp = await stand.camp("个人数据营", days=2, required=2)
    person = await stand.person("要数据的人")
    member = await stand.enrol(camp, "oReport-person", person)
    desk = await new_desk()
    await desk.open(f"/members/{member}")
    await desk.page.get_by_role("button", name="导出个人数据").click()
    async with desk.page.expect_download() as download:
        await desk.page.get_by_role("menuitem", name="JSON").click()
    file = await download.value
    assert file.suggested_filename.startswith("个人数据-")
    await file.save_as(tmp_path / "person.json")
    data = json.loads((tmp_path / "person.json").read_text())
    [row] = data["报名记录"]
    assert (row["训练营"], row["星球昵称"]) == ("个人数据营", "要数据的人")
    coach = await new_desk("coach")
    await coach.open(f"/members/{member}")
    await expect(coach.page.get_by_role("button", name="导出个人数据")).to_have_count(0)


@pytest.mark.parametrize("page_name", ["camps", "coaches"])
async def test_everybody_can_read_it(new_desk: NewDesk, stand: Stand, page_name: str):
    camp = await camp_of(stand, f"报表可读营{page_name}", 1)
    desk = await new_desk()
    await desk.open(address(camp, page_name))
    await expect(desk.page.locator(".el-table__body tr").first).to_be_visible()
    assert await axe.findings(desk.page) == []
