"""Backups, really made and really restored, with the client programs that came with our own server."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.db import make_engine
from backend.core.migrate import upgrade
from backend.embedded.postgres import EmbeddedPostgres, package_directory
from backend.embedded.run_directory import run_directory
from bench.servers import contents
from tests.cli.test_cli import camp
from tests.factories import make_camp, make_member, make_refund

SCRIPT = Path(__file__).parents[2] / "docs" / "deploy" / "camp-backup"
PROGRAMS = package_directory() / "pginstall" / "bin"


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    with run_directory("camp-backup-") as directory, EmbeddedPostgres(directory) as started:
        started.create_database("house")
        upgrade(started.url("house"))
        asyncio.run(_fill(started.url("house")))
        yield started


async def _fill(url: str) -> None:
    engine = make_engine(url, pool_size=1)
    async with AsyncSession(engine) as session, session.begin():
        member = await make_member(session, await make_camp(session))
        await make_refund(session, member)
    await engine.dispose()


@pytest.fixture
def environment(postgres: EmbeddedPostgres, tmp_path: Path) -> dict[str, str]:
    pictures = tmp_path / "pictures" / "poster"
    pictures.mkdir(parents=True)
    (pictures / "a.png").write_bytes(b"a picture")
    return {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "CAMP_DATABASE_URL": postgres.url("house"),
        "BACKUP_DIR": str(tmp_path / "backups"),
        "BACKUP_PICTURES": str(tmp_path / "pictures"),
    }


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPT), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def backed_up(environment: dict[str, str]) -> Path:
    done = run(environment, "backup")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def databases(postgres: EmbeddedPostgres) -> set[str]:
    listed = ["psql", "-XAtd", libpq(postgres.url()), "-c", "SELECT datname FROM pg_database"]
    return set(subprocess.run([PROGRAMS / listed[0], *listed[1:]], capture_output=True, text=True).stdout.split())


def libpq(url: str) -> str:
    return url.replace("+asyncpg", "")


def test_what_is_restored_is_what_was_there(postgres: EmbeddedPostgres, environment: dict[str, str]) -> None:
    copy = backed_up(environment)
    assert sorted(path.name for path in copy.iterdir()) == ["SHA256SUMS", "database.dump", "pictures.tar"]
    assert copy.stat().st_mode & 0o077 == 0, "nobody else may read members' data"
    done = run(environment, "restore", str(copy), "house_again")
    assert done.returncode == 0, done.stderr
    before, after = (asyncio.run(contents(postgres.url(name))) for name in ("house", "house_again"))
    assert after == before
    assert before["payments"][0] > 0
    assert before["ledger_entries"][0] > 0
    # The money of the copy adds up, and its append-only tables are append-only again.
    assert camp("verify-ledger", CAMP_DATABASE_URL=postgres.url("house_again")).returncode == 0
    touched = ["psql", "-Xd", libpq(postgres.url("house_again")), "-c", "DELETE FROM ledger_entries"]
    assert subprocess.run([PROGRAMS / touched[0], *touched[1:]], capture_output=True).returncode == 1
    unpacked = subprocess.run(["tar", "-xOf", copy / "pictures.tar", "./poster/a.png"], capture_output=True)
    assert unpacked.stdout == b"a picture"


def test_a_real_database_is_never_overwritten(postgres: EmbeddedPostgres, environment: dict[str, str]) -> None:
    before = asyncio.run(contents(postgres.url("house")))
    done = run(environment, "restore", str(backed_up(environment)), "house")
    assert done.returncode != 0
    assert "already exists" in done.stderr
    assert asyncio.run(contents(postgres.url("house"))) == before


def test_a_damaged_copy_is_noticed_and_not_restored(postgres: EmbeddedPostgres, environment: dict[str, str]) -> None:
    copy = backed_up(environment)
    assert run(environment, "check", str(copy)).returncode == 0
    dump = bytearray((copy / "database.dump").read_bytes())
    dump[len(dump) // 2] ^= 1
    (copy / "database.dump").write_bytes(dump)
    for command in (("check", str(copy)), ("restore", str(copy), "never"), ("test-restore", str(copy))):
        done = run(environment, *command)
        assert done.returncode == 1
        assert "is damaged" in done.stderr
    assert {name for name in databases(postgres) if name.startswith(("never", "camp_restore_test"))} == set()


def test_a_restore_is_tried_beside_the_real_one(postgres: EmbeddedPostgres, environment: dict[str, str]) -> None:
    assert "there is no copy" in run(environment | {"BACKUP_DIR": "/nonexistent"}, "test-restore").stderr
    copy = backed_up(environment)
    before = databases(postgres)
    done = run(environment, "test-restore")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{copy.name}: schema ")
    assert "1 camps, 1 paid, 1 refunds" in done.stdout
    assert done.stdout.rstrip().endswith("of sum 0")
    assert databases(postgres) == before


def test_seven_copies_are_kept_and_nothing_else_is_touched(environment: dict[str, str]) -> None:
    folder = Path(environment["BACKUP_DIR"])
    for day in range(1, 10):
        (folder / f"camp-202601{day:02}T000000Z").mkdir(parents=True)
    (folder / ".making-camp-20260101T000000Z").mkdir()
    (folder / "mine").mkdir()
    newest = backed_up(environment)
    kept = sorted(path.name for path in folder.iterdir() if path.name != ".lock")
    assert kept == [*(f"camp-202601{day:02}T000000Z" for day in range(4, 10)), newest.name, "mine"]
    assert run(environment | {"BACKUP_KEEP": "0"}, "backup").returncode == 1


def test_without_a_database_there_is_no_copy(environment: dict[str, str], postgres: EmbeddedPostgres) -> None:
    """Not even an empty one that would push out a good one."""
    for url in (postgres.url("nothing_there"), postgres.url("postgres"), "mysql://x/y"):
        done = run(environment | {"CAMP_DATABASE_URL": url}, "backup")
        assert done.returncode != 0
    folder = Path(environment["BACKUP_DIR"])
    assert not folder.exists() or [path for path in folder.iterdir() if path.name.startswith("camp-")] == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql+asyncpg://camp:p%40ss%2Fword@db.example.com:5433/house",
            {"PGUSER": "camp", "PGPASSWORD": "p@ss/word", "PGHOST": "db.example.com", "PGPORT": "5433"},
        ),
        ("postgres://camp@127.0.0.1/house", {"PGUSER": "camp", "PGHOST": "127.0.0.1"}),
        ("postgresql://db:5432/house?sslmode=require", {"PGHOST": "db", "PGPORT": "5432", "PGSSLMODE": "require"}),
        ("postgresql://camp@/house?host=/run/postgresql&port=5434", {"PGUSER": "camp", "PGHOST": "/run/postgresql"}),
    ],
)
def test_a_password_is_never_among_the_arguments(
    environment: dict[str, str], tmp_path: Path, url: str, expected: dict[str, str]
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    seen = tmp_path / "seen"
    (programs / "pg_dump").write_text(f'#!/bin/sh\necho "$@" > {seen}.arguments; env > {seen}.environment; exit 1\n')
    (programs / "pg_dump").chmod(0o755)
    run(environment | {"PATH": f"{programs}:{os.environ['PATH']}", "CAMP_DATABASE_URL": url}, "backup")
    found = dict(line.split("=", 1) for line in Path(f"{seen}.environment").read_text().splitlines() if "=" in line)
    assert {name: found.get(name) for name in expected} == expected
    assert found["PGDATABASE"] == "house"
    assert "p@ss" not in Path(f"{seen}.arguments").read_text()
    assert ("PGPASSWORD" in found) is ("PGPASSWORD" in expected)
