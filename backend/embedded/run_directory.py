"""A private directory per run, removed at its end. The next run removes what a killed run left.

The owner holds a lock on the directory itself. The kernel releases it however the owner ends. So a directory
that can be locked has no owner, and no process ids need to be compared.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backend.embedded.processes import end_recorded, unprivileged_account

# Bytes left for base and prefix: Linux limits a socket's path to 107 bytes, and this is our longest suffix.
_LONGEST_PATH = 107 - len("xxxxxxxx/postgres/.s.PGSQL.5432")
_MARKER = ".camp-run"


class NoRunDirectoryError(Exception):
    """No usable temporary directory: each is too long, not writable or not executable."""


@contextlib.contextmanager
def run_directory(prefix: str = "camp-") -> Iterator[Path]:
    """Create a directory for one run. On exit, end the servers still running in it and remove it.

    The mode is 0700. As root it is 0710 with the group of the unprivileged account that PostgreSQL runs under, so
    that only this account can reach its own folder inside. Put files that it must not read into a 0700 folder.
    First cleans up abandoned runs of the same prefix and user: ends their servers and removes their directories.
    Raises :class:`NoRunDirectoryError` if no temporary directory is usable.
    """
    base = _base_directory(prefix)
    _remove_abandoned(base, prefix)
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Create the marker only after locking: without it, another run could remove this directory as abandoned.
        (directory / _MARKER).touch(mode=0o600)
        account = unprivileged_account()
        if account is not None:
            os.chown(directory, 0, account.pw_gid)
            directory.chmod(0o710)
        yield directory
    finally:
        end_recorded(directory)  # servers whose start a Ctrl-C interrupted
        _remove(directory)
        os.close(lock)


def _remove(directory: Path) -> None:
    """Remove the marker last, so that the next run can finish an interrupted removal."""
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _MARKER:
            entry.unlink()
    shutil.rmtree(directory)


def _base_directory(prefix: str) -> Path:
    """The first usable of the configured temporary directory, ``/tmp`` and ``/var/tmp``."""
    candidates = (tempfile.gettempdir(), "/tmp", "/var/tmp")  # noqa: S108 - a name is drawn by mkdtemp below these
    for candidate in candidates:
        base = Path(candidate).resolve()
        short = len(os.fsencode(base / prefix)) <= _LONGEST_PATH
        if short and os.access(base, os.W_OK | os.X_OK) and _fit_for_servers(base):
            return base
    raise NoRunDirectoryError(f"none of {', '.join(dict.fromkeys(candidates))} is short, writable and executable")


def _fit_for_servers(base: Path) -> bool:
    """As root, the unprivileged account must be able to reach ``base`` and execute the binaries copied there."""
    if unprivileged_account() is None:
        return True
    open_to_all = all(step.stat().st_mode & 0o001 for step in (base, *base.parents))
    return open_to_all and not os.statvfs(base).f_flag & os.ST_NOEXEC


def _remove_abandoned(base: Path, prefix: str) -> None:
    for directory in base.glob(f"{prefix}*"):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError, BlockingIOError):
            _remove_if_abandoned(directory)


def _remove_if_abandoned(directory: Path) -> None:
    """Raises BlockingIOError if the owner lives, other OSErrors if it isn't a directory of a run."""
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        ours = os.fstat(lock).st_uid == os.geteuid() and (directory / _MARKER).is_file()
        if ours:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end_recorded(directory)
            _remove(directory)
    finally:
        os.close(lock)
