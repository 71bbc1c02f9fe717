"""Taking an approval back: only while nothing of it was ever sent."""

import datetime as dt

import pytest
from sqlalchemy import select

from backend.core.actor import PROVIDER
from backend.core.db import Database
from backend.core.queue import Job
from backend.models.audit import AuditEntry
from backend.models.history import StateChange
from backend.models.refunds import Refund, RefundHold, RefundStatus
from backend.money.refunds import flows, recovery, review
from backend.runtime import Runtime
from tests import factories
from tests.conftest import RecordingQueue, Time
from tests.money.refunds.facts import refund_in
from tests.money.refunds.provider import actor_of, approved, books_agree, now_of, statuses
from tests.world import World

S = RefundStatus


@pytest.fixture
def pause(world: World) -> int:
    """Approvals wait so many seconds."""
    world.settings.refund.undo_seconds = 10
    return 10


async def undone(db: Database, refund: Refund) -> Refund:
    async with db.transaction() as session:
        return await review.undo(session, refund.id, actor=actor_of(await factories.make_staff(session)))


async def test_an_approval_waits_before_it_leaves(
    runtime: Runtime, world: World, time: Time, queue: RecordingQueue, pause: int
) -> None:
    [refund] = await approved(runtime, world)
    queue.jobs.clear()

    time.advance(pause - 1)
    await flows.send(runtime, {})
    assert (await now_of(runtime.db, refund)).status is S.APPROVED
    # It comes back by itself when the pause is over, not only with the sweep.
    reviewed_at = (await now_of(runtime.db, refund)).reviewed_at
    assert reviewed_at is not None
    assert queue.jobs == [Job("refunds.send", at=reviewed_at + dt.timedelta(seconds=pause))]

    time.advance(1)
    await flows.send(runtime, {})
    assert (await now_of(runtime.db, refund)).status is S.PROCESSING
    assert len(queue.jobs) == 1


async def test_the_sweep_keeps_the_pause_too(runtime: Runtime, world: World, time: Time, pause: int) -> None:
    await approved(runtime, world)
    assert (await flows.refund_sweep(runtime))["sent"] == 0
    time.advance(pause)
    assert (await flows.refund_sweep(runtime))["sent"] == 1


async def test_an_undone_approval_never_leaves(runtime: Runtime, world: World, time: Time, pause: int) -> None:
    [refund] = await approved(runtime, world)

    row = await undone(runtime.db, refund)

    assert (row.status, row.reviewer_id, row.reviewed_at, row.review_note) == (S.PENDING_REVIEW, None, None, None)
    time.advance(3600)
    await flows.send(runtime, {})
    await flows.refund_sweep(runtime)
    assert await statuses(runtime.db) == {"pending_review": 1}
    assert world.sandbox.wechat_pay.refunds.by_number == {}
    async with runtime.db.transaction() as session:
        await books_agree(session, world)


async def test_approved_anew_it_waits_anew_and_leaves_once(
    runtime: Runtime, world: World, time: Time, pause: int
) -> None:
    [refund] = await approved(runtime, world)
    time.advance(pause - 1)
    await undone(runtime.db, refund)
    async with runtime.db.transaction() as session:
        actor = actor_of(await factories.make_staff(session))
        await review.approve(session, refund.id, actor=actor, note=None)

    time.advance(pause - 1)
    await flows.send(runtime, {})
    assert await statuses(runtime.db) == {"approved": 1}
    time.advance(1)
    await flows.send(runtime, {})
    assert await statuses(runtime.db) == {"processing": 1}
    assert list(world.sandbox.wechat_pay.refunds.by_number) == [refund.out_refund_no]


async def test_who_and_what_is_written_down(runtime: Runtime, world: World) -> None:
    [refund] = await approved(runtime, world)
    await undone(runtime.db, refund)
    async with runtime.db.transaction() as session:
        moves = select(StateChange).where(StateChange.entity_id == refund.id).order_by(StateChange.id)
        change = (await session.scalars(moves)).all()[-1]
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "refund.undo"))).one()
    assert (change.from_state, change.to_state, change.event) == ("approved", "pending_review", "undo")
    assert entry.actor_id == change.actor_id is not None
    assert (entry.before or {})["status"] == "approved"
    assert entry.after == {"status": "pending_review"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (S.PENDING_REVIEW, "refund_not_approved"),
        (S.REJECTED, "refund_not_approved"),
        (S.SENDING, "refund_already_sent"),
        (S.PROCESSING, "refund_already_sent"),
        (S.SUCCEEDED, "refund_already_sent"),
        (S.FAILED, "refund_already_sent"),
        (S.CLOSED, "refund_already_sent"),
    ],
)
async def test_nothing_else_is_undone(db: Database, status: RefundStatus, code: str) -> None:
    async with db.transaction() as session:
        refund = await refund_in(session, status)
    with pytest.raises((review.NotApproved, review.AlreadySent)) as refused:
        await undone(db, refund)
    assert refused.value.code == code
    assert (await now_of(db, refund)).status is status


async def test_a_retry_is_not_undone_for_its_first_try_may_have_worked(runtime: Runtime, world: World) -> None:
    async with runtime.db.transaction() as session:
        refund = await refund_in(session, S.FAILED)
        settings = world.settings.refund
        await recovery.retry(session, refund.id, actor=PROVIDER, settings=settings)
    assert (await now_of(runtime.db, refund)).status is S.APPROVED
    with pytest.raises(review.AlreadySent):
        await undone(runtime.db, refund)


async def test_what_a_hold_keeps_back_can_be_undone(runtime: Runtime, world: World, time: Time) -> None:
    [refund] = await approved(runtime, world)
    async with runtime.db.transaction() as session:
        session.add(RefundHold(cause="provider_balance"))
    time.advance(3600)
    await flows.send(runtime, {})
    assert (await undone(runtime.db, refund)).status is S.PENDING_REVIEW
