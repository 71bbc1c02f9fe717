"""The demo from start to end: servers, processes, story, books; then it goes on serving until Ctrl-C."""

import argparse
import asyncio
import datetime as dt
import secrets
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx

from backend.core import clock
from backend.demo import books, closing, opening, servers
from backend.demo.clients import Admin, Refused, SandboxKnobs
from backend.demo.processes import DemoError, Processes, free_port, port_or_free
from backend.demo.stage import Stage
from backend.embedded.processes import EmbeddedServerError
from backend.embedded.run_directory import NoRunDirectoryError, run_directory

ADMIN = "admin"


def main(arguments: argparse.Namespace) -> int:
    """Run ``demo`` or ``dev``. Status 0 only if the books agree with the sandbox's own."""
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
    clock_file.write_text("0" if arguments.command == "dev" else repr(_seconds_to_morning()))
    clock.use_test_clock(clock_file)
    processes = Processes(private)
    stack.callback(processes.stop)
    password = f"demo-{secrets.token_hex(4)}-1"
    environment = servers.addresses(stack, directory) | {
        "CAMP_ENV": "test",
        "CAMP_TEST_CLOCK": str(clock_file),
        "CAMP_ADMIN_USERNAME": ADMIN,
        "CAMP_ADMIN_PASSWORD": password,
    }
    api_url, sandbox_url = _start(processes, private, environment, arguments)
    sys.stdout.write(f"Everything is up after {time.monotonic() - began:.1f} s.\n")
    agree = True
    if arguments.command == "demo":
        agree = asyncio.run(_play(api_url, sandbox_url, clock_file, password))
        sys.stdout.write("\nThe books agree.\n" if agree else "\nThe books do NOT agree.\n")
    sys.stdout.write(
        f"\n  API and documents  {api_url}/doc.html\n  sandbox            {sandbox_url}/\n"
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


def _seconds_to_morning() -> float:
    """The play begins at the next 10:00 in Shanghai, so that it is the same at every hour of the day."""
    now = clock.shanghai(clock.now())
    start = now.replace(hour=10, minute=0, second=0, microsecond=0)
    if start < now:
        start += dt.timedelta(days=1)
    return (start - now).total_seconds()


def _start(
    processes: Processes, directory: Path, environment: dict[str, str], arguments: argparse.Namespace
) -> tuple[str, str]:
    """Sandbox, migration, API and worker; returns the addresses of API and sandbox."""
    port, sandbox_port = port_or_free(arguments.port), free_port()
    api_url, sandbox_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    env_file = directory / "sandbox.env"
    sandbox = ("--port", str(sandbox_port), "--keys-dir", str(directory / "keys"), "--env-file", str(env_file))
    processes.start("sandbox", "backend.sandbox", *sandbox, environment=environment)
    environment |= {
        "CAMP_PUBLIC_BASE_URL": api_url,
        "CAMP_STORAGE__LOCAL_DIR": str(directory / "uploads"),
        # Impatient settings: a demo's minute is a real second. Waits of production are the defaults.
        "CAMP_ZSXQ__RETRY_WAITS_SECONDS": "0.05,0.05,0.1,0.1,0.2",
        "CAMP_ZSXQ__COOL_DOWN_SECONDS": "0.3",
        "CAMP_REFUND__PER_SECOND": "50",
        "CAMP_REFUND__UNDO_SECONDS": "0",
        # The nights are played with the clock, each job at its hour.
        "CAMP_JOBS_OFF": "camp_states,checkin_sync,refund_lists,reminders,reconcile,credential_check,housekeeping,"
        "payment_backfill",
    }
    processes.wait_for("sandbox", f"{sandbox_url}/")
    environment |= _read_env(env_file)
    serve = ["backend", "serve", "--port", str(port)]
    if arguments.command == "dev":
        serve = ["uvicorn", "backend.app:from_environment", "--factory", "--reload", "--reload-dir", "backend"]
        serve += ["--port", str(port)]
    processes.start("api", *serve, environment=environment)
    # The API is ready only when the tables are there; it loads meanwhile.
    processes.run("migrate", "backend", "migrate", environment=environment)
    processes.start("worker", "backend", "worker", environment=environment)
    processes.wait_for("api", f"{api_url}/readyz")
    return api_url, sandbox_url


def _read_env(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


async def _play(api_url: str, sandbox_url: str, clock_file: Path, password: str) -> bool:
    admin, sandbox = Admin(api_url, ADMIN, password), SandboxKnobs(sandbox_url)
    async with httpx.AsyncClient(base_url=api_url, timeout=60, trust_env=False) as phones:
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
