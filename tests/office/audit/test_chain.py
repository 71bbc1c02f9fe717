"""What happened to the audit log is found and named, whoever did it."""

import pytest

from backend.core.actor import Actor
from backend.core.db import Database
from backend.core.ids import new_id
from backend.models.audit import AuditEntry
from backend.office.audit.chain import GENESIS, Damage, DamageKind, Head, verify
from backend.office.audit.service import record
from tests.office.audit.chained import REHASH, hash_of, rows, tamper, write

K = DamageKind


async def damage(db: Database, *, expect: Head | None = None, part: int = 3) -> Damage | None:
    """By small parts, so that every finding is also made across their borders."""
    async with db.transaction() as session:
        return (await verify(session, expect=expect, part=part)).damage


async def head(db: Database) -> Head:
    async with db.transaction() as session:
        found = await verify(session)
    assert found.damage is None
    assert found.head is not None
    return found.head


def told(kind: DamageKind, row: AuditEntry, seq: int | None) -> Damage:
    return Damage(kind, seq, row.id, row.created_at, row.action)


@pytest.fixture
async def log(shared_db: Database) -> list[AuditEntry]:
    """Eight rows: row ``n`` stands at index ``n - 1``."""
    await write(shared_db, *"abcdefgh")
    return list(await rows(shared_db))


async def test_an_empty_log_is_whole(shared_db: Database) -> None:
    assert await head(shared_db) == Head(0, GENESIS)


async def test_rows_are_numbered_and_chained_at_commit(shared_db: Database, log: list[AuditEntry]) -> None:
    assert [row.seq for row in log] == list(range(1, 9))
    assert [row.target_name for row in log] == list("abcdefgh")
    before = GENESIS
    for row in log:
        assert row.prev_hash == before
        assert row.hash == hash_of(row, before)
        before = row.hash
    assert await head(shared_db) == Head(8, before)


async def test_the_form_of_a_hash_is_what_the_documentation_says(shared_db: Database) -> None:
    """Every column filled, and everything in it that could be written in two ways."""
    actor = Actor("staff", '张三 "x" \\ \b\f\n\r\t\x01\x7f  😀', new_id(), "2001:db8::1", "Browser/1.0", "r-1")
    strange = {"bb": [1, 2.5, -3, 1e-7, 10**20, True, False, None], "a": {}, "é": [], "aa": {"键": "值\n"}, "b": ""}
    async with shared_db.transaction() as session:
        record(
            session, actor, "test.act", target_type="test", target_id=new_id(), target_name="", camp_id=new_id(),
            before=strange, after={"x": strange}, note="注", error="失败",
        )  # fmt: skip
    await write(shared_db, "bare")
    first, second = await rows(shared_db)
    assert first.hash == hash_of(first, GENESIS)
    assert second.hash == hash_of(second, first.hash or b"")


async def test_one_transaction_of_many_rows_is_chained_in_the_order_of_writing(shared_db: Database) -> None:
    async with shared_db.transaction() as session:
        for number in range(50):
            record(session, Actor("staff", "x"), "test.act", target_type="test", target_name=str(number))
            if number % 10 == 0:
                await session.flush()
    assert [row.target_name for row in await rows(shared_db)] == [str(number) for number in range(50)]
    assert (await head(shared_db)).count == 50


async def test_what_is_rolled_back_leaves_no_gap(shared_db: Database) -> None:
    await write(shared_db, "a")

    async def fail() -> None:
        async with shared_db.transaction() as session:
            record(session, Actor("staff", "x"), "test.act", target_type="test")
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with shared_db.transaction() as session:
        async with session.begin_nested() as inner:
            record(session, Actor("staff", "x"), "test.act", target_type="test")
            await session.flush()
            await inner.rollback()
        record(session, Actor("staff", "kept"), "test.act", target_type="test")
    assert [(row.seq, row.actor_name) for row in await rows(shared_db)] == [(1, "system"), (2, "kept")]
    assert (await head(shared_db)).count == 2


