"""A gateway that talks to a simulated planet over real bytes, and a sleep that moves the clock instead of waiting."""

import datetime as dt
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from backend.core import clock
from backend.core.config import ZsxqSettings
from backend.gateways.zsxq import Planet, PlanetMember, Post, RankingRow, Zsxq
from backend.sandbox.zsxq import Call, ZsxqSandbox


@dataclass
class Clock:
    """The test clock, and every pause that was asked for, in seconds."""

    file: Path
    offset: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.offset += seconds
        self.file.write_text(repr(self.offset))
        clock.use_test_clock(self.file)


@dataclass
class Stage:
    sandbox: ZsxqSandbox
    zsxq: Zsxq
    clock: Clock
    group_id: str
    token: str
    planet: Planet

    def camp(self, people: int, *, days: int = 1) -> tuple[str, list[str]]:
        """A project in which each of ``people`` posted on each of the last ``days`` days."""
        checkin_id = self.sandbox.add_project("训练营")
        users = [self.sandbox.add_member(f"学员{number}") for number in range(people)]
        noon = clock.day_start(clock.today()) - dt.timedelta(hours=12)
        for number, user in enumerate(users):
            for day in range(days):
                self.sandbox.post(user, checkin_id, noon - dt.timedelta(days=day, seconds=number))
        return checkin_id, users

    def calls(self, ending: str) -> list[Call]:
        """The requests that reached a path."""
        return [call for call in self.sandbox.calls if call.path.endswith(ending)]

    async def ranking(self, checkin_id: str) -> list[RankingRow]:
        return [row async for page in self.planet.iter_ranking(checkin_id) for row in page.rows]

    async def posts(self, checkin_id: str) -> list[Post]:
        return [post async for page in self.planet.iter_posts(checkin_id) for post in page.posts]

    async def members(self) -> list[PlanetMember]:
        return [member async for page in self.planet.iter_members() for member in page]


@asynccontextmanager
async def open_stage(sandbox: ZsxqSandbox | None = None, **settings: object) -> AsyncIterator[Stage]:
    """A planet with its owner, whose token the gateway uses."""
    with tempfile.TemporaryDirectory() as directory:
        moved = Clock(Path(directory) / "clock")
        moved.advance(0)
        sandbox = sandbox or ZsxqSandbox()
        group_id = sandbox.add_group()
        token = sandbox.issue_token()
        options = ZsxqSettings.model_validate(
            {"base_url": "http://zsxq.test", "min_interval_seconds": 0, "timeout_seconds": 1, **settings}
        )
        zsxq = Zsxq(options, transport=sandbox.transport(), sleep=moved.sleep)
        try:
            yield Stage(sandbox, zsxq, moved, group_id, token, zsxq.planet(group_id, token))
        finally:
            await zsxq.aclose()
            clock.use_test_clock(None)


@asynccontextmanager
async def open_planet(transport: httpx.AsyncBaseTransport) -> AsyncIterator[Planet]:
    """The gateway in front of anything else, such as a server that answers nonsense. Never waits."""

    async def no_pause(_: float) -> None:
        return

    zsxq = Zsxq(ZsxqSettings(min_interval_seconds=0), transport=transport, sleep=no_pause)
    try:
        yield zsxq.planet("11112222333344", "0" * 20)
    finally:
        await zsxq.aclose()
