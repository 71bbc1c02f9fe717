"""Verifies the audit log, a hash chain: each row's hash covers that of the row before (docs/audit-chain.md)."""

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock

# ``prev_hash`` of the first row.
GENESIS = bytes(32)
# Rows per query: enough to amortise the round trip, few enough to bound memory.
PART = 10_000


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number of rows and the last hash. Written ``COUNT:HASH``."""

    count: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.count}:{self.hash.hex()}"

    @classmethod
    def parse(cls, noted: str) -> "Head":
        """Raise ValueError unless ``noted`` is ``COUNT:HASH``."""
        count, _, hashed = noted.strip().partition(":")
        head = cls(int(count), bytes.fromhex(hashed))
        if head.count < 0 or len(head.hash) != len(GENESIS):
            raise ValueError("not COUNT:HASH")
        return head


class DamageKind(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    # The chain is valid but doesn't contain the noted head: a tail was rewritten together with its hashes.
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Damage:
    """The first damaged row. Of a removed row only ``seq`` is known."""

    kind: DamageKind
    seq: int | None
    id: uuid.UUID | None = None
    created_at: dt.datetime | None = None
    action: str | None = None

    def __str__(self) -> str:
        place = "a row beside the chain" if self.seq is None else f"row {self.seq}"
        if self.id is None or self.created_at is None:
            return f"{self.kind}: {place}"
        return f"{self.kind}: {place} (id {self.id}, {clock.shanghai(self.created_at).isoformat()}, {self.action})"


@dataclass(frozen=True, slots=True)
class Report:
    """``head`` is the end of what was verified; None if the head row itself is missing."""

    head: Head | None
    damage: Damage | None


# The first broken row of a part, else the part's last row; no row at the end of the log.
_LOOK = text("""
WITH part AS MATERIALIZED (
    SELECT a.seq, a.id, a.created_at, a.action, a.prev_hash, a.hash,
           a.hash = camp_audit_hash(a, a.seq, a.prev_hash) AS intact
    FROM audit_log AS a WHERE a.seq > :seq ORDER BY a.seq LIMIT :part
), looked AS (
    SELECT *, intact AND seq = lag(seq, 1, CAST(:seq AS bigint)) OVER chain + 1
              AND prev_hash = lag(hash, 1, CAST(:hash AS bytea)) OVER chain AS holds,
           lag(seq, 1, CAST(:seq AS bigint)) OVER chain AS before_seq,
           lag(hash, 1, CAST(:hash AS bytea)) OVER chain AS before_hash
    FROM part WINDOW chain AS (ORDER BY seq)
)
SELECT * FROM looked WHERE NOT holds OR seq = (SELECT max(seq) FROM looked) ORDER BY seq LIMIT 1
""")

# One statement, so that both come from the same snapshot.
_END = text("""
SELECT head.last_seq, head.hash, EXISTS (SELECT FROM audit_log WHERE seq > :seq) AS more,
       (SELECT id FROM audit_log WHERE seq IS NULL ORDER BY created_at, id LIMIT 1) AS unchained
FROM (SELECT 1) AS one LEFT JOIN audit_head AS head ON true
""")

_ROW = text("SELECT seq, id, created_at, action, prev_hash, hash FROM audit_log WHERE seq = :seq")
_ROW_BY_ID = text("SELECT seq, id, created_at, action, prev_hash, hash FROM audit_log WHERE id = :id")

# The original place of the row that is now at :seq. Its content matches its own hash there, or the hash stored there.
_ORIGIN = text("""
SELECT place.seq
FROM audit_log AS stray,
     generate_series(1, greatest((SELECT max(seq) FROM audit_log), (SELECT last_seq FROM audit_head))) AS place (seq)
     LEFT JOIN audit_log AS there ON there.seq = place.seq
WHERE stray.id = :id AND place.seq <> :seq
  AND (stray.hash = camp_audit_hash(stray, place.seq, stray.prev_hash)
       OR there.hash = camp_audit_hash(stray, place.seq, there.prev_hash))
