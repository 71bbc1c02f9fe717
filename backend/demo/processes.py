"""Starts and stops the demo's processes (sandbox, API, worker), each with a log in the run's directory."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from backend.embedded.processes import die_with


class DemoError(Exception):
    """A step of the demo failed. The text is shown on the terminal."""


def free_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_or_free(wanted: int) -> int:
    """Return ``wanted``, or a free port if it is 0 or in use."""
    if wanted == 0:
        return free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
    return wanted


class Processes:
    """Child processes. The kernel ends them if this process dies; :meth:`stop` signals them in reverse order."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, *arguments: str, environment: Mapping[str, str]) -> None:
        """Start ``python -m …`` with the given settings and no other ``CAMP_*`` variables."""
        log = (self._logs / f"{name}.log").open("ab")
        child = subprocess.Popen(  # noqa: S603 - our own interpreter with our own arguments
            [sys.executable, "-m", *arguments],
            env=_clean_environment() | dict(environment),
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            # A new session keeps Ctrl-C from the children: `stop` ends them, or the kernel if this process is killed.
            start_new_session=True,
            preexec_fn=die_with(os.getpid()),
        )
        log.close()
        self._running.append((name, child))

    def run(self, name: str, *arguments: str, environment: Mapping[str, str]) -> None:
        """Run ``python -m …`` to its end. Raises DemoError with the end of its log if it fails."""
        with (self._logs / f"{name}.log").open("ab") as log:
            done = subprocess.run(  # noqa: S603 - our own interpreter with our own arguments
                [sys.executable, "-m", *arguments],
                env=_clean_environment() | dict(environment),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                check=False,
            )
        if done.returncode != 0:
            raise DemoError(f"{name} ended with status {done.returncode}:\n{self.tail(name)}")

    def wait_for(self, name: str, url: str, *, seconds: float = 30) -> None:
        """Wait until ``url`` answers 200. Raises DemoError if the process ends or time runs out."""
        child = dict(self._running)[name]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise DemoError(f"{name} ended with status {child.returncode}:\n{self.tail(name)}")
            try:
                if httpx.get(url, timeout=2, trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise DemoError(f"{name} didn't answer within {seconds:.0f} seconds:\n{self.tail(name)}")

    def check(self) -> None:
        """Raise DemoError if a child has ended."""
        for name, child in self._running:
            if child.poll() is not None:
                raise DemoError(f"{name} ended with status {child.returncode}:\n{self.tail(name)}")

    def tail(self, name: str) -> str:
        lines = (self._logs / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-15:])

    def stop(self) -> None:
        for _, child in reversed(self._running):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for _, child in reversed(self._running):
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._running.clear()


def _clean_environment() -> dict[str, str]:
    """The environment without ``CAMP_*`` settings, so that the demo is the same on every machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAMP_")}
    # Without this, a proxy of the machine would receive the requests between the demo's processes.
    return {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}
