"""The fee in a payment: earned when the camp begins, never refunded with the deposit, never kept twice."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.community.eligibility import service as eligibility
from backend.community.enrollments import service as enrollments
from backend.core.actor import PROVIDER, SYSTEM
from backend.jobs import SCHEDULED
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import CheckinSource, CheckinTotal, SyncRun
from backend.models.ledger import Account
from backend.models.members import MatchStatus, Member, Verdict
from backend.models.payers import Payer
from backend.models.payments import Payment
from backend.models.refunds import RefundKind, RefundStatus
from backend.money.ledger import service as ledger
from backend.money.payments import fees
from backend.money.payments import service as payments
from backend.money.payments.service import Outcome
from backend.money.refunds import lists, review, service, settlement
from backend.runtime import Runtime
from tests import factories
from tests.community.eligibility.test_recount import checked, counted, synced
from tests.conftest import Time
from tests.money.payments.shop import fact_of
from tests.money.refunds.test_refund_review import to_success
from tests.money.refunds.test_stale_evidence import row_of

A = Account
# 100 yuan, 20 of them a fee, 80 back from 80 % of ten days (rule book 8).
WITH_FEE = {
    "version": 2,
    "conditions": [{"kind": "days_at_least", "days": 8}],
    "payout": {"kind": "all"},
    "fee_fen": 2000,
}


async def paid_camp(session: AsyncSession, **fields: Any) -> Camp:
    starts_on = dt.date(2026, 3, 2)
    return await factories.make_camp(session, starts_on=starts_on, deposit_fen=10_000, refund_policy=WITH_FEE, **fields)


async def enrol(session: AsyncSession, camp: Camp) -> Member:
    """Somebody pays in time and gets a place."""
    payer = await factories.make_payer(session, openid=f"o-{factories._unique()}")
    payment = await factories.make_payment(session, camp, payer, paid=True)
    member = await enrollments.admit(session, camp, payer, payment, on_time=True)
    assert isinstance(member, Member)
    return member


async def give_days(session: AsyncSession, camp: Camp, run: SyncRun, member: Member, days: int) -> None:
    """Match a member to somebody with posts on the camp's first days."""
    member.planet_user_id, member.status, member.confidence = factories._unique(), MatchStatus.MATCHED, 100
    total = {"days_ranking": days, "days_posts": days, "sync_run_id": run.id}
    session.add(CheckinTotal(camp_id=camp.id, planet_user_id=member.planet_user_id, name="", **total))
    await checked(session, camp, member.planet_user_id, tuple(range(days)), CheckinSource.POSTS)


async def books(session: AsyncSession, camp: Camp) -> dict[Account, int]:
    await session.flush()
    found = await ledger.balances(session, camp_id=camp.id)
    return {account: fen for account, fen in found.items() if fen}


async def test_a_fee_is_income_once_the_camp_has_begun(session: AsyncSession, time: Time) -> None:
    camp = await paid_camp(session)
    member = await enrol(session, camp)
    assert (member.fee_fen, member.entitled_fen) == (2000, 0)
    assert await books(session, camp) == {A.PROVIDER_CLEARING: 10_000, A.DEPOSITS_HELD: -10_000}
    assert await ledger.verify(session) == []
    time.set("2026-03-02 00:05")
    await camps.follow_the_date(session, camp.id)
    await fees.earn(session, camp.id)
    assert await books(session, camp) == {
        A.PROVIDER_CLEARING: 10_000, A.DEPOSITS_HELD: -8000, A.SERVICE_INCOME: -2000,
    }  # fmt: skip
    assert await ledger.verify(session) == []


async def test_who_paid_in_time_and_is_recorded_after_the_start_pays_the_fee_too(
    session: AsyncSession, time: Time
) -> None:
    time.set("2026-03-01 23:55")
    camp = await paid_camp(session)
    payment = await factories.make_payment(session, camp)
    fact = fact_of(payment)
    time.set("2026-03-02 00:05")
    await camps.follow_the_date(session, camp.id)
    await fees.earn(session, camp.id)
    recorded = await payments.record_payment(session, fact, source="callback", actor=PROVIDER)
    assert recorded.outcome is Outcome.CREDITED
    assert (await books(session, camp))[A.SERVICE_INCOME] == -2000
    assert await ledger.verify(session) == []


