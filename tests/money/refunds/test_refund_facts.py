"""The provider's word about a refund, in every order, and what it does to row, ledger, cases and messages."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.actor import PROVIDER, SYSTEM
from backend.models.history import StateChange
from backend.models.ledger import Account
from backend.models.notifications import Notification
from backend.models.reconciliation import ReconciliationCase
from backend.models.refunds import Refund, RefundStatus
from backend.money.ledger import service as ledger
from backend.money.refunds import service
from tests import factories
from tests.money.refunds.facts import WORDS, fact_about, refund_in

S = RefundStatus


async def balances(session: AsyncSession, refund: Refund) -> tuple[int, int, int]:
    """Clearing, held and in transit of the refund's camp, in fen."""
    await session.flush()
    found = await ledger.balances(session, camp_id=refund.camp_id)
    assert sum(found.values()) == 0
    return (
        found[Account.PROVIDER_CLEARING],
        found[Account.DEPOSITS_HELD],
        found[Account.REFUNDS_IN_TRANSIT],
    )


async def case_kinds(session: AsyncSession) -> list[str]:
    return list(await session.scalars(select(ReconciliationCase.kind)))


async def scenes(session: AsyncSession) -> list[str]:
    return sorted(await session.scalars(select(Notification.scene)))


HELD, AWAY, TRANSIT = (9900, -9900, 0), (0, 0, 0), (9900, 0, -9900)
# state before, the provider's word → state after, balances after
OUTCOMES: dict[tuple[RefundStatus, str], tuple[RefundStatus, tuple[int, int, int]]] = {
    (S.SENDING, "PROCESSING"): (S.PROCESSING, TRANSIT),
    (S.SENDING, "SUCCESS"): (S.SUCCEEDED, AWAY),
    (S.SENDING, "CLOSED"): (S.CLOSED, HELD),
    (S.SENDING, "ABNORMAL"): (S.FAILED, HELD),
    (S.PROCESSING, "PROCESSING"): (S.PROCESSING, TRANSIT),
    (S.PROCESSING, "SUCCESS"): (S.SUCCEEDED, AWAY),
    (S.PROCESSING, "CLOSED"): (S.CLOSED, HELD),
    (S.PROCESSING, "ABNORMAL"): (S.FAILED, HELD),
    (S.FAILED, "PROCESSING"): (S.PROCESSING, TRANSIT),
    (S.FAILED, "SUCCESS"): (S.SUCCEEDED, AWAY),
    (S.FAILED, "CLOSED"): (S.CLOSED, HELD),
    (S.FAILED, "ABNORMAL"): (S.FAILED, HELD),
    (S.SUCCEEDED, "PROCESSING"): (S.SUCCEEDED, AWAY),
    (S.SUCCEEDED, "SUCCESS"): (S.SUCCEEDED, AWAY),
    (S.SUCCEEDED, "CLOSED"): (S.SUCCEEDED, AWAY),
    (S.SUCCEEDED, "ABNORMAL"): (S.SUCCEEDED, AWAY),
    (S.CLOSED, "PROCESSING"): (S.CLOSED, HELD),
    (S.CLOSED, "SUCCESS"): (S.CLOSED, HELD),
    (S.CLOSED, "CLOSED"): (S.CLOSED, HELD),
    (S.CLOSED, "ABNORMAL"): (S.CLOSED, HELD),
    # Never sent: whatever the provider says is for a person.
    **{(state, word): (state, HELD) for state in (S.PENDING_REVIEW, S.APPROVED, S.REJECTED) for word in WORDS},
}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("state", list(RefundStatus))
async def test_every_word_in_every_state(session: AsyncSession, state: RefundStatus, word: Any) -> None:
    refund = await refund_in(session, state)
    fact = await fact_about(session, refund, word)

    await service.record_refund(session, fact, source="callback", actor=PROVIDER)

    assert (refund.status, await balances(session, refund)) == OUTCOMES[state, word]
    assert await ledger.verify(session) == []


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("state", [S.SENDING, S.PROCESSING, S.FAILED])
async def test_a_repeat_changes_nothing(session: AsyncSession, state: RefundStatus, word: Any) -> None:
    refund = await refund_in(session, state)
    fact = await fact_about(session, refund, word)
    await service.record_refund(session, fact, source="callback", actor=PROVIDER)
    await session.flush()
    told, moves = await scenes(session), len(list(await session.scalars(select(StateChange))))
    after = (refund.status, await balances(session, refund), refund.sendings)

    await service.record_refund(session, fact, source="query", actor=PROVIDER)
    await session.flush()

    assert (refund.status, await balances(session, refund), refund.sendings) == after
    assert await scenes(session) == told
    assert len(list(await session.scalars(select(StateChange)))) == moves


