"""Deciding about single deposits and small batches on the settling screen."""

import re

from playwright.async_api import expect

from tests.browser import crowd
from tests.browser.conftest import NewDesk
from tests.browser.settling import SettleScreen, books_agree
from tests.browser.stand import Camp, Stand

NAMES = ["安宁", "清远", "子墨", "若溪"]


async def ended(stand: Stand, name: str, *, short: str = "") -> Camp:
    """A camp with its refund list: everybody was there every day, but for one who gave up."""
    camp = await stand.camp(name, days=2, required=2)
    people = await stand.people(NAMES)
    everybody = crowd.sure([one for one in people if one.name != short], 1, 2)
    await crowd.enrol(stand, camp, [*everybody, *crowd.sure([one for one in people if one.name == short], 1)])
    await camp.end()
    return camp


async def statuses(camp: Camp) -> dict[str, str]:
    return {row["planet_nickname"]: row["status"] for row in await camp.refunds()}


async def test_one_is_rejected_with_a_reason_and_comes_back(new_desk: NewDesk, stand: Stand):
    camp = await ended(stand, "拒绝与重审营")
    screen = SettleScreen(await new_desk(), camp)
    page = screen.page
    await screen.open()
    await screen.choose("清远")

    # Without a reason nothing happens; a preset is a start, free text goes on.
    await page.keyboard.press("r")
    dialog = screen.dialog("拒绝退款")
    reason = dialog.get_by_label("拒绝原因")
    await expect(reason).to_be_focused()
    await dialog.get_by_role("button", name="拒绝", exact=True).click()
    await expect(dialog).to_contain_text("请填写拒绝原因")
    await dialog.get_by_role("button", name="存在刷卡").click()
    await reason.fill(f"{await reason.input_value()}：第二天的内容与他人相同")
    await reason.press("Enter")
    await screen.told("已拒绝")
    await expect(screen.stage("已拒绝")).to_contain_text("1")
    await expect(screen.row("清远")).to_have_count(0)  # the next one is up
    [row] = [one for one in await camp.refunds() if one["planet_nickname"] == "清远"]
    assert (row["status"], row["reject_reason"]) == ("rejected", "存在刷卡：第二天的内容与他人相同")

    await screen.stage("已拒绝").click()
    await screen.choose("清远")
    await expect(screen.case).to_contain_text("存在刷卡：第二天的内容与他人相同")
    await screen.case.get_by_role("button", name="重新审核").click()
    again = screen.dialog("重新审核")
    await again.get_by_label("重新审核的原因").fill("会员补充了证据")
    await again.get_by_role("button", name="退回待审核").click()
    await screen.told("已退回待审核")
    assert (await statuses(camp))["清远"] == "pending_review"


async def test_the_server_has_the_last_word_about_a_batch(new_desk: NewDesk, stand: Stand):
    camp = await ended(stand, "两人同审营")
    screen = SettleScreen(await new_desk(), camp)
    colleague = SettleScreen(await new_desk(await stand.new_colleague("manager")), camp)
    await screen.open()
    # The colleague must not decide before this desk has read the sums.
    batch = screen.page.get_by_role("button", name="批量通过 4 笔 · ¥796")
    await batch.wait_for()
    await colleague.open()
    await colleague.choose("安宁")
    await colleague.page.keyboard.press("r")
    refusing = colleague.dialog("拒绝退款")
    await refusing.get_by_label("拒绝原因").fill("已退出")
    await refusing.get_by_role("button", name="拒绝", exact=True).click()
    await colleague.told("已拒绝")

    await batch.click()
    dialog = screen.dialog("批量通过")
    await dialog.get_by_role("button", name="确认通过 4 笔 · ¥796").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("还没有处理任何一笔")
    await expect(dialog.get_by_role("alert")).to_contain_text("系统现在会通过 3 笔、¥597")
    assert set((await statuses(camp)).values()) == {"rejected", "pending_review"}
    await dialog.get_by_role("button", name="按系统数据通过 3 笔 · ¥597").click()
    await expect(dialog.get_by_role("status")).to_contain_text("已通过 3 笔")
    await dialog.get_by_role("button", name="知道了").click()
    await expect(screen.progress).to_contain_text("已退款 3 / 3 笔")
    await books_agree(camp, refunded_fen=3 * 19_900)


