"""From a draft to the QR code that members scan; what is wrong with a form; what colleagues did meanwhile."""

import datetime as dt
from pathlib import Path

import segno
from PIL import Image
from playwright.async_api import FilePayload, Locator, Page, expect

from backend.core import clock
from backend.demo import opening
from tests.browser.conftest import NewDesk
from tests.browser.console.pages import choose, field_of, question, row, say, told
from tests.browser.desks import Desk
from tests.browser.stand import Stand


def png(picture: bytes) -> FilePayload:
    return FilePayload(name="图.png", mimeType="image/png", buffer=picture)


def picker(page: Page, name: str) -> Locator:
    """Where a picture is chosen from the disk."""
    return page.get_by_label(name, exact=True).and_(page.locator("input"))


async def fill_terms(page: Page, name: str, *, deposit: str = "199", days: int = 7) -> None:
    first = clock.today() + dt.timedelta(days=3)
    last = first + dt.timedelta(days=days - 1)
    await page.get_by_label("训练营名称").fill(name)
    await page.get_by_label("押金（元）").fill(deposit)
    await page.get_by_placeholder("开始日期").fill(first.isoformat())
    await page.get_by_placeholder("结束日期").fill(last.isoformat())
    await page.get_by_placeholder("结束日期").press("Enter")
    await page.get_by_role("spinbutton", name="要求打卡天数").fill("5")
    await page.get_by_role("spinbutton", name="要求打卡天数").press("Tab")


async def draft(stand: Stand, name: str) -> str:
    """A draft that has all it needs to be published; returns its id."""
    camp = await stand.camp(name)
    await stand.stage.admin.post(f"/camps/{camp.id}/withdraw")
    return camp.id


