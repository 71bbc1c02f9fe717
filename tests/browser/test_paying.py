"""Paying by every way, and everything that may come between: in each case the service's state decides."""

import asyncio

from playwright.async_api import expect

from tests.browser.conftest import NewPhone
from tests.browser.pages import order, pay_button
from tests.browser.phones import Phone
from tests.browser.stand import Camp, PlanetPerson, Stand


async def test_cancelled_in_wechat_and_paid_later(wechat: Phone, stand: Stand):
    camp = await stand.camp("想一想训练营")
    wechat.cashier.answer = "cancel"
    await order(wechat, camp, await stand.person("犹豫"))
    page = wechat.page
    await expect(page.get_by_role("heading", name="支付已取消")).to_be_visible()
    wechat.cashier.answer = "fail"
    await page.get_by_role("button", name="继续支付 ¥199").click()
    await expect(page.get_by_role("heading", name="支付未完成")).to_be_visible()
    wechat.cashier.answer = "pay"
    await page.get_by_role("button", name="重新支付 ¥199").click()
    await wechat.arrives("/qrcode/.*")
    assert [row["paid_fen"] for row in await camp.members()] == [19_900]
    assert wechat.cashier.refusals == []


async def test_tapped_twice_it_is_one_order(wechat: Phone, stand: Stand):
    camp = await stand.camp("手抖训练营")
    posted: list[str] = []
    wechat.page.on("request", lambda sent: posted.append(sent.url) if sent.method == "POST" else None)
    wechat.cashier.may_answer.clear()
    await order(wechat, camp, await stand.person("手抖"), twice=True)
    await expect(wechat.page.get_by_role("heading", name="等待支付")).to_be_visible()
    await asyncio.sleep(0.2)
    wechat.cashier.may_answer.set()
    await wechat.arrives("/qrcode/.*")
    assert len([url for url in posted if url.endswith("/h5/payments")]) == 1
    assert len(wechat.cashier.calls) == 1


async def test_reloaded_while_wechat_asks_and_gone_back_afterwards(wechat: Phone, stand: Stand):
    camp = await stand.camp("刷新训练营")
    await wechat.open(f"/camps/{camp.id}")
    wechat.cashier.may_answer.clear()
    await wechat.page.get_by_role("link", name="立即报名").click()
    await wechat.arrives(f"/enroll/{camp.id}")
    await order(wechat, camp, await stand.person("刷新"), opened=True)
    payment_id = await wechat.arrives("/payments/(.*)")
    await wechat.cashier.called.wait()
    await wechat.page.reload()
    await expect(wechat.page.get_by_role("button", name="立即支付 ¥199")).to_be_visible()
    assert len(wechat.cashier.calls) == 1

    wechat.cashier.may_answer.set()
    await wechat.arrives("/qrcode/.*")
    await wechat.page.go_back()
    await wechat.arrives(f"/camps/{camp.id}")
    await expect(wechat.page.get_by_role("link", name="查看进度")).to_be_visible()
    # The link to the order that somebody kept.
    await wechat.open(f"/payments/{payment_id}")
    await wechat.arrives(f"/qrcode/{payment_id}")


async def test_paid_but_the_notification_got_lost(wechat: Phone, stand: Stand):
    camp = await stand.camp("丢失回调训练营")
    page = wechat.page
    async with stand.fault("notify_drop"):
        await order(wechat, camp, await stand.person("等待"))
        await expect(page.get_by_role("heading", name="正在确认支付结果")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="正在确认支付结果")).to_be_visible()
    assert await camp.members() == []

    await stand.wait(minutes=5)
    await stand.stage.admin.run_job("payment_backfill")
    await wechat.arrives("/qrcode/.*")
    await expect(page.get_by_role("heading", name="报名成功")).to_be_visible()


async def test_who_waited_long_has_wechat_pay_asked(wechat: Phone, stand: Stand):
    camp = await stand.camp("久等训练营")
    page = wechat.page
    await page.clock.install()
    async with stand.fault("notify_drop"):
        await order(wechat, camp, await stand.person("久等"))
        await expect(page.get_by_role("heading", name="正在确认支付结果")).to_be_visible()
    await page.clock.fast_forward("00:31")
    await expect(page.get_by_role("heading", name="支付确认中")).to_be_visible()
    await page.get_by_role("button", name="查看订单状态").click()
    await wechat.arrives("/qrcode/.*")