@pytest.mark.parametrize(
    "change",
    [
        "actor_name = 'somebody'", "before = '{}'", "after = '{}'", "note = 'x'", "error = 'x'", "ip = '::1'",
        "created_at = created_at + interval '1 microsecond'", "target_id = gen_random_uuid()", "camp_id = id",
        "target_name = NULL", "user_agent = ''", "request_id = ''", "action = 'test.other'", "actor_id = id",
        "actor_kind = 'staff'", "target_type = ''", "hash = sha256('x')", "prev_hash = sha256('x')",
        "id = gen_random_uuid()",
    ],
)  # fmt: skip
async def test_a_changed_row_is_named(shared_db: Database, log: list[AuditEntry], change: str) -> None:
    await tamper(shared_db, f"UPDATE audit_log SET {change} WHERE seq = 4")
    found = await damage(shared_db)
    assert found is not None
    assert (found.kind, found.seq) == (K.CHANGED, 4)
    (now,) = [row for row in await rows(shared_db) if row.seq == 4]
    assert (found.id, found.created_at, found.action) == (now.id, now.created_at, now.action)


async def test_a_changed_row_with_a_hash_that_fits_is_named(shared_db: Database, log: list[AuditEntry]) -> None:
    await tamper(
        shared_db,
        "UPDATE audit_log SET note = 'x' WHERE seq = 4",
        "UPDATE audit_log AS a SET hash = camp_audit_hash(a, seq, prev_hash) WHERE seq = 4",
    )
    assert await damage(shared_db) == told(K.CHANGED, log[3], 4)


async def test_the_last_row_changed_with_a_hash_that_fits_is_named(shared_db: Database, log: list[AuditEntry]) -> None:
    await tamper(
        shared_db,
        "UPDATE audit_log SET note = 'x' WHERE seq = 8",
        "UPDATE audit_log AS a SET hash = camp_audit_hash(a, seq, prev_hash) WHERE seq = 8",
    )
    assert await damage(shared_db) == told(K.CHANGED, log[7], 8)


@pytest.mark.parametrize(("removed", "first"), [([1], 1), ([4], 4), ([3, 4, 5], 3), ([8], 8), ([6, 7, 8], 6)])
async def test_removed_rows_are_missed(
    shared_db: Database, log: list[AuditEntry], removed: list[int], first: int
) -> None:
    await tamper(shared_db, "DELETE FROM audit_log WHERE seq = ANY(:removed)", removed=removed)
    assert await damage(shared_db) == Damage(K.REMOVED, first)


async def test_a_removed_row_is_missed_although_the_others_moved_up(shared_db: Database, log: list[AuditEntry]) -> None:
    await tamper(
        shared_db,
        "DELETE FROM audit_log WHERE seq = 4",
        "UPDATE audit_log SET seq = -seq WHERE seq > 4",
        "UPDATE audit_log SET seq = -seq - 1 WHERE seq < 0",
    )
    assert await damage(shared_db) == Damage(K.REMOVED, 4)


INSERT = (
    "INSERT INTO audit_log (id, created_at, actor_kind, actor_name, action, target_type, seq, prev_hash, hash) "
    "SELECT gen_random_uuid(), created_at, 'staff', 'forger', 'test.forged', 'test', {} FROM audit_log WHERE seq = {}"
)


async def test_a_row_put_in_between_is_named(shared_db: Database, log: list[AuditEntry]) -> None:
    await tamper(
        shared_db,
        "UPDATE audit_log SET seq = -seq WHERE seq > 4",
        "UPDATE audit_log SET seq = -seq + 1 WHERE seq < 0",
        INSERT.format("5, hash, sha256('x')", 4),
    )
    found = await damage(shared_db)
    assert found is not None
    assert (found.kind, found.seq, found.action) == (K.INSERTED, 5, "test.forged")


async def test_a_row_put_in_between_with_a_hash_that_fits_is_named(shared_db: Database, log: list[AuditEntry]) -> None:
    await tamper(
        shared_db,
        "UPDATE audit_log SET seq = -seq WHERE seq > 4",
        "UPDATE audit_log SET seq = -seq + 1 WHERE seq < 0",
        INSERT.format("5, hash, sha256('x')", 4),
        "UPDATE audit_log AS a SET hash = camp_audit_hash(a, seq, prev_hash) WHERE seq = 5",
    )
    found = await damage(shared_db)
    assert found is not None
    assert (found.kind, found.seq, found.action) == (K.INSERTED, 5, "test.forged")


