"""操作日志: found, read and taken along."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser import axe
from tests.browser.conftest import NewDesk
from tests.browser.console.pages import choose
from tests.browser.desks import Desk
from tests.browser.stand import Stand


@pytest.fixture
async def boss(new_desk: NewDesk) -> Desk:
    return await new_desk("super_admin")


async def test_a_change_is_read_in_words_and_leads_to_its_target(boss: Desk, stand: Stand) -> None:
    camp = await stand.camp("日志营", capacity=20)
    fields = await stand.stage.admin.get(f"/camps/{camp.id}")
    coach = await stand.new_colleague("coach")
    names = ("name", "description", "deposit_fen", "enroll_opens_at", "enroll_closes_at", "starts_on", "ends_on")
    keys = ("required_days", "planet_id", "checkin_id", "poster_key", "group_qr_key")
    body = {name: fields[name] for name in (*names, *keys)} | {"capacity": 30, "coach_ids": [coach.id]}
    await stand.stage.admin.put(f"/camps/{camp.id}", body)
    await boss.open(f"/system/logs?q={camp.name}")
    row = boss.page.locator(".el-table__body tr").filter(has_text="编辑训练营")
    await expect(row).to_contain_text("人数上限：20 → 30")
    await row.get_by_role("button", name="详情").click()
    drawer = boss.page.get_by_role("dialog", name="操作详情")
    await expect(drawer.locator("tbody tr")).to_contain_text(["人数上限"])
    await expect(drawer).to_contain_text("127.0.0.1")
    await expect(drawer).to_contain_text("序号")
    assert await axe.findings(boss.page) == []
    await drawer.get_by_role("button", name="关闭此对话框").click()
    staff = boss.page.locator(".el-table__body tr").filter(has_text="调整训练营人员").first
    await expect(staff).to_contain_text(coach.name)
    await row.get_by_role("link", name=camp.name).click()
    await boss.arrives(f"/camps/{camp.id}.*")


async def test_filters_stay_in_the_address_and_in_the_export(boss: Desk, stand: Stand, tmp_path: Path) -> None:
    person = await stand.new_colleague("coach")
    await stand.stage.admin.put(f"/users/{person.id}", {"display_name": "改过名的教练"})
    await boss.open(f"/system/logs?q={person.username}")
    rows = boss.page.locator(".el-table__body tr")
    await expect(rows.filter(has_text="添加用户")).to_have_count(1)
    await choose(boss.page, "操作", "编辑用户")
    await boss.page.get_by_role("button", name="查询").click()
    await boss.arrives(r"/system/logs\?.*action=user\.update.*")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("姓名：")
    await boss.page.reload()
    await expect(rows).to_have_count(1)
    async with boss.page.expect_download() as downloading:
        await boss.page.get_by_role("button", name="导出").click()
        await boss.page.get_by_role("menuitem", name="CSV").click()
    file = tmp_path / "logs.csv"
    await (await downloading.value).save_as(file)
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2
    assert "编辑用户" in lines[1]
    await boss.page.get_by_role("button", name="重置").click()
    await boss.arrives("/system/logs")


async def test_failures_are_marked(boss: Desk, new_desk: NewDesk, stand: Stand) -> None:
    person = await stand.new_colleague("volunteer")
    desk = await new_desk(person, logged_in=False)
    await desk.open("/login")
    await desk.fill_login("wrong-password-1")
    await expect(desk.page.get_by_role("alert")).to_be_visible()
    await boss.open(f"/system/logs?q={person.username}&failed=true")
    row = boss.page.locator(".el-table__body tr")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("登录失败")
    await expect(row).to_contain_text("用户名或密码错误")
