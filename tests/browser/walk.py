"""A camp of 1 000 settled through the console as an operator would: ``python -m tests.browser.walk``.

Prints how many clicks and keystrokes each step takes, how long the machine keeps the operator waiting, and how long a
practised person needs, by the keystroke-level model (Card, Moran and Newell, 1983): a keystroke 0.28 s, pointing 1.1 s,
pressing and releasing the button 0.1 s each, and 1.35 s for each act of thought. Thought is counted before every click
and every word typed, and twice for every row that is looked at: who is it, and do the days suffice. Reaching for the
mouse is not counted, nor is the time in which refunds go out by themselves: nobody needs to watch.
"""

import asyncio
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from backend.embedded.run_directory import run_directory
from tests.browser import crowd
from tests.browser.chromium import find_chromium, running
from tests.browser.crowd import Enrolled
from tests.browser.desks import Desk, open_desk
from tests.browser.settling import SettleScreen, books_agree
from tests.browser.stand import PlanetPerson, Stand, running_stand
from tests.servers import Servers, start_servers

KEY, POINT, BUTTON, THOUGHT = 0.28, 1.1, 0.1, 1.35

SURE, BY_NICKNAME, BY_WECHAT, CONFLICTS, STRANGERS, DISAGREE, SHORT = 910, 20, 5, 3, 4, 25, 30
FAILURES = 5


@dataclass
class Step:
    """What one part of the work took. ``waited``: seconds until the page had done what was asked."""

    name: str
    clicks: int = 0
    keys: int = 0
    thoughts: int = 0
    waited: float = 0

    @property
    def human(self) -> float:
        """Seconds by the model."""
        return self.clicks * (POINT + 2 * BUTTON) + self.keys * KEY + self.thoughts * THOUGHT


@dataclass
class Operator:
    """Hands and head at one page; counts what they do."""

    page: Page
    steps: list[Step] = field(default_factory=list)

    def begin(self, name: str) -> None:
        self.steps.append(Step(name))

    async def click(self, target: Locator, then: Locator) -> None:
        """Think, click, and see what comes of it."""
        self.steps[-1].thoughts += 1
        self.steps[-1].clicks += 1
        began = time.monotonic()
        await target.click()
        await self._see(then, began)

    async def press(self, key: str, then: Locator) -> None:
        self.steps[-1].keys += 1
        began = time.monotonic()
        await self.page.keyboard.press(key)
        await self._see(then, began)

    async def type(self, text: str) -> None:
        self.steps[-1].thoughts += 1
        self.steps[-1].keys += len(text)
        await self.page.keyboard.type(text)

    def look(self, rows: int = 1) -> None:
        """Read so many rows: the person, and the days."""
        self.steps[-1].thoughts += 2 * rows

    async def _see(self, then: Locator, began: float) -> None:
        await expect(then).to_be_visible(timeout=30_000)
        self.steps[-1].waited += time.monotonic() - began


async def _members(stand: Stand) -> list[Enrolled]:
    """A thousand as they come: most are beyond doubt, some typed badly, some gave up."""
    counts = (SURE, BY_NICKNAME, BY_WECHAT, CONFLICTS, DISAGREE, SHORT)
    names = [f"书友{number:04d}" for number in range(sum(counts))]
    people = iter(await stand.people(names))

    def some(count: int) -> list[PlanetPerson]:
        return [next(people) for _ in range(count)]

    members = crowd.sure(some(SURE), 1, 2)
    members += [Enrolled(one.name, "404404", "微信", one, (1, 2)) for one in some(BY_NICKNAME)]
    members += [Enrolled("小号", "404404", one.name, one, (1, 2)) for one in some(BY_WECHAT)]
    for right in some(CONFLICTS):
        members.append(Enrolled(right.name, right.number, "微信", right, (1, 2)))
        members.append(Enrolled("打错编号的人", right.number, "微信"))
    members += [Enrolled("路人", f"40440{number}", "路人") for number in range(STRANGERS)]
    # What was posted on the eve only the ranking counts.
    members += crowd.sure(some(DISAGREE), 0, 1)
    return members + crowd.sure(some(SHORT), 1)


