"""用户管理: accounts, what happens to people when theirs is changed, and locks after wrong passwords."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import axe
from tests.browser.conftest import NewDesk
from tests.browser.console.pages import choose
from tests.browser.desks import Desk
from tests.browser.stand import Colleague, Role, Stand


def row_of(page: Page, who: Colleague) -> Locator:
    return page.locator(".el-table__body tr").filter(has_text=who.username)


async def find(desk: Desk, who: Colleague) -> Locator:
    await desk.open(f"/system/users?q={who.username}")
    row = row_of(desk.page, who)
    await expect(row).to_have_count(1)
    return row


async def press(row: Locator, name: str) -> None:
    await row.get_by_role("button", name=name, exact=True).click()


async def asked(desk: Desk, yes: str) -> str:
    """Say yes to the question that is open; returns its words."""
    question = desk.page.locator(".el-message-box")
    words = await question.inner_text()
    await question.get_by_role("button", name=yes, exact=True).click()
    return words


@pytest.fixture
async def boss(new_desk: NewDesk) -> Desk:
    return await new_desk("super_admin")


@pytest.mark.parametrize("role", ["manager", "coach", "volunteer"])
async def test_the_pages_are_for_super_admins(new_desk: NewDesk, role: Role) -> None:
    desk = await new_desk(role)
    for path in ("/system/users", "/system/logs"):
        await desk.open(path)
        await desk.arrives("/403")


async def test_somebody_new_is_added_and_chooses_a_password(boss: Desk, new_desk: NewDesk, stand: Stand) -> None:
    camp = await stand.camp("新教练营")
    pattern = await stand.new_colleague("coach")  # only its client and its unused name are borrowed
    username = f"{pattern.username}-x"
    await boss.open("/system/users")
    await boss.page.get_by_role("button", name="添加用户").click()
    dialog = boss.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="保存").click()
    await expect(dialog.get_by_text("用户名为 2 至 50 位")).to_be_visible()
    assert await axe.findings(boss.page) == []
    await dialog.get_by_label("用户名").fill(username)
    await dialog.get_by_label("姓名").fill("陈新")
    await choose(boss.page, "角色", "教练", within=dialog)
    await choose(boss.page, "训练营", camp.name, within=dialog)
    await dialog.get_by_role("button", name="随机生成").click()
    password = await dialog.get_by_label("初始密码").input_value()
    await dialog.get_by_label("企业微信账号").fill("ChenXin")
    await dialog.get_by_role("button", name="保存").click()
    await expect(boss.page.get_by_text("已添加，首次登录须修改密码")).to_be_visible()
    row = boss.page.locator(".el-table__body tr").filter(has_text=username)
    await expect(row).to_contain_text(camp.name)
    await expect(row).to_contain_text("从未登录")

    who = Colleague("", "coach", username, "陈新", password, pattern.client, False)
    desk = await new_desk(who, logged_in=False)
    await desk.open("/login")
    await desk.fill_login()
    form = desk.page.get_by_role("dialog", name="修改密码")
    await expect(form.get_by_text("请先设置自己的密码")).to_be_visible()
    for fresh, words in ((password, "新密码不能与原密码相同"), ("short1", "密码至少 8 位"), ("own-password-1", "")):
        await form.get_by_label("原密码").fill(password)
        await form.get_by_label("新密码（").fill(fresh)
        await form.get_by_label("再次输入新密码").fill(fresh)
        await form.get_by_role("button", name="保存并重新登录").click()
        if words:
            await expect(form.locator(".el-form-item__error")).to_contain_text(words)
    await desk.arrives(r"/login\?changed=1")
    await desk.fill_login("own-password-1")
    await desk.arrives("/dashboard")
    await desk.open("/camps")
    await expect(desk.page.get_by_text(camp.name)).to_be_visible()


async def test_camps_and_the_last_coach(boss: Desk, stand: Stand) -> None:
    coach = await stand.new_colleague("coach")
    camp = await stand.camp("独一教练营", coach_ids=[coach.id])
    row = await find(boss, coach)
    await expect(row).to_contain_text(camp.name)
    await press(row, "编辑")
    dialog = boss.page.get_by_role("dialog", name="编辑用户")
    await choose(boss.page, "角色", "志愿者", within=dialog)
    await expect(dialog.get_by_text("会立即退出登录")).to_be_visible()
    await expect(dialog.get_by_text(f"「{camp.name}」没有其他在职教练，需先")).to_be_visible()
    await dialog.get_by_role("button", name="保存").click()
    await expect(dialog.locator(".el-form-item__error")).to_contain_text("请先安排另一名教练")
    await dialog.get_by_role("button", name="取消").click()

    other = await stand.new_colleague("coach")
    await press(await find(boss, other), "编辑")
    await choose(boss.page, "训练营", camp.name, within=dialog)
    await dialog.get_by_role("button", name="保存").click()
    await expect(row_of(boss.page, other)).to_contain_text(camp.name)

    await press(await find(boss, coach), "编辑")
    await choose(boss.page, "角色", "志愿者", within=dialog)
    await dialog.get_by_role("button", name="保存").click()
    await expect(row_of(boss.page, coach)).to_contain_text("志愿者")
    await expect(row_of(boss.page, coach)).to_contain_text("未安排")


async def test_disabling_shows_the_door_at_once(boss: Desk, new_desk: NewDesk, stand: Stand) -> None:
    coach = await stand.new_colleague("coach")
    camp = await stand.camp("停用教练营", coach_ids=[coach.id])
    desk = await new_desk(coach)
    await desk.open("/camps")
    await expect(desk.page.get_by_text(camp.name)).to_be_visible()
    row = await find(boss, coach)
    await press(row, "停用")
    words = await asked(boss, "停用")
    assert "立即退出所有已登录的设备" in words
    assert f"停用后「{camp.name}」将没有在职教练" in words
    await expect(row).to_contain_text("已停用")
    await desk.page.get_by_role("button", name="查询").click()
    await desk.arrives(r"/login\?to=/camps.*")
    await desk.fill_login()
    await expect(desk.page.get_by_role("alert")).to_have_text("账号已停用，请联系超级管理员")
    await press(row, "启用")
    await asked(boss, "启用")
    await expect(row).to_contain_text("正常")
    await desk.fill_login()
    await desk.arrives("/camps.*")


async def test_a_reset_password_is_shown_once(boss: Desk, new_desk: NewDesk, stand: Stand) -> None:
    person = await stand.new_colleague("volunteer")
    await boss.context.grant_permissions(["clipboard-read", "clipboard-write"])
    row = await find(boss, person)
    await press(row, "重置密码")
    assert "只显示一次" in await asked(boss, "重置密码")
    dialog = boss.page.get_by_role("dialog", name="新密码")
    password = await dialog.get_by_label("新密码").input_value()
    assert re.fullmatch(r"[A-Za-z0-9]{12}", password)
    await dialog.get_by_role("button", name="复制").click()
    assert await boss.page.evaluate("navigator.clipboard.readText()") == password
    await dialog.get_by_role("button", name="我已记下，关闭").click()
    await expect(boss.page.get_by_text(password)).to_have_count(0)
    desk = await new_desk(person, logged_in=False)
    await desk.open("/login")
    await desk.fill_login(password)
    await expect(desk.page.get_by_role("dialog", name="修改密码")).to_be_visible()


async def test_wrong_passwords_lock_and_a_super_admin_unlocks(boss: Desk, new_desk: NewDesk, stand: Stand) -> None:
    person = await stand.new_colleague("volunteer")
    desk = await new_desk(person, logged_in=False)
    alert = desk.page.get_by_role("alert")
    await desk.open("/login")
    for words in ("错误", "错误", "再错 2 次", "再错 1 次", "请 15 分钟后再试"):
        await desk.fill_login("wrong-password-1")
        await expect(alert).to_contain_text(words)
    await desk.fill_login()
    await expect(alert).to_contain_text("已临时锁定")
    await boss.open("/system/users?state=locked")
    row = row_of(boss.page, person)
    await expect(row).to_contain_text("登录锁定")
    await press(row, "解锁")
    await asked(boss, "解除锁定")
    await expect(row).to_have_count(0)
    await desk.fill_login()
    await desk.arrives("/dashboard")


async def test_nobody_shuts_themselves_out(boss: Desk) -> None:
    row = await find(boss, boss.staff)
    for name in ("停用", "删除"):
        button = row.get_by_role("button", name=name, exact=True)
        await expect(button).to_be_disabled()
        await expect(button).to_have_attribute("title", re.compile("请由另一名超级管理员操作"))
    await press(row, "编辑")
    dialog = boss.page.get_by_role("dialog", name="编辑用户")
    await expect(dialog.get_by_label("角色")).to_be_disabled()
    await expect(dialog.get_by_text("请由另一名超级管理员操作")).to_be_visible()


async def test_deleting_leaves_only_the_log(boss: Desk, stand: Stand) -> None:
    person = await stand.new_colleague("manager")
    row = await find(boss, person)
    await press(row, "删除")
    assert "操作日志保留" in await asked(boss, "删除")
    await expect(row).to_have_count(0)
    await boss.open(f"/system/logs?q={person.username}")
    await expect(boss.page.get_by_role("cell", name="删除用户")).to_be_visible()