async def test_a_row_that_a_colleague_decided_says_so_and_is_read_again(new_desk: NewDesk, stand: Stand):
    camp = await ended(stand, "后到一步营")
    screen = SettleScreen(await new_desk(), camp)
    colleague = SettleScreen(await new_desk(await stand.new_colleague("manager")), camp)
    await screen.open()
    await screen.choose("若溪")
    await screen.page.keyboard.press("a")
    dialog = screen.dialog("通过退款")
    await dialog.wait_for()
    await colleague.open()
    await colleague.choose("若溪")
    await colleague.page.keyboard.press("r")
    refusing = colleague.dialog("拒绝退款")
    await refusing.get_by_label("拒绝原因").fill("匹配信息有误")
    await refusing.get_by_role("button", name="拒绝", exact=True).click()
    await colleague.told("已拒绝")

    await dialog.get_by_role("button", name="通过并退款 ¥199").click()
    await screen.told("该退款已由其他人审核，请刷新后再看")
    await expect(dialog).to_have_count(0)
    await expect(screen.stage("已拒绝")).to_contain_text("1")
    await expect(screen.row("若溪")).to_have_count(0)
    assert (await statuses(camp))["若溪"] == "rejected"


async def test_an_empty_account_holds_sending_until_somebody_goes_on(new_desk: NewDesk, stand: Stand):
    """Meanwhile an approval can be taken back: its money hasn't moved."""
    camp = await ended(stand, "余额不足营")
    knobs = stand.stage.sandbox
    balance = (await knobs.get("wechat-pay", "books"))["balance_fen"]
    await knobs.post("wechat-pay", "balance", {"balance_fen": 0})
    screen = SettleScreen(await new_desk(), camp)
    page = screen.page
    hold = page.get_by_role("alert").filter(has_text="商户账户余额不足，退款已暂停发送")
    try:
        await screen.open()
        await screen.choose("安宁")
        await screen.approve()
        await screen.told("已通过")
        await expect(hold).to_contain_text("请先为商户账户充值")
        await expect(screen.stage("退款失败")).to_contain_text("1", timeout=15_000)

        await screen.choose("清远")
        await screen.approve()
        await expect(screen.progress).to_contain_text("等待发送 1")
        await expect(screen.progress).to_contain_text("刚才通过的 1 笔已暂停发送，还有 1 笔可以撤销")
        await screen.progress.get_by_role("button", name="撤销通过").click()
        await screen.told("已撤销 1 笔")
        assert (await statuses(camp))["清远"] == "pending_review"

        # The same by key, on the row itself.
        await expect(screen.row("清远")).to_be_visible()
        await screen.choose("清远")
        await screen.approve()
        await screen.stage("退款中").click()
        await screen.choose("清远")
        await page.keyboard.press("u")
        await screen.told("已撤销，退回待审核")
        await screen.stage("待审核").click()
        await screen.choose("清远")
        await screen.approve()
        await expect(screen.progress).to_contain_text("等待发送 1")
    finally:
        await knobs.post("wechat-pay", "balance", {"balance_fen": balance})

    await hold.get_by_role("button", name="恢复发送").click()
    await expect(hold).to_have_count(0)
    await expect(screen.progress).to_contain_text("已退款 1 / 2 笔", timeout=15_000)
    await screen.stage("退款失败").click()
    await screen.choose("安宁")
    await expect(screen.case).to_contain_text("下一步：充值后恢复发送，再重试。")
    await screen.case.get_by_role("button", name="重试").click()
    await page.get_by_role("dialog", name="重试退款").get_by_role("button", name="重试", exact=True).click()
    await screen.told("已重新提交")
    await expect(screen.progress).to_contain_text("已退款 2 / 2 笔", timeout=15_000)
    await books_agree(camp, refunded_fen=2 * 19_900)


