"""Pictures of the pages on a running system: ``python -m tests.browser.gallery DIRECTORY [h5|admin]``.

They are for people to look at, and the good ones stand in docs/screenshots. Chinese letters need a font on the machine.
What doesn't fit into its width, and whatever the browser complains of, is said while they are taken.
"""

import asyncio
import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page, ViewportSize, expect

from backend.embedded.run_directory import run_directory
from tests.browser.chromium import find_chromium, running
from tests.browser.stand import running_stand
from tests.servers import Servers, start_servers

PARTS = {"h5": "tests.browser.gallery_members", "admin": "tests.browser.gallery_console"}


@dataclass(frozen=True)
class Album:
    """Where the pictures go, and how wide and high the windows are; of widths in ``seen`` the window alone is taken."""

    directory: Path
    windows: tuple[tuple[int, int], ...]
    seen: frozenset[int] = frozenset()

    @property
    def rest(self) -> ViewportSize:
        """The window between the pictures."""
        width, height = self.windows[1]
        return ViewportSize(width=width, height=height)

    async def shoot(self, page: Page, name: str, *, whole: bool = True, still: bool = False) -> None:
        """The page as it stands at every width, down to its end (``whole``); ``still``: without waiting for answers."""
        for width, height in self.windows:
            await page.set_viewport_size(ViewportSize(width=width, height=height))
            if not still:
                await page.wait_for_load_state("networkidle")
                await expect(page.locator(".el-skeleton")).to_have_count(0)
            await page.wait_for_timeout(250)
            if whole and width not in self.seen:
                # A window as high as the page: what sticks to its edges is where it belongs.
                end: int = await page.evaluate("document.documentElement.scrollHeight")
                await page.set_viewport_size(ViewportSize(width=width, height=max(height, end)))
                await page.wait_for_timeout(100)
            await page.screenshot(path=self.directory / f"{name}-{width}.png")
            if beyond := await page.evaluate("document.documentElement.scrollWidth - innerWidth"):
                say(f"{name} at {width}: {beyond} px wider than the window")
        await page.set_viewport_size(self.rest)


def say(text: str) -> None:
    """To the person who asked for pictures."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - that is what they read


def phones(directory: Path) -> Album:
    return Album(directory, ((320, 812), (375, 812), (768, 812)))


def computers(directory: Path) -> Album:
    return Album(directory, ((1280, 800), (1440, 900), (1920, 1080), (375, 812)), seen=frozenset({1280}))


async def _run(part: str, directory: Path, private: Path, servers: Servers) -> None:
    play = importlib.import_module(PARTS[part]).play
    album = phones(directory) if part == "h5" else computers(directory)
    async with running_stand(private, servers) as stand, running(find_chromium(private)) as browser:
        watched = await play(stand, browser, album)
        await watched.context.close()
        for problem in watched.unexpected():
            say(problem)


def main() -> None:
    directory, part = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "h5"
    directory.mkdir(parents=True, exist_ok=True)
    servers = start_servers()
    try:
        with run_directory("camp-gallery-") as run:
            private = run / "private"
            private.mkdir(mode=0o700)
            asyncio.run(_run(part, directory, private, servers))
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
