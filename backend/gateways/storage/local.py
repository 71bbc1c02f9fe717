"""Pictures in a local folder: the default, needs no cloud account."""

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path

from backend.gateways.errors import Rejected, Unavailable
from backend.gateways.storage.keys import SYSTEM, check_key


class LocalStorage:
    """Files below ``directory``, readable only by our own user. The folder is created on first write."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, key: str, data: bytes, content_type: str) -> None:  # noqa: ARG002 - the key's ending tells the type
        await asyncio.to_thread(self._write, self._path(key), data)

    async def get(self, key: str) -> bytes:
        path = self._path(key)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise Rejected(SYSTEM, "not_found", key) from None
        except OSError as error:
            raise Unavailable(SYSTEM, "disk", error.strerror or "") from error

    async def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            raise Unavailable(SYSTEM, "disk", error.strerror or "") from error

    async def url(self, key: str, expires_seconds: int | None) -> str | None:  # noqa: ARG002 - the API serves the bytes
        check_key(key)
        return None

    def _path(self, key: str) -> Path:
        return self._directory / check_key(key)

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        # Write to a temporary file and rename, so that a reader never sees a partial picture. mkstemp creates it 0600.
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".upload-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, path)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
                raise
        except OSError as error:
            raise Unavailable(SYSTEM, "disk", error.strerror or "") from error
