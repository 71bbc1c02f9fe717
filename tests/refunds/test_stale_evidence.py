"""Approving goes by the evidence of now: a row whose copy no longer holds waits until the list is made again."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from backend.core.actor import SYSTEM
from backend.core.config import RefundSettings
from backend.core.errors import Invalid
from backend.core.ids import new_id
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import SyncStatus
from backend.models.members import MatchStatus, Member, Verdict
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.models.staff import StaffRole
from backend.refunds import lists, recovery, review, service, settlement
from backend.runtime import Runtime
from backend.staff.rules import PERMISSIONS
from backend.staff.service import Viewer
from tests import factories
from tests.checkins.stage import make_stage
from tests.conftest import Time
from tests.refunds.facts import ended_camp, enrolled, listed, refund_in
from tests.refunds.provider import actor_of
from tests.refunds.test_refund_lists import counted_statements, settled_camp
from tests.world import World

S = RefundStatus
V = Verdict


async def manager(session: AsyncSession) -> Viewer:
    staff = await factories.make_staff(session, StaffRole.MANAGER)
    return Viewer(staff, new_id(), PERMISSIONS[StaffRole.MANAGER], None, actor_of(staff))


@pytest.fixture
async def viewer(session: AsyncSession) -> Viewer:
    return await manager(session)


async def batch(session: AsyncSession, viewer: Viewer, *refunds: Refund, **changes: Any) -> list[str]:
    """The code of each row."""
    fields = dict[str, Any](
        min_confidence=100, expected=review.Expectation(), password_right=None, settings=RefundSettings()
    )
    results = await review.approve_batch(session, viewer, [row.id for row in refunds], **(fields | changes))
    return [result.code for result in results]


async def refused(session: AsyncSession, refund: Refund) -> dict[str, Any] | None:
    """What a single approval says about now, having left the row alone."""
    with pytest.raises(review.StaleEvidence) as refusal:
        await review.approve(session, refund.id, actor=SYSTEM, note="看过了")
    assert (refund.status, refund.reviewed_at, refusal.value.status) == (S.PENDING_REVIEW, None, 409)
    return refusal.value.data


async def row_of(session: AsyncSession, member: Member) -> Refund:
    return (await session.scalars(select(Refund).where(Refund.member_id == member.id))).one()


async def test_posts_vanish_after_the_list(runtime: Runtime, world: World, time: Time) -> None:
    """From planet to approval: the list says 8 days, a later complete sync 4."""
    stage = await make_stage(runtime, world, time)
    lin, chen = stage.person("小林"), stage.person("陈西")
    loses, keeps = await stage.member(lin), await stage.member(chen)
    topics = stage.posts(lin, *range(1, 9))
    stage.posts(chen, *range(1, 9))
    time.set("2026-03-11 01:00")
    assert await stage.sync() is SyncStatus.COMPLETE
    async with runtime.db.transaction() as session:
        (await session.get_one(Camp, stage.camp.id)).status = CampStatus.ENDED
        await lists.make_list(session, stage.camp.id, actor=SYSTEM)

    for topic in topics[:4]:
        stage.zsxq.delete_post(topic)
    time.set("2026-03-11 09:00")
    assert await stage.sync() is SyncStatus.COMPLETE

    async with runtime.db.transaction() as session:
        viewer = await manager(session)
        lost, kept = await row_of(session, loses), await row_of(session, keeps)
        assert (lost.verdict, lost.days, kept.verdict, kept.days) == (V.ELIGIBLE, 8, V.ELIGIBLE, 8)
        page = await settlement.settlement(session, stage.camp.id)
        [shown] = [line.found for line in page.lines if line.member.id == loses.id]
        assert (shown.verdict, shown.days) == (V.NOT_ELIGIBLE, 4)
        assert await refused(session, lost) == {"verdict": "not_eligible", "days": 4}
        with pytest.raises(review.ExpectationMismatch):
            await batch(session, viewer, lost, kept, expected=review.Expectation(2, 2 * 9900))
        assert await batch(session, viewer, lost, kept) == ["stale_evidence", "ok"]
        assert (lost.status, kept.status) == (S.PENDING_REVIEW, S.APPROVED)

        await lists.make_list(session, stage.camp.id, actor=SYSTEM)
        assert (lost.verdict, lost.days) == (V.NOT_ELIGIBLE, 4)
        assert await batch(session, viewer, lost) == ["not_eligible"]
        with pytest.raises(Invalid):
            await review.approve(session, lost.id, actor=viewer.actor, note=None)
        await review.approve(session, lost.id, actor=viewer.actor, note="帖子被误删，已核实")
        assert lost.status is S.APPROVED


async def test_a_row_that_improved_is_stale_too(session: AsyncSession, viewer: Viewer) -> None:
    camp = await settled_camp(session)
    member = await enrolled(session, camp, days_posts=3)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    refund = await row_of(session, member)
    assert refund.verdict is V.NEEDS_CONFIRMATION
    member.days_posts = 9

    assert await refused(session, refund) == {"verdict": "eligible", "days": 9}
    assert await batch(session, viewer, refund) == ["stale_evidence"]

    await lists.make_list(session, camp.id, actor=SYSTEM)
    assert await batch(session, viewer, refund) == ["ok"]


async def test_more_or_fewer_days_on_the_same_side_change_nothing(session: AsyncSession, viewer: Viewer) -> None:
    member = await enrolled(session, await ended_camp(session))
    refund = await listed(session, member)
    member.days_ranking, member.days_posts = 10, 8
    assert await batch(session, viewer, refund) == ["ok"]


@pytest.mark.parametrize("changes", [{"days_ranking": 3, "days_posts": 3}, {"confidence": 33}, {"days_posts": None}])
async def test_another_doubt_under_the_same_verdict(
    session: AsyncSession, viewer: Viewer, changes: dict[str, Any]
) -> None:
    """A batch at 66 admits enough days of a match by name; what it admitted must still be so."""
    member = await enrolled(session, await ended_camp(session), confidence=66)
    refund = await listed(session, member)
    for name, value in changes.items():
        setattr(member, name, value)
    assert await batch(session, viewer, refund, min_confidence=66) == ["stale_evidence"]
    assert (await refused(session, refund) or {})["verdict"] == "needs_confirmation"


async def test_a_match_taken_back(session: AsyncSession, viewer: Viewer) -> None:
    member = await enrolled(session, await ended_camp(session))
    refund = await listed(session, member)
    member.status, member.confidence, member.days_ranking, member.days_posts = MatchStatus.UNMATCHED, 0, None, None
    assert await batch(session, viewer, refund) == ["stale_evidence"]
    assert await refused(session, refund) == {"verdict": "needs_confirmation", "days": 0}


async def test_extra_refunds_have_no_evidence_to_outlive(session: AsyncSession, viewer: Viewer) -> None:
    member = await enrolled(session, await ended_camp(session), days_ranking=0, days_posts=0)
    payment = await session.get_one(Payment, member.payment_id)
    extra = await service.open_extra(
        session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=100, reason="争议", actor=SYSTEM,
        member_id=member.id,
    )  # fmt: skip
    assert await batch(session, viewer, extra) == ["ok"]


async def test_rejecting_needs_no_fresh_evidence(session: AsyncSession) -> None:
    member = await enrolled(session, await ended_camp(session))
    refund = await listed(session, member)
    member.days_ranking = member.days_posts = 0
    await review.reject(session, refund.id, actor=SYSTEM, reason="打卡未达标")
    assert refund.status is S.REJECTED


async def test_the_successor_of_a_closed_row_carries_the_evidence_of_now(session: AsyncSession) -> None:
    """Also after the archive, where no list would bring it up to date."""
    closed = await refund_in(session, S.CLOSED)
    member = await session.get_one(Member, closed.member_id)
    member.days_ranking = member.days_posts = 4
    (await session.get_one(Camp, closed.camp_id)).status = CampStatus.ARCHIVED
    new = await recovery.retry(session, closed.id, actor=SYSTEM, settings=RefundSettings())
    assert (new.verdict, new.days) == (V.NOT_ELIGIBLE, 4)
    await review.approve(session, new.id, actor=SYSTEM, note="首次审核时达标")
    assert new.status is S.APPROVED


async def test_no_statement_per_row(session: AsyncSession, engine: AsyncEngine) -> None:
    counts = []
    for size in (2, 20):
        camp = await ended_camp(session)
        rows = [await listed(session, await enrolled(session, camp)) for _ in range(size)]
        with counted_statements(engine) as seen:
            assert len(await lists.judged_now(session, rows)) == size
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 4
