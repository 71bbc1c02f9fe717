"""Starts and stops server processes so that none outlives its run.

Linux only, like the servers' binaries. The kernel interrupts a child when its parent dies
(``PR_SET_PDEATHSIG``). Each child is also recorded in the run's directory, so that the next run can end one
that survived.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

# SIGINT makes both servers shut down cleanly at once (PostgreSQL: fast shutdown).
_STOP = signal.SIGINT
_PATIENCE_SECONDS = 15.0  # on a busy machine PostgreSQL's last checkpoint is slow
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class EmbeddedServerError(Exception):
    """An embedded server or command failed. The text ends with its last output."""


def unprivileged_account() -> pwd.struct_passwd | None:
    """As root, the account that PostgreSQL runs under, because it refuses root. None for a plain user.

    ``nobody`` exists on every Linux, so no system user has to be added.
    """
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


class _Identity(NamedTuple):
    """Identifies a process across PID reuse. ``started`` is its start time in ticks since boot."""

    pid: int
    started: int

    def alive(self) -> bool:
        return _start_time(self.pid) == self.started


def _start_time(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat (see proc(5)). None if the process is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


class ServerProcess:
    """One running server, logging to ``<directory>/<name>.log`` and recorded in ``<directory>/<name>.pid``."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        directory: Path,
        cwd: Path,
        account: pwd.struct_passwd | None = None,
    ) -> None:
        """Start ``command`` in ``cwd``, as ``account`` if given.

        Raises RuntimeError outside the main thread: PR_SET_PDEATHSIG fires when the starting *thread* ends.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("embedded servers are started from the main thread")
        self.name = name
        self._log = directory / f"{name}.log"
        self._record = directory / f"{name}.pid"
        with self._log.open("ab") as log, _ctrl_c_waits():
            self._process = _spawn(command, output=log.fileno(), cwd=cwd, account=account)
            identity = f"{self._process.pid} {_start_time(self._process.pid) or 0}\n"
            self._record.write_text(identity, encoding="utf-8")

    def wait_until(self, ready: Callable[[], bool], *, seconds: float = 60.0) -> None:
        """Poll until ``ready()``. On exit or timeout, stop the server and raise :class:`EmbeddedServerError`."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise EmbeddedServerError(f"{self.name} did not start:\n{tail}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server with SIGINT, and with SIGKILL after 15 seconds."""
        if self._process.poll() is None:
            self._process.send_signal(_STOP)
            try:
                self._process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._record.unlink(missing_ok=True)


def end_recorded(directory: Path) -> None:
    """End all servers recorded in a run's directory that still run, including those of a dead run."""
    for record in directory.glob("*.pid"):
        words = record.read_text(encoding="utf-8").split()
        if len(words) == 2:  # an incomplete record: its writer was killed
            _end(_Identity(int(words[0]), int(words[1])))


def _end(server: _Identity) -> None:
    # A stopped (SIGSTOP) process handles only SIGCONT and SIGKILL, so continue it first.
    for wanted in (signal.SIGCONT, _STOP, signal.SIGKILL):
        if not server.alive():
            return
        os.kill(server.pid, wanted)
        if wanted != signal.SIGCONT:
            _wait_for_end(server)


def _wait_for_end(server: _Identity) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while server.alive() and time.monotonic() < deadline:
        time.sleep(0.02)


def run_command(command: Sequence[str | Path], *, cwd: Path, account: pwd.struct_passwd | None = None) -> None:
    """Run ``command`` and wait for it. Raises :class:`EmbeddedServerError` with its output if it fails."""
    with _ctrl_c_waits(), _spawn(command, output=subprocess.PIPE, cwd=cwd, account=account) as process:
        output, _ = process.communicate()
    if process.returncode != 0:
        raise EmbeddedServerError(f"{Path(command[0]).name} failed:\n{output.decode(errors='replace')[-2000:]}")


def _spawn(
    command: Sequence[str | Path], *, output: int, cwd: Path, account: pwd.struct_passwd | None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - packaged binaries with arguments of ours
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        # A clean environment: a PG… variable, locale or library path of the caller would change the server.
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        start_new_session=True,  # keep Ctrl-C from the server: this process shuts it down cleanly
        preexec_fn=die_with(os.getpid()),
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )


@contextlib.contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Delay Ctrl-C until the end of the block. Otherwise a process could be started but not recorded."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are handled in the main thread only
        return
    held: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if held:
            signal.raise_signal(held[0])


def die_with(parent: int) -> Callable[[], None]:
    """Return a ``preexec_fn`` that makes the kernel interrupt the child when ``parent`` dies.

    It must run after the switch of user, which clears PR_SET_PDEATHSIG.
    """

    def ask_the_kernel() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, _STOP)
        if os.getppid() != parent:  # the parent died before prctl
            os._exit(1)

    return ask_the_kernel
