"""Where uploaded pictures lie: a local folder, or Tencent Cloud COS."""

from typing import Protocol

from backend.core.config import StorageSettings
from backend.gateways.storage.cos import CosStorage
from backend.gateways.storage.local import LocalStorage

__all__ = ["CosStorage", "LocalStorage", "Storage", "make_storage"]


class Storage(Protocol):
    """Bytes under keys such as ``posters/0198.png`` (lower-case letters, digits and ``/_.-``).

    All calls may be repeated without harm. They raise ``Rejected("bad_key")`` for any other key, Unavailable when
    the store can't be reached or is ill, and Rejected with the store's code when it refuses.
    """

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store ``data``, whole or not at all, over whatever was there."""

    async def get(self, key: str) -> bytes:
        """The bytes. Raises ``Rejected("not_found")``."""

    async def delete(self, key: str) -> None:
        """Forget them; what isn't there is fine."""

    async def url(self, key: str, expires_seconds: int | None) -> str | None:
        """An address at the store that shows the picture to whoever holds it, for so many seconds (None: one day).

        None when the store has no addresses of its own and the API serves the bytes under ``/media/``.
        """


def make_storage(settings: StorageSettings) -> Storage:
    """The store the settings ask for."""
    return CosStorage(settings) if settings.kind == "cos" else LocalStorage(settings.local_dir)
