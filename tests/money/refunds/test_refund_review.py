"""Review singly and in batches, extra refunds, and repair by hand."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.eligibility.rules import Reason
from backend.core.actor import SYSTEM
from backend.core.config import RefundSettings
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.states import IllegalMove
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.history import StateChange, move
from backend.models.ledger import Account
from backend.models.members import Member, Verdict
from backend.models.notifications import Notification
from backend.models.payments import Payment
from backend.models.reconciliation import ReconciliationCase
from backend.models.refunds import REFUND_TRANSITIONS, Refund, RefundKind, RefundStatus
from backend.money.ledger import service as ledger
from backend.money.refunds import recovery, repository, review, rules, service, settlement
from tests import factories
from tests.money.refunds.facts import ended_camp, enrolled, fact_about, refund_in
from tests.money.refunds.provider import actor_of

S = RefundStatus
SETTINGS = RefundSettings()


@pytest.fixture
async def actor(session: AsyncSession) -> Any:
    return actor_of(await factories.make_staff(session))


# One by one.


async def test_an_approval_is_recorded_with_who_when_and_why(session: AsyncSession, actor: Any) -> None:
    refund = await refund_in(session, S.PENDING_REVIEW)
    await review.approve(session, refund.id, actor=actor, note="核对无误")
    await session.flush()
    assert (refund.status, refund.reviewer_id, refund.review_note) == (S.APPROVED, actor.id, "核对无误")
    assert refund.reviewed_at is not None
    change = (await session.scalars(select(StateChange))).one()
    assert (change.to_state, change.actor_id, change.note) == ("approved", actor.id, "核对无误")
    entry = (await session.scalars(select(AuditEntry))).one()
    assert (entry.action, entry.target_id) == ("refund.approve", refund.id)
    assert entry.after == {"status": "approved", "amount_fen": 9900, "verdict": "eligible", "override": False}


async def test_a_person_s_word_lets_a_row_in_doubt_pass(session: AsyncSession, actor: Any) -> None:
    member = await enrolled(session, await ended_camp(session), days_ranking=8, days_posts=3)
    refund = await factories.make_refund(session, member)
    await review.approve(session, refund.id, actor=actor, note="补打卡已核实")
    await session.flush()
    entry = (await session.scalars(select(AuditEntry))).one()
    assert entry.after is not None
    assert entry.after["override"] is True


@pytest.mark.parametrize("state", [state for state in RefundStatus if state is not S.PENDING_REVIEW])
async def test_only_what_waits_can_be_reviewed(session: AsyncSession, actor: Any, state: RefundStatus) -> None:
    refund = await refund_in(session, state)
    with pytest.raises(review.RefundAlreadyReviewed):
        await review.approve(session, refund.id, actor=actor, note=None)
    with pytest.raises(review.RefundAlreadyReviewed):
        await review.reject(session, refund.id, actor=actor, reason="其他")
    assert refund.status is state


async def test_unknown_rows(session: AsyncSession, actor: Any) -> None:
    with pytest.raises(NotFound):
        await review.approve(session, new_id(), actor=actor, note=None)
    with pytest.raises(NotFound):
        await review.reopen(session, new_id(), actor=actor, reason="其他")
    with pytest.raises(NotFound):
        await recovery.retry(session, new_id(), actor=actor, settings=SETTINGS)
    with pytest.raises(NotFound):
        await recovery.settle_offline(session, new_id(), actor=actor, note="其他")


async def test_a_rejection_tells_the_member_and_can_be_reopened(session: AsyncSession, actor: Any) -> None:
    refund = await refund_in(session, S.PENDING_REVIEW)
    await review.reject(session, refund.id, actor=actor, reason="匹配信息有误")
    message = (await session.scalars(select(Notification))).one()
    assert (message.scene, message.member_id) == ("refund_rejected", refund.member_id)
    assert "匹配信息有误" in message.content

    await review.reopen(session, refund.id, actor=actor, reason="已更正")
    assert (refund.status, refund.reject_reason, refund.reviewer_id) == (S.PENDING_REVIEW, None, None)
    with pytest.raises(review.NotRejected):
        await review.reopen(session, refund.id, actor=actor, reason="再来")


async def test_no_reopening_after_the_archive_or_beside_another_refund(session: AsyncSession, actor: Any) -> None:
    refund = await refund_in(session, S.REJECTED)
    payment = await session.get_one(Payment, refund.payment_id)
    extra = await service.open_extra(
        session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=100, reason="争议", actor=actor
    )
    with pytest.raises(service.RefundInFlight):
        await review.reopen(session, refund.id, actor=actor, reason="已更正")
    await review.reject(session, extra.id, actor=actor, reason="其他")
    camp = await session.get_one(Camp, refund.camp_id)
    camp.status = CampStatus.ARCHIVED
    with pytest.raises(review.CampArchived):
        await review.reopen(session, refund.id, actor=actor, reason="已更正")


def test_moves_of_refunds_every_pair() -> None:
    """The table is the product's: nothing leaves a final state, and money only leaves through an approval."""
    allowed = {(old, new) for old in RefundStatus for new in REFUND_TRANSITIONS.after(old)}
    assert {old for old, new in allowed if new is S.APPROVED} == {S.PENDING_REVIEW, S.FAILED}
    assert {old for old, new in allowed if new is S.SENDING} == {S.APPROVED}
    assert {old for old, _ in allowed} == set(RefundStatus) - {S.SUCCEEDED, S.CLOSED}


