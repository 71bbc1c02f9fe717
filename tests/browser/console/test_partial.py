"""Parts of deposits from the deal to the last fen, and rows that change while somebody decides about them."""

from playwright.async_api import expect

from tests.browser import axe, crowd
from tests.browser.conftest import NewDesk
from tests.browser.console.pages import row
from tests.browser.settling import SettleScreen, books_agree
from tests.browser.stand import Camp, Stand

# Of four days two bring half of ¥199 back, three three quarters, rounded down to a tenth.
POLICY = {
    "version": 2,
    "counting": {},
    "conditions": [],
    "payout": {"kind": "pro_rata", "min": 2, "full_at": 4, "step_fen": 10},
    "fee_fen": 0,
}
DAYS = {"全勤": (1, 2, 3, 4), "缺一天": (1, 2, 3), "缺两天": (2, 4), "来一天": (3,)}


async def ended(stand: Stand, name: str) -> Camp:
    camp = await stand.camp(name, days=4, required_days=None, refund_policy=POLICY)
    people = await stand.people(list(DAYS))
    await crowd.enrol(stand, camp, [one for person in people for one in crowd.sure([person], *DAYS[person.name])])
    await camp.end()
    return camp


async def grant(camp: Camp, name: str, *days: int) -> None:
    """What a coach does on another page meanwhile."""
    [member] = [one for one in await camp.members() if one["planet_nickname"] == name]
    body = {"days": [camp.day(day).isoformat() for day in days], "reason": "补录一天"}
    await camp.stage.admin.post(f"/members/{member['id']}/grants", body)


async def test_parts_of_deposits_go_back_to_the_fen(new_desk: NewDesk, stand: Stand):
    camp = await ended(stand, "按天退结算营")
    desk = await new_desk()
    screen = SettleScreen(desk, camp)
    page = screen.page
    await screen.open()
    await expect(screen.group("符合")).to_contain_text("1")
    await expect(screen.group("部分退还")).to_contain_text("¥248.70")
    await expect(page.get_by_role("button", name="批量通过 3 笔 · ¥447.70")).to_be_visible()
    await screen.group("部分退还").click()
    await screen.choose("缺一天")
    await expect(screen.row("缺一天")).to_contain_text("¥149.20")
    await expect(screen.case).to_contain_text("应退金额：打卡 3 天；¥199 × 3/4，向下取整到 ¥0.10 → ¥149.20")
    assert await axe.findings(page) == []

    await page.get_by_role("button", name="批量通过 2 笔 · ¥248.70").click()
    dialog = screen.dialog("批量通过")
    await dialog.get_by_role("button", name="确认通过 2 笔 · ¥248.70").click()
    await expect(dialog.get_by_role("status")).to_contain_text("已通过 2 笔")
    await dialog.get_by_role("button", name="知道了").click()
    await expect(screen.progress).to_contain_text("已退款 2 / 2 笔 · ¥248.70", timeout=20_000)
    await books_agree(camp, refunded_fen=24_870)

    # The list of all refunds waiting for review says the same.
    await desk.open(f"/refunds/pending?camp_id={camp.id}")
    await expect(row(page, "全勤")).to_contain_text("满 4 天全退")
    await row(page, "全勤").get_by_role("button", name="通过 全勤").click()
    approving = screen.dialog("通过退款")
    await expect(approving).to_contain_text("应退金额：打卡 4 天；满 4 天全退 → ¥199")
    await approving.get_by_role("button", name="通过并退款 ¥199").click()
    await screen.told("已通过")

    await screen.open("?stage=paid")
    await expect(screen.progress).to_contain_text("已退款 3 / 3 笔", timeout=20_000)
    await expect(screen.row("缺两天")).to_contain_text("¥99.50")
    await desk.open(f"/camps/{camp.id}")
    await page.get_by_role("button", name="归档").click()
    question = page.get_by_role("dialog", name="归档「按天退结算营」")
    await expect(question).to_contain_text("未退还的 ¥348.30 将转为收入。")
    await question.get_by_role("button", name="归档").click()
    await screen.told("已归档，¥348.30 转为收入")
    await books_agree(camp, refunded_fen=44_770, kept_fen=34_830)

    # The figures know of parts.
    await desk.open("/reports/camps")
    parts = page.locator(".panel").filter(has=page.get_by_role("heading", name="打卡完成情况"))
    await expect(parts).to_contain_text("部分退还")


async def test_a_row_that_changed_is_shown_anew_before_it_is_decided(new_desk: NewDesk, stand: Stand):
    camp = await ended(stand, "边审边变营")
    screen = SettleScreen(await new_desk(), camp)
    page = screen.page
    await screen.open()
    await screen.choose("缺一天")
    await page.keyboard.press("a")
    dialog = screen.dialog("通过退款")
    await dialog.get_by_role("textbox").fill("核对过日历")
    await grant(camp, "缺一天", 4)
    await dialog.get_by_role("button", name="通过并退款 ¥149.20").click()

    # Nothing was paid; the row is what it is now, and what was typed is still there.
    await screen.told("打卡或匹配数据已更新")
    await expect(dialog).to_have_count(0)
    news = screen.case.get_by_role("alert")
    await expect(news).to_contain_text("您看到的是 「部分退还」 ¥149.20 打卡 3 天，现在是 「符合」 ¥199 打卡 4 天")
    await expect(screen.row("缺一天")).to_contain_text("¥199")
    await expect(screen.case).to_contain_text("应退金额：打卡 4 天（含认定 1 天）；满 4 天全退 → ¥199")
    assert {one["status"] for one in await camp.refunds()} == {"pending_review"}
    await page.keyboard.press("a")
    await expect(dialog.get_by_role("textbox")).to_have_value("核对过日历")
    await dialog.get_by_role("button", name="通过并退款 ¥199").click()
    await screen.told("已通过")
    await expect(screen.progress).to_contain_text("已退款 1 / 1 笔", timeout=20_000)
    await books_agree(camp, refunded_fen=19_900)


async def test_a_batch_leaves_alone_what_changed(new_desk: NewDesk, stand: Stand):
    camp = await ended(stand, "批量里变了的营")
    screen = SettleScreen(await new_desk(), camp)
    page = screen.page
    await screen.open()
    await page.get_by_role("button", name="批量通过 3 笔 · ¥447.70").click()
    dialog = screen.dialog("批量通过")
    await grant(camp, "缺两天", 1)
    await dialog.get_by_role("button", name="确认通过 3 笔 · ¥447.70").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("系统现在会通过 2 笔、¥348.20")
    await dialog.get_by_role("button", name="按系统数据通过 2 笔 · ¥348.20").click()
    await expect(dialog).to_contain_text("打卡或匹配数据已更新，请刷新后按最新判定审核：1 笔")
    await dialog.get_by_role("button", name="知道了").click()

    # It stays chosen, at what it is worth now.
    await expect(screen.row("缺两天")).to_contain_text("¥149.20")
    await page.get_by_role("button", name="批量通过 1 笔 · ¥149.20").click()
    await dialog.get_by_role("button", name="确认通过 1 笔 · ¥149.20").click()
    await dialog.get_by_role("button", name="知道了").click()
    await expect(screen.progress).to_contain_text("已退款 3 / 3 笔", timeout=20_000)
    await books_agree(camp, refunded_fen=34_820 + 14_920)
