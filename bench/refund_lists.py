"""Making a camp's refund list: how its time grows with the members, beside growth in proportion."""

import datetime as dt
import statistics
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.db import Database
from backend.models.camps import Camp
from backend.models.checkins import SyncStatus
from backend.models.members import Member
from backend.refunds import lists
from bench import seed
from bench.measure import seconds_of
from bench.report import Line, Result, grouped, milliseconds
from bench.servers import Servers

_DAYS = 21
_FIRST, _AGAIN = "made", "made again"


async def run(servers: Servers, *, sizes: Sequence[int] = (100, 1000, 10_000), rounds: int = 3) -> Result:
    """Each round starts from a fresh copy of one database, and makes the list of every camp in it twice."""
    source = await servers.databases.copy()
    warm_up, *camps = await _prepare(servers, source, [10, *sizes])
    times: dict[tuple[str, int], list[float]] = defaultdict(list)
    for number in range(rounds):
        # Alternately from the small to the large and back, so that no size always comes first.
        order = list(zip(sizes, camps, strict=True))[:: -1 if number % 2 else 1]
        async with servers.twin(source) as url, servers.open(url) as db:
            for name in (_FIRST, _AGAIN):
                await _make(db, warm_up, expected=None)
                for size, camp in order:
                    expected = size - _not_eligible(size) if name == _FIRST else 0
                    times[name, size].append(await seconds_of(_make(db, camp, expected=expected)))
    medians = {key: statistics.median(values) for key, values in times.items()}
    lines = []
    for name in (_FIRST, _AGAIN):
        for small, large in pairwise(sizes):
            linear = medians[name, small] * large / small
            taken = medians[name, large]
            what = f"{name}, {grouped(large)} members after {grouped(small)}"
            lines.append(Line(what, milliseconds(taken), milliseconds(linear), taken / linear))
    notes = (
        "Linear: the smaller list's time times as many members. A ratio above 1 would be growth faster than linear.",
        f"{sizes[0]} members: "
        + ", ".join(f"{name} in {milliseconds(medians[name, sizes[0]])}" for name in (_FIRST, _AGAIN))
        + ".",
        f"All members are matched, one in ten is short of days. “{_AGAIN.capitalize()}” is the following night: "
        "every waiting row is judged anew, none is added.",
        f"Medians of {rounds} rounds, each on a fresh database, with the commit.",
    )
    return Result("Refund list", "linear", lines, notes)


def _not_eligible(size: int) -> int:
    return len(range(0, size, 10))


async def _prepare(servers: Servers, database_url: str, sizes: Sequence[int]) -> list[Camp]:
    camps = []
    async with servers.open(database_url) as db:
        for size in sizes:
            async with db.transaction() as session:
                camp = await seed.ended_camp(session, people=size, days=_DAYS)
                now = clock.now()
                await seed.sync_run(session, camp, status=SyncStatus.COMPLETE, finished_at=now, posts_read=True)
                await _count(session, camp, size, now)
                camps.append(camp)
        await seed.analyze(db)
    return camps


async def _count(session: AsyncSession, camp: Camp, size: int, at: dt.datetime) -> None:
    """Everybody checked in every day, but each tenth only once."""
    short = [seed.user_id(number) for number in range(0, size, 10)]
    members = update(Member).where(Member.camp_id == camp.id).execution_options(synchronize_session=False)
    await session.execute(members.values(days_ranking=_DAYS, days_posts=_DAYS, counted_at=at))
    await session.execute(members.where(Member.planet_user_id.in_(short)).values(days_ranking=1, days_posts=1))


async def _make(db: Database, camp: Camp, *, expected: int | None) -> None:
    async with db.transaction() as session:
        result = await lists.make_list(session, camp.id, actor=SYSTEM)
    if expected is not None and result.created != expected:
        raise RuntimeError(f"the list has {result.created} new rows, not {expected}")