@pytest.mark.parametrize("old", list(RefundStatus))
async def test_an_illegal_move_is_refused_and_changes_nothing(session: AsyncSession, old: RefundStatus) -> None:
    refund = await refund_in(session, S.PENDING_REVIEW)
    for new in RefundStatus:
        refund.status = old
        if new in REFUND_TRANSITIONS.after(old):
            continue
        with pytest.raises(IllegalMove):
            move(session, refund, new, event="test", actor=SYSTEM)
        assert refund.status is old
    refund.status = S.PENDING_REVIEW


# Batches: the rule alone.


@given(
    verdict=st.sampled_from([None, *Verdict]),
    reasons=st.lists(st.sampled_from([reason.value for reason in Reason]), unique=True),
    confidence=st.sampled_from([None, 0, 33, 66, 100]),
    min_confidence=st.integers(0, 100),
    accept_import=st.booleans(),
    is_sum_told=st.booleans(),
)
def test_a_batch_never_takes_what_is_in_doubt(
    verdict: Verdict | None,
    reasons: list[str],
    confidence: int | None,
    min_confidence: int,
    accept_import: bool,
    is_sum_told: bool,
) -> None:
    refusal = rules.batch_refusal(
        verdict=verdict,
        reasons=reasons,
        confidence=confidence,
        min_confidence=min_confidence,
        accept_import=accept_import,
        is_sum_told=is_sum_told,
    )
    if refusal is None:
        assert verdict is not Verdict.NOT_ELIGIBLE
        if verdict is Verdict.NEEDS_CONFIRMATION:
            by_sync, by_sheet = {"enough_days", "partial_days"}, {"not_counted", "import_enough"}
            rest = set(reasons) - {"match_below_100"}
            assert (rest and rest <= by_sync) or (accept_import and "import_enough" in rest and rest <= by_sheet)
            assert (confidence or 0) >= min_confidence
        assert verdict is not Verdict.PARTIAL or is_sum_told
    elif verdict is Verdict.PARTIAL:
        assert not is_sum_told
    else:
        assert verdict in (Verdict.NOT_ELIGIBLE, Verdict.NEEDS_CONFIRMATION)


