"""通知记录 and 通知设置 in the browser: per role, a template with a mistake, a test message, and sending again."""

import pytest
from playwright.async_api import expect

from backend.demo.clients import Refused
from tests.browser import axe
from tests.browser.conftest import NewDesk
from tests.browser.console.pages import choose, field_of, row, told
from tests.browser.stand import Stand


async def test_the_record_is_for_managers_and_its_settings_for_super_administrators(new_desk: NewDesk):
    for role, pages in (("super_admin", 2), ("manager", 1), ("coach", 0), ("volunteer", 0)):
        desk = await new_desk(role)
        for path, needed in (("/notifications", 1), ("/system/notices", 2)):
            await desk.open(path)
            if pages >= needed:
                await expect(desk.page.locator("h1")).to_have_text("通知记录" if needed == 1 else "通知设置")
            else:
                await desk.arrives("/403")
        if pages == 0:
            with pytest.raises(Refused) as refused:
                await desk.staff.client.get("/notifications")
            assert refused.value.status == 403


async def test_a_message_is_found_read_and_sent_again(new_desk: NewDesk, stand: Stand):
    camp = await stand.camp("通知训练营")
    await stand.enrol(camp, "oToldMember")
    desk = await new_desk("manager")
    page = desk.page
    await desk.open(f"/notifications?camp_id={camp.id}")
    line = row(page, "支付成功")
    await expect(page.locator(".card").filter(has_text="已发送").locator(".number")).to_have_text("1")
    await expect(line).to_contain_text("站内消息")
    await expect(line).to_contain_text("已发送")
    # What lies in the member's app is not sent again.
    await expect(line.get_by_role("button", name="重发")).to_have_count(0)
    await line.get_by_role("button", name="查看").click()
    drawer = page.get_by_role("dialog", name="通知详情")
    await expect(drawer).to_contain_text("您已成功报名「通知训练营」")
    assert await axe.findings(page) == []
    await page.keyboard.press("Escape")
    await choose(page, "渠道", "站内消息")
    await page.get_by_role("button", name="查询").click()
    await desk.arrives(r"/notifications\?.*channel=inbox.*")
    await choose(page, "状态", "失败")
    await page.get_by_role("button", name="查询").click()
    await expect(page.get_by_text("没有符合条件的通知")).to_be_visible()


async def test_a_template_is_written_checked_tried_saved_and_given_back(new_desk: NewDesk):
    desk = await new_desk("super_admin")
    page = desk.page
    await desk.open("/system/notices")
    line = page.locator("tr").filter(has_text="退款暂停")
    await line.get_by_role("button", name="编辑").click()
    drawer = page.get_by_role("dialog", name="退款暂停 · 发给工作人员")
    preview = drawer.get_by_label("预览")
    await expect(preview).to_contain_text("因「知识星球暂时无法访问」已暂停发出所有退款。")
    text = drawer.locator("textarea")
    await text.fill("所有退款都停了：{nobody}")
    await expect(field_of(page, "内容")).to_contain_text("没有名为 {nobody} 的占位符")
    await drawer.get_by_role("button", name="保存").click()
    await expect(drawer).to_be_visible()
    await text.fill("所有退款都停了：")
    await drawer.get_by_role("button", name="失败原因").click()
    await expect(text).to_have_value("所有退款都停了：{cause}")
    await expect(preview).to_contain_text("所有退款都停了：知识星球暂时无法访问")
    await drawer.get_by_role("button", name="发送测试").click()
    await expect(drawer.get_by_role("status").last).to_contain_text("您还没有填写企业微信账号")
    assert await axe.findings(page) == []
    await drawer.get_by_role("button", name="保存").click()
    await expect(told(page, "已保存「退款暂停」")).to_be_visible()
    await expect(line).to_contain_text("已修改")
    await page.reload()
    await expect(line).to_contain_text("已修改")
    await line.get_by_role("button", name="编辑").click()
    await drawer.get_by_role("button", name="恢复默认").click()
    sure = page.get_by_role("dialog", name="恢复默认", exact=True)
    await sure.get_by_role("button", name="恢复默认").click()
    await expect(told(page, "已恢复默认")).to_be_visible()
    await expect(line).not_to_contain_text("已修改")


async def test_receivers_and_half_a_template_are_refused_by_field(new_desk: NewDesk):
    desk = await new_desk("super_admin")
    page = desk.page
    await desk.open("/system/notices")
    await page.locator("tr").filter(has_text="退款暂停").get_by_role("button", name="编辑").click()
    drawer = page.get_by_role("dialog", name="退款暂停")
    for role in ("全部超级管理员", "全部管理员"):
        await drawer.get_by_text(role, exact=True).click()
    await drawer.get_by_role("button", name="保存").click()
    await expect(field_of(page, "接收人")).to_contain_text("请选择接收人")
    await drawer.get_by_role("button", name="取消").click()
    await page.locator("tr").filter(has_text="支付成功").get_by_role("button", name="编辑").click()
    drawer = page.get_by_role("dialog", name="支付成功")
    await drawer.get_by_text("公众号模板", exact=True).click()
    await drawer.get_by_role("button", name="保存").click()
    await expect(field_of(page, "公众号模板 ID")).to_contain_text("请填写公众号的模板 ID")
    await expect(field_of(page, "模板字段")).to_contain_text("请填写 1–10 个模板字段")
    await drawer.get_by_role("button", name="取消").click()


async def test_a_camp_s_robot_is_set_and_removed(new_desk: NewDesk, stand: Stand):
    camp = await stand.camp("机器人训练营")
    desk = await new_desk("manager")
    page = desk.page
    await desk.open(f"/camps/{camp.id}")
    field = page.get_by_label("群机器人 Webhook 地址")
    panel = page.locator("section.panel").filter(has=field)
    await field.fill("随便写的")
    await panel.get_by_role("button", name="保存").click()
    await expect(panel.get_by_role("alert")).to_contain_text("请粘贴群机器人的 Webhook 地址")
    await field.fill("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0123456789abcdef")
    await panel.get_by_role("button", name="保存").click()
    await expect(panel).to_contain_text("已设置（尾号 cdef）")
    await panel.get_by_role("button", name="移除").click()
    await expect(panel).to_contain_text("未设置")
