"""A private directory per run, removed at its end; what a killed run left is removed by the next one.

The owner holds a lock on the directory itself. The kernel drops it however the owner ends, so a
directory that can be locked has no owner any more: no process ids are compared for that.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backend.embedded.processes import end_recorded, unprivileged_account

# A socket's path may have 107 bytes on Linux; this is what follows the base and the prefix in the longest of ours.
_LONGEST_PATH = 107 - len("xxxxxxxx/postgres/.s.PGSQL.5432")
_MARKER = ".camp-run"


class NoRunDirectoryError(Exception):
    """No temporary directory on this machine can hold the servers' files."""


@contextlib.contextmanager
def run_directory(prefix: str = "camp-") -> Iterator[Path]:
    """A new directory for one run; on exit servers still running in it are ended and everything is removed.

    Mode 0700. Started as root it is 0710 with the group of the unprivileged account that PostgreSQL runs
    under, so that this account reaches its own folder in it and nobody else reaches anything; what the
    account has no business with belongs into a 0700 folder inside. First ends the servers and removes the
    directories of runs with the same prefix and user whose owner is gone. Raises
    :class:`NoRunDirectoryError` when no temporary directory is usable.
    """
    base = _base_directory(prefix)
    _remove_abandoned(base, prefix)
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only after the lock: without this mark a directory is never taken for an abandoned one.
        (directory / _MARKER).touch(mode=0o600)
        account = unprivileged_account()
        if account is not None:
            os.chown(directory, 0, account.pw_gid)
            directory.chmod(0o710)
        yield directory
    finally:
        end_recorded(directory)  # those whose start a Ctrl-C interrupted
        _remove(directory)
        os.close(lock)


def _remove(directory: Path) -> None:
    """The mark goes last, so that the next run finishes what is interrupted here."""
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _MARKER:
            entry.unlink()
    shutil.rmtree(directory)


def _base_directory(prefix: str) -> Path:
    """The first usable one of the configured temporary directory, ``/tmp`` and ``/var/tmp``."""
    candidates = (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108 - a name is drawn by mkdtemp below these
    for candidate in candidates:
        base = Path(candidate).resolve()
        short = len(os.fsencode(base / prefix)) <= _LONGEST_PATH
        if short and os.access(base, os.W_OK | os.X_OK) and _fit_for_servers(base):
            return base
    raise NoRunDirectoryError(f"none of {', '.join(dict.fromkeys(candidates))} is short, writable and executable")


def _fit_for_servers(base: Path) -> bool:
    """As root the binaries are copied here and run by an account that must be able to get here."""
    if unprivileged_account() is None:
        return True
    open_to_all = all(step.stat().st_mode & 0o001 for step in (base, *base.parents))
    return open_to_all and not os.statvfs(base).f_flag & os.ST_NOEXEC


def _remove_abandoned(base: Path, prefix: str) -> None:
    for directory in base.glob(f"{prefix}*"):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError, BlockingIOError):
            _remove_if_abandoned(directory)


def _remove_if_abandoned(directory: Path) -> None:
    """Raises BlockingIOError when the owner lives, other OSErrors when this isn't a directory of ours."""
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        ours = os.fstat(lock).st_uid == os.geteuid() and (directory / _MARKER).is_file()
        if ours:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end_recorded(directory)
            _remove(directory)
    finally:
        os.close(lock)
