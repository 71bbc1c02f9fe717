"""Who may open what: by menu, by address and by API; and what happens when rights end."""

import pytest
from playwright.async_api import expect

from backend.demo.clients import Refused
from tests.browser.conftest import NewDesk
from tests.browser.console.pages import field_of
from tests.browser.desks import Desk
from tests.browser.stand import Stand

NOWHERE = "00000000-0000-7000-8000-000000000000"


async def test_a_coach_sees_the_camps_they_are_listed_in_and_no_other(new_desk: NewDesk, stand: Stand):
    desk = await new_desk("coach")
    page = desk.page
    own = await stand.camp("教练自己的训练营", coach_ids=[desk.staff.id])
    other = await stand.camp("别的教练的训练营")
    member = await stand.enrol(other, "oOfAnotherCoach")

    await desk.open("/camps?q=训练营")
    await expect(page.get_by_role("link", name=own.name)).to_be_visible()
    await expect(page.get_by_role("link", name=other.name)).to_have_count(0)
    for path in (f"/camps/{other.id}", f"/camps/{other.id}/settle", f"/members/{member}"):
        await desk.open(path)
        await expect(page.get_by_role("alert")).to_contain_text("没有权限")
        await expect(page.get_by_text("oOfAnotherCoach")).to_have_count(0)
        with pytest.raises(Refused) as refused:
            await desk.staff.client.get(path.removesuffix("/settle"))
        assert refused.value.status == 403
    await page.get_by_role("button", name="回到工作台").click()
    await desk.arrives("/dashboard")


async def test_buttons_are_those_of_the_role(new_desk: NewDesk, stand: Stand):
    coach, volunteer = await stand.colleague("coach"), await stand.colleague("volunteer")
    camp = await stand.camp("按钮训练营", coach_ids=[coach.id], volunteer_ids=[volunteer.id])
    seen: dict[str, list[str]] = {}
    for role in ("super_admin", "manager", "coach", "volunteer"):
        desk = await new_desk(role)
        await desk.open(f"/camps/{camp.id}")
        head = desk.page.locator(".page-head")
        await expect(head.get_by_role("button", name="报名二维码")).to_be_visible()
        seen[role] = [text.strip() for text in await head.get_by_role("button").all_text_contents()]
        seen[role] += await desk.page.get_by_role("tab").all_text_contents()
    tabs = ["概览", "报名列表", "打卡情况", "退款情况"]
    assert seen["super_admin"] == seen["manager"] == ["报名二维码", "编辑", "撤回", *tabs]
    assert seen["coach"] == ["报名二维码", *tabs]
    assert seen["volunteer"] == ["报名二维码", *tabs[:-1]]


async def test_a_volunteer_sees_no_refunds(new_desk: NewDesk, stand: Stand):
    volunteer = await new_desk("volunteer")
    page = volunteer.page
    camp = await stand.camp("志愿者的训练营", volunteer_ids=[volunteer.staff.id])
    for path in ("/refunds", "/refunds/pending", f"/camps/{camp.id}/settle", "/camps/create", "/matching"):
        await volunteer.open(path)
        await volunteer.arrives("/403")
        await expect(page.get_by_role("main").get_by_text("没有权限")).to_be_visible()
    for refused in ("/refunds", f"/refunds/summary?camp_id={camp.id}"):
        with pytest.raises(Refused) as refusal:
            await volunteer.staff.client.get(refused)
        assert refusal.value.status == 403
    await volunteer.open(f"/camps/{camp.id}?tab=refunds")
    await expect(page.get_by_role("tab", name="概览")).to_have_attribute("aria-selected", "true")


async def test_a_disabled_account_is_out_at_the_next_click(new_desk: NewDesk, stand: Stand):
    desk = await new_desk(await stand.new_colleague("manager"))
    page = desk.page
    await desk.open("/camps")
    await expect(page.get_by_role("button", name="创建训练营")).to_be_visible()
    await stand.stage.admin.put(f"/users/{desk.staff.id}", {"active": False})
    await page.get_by_role("navigation", name="主菜单").get_by_text("工作台").click()
    await desk.arrives(r"/login\?to=/dashboard&again=1")
    await expect(page.get_by_role("status")).to_have_text("登录已失效，请重新登录")
    await page.go_back()
    await desk.arrives(r"/login.*")
    with pytest.raises(Refused, match="unauthenticated"):
        await desk.staff.client.get("/camps")


async def fill_passwords(desk: Desk, old: str, fresh: str, again: str) -> None:
    dialog = desk.page.get_by_role("dialog", name="修改密码")
    await dialog.get_by_label("原密码").fill(old)
    await dialog.get_by_label("新密码（").fill(fresh)
    await dialog.get_by_label("再次输入新密码").fill(again)
    await dialog.get_by_role("button", name="保存并重新登录").click()


async def test_changing_ones_own_password(new_desk: NewDesk, stand: Stand):
    desk = await new_desk(await stand.new_colleague("coach"))
    page = desk.page
    await desk.open("/dashboard")
    await page.get_by_role("button", name=desk.staff.name).click()
    await page.get_by_role("menuitem", name="修改密码").click()
    await fill_passwords(desk, "not-mine-1", "short1", "other")
    await expect(field_of(page, "新密码（至少 8 位，含字母和数字）")).to_contain_text("密码至少 8 位")
    await expect(field_of(page, "再次输入新密码")).to_contain_text("两次输入的新密码不一致")
    await fill_passwords(desk, "not-mine-1", "brand-new-1", "brand-new-1")
    await expect(field_of(page, "原密码")).to_contain_text("原密码不正确")
    await fill_passwords(desk, desk.staff.password, "brand-new-1", "brand-new-1")
    await desk.arrives(r"/login\?changed=1")
    await expect(page.get_by_role("status")).to_have_text("密码已修改，请用新密码登录")
    await desk.fill_login("brand-new-1")
    await desk.arrives("/dashboard")


async def test_the_first_log_in_begins_with_a_password_of_ones_own(new_desk: NewDesk, stand: Stand):
    desk = await new_desk(await stand.new_colleague("manager", first_login=True), logged_in=False)
    page = desk.page
    await desk.open("/planets")
    await desk.fill_login()
    dialog = page.get_by_role("dialog", name="修改密码")
    await expect(dialog).to_contain_text("请先设置自己的密码")
    await page.keyboard.press("Escape")
    await expect(dialog.get_by_role("button", name="关闭")).to_have_count(0)
    await fill_passwords(desk, desk.staff.password, "brand-new-1", "brand-new-1")
    await desk.arrives(r"/login\?changed=1")
    await desk.fill_login("brand-new-1")
    await desk.arrives("/dashboard")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_what_is_not_there(desk: Desk):
    page = desk.page
    await desk.open("/nothing/here")
    await expect(page.get_by_text("页面不存在")).to_be_visible()
    for path in (f"/camps/{NOWHERE}", f"/camps/{NOWHERE}/edit", f"/members/{NOWHERE}"):
        await desk.open(path)
        await expect(page.get_by_role("alert")).to_contain_text("内容不存在")
        await expect(page.get_by_role("button", name="重试")).to_have_count(0)
    await page.get_by_role("button", name="回到工作台").click()
    await desk.arrives("/dashboard")
