"""Sheets on their way in: every error with its cell and its cure, nothing by halves, and twice is once."""

from playwright.async_api import FilePayload, Page, expect

from tests.browser.conftest import NewDesk
from tests.browser.stand import Stand


def sheet(name: str, *lines: str) -> FilePayload:
    """As Excel saves it: UTF-8 with its mark."""
    return FilePayload(name=name, mimeType="text/csv", buffer=("\ufeff" + "\r\n".join(lines)).encode())


async def choose(page: Page, file: FilePayload) -> None:
    await page.get_by_label("选择表格文件").set_input_files(file)


async def figures(page: Page, **wanted: int) -> None:
    """The outcome, or what it would be."""
    for name, value in wanted.items():
        figure = page.locator("dl.figures > div").filter(has=page.get_by_text(name, exact=True))
        await expect(figure.get_by_role("definition")).to_have_text(str(value))


async def apply(page: Page, button: str) -> None:
    await page.get_by_role("button", name=button, exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="确认导入").click()


async def test_a_checkin_sheet_is_mended_and_taken_once(new_desk: NewDesk, stand: Stand):
    camp = await stand.camp("打卡导入营", days=5, required=3)
    person = await stand.person("墨白")
    member = await stand.enrol(camp, "oImportMoBai0000000000000001", person)
    await camp.posts(person, 1)
    await camp.go_to_day(3)
    await camp.sync()
    desk = await new_desk()
    page = desk.page
    await desk.open(f"/checkins/import?camp_id={camp.id}")
    days = [f"{person.number},{camp.day(number)}" for number in (1, 2)]

    wrong = [f"{person.number},昨天", f"404040404,{camp.day(1)}", f"{person.number},{camp.day(5)}"]
    await choose(page, sheet("第一版.csv", "星球编号,打卡日期", *days, *wrong))
    await expect(page.get_by_role("heading", name="3 处需要修改")).to_be_visible()
    table = page.get_by_role("region", name="表格错误").get_by_role("row")
    for row, text in enumerate(
        (
            "4打卡日期昨天日期无法识别，请写成 2026-03-01 这样的格式",
            "5星球编号404040404星球中没有这个编号；请核对，或先同步打卡、导入含用户ID的星球成员表",
            f"6打卡日期{camp.day(5)}日期还没有到",
        ),
        start=1,
    ):
        await expect(table.nth(row)).to_have_text(text)
    await expect(page.get_by_role("button", name="导入", exact=True)).to_be_disabled()
    await expect(page.get_by_text("还没有导入过。")).to_be_visible()

    mended = sheet("第二版.csv", "星球编号,打卡日期", *days)
    await choose(page, mended)
    await expect(page.get_by_role("heading", name="预览（尚未写入）")).to_be_visible()
    await figures(page, 表格行数=2, 新增=1, 不变=1)  # day 1 is known from the planet
    await apply(page, "导入")
    await expect(page.get_by_text("导入完成")).to_be_visible()
    records = page.get_by_role("region", name="导入记录").get_by_role("row")
    await expect(records.nth(1)).to_contain_text("第二版.csv")
    assert (await stand.stage.admin.get(f"/members/{member}"))["evidence"]["days_import"] == 2

    await page.get_by_role("button", name="导入另一个文件").click()
    await choose(page, mended)
    await figures(page, 新增=0, 变化=0, 不变=2, 移除=0)
    await apply(page, "导入（没有变化）")
    await expect(page.get_by_text("已导入，没有变化")).to_be_visible()
    assert (await stand.stage.admin.get(f"/members/{member}"))["evidence"]["days_import"] == 2


async def test_a_file_that_is_no_sheet_is_refused(new_desk: NewDesk, stand: Stand):
    camp = await stand.camp("坏表格营", days=5, required=3)
    desk = await new_desk()
    await desk.open(f"/checkins/import?camp_id={camp.id}")
    await choose(desk.page, FilePayload(name="打卡.pdf", mimeType="application/pdf", buffer=b"%PDF"))
    await expect(desk.page.get_by_role("alert")).to_have_text("只能导入 .xlsx 或 .csv 文件")
    await choose(
        desk.page, FilePayload(name="打卡.xlsx", mimeType="application/octet-stream", buffer=b"PK\x03\x04 torn")
    )
    await expect(desk.page.get_by_role("alert")).to_contain_text("xlsx")
    await choose(desk.page, sheet("没有人.csv", "姓名,打卡日期", "墨白,2026-03-01"))
    await expect(desk.page.get_by_role("region", name="表格错误")).to_contain_text(
        "缺少“星球编号”或“用户ID”列，无法知道是谁打卡"
    )


async def test_a_planet_list_is_taken_whole(new_desk: NewDesk, stand: Stand):
    desk = await new_desk()
    page = desk.page
    person = await stand.person("谷雨之后")
    await desk.open("/planet-members?tab=import")
    header = "成员编号,用户昵称,微信昵称,用户是否退出星球"
    await choose(page, sheet("成员.csv", header, f"{person.number},谷雨之后,雨,也许", f"{person.number},谷雨,雨,否"))
    errors = page.get_by_role("region", name="表格错误")
    await expect(errors).to_contain_text("请填写“是”或“否”")
    await expect(errors).to_contain_text("成员编号出现了两次")

    mended = sheet("成员.csv", header, f"{person.number},谷雨之后,雨,否", "99000001,已离开的人,走,是")
    await choose(page, mended)
    await figures(page, 表格行数=2, 新增=2)
    await apply(page, "导入")
    await expect(page.get_by_text("导入完成")).to_be_visible()
    await page.get_by_role("button", name="导入另一个文件").click()
    await choose(page, mended)
    await figures(page, 新增=0, 变化=0, 不变=2)
    await apply(page, "导入（没有变化）")
    await expect(page.get_by_text("已导入，没有变化")).to_be_visible()

    await page.get_by_role("tab", name="成员名单").click()
    await page.get_by_label("昵称或编号").fill(person.number)
    await page.get_by_role("button", name="查询").click()
    row = page.get_by_role("row").filter(has_text=person.number)
    await expect(row).to_contain_text("谷雨之后")
    await expect(row).to_contain_text("在星球")
