"""Making a camp's refund list: beside one SQL statement that makes the same rows, and beside growth in proportion."""

import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import asyncpg

from backend.community.eligibility.service import recount
from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.db import Database
from backend.models.camps import Camp
from backend.money.refunds import lists
from bench import seed
from bench.measure import seconds_of
from bench.report import Line, Result, grouped, milliseconds
from bench.servers import Servers, connect

_DAYS = 21
_FIRST, _AGAIN = "made", "made again"

# Who is entitled to more than has gone back, and has no row that is open or waits. A number of 16 hexadecimal digits.
_ONE_STATEMENT = """
INSERT INTO refunds (id, created_at, camp_id, member_id, payment_id, kind, status, amount_fen, out_refund_no, reason,
                     verdict_reasons, listed_verdict, replaces_id, attempts, sendings, manual_retries, settled_offline)
SELECT gen_random_uuid(), $2, m.camp_id, m.id, m.payment_id, 'camp', 'pending_review',
       m.entitled_fen - coalesce(r.gone_fen, 0), $3 || upper(right(replace(gen_random_uuid()::text, '-', ''), 16)), '',
       '[]', m.verdict, r.closed_id, 0, 0, 0, false
FROM members m
LEFT JOIN (
    SELECT payment_id, sum(amount_fen) FILTER (WHERE status = 'succeeded') AS gone_fen,
           bool_or(status IN ('pending_review', 'approved', 'sending', 'processing', 'failed')
                   OR (kind = 'camp' AND status <> 'closed')) AS is_open,
           (array_agg(id ORDER BY created_at DESC, id DESC) FILTER (WHERE kind = 'camp'))[1] AS closed_id
    FROM refunds WHERE camp_id = $1 GROUP BY payment_id
) r ON r.payment_id = m.payment_id
WHERE m.camp_id = $1 AND m.match_status = 'matched' AND m.entitled_fen > coalesce(r.gone_fen, 0)
  AND r.is_open IS NOT TRUE
ORDER BY m.paid_at, m.id
"""
_ROWS = """
SELECT camp_id, member_id, payment_id, kind, status, amount_fen, reason, verdict, verdict_reasons, listed_verdict,
       replaces_id, attempts, sendings, manual_retries, settled_offline
FROM refunds ORDER BY payment_id
"""


@dataclass(frozen=True, slots=True)
class _Taken:
    """Seconds by what was done and the number of members."""

    product: dict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    statement: dict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))


async def run(
    servers: Servers, *, sizes: Sequence[int] = (100, 1000, 10_000), rounds: int = 3
) -> tuple[Result, Result]:
    """Each round makes the list of every camp twice on each of two fresh copies of one database, one for each side."""
    source = await servers.databases.copy()
    warm_up, *camps = await _prepare(servers, source, [10, *sizes])
    taken = _Taken()
    for number in range(rounds):
        async with servers.twin(source) as url, servers.twin(source) as other_url, servers.open(url) as db:
            connection = await connect(other_url)
            try:
                for name in (_FIRST, _AGAIN):
                    await _make(db, warm_up, expected=9 if name == _FIRST else 0)
                    await _one_statement(connection, warm_up, expected=9 if name == _FIRST else 0)
                    # Alternately from the small to the large and back, so that no size always comes first; nor a side.
                    for size, camp in list(zip(sizes, camps, strict=True))[:: -1 if number % 2 else 1]:
                        expected = size - seed.short_of(size) if name == _FIRST else 0
                        sides = (
                            (taken.product, partial(_make, db, camp, expected=expected)),
                            (taken.statement, partial(_one_statement, connection, camp, expected=expected)),
                        )
                        for times, work in sides[:: -1 if number % 2 else 1]:
                            times[name, size].append(await seconds_of(work()))
            finally:
                await connection.close()
            await _compare(url, other_url)
    return _beside_sql(taken, sizes, rounds), _growth(taken, sizes)


def _beside_sql(taken: _Taken, sizes: Sequence[int], rounds: int) -> Result:
    product, statement = _medians(taken.product), _medians(taken.statement)
    lines = []
    for name in (_FIRST, _AGAIN):
        for size in sizes:
            ours, theirs = product[name, size], statement[name, size]
            what = f"{name}, {grouped(size)} members"
            lines.append(Line(what, milliseconds(ours), milliseconds(theirs), ours / theirs))
    notes = (
        "One statement: a hand-written `INSERT … SELECT` over bare asyncpg that leaves the same rows, which is "
        "checked; ids and numbers are PostgreSQL's. The product also holds the camp, looks for the sync, moves the "
        "camp on and writes history, log and messages.",
        f"All members are matched, one in {seed.SHORT_EACH} is short of days. “{_AGAIN.capitalize()}” is the following "
        "night: every waiting row is compared with what its member is entitled to, none is added.",
        f"Medians of {rounds} rounds, each on fresh databases, with the commit; the two take turns.",
    )
    return Result("Refund list", "one statement", lines, notes)


def _growth(taken: _Taken, sizes: Sequence[int]) -> Result:
    note = "Linear: the smaller list's time times as many members. A ratio above 1 would be growth faster than linear."
    return Result("Refund list, growth", "linear", list(_steps(_medians(taken.product), sizes)), [note])


def _steps(medians: dict[tuple[str, int], float], sizes: Sequence[int]) -> Iterator[Line]:
    for name in (_FIRST, _AGAIN):
        for small, large in pairwise(sizes):
            linear, ours = medians[name, small] * large / small, medians[name, large]
            what = f"{name}, {grouped(large)} members after {grouped(small)}"
            yield Line(what, milliseconds(ours), milliseconds(linear), ours / linear)


def _medians(times: dict[tuple[str, int], list[float]]) -> dict[tuple[str, int], float]:
    return {key: statistics.median(values) for key, values in times.items()}


async def _prepare(servers: Servers, database_url: str, sizes: Sequence[int]) -> list[Camp]:
    """Camps whose members are judged already, as a sync leaves them."""
    camps = []
    async with servers.open(database_url) as db:
        for size in sizes:
            async with db.transaction() as session:
                camp = await seed.ended_camp(session, people=size, days=_DAYS)
                await seed.read_to_the_end(session, camp, people=size, days=_DAYS)
                camps.append(camp)
        await seed.analyze(db)
        for camp in camps:
            async with db.transaction() as session:
                await recount(session, camp)
        await seed.vacuum(db)
    return camps


async def _make(db: Database, camp: Camp, *, expected: int) -> None:
    async with db.transaction() as session:
        result = await lists.make_list(session, camp.id, actor=SYSTEM)
    if result.created != expected:
        raise RuntimeError(f"the list has {result.created} new rows, not {expected}")


async def _one_statement(connection: asyncpg.Connection, camp: Camp, *, expected: int) -> None:
    prefix = f"R{clock.today():%Y%m%d}"
    async with connection.transaction():
        done = await connection.execute(_ONE_STATEMENT, camp.id, clock.now(), prefix)
    if done != f"INSERT 0 {expected}":
        raise RuntimeError(f"the statement did {done}, not {expected} rows")


async def _compare(url: str, other_url: str) -> None:
    """Both sides must have left the same rows, else the times mean nothing."""
    found = []
    for each in (url, other_url):
        connection = await connect(each)
        try:
            found.append([tuple(row) for row in await connection.fetch(_ROWS)])
        finally:
            await connection.close()
    if found[0] != found[1]:
        raise RuntimeError("the list and the statement left other rows")