async def _match(operator: Operator) -> None:
    page = operator.page
    empty = page.get_by_text("这里没有需要处理的会员")
    page_box = page.get_by_label("选择本页")
    operator.begin("身份匹配：冲突")
    entry = page.get_by_role("menuitem", name="身份匹配")
    await operator.click(page.get_by_role("menuitem", name="会员"), entry)
    await operator.click(entry, page.get_by_role("heading", name="身份匹配"))
    rows = page.get_by_role("row")
    await operator.click(page.get_by_role("tab", name="冲突"), rows.filter(has_text="冲突").nth(2 * CONFLICTS - 1))
    dialog = page.get_by_role("dialog", name="手动匹配")
    for _ in range(CONFLICTS):
        operator.look(2)
        right = rows.filter(has=page.get_by_role("link", name="书友")).first
        name = await right.get_by_role("link").first.inner_text()
        person = dialog.locator("label").filter(has_text=name)
        await operator.click(right.get_by_role("button", name=re.compile("手动匹配|换一个")), person)
        yes = dialog.get_by_role("button", name=f"匹配给 {name}")
        await operator.click(person, yes)
        await operator.click(yes, rows.first)
        await expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    await _close(operator, CONFLICTS)
    operator.begin("身份匹配：查无此人")
    await operator.click(page.get_by_role("tab", name="待匹配"), rows.filter(has_text="待匹配").first)
    operator.look(STRANGERS)
    await _close(operator, STRANGERS)
    operator.begin("身份匹配：仅昵称相同")
    doubtful = BY_NICKNAME + BY_WECHAT
    await operator.click(page.get_by_role("tab", name="需确认"), page.get_by_text(f"共 {doubtful} 条"))
    confirm = page.get_by_role("button", name="批量确认")
    operator.look(doubtful)
    await operator.click(page_box, confirm)
    await operator.click(page.get_by_role("listitem", name="第 2 页"), page.get_by_role("row").nth(doubtful - 20))
    await operator.click(page_box, confirm)
    yes = page.get_by_role("dialog", name="批量确认匹配").get_by_role("button", name="确认")
    await operator.click(confirm, yes)
    await operator.click(yes, empty)


async def _close(operator: Operator, count: int) -> None:
    """All that is left on the page is nobody's."""
    page = operator.page
    many = page.get_by_role("button", name="批量标记无法匹配")
    await operator.click(page.get_by_label("选择本页"), many)
    dialog = page.get_by_role("dialog")
    preset = dialog.get_by_role("button", name="星球中查无此人")
    await operator.click(many, preset)
    yes = dialog.get_by_role("button", name=f"标记 {count} 位")
    await operator.click(preset, yes)
    await operator.click(yes, page.get_by_text("这里没有需要处理的会员"))


async def _approve(operator: Operator, screen: SettleScreen, password: str) -> None:
    page = operator.page
    sure = SURE + BY_NICKNAME + BY_WECHAT + CONFLICTS
    operator.begin("生成名单")
    row = page.get_by_role("row").filter(has_text=screen.camp.name)
    await operator.click(page.get_by_role("menuitem", name="训练营列表"), row)
    await operator.click(row.get_by_role("button", name="结算"), screen.members)
    make = page.get_by_role("dialog").get_by_role("button", name="生成名单")
    await operator.click(page.get_by_role("button", name="生成退款名单"), make)
    await operator.click(make, page.get_by_role("alert").filter(has_text="名单已更新"))
    await operator.click(screen.stage("待审核"), screen.row_states("待审核").first)
    operator.begin("批量通过")
    batch = page.get_by_role("button", name=f"批量通过 {sure} 笔")
    await operator.click(screen.group("符合"), batch)
    dialog = screen.dialog("批量通过")
    yes = dialog.get_by_role("button", name=f"确认通过 {sure} 笔")
    await operator.click(batch, yes)
    secret = dialog.get_by_label("登录密码")
    await operator.click(yes, secret)
    await operator.type(password)
    done = dialog.get_by_role("button", name="知道了")
    await operator.press("Enter", done)
    await operator.press("Enter", screen.progress)
    operator.begin("需人工确认，逐笔用键盘")
    await operator.click(screen.group("需人工确认"), screen.row_states("待审核").first)
    for left in range(DISAGREE, 0, -1):
        operator.look()
        await expect(screen.case.get_by_role("heading", name="身份：填写与查到")).to_be_visible()
        await operator.press("a", screen.dialog("通过退款"))
        await expect(screen.dialog("通过退款").get_by_role("textbox")).to_be_focused()
        next_up = screen.group("需人工确认").get_by_text(str(left - 1), exact=True)
        await operator.press("Enter", next_up)


