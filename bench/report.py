"""What was measured, as text for the terminal and for docs/performance.md."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_BEGIN, _END = "<!-- bench:begin -->", "<!-- bench:end -->"


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison. ``ratio`` is how many times the baseline's time the product takes."""

    what: str
    product: str
    baseline: str
    ratio: float


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark; ``baseline`` names what the product is compared with, ``notes`` say what was done."""

    title: str
    baseline: str
    lines: Sequence[Line]
    notes: Sequence[str]


def grouped(number: float, digits: int = 0) -> str:
    """With a space between thousands: 10 000."""
    return f"{number:,.{digits}f}".replace(",", " ")


def milliseconds(seconds: float) -> str:
    return f"{grouped(seconds * 1000, 1 if seconds < 0.1 else 0)} ms"


def per_second(number: float) -> str:
    return f"{grouped(number)}/s"


def machine(postgres: str) -> str:
    """What the figures depend on, without naming the machine."""
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, Python {platform.python_version()}, PostgreSQL {postgres}; servers on the same machine."


def markdown(results: Sequence[Result], about: str) -> str:
    return "\n\n".join([about, *map(_section, results)])


def _section(result: Result) -> str:
    rows = [("", "product", result.baseline, "product ÷ baseline")]
    rows += [(line.what, line.product, line.baseline, f"**{line.ratio:.2f}**") for line in result.lines]
    head, *body = ["| " + " | ".join(row) + " |" for row in rows]
    table = "\n".join([head, "| --- | ---: | ---: | ---: |", *body])
    return "\n\n".join([f"### {result.title}", table, "\n".join(f"- {note}" for note in result.notes)])


def plain(results: Sequence[Result], about: str) -> str:
    """The same for a terminal."""
    parts = [about]
    for result in results:
        rows = [(line.what, line.product, line.baseline, f"{line.ratio:.2f}") for line in result.lines]
        rows = [(result.title, "product", result.baseline, "ratio"), *rows]
        first, *others = (max(len(row[column]) for row in rows) for column in range(4))
        texts = [
            row[0].ljust(first) + "".join(f"   {cell:>{width}}" for cell, width in zip(row[1:], others, strict=True))
            for row in rows
        ]
        parts.append("\n".join([texts[0], "─" * len(texts[0]), *texts[1:]]))
    return "\n\n".join(parts)


def write_section(document: Path, text: str) -> None:
    """Put ``text`` between the document's two marks. Raises ValueError when they are missing."""
    before, begin, rest = document.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{document.name} has no marked section")
    document.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", encoding="utf-8")
