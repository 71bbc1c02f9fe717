"""Acts on many rows at once: what was asked for, and what became of each."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from backend.api.answers import Model
from backend.core.errors import NotFound
from backend.core.ids import parse_id

# Ids of the rows in one batch.
Ids = Annotated[list[str], Field(min_length=1, max_length=1000)]

_TEXTS = {"ok": "", "not_found": NotFound.message, "forbidden": "没有查看该训练营的权限"}


class BatchLineOut(Model):
    """``id`` as it was asked for; ``message`` says in Chinese why a row was left alone."""

    id: str
    ok: bool
    code: str
    message: str


class BatchOut(Model):
    """``done`` and ``skipped`` count the results."""

    results: list[BatchLineOut]
    done: int
    skipped: int


def parse_ids(texts: Sequence[str]) -> list[uuid.UUID]:
    """Each id once, without what can't be one."""
    return list(dict.fromkeys(id_ for text in texts if (id_ := parse_id(text)) is not None))


def batch_out(asked: Sequence[str], codes: Mapping[uuid.UUID, str], texts: Mapping[str, str]) -> BatchOut:
    """A line for each id that was asked for; ``texts`` explain the codes of this act's own."""
    by_text = {str(id_): code for id_, code in codes.items()}
    lines = []
    for text in dict.fromkeys(asked):
        code = by_text.get(text.lower(), "not_found")
        lines.append(BatchLineOut(id=text, ok=code == "ok", code=code, message=(_TEXTS | dict(texts))[code]))
    done = sum(line.ok for line in lines)
    return BatchOut(results=lines, done=done, skipped=len(lines) - done)
