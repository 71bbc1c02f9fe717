"""Storage of uploaded pictures: a local folder, or Tencent Cloud COS."""

from typing import Protocol

from backend.core.config import StorageSettings
from backend.gateways.storage.cos import CosStorage
from backend.gateways.storage.local import LocalStorage

__all__ = ["CosStorage", "LocalStorage", "Storage", "make_storage"]


class Storage(Protocol):
    """Stores bytes under keys such as ``posters/0198.png`` (lower-case letters, digits and ``/_.-``).

    All calls are idempotent. They raise ``Rejected("bad_key")`` for any other key, Unavailable if the store is
    unreachable or failing, and Rejected with the store's code if it refuses.
    """

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store ``data`` atomically; replaces an existing object."""

    async def get(self, key: str) -> bytes:
        """Return the bytes. Raises ``Rejected("not_found")``."""

    async def delete(self, key: str) -> None:
        """Delete the object; a missing one is no error."""

    async def url(self, key: str, expires_seconds: int | None) -> str | None:
        """A URL at the store that shows the picture without a log-in, valid for ``expires_seconds`` (None: one day).

        Returns None if the store has no URLs of its own; then the API serves the bytes under ``/media/``.
        """


def make_storage(settings: StorageSettings) -> Storage:
    """The store selected by ``settings.kind``."""
    return CosStorage(settings) if settings.kind == "cos" else LocalStorage(settings.local_dir)
