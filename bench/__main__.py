"""Run every benchmark, print the ratios, and with ``--write`` put them into docs/performance.md."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from backend.core.config import LogSettings
from backend.core.logging import configure_logging
from bench import checkins, judging, lists, notifications, refund_lists, report
from bench.report import Result
from bench.servers import Servers, servers

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--write", action="store_true", help="rewrite the figures in docs/performance.md")
    arguments = parser.parse_args()
    with servers() as running:
        # As in production: a log line costs time too.
        configure_logging(LogSettings(format="json", file=running.directory / "log"))
        results, about = asyncio.run(_measure(running))
    print(report.plain(results, about))
    if arguments.write:
        report.write_section(DOCUMENT, report.markdown(results, about))


async def _measure(running: Servers) -> tuple[list[Result], str]:
    results: list[Result] = []
    benchmark: Callable[[Servers], Awaitable[Result | tuple[Result, ...]]]
    for name, benchmark in (
        ("notifications", notifications.run),
        ("check-ins", checkins.run),
        ("judging", judging.run_recount),
        ("rehearsals", judging.run_preview),
        ("refund lists", refund_lists.run),
        ("the console's lists", lists.run),
        ("the reports", lists.run_statistics),
    ):
        print(f"measuring {name} …", file=sys.stderr)
        found = await benchmark(running)
        results += found if isinstance(found, tuple) else (found,)
    return results, report.machine(await running.databases.version())


if __name__ == "__main__":
    main()
