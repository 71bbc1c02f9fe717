"""How a test run gets its servers (tests/servers.py), seen from small test runs of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = 'pytest_plugins = ["tests.servers"]\n'
TESTS = """
import os
import pytest
import redis

@pytest.mark.parametrize("number", range(4))
def test_sees_the_servers(number, servers):
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"{servers.database_admin_url} {servers.redis_url}\\n")
    if servers.redis_url.startswith("unix:"):
        with redis.Redis.from_url(servers.redis_url) as client:
            client.incr("tests")
            assert 1 <= int(client.get("tests")) <= 4
"""


def run_tests(folder: Path, *arguments: str, **environment: str) -> list[str]:
    """Run TESTS in ``folder``; returns the addresses that each of them saw."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_small.py").write_text(TESTS)
    seen = folder / "seen"
    settings = {"PYTHONPATH": str(ROOT), "SEEN": str(seen), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist.plugin", *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CAMP_TEST_"))}
    result = subprocess.run(command, cwd=folder, env=inherited | settings, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return seen.read_text().splitlines()


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "with workers"])
def test_one_pair_of_servers_per_run_and_none_afterwards(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    seen = run_tests(tmp_path, *arguments)
    assert len(seen) == 4
    without_database = {addresses.rpartition("?db=")[0] for addresses in seen}
    assert len(without_database) == 1
    directory = Path(seen[0].split("unix://")[1].split("?")[0]).parents[1]
    assert not directory.exists()


def test_each_worker_has_a_redis_database_of_its_own(tmp_path: Path) -> None:
    assert {addresses.rpartition("?db=")[2] for addresses in run_tests(tmp_path, "-n", "2")} == {"2", "3"}


def test_the_environment_names_real_servers(tmp_path: Path) -> None:
    addresses = {"CAMP_TEST_DATABASE_URL": "postgresql://db.invalid/x", "CAMP_TEST_REDIS_URL": "redis://r.invalid/0"}
    assert set(run_tests(tmp_path, **addresses)) == {"postgresql://db.invalid/x redis://r.invalid/0"}
