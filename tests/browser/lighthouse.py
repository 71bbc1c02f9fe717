"""Measure pages of both front-ends with Lighthouse: ``python -m tests.browser.lighthouse [h5|admin]``.

Needs a Lighthouse 12 (``npm install lighthouse@12``), found by ``CAMP_LIGHTHOUSE`` or as ``lighthouse`` on the PATH.
The members' pages are measured as on a mid-range phone (simulated slow 4G, processor four times slower), the console
as on a desktop, both on the production build, compressed, with full lists. Three runs each, the median counts.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from backend.embedded.run_directory import run_directory
from tests.browser.chromium import Chromium, find_chromium
from tests.browser.stand import Stand, running_stand
from tests.servers import Servers, start_servers

RUNS = 3
LISTED = 12  # camps on the members' list
ENROLLED = 24  # members of the console's camp


@dataclass(frozen=True)
class Figures:
    """Milliseconds, except ``cls`` (no unit) and the scores (of 100)."""

    lcp: float
    cls: float
    tbt: float
    performance: float
    accessibility: float


def _measure(lighthouse: str, chromium: Chromium, directory: Path, url: str, *, desktop: bool, port: int) -> Figures:
    report = directory / "report.json"
    command = [lighthouse, url, "--quiet", "--output=json", f"--output-path={report}", f"--port={port}"]
    command += ["--only-categories=performance,accessibility", "--disable-storage-reset"]
    command += ["--preset=desktop"] if desktop else []
    environment = dict(os.environ) | {"CHROME_PATH": chromium.executable}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads(report.read_text())
    audits, categories = found["audits"], found["categories"]
    return Figures(
        lcp=audits["largest-contentful-paint"]["numericValue"],
        cls=audits["cumulative-layout-shift"]["numericValue"],
        tbt=audits["total-blocking-time"]["numericValue"],
        performance=categories["performance"]["score"] * 100,
        accessibility=categories["accessibility"]["score"] * 100,
    )


async def _pages(stand: Stand, front: str) -> dict[str, str]:
    camps = [await stand.camp(f"十一月晨间写作训练营第 {number} 期") for number in range(1, LISTED + 1)]
    one = camps[0]
    if front == "h5":
        return {"训练营列表": "/", "训练营详情": f"/camps/{one.id}", "报名支付": f"/enroll/{one.id}"}
    people = [await stand.person(f"晨光 {number}") for number in range(1, ENROLLED + 1)]
    for number, person in enumerate(people):
        await stand.enrol(one, f"oLighthouse{number:05}", person)
        await one.posts(person, *range(1, 5 + number % 3))
    await one.end()
    return {
        "登录": "/admin/login",
        "工作台": "/admin/dashboard",
        "训练营列表": "/admin/camps",
        "结算": f"/admin/camps/{one.id}/settle",
        "会员列表": "/admin/members",
        "退款记录": "/admin/refunds",
    }


async def _run(front: str, lighthouse: str, directory: Path, servers: Servers) -> None:
    chromium = find_chromium(directory)
    async with running_stand(directory, servers) as stand, async_playwright() as playwright:
        pages = await _pages(stand, front)
        port = 9_333
        context = await playwright.chromium.launch_persistent_context(
            str(directory / "profile"),
            executable_path=chromium.executable,
            env={**chromium.environment},
            args=[f"--remote-debugging-port={port}", "--disable-gpu"],
        )
        page = await context.new_page()
        await page.goto(f"{stand.api_url}/{'admin/login' if front == 'admin' else ''}")
        token = json.dumps(await _token(stand, front))
        name = "camp-admin:token" if front == "admin" else "camp:token"
        await page.evaluate("([name, token]) => localStorage.setItem(name, token)", [name, token])
        browser = await context.new_cdp_session(page)
        for title, path in pages.items():
            runs = []
            for _ in range(RUNS):
                await browser.send("Network.clearBrowserCache")  # a first visit, but logged in
                runs.append(
                    await asyncio.to_thread(
                        _measure,
                        lighthouse,
                        chromium,
                        directory,
                        stand.api_url + path,
                        desktop=front == "admin",
                        port=port,
                    )
                )
            middle = {name: statistics.median(getattr(run, name) for run in runs) for name in Figures.__annotations__}
            print(  # noqa: T201 - what this program is for
                f"| {title} | {middle['lcp'] / 1000:.2f} s | {middle['cls']:.3f} | {middle['tbt']:.0f} ms "
                f"| {middle['performance']:.0f} | {middle['accessibility']:.0f} "
                f"| {', '.join(f'{run.performance:.0f}' for run in runs)} |"
            )
        await context.close()


async def _token(stand: Stand, front: str) -> str:
    if front == "admin":
        return stand.stage.admin.token
    answer = await stand.stage.http.post("/api/h5/auth/guest")
    return str(answer.json()["data"]["token"])


def main() -> None:
    front = sys.argv[1] if len(sys.argv) > 1 else "h5"
    lighthouse = os.environ.get("CAMP_LIGHTHOUSE") or shutil.which("lighthouse")
    if lighthouse is None:
        sys.exit("Lighthouse is missing: npm install lighthouse@12, and name its program by CAMP_LIGHTHOUSE")
    servers = start_servers()
    try:
        with run_directory("camp-lighthouse-") as directory:
            private = directory / "private"
            private.mkdir(mode=0o700)
            asyncio.run(_run(front, lighthouse, private, servers))
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
