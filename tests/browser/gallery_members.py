"""Pictures of the members' app, page by page and state by state (see ``gallery``)."""

from playwright.async_api import Browser

from tests.browser.gallery import Album
from tests.browser.pages import fill_form
from tests.browser.phones import open_phone
from tests.browser.stand import Stand
from tests.browser.watched import Watched

OPENID = "oGalleryVisitor01"


async def play(stand: Stand, browser: Browser, album: Album) -> Watched:
    """From the empty form to the refund and what comes after it."""
    phone = await open_phone(
        browser.new_context, "wechat", base_url=stand.api_url, sandbox_url=stand.sandbox_url, openid=OPENID
    )
    page = phone.page

    async def visit(path: str, name: str) -> None:
        await phone.open(path)
        await album.shoot(page, name)

    for title, days, required, starts_in in (
        ("二十一天早起打卡营", 21, 15, 3),
        ("英语晨读营 · 第 6 期：每天二十分钟，一起读完一本原版书", 14, 10, 5),
    ):
        await stand.camp(title, days=days, required=required, starts_in=starts_in, capacity=200)
    camp = await stand.camp(
        "七天写作训练营", description="每天 300 字，七天写出一篇完整的文章。\n教练每晚点评，周日集体复盘。"
    )
    person = await stand.person("安宁")
    await visit("/", "camps")
    await visit(f"/camps/{camp.id}", "camp")
    await visit(f"/enroll/{camp.id}", "enroll-empty")
    await page.get_by_label("星球编号", exact=True).fill("星球12")
    await page.get_by_label("微信昵称").focus()
    await album.shoot(page, "enroll-errors")
    await fill_form(page, nickname=person.name, number=person.number, wechat="安宁 Ann")
    await album.shoot(page, "enroll-filled")
    phone.cashier.answer = "cancel"
    await page.get_by_label("我已阅读并同意").check()
    await page.get_by_role("button", name="支付押金").click()
    await phone.arrives("/payments/.*")
    await page.get_by_role("button", name="继续支付").wait_for()
    await album.shoot(page, "payment-cancelled")
    await visit(f"/camps/{camp.id}", "camp-open-order")
    member = await stand.enrol(camp, OPENID, person)
    [row] = await camp.members()
    await visit(f"/qrcode/{row['payment_id']}", "qrcode")
    await visit(f"/progress/{member}", "progress-new")
    for name in ("小满", "谷雨", "立秋"):
        await stand.enrol(camp, f"oGallery{name.encode().hex()}", await stand.person(name))
    await camp.posts(person, 1, 2, 4)
    await camp.go_to_day(4, "21:00")
    await camp.sync()
    await visit(f"/progress/{member}", "progress-running")
    await visit(f"/camps/{camp.id}", "camp-member")
    await visit("/", "camps-member")
    await camp.posts(person, 5, 6, 7)
    [refund] = [one for one in await camp.end() if one["member_id"] == member]
    await visit(f"/progress/{member}", "progress-review")
    await stand.approve(refund["id"])
    await visit(f"/progress/{member}", "progress-refunded")
    await visit("/me", "me")
    await visit("/refunds", "refunds")
    await visit("/messages", "messages")
    await visit(f"/members/{member}/planet", "planet-locked")
    await visit("/nowhere", "not-found")
    return phone