async def test_paid_although_wechat_reported_a_failure(wechat: Phone, stand: Stand):
    camp = await stand.camp("误报训练营")
    wechat.cashier.answer = "pay, then fail"
    async with stand.fault("notify_drop"):
        await order(wechat, camp, await stand.person("误报"))
        await wechat.arrives("/qrcode/.*")
    assert len(await camp.members()) == 1


async def test_an_order_nobody_paid_ends_and_can_be_placed_anew(wechat: Phone, stand: Stand):
    camp = await stand.camp("过期训练营", starts_in=3)
    wechat.cashier.answer = "cancel"
    await order(wechat, camp, await stand.person("拖延"))
    page = wechat.page
    first = await wechat.arrives("/payments/(.*)")
    await expect(page.get_by_role("heading", name="支付已取消")).to_be_visible()
    await stand.wait(minutes=31)
    await stand.stage.admin.run_job("order_expiry")
    await expect(page.get_by_role("heading", name="订单已关闭")).to_be_visible()
    await page.get_by_role("link", name="重新报名").click()
    await expect(page.get_by_label("星球昵称")).to_have_value("拖延")
    await page.get_by_label("我已阅读并同意").check()
    wechat.cashier.answer = "pay"
    await pay_button(page).click()
    assert await wechat.arrives("/qrcode/(.*)") != first


async def test_an_open_order_is_offered_again(wechat: Phone, stand: Stand):
    camp = await stand.camp("继续支付训练营")
    wechat.cashier.answer = "cancel"
    await order(wechat, camp, await stand.person("继续"))
    await expect(wechat.page.get_by_role("heading", name="支付已取消")).to_be_visible()
    await wechat.open(f"/camps/{camp.id}")
    await wechat.page.get_by_role("link", name="继续支付 ¥199").click()
    await expect(wechat.page.get_by_role("heading", name="等待支付")).to_be_visible()
    await expect(wechat.page.get_by_role("timer")).to_contain_text(":")
    wechat.cashier.answer = "pay"
    await wechat.page.get_by_role("button", name="立即支付 ¥199").click()
    await wechat.arrives("/qrcode/.*")


async def test_in_another_phone_browser_wechat_pays_on_its_own_page(mobile: Phone, stand: Stand):
    camp = await stand.camp("浏览器训练营")
    page = mobile.page
    await order(mobile, camp, await stand.person("浏览"))
    await page.get_by_role("button", name="取消").click()
    payment_id = await mobile.arrives(r"/payments/(.*)\?returned=1")
    await expect(page.get_by_role("heading", name="支付完成了吗？")).to_be_visible()
    await page.get_by_role("button", name="重新支付").click()
    await page.get_by_role("button", name="支付 ¥199").click()
    await page.get_by_role("link", name="返回商家").click()
    await mobile.arrives(f"/qrcode/{payment_id}")
    await expect(page.get_by_role("img", name="训练营群二维码")).to_be_visible()


async def _order_by_code(desktop: Phone, camp: Camp, person: PlanetPerson) -> str:
    """Order on a computer; returns what the shown code says."""
    async with desktop.page.expect_response("**/params") as answered:
        await order(desktop, camp, person)
    await expect(desktop.page.get_by_role("img", name="微信支付二维码")).to_be_visible()
    body = await (await answered.value).json()
    return str(body["data"]["code_url"])


async def test_on_a_computer_a_code_is_scanned(desktop: Phone, stand: Stand):
    camp = await stand.camp("电脑训练营")
    code_url = await _order_by_code(desktop, camp, await stand.person("电脑"))
    await stand.scan(code_url, "oScanner")
    await desktop.arrives("/qrcode/.*")


async def test_a_second_payment_of_the_same_person_comes_back(new_phone: NewPhone, stand: Stand):
    """A guest on a computer and the same person in WeChat: who the guest is, only the payment tells."""
    camp = await stand.camp("付了两次训练营")
    person = await stand.person("双份")
    desktop = await new_phone("desktop")
    code_url = await _order_by_code(desktop, camp, person)
    payment_id = await desktop.arrives("/payments/(.*)")
    await stand.enrol(camp, "oTwice0", person)
    await stand.scan(code_url, "oTwice0")
    await expect(desktop.page.get_by_role("heading", name="重复支付")).to_be_visible()
    await expect(desktop.page.get_by_role("list", name="退款进度")).to_contain_text("待审核")
    assert desktop.path == f"/payments/{payment_id}"
