"""Whether the audit log is as it was written: every row's hash holds that of the row before (docs/audit-chain.md)."""

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock

# Before the first row.
GENESIS = bytes(32)
# Read at a time: enough to make the way to the database cheap, and little memory.
PART = 10_000


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: how many rows it has, and the last one's hash. Written ``COUNT:HASH``."""

    count: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.count}:{self.hash.hex()}"

    @classmethod
    def parse(cls, noted: str) -> "Head":
        """Raises ValueError for what isn't ``COUNT:HASH``."""
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
    # The chain holds, but isn't the one that was noted: a tail was written anew, with all its hashes.
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Damage:
    """The first row that isn't as it was written. A removed row is known by its place alone."""

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
    """``head`` is the end of what was looked at, None where the head itself is gone."""

    head: Head | None
    damage: Damage | None


# The first row of a part that doesn't hold, else the part's last row; nothing when there are no more rows.
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

# One statement, so that both are seen as of the same instant.
_END = text("""
SELECT head.last_seq, head.hash, EXISTS (SELECT FROM audit_log WHERE seq > :seq) AS more,
       (SELECT id FROM audit_log WHERE seq IS NULL ORDER BY created_at, id LIMIT 1) AS unchained
FROM (SELECT 1) AS one LEFT JOIN audit_head AS head ON true
""")

_ROW = text("SELECT seq, id, created_at, action, prev_hash, hash FROM audit_log WHERE seq = :seq")
_ROW_BY_ID = text("SELECT seq, id, created_at, action, prev_hash, hash FROM audit_log WHERE id = :id")

# Where the row at place :seq stood when it was written, by its own hash or by the one that stands there now.
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

# The row that was written for place :seq and stands elsewhere.
_RIGHTFUL = text("""
SELECT owner.seq, owner.id, owner.created_at, owner.action
FROM audit_log AS owner
WHERE owner.id <> :id
  AND camp_audit_hash(owner, :seq, CAST(:before_hash AS bytea)) IN (owner.hash, CAST(:hash AS bytea))
LIMIT 1
""")


async def verify(session: AsyncSession, *, expect: Head | None = None, part: int = PART) -> Report:
    """Read the whole chain in parts and name the first damage.

    ``expect`` is a head noted earlier: the chain must still go through it. Rows that are written meanwhile are looked
    at too; memory doesn't grow with the log.
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
    """What the head says against the chain that was read; ``last`` is what the rows say."""
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
    """What happened at the first row that doesn't hold. Reads the log once more, which is rare enough."""
    due = stray["before_seq"] + 1
    if stray["intact"] and stray["seq"] == due:
        # It is as it was written, so the row before isn't, and got a hash of its own that fits.
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
        # Whatever stands where this row was written came later.
        return _told(DamageKind.INSERTED, await _one(session, _ROW, seq=origin["seq"]))
    return Damage(DamageKind.REMOVED, due) if rightful is None else _told(DamageKind.REORDERED, stray)


def _told(kind: DamageKind, row: RowMapping | None) -> Damage:
    if row is None:
        return Damage(kind, None)
    return Damage(kind, row["seq"], row["id"], row["created_at"], row["action"])


async def _one(session: AsyncSession, statement: Any, **values: Any) -> RowMapping | None:
    return (await session.execute(statement, values)).mappings().first()