@pytest.mark.parametrize("first", WORDS)
@pytest.mark.parametrize("second", WORDS)
@pytest.mark.parametrize("third", WORDS)
async def test_the_books_agree_whatever_the_order(session: AsyncSession, first: Any, second: Any, third: Any) -> None:
    refund = await refund_in(session, S.SENDING)
    for word in (first, second, third):
        fact = await fact_about(session, refund, word)
        await service.record_refund(session, fact, source="callback", actor=PROVIDER)
        await session.flush()
        assert await ledger.verify(session) == []
        expected = {S.PROCESSING: TRANSIT, S.SUCCEEDED: AWAY}.get(refund.status, HELD)
        assert await balances(session, refund) == expected


async def test_success_tells_the_member_once(session: AsyncSession) -> None:
    refund = await refund_in(session, S.PROCESSING)
    fact = await fact_about(session, refund, "SUCCESS")

    await service.record_refund(session, fact, source="callback", actor=PROVIDER)

    assert await scenes(session) == ["refund_success"]
    message = (await session.scalars(select(Notification))).one()
    assert message.member_id == refund.member_id
    assert "99.00 元" in message.content
    assert refund.succeeded_at == fact.success_time
    assert refund.provider_refund_id == fact.refund_id
    assert refund.next_attempt_at is None


async def test_abnormal_is_told_to_staff_and_member_and_an_older_processing_stays_without_effect(
    session: AsyncSession,
) -> None:
    refund = await refund_in(session, S.PROCESSING)
    await service.record_refund(
        session, await fact_about(session, refund, "ABNORMAL"), source="callback", actor=PROVIDER
    )
    assert await scenes(session) == ["refund_delayed", "refund_failed"]
    assert refund.failure_code == "provider_abnormal"

    await service.record_refund(
        session, await fact_about(session, refund, "PROCESSING"), source="answer", actor=PROVIDER
    )

    assert refund.status is S.FAILED


async def test_closed_opens_a_case_and_alerts(session: AsyncSession) -> None:
    refund = await refund_in(session, S.PROCESSING)
    await service.record_refund(session, await fact_about(session, refund, "CLOSED"), source="query", actor=SYSTEM)
    assert await case_kinds(session) == ["refund_closed"]
    assert await scenes(session) == ["reconciliation_case", "refund_delayed", "refund_failed"]


async def test_a_retried_row_whose_earlier_try_had_worked_after_all(session: AsyncSession) -> None:
    """B12: given up, retried, and the notification of the first try comes before the second is sent."""
    refund = await refund_in(session, S.FAILED)
    refund.status = S.APPROVED
    await session.flush()

    await service.record_refund(
        session, await fact_about(session, refund, "SUCCESS"), source="callback", actor=PROVIDER
    )

    assert (refund.status, refund.sendings) == (S.SUCCEEDED, 2)
    assert await balances(session, refund) == AWAY
    assert await ledger.verify(session) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"amount_fen": 9901}, "金额"),
        ({"total_fen": 19900}, "订单金额"),
        ({"transaction_id": "4200000000000000000000000001"}, "微信订单号"),
        ({"out_trade_no": "P2026030100000000000000000"}, "商户订单号"),
        ({"refund_id": "50300000000000000000000000001"}, "微信退款单号"),
        ({"mch_id": "1900000999"}, "商户号"),
    ],
)
async def test_what_does_not_fit_moves_nothing(session: AsyncSession, change: dict[str, Any], word: str) -> None:
    refund = await refund_in(session, S.PROCESSING)
    fact = await fact_about(session, refund, "SUCCESS", **change)

    await service.record_refund(session, fact, source="callback", actor=PROVIDER)

    assert refund.status is S.PROCESSING
    assert await balances(session, refund) == TRANSIT
    case = (await session.scalars(select(ReconciliationCase))).one()
    assert (case.kind, case.refund_id) == ("refund_mismatch", refund.id)
    assert word in case.summary
    assert await scenes(session) == ["reconciliation_case"]


async def test_our_own_merchant_number_fits(session: AsyncSession) -> None:
    refund = await refund_in(session, S.PROCESSING)
    fact = await fact_about(session, refund, "SUCCESS", mch_id=factories.MCH_ID)
    await service.record_refund(session, fact, source="callback", actor=PROVIDER)
    assert refund.status is S.SUCCEEDED


async def test_an_unknown_number_opens_one_case(session: AsyncSession) -> None:
    refund = await refund_in(session, S.PROCESSING)
    for word in ("PROCESSING", "SUCCESS"):
        fact = await fact_about(session, refund, word, out_refund_no="R20260301NOTOURS0000000000")
        assert await service.record_refund(session, fact, source="callback", actor=PROVIDER) is None
    assert await case_kinds(session) == ["unknown_refund"]
    assert refund.status is S.PROCESSING


async def test_paid_by_the_provider_after_it_was_settled_offline(session: AsyncSession) -> None:
    refund = await refund_in(session, S.FAILED)
    fact = await fact_about(session, refund, "SUCCESS")
    refund.status, refund.settled_offline = S.SUCCEEDED, True
    await session.flush()

    await service.record_refund(session, fact, source="callback", actor=PROVIDER)

    assert await case_kinds(session) == ["refund_paid_twice"]
    assert refund.settled_offline
