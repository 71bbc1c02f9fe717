"""Many transactions that write audit rows at once: one chain, no gap, no deadlock."""

import asyncio
import random
from collections import Counter
from itertools import pairwise

from sqlalchemy import select

from backend.core.actor import Actor
from backend.core.db import Database
from backend.models.audit import AuditEntry
from backend.models.staff import Staff
from backend.office.audit.chain import verify
from backend.office.audit.service import record
from tests.factories import make_staff

WORKERS, ACTS = 16, 25


async def test_parallel_transactions_make_one_chain(shared_db: Database) -> None:
    """Each also locks rows of people that others lock, before and after it writes, and some are rolled back."""
    async with shared_db.transaction() as session:
        people = sorted([(await make_staff(session)).id for _ in range(4)])
    kept = Counter[str]()

    async def act(worker: int, number: int, chance: random.Random) -> None:
        name, rows = f"{worker}:{number}", chance.randint(1, 4)
        first, second = sorted(chance.sample(people, 2))
        async with shared_db.transaction() as session:
            await session.scalar(select(Staff.id).where(Staff.id == first).with_for_update())
            for _ in range(rows):
                record(session, Actor("staff", name), "test.act", target_type="test")
            await session.flush()
            await session.scalar(select(Staff.id).where(Staff.id == second).with_for_update())
            record(session, Actor("staff", name), "test.act", target_type="test")
            if chance.random() < 0.2:
                await session.rollback()
            else:
                kept[name] = rows + 1

    async def work(worker: int) -> None:
        chance = random.Random(worker)
        for number in range(ACTS):
            await act(worker, number, chance)

    await asyncio.gather(*(work(worker) for worker in range(WORKERS)))
    async with shared_db.transaction() as session:
        report = await verify(session)
        names = (await session.scalars(select(AuditEntry.actor_name).order_by(AuditEntry.seq))).all()
    assert report.damage is None
    assert report.head is not None
    assert report.head.count == len(names) == kept.total()
    assert Counter(names) == kept
    # Rows of one transaction stand together.
    assert sum(1 for one, following in pairwise(names) if one != following) == len(kept) - 1
