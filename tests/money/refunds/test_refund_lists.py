"""The refund list: when it may be made, who gets on it, and what making it again leaves alone."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import SyncRun, SyncStatus, SyncTrigger
from backend.models.history import StateChange
from backend.models.members import MatchStatus, Verdict
from backend.models.notifications import Notification
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.money.ledger import service as ledger
from backend.money.refunds import flows, lists, queries, repository, service
from backend.runtime import Runtime
from tests.conftest import Time
from tests.money.refunds.facts import REVIEWER, ended_camp, enrolled, fact_about, recounted

S = RefundStatus
OVER = dt.datetime(2026, 2, 20, tzinfo=clock.SHANGHAI)  # the first instant after the camp's last day


async def synced(
    session: AsyncSession,
    camp: Camp,
    *,
    at: dt.datetime = OVER,
    status: SyncStatus = SyncStatus.COMPLETE,
    **fields: Any,
) -> None:
    session.add(
        SyncRun(camp_id=camp.id, trigger=SyncTrigger.SCHEDULER, status=status, started_at=at, heartbeat_at=at, **fields)
    )
    await session.flush()


async def settled_camp(session: AsyncSession, **fields: Any) -> Camp:
    """Over, and completely synced since."""
    camp = await ended_camp(session, **fields)
    await synced(session, camp)
    return camp


async def rows(session: AsyncSession, camp: Camp) -> list[Refund]:
    statement = select(Refund).where(Refund.camp_id == camp.id).order_by(Refund.created_at, Refund.id)
    return list(await session.scalars(statement))


# When.


async def test_not_before_the_last_day_is_over(session: AsyncSession, time: Time) -> None:
    camp = await ended_camp(session)
    await synced(session, camp)
    time.set("2026-02-19 23:59")
    with pytest.raises(lists.CampNotEnded):
        await lists.make_list(session, camp.id, actor=SYSTEM)
    time.set("2026-02-20 02:00")
    await lists.make_list(session, camp.id, actor=SYSTEM)


@pytest.mark.parametrize("status", [CampStatus.DRAFT, CampStatus.ENROLLING, CampStatus.ONGOING])
async def test_not_while_the_camp_goes_on(session: AsyncSession, status: CampStatus) -> None:
    camp = await settled_camp(session, status=status)
    with pytest.raises(lists.CampNotEnded):
        await lists.make_list(session, camp.id, actor=SYSTEM)


async def test_not_after_the_archive(session: AsyncSession) -> None:
    camp = await settled_camp(session, status=CampStatus.ARCHIVED)
    with pytest.raises(lists.ListClosed):
        await lists.make_list(session, camp.id, actor=SYSTEM)


@pytest.mark.parametrize(
    ("at", "status", "allowed"),
    [
        (OVER - dt.timedelta(seconds=1), SyncStatus.COMPLETE, False),  # may lack the last day's last posts (B1)
        (OVER, SyncStatus.COMPLETE, True),
        (OVER, SyncStatus.PARTIAL, False),
        (OVER, SyncStatus.FAILED, False),
        (OVER, SyncStatus.RUNNING, False),
    ],
)
async def test_only_from_a_complete_sync_begun_after_the_last_day(
    session: AsyncSession, at: dt.datetime, status: SyncStatus, allowed: bool
) -> None:
    camp = await ended_camp(session)
    await enrolled(session, camp)
    await synced(session, camp, at=at, status=status, error_message="第 2 页读取失败")
    if allowed:
        assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == 1
        return
    with pytest.raises(lists.SyncIncomplete):
        await lists.make_list(session, camp.id, actor=SYSTEM)
    assert await rows(session, camp) == []
    assert camp.status is CampStatus.ENDED


async def test_an_older_complete_sync_counts_although_a_later_one_failed(session: AsyncSession) -> None:
    camp = await settled_camp(session)
    await synced(session, camp, at=OVER + dt.timedelta(days=1), status=SyncStatus.FAILED)
    assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == 0


async def test_the_refusal_says_why(session: AsyncSession) -> None:
    camp = await ended_camp(session)
    with pytest.raises(lists.SyncIncomplete) as none:
        await lists.make_list(session, camp.id, actor=SYSTEM)
    assert none.value.data == {"last_run_status": None, "error_message": None}
    await synced(session, camp, status=SyncStatus.PARTIAL, error_message="第 2 页读取失败")
    with pytest.raises(lists.SyncIncomplete) as partial:
        await lists.make_list(session, camp.id, actor=SYSTEM)
    assert partial.value.data == {"last_run_status": "partial", "error_message": "第 2 页读取失败"}
    assert "第 2 页读取失败" in partial.value.text


# Who.


async def test_everybody_in_the_right_place(session: AsyncSession) -> None:
    camp = await settled_camp(session)
    eligible = await enrolled(session, camp, days_ranking=7, days_posts=7)
    disagree = await enrolled(session, camp, days_ranking=7, days_posts=6)
    by_name = await enrolled(session, camp, confidence=66)
    short = await enrolled(session, camp, days_ranking=6, days_posts=6)
    unmatched = await enrolled(session, camp, planet_user_id=None)
    suggested = await enrolled(session, camp, status=MatchStatus.SUGGESTED, confidence=33)

    result = await lists.make_list(session, camp.id, actor=SYSTEM)

    assert result == lists.ListResult(
        created=3, eligible=1, partial=0, needs_confirmation=2, not_eligible=1, unmatched=2
    )
    made = {row.member_id: row for row in await rows(session, camp)}
    assert set(made) == {eligible.id, disagree.id, by_name.id}
    assert not {short.id, unmatched.id, suggested.id} & set(made)
    row = made[eligible.id]
    assert (row.kind, row.status, row.amount_fen) == (RefundKind.CAMP, S.PENDING_REVIEW, 9900)
    # What it is decided on are the member's columns, until somebody decides.
    assert (row.verdict, row.verdict_reasons, row.days, row.confidence) == (None, [], None, None)
    assert row.listed_verdict is Verdict.ELIGIBLE
    assert disagree.verdict_reasons == ["sources_disagree", "days_short"]
    assert by_name.verdict_reasons == ["match_below_100", "enough_days"]
    assert len({row.out_refund_no for row in made.values()}) == 3


async def test_the_deal_frozen_at_payment_decides_not_the_camp_s_present_one(session: AsyncSession) -> None:
    """B22, refund policy is data."""
    camp = await settled_camp(session)
    await enrolled(session, camp, refund_policy={"kind": "threshold", "required_days": 9})
    await enrolled(session, camp, refund_policy={"kind": "threshold", "required_days": 10})
    camp.refund_policy = {"kind": "threshold", "required_days": 1}
    assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == 1


async def test_the_first_list_begins_the_settlement_and_is_told_and_logged(session: AsyncSession) -> None:
    camp = await settled_camp(session)
    await enrolled(session, camp)
    await lists.make_list(session, camp.id, actor=REVIEWER)
    await session.flush()
    assert camp.status is CampStatus.SETTLING
    move = (await session.scalars(select(StateChange).where(StateChange.entity_id == camp.id))).one()
    assert (move.from_state, move.to_state, move.event) == ("ended", "settling", "refund_list")
    message = (await session.scalars(select(Notification))).one()
    assert message.scene == "camp_ended_review"
    assert "1 笔，共 99.00 元" in message.content
    begun, entry = (await session.scalars(select(AuditEntry).order_by(AuditEntry.created_at))).all()
    assert (begun.action, begun.before, begun.after) == ("camp.settle", {"status": "ended"}, {"status": "settling"})
    assert (entry.action, entry.actor_name, entry.after) == (
        "refund.generate",
        "reviewer",
        {"created": 1, "eligible": 1, "partial": 0, "needs_confirmation": 0, "not_eligible": 0, "unmatched": 0},
    )


# Again.


async def test_making_it_again_creates_nothing_and_tells_nobody(session: AsyncSession) -> None:
    camp = await settled_camp(session)
    await enrolled(session, camp)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == 0
    assert len(await rows(session, camp)) == 1
    assert len(list(await session.scalars(select(Notification)))) == 1


async def test_late_matches_join_and_pending_rows_follow_the_counts(session: AsyncSession) -> None:
    camp = await settled_camp(session)
    late = await enrolled(session, camp, planet_user_id=None)
    counted = await enrolled(session, camp)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    nine = {"days_ranking": 9, "days_posts": 9}
    await recounted(session, late, planet_user_id="999", status=MatchStatus.MATCHED, confidence=100, **nine)
    await recounted(session, counted, days_ranking=3, days_posts=3)

    result = await lists.make_list(session, camp.id, actor=SYSTEM)

    assert (result.created, result.not_eligible) == (1, 1)
    kept = next(row for row in await rows(session, camp) if row.member_id == counted.id)
    shown = await queries.listed(session, kept.id)
    assert shown is not None
    assert (kept.status, shown.evidence.verdict, shown.evidence.days, shown.amount_fen) == (
        S.PENDING_REVIEW, Verdict.NOT_ELIGIBLE, 3, 0,
    )  # fmt: skip


@pytest.mark.parametrize("status", [S.APPROVED, S.SENDING, S.PROCESSING, S.SUCCEEDED, S.FAILED, S.REJECTED])
async def test_rows_a_person_decided_on_are_left_alone(session: AsyncSession, status: RefundStatus) -> None:
    """B26: re-generation after approvals."""
    camp = await settled_camp(session)
    member = await enrolled(session, camp)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    [row] = await rows(session, camp)
    [held] = (await repository.lock_for_review(session, [row.id])).values()
    held.freeze()
    row.reviewed_at, row.reject_reason, row.status = clock.now(), "其他", status
    await recounted(session, member, days_ranking=0, days_posts=0)

    assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == 0

    [row] = await rows(session, camp)
    assert (row.status, row.verdict, row.days) == (status, Verdict.ELIGIBLE, 9)


async def test_a_closed_row_gets_a_successor_for_review(session: AsyncSession) -> None:
    camp = await settled_camp(session)
    await enrolled(session, camp)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    [row] = await rows(session, camp)
    row.reviewed_at, row.status = clock.now(), S.CLOSED
    await session.flush()
    assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == 1
    new = (await rows(session, camp))[1]
    assert (new.replaces_id, new.status, new.amount_fen) == (row.id, S.PENDING_REVIEW, 9900)


async def test_what_already_went_back_is_not_paid_twice(session: AsyncSession) -> None:
    camp = await settled_camp(session)
    partly, wholly, waiting = [await enrolled(session, camp) for _ in range(3)]
    for member, fen, done in ((partly, 3000, True), (wholly, 9900, True), (waiting, 100, False)):
        payment = await session.get_one(Payment, member.payment_id)
        extra = await service.open_extra(
            session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=fen, reason="争议", actor=REVIEWER
        )
        if done:
            extra.reviewed_at, extra.status, extra.sendings = clock.now(), S.SENDING, 1
            ledger.sent(session, payment, extra)
            await session.flush()
            fact = await fact_about(session, extra, "SUCCESS")
            await service.record_refund(session, fact, source="query", actor=SYSTEM)
            await session.flush()

    assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == 1

    [made] = [row for row in await rows(session, camp) if row.kind is RefundKind.CAMP]
    assert (made.member_id, made.amount_fen) == (partly.id, 6900)


@contextmanager
def counted_statements(engine: AsyncEngine) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_no_statement_per_member(session: AsyncSession, engine: AsyncEngine) -> None:
    counts = []
    # The first list of a transaction also reads which messages are switched on.
    for size in (1, 3, 30):
        camp = await settled_camp(session)
        for _ in range(size):
            await enrolled(session, camp)
        with counted_statements(engine) as seen:
            assert (await lists.make_list(session, camp.id, actor=SYSTEM)).created == size
            await session.flush()
        counts.append(len(seen))
    assert counts[1] == counts[2]


# The nightly job.


async def test_the_job_makes_every_list_it_may_and_says_why_not_once_a_day(runtime: Runtime, time: Time) -> None:
    async with runtime.db.transaction() as session:
        ready, blocked = await settled_camp(session), await ended_camp(session)
        running = await settled_camp(session, status=CampStatus.ONGOING)
        for camp in (ready, blocked, running):
            await enrolled(session, camp)

    assert await flows.refund_lists(runtime) == {"camps": 2, "created": 1, "blocked": 1}
    assert await flows.refund_lists(runtime) == {"camps": 2, "created": 0, "blocked": 1}
    time.advance(86_400)
    await flows.refund_lists(runtime)

    async with runtime.db.transaction() as session:
        messages = list(await session.scalars(select(Notification).order_by(Notification.created_at)))
        assert [(m.scene, m.camp_id) for m in messages if m.scene == "refund_list_blocked"] == [
            ("refund_list_blocked", blocked.id),
            ("refund_list_blocked", blocked.id),
        ]
        assert (await session.get_one(Camp, blocked.id)).status is CampStatus.ENDED
        assert await rows(session, running) == []