@given(attempts=st.integers(1, 50), waits=st.lists(st.floats(0, 1e5), max_size=5))
def test_waits_follow_the_setting_and_the_last_one_repeats(attempts: int, waits: list[float]) -> None:
    wait = rules.wait_before_next(waits, attempts).total_seconds()
    expected = (waits[attempts - 1] if attempts <= len(waits) else waits[-1]) if waits else 0.0
    assert wait == pytest.approx(expected, abs=1e-5)


# Extra refunds.


@pytest.mark.parametrize("seed", range(6))
async def test_a_payment_never_gives_back_more_than_came_in(session: AsyncSession, actor: Any, seed: int) -> None:
    """Any sequence of extra refunds of any amounts with any end."""
    dice = random.Random(seed)
    payment = await factories.make_payment(session, await ended_camp(session), paid=True)
    for _ in range(25):
        amount = dice.choice([dice.randint(1, 12_000), dice.randint(1, 500)])
        room = payment.amount_fen - await repository.reserved_fen(session, payment.id)
        try:
            refund = await service.open_extra(
                session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=amount, reason="争议", actor=actor
            )
        except service.RefundExceedsPaid:
            assert amount > room
            continue
        assert amount <= room
        if dice.random() < 0.3:
            await review.reject(session, refund.id, actor=actor, reason="其他")
        else:
            await to_success(session, refund, payment, word=dice.choice(["SUCCESS", "SUCCESS", "CLOSED"]))
        balances = await ledger.balances(session, camp_id=payment.camp_id)
        assert balances[Account.PROVIDER_CLEARING] == -balances[Account.DEPOSITS_HELD] >= 0
        assert await ledger.verify(session) == []


async def test_extra_refunds_stay_within_what_was_paid(session: AsyncSession, actor: Any) -> None:
    camp = await ended_camp(session)
    member = await enrolled(session, camp)
    payment = await session.get_one(Payment, member.payment_id)

    async def ask(amount_fen: int) -> Refund:
        return await service.open_extra(
            session,
            payment=payment,
            kind=RefundKind.EXCEPTION,
            amount_fen=amount_fen,
            reason="争议",
            actor=actor,
            member_id=member.id,
        )

    with pytest.raises(service.RefundExceedsPaid):
        await ask(9901)
    first = await ask(4000)
    assert (first.status, first.created_by, first.verdict) == (S.PENDING_REVIEW, actor.id, None)
    with pytest.raises(service.RefundInFlight):
        await ask(1)
    await to_success(session, first, payment)
    with pytest.raises(service.RefundExceedsPaid):
        await ask(5901)
    await to_success(session, await ask(5900), payment)
    with pytest.raises(service.RefundExceedsPaid):
        await ask(1)
    assert await ledger.verify(session) == []
    assert (await ledger.balances(session, camp_id=camp.id))[Account.PROVIDER_CLEARING] == 0


async def to_success(session: AsyncSession, refund: Refund, payment: Payment, *, word: Any = "SUCCESS") -> None:
    await review.approve(session, refund.id, actor=SYSTEM, note=None)
    move(session, refund, S.SENDING, event="send", actor=SYSTEM)
    refund.sendings += 1
    ledger.sent(session, payment, refund)
    await session.flush()
    await service.record_refund(session, await fact_about(session, refund, word), source="query", actor=SYSTEM)
    await session.flush()


async def test_an_unpaid_order_has_nothing_to_refund(session: AsyncSession, actor: Any) -> None:
    payment = await factories.make_payment(session, await ended_camp(session))
    with pytest.raises(service.PaymentNotRefundable):
        await service.open_extra(
            session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=1, reason="争议", actor=actor
        )


async def test_changes_of_the_caller_survive_opening_an_extra_refund(session: AsyncSession, actor: Any) -> None:
    """The payment is locked again inside; what the caller just wrote on it must not be lost."""
    payment = await factories.make_payment(session, await ended_camp(session), paid=True)
    payment.wechat_nickname = "改过的名字"
    await service.open_extra(
        session, payment=payment, kind=RefundKind.DUPLICATE, amount_fen=9900, reason="名额已满", actor=SYSTEM
    )
    await session.refresh(payment)
    assert payment.wechat_nickname == "改过的名字"