async def test_from_a_draft_to_the_code_that_members_scan(new_desk: NewDesk, stand: Stand, tmp_path: Path):
    coach = await stand.colleague("coach")
    desk = await new_desk(permissions=["clipboard-read", "clipboard-write"])
    page = desk.page
    await desk.open("/camps")
    await page.get_by_role("button", name="创建训练营").click()
    await desk.arrives("/camps/create")
    await fill_terms(page, "从草稿到发布")
    await page.get_by_role("button", name="保存草稿").click()
    camp_id = await desk.arrives("/camps/(.*)/edit")
    await expect(told(page, "草稿已保存")).to_be_visible()

    # What publishing needs beyond a draft stands at its fields.
    await page.get_by_role("button", name="发布", exact=True).click()
    await expect(field_of(page, "打卡项目")).to_contain_text("发布前须选择打卡项目")
    await expect(field_of(page, "群二维码")).to_contain_text("发布前须上传群二维码")
    await expect(page.get_by_text("还有 4 处需要修改")).to_be_visible()

    await choose(page, "星球", "测试星球")
    await page.get_by_role("button", name="保存并发布知识星球").click()
    await say(page, "创建")
    await expect(told(page, "已创建打卡项目")).to_be_visible()
    await picker(page, "海报").set_input_files(png(opening.poster()))
    await picker(page, "群二维码").set_input_files(png(opening.qr("https://example.com/g")))
    for name in ("海报", "群二维码"):
        await expect(page.get_by_role("img", name=name)).to_have_js_property("complete", True)
    await choose(page, "教练", coach.name)
    await page.get_by_role("textbox", name="项目介绍").fill("每天写三百字。")
    await page.get_by_role("button", name="发布", exact=True).click()
    await expect(question(page)).to_contain_text("押金 ¥199，最多 1000 人。")
    await expect(question(page)).to_contain_text("共 7 天。")
    await expect(question(page)).to_contain_text("退款规则：7 天累计打卡满 5 天，全额退还。")
    await say(page, "发布")
    await desk.arrives(f"/camps/{camp_id}")
    await expect(page.locator(".page-head")).to_contain_text("报名中")

    await page.get_by_role("button", name="报名二维码").click()
    dialog = page.get_by_role("dialog", name="报名二维码")
    url = await dialog.get_by_label("报名链接").input_value()
    assert url == f"{stand.api_url}/enroll/{camp_id}"
    await dialog.get_by_role("button", name="复制链接").click()
    await expect(told(page, "报名链接已复制")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == url
    async with page.expect_download() as coming:
        await dialog.get_by_role("button", name="下载二维码图片").click()
    download = await coming.value
    assert download.suggested_filename == "从草稿到发布 报名二维码.png"
    await download.save_as(tmp_path / "qr.png")
    assert qr_says(tmp_path / "qr.png", url)


def qr_says(path: Path, text: str) -> bool:
    """Whether the picture is the code of the text, module by module with the quiet zone around."""
    wanted = [[bool(dark) for dark in line] for line in segno.make(text, error="m").matrix_iter(border=4)]
    with Image.open(path) as picture:
        grey = picture.convert("L")
        step = grey.width / len(wanted)
        at = [int((index + 0.5) * step) for index in range(len(wanted))]
        return [[grey.getpixel((x, y)) == 0 for x in at] for y in at] == wanted


async def test_what_the_service_refuses_stands_at_its_field(desk: Desk):
    page = desk.page
    await desk.open("/camps/create")
    await page.get_by_role("button", name="保存草稿").click()
    await expect(field_of(page, "训练营名称")).to_contain_text("请填写训练营名称")
    await fill_terms(page, "太贵的训练营", deposit="99999")
    await page.get_by_role("button", name="保存草稿").click()
    await expect(field_of(page, "押金（元）")).to_contain_text("押金须在")
    await expect(page.get_by_label("押金（元）")).to_be_in_viewport()
    await page.get_by_label("押金（元）").fill("99.50")
    await page.get_by_role("button", name="保存草稿").click()
    await desk.arrives("/camps/.*/edit")

    # Another camp may not have its name.
    await desk.open("/camps/create")
    await fill_terms(page, "太贵的训练营")
    await page.get_by_role("button", name="保存草稿").click()
    await expect(field_of(page, "训练营名称")).to_contain_text("已有同名的训练营")
    await page.get_by_role("button", name="取消", exact=True).click()
    await expect(question(page)).to_contain_text("填写的内容还没有保存")
    await say(page, "不保存，离开")
    await desk.arrives("/camps")


async def test_replacing_the_groups_code(desk: Desk, stand: Stand):
    camp = await stand.camp("换码训练营")
    page = desk.page
    await desk.open(f"/camps/{camp.id}")
    picture = page.get_by_role("img", name="群二维码")
    alert = page.get_by_role("alert")
    before = await picture.get_attribute("src")
    for file, words in (
        (FilePayload(name="群.gif", mimeType="image/gif", buffer=b"GIF89a"), "仅支持 JPG 和 PNG 图片"),
        (FilePayload(name="群.png", mimeType="image/png", buffer=bytes(2_200_000)), "图片不能超过 2 MB（当前 2.1 MB）"),
        (FilePayload(name="群.png", mimeType="image/png", buffer=b"no picture"), "无法识别的图片"),
    ):
        await picker(page, "群二维码").set_input_files(file)
        await expect(alert.filter(has_text=words)).to_be_visible()
        assert await picture.get_attribute("src") == before
    await picker(page, "群二维码").set_input_files(png(opening.qr("https://example.com/fresh")))
    await expect(told(page, "群二维码已更换")).to_be_visible()
    await expect(picture).not_to_have_attribute("src", before or "")
    await expect(picture).to_have_js_property("complete", True)
    await expect(alert.filter(has_text="图片")).to_have_count(0)


async def test_a_colleague_published_it_meanwhile(desk: Desk, stand: Stand):
    camp_id = await draft(stand, "同事先发布的训练营")
    page = desk.page
    await desk.open("/camps?q=同事先发布")
    line = row(page, "同事先发布的训练营")
    await expect(line).to_contain_text("草稿")
    await stand.stage.admin.post(f"/camps/{camp_id}/publish")
    await line.get_by_role("button", name="发布").click()
    await say(page, "发布")
    await expect(told(page, "只有草稿可以发布")).to_be_visible()
    await expect(line).to_contain_text("报名中")
    await expect(line.get_by_role("button", name="撤回")).to_be_visible()


async def test_a_colleague_withdrew_it_meanwhile(desk: Desk, stand: Stand):
    camp = await stand.camp("同事先撤回的训练营")
    page = desk.page
    await desk.open(f"/camps/{camp.id}")
    await page.get_by_role("button", name="撤回").wait_for()
    await stand.stage.admin.post(f"/camps/{camp.id}/withdraw")
    await page.get_by_role("button", name="撤回").click()
    await say(page, "撤回")
    await expect(told(page, "只有报名中的训练营可以撤回")).to_be_visible()
    await expect(page.locator(".page-head")).to_contain_text("草稿")
    await expect(page.get_by_role("button", name="删除")).to_be_visible()


async def test_a_form_that_is_behind_says_what_is_fixed_by_now(desk: Desk, stand: Stand):
    """The draft is published while its form is open elsewhere: the form follows, and keeps what may still change."""
    camp_id = await draft(stand, "表单过时的训练营")
    page = desk.page
    await desk.open(f"/camps/{camp_id}/edit")
    await page.get_by_label("押金（元）").fill("299")
    await page.get_by_role("spinbutton", name="人数上限").fill("80")
    await stand.stage.admin.post(f"/camps/{camp_id}/publish")
    await page.get_by_role("button", name="保存草稿").click()
    await expect(page.get_by_text("同事刚刚发布了该训练营")).to_be_visible()
    await expect(page.get_by_label("押金（元）")).to_be_disabled()
    await expect(page.get_by_label("押金（元）")).to_have_value("199")
    await expect(page.get_by_role("spinbutton", name="人数上限")).to_have_value("80")
    await page.get_by_role("button", name="保存", exact=True).click()
    await desk.arrives(f"/camps/{camp_id}")
    await expect(page.get_by_text("上限 80")).to_be_visible()


async def test_a_draft_deleted_meanwhile(desk: Desk, stand: Stand):
    await stand.camp("占位训练营")
    camp_id = await draft(stand, "同事先删除的训练营")
    page = desk.page
    await desk.open("/camps?q=同事先删除")
    await row(page, "同事先删除的训练营").get_by_role("button", name="删除").wait_for()
    await stand.stage.admin.delete(f"/camps/{camp_id}")
    await row(page, "同事先删除的训练营").get_by_role("button", name="删除").click()
    await say(page, "删除")
    await expect(told(page, "训练营不存在")).to_be_visible()
    await expect(page.get_by_text("没有符合条件的训练营")).to_be_visible()
