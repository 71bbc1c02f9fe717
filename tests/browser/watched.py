"""A browser that notices whatever goes wrong in its pages: what members' phones and desks of staff have in common."""

import re
from contextlib import suppress
from pathlib import Path

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, Response, WebError
from playwright.async_api import Error as PlaywrightError


class Watched:
    """One browser with storage of its own, and one page in it.

    ``problems`` collects console errors, exceptions, answers 5xx and lost requests. A test that provokes one names
    it with ``expect_problem``; any other fails the test when it ends. ``root`` is the path of the app on the server.
    """

    def __init__(self, name: str, context: BrowserContext, page: Page, server: str, root: str = "") -> None:
        self.name = name
        self.context = context
        self.page = page
        self.problems: list[str] = []
        self._server = server
        self._base_url = server + root
        self._expected: list[re.Pattern[str]] = []
        context.on("console", self._console)
        context.on("weberror", self._exception)
        context.on("response", self._response)
        context.on("requestfailed", self._request_failed)

    async def open(self, path: str) -> None:
        """Go to a page of the app."""
        await self.page.goto(self._base_url + path)

    @property
    def path(self) -> str:
        """Where the page is, without the app's address."""
        return self.page.url.removeprefix(self._base_url)

    async def arrives(self, pattern: str) -> str:
        """Wait until the whole path fits the pattern; returns its first group, or the path."""
        whole = re.compile(re.escape(self._base_url) + pattern)
        await self.page.wait_for_url(lambda url: whole.fullmatch(url) is not None)
        found = whole.fullmatch(self.page.url)
        assert found is not None
        return found[1] if found.groups() else self.path

    def expect_problem(self, pattern: str) -> None:
        """Problems that fit are what this test is about."""
        self._expected.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        return [problem for problem in self.problems if not any(known.search(problem) for known in self._expected)]

    def _console(self, message: ConsoleMessage) -> None:
        # What the browser says about an answer's status is judged by _response.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console error: {message.text}")

    def _exception(self, error: WebError) -> None:
        self.problems.append(f"exception: {error.error}")

    def _response(self, response: Response) -> None:
        # The API refuses with 4xx in the course of things; a page, script or picture must be there.
        refusal = "/api/" in response.url and response.status < 500
        if response.status >= 400 and not refusal and response.url.startswith(self._server):
            self.problems.append(f"status {response.status}: {response.request.method} {response.url}")

    def _request_failed(self, request: Request) -> None:
        # Leaving a page ends its requests.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"no answer: {request.method} {request.url}: {request.failure}")

    async def save(self, directory: Path, name: str) -> None:
        """Screenshot and HTML of every open page, for a test that failed."""
        for number, page in enumerate(self.context.pages):
            stem = directory / f"{name}-{number}"
            with suppress(PlaywrightError):
                stem.with_suffix(".html").write_text(f"<!-- {page.url} -->\n{await page.content()}")
                await page.screenshot(path=stem.with_suffix(".png"))
