"""Pictures of the console, page by page and state by state, while the demo's camp goes by (see ``gallery``)."""

import datetime as dt

from playwright.async_api import Browser, Route

from backend.core import clock
from backend.demo import closing, opening
from tests.browser.desks import Desk, open_desk
from tests.browser.gallery import Album
from tests.browser.stand import Stand
from tests.browser.watched import Watched

LONG_CAMP = "英语晨读营 · 第 6 期：每天二十分钟，一起读完一本原版书，从第一章到最后一章"
LONG_NAME = "慢慢走的小鹿和她从不迟到的朋友们 Slowly-But-Surely"
SHEET = "星球编号,打卡日期\n{number},{first}\n{number},2026-02-30\n404404,{first}\n{number},1999-01-01\n,{first}\n"


class Guide:
    """Leads one person of staff around, and takes pictures."""

    def __init__(self, stand: Stand, desk: Desk, album: Album) -> None:
        self.stand = stand
        self.desk = desk
        self.page = desk.page
        self.page.set_default_timeout(10_000)
        self.album = album

    async def visit(self, path: str, name: str) -> None:
        await self.desk.open(path)
        await self.album.shoot(self.page, name)

    async def dialog(self, button: str, name: str) -> None:
        """What the first button of this name opens, on the page that is open."""
        await self.page.get_by_role("button", name=button).first.click()
        await self.page.get_by_role("dialog").last.wait_for()
        await self.album.shoot(self.page, name, whole=False)
        await self.page.keyboard.press("Escape")

    async def waiting(self, path: str, calls: str, name: str) -> None:
        """The page while its answers are on their way."""
        await self.page.route(calls, lambda _: None)
        await self.desk.open(path)
        await self.album.shoot(self.page, name, still=True)
        await self.page.unroute_all(behavior="ignoreErrors")

    async def failing(self, path: str, calls: str, name: str) -> None:
        """The page without the service."""
        self.desk.expect_problem("no answer")

        async def lose(route: Route) -> None:
            await route.abort()

        await self.page.route(calls, lose)
        await self.visit(path, name)
        await self.page.unroute_all(behavior="ignoreErrors")


async def play(stand: Stand, browser: Browser, album: Album) -> Watched:
    """From the log-in to the books of a camp that was settled."""
    desk = await open_desk(browser, await stand.colleague("super_admin"), server=stand.api_url)
    guide = Guide(stand, desk, album)
    await _doors(guide)
    await desk.log_in()
    await _empty(guide)
    await _open_camps(stand)
    await desk.log_in()
    await _before_review(guide)
    await _settling(guide)
    await closing.review(stand.stage)
    await desk.log_in()
    await _money(guide)
    await _afterwards(guide)
    return desk


async def _doors(guide: Guide) -> None:
    await guide.visit("/login", "login")
    await guide.desk.fill_login("wrong-password-1")
    await guide.page.get_by_role("alert").wait_for()
    await guide.album.shoot(guide.page, "login-wrong")


async def _empty(guide: Guide) -> None:
    pages = ("dashboard", "camps", "members", "matching", "checkins", "refunds/pending", "refunds", "reconciliation")
    for path in pages:
        await guide.visit(f"/{path}", f"{path.replace('/', '-')}-empty")
    await guide.waiting("/camps", "**/api/admin/camps?*", "camps-loading")
    await guide.failing("/camps", "**/api/admin/camps?*", "camps-error")
    await guide.waiting("/dashboard", "**/api/admin/dashboard*", "dashboard-loading")
    await guide.failing("/dashboard", "**/api/admin/dashboard*", "dashboard-error")


async def _open_camps(stand: Stand) -> None:
    """The demo's three, one with a name that is as long as it may be, and half a page of others."""
    stage = stand.stage
    await opening.open_planet(stage)
    await opening.open_camps(stage)
    long = await stand.camp(LONG_CAMP, days=14, required=10, starts_in=3, capacity=1000)
    for number in range(1, 8):
        await stand.camp(f"晨间写作训练营第 {number} 期", starts_in=20 + number)
    somebody = await stand.person(LONG_NAME)
    await stand.enrol(long, "oGalleryLongName01", somebody)
    await stand.enrol(long, "oGalleryLongName02")
    stage.books["long_camp"] = long.id
    await opening.enrol(stage)
    await closing.days_go_by(stage)
    await closing.camp_ends(stage)
    await stage.go_to(stage.last_day + dt.timedelta(days=1), "09:00")


