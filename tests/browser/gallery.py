"""Pictures of the members' pages on a running system: ``python -m tests.browser.gallery DIRECTORY``.

They are for people to look at, and the good ones stand in docs/screenshots. Chinese letters need a font on the machine.
"""

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Page, ViewportSize

from backend.embedded.run_directory import run_directory
from tests.browser.chromium import find_chromium, running
from tests.browser.pages import fill_form
from tests.browser.phones import Phone, open_phone
from tests.browser.stand import Stand, running_stand
from tests.servers import Servers, start_servers

WIDTHS = (320, 375, 768)
OPENID = "oGalleryVisitor01"


async def _shoot(page: Page, directory: Path, name: str) -> None:
    """The page as it stands, whole, at every width."""
    for width in WIDTHS:
        await page.set_viewport_size(ViewportSize(width=width, height=812))
        await page.wait_for_load_state("networkidle")
        await page.wait_for_timeout(250)
        await page.screenshot(path=directory / f"{name}-{width}.png", full_page=True)
    await page.set_viewport_size(ViewportSize(width=375, height=812))


async def _play(stand: Stand, phone: Phone, directory: Path) -> None:
    page = phone.page

    async def visit(path: str, name: str) -> None:
        await phone.open(path)
        await _shoot(page, directory, name)

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
    await _shoot(page, directory, "enroll-errors")
    await fill_form(page, nickname=person.name, number=person.number, wechat="安宁 Ann")
    await _shoot(page, directory, "enroll-filled")
    phone.cashier.answer = "cancel"
    await page.get_by_label("我已阅读并同意").check()
    await page.get_by_role("button", name="支付押金").click()
    await phone.arrives("/payments/.*")
    await page.get_by_role("button", name="继续支付").wait_for()
    await _shoot(page, directory, "payment-cancelled")
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


async def _run(directory: Path, private: Path, servers: Servers) -> None:
    async with running_stand(private, servers) as stand, running(find_chromium(private)) as browser:
        phone = await open_phone(
            browser.new_context, "wechat", base_url=stand.api_url, sandbox_url=stand.sandbox_url, openid=OPENID
        )
        await _play(stand, phone, directory)
        await phone.context.close()
        for problem in phone.unexpected():
            print(problem, file=sys.stderr)  # noqa: T201 - the person who asked for pictures reads it


def main() -> None:
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    servers = start_servers()
    try:
        with run_directory("camp-gallery-") as run:
            private = run / "private"
            private.mkdir(mode=0o700)
            asyncio.run(_run(directory, private, servers))
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
