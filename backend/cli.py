"""The command line: ``python -m backend …``, also installed as ``camp``."""

import argparse
import asyncio
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from backend.core.config import DEVELOPMENT_ADMIN_PASSWORD, Settings, SettingsError, load_settings
from backend.core.errors import AppError
from backend.core.logging import configure_logging
from backend.models.staff import StaffRole


def main(argv: list[str] | None = None) -> int:
    """Run one command and return the exit status: 0 success, 1 failure, 2 unusable settings or arguments."""
    arguments = _parser().parse_args(argv)
    if arguments.command in ("demo", "dev"):
        from backend.demo.main import main as demo

        return demo(arguments)
    try:
        settings = load_settings()
    except SettingsError as error:
        print("The settings can't be used:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        return 2
    from backend.core import clock

    clock.use_test_clock(settings.test_clock)
    configure_logging(settings.log)
    status: int = _COMMANDS[arguments.command](settings, arguments)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="camp", description="Deposits of training camps, from payment to refund.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="run the API")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--workers", type=int, default=1)
    commands.add_parser("worker", help="run scheduled and queued work")
    commands.add_parser("migrate", help="bring the database to the newest schema; create the first administrator")
    demo = commands.add_parser("demo", help="play a whole camp against the sandbox and show the books")
    demo.add_argument("--once", action="store_true", help="end after the books, with status 0 only if they agree")
    demo.add_argument("--port", type=int, default=8000, help="of the API; the sandbox takes a free one")
    dev = commands.add_parser("dev", help="sandbox, worker and reloading API with embedded servers")
    dev.add_argument("--port", type=int, default=8000)
    staff = commands.add_parser("create-staff", help="add an account; reads the password from standard input")
    staff.add_argument("--username", required=True)
    staff.add_argument("--display-name", required=True)
    staff.add_argument("--role", required=True, choices=[role.value for role in StaffRole])
    openapi = commands.add_parser("openapi", help="print the OpenAPI document")
    openapi.add_argument("--audience", choices=["all", "h5", "admin"], default="all")
    policies = commands.add_parser("page-policies", help="print the content policies of the built pages, for nginx")
    policies.add_argument("--directory", type=Path, default=Path(), help="that holds h5-member/dist and admin-web/dist")
    job = commands.add_parser("job", help="run one scheduled job to its end")
    job.add_argument("name")
    commands.add_parser("verify-ledger", help="compare the ledger with itself, with payments and with refunds")
    audit = commands.add_parser("verify-audit", help="prove that the audit log is as it was written; print its head")
    audit.add_argument("--expect", metavar="COUNT:HASH", help="a head noted earlier, which finds a rewritten tail")
    commands.add_parser("rotate-keys", help="seal every secret at rest with the first of CAMP_DATA_KEYS")
    return parser


def _serve(_: Settings, arguments: argparse.Namespace) -> int:
    import uvicorn

    uvicorn.run(
        "backend.app:from_environment",
        factory=True,
        host=arguments.host,
        port=arguments.port,
        workers=arguments.workers,
        log_config=None,
        access_log=False,
        # backend/api/middleware.py derives the client's address from CAMP_TRUSTED_PROXIES; uvicorn must not do it too.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=20,
    )
    return 0


def _worker(settings: Settings, _: argparse.Namespace) -> int:
    from backend.worker import run_worker

    asyncio.run(run_worker(settings))
    return 0


def _migrate(settings: Settings, _: argparse.Namespace) -> int:
    from backend.core.migrate import upgrade

    upgrade(settings.database_url)
    return _refusals_shown(_first_administrator(settings))


async def _first_administrator(settings: Settings) -> None:
    from backend.core.actor import SYSTEM
    from backend.office.staff import repository, service
    from backend.runtime import open_runtime

    async with open_runtime(settings) as runtime, runtime.db.transaction() as session:
        if await repository.anybody(session):
            return
        password = settings.admin_password.get_secret_value()
        await service.create(
            session,
            SYSTEM,
            username=settings.admin_username,
            display_name="超级管理员",
            role=StaffRole.SUPER_ADMIN,
            password=password,
            must_change_password=password == DEVELOPMENT_ADMIN_PASSWORD,
        )


def _create_staff(settings: Settings, arguments: argparse.Namespace) -> int:
    from backend.core.actor import SYSTEM
    from backend.office.staff import service
    from backend.runtime import open_runtime

    password = sys.stdin.readline().rstrip("\n")

    async def create() -> None:
        async with open_runtime(settings) as runtime, runtime.db.transaction() as session:
            await service.create(
                session,
                SYSTEM,
                username=arguments.username,
                display_name=arguments.display_name,
                role=StaffRole(arguments.role),
                password=password,
                must_change_password=False,
            )

    return _refusals_shown(create())