async def test_a_row_put_at_the_end_is_named(shared_db: Database, log: list[AuditEntry]) -> None:
    await tamper(
        shared_db,
        INSERT.format("9, hash, sha256('x')", 8),
        "UPDATE audit_log AS a SET hash = camp_audit_hash(a, seq, prev_hash) WHERE seq = 9",
    )
    found = await damage(shared_db)
    assert found is not None
    assert (found.kind, found.seq, found.action) == (K.INSERTED, 9, "test.forged")


async def test_a_row_put_beside_the_chain_is_named(shared_db: Database, log: list[AuditEntry]) -> None:
    await tamper(shared_db, INSERT.format("NULL, NULL, NULL", 8))
    found = await damage(shared_db)
    assert found is not None
    assert (found.kind, found.seq, found.action) == (K.INSERTED, None, "test.forged")


@pytest.mark.parametrize(("one", "other"), [(3, 4), (2, 7), (1, 8)])
@pytest.mark.parametrize("with_hashes", [True, False])
async def test_two_rows_that_changed_places_are_named(
    shared_db: Database, log: list[AuditEntry], one: int, other: int, with_hashes: bool
) -> None:
    """The places alone, or hashes too, so that only what the rows tell went from one to the other."""
    columns = "seq = {0}.seq" + (", prev_hash = {0}.prev_hash, hash = {0}.hash" if with_hashes else "")
    await tamper(
        shared_db,
        "CREATE TEMPORARY TABLE was ON COMMIT DROP AS SELECT id, seq, prev_hash, hash FROM audit_log",
        "UPDATE audit_log SET seq = -1 WHERE seq = :one",
        f"UPDATE audit_log SET {columns.format('was')} FROM was WHERE audit_log.seq = :other AND was.seq = :one",
        f"UPDATE audit_log SET {columns.format('was')} FROM was WHERE audit_log.seq = -1 AND was.seq = :other",
        one=one,
        other=other,
    )
    assert await damage(shared_db) == told(K.REORDERED, log[other - 1], one)


async def test_a_lost_head_is_damage(shared_db: Database, log: list[AuditEntry]) -> None:
    await tamper(shared_db, "DELETE FROM audit_head")
    assert await damage(shared_db) == Damage(K.REMOVED, 9)


async def test_a_tail_written_anew_is_found_by_a_noted_head(shared_db: Database, log: list[AuditEntry]) -> None:
    noted = await head(shared_db)
    early = Head(3, log[2].hash or b"")
    await tamper(shared_db, "UPDATE audit_log SET note = 'x' WHERE seq = 5", *REHASH, kept=4)
    assert await damage(shared_db) is None
    assert await damage(shared_db, expect=early) is None
    assert await damage(shared_db, expect=noted) == told(K.REWRITTEN, log[7], 8)


async def test_a_tail_taken_off_is_found_by_a_noted_head(shared_db: Database, log: list[AuditEntry]) -> None:
    noted = await head(shared_db)
    await tamper(shared_db, "DELETE FROM audit_log WHERE seq > 6", *REHASH, kept=6)
    assert await damage(shared_db) is None
    assert await damage(shared_db, expect=noted) == Damage(K.REMOVED, 7)
    await write(shared_db, "i", "j", "k")
    found = await damage(shared_db, expect=noted)
    assert found is not None
    assert (found.kind, found.seq) == (K.REWRITTEN, 8)


async def test_a_noted_head_still_holds_when_more_was_written(shared_db: Database, log: list[AuditEntry]) -> None:
    noted = await head(shared_db)
    await write(shared_db, "i")
    assert await damage(shared_db, expect=noted) is None
    assert await damage(shared_db, expect=Head(0, GENESIS)) is None


@pytest.mark.parametrize("noted", ["", "5", "5:", ":00", "x:" + "00" * 32, "-1:" + "00" * 32, "5:" + "00" * 31])
def test_what_isnt_a_head_is_refused(noted: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Head.parse(noted)


def test_a_head_is_written_as_it_is_read() -> None:
    head = Head(5, bytes(range(32)))
    assert Head.parse(str(head)) == head
