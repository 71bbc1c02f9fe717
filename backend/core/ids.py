"""Identifiers: our own row ids, and the numbers we show to the outside."""

import secrets
import uuid

from backend.core import clock

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ"


def new_id() -> uuid.UUID:
    """A UUID version 7 (RFC 9562): sorts by time, so that indexes grow at their end."""
    milliseconds = int(clock.timestamp() * 1000)
    value = (milliseconds & (2**48 - 1)) << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    value |= 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


def parse_id(text: str) -> uuid.UUID | None:
    """The id in ``text``, or None for what can't be one (which callers answer like an unknown id)."""
    try:
        return uuid.UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def new_number(prefix: str) -> str:
    """An unguessable outward number: prefix, day and 16 random characters, 26 in all.

    WeChat Pay takes 6 to 32 characters from digits, letters and ``_-|*`` for ``out_trade_no`` and
    up to 64 for ``out_refund_no``; digits and upper-case letters are safe in both.
    """
    day = clock.today().strftime("%Y%m%d")
    tail = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return f"{prefix}{day}{tail}"
