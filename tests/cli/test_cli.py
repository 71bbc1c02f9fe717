"""The command line as an operator sees it: its own process, its exit status, its words."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.run_directory import run_directory


def camp(*arguments: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAMP_")}
    return subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        env=environment | {"CAMP_ENV": "test"} | settings,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_wrong_settings_stop_the_start_and_are_all_named_at_once():
    done = camp(
        "serve",
        CAMP_DATABASE_URL="mysql://x/y",
        CAMP_PAYMENT__ORDER_MINUTES="0",
        CAMP_WECHAT_PAY__PRIVATE_KEY_PATH="none",
    )
    assert done.returncode == 2
    assert "CAMP_DATABASE_URL: must begin with postgresql://" in done.stderr
    assert "CAMP_PAYMENT__ORDER_MINUTES" in done.stderr
    assert "Traceback" not in done.stderr


def test_production_refuses_defaults_and_names_them_all():
    done = camp("worker", CAMP_ENV="production")
    assert done.returncode == 2
    for name in (
        "CAMP_SECRET_KEY",
        "CAMP_DATA_KEYS",
        "CAMP_ADMIN_PASSWORD",
        "CAMP_CORS_ORIGINS",
        "CAMP_PUBLIC_BASE_URL",
    ):
        assert name in done.stderr


def test_an_unknown_job_is_refused_with_the_known_names():
    done = camp("job", "make_coffee")
    assert done.returncode == 1
    assert "refund_lists" in done.stderr


def test_from_an_empty_database_to_a_verified_ledger(tmp_path: Path):
    with run_directory() as directory, EmbeddedPostgres(directory) as postgres:
        url = postgres.url()
        storage = str(tmp_path)
        settings = {"CAMP_DATABASE_URL": url, "CAMP_STORAGE__LOCAL_DIR": storage}
        assert camp("migrate", **settings).returncode == 0
        assert camp("migrate", **settings).returncode == 0  # again does nothing
        staff = ("create-staff", "--username", "lin", "--display-name", "小林", "--role", "manager")
        weak = camp(*staff, stdin="short\n", **settings)
        assert (weak.returncode, "密码至少 8 位" in weak.stderr) == (1, True)
        assert camp(*staff, stdin="long-enough-1\n", **settings).returncode == 0
        taken = camp(*staff, stdin="long-enough-1\n", **settings)
        assert (taken.returncode, taken.stderr.strip()) == (1, "用户名已存在")
        assert camp("job", "housekeeping", **settings).returncode == 0
        ledger = camp("verify-ledger", **settings)
        assert ledger.returncode == 0
        assert "provider_clearing" in ledger.stdout
        audit = camp("verify-audit", **settings)
        rows, head = (line.split()[1] for line in audit.stdout.splitlines())
        assert (audit.returncode, head.split(":")[0]) == (0, rows) == (0, "2")  # two accounts were made
        assert camp("verify-audit", "--expect", head, **settings).returncode == 0
        assert camp("verify-audit", "--expect", "2:" + "00" * 32, **settings).returncode == 1
        assert camp("verify-audit", "--expect", "x", **settings).returncode == 2
        postgres_run(url, "SET session_replication_role = replica; UPDATE audit_log SET note = 'x' WHERE seq = 1")
        damaged = camp("verify-audit", **settings)
        assert damaged.returncode == 1
        assert re.fullmatch(r"DAMAGED changed: row 1 \(id [0-9a-f-]{36}, .*\+08:00, user\.create\)\n", damaged.stderr)


def postgres_run(url: str, statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute(statements)
        await connection.close()

    asyncio.run(run())


def test_a_first_administrator_with_a_weak_password_is_refused(tmp_path: Path):
    with run_directory() as directory, EmbeddedPostgres(directory) as postgres:
        settings = {"CAMP_DATABASE_URL": postgres.url(), "CAMP_ADMIN_PASSWORD": "short"}
        done = camp("migrate", CAMP_STORAGE__LOCAL_DIR=str(tmp_path), **settings)
    assert done.returncode == 1
    assert "密码至少 8 位" in done.stderr


@pytest.mark.parametrize("audience", ["all", "h5", "admin"])
def test_the_openapi_document_is_printed(audience: str):
    done = camp("openapi", "--audience", audience)
    assert done.returncode == 0
    assert '"openapi"' in done.stdout
