"""Amounts are integers in fen everywhere. Only this module converts them to and from text."""

import re
from decimal import Decimal

_YUAN = re.compile(r"-?\d{1,13}(\.\d{1,2})?")


def format_yuan(fen: int) -> str:
    """``9900`` → ``"99.00"``."""
    sign = "-" if fen < 0 else ""
    yuan, rest = divmod(abs(fen), 100)
    return f"{sign}{yuan}.{rest:02d}"


def parse_yuan(text: str) -> int:
    """``"99.00"`` → ``9900``. Raises ValueError for anything that isn't an exact number of fen."""
    text = text.strip()
    if not _YUAN.fullmatch(text):
        raise ValueError(f"not an amount in yuan: {text!r}")
    return int(Decimal(text) * 100)
