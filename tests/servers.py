"""The servers behind the tests: embedded ones of our own, or real ones named by the environment.

``CAMP_TEST_DATABASE_URL`` (a database in which the role may create others) and ``CAMP_TEST_REDIS_URL`` (its data
are thrown away) each switch to a real server. Under pytest-xdist the controller starts what is needed once and
hands the addresses to its workers. A conftest activates all that with ``pytest_plugins = ["tests.servers"]``.

PYTEST_DONT_REWRITE, as a conftest may import from here before pytest reads that list.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from backend.embedded.postgres import EmbeddedPostgres
from backend.embedded.run_directory import run_directory
from backend.embedded.valkey import EmbeddedValkey

_WORKER_INPUT = "camp_servers"


@dataclass(frozen=True)
class Servers:
    """Where the servers are; ``stop()`` ends those that we started."""

    database_admin_url: str
    redis_url: str
    stop: Callable[[], None]


_KEY = pytest.StashKey[Servers]()


def start_servers() -> Servers:
    """Start the servers that the environment does not name."""
    database_url = os.environ.get("CAMP_TEST_DATABASE_URL")
    redis_url = os.environ.get("CAMP_TEST_REDIS_URL")
    with ExitStack() as stack:
        if not (database_url and redis_url):
            directory = stack.enter_context(run_directory())
            database_url = database_url or stack.enter_context(EmbeddedPostgres(directory)).url()
            redis_url = redis_url or stack.enter_context(EmbeddedValkey(directory)).url()
        return Servers(database_url, redis_url, stack.pop_all().close)


def servers_of(config: pytest.Config) -> Servers:
    """The servers of this test run, started when first asked for."""
    if _KEY not in config.stash:
        received: tuple[str, str] | None = getattr(config, "workerinput", {}).get(_WORKER_INPUT)
        config.stash[_KEY] = start_servers() if received is None else Servers(*received, stop=lambda: None)
    return config.stash[_KEY]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Of pytest-xdist, in the controller, before a worker starts."""
    servers = servers_of(node.config)
    number = int(node.gateway.id.removeprefix("gw"))
    # A Redis database of the worker's own, or tests that count requests empty each other's counters. There are 16;
    # 0 is for runs without workers, 1 for the browser tests' processes. A server of yours has just the one it names.
    redis_url = servers.redis_url.replace("?db=0", f"?db={2 + number % 14}")
    node.workerinput[_WORKER_INPUT] = (servers.database_admin_url, redis_url)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _KEY in config.stash:
        config.stash[_KEY].stop()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    """Real PostgreSQL and Redis. Workers of pytest-xdist share PostgreSQL: make databases of your own."""
    return servers_of(request.config)