async def _finish(operator: Operator, screen: SettleScreen) -> None:
    page = operator.page
    back = SURE + BY_NICKNAME + BY_WECHAT + CONFLICTS + DISAGREE
    began = time.monotonic()
    progress = screen.progress
    await expect(progress).to_contain_text(f"已退款 {back - FAILURES} / {back} 笔", timeout=300_000)
    print(f"发送 {back} 笔又用了 {time.monotonic() - began:.0f} 秒（无需有人看着）")  # noqa: T201 - its report
    operator.begin("失败重试")
    retry = page.get_by_role("button", name=f"重试全部 {FAILURES} 笔")
    await operator.click(progress.get_by_role("button", name="去处理"), retry)
    await operator.click(screen.row_states("退款失败").first, screen.case.get_by_text("下一步："))
    operator.look(1)
    yes = page.get_by_role("button", name=f"重试 {FAILURES} 笔", exact=True)
    await operator.click(retry, yes)
    await operator.click(yes, page.get_by_role("alert").filter(has_text=f"已重新提交 {FAILURES} 笔"))
    await expect(progress).to_contain_text(f"已退款 {back} / {back} 笔", timeout=60_000)
    operator.begin("归档")
    archive = page.get_by_role("button", name="归档")
    await operator.click(page.get_by_role("link", name="训练营详情"), archive)
    yes = page.get_by_role("dialog").get_by_role("button", name="归档")
    await operator.click(archive, yes)
    operator.look(1)
    await operator.click(yes, page.get_by_role("alert").filter(has_text="已归档，"))
    members = back + CONFLICTS + STRANGERS + SHORT
    await books_agree(screen.camp, refunded_fen=back * 19_900, kept_fen=(members - back) * 19_900)


async def _walk(stand: Stand, desk: Desk) -> None:
    camp = await stand.camp("千人读书营", days=2, required=2, capacity=1000)
    await crowd.enrol(stand, camp, await _members(stand))
    await camp.go_to_day(3, "01:10")
    await camp.sync()
    fault = {"name": "refuse", "on": "create_refund", "times": FAILURES, "value": 403, "code": "NO_AUTH"}
    await stand.stage.sandbox.post("wechat-pay", "faults", fault)
    await desk.log_in()
    await desk.open("/dashboard")
    operator = Operator(desk.page)
    screen = SettleScreen(desk, camp)
    await _match(operator)
    await _approve(operator, screen, desk.staff.password)
    await _finish(operator, screen)
    _report(operator.steps)


def _report(steps: list[Step]) -> None:
    total = Step(
        "合计",
        clicks=sum(step.clicks for step in steps),
        keys=sum(step.keys for step in steps),
        thoughts=sum(step.thoughts for step in steps),
        waited=sum(step.waited for step in steps),
    )
    print("| step | clicks | keys | human | machine |\n| --- | ---: | ---: | ---: | ---: |")  # noqa: T201 - its report
    for step in [*steps, total]:
        print(  # noqa: T201 - its report
            f"| {step.name} | {step.clicks} | {step.keys} | {step.human:.0f} s | {step.waited:.1f} s |"
        )


async def _run(private: Path, servers: Servers) -> None:
    async with running_stand(private, servers) as stand, running(find_chromium(private)) as browser:
        desk = await open_desk(browser, await stand.colleague("manager"), server=stand.api_url)
        try:
            await _walk(stand, desk)
        except BaseException:
            await desk.save(Path(sys.argv[1]) if len(sys.argv) > 1 else private, "walk")
            raise
        finally:
            await desk.context.close()
        for problem in desk.unexpected():
            print(problem, file=sys.stderr)  # noqa: T201 - the person who asked for the walk reads it


def main() -> None:
    servers = start_servers()
    try:
        with run_directory("camp-walk-") as run:
            private = run / "private"
            private.mkdir(mode=0o700)
            asyncio.run(_run(private, servers))
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
