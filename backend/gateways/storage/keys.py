"""Valid keys of stored pictures."""

import re

from backend.gateways.errors import Rejected

SYSTEM = "storage"
_PART = r"[a-z0-9_-][a-z0-9_.-]*"
_KEY = re.compile(rf"{_PART}(/{_PART})*")
_MAX_LENGTH = 200


def check_key(key: str) -> str:
    """Return ``key``. Raises ``Rejected("bad_key")`` for one that could escape the folder or name a hidden file."""
    if len(key) > _MAX_LENGTH or ".." in key or not _KEY.fullmatch(key):
        raise Rejected(SYSTEM, "bad_key")
    return key
