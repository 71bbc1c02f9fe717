"""Identifiers: internal row ids, and the order and refund numbers that others see."""

import secrets
import uuid

from backend.core import clock

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTVWXYZ"


def new_id() -> uuid.UUID:
    """A UUID version 7 (RFC 9562). It sorts by time, so index inserts go to the end."""
    milliseconds = int(clock.timestamp() * 1000)
    value = (milliseconds & (2**48 - 1)) << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    value |= 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


def parse_id(text: str) -> uuid.UUID | None:
    """The id in ``text``, or None if it is malformed. Callers treat None like an unknown id."""
    try:
        return uuid.UUID(text) if len(text) == 36 else None
    except ValueError:
        return None


def new_number(prefix: str) -> str:
    """An unguessable public number: prefix, day and 16 random characters, 26 in all.

    WeChat Pay takes 6 to 32 characters from digits, letters and ``_-|*`` for ``out_trade_no`` and
    up to 64 for ``out_refund_no``; digits and upper-case letters are safe in both.
    """
    day = clock.today().strftime("%Y%m%d")
    tail = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return f"{prefix}{day}{tail}"
