"""Comparing and cleaning typed text."""

import re
import unicodedata

# Replaces personal data that retention cleared.
CLEARED = "已清除"
CLEARED_MESSAGE = "内容已按数据保留规则清除"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")


def folded(name: str) -> str:
    """A name for comparison: NFKC, case-folded, trimmed, runs of white space collapsed to one space."""
    # Case folding can undo normalisation and the other way round, so normalise again at the end.
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def has_control_characters(text: str) -> bool:
    """Whether a text holds control, zero-width or bidirectional control characters."""
    return _CONTROL.search(text) is not None


def mask_middle(text: str) -> str:
    """``123456789`` → ``123***789``. Texts of one or two characters are masked completely."""
    if len(text) <= 2:
        return "*" * len(text)
    keep = min(3, len(text) // 3) or 1
    return f"{text[:keep]}***{text[-keep:]}"
