"""Logging in at the console: what each role finds there, who is refused and how, and the way to the wished page."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewDesk
from tests.browser.desks import Desk
from tests.browser.stand import Role, Stand

VOLUNTEER = ["工作台", "训练营列表", "会员列表", "打卡记录", "打卡统计"]
COACH = [*VOLUNTEER, "待审核", "退款记录", "训练营报表", "教练绩效"]
MANAGER = ["通知记录", *COACH, "身份匹配", "星球会员导入", "同步日志", "对账", "星球配置"]
MENUS: dict[Role, list[str]] = {
    "volunteer": VOLUNTEER,
    "coach": COACH,
    "manager": MANAGER,
    "super_admin": [*MANAGER, "用户管理", "系统配置", "通知设置", "操作日志"],
}


async def menu(desk: Desk) -> list[str]:
    """Every page that the menu offers, also those in a group that is folded."""
    entries = desk.page.get_by_role("navigation", name="主菜单").locator(".el-menu-item")
    await entries.first.wait_for()
    return [text.strip() for text in await entries.all_text_contents()]


@pytest.mark.parametrize("role", MENUS)
async def test_each_role_finds_its_own_menu(new_desk: NewDesk, role: Role):
    desk = await new_desk(role, logged_in=False)
    await desk.open("/")
    await desk.arrives(r"/login\?to=/dashboard")
    await desk.fill_login()
    await desk.arrives("/dashboard")
    await expect(desk.page.get_by_role("button", name=desk.staff.name)).to_be_visible()
    assert sorted(await menu(desk)) == sorted(MENUS[role])


async def test_a_wrong_password_and_a_disabled_account_are_told(new_desk: NewDesk, stand: Stand):
    desk = await new_desk(await stand.new_colleague("coach"), logged_in=False)
    alert = desk.page.get_by_role("alert")
    await desk.open("/login")
    await desk.fill_login("wrong-password-1")
    await expect(alert).to_have_text("用户名或密码错误")
    await stand.stage.admin.put(f"/users/{desk.staff.id}", {"active": False})
    await desk.fill_login()
    await expect(alert).to_have_text("账号已停用，请联系超级管理员")
    await expect(desk.page.get_by_label("密码", exact=True)).to_have_value(desk.staff.password)


async def test_the_wished_page_is_opened_after_the_log_in(new_desk: NewDesk):
    desk = await new_desk(logged_in=False)
    await desk.open("/camps?status=draft")
    await desk.arrives(r"/login\?to=.*")
    await desk.fill_login()
    await desk.arrives(r"/camps\?status=draft")
    await expect(desk.page.get_by_role("button", name="创建训练营")).to_be_visible()