async def test_money_that_can_not_go_back_is_marked_as_settled(new_desk: NewDesk, stand: Stand):
    camp = await ended(stand, "线下退款营")
    gone = {"name": "refuse", "on": "create_refund", "value": 403, "code": "USER_ACCOUNT_ABNORMAL"}
    await stand.stage.sandbox.post("wechat-pay", "faults", gone)
    screen = SettleScreen(await new_desk(), camp)
    await screen.open()
    await screen.choose("子墨")
    await screen.approve()
    await expect(screen.stage("退款失败")).to_contain_text("1", timeout=15_000)
    await screen.stage("退款失败").click()
    await screen.choose("子墨")
    await expect(screen.case).to_contain_text("会员的微信支付账户已注销（USER_ACCOUNT_ABNORMAL）")
    await expect(screen.case).to_contain_text("下一步：无法原路退回：请与会员联系线下退款，再标记已处理。")
    await screen.case.get_by_role("button", name="标记已处理").click()
    dialog = screen.dialog("标记已处理")
    yes = dialog.get_by_role("button", name="标记已处理")
    await yes.click()
    await expect(dialog).to_contain_text("请填写处理说明")
    await dialog.get_by_label("处理说明").fill("已银行转账，流水号 20260301001")
    await yes.click()
    await screen.told("已标记为处理完成")
    await expect(screen.stage("已退款")).to_contain_text("1")
    ledger = await stand.stage.admin.get("/ledger", camp_id=camp.id)
    # The member has the money, and WeChat Pay still holds it for us.
    assert (ledger["offline_settlements_fen"], ledger["provider_clearing_fen"]) == (-19_900, 4 * 19_900)


async def test_an_extra_refund_beside_the_list_and_the_end_of_the_camp(new_desk: NewDesk, stand: Stand):
    """Three get all of it back, one who gave up gets a part by agreement, the rest is kept at the archiving."""
    camp = await ended(stand, "协商退款营", short="若溪")
    screen = SettleScreen(await new_desk(), camp)
    page = screen.page
    await screen.open()
    await page.get_by_role("button", name="批量通过 3 笔 · ¥597").click()
    await page.get_by_role("button", name="确认通过 3 笔 · ¥597").click()
    await page.get_by_role("button", name="知道了").click()

    await screen.stage("未列入").click()
    await screen.choose("若溪")
    await expect(screen.case).to_contain_text("打卡天数不足")
    await screen.case.get_by_role("button", name="申请特殊退款").click()
    dialog = screen.dialog("申请特殊退款")
    amount = dialog.get_by_label("退款金额（元）")
    await expect(amount).to_have_value("199")
    await amount.fill("200")
    await dialog.get_by_role("button", name="提交审核").click()
    await expect(dialog).to_contain_text("最多可退 ¥199")
    await expect(dialog).to_contain_text("请填写原因")
    await amount.fill("99.5")
    await dialog.get_by_label("原因").fill("生病住院，协商退一半")
    await dialog.get_by_role("button", name="提交审核 ¥99.50").click()
    await screen.told("已提交 ¥99.50 的特殊退款，等待审核")
    await screen.stage("待审核").click()
    await screen.choose("若溪")
    await page.keyboard.press("a")
    approving = screen.dialog("通过退款")
    await approving.get_by_label("备注（可不填）").fill("星主同意")
    await approving.get_by_role("button", name="通过并退款 ¥99.50").click()
    await expect(screen.progress).to_contain_text("已退款 4 / 4 笔 · ¥696.50", timeout=20_000)

    await page.get_by_role("link", name="训练营详情").click()
    await page.get_by_role("button", name="归档").click()
    question = page.get_by_role("dialog", name="归档「协商退款营」")
    await expect(question).to_contain_text("4 名会员，押金收入 ¥796，已退 ¥696.50。")
    await expect(question).to_contain_text("未退还的 ¥99.50 将转为收入。")
    await question.get_by_role("button", name="归档").click()
    await screen.told("已归档，¥99.50 转为收入")
    await expect(page.get_by_text("已归档", exact=True).first).to_be_visible()
    await page.get_by_role("button", name="结算明细").click()
    await screen.members.wait_for()
    await expect(page.get_by_role("button", name=re.compile("更新名单|生成退款名单"))).to_be_disabled()
    await books_agree(camp, refunded_fen=69_650, kept_fen=9_950)