def _refusals_shown(work: Coroutine[Any, Any, None]) -> int:
    """Run ``work`` and return the exit status; print an AppError to stderr instead of a traceback."""
    try:
        asyncio.run(work)
    except AppError as error:
        details = [f"{item['field']}: {item['message']}" for item in (error.data or {}).get("fields", [])]
        print("; ".join(details) or error.text, file=sys.stderr)
        return 1
    return 0


def _openapi(settings: Settings, arguments: argparse.Namespace) -> int:
    from backend.api.documents import openapi_document
    from backend.app import create_app

    print(json.dumps(openapi_document(create_app(settings), arguments.audience), ensure_ascii=False, indent=2))
    return 0


def _page_policies(_: Settings, arguments: argparse.Namespace) -> int:
    from backend.api.pages import nginx_policies

    try:
        print(nginx_policies(arguments.directory), end="")
    except FileNotFoundError as error:
        print(f"{error.filename} isn't there: build the front-ends first", file=sys.stderr)
        return 1
    return 0


def _job(settings: Settings, arguments: argparse.Namespace) -> int:
    from backend.jobs import SCHEDULED, run_job
    from backend.runtime import open_runtime

    if arguments.name not in SCHEDULED:
        print(f"Unknown job {arguments.name!r}. Known: {', '.join(SCHEDULED)}", file=sys.stderr)
        return 1

    async def run() -> bool:
        async with open_runtime(settings) as runtime:
            return bool(await run_job(runtime, arguments.name))

    return 0 if asyncio.run(run()) else 1


def _verify_ledger(settings: Settings, _: argparse.Namespace) -> int:
    from backend.core.money import format_yuan
    from backend.money.ledger import service
    from backend.runtime import open_runtime

    async def verify() -> int:
        async with open_runtime(settings) as runtime, runtime.db.transaction() as session:
            balances = await service.balances(session)
            problems = await service.verify(session)
        for account, fen in balances.items():
            print(f"{account.value:22} {format_yuan(fen):>14}")
        print(f"{'sum':22} {format_yuan(sum(balances.values())):>14}")
        for problem in problems:
            expected, found = format_yuan(problem.expected_fen), format_yuan(problem.found_fen)
            print(f"PROBLEM {problem.kind} {problem.subject}: expected {expected}, found {found}", file=sys.stderr)
        return 1 if problems or sum(balances.values()) else 0

    return asyncio.run(verify())


def _verify_audit(settings: Settings, arguments: argparse.Namespace) -> int:
    from backend.office.audit.chain import Head, verify
    from backend.runtime import open_runtime

    try:
        expect = Head.parse(arguments.expect) if arguments.expect is not None else None
    except ValueError:
        print("--expect must be COUNT:HASH, as printed by this command", file=sys.stderr)
        return 2

    async def check() -> int:
        async with open_runtime(settings) as runtime, runtime.db.transaction() as session:
            report = await verify(session, expect=expect)
        if report.damage is not None:
            print(f"DAMAGED {report.damage}", file=sys.stderr)
            return 1
        print(f"rows {report.head.count if report.head else 0}")
        print(f"head {report.head}")
        return 0

    return asyncio.run(check())


def _rotate_keys(settings: Settings, _: argparse.Namespace) -> int:
    from backend.desk.settings.rotation import Unreadable, rotate
    from backend.runtime import open_runtime

    async def run() -> int:
        async with open_runtime(settings) as runtime:
            try:
                counts = await rotate(runtime)
            except Unreadable as error:
                print("Nothing was changed. These secrets open with none of CAMP_DATA_KEYS:", file=sys.stderr)
                for name in error.names:
                    print(f"  {name}", file=sys.stderr)
                print("Add the key that sealed them, or enter them anew in the console.", file=sys.stderr)
                return 1
        print(f"secrets {counts['seen']}, sealed anew with the first key {counts['resealed']}")
        return 0

    return asyncio.run(run())


_COMMANDS = {
    "serve": _serve,
    "worker": _worker,
    "migrate": _migrate,
    "create-staff": _create_staff,
    "openapi": _openapi,
    "page-policies": _page_policies,
    "job": _job,
    "verify-ledger": _verify_ledger,
    "verify-audit": _verify_audit,
    "rotate-keys": _rotate_keys,
}
