"""Taking times, all of them in seconds."""

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


async def seconds_of(work: Awaitable[object]) -> float:
    """How long one thing takes. What was thrown away before it is collected first, at nobody's expense."""
    gc.collect()
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


@dataclass
class Times:
    """How long each of many things took, and all of them together (less, when several went on at once)."""

    each: list[float] = field(default_factory=list)
    total: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.each)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.each, n=20, method="inclusive")[-1]

    @property
    def per_second(self) -> float:
        return len(self.each) / self.total

    async def add(self, items: Iterable[T], lanes: Sequence[Callable[[T], Awaitable[None]]]) -> None:
        """Do every item once: the lanes work at once, each takes the next item when it has done one."""
        waiting = iter(items)

        async def work(do: Callable[[T], Awaitable[None]]) -> None:
            for item in waiting:
                began = time.perf_counter()
                await do(item)
                self.each.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*map(work, lanes))
        self.total += time.perf_counter() - began
