"""Decisions go by the evidence of now: a row that isn't what the reviewer saw is never paid (design §11)."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from backend.core.actor import SYSTEM
from backend.core.config import RefundSettings
from backend.core.ids import new_id
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import SyncStatus
from backend.models.members import MatchStatus, Member, Standing, Verdict
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.models.staff import StaffRole
from backend.money.refunds import lists, queries, repository, review, service, settlement
from backend.money.refunds.evidence import NothingDue, Seen, StaleEvidence
from backend.money.refunds.review import Expectation
from backend.office.staff.rules import PERMISSIONS
from backend.office.staff.service import Viewer
from backend.runtime import Runtime
from tests import factories
from tests.community.checkins.stage import Stage, make_stage
from tests.conftest import Time
from tests.money.refunds.facts import ended_camp, enrolled, recounted
from tests.money.refunds.provider import actor_of
from tests.money.refunds.test_refund_lists import counted_statements, settled_camp
from tests.money.refunds.test_refund_review import to_success
from tests.world import World

S = RefundStatus
V = Verdict
PRO_RATA = {"version": 2, "payout": {"kind": "pro_rata", "min": 2, "full_at": 9}}


async def manager(session: AsyncSession) -> Viewer:
    staff = await factories.make_staff(session, StaffRole.MANAGER)
    return Viewer(staff, new_id(), PERMISSIONS[StaffRole.MANAGER], None, actor_of(staff))


@pytest.fixture
async def viewer(session: AsyncSession) -> Viewer:
    return await manager(session)


async def batch(session: AsyncSession, viewer: Viewer, *refunds: Refund, **changes: Any) -> list[str]:
    """The code of each row."""
    fields = dict[str, Any](min_confidence=100, expected=Expectation(), password_right=None, settings=RefundSettings())
    results = await review.approve_batch(session, viewer, [row.id for row in refunds], **(fields | changes))
    return [result.code for result in results]


async def refused(session: AsyncSession, refund: Refund, seen: Seen | None = None) -> dict[str, Any] | None:
    """What a single approval says about now, having left the row alone."""
    with pytest.raises(StaleEvidence) as refusal:
        await review.approve(session, refund.id, actor=SYSTEM, note="看过了", seen=seen or Seen())
    assert (refund.status, refund.reviewed_at, refusal.value.status) == (S.PENDING_REVIEW, None, 409)
    return refusal.value.data


async def row_of(session: AsyncSession, member: Member) -> Refund:
    return (await session.scalars(select(Refund).where(Refund.member_id == member.id))).one()


class Story:
    """From planet to review: the list says 8 days for both, then posts of one of them vanish."""

    def __init__(self, stage: Stage, runtime: Runtime, loses: Member, keeps: Member) -> None:
        self.stage, self.runtime, self.loses, self.keeps = stage, runtime, loses, keeps


async def told(runtime: Runtime, world: World, time: Time) -> Story:
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
    return Story(stage, runtime, loses, keeps)


async def test_posts_vanish_after_the_list(runtime: Runtime, world: World, time: Time) -> None:
    story = await told(runtime, world, time)
    async with runtime.db.transaction() as session:
        viewer = await manager(session)
        lost, kept = await row_of(session, story.loses), await row_of(session, story.keeps)
        page = await settlement.settlement(session, story.stage.camp.id)
        [shown] = [line.member for line in page.lines if line.member.id == story.loses.id]
        listed = await queries.listed(session, lost.id)
        assert listed is not None
        assert (shown.verdict, shown.days, shown.standing) == (V.NOT_ELIGIBLE, 4, Standing.OUT_OF_REACH)
        assert (listed.evidence.verdict, listed.evidence.days, listed.amount_fen) == (V.NOT_ELIGIBLE, 4, 0)
        assert (lost.verdict, lost.days) == (None, None)

        now = {"verdict": "not_eligible", "amount_fen": 0, "days": 4}
        assert await refused(session, lost) == now
        assert await refused(session, lost, Seen(V.ELIGIBLE, 9900)) == now
        assert await refused(session, lost, Seen(amount_fen=9900)) == now
        with pytest.raises(NothingDue):
            await review.approve(session, lost.id, actor=SYSTEM, note="看过了", seen=Seen(V.NOT_ELIGIBLE, 0))
        with pytest.raises(review.ExpectationMismatch):
            await batch(session, viewer, lost, kept, expected=Expectation(2, 2 * 9900))
        seen = {lost.id: Seen(V.ELIGIBLE, 9900), kept.id: Seen(V.ELIGIBLE, 9900)}
        assert await batch(session, viewer, lost, kept, expected=Expectation(rows=seen)) == ["stale_evidence", "ok"]
        assert await batch(session, viewer, lost) == ["stale_evidence"]
        assert (lost.status, kept.status) == (S.PENDING_REVIEW, S.APPROVED)
        assert (kept.verdict, kept.days, kept.days_posts, kept.amount_fen) == (V.ELIGIBLE, 8, 8, 9900)

        # By filter: what was chosen tells the values of now, and only those that pay are taken.
        chosen = await queries.chosen(session, queries.Filter(status=[S.PENDING_REVIEW]), limit=10)
        assert chosen.rows == [(lost.id, V.NOT_ELIGIBLE, 0)]
        assert await batch(session, viewer, lost, expected=Expectation(rows={lost.id: Seen(V.NOT_ELIGIBLE, 0)})) == [
            "not_eligible"
        ]
        await review.reject(session, lost.id, actor=viewer.actor, reason="打卡未达标", seen=Seen(V.NOT_ELIGIBLE, 0))
        assert (lost.status, lost.verdict, lost.days, lost.amount_fen) == (S.REJECTED, V.NOT_ELIGIBLE, 4, 9900)


async def test_a_row_that_improved(session: AsyncSession, viewer: Viewer) -> None:
    """Whoever saw the doubt is asked to look again; who says nothing has it paid, since it is beyond doubt now."""
    camp = await settled_camp(session)
    first, second = [await enrolled(session, camp, days_posts=3) for _ in range(2)]
    await lists.make_list(session, camp.id, actor=SYSTEM)
    for member in (first, second):
        await recounted(session, member, days_posts=9)
    one, two = await row_of(session, first), await row_of(session, second)
    doubt = Seen(V.NEEDS_CONFIRMATION, 9900)
    assert await refused(session, one, doubt) == {"verdict": "eligible", "amount_fen": 9900, "days": 9}
    assert await batch(session, viewer, one, expected=Expectation(rows={one.id: doubt})) == ["stale_evidence"]
    assert await batch(session, viewer, one) == ["ok"]
    await review.approve(session, two.id, actor=SYSTEM, note=None)
    assert (two.status, two.verdict) == (S.APPROVED, V.ELIGIBLE)


async def test_a_part_of_a_deposit_is_paid_at_its_amount_of_now_or_not_at_all(
    session: AsyncSession, viewer: Viewer
) -> None:
    camp = await settled_camp(session, refund_policy=PRO_RATA)
    member = await enrolled(session, camp, days_ranking=3, days_posts=3)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    refund = await row_of(session, member)
    assert (refund.amount_fen, refund.listed_verdict) == (3300, V.PARTIAL)
    await recounted(session, member, days_ranking=6, days_posts=6)
    now = {"verdict": "partial", "amount_fen": 6600, "days": 6}
    assert await refused(session, refund) == now
    assert await refused(session, refund, Seen(V.PARTIAL, 3300)) == now
    assert await batch(session, viewer, refund) == ["stale_evidence"]
    assert await batch(session, viewer, refund, expected=Expectation(rows={refund.id: Seen(V.PARTIAL, 3300)})) == [
        "stale_evidence"
    ]
    await lists.make_list(session, camp.id, actor=SYSTEM)
    await session.refresh(refund)
    assert refund.amount_fen == 6600
    # A part passes in a batch only where the reviewer said for how much.
    assert await batch(session, viewer, refund) == ["expectation_required"]
    assert await batch(session, viewer, refund, expected=Expectation(1, 6600)) == ["ok"]
    assert (refund.status, refund.amount_fen, refund.verdict) == (S.APPROVED, 6600, V.PARTIAL)
    assert "6/9" in (refund.breakdown or {})["line"]


@pytest.mark.parametrize("seen", [Seen(V.PARTIAL), Seen(amount_fen=6600)])
async def test_what_a_request_leaves_out_is_held_against_the_list(session: AsyncSession, seen: Seen) -> None:
    camp = await settled_camp(session, refund_policy=PRO_RATA)
    member = await enrolled(session, camp, days_ranking=3, days_posts=3)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    refund = await row_of(session, member)
    changes = {"days_posts": 6, "days_ranking": 6} if seen.amount_fen is None else {"days_posts": 5, "days_ranking": 6}
    await recounted(session, member, **changes)
    assert member.entitled_fen == 6600
    await refused(session, refund, seen)


async def test_what_is_due_after_a_part_was_paid_comes_in_a_row_of_its_own(session: AsyncSession) -> None:
    """A better count, or a granted day, after the money has gone back."""
    camp = await settled_camp(session, refund_policy=PRO_RATA)
    member = await enrolled(session, camp, days_ranking=3, days_posts=3)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    first = await row_of(session, member)
    await to_success(session, first, await session.get_one(Payment, member.payment_id))
    assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == 0
    await recounted(session, member, days_ranking=6, days_posts=6)
    assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == 1
    rows = (await session.scalars(select(Refund).where(Refund.member_id == member.id))).all()
    [second] = [row for row in rows if row.id != first.id]
    assert (first.amount_fen, second.amount_fen, second.replaces_id) == (3300, 3300, None)
    assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == 0


async def test_an_approval_taken_back_follows_the_member_again(session: AsyncSession) -> None:
    camp = await settled_camp(session, refund_policy=PRO_RATA)
    member = await enrolled(session, camp, days_ranking=3, days_posts=3)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    refund = await row_of(session, member)
    await review.approve(session, refund.id, actor=SYSTEM, note=None)
    await review.undo(session, refund.id, actor=SYSTEM)
    assert (refund.verdict, refund.days, refund.listed_verdict) == (None, None, V.PARTIAL)
    await recounted(session, member, days_ranking=9, days_posts=9)
    await review.approve(session, refund.id, actor=SYSTEM, note=None, seen=Seen(V.ELIGIBLE, 9900))
    assert (refund.amount_fen, refund.verdict, refund.days) == (9900, V.ELIGIBLE, 9)


@pytest.mark.parametrize("changes", [{"days_ranking": 3, "days_posts": 3}, {"days_posts": None}])
async def test_another_doubt_is_held_against_the_sum_or_the_reasons(
    session: AsyncSession, viewer: Viewer, changes: dict[str, Any]
) -> None:
    """A batch at 66 admits enough days of a match by name; what it admitted must still be so."""
    member = await enrolled(session, await ended_camp(session), confidence=66)
    refund = await factories.make_refund(session, member)
    await recounted(session, member, **changes)
    assert await batch(session, viewer, refund, min_confidence=66) in (["stale_evidence"], ["needs_confirmation"])
    assert refund.status is S.PENDING_REVIEW


async def test_a_match_taken_back(session: AsyncSession, viewer: Viewer) -> None:
    member = await enrolled(session, await ended_camp(session))
    refund = await factories.make_refund(session, member)
    lost = {"status": MatchStatus.UNMATCHED, "confidence": 0, "days_ranking": None, "days_posts": None}
    await recounted(session, member, **lost)
    assert await batch(session, viewer, refund) == ["stale_evidence"]
    assert await refused(session, refund) == {"verdict": "needs_confirmation", "amount_fen": 0, "days": 0}


async def test_extra_refunds_have_no_evidence_to_outlive(session: AsyncSession, viewer: Viewer) -> None:
    member = await enrolled(session, await ended_camp(session), days_ranking=0, days_posts=0)
    payment = await session.get_one(Payment, member.payment_id)
    extra = await service.open_extra(
        session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=100, reason="争议", actor=SYSTEM,
        member_id=member.id,
    )  # fmt: skip
    assert await batch(session, viewer, extra) == ["ok"]


async def test_rejecting_needs_no_fresh_evidence_unless_it_is_told(session: AsyncSession, viewer: Viewer) -> None:
    member = await enrolled(session, await ended_camp(session))
    refund = await factories.make_refund(session, member)
    await recounted(session, member, days_ranking=0, days_posts=0)
    saw = Seen(V.ELIGIBLE, 9900)
    with pytest.raises(StaleEvidence):
        await review.reject(session, refund.id, actor=SYSTEM, reason="打卡未达标", seen=saw)
    [result] = await review.reject_batch(
        session, viewer, [refund.id], reason="打卡未达标", expected=Expectation(rows={refund.id: saw})
    )
    assert result.code == "stale_evidence"
    await review.reject(session, refund.id, actor=SYSTEM, reason="打卡未达标")
    assert (refund.status, refund.verdict, refund.days) == (S.REJECTED, V.NOT_ELIGIBLE, 0)


async def test_no_statement_per_row(session: AsyncSession, engine: AsyncEngine, viewer: Viewer) -> None:
    counts = []
    for size in (2, 20):
        camp = await ended_camp(session)
        rows = [await factories.make_refund(session, await enrolled(session, camp)) for _ in range(size)]
        with counted_statements(engine) as seen:
            assert len(await repository.lock_for_review(session, [row.id for row in rows])) == size
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 6