async def _before_review(guide: Guide) -> None:
    stage, page, visit = guide.stand.stage, guide.page, guide.visit
    camp = f"/camps/{stage.camp_id}"
    running = f"/camps/{stage.books['running_camp']['id']}"
    await visit("/dashboard", "dashboard")
    await visit("/camps", "camps")
    await guide.dialog("报名码", "camp-enroll")
    await visit("/camps/create", "camp-create")
    await page.get_by_role("button", name="保存").first.click()
    await guide.album.shoot(page, "camp-create-errors")
    await visit(f"/camps/{stage.books['enrolling_camp']['id']}/edit", "camp-edit")
    await visit(camp, "camp-overview")
    for tab in ("members", "checkins", "refunds"):
        await visit(f"{camp}?tab={tab}", f"camp-{tab}")
        await visit(f"{running}?tab={tab}", f"camp-running-{tab}")
    await visit(f"/camps/{stage.books['long_camp']}", "camp-long-name")
    await visit("/members", "members")
    members = await stage.members()
    sure = next(row for row in members if row["verdict"] == "eligible")
    doubtful = next(row for row in members if row["match_status"] in ("suggested", "conflict"))
    await visit(f"/members/{sure['id']}", "member")
    await visit(f"/members/{doubtful['id']}", "member-doubtful")
    await visit(f"/members/{sure['id']}?tab=checkins", "member-checkins")
    await visit("/members?q=Slowly", "members-long-name")
    for tab in ("to_match", "conflict", "to_confirm"):
        await visit(f"/matching?tab={tab}", f"matching-{tab}")
    await guide.dialog("换一个", "matching-dialog")
    await guide.dialog("无法匹配", "matching-close")
    await visit("/checkins", "checkins")
    await visit(f"/checkins/stats?camp_id={stage.camp_id}", "checkin-stats")
    await _imports(guide, str(sure["planet_number"]))
    await visit("/planet-members", "planet-members")
    await visit("/planet-members?tab=import", "planet-members-import")
    await visit("/planets", "planets")
    await guide.dialog("添加星球", "planet-dialog")
    await visit("/system/sync-logs", "sync-logs")
    await visit("/403", "forbidden")
    await visit("/nowhere", "not-found")


async def _imports(guide: Guide, number: str) -> None:
    stage, page = guide.stand.stage, guide.page
    await guide.visit("/checkins/import", "checkin-import-empty")
    await guide.desk.open(f"/checkins/import?camp_id={stage.camp_id}")
    sheet = SHEET.format(number=number, first=stage.first_day.isoformat())
    file = {"name": "打卡补录.csv", "mimeType": "text/csv", "buffer": sheet.encode()}
    await page.get_by_label("选择表格文件").set_input_files(file)  # type: ignore[arg-type] # as Playwright's FilePayload
    await guide.album.shoot(page, "checkin-import-errors")


async def _settling(guide: Guide) -> None:
    stage, page = guide.stand.stage, guide.page
    path = f"/camps/{stage.camp_id}/settle"
    await guide.visit(path, "settle")
    await guide.visit(f"{path}?stage=all", "settle-all")
    await guide.waiting(path, "**/api/admin/camps/*/settlement*", "settle-loading")
    await guide.desk.open(path)
    await guide.dialog("批量通过", "settle-batch")
    await page.keyboard.press("r")
    await page.get_by_role("dialog").wait_for()
    await guide.album.shoot(page, "settle-reject", whole=False)
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await guide.album.shoot(page, "settle-help", whole=False)
    await page.keyboard.press("Escape")
    await guide.visit("/refunds/pending", "refunds-pending")
    await page.get_by_role("button", name="详情").first.click()
    await guide.album.shoot(page, "refunds-drawer", whole=False)


async def _money(guide: Guide) -> None:
    """The balance is too low for one, and four others fail for good."""
    stage = guide.stand.stage

    async def held() -> bool:
        return bool((await stage.admin.get("/refunds/summary"))["hold"])

    async def at_rest() -> bool:
        return all(row["status"] not in ("approved", "sending") for row in await stage.refunds())

    await stage.until("the hold", held)
    await guide.visit("/refunds", "refunds-held")
    await guide.visit("/dashboard", "dashboard-held")
    for fault in (
        {"name": "refuse", "on": "create_refund", "value": 400, "code": "PARAM_ERROR", "times": 2},
        {"name": "refund_abnormal", "on": "create_refund", "times": 2},
        {"name": "refund_closed", "on": "create_refund"},
    ):
        await stage.sandbox.post("wechat-pay", "faults", fault)
    await stage.admin.post("/refunds/resume")
    await guide.visit(f"/camps/{stage.camp_id}/settle?stage=all", "settle-sending")
    await stage.until("the refunds", at_rest, seconds=90)


async def _afterwards(guide: Guide) -> None:
    stage, visit = guide.stand.stage, guide.visit
    later = clock.shanghai(clock.now() + dt.timedelta(minutes=3))
    await stage.go_to(later.date(), f"{later:%H:%M}")
    await stage.admin.run_job("refund_sweep")
    await guide.desk.log_in()
    await visit("/refunds", "refunds")
    await visit("/refunds?status=failed,closed", "refunds-failures")
    await visit(f"/camps/{stage.camp_id}/settle?stage=failed", "settle-failed")
    await visit(f"/camps/{stage.camp_id}?tab=refunds", "camp-refunds-done")
    await stage.go_to(stage.last_day + dt.timedelta(days=2), "10:30")
    await stage.admin.run_job("reconcile")
    await guide.desk.log_in()
    await visit("/reconciliation", "reconciliation")
    if await guide.page.get_by_role("button", name="处理 ").count():
        await guide.dialog("处理 ", "reconciliation-case")
    await visit("/dashboard", "dashboard-settled")
    await guide.page.get_by_role("button", name="超级管理员").click()
    await guide.page.get_by_role("menuitem", name="修改密码").click()
    await guide.album.shoot(guide.page, "password", whole=False)
