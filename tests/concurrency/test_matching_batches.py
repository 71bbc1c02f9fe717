"""Batches of matches by several people at once: no deadlock, and nobody gets a person twice."""

import asyncio
import uuid

from backend.community.matching import batches
from backend.community.members import service as members
from backend.core.db import Database
from backend.models.members import MatchMethod, MatchStatus, Member
from tests import factories
from tests.money.refunds.provider import actor_of


async def test_overlapping_batches_over_two_camps(shared_db: Database) -> None:
    async with shared_db.transaction() as session:
        actor = actor_of(await factories.make_staff(session))
        camps = [await factories.make_camp(session) for _ in range(2)]
        rows = [
            await factories.make_member(
                session, camp, status=MatchStatus.MATCHED, confidence=66, match_method=MatchMethod.PLANET_NICKNAME,
                planet_user_id=str(1000 + number),
            )
            for camp in camps
            for number in range(10)
        ]  # fmt: skip
    ids = [row.id for row in rows]

    async def confirm(order: list[uuid.UUID]) -> int:
        async with shared_db.transaction() as session:
            found = await batches.confirm_many(session, order, actor=actor)
        return list(found.values()).count("ok")

    async def join(order: list[uuid.UUID]) -> int:
        async with shared_db.transaction() as session:
            await members.mark_many_joined(session, order, joined=True, actor=actor, camp_ids=None)
        return 0

    done = await asyncio.gather(confirm(ids[:]), confirm(ids[::-1]), join(ids[::-1]), join(ids[5:]))
    assert sum(done) == 20
    async with shared_db.transaction() as session:
        for id_ in ids:
            row = await session.get_one(Member, id_)
            assert (row.confidence, row.match_method) == (100, MatchMethod.MANUAL)