ORDER BY place.seq LIMIT 1
""")

# The row that was written for place :seq but is stored at another place.
_RIGHTFUL = text("""
SELECT owner.seq, owner.id, owner.created_at, owner.action
FROM audit_log AS owner
WHERE owner.id <> :id
  AND camp_audit_hash(owner, :seq, CAST(:before_hash AS bytea)) IN (owner.hash, CAST(:hash AS bytea))
LIMIT 1
""")


async def verify(session: AsyncSession, *, expect: Head | None = None, part: int = PART) -> Report:
    """Read the whole chain in parts and report the first damage.

    ``expect`` is a head noted earlier: the chain must still contain it. Rows written during the run are verified too.
    Memory use doesn't grow with the log.
    """
    last = Head(0, GENESIS)
    while True:
        row = await _one(session, _LOOK, seq=last.count, hash=last.hash, part=part)
        if row is not None and not row["holds"]:
            return Report(last, await _damage(session, row))
        if row is not None:
            last = Head(row["seq"], row["hash"])
            continue
        end = await _one(session, _END, seq=last.count)
        if end is not None and not end["more"]:
            break
    if end["last_seq"] is None:
        return Report(None, Damage(DamageKind.REMOVED, last.count + 1))
    return Report(last, await _end_damage(session, last, end) or await _unexpected(session, last, expect))


async def _end_damage(session: AsyncSession, last: Head, end: RowMapping) -> Damage | None:
    """Compare the stored head (``end``) with the last row that was read (``last``). None if they agree."""
    if end["unchained"] is not None:
        return _told(DamageKind.INSERTED, await _one(session, _ROW_BY_ID, id=end["unchained"]))
    if end["last_seq"] > last.count:
        return Damage(DamageKind.REMOVED, last.count + 1)
    if end["last_seq"] < last.count:
        return _told(DamageKind.INSERTED, await _one(session, _ROW, seq=end["last_seq"] + 1))
    if end["hash"] != last.hash:
        return _told(DamageKind.CHANGED, await _one(session, _ROW, seq=last.count))
    return None


async def _unexpected(session: AsyncSession, last: Head, expect: Head | None) -> Damage | None:
    if expect is None:
        return None
    if expect.count > last.count:
        return Damage(DamageKind.REMOVED, last.count + 1)
    row = await _one(session, _ROW, seq=expect.count)
    if (row["hash"] if row is not None else GENESIS) == expect.hash:
        return None
    return _told(DamageKind.REWRITTEN, row)


async def _damage(session: AsyncSession, stray: RowMapping) -> Damage:
    """Classify the damage at the first broken row. Scans the log again, which is acceptable because damage is rare."""
    due = stray["before_seq"] + 1
    if stray["intact"] and stray["seq"] == due:
        # The row itself is intact, so the row before was changed and its hash recomputed.
        return _told(DamageKind.CHANGED, await _one(session, _ROW, seq=max(due - 1, 1)))
    rightful = await _one(
        session, _RIGHTFUL, seq=due, id=stray["id"], before_hash=stray["before_hash"], hash=stray["hash"]
    )
    if stray["seq"] > due:
        return _told(DamageKind.REORDERED, rightful) if rightful is not None else Damage(DamageKind.REMOVED, due)
    origin = await _one(session, _ORIGIN, id=stray["id"], seq=due)
    if origin is None:
        return _told(DamageKind.CHANGED if rightful is None else DamageKind.INSERTED, stray)
    if origin["seq"] < due:
        # The row that is now at the original place was inserted.
        return _told(DamageKind.INSERTED, await _one(session, _ROW, seq=origin["seq"]))
    return Damage(DamageKind.REMOVED, due) if rightful is None else _told(DamageKind.REORDERED, stray)


def _told(kind: DamageKind, row: RowMapping | None) -> Damage:
    if row is None:
        return Damage(kind, None)
    return Damage(kind, row["seq"], row["id"], row["created_at"], row["action"])


async def _one(session: AsyncSession, statement: Any, **values: Any) -> RowMapping | None:
    return (await session.execute(statement, values)).mappings().first()
