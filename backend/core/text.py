"""Comparing and cleaning what people type."""

import re
import unicodedata

# What stands in place of personal data that were blanked.
CLEARED = "已清除"
CLEARED_MESSAGE = "内容已按数据保留规则清除"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")


def folded(name: str) -> str:
    """A name for comparison: NFKC, case-folded, trimmed, runs of white space as one blank."""
    # Folding case can undo normal form (and the other way round), so normal form has the last word.
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def has_control_characters(text: str) -> bool:
    """Whether a text holds control, zero-width or direction characters, which no name needs."""
    return _CONTROL.search(text) is not None


def mask_middle(text: str) -> str:
    """``123456789`` → ``123***789``; short texts lose all but their ends."""
    if len(text) <= 2:
        return "*" * len(text)
    keep = min(3, len(text) // 3) or 1
    return f"{text[:keep]}***{text[-keep:]}"
