"""The audit chain from the outside: rows made through the product, tampering as the database's owner, and the form of
a hash written anew from docs/audit-chain.md."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text

from backend.core.actor import SYSTEM
from backend.core.db import Database
from backend.models.audit import AuditEntry
from backend.office.audit import service as audit

# What somebody does who covers their tracks: all hashes after place :kept anew, and the head.
REHASH = (
    "UPDATE audit_head SET (last_seq, hash) = (SELECT seq, hash FROM audit_log WHERE seq = :kept)",
    "UPDATE audit_log SET seq = NULL, prev_hash = NULL, hash = NULL WHERE seq > :kept",
    "SELECT camp_chain_audit()",
)
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


async def write(db: Database, *names: str) -> None:
    """One committed row for each name."""
    for name in names:
        async with db.transaction() as session:
            audit.record(session, SYSTEM, "test.act", target_type="test", target_name=name, after={"name": name})


async def tamper(db: Database, *statements: str, **values: Any) -> None:
    """What the database's owner can do: no trigger fires."""
    async with db.transaction() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            await session.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})


async def rows(db: Database) -> Sequence[AuditEntry]:
    async with db.transaction() as session:
        return (await session.scalars(select(AuditEntry).order_by(AuditEntry.seq))).all()


def as_jsonb(value: object) -> str:
    """As PostgreSQL prints jsonb: keys by length and then by bytes, one blank after colon and comma."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return "{" + ", ".join(f"{as_jsonb(key)}: {as_jsonb(value[key])}" for key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(as_jsonb(item) for item in value) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int | float):
        return format(Decimal(repr(value)), "f")
    return '"' + "".join(_ESCAPES.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in str(value)) + '"'


def hash_of(row: AuditEntry, prev_hash: bytes) -> bytes:
    """The hash of a row at its place, by what the documentation says."""
    at = row.created_at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    told = [
        row.seq, prev_hash.hex(), str(row.id), at, row.actor_kind, row.actor_id and str(row.actor_id), row.actor_name,
        row.action, row.target_type, row.target_id and str(row.target_id), row.target_name,
        row.camp_id and str(row.camp_id), row.before, row.after, row.note, row.error, row.ip, row.user_agent,
        row.request_id,
    ]  # fmt: skip
    return hashlib.sha256(as_jsonb(told).encode()).digest()
