"""Undo against the sender: whoever comes first has it, and the other leaves it alone."""

import asyncio
import random
from typing import Any

import pytest

from backend.core import clock
from backend.core.actor import Actor
from backend.core.db import Database
from backend.core.errors import Conflict
from backend.core.ids import new_id
from backend.models.refunds import Refund, RefundStatus
from backend.models.staff import StaffRole
from backend.money.refunds import flows, repository, review
from backend.office.staff.rules import PERMISSIONS
from backend.office.staff.service import Viewer
from backend.runtime import Runtime
from tests import factories
from tests.money.refunds.provider import actor_of, approved, books_agree
from tests.world import World

S = RefundStatus


@pytest.fixture(autouse=True)
def at_full_speed(world: World) -> None:
    world.settings.refund.per_second = 150


async def person(db: Database) -> Actor:
    async with db.transaction() as session:
        return actor_of(await factories.make_staff(session))


async def undo(db: Database, refund: Refund, actor: Actor) -> bool:
    try:
        async with db.transaction() as session:
            await review.undo(session, refund.id, actor=actor)
    except review.AlreadySent:
        return False
    return True


async def check(runtime: Runtime, world: World, undone: dict[Any, bool]) -> None:
    """What was undone is in review and unknown to the provider; what wasn't has left. Once more, nothing changes."""
    await flows.send(runtime, {})
    async with runtime.db.transaction() as session:
        rows = [await session.get_one(Refund, id_) for id_ in undone]
        await books_agree(session, world)
    there = set(world.sandbox.wechat_pay.refunds.by_number)
    assert there == {row.out_refund_no for row in rows if not undone[row.id]}
    assert {row.status for row in rows if undone[row.id]} <= {S.PENDING_REVIEW}
    assert {row.status for row in rows if not undone[row.id]} <= {S.PROCESSING}


async def test_single_undos_beside_senders(shared_runtime: Runtime, world: World) -> None:
    refunds = await approved(shared_runtime, world, 40)
    actor, found = await person(shared_runtime.db), dict[Any, bool]()
    shuffled = random.Random(7).sample(refunds, len(refunds))

    async def change_mind() -> None:
        for refund in shuffled:
            found[refund.id] = await undo(shared_runtime.db, refund, actor)

    await asyncio.gather(change_mind(), flows.send(shared_runtime, {}), flows.send(shared_runtime, {}))
    assert len(set(found.values())) == 2  # both happened, or the race wasn't one
    await check(shared_runtime, world, found)


async def test_batches_beside_claims(shared_runtime: Runtime, world: World) -> None:
    db, refunds = shared_runtime.db, await approved(shared_runtime, world, 40)
    async with db.transaction() as session:
        staff = await factories.make_staff(session)
    viewer = Viewer(staff, new_id(), PERMISSIONS[StaffRole.MANAGER], None, actor_of(staff))
    ids, found = sorted(refund.id for refund in refunds), dict[Any, bool]()

    async def batch(part: list[Any]) -> None:
        async with db.transaction() as session:
            results = await review.undo_batch(session, viewer, part, expected=review.Expectation())
        found.update({result.id: result.ok for result in results})

    async def batches() -> None:
        for start in range(0, len(ids), 8):
            await batch(ids[start : start + 8])

    await asyncio.gather(batches(), flows.send(shared_runtime, {}))
    assert len(set(found.values())) == 2
    await check(shared_runtime, world, found)


async def test_a_batch_and_a_claim_hold_rows_in_one_order(shared_runtime: Runtime, world: World) -> None:
    """The claim begins with the oldest approval, a batch with the lowest id: opposite here, and still no deadlock."""
    low, high = sorted(await approved(shared_runtime, world, 2), key=lambda refund: refund.id)
    async with shared_runtime.db.transaction() as session:
        (await session.get_one(Refund, low.id)).reviewed_at = clock.now()
    async with shared_runtime.db.transaction() as session:
        await repository.lock_for_review(session, [low.id])
        claiming = asyncio.create_task(flows.claim(shared_runtime))
        await asyncio.sleep(0.1)
        await repository.lock_for_review(session, [high.id])
    assert len(await claiming) == 2


async def test_a_claim_made_first_is_final(shared_runtime: Runtime, world: World) -> None:
    """Also between the claim and the call, when the provider knows nothing yet."""
    [refund] = await approved(shared_runtime, world)
    [one] = await flows.claim(shared_runtime)
    assert not await undo(shared_runtime.db, refund, await person(shared_runtime.db))
    await flows.record(shared_runtime, one, await flows.ask(shared_runtime, one))
    await check(shared_runtime, world, {refund.id: False})


async def test_an_undo_that_holds_the_row_makes_the_claim_wait_and_go_without(
    shared_runtime: Runtime, world: World
) -> None:
    [refund] = await approved(shared_runtime, world)
    actor = await person(shared_runtime.db)
    async with shared_runtime.db.transaction() as session:
        await review.undo(session, refund.id, actor=actor)
        await session.flush()
        claiming = asyncio.create_task(flows.claim(shared_runtime))
        await asyncio.sleep(0.1)
        assert not claiming.done()
    assert await claiming == []
    await check(shared_runtime, world, {refund.id: True})


async def test_two_undos_of_one_row(shared_runtime: Runtime, world: World) -> None:
    [refund] = await approved(shared_runtime, world)
    actor = await person(shared_runtime.db)

    async def change_mind() -> str:
        try:
            async with shared_runtime.db.transaction() as session:
                await review.undo(session, refund.id, actor=actor)
        except Conflict as refused:
            return refused.code
        return "ok"

    assert sorted(await asyncio.gather(*(change_mind() for _ in range(3)))) == [
        "ok", "refund_not_approved", "refund_not_approved",
    ]  # fmt: skip