# Repair.


async def test_a_retry_keeps_the_number_and_has_an_end(session: AsyncSession, actor: Any) -> None:
    refund = await refund_in(session, S.FAILED)
    number = refund.out_refund_no
    for tried in range(1, SETTINGS.manual_attempts + 1):
        await recovery.retry(session, refund.id, actor=actor, settings=SETTINGS)
        assert (refund.status, refund.manual_retries, refund.attempts) == (S.APPROVED, tried, 0)
        assert (refund.failure_code, refund.out_refund_no) == (None, number)
        refund.status = S.FAILED
        await session.flush()
    with pytest.raises(recovery.RetryExhausted):
        await recovery.retry(session, refund.id, actor=actor, settings=SETTINGS)


@pytest.mark.parametrize("state", [S.PENDING_REVIEW, S.APPROVED, S.SENDING, S.PROCESSING, S.SUCCEEDED, S.REJECTED])
async def test_only_failures_are_repaired(session: AsyncSession, actor: Any, state: RefundStatus) -> None:
    refund = await refund_in(session, state)
    with pytest.raises(recovery.RefundNotFailed):
        await recovery.retry(session, refund.id, actor=actor, settings=SETTINGS)
    with pytest.raises(recovery.RefundNotFailed):
        await recovery.settle_offline(session, refund.id, actor=actor, note="已转账")


async def test_a_closed_number_is_replaced_by_a_new_row_to_review(session: AsyncSession, actor: Any) -> None:
    closed = await refund_in(session, S.CLOSED)
    new = await recovery.retry(session, closed.id, actor=actor, settings=SETTINGS)
    assert (new.status, new.replaces_id, new.amount_fen) == (S.PENDING_REVIEW, closed.id, closed.amount_fen)
    assert new.out_refund_no != closed.out_refund_no
    assert (new.verdict, new.listed_verdict, new.member_id) == (None, closed.verdict, closed.member_id)
    # Its money is on the way once: nobody is sent to a failure that is dealt with.
    sums = await repository.sums_by_status(session, camp_ids=[closed.camp_id])
    assert (sums[S.CLOSED], sums[S.PENDING_REVIEW]) == ((0, 0), (1, closed.amount_fen))
    with pytest.raises(service.RefundInFlight):
        await recovery.retry(session, closed.id, actor=actor, settings=SETTINGS)


async def test_settled_offline_is_booked_and_told(session: AsyncSession, actor: Any) -> None:
    refund = await refund_in(session, S.FAILED, code="provider_abnormal")
    await recovery.settle_offline(session, refund.id, actor=actor, note="银行转账 20260301-01")
    await session.flush()
    assert (refund.status, refund.settled_offline, refund.offline_note) == (S.SUCCEEDED, True, "银行转账 20260301-01")
    balances = await ledger.balances(session, camp_id=refund.camp_id)
    # The provider still has that money; the operator's own went to the member.
    assert balances[Account.PROVIDER_CLEARING] == 9900
    assert balances[Account.DEPOSITS_HELD] == 0
    assert balances[Account.OFFLINE_SETTLEMENTS] == -9900
    assert await ledger.verify(session) == []
    messages = {row.scene: row.content for row in await session.scalars(select(Notification))}
    assert "线下退还" in messages["refund_success"]
    fact = await fact_about(session, refund, "PROCESSING")
    await service.record_refund(session, fact, source="query", actor=SYSTEM)
    assert list(await session.scalars(select(ReconciliationCase))) == []


# Archive.


async def settling_camp(session: AsyncSession) -> tuple[Camp, list[Member]]:
    camp = await ended_camp(session, status=CampStatus.SETTLING)
    return camp, [await enrolled(session, camp) for _ in range(3)]


