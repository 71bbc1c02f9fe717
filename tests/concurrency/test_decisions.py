"""Decisions on refunds against each other, and against the syncs that change what they are decided on."""

import asyncio
from typing import Any

from backend.core.actor import SYSTEM
from backend.models.members import Verdict
from backend.models.refunds import RefundStatus
from backend.money.refunds import review
from backend.money.refunds.evidence import Seen, StaleEvidence
from backend.money.refunds.review import RefundAlreadyReviewed
from backend.runtime import Runtime
from tests.conftest import Time
from tests.money.refunds.test_stale_evidence import row_of, told
from tests.world import World

S = RefundStatus
V = Verdict


async def test_two_reviewers_at_once_and_neither_pays_what_is_stale(
    shared_runtime: Runtime, world: World, time: Time
) -> None:
    story = await told(shared_runtime, world, time)
    async with shared_runtime.db.transaction() as session:
        lost, kept = await row_of(session, story.loses), await row_of(session, story.keeps)

    async def approve(refund_id: Any) -> str:
        try:
            async with shared_runtime.db.transaction() as session:
                await review.approve(session, refund_id, actor=SYSTEM, note=None, seen=Seen(V.ELIGIBLE, 9900))
        except (StaleEvidence, RefundAlreadyReviewed) as refusal:
            return refusal.code
        return "ok"

    ids = (lost.id, lost.id, kept.id, kept.id)
    assert sorted(await asyncio.gather(*(approve(refund_id) for refund_id in ids))) == [
        "ok", "refund_already_reviewed", "stale_evidence", "stale_evidence",
    ]  # fmt: skip


async def test_a_sync_between_page_and_click_waits_for_the_decision_or_is_seen_by_it(
    shared_runtime: Runtime, world: World, time: Time
) -> None:
    """A recount holds the camp, a decision shares it: the frozen evidence is never half old, half new."""
    story = await told(shared_runtime, world, time)
    async with shared_runtime.db.transaction() as session:
        kept = await row_of(session, story.keeps)

    async def approve() -> None:
        async with shared_runtime.db.transaction() as session:
            await review.approve(session, kept.id, actor=SYSTEM, note=None)

    results = await asyncio.gather(approve(), story.stage.sync(), return_exceptions=True)
    assert not [each for each in results if isinstance(each, BaseException)]
    async with shared_runtime.db.transaction() as session:
        row = await row_of(session, story.keeps)
        assert (row.status, row.verdict, row.days, row.days_ranking) == (S.APPROVED, V.ELIGIBLE, 8, 8)