async def test_the_deposit_goes_back_without_the_fee_and_the_archive_keeps_the_rest(
    session: AsyncSession, time: Time
) -> None:
    camp = await paid_camp(session)
    members = [await enrol(session, camp) for _ in range(2)]
    time.set("2026-03-02 00:05")
    await camps.follow_the_date(session, camp.id)
    await fees.earn(session, camp.id)
    time.set("2026-03-12 01:00")
    await camps.follow_the_date(session, camp.id)
    await fees.earn(session, camp.id)
    run = await synced(session, camp, at=dt.datetime.fromisoformat("2026-03-12T01:00+08:00"))
    for member, days in zip(members, (8, 7), strict=True):
        await give_days(session, camp, run, member, days)
    await eligibility.recount(session, camp)
    done, lost = members
    assert (done.verdict, done.entitled_fen, lost.verdict) == (Verdict.ELIGIBLE, 8000, Verdict.NOT_ELIGIBLE)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    refund = await row_of(session, done)
    payment = await session.get_one(Payment, done.payment_id)
    assert refund.amount_fen == 8000
    await to_success(session, refund, payment)
    # The fee was earned: nothing is left to give back of this payment.
    with pytest.raises(service.RefundExceedsPaid):
        await service.open_extra(
            session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=1, reason="争议", actor=SYSTEM
        )
    await settlement.archive(session, camp.id, actor=SYSTEM)
    found = await books(session, camp)
    assert found == {A.PROVIDER_CLEARING: 12_000, A.SERVICE_INCOME: -4000, A.FORFEITED_INCOME: -8000}
    assert refund.status is RefundStatus.SUCCEEDED
    assert camp.status is CampStatus.ARCHIVED


async def test_verify_finds_a_fee_that_wasn_t_booked(session: AsyncSession) -> None:
    camp = await paid_camp(session, status=CampStatus.ONGOING)
    payer = Payer(openid="o-fee")
    session.add(payer)
    await session.flush()
    await factories.make_member(session, camp, payer, fee_fen=2000)
    [problem] = await ledger.verify(session)
    assert (problem.kind, problem.expected_fen, problem.found_fen) == ("fee", 2000, 0)


async def test_nothing_of_a_row_that_was_rejected_is_paid(session: AsyncSession) -> None:
    """The amount of a row in review is what the member is entitled to, less what went back: never the fee."""
    camp = await factories.make_camp(
        session, starts_on=dt.date(2026, 2, 10), status=CampStatus.ENDED, deposit_fen=10_000, refund_policy=WITH_FEE
    )
    run = await synced(session, camp)
    member = await counted(session, camp, run, *range(9), fee_fen=2000)
    await eligibility.recount(session, camp)
    await lists.make_list(session, camp.id, actor=SYSTEM)
    refund = await row_of(session, member)
    await review.reject(session, refund.id, actor=SYSTEM, reason="匹配信息有误")
    assert refund.amount_fen == 8000
    await review.reopen(session, refund.id, actor=SYSTEM, reason="已更正")
    await review.approve(session, refund.id, actor=SYSTEM, note=None)
    assert refund.amount_fen == 8000


async def test_the_nightly_job_books_what_is_due_once(runtime: Runtime, time: Time) -> None:
    async with runtime.db.transaction() as session:
        camp = await paid_camp(session)
        await enrol(session, camp)
    time.set("2026-03-02 00:05")
    run = SCHEDULED["camp_states"].run
    assert await run(runtime) == {"started": 1, "ended": 0, "fees": 1}
    assert await run(runtime) == {"started": 0, "ended": 0, "fees": 0}
    async with runtime.db.transaction() as session:
        assert (await books(session, camp))[A.SERVICE_INCOME] == -2000
        assert await ledger.verify(session) == []


@pytest.mark.parametrize(("amount_fen", "fee_fen"), [(10_000, 0), (9_000, 1_000), (500, 2_000)])
async def test_no_more_of_a_fee_is_earned_than_was_not_refunded_before_the_start(
    session: AsyncSession, time: Time, amount_fen: int, fee_fen: int
) -> None:
    camp = await paid_camp(session)
    member = await enrol(session, camp)
    payment = await session.get_one(Payment, member.payment_id)
    extra = await service.open_extra(
        session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=amount_fen, reason="退出", actor=SYSTEM
    )
    time.set("2026-03-02 00:05")
    await camps.follow_the_date(session, camp.id)
    # Nobody knows yet whether the fee goes back with it.
    assert await fees.earn(session, camp.id) == 0
    assert await ledger.verify(session) == []
    await to_success(session, extra, payment)
    await fees.earn(session, camp.id)
    found = await books(session, camp)
    assert found.get(A.SERVICE_INCOME, 0) == -fee_fen
    assert found.get(A.DEPOSITS_HELD, 0) == -(10_000 - amount_fen - fee_fen)
    assert await ledger.verify(session) == []