async def test_archiving_books_what_nobody_gets_back(session: AsyncSession, actor: Any) -> None:
    camp, (refunded, partly, _) = await settling_camp(session)
    for member, fen in ((refunded, 9900), (partly, 4000)):
        payment = await session.get_one(Payment, member.payment_id)
        extra = await service.open_extra(
            session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=fen, reason="争议", actor=actor
        )
        await to_success(session, extra, payment)
    excess = await factories.make_payment(session, camp, paid=True)

    assert await settlement.archive(session, camp.id, actor=actor) == 5900 + 9900 + 9900
    await session.flush()

    assert camp.status is CampStatus.ARCHIVED
    balances = await ledger.balances(session, camp_id=camp.id)
    assert balances[Account.DEPOSITS_HELD] == 0
    assert balances[Account.FORFEITED_INCOME] == -(5900 + 9900 + 9900)
    assert balances[Account.PROVIDER_CLEARING] == 5900 + 9900 + 9900
    assert await ledger.verify(session) == []
    entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "camp.archive"))).one()
    assert entry.after is not None
    assert (entry.after["kept_fen"], entry.after["refunded_fen"]) == (25700, 13900)
    with pytest.raises(settlement.CampNotSettling):
        await settlement.archive(session, camp.id, actor=actor)
    with pytest.raises(service.DepositKept):
        await service.open_extra(
            session, payment=excess, kind=RefundKind.EXCEPTION, amount_fen=1, reason="争议", actor=actor
        )


@pytest.mark.parametrize("state", [S.PENDING_REVIEW, S.APPROVED, S.SENDING, S.PROCESSING, S.FAILED])
async def test_no_archive_while_a_refund_is_open(session: AsyncSession, actor: Any, state: RefundStatus) -> None:
    refund = await refund_in(session, state)
    camp = await session.get_one(Camp, refund.camp_id)
    camp.status = CampStatus.SETTLING
    with pytest.raises(settlement.CampHasOpenRefunds) as refusal:
        await settlement.archive(session, camp.id, actor=actor)
    assert refusal.value.data == {"counts": {state.value: 1}}


@pytest.mark.parametrize("state", [S.SUCCEEDED, S.REJECTED, S.CLOSED])
async def test_an_archive_after_every_end(session: AsyncSession, actor: Any, state: RefundStatus) -> None:
    refund = await refund_in(session, state)
    camp = await session.get_one(Camp, refund.camp_id)
    camp.status = CampStatus.SETTLING
    kept = await settlement.archive(session, camp.id, actor=actor)
    assert kept == (0 if state is S.SUCCEEDED else 9900)


async def test_money_after_the_archive_goes_back_or_becomes_income(session: AsyncSession, actor: Any) -> None:
    """Its camp's books are closed: what a person decides about it closes them again."""
    camp = await ended_camp(session, status=CampStatus.ARCHIVED)
    for word in ("approve", "reject"):
        payment = await factories.make_payment(session, camp, paid=True)
        extra = await service.open_extra(
            session, payment=payment, kind=RefundKind.DUPLICATE, amount_fen=9900, reason="营期已结束", actor=SYSTEM
        )
        if word == "approve":
            await to_success(session, extra, payment)
        else:
            await review.reject(session, extra.id, actor=actor, reason="已退出")
    await session.flush()
    balances = await ledger.balances(session, camp_id=camp.id)
    assert balances[Account.DEPOSITS_HELD] == 0
    assert balances[Account.FORFEITED_INCOME] == -9900


@pytest.mark.parametrize("status", [status for status in CampStatus if status is not CampStatus.SETTLING])
async def test_only_a_settling_camp_is_archived(session: AsyncSession, actor: Any, status: CampStatus) -> None:
    camp = await ended_camp(session, status=status)
    with pytest.raises(settlement.CampNotSettling):
        await settlement.archive(session, camp.id, actor=actor)
