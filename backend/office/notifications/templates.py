"""Texts with ``{name}`` in them: the whole language. Nothing is looked up in a value and nothing is run.

A brace that is meant is written twice, as in ``{{``.
"""

import re
from collections.abc import Collection, Mapping

# Two braces, a name in braces, or a brace on its own, in this order of preference.
_PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# What stands for a value that is not there.
ABSENT = "—"


def problem(template: str, allowed: Collection[str]) -> str | None:
    """Why a template can't be used, in Chinese, naming the first thing wrong; None when it can."""
    for part in _PARTS.finditer(template):
        name, text = part[1], part[0]
        if name is not None and name not in allowed:
            return f"没有名为 {{{name}}} 的占位符" if name else "占位符 {} 里没有名称"
        if name is None and len(text) == 1:
            return f"第 {part.start() + 1} 个字符「{text}」没有配对；要显示花括号本身请写两个"
    return None


def render(template: str, values: Mapping[str, str]) -> str:
    """The text with its values. Never fails: what has no value shows a dash, stray braces stay."""

    def filled(part: re.Match[str]) -> str:
        if part[1] is not None:
            return values.get(part[1], ABSENT)
        return part[0][0]

    return _PARTS.sub(filled, template)
