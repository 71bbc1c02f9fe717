"""Message templates. ``{name}`` placeholders are the only syntax; values are inserted as they are, never evaluated.

Literal braces are doubled, as in ``{{``.
"""

import re
from collections.abc import Collection, Mapping

# A doubled brace, a placeholder, or a single brace, in this order of precedence.
_PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# Rendered for a missing value.
ABSENT = "—"


def problem(template: str, allowed: Collection[str]) -> str | None:
    """The first problem of a template, in Chinese; None if it is valid."""
    for part in _PARTS.finditer(template):
        name, text = part[1], part[0]
        if name is not None and name not in allowed:
            return f"没有名为 {{{name}}} 的占位符" if name else "占位符 {} 里没有名称"
        if name is None and len(text) == 1:
            return f"第 {part.start() + 1} 个字符「{text}」没有配对；要显示花括号本身请写两个"
    return None


def render(template: str, values: Mapping[str, str]) -> str:
    """Fill in the values. Never raises: a missing value becomes a dash, single braces stay."""

    def filled(part: re.Match[str]) -> str:
        if part[1] is not None:
            return values.get(part[1], ABSENT)
        return part[0][0]

    return _PARTS.sub(filled, template)
