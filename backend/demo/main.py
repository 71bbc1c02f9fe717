"""Runs the demo: starts servers and processes, plays the scenes, compares the books, then serves until Ctrl-C."""

import argparse
import asyncio
import secrets
import signal
import ssl
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from backend.core import clock
from backend.demo import books, closing, opening, servers, system
from backend.demo.clients import Admin, Refused, SandboxKnobs
from backend.demo.processes import DemoError, Processes
from backend.demo.stage import Stage
from backend.demo.system import ADMIN
from backend.embedded.processes import EmbeddedServerError
from backend.embedded.run_directory import NoRunDirectoryError, run_directory


def main(arguments: argparse.Namespace) -> int:
    """Run ``demo`` or ``dev`` and return the exit status. ``demo`` returns 0 only if the books agree."""
    signal.signal(signal.SIGTERM, _end)
    try:
        with ExitStack() as stack:
            return _run(arguments, stack)
    except KeyboardInterrupt:
        sys.stdout.write("\nStopped.\n")
        return 130
    except (DemoError, EmbeddedServerError, NoRunDirectoryError, Refused, TimeoutError, httpx.HTTPError) as error:
        sys.stderr.write(f"\nThe demo can't go on: {str(error) or type(error).__name__}\n")
        return 1


def _end(_: int, __: object) -> None:
    raise KeyboardInterrupt


def _run(arguments: argparse.Namespace, stack: ExitStack) -> int:
    began = time.monotonic()
    directory = stack.enter_context(run_directory())
    private = directory / "demo"
    private.mkdir(mode=0o700)
    clock_file = private / "clock"
    clock_file.write_text("0" if arguments.command == "dev" else repr(system.seconds_to_morning()))
    clock.use_test_clock(clock_file)
    processes = Processes(private)
    stack.callback(processes.stop)
    password = f"demo-{secrets.token_hex(4)}-1"
    api_url, sandbox_url = system.start(
        processes,
        private,
        servers=servers.addresses(stack, directory),
        clock_file=clock_file,
        password=password,
        port=arguments.port,
        reload=arguments.command == "dev",
    )
    sys.stdout.write(f"Everything is up after {time.monotonic() - began:.1f} s.\n")
    agree = True
    if arguments.command == "demo":
        agree = asyncio.run(play(api_url, sandbox_url, clock_file, password))
        sys.stdout.write("\nThe books agree.\n" if agree else "\nThe books do NOT agree.\n")
    sys.stdout.write(
        f"\n{_pages(api_url)}  API and documents  {api_url}/doc.html\n  sandbox            {sandbox_url}/\n"
        f"  staff log-in       {ADMIN} / {password}\n"
    )
    sys.stdout.flush()
    if arguments.command == "demo" and arguments.once:
        return 0 if agree else 1
    sys.stdout.write("\nServing until Ctrl-C.\n")
    sys.stdout.flush()
    while True:
        time.sleep(1)
        processes.check()


def _pages(api_url: str) -> str:
    """One line for each front-end that is built."""
    places = {"member's app      ": ("h5-member", "/"), "console           ": ("admin-web", "/admin/")}
    built = {label: path for label, (name, path) in places.items() if _is_built(name)}
    return "".join(f"  {label} {api_url}{path}\n" for label, path in built.items())


def _is_built(front_end: str) -> bool:
    return (system.REPOSITORY / front_end / "dist" / "index.html").is_file()


async def play(
    url: str, sandbox_url: str, clock_file: Path, password: str, *, verify: ssl.SSLContext | bool = True
) -> bool:
    """Play all scenes through the product's public address. Return whether the books agree."""
    admin, sandbox = Admin(url, ADMIN, password, verify=verify), SandboxKnobs(sandbox_url)
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False, verify=verify) as phones:
        stage = Stage(admin, sandbox, phones, clock_file)
        stage.books["password"] = password
        try:
            await admin.log_in()
            await opening.open_planet(stage)
            await opening.open_camps(stage)
            await opening.enrol(stage)
            await closing.days_go_by(stage)
            await closing.camp_ends(stage)
            await closing.review(stage)
            await closing.money_goes_back(stage)
            await closing.archive(stage)
            return await books.show(stage)
        finally:
            await admin.aclose()
            await sandbox.aclose()
