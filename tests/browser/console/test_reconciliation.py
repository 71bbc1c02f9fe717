"""A difference between our books and the provider's: found, looked at, and settled with a note."""

import datetime as dt

from playwright.async_api import Locator, expect

from backend.core import clock
from tests.browser.conftest import NewDesk
from tests.browser.stand import Stand


async def test_a_refund_made_by_hand_becomes_a_case_and_is_settled_with_a_note(new_desk: NewDesk, stand: Stand):
    camp = await stand.camp("对账差异营")
    knobs = stand.stage.sandbox
    await stand.enrol(camp, "oHandRefund00000000000000001")
    [order] = [one for one in await knobs.get("wechat-pay", "orders") if one["description"].endswith(camp.name)]
    wish = {"out_trade_no": order["out_trade_no"], "amount_fen": 5000}
    number = (await knobs.post("wechat-pay", "console-refund", wish))["out_refund_no"]
    await stand.stage.go_to(clock.today() + dt.timedelta(days=1), "10:30")
    await stand.stage.admin.run_job("reconcile")
    desk, colleague = await new_desk(), await new_desk(await stand.new_colleague("manager"))
    page = desk.page

    def row(where: Locator) -> Locator:
        return where.get_by_role("row").filter(has_text=number)

    for each in (desk, colleague):
        await each.open("/reconciliation")
        await expect(each.page.get_by_role("region", name="账面余额")).to_contain_text("账目平衡")
        await row(each.page.locator("body")).get_by_role("button", name="处理").click()
    drawer = page.get_by_role("dialog", name="对账差异")
    await expect(drawer.get_by_role("heading", name="账单多出退款")).to_be_visible()
    await expect(drawer).to_contain_text(order["out_trade_no"])
    await drawer.get_by_role("button", name="标记已解决").click()
    await expect(drawer).to_contain_text("请写明核实结果和处理办法")
    await drawer.get_by_label("处理说明").fill("已在商户平台核实，为客服手工退款")
    await drawer.get_by_role("button", name="标记已解决").click()
    await expect(page.get_by_role("alert").filter(has_text="已标记为解决")).to_be_visible()
    await expect(row(page.locator("body"))).to_have_count(0)
    await page.get_by_role("tab", name="已解决").click()
    await expect(row(page.locator("body"))).to_contain_text("已在商户平台核实，为客服手工退款")
    await expect(row(page.locator("body"))).to_contain_text(desk.staff.name)

    # The colleague still has it open: it says so and is read again.
    late = colleague.page.get_by_role("dialog", name="对账差异")
    await late.get_by_label("处理说明").fill("我也核实了")
    await late.get_by_role("button", name="标记已解决").click()
    await expect(late).to_have_count(0)
    await expect(row(colleague.page.locator("body"))).to_have_count(0)
