"""What all lists do: filters and pages in the address, columns, selection, files, and trouble on the way."""

import csv
import io
from pathlib import Path
from urllib.parse import quote

import openpyxl
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.console.conftest import FORMULA, MEMBERS, FullCamp
from tests.browser.console.pages import choose, question, row, say, told
from tests.browser.desks import Desk


def rows(page: Page) -> Locator:
    """Lines of the list, without its head."""
    return page.get_by_role("row").filter(has=page.get_by_role("cell"))


def box(place: Locator, text: str) -> Locator:
    """What is clicked to tick a box; the box itself is drawn by its label."""
    return place.locator("label.el-checkbox").filter(has_text=text)


async def test_filters_and_pages_live_in_the_address(desk: Desk, full_camp: FullCamp):
    page = desk.page
    await desk.open(f"/members?camp_id={full_camp.camp.id}&page_size=10")
    await expect(rows(page)).to_have_count(10)
    await expect(page.get_by_role("combobox", name="训练营", exact=True).locator("xpath=../..")).to_contain_text(
        full_camp.camp.name
    )
    await page.get_by_role("listitem", name="第 2 页").click()
    await desk.arrives(r"/members\?.*page=2.*")
    await expect(page.get_by_role("status").filter(has_text=f"共 {MEMBERS} 条")).to_be_visible()
    first = await rows(page).first.get_by_role("link").inner_text()
    address = desk.path
    await page.reload()
    await expect(rows(page).first).to_contain_text(first)

    await rows(page).first.get_by_role("link").click()
    await desk.arrives("/members/[0-9a-f-]+")
    await page.go_back()
    assert desk.path == address
    await expect(rows(page).first).to_contain_text(first)

    # A search begins on the first page.
    await choose(page, "判定", "不符合")
    await page.get_by_label("昵称或编号").fill("写作者")
    await page.get_by_label("昵称或编号").press("Enter")
    await desk.arrives(rf"/members\?(?!.*page=2).*verdict=not_eligible&q={quote('写作者')}.*")
    await expect(rows(page).first).to_contain_text("不符合")
    await page.reload()
    await expect(page.get_by_label("昵称或编号")).to_have_value("写作者")
    await expect(rows(page).first).to_contain_text("不符合")
    await page.get_by_role("button", name="重置").click()
    await desk.arrives(r"/members\?page_size=10")


async def test_the_choice_of_columns_is_kept(desk: Desk, full_camp: FullCamp):
    page = desk.page
    await desk.open(f"/members?camp_id={full_camp.camp.id}")
    head = page.get_by_role("columnheader", name="星球成员")
    await expect(rows(page)).to_have_count(20)
    await expect(head).to_have_count(0)
    await page.get_by_role("button", name="列设置").click()
    for column in ("星球成员", "微信昵称"):
        await box(page.get_by_role("tooltip"), column).click()
    await expect(head).to_be_visible()
    await page.reload()
    await expect(head).to_be_visible()
    await expect(page.get_by_role("columnheader", name="微信昵称")).to_have_count(0)


async def test_a_selection_goes_over_pages(desk: Desk, full_camp: FullCamp):
    page = desk.page
    await desk.open(f"/members?camp_id={full_camp.camp.id}&page_size=10")
    await expect(rows(page)).to_have_count(10)
    await box(rows(page).first, "").click()
    await page.get_by_role("listitem", name="第 2 页").click()
    await desk.arrives(r"/members\?.*page=2.*")
    await expect(page.get_by_text("已选 1 条")).to_be_visible()
    await box(page.get_by_role("row").first, "").click()
    await expect(page.get_by_text("已选 11 条")).to_be_visible()
    await page.get_by_role("listitem", name="第 1 页").click()
    await expect(rows(page).first.get_by_role("checkbox")).to_be_checked()
    await expect(rows(page).nth(1).get_by_role("checkbox")).not_to_be_checked()
    await page.get_by_role("button", name="批量标记进群").click()
    await expect(question(page)).to_contain_text("所选 11 位会员")
    await say(page, "标记 11 位")
    await expect(rows(page).first).to_contain_text("已进群")
    members = await full_camp.camp.members()
    assert sum(member["joined"] for member in members) == 11


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
async def test_files_hold_ids_as_text_and_no_formula(desk: Desk, full_camp: FullCamp, tmp_path: Path, kind: str):
    page = desk.page
    await desk.open(f"/members?camp_id={full_camp.camp.id}&verdict=eligible")
    await expect(row(page, FORMULA)).to_be_visible()
    shown = int((await page.get_by_role("status").filter(has_text="共").inner_text()).split()[1])
    await page.get_by_role("button", name="导出").click()
    async with page.expect_download() as coming:
        await page.get_by_role("menuitem", name="Excel" if kind == "xlsx" else "CSV").click()
    download = await coming.value
    assert download.suggested_filename.endswith(f".{kind}")
    path = tmp_path / f"members.{kind}"
    await download.save_as(path)
    await expect(told(page, "已导出")).to_be_visible()
    head, *lines = read(path)
    assert 0 < len(lines) == shown < MEMBERS
    by_name = {line[head.index("星球昵称")]: line for line in lines}
    line = by_name[f"'{FORMULA}"]
    [member] = [row for row in await full_camp.camp.members() if row["planet_nickname"] == FORMULA]
    ids = {"星球编号": member["planet_number"], "用户ID": member["planet_user"]["id"], "会员ID": member["id"]}
    for column, number in ids.items():
        text = line[head.index(column)]
        assert text == (f"{number}\t" if kind == "csv" else number)


def read(path: Path) -> list[list[object]]:
    """What a spreadsheet would show; a cell that it would compute is refused."""
    if path.suffix == ".csv":
        return [list(line) for line in csv.reader(io.StringIO(path.read_text("utf-8-sig")))]
    [sheet] = openpyxl.load_workbook(path).worksheets
    assert all(cell.data_type != "f" for line in sheet.iter_rows() for cell in line)
    return [[cell.value for cell in line] for line in sheet.iter_rows()]


@pytest.mark.parametrize(
    ("trouble", "words", "expected"),
    [
        ("status", "服务暂时不可用，请稍后重试", "status 500"),
        ("network", "网络连接失败，请检查网络后重试", "ERR_CONNECTION_RESET"),
    ],
)
async def test_trouble_is_told_and_survived(desk: Desk, full_camp: FullCamp, trouble: str, words: str, expected: str):
    page = desk.page
    desk.expect_problem(expected)
    await page.route(
        "**/api/admin/members?*",
        lambda route: (
            route.fulfill(status=500, content_type="text/html", body="<h1>Internal Server Error</h1>")
            if trouble == "status"
            else route.abort("connectionreset")
        ),
    )
    await desk.open(f"/members?camp_id={full_camp.camp.id}")
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text(words)
    await alert.get_by_role("button", name="重试").click()
    await expect(alert).to_contain_text(words)
    await page.unroute_all()
    await alert.get_by_role("button", name="重试").click()
    await expect(rows(page)).to_have_count(20)
    await expect(alert).to_have_count(0)
