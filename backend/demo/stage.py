"""Shared by all scenes: clients, test clock and terminal output."""

import asyncio
import datetime as dt
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from backend.core import clock
from backend.demo.clients import Admin, Json, SandboxKnobs
from backend.demo.people import Person

T = TypeVar("T")


@dataclass
class Stage:
    """State of the running demo. ``books`` holds values that later scenes and the final table need."""

    admin: Admin
    sandbox: SandboxKnobs
    http: httpx.AsyncClient
    clock_file: Path
    began: float = field(default_factory=time.monotonic)
    cast: list[Person] = field(default_factory=list)
    planet_id: str = ""
    camp_id: str = ""
    checkin_id: str = ""
    first_day: dt.date = dt.date.min
    last_day: dt.date = dt.date.min
    books: dict[str, Any] = field(default_factory=dict)

    def act(self, title: str) -> None:
        """Print the heading of a new part."""
        self._write(f"\n━━ {title}")

    def tell(self, text: str) -> None:
        now = clock.shanghai(clock.now())
        self._write(f"  {time.monotonic() - self.began:5.1f}s │ {now:%m-%d %H:%M} │ {text}")

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    async def go_to(self, day: dt.date, wall_clock: str) -> None:
        """Move the test clock of product and sandbox forward to a Shanghai time, then log in again.

        Raises ValueError for a time in the past.
        """
        wanted = dt.datetime.combine(day, dt.time.fromisoformat(wall_clock), clock.SHANGHAI)
        seconds = (wanted - clock.now()).total_seconds()
        if seconds < 0:
            raise ValueError("the clock only goes forward")
        offset = float(self.clock_file.read_text()) + seconds
        moved = self.clock_file.with_suffix(".new")
        moved.write_text(repr(offset))
        moved.replace(self.clock_file)
        await self.admin.log_in()

    async def at_once(self, work: Iterable[Callable[[], Awaitable[T]]], *, limit: int = 8) -> list[T]:
        """Run all calls concurrently, at most ``limit`` at a time. Results are in the order of ``work``."""
        gate = asyncio.Semaphore(limit)

        async def one(item: Callable[[], Awaitable[T]]) -> T:
            async with gate:
                return await item()

        return list(await asyncio.gather(*(one(item) for item in work)))

    async def until(self, what: str, check: Callable[[], Awaitable[bool]], *, seconds: float = 60) -> None:
        """Poll ``check`` until it is true. Raises TimeoutError after ``seconds``."""
        deadline = time.monotonic() + seconds
        while not await check():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds:.0f} s in vain: {what}")
            await asyncio.sleep(0.1)

    async def person(self, note: str) -> Person:
        return next(person for person in self.cast if person.note == note)

    async def members(self) -> list[Json]:
        return await self.admin.all("/members", camp_id=self.camp_id)

    async def refunds(self, **query: Any) -> list[Json]:
        return await self.admin.all("/refunds", camp_id=self.camp_id, **query)
