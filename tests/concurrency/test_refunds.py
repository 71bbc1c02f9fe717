"""Refunds under real concurrency: several connections, real commits."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from backend.core.actor import PROVIDER, SYSTEM, Actor
from backend.core.db import Database
from backend.core.errors import Conflict
from backend.core.ids import new_id, new_number
from backend.models.camps import Camp, CampStatus
from backend.models.ledger import LedgerTransaction, Movement
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.models.staff import StaffRole
from backend.money.ledger import service as ledger
from backend.money.refunds import flows, lists, review, service, settlement
from backend.office.staff.rules import PERMISSIONS
from backend.office.staff.service import Viewer
from backend.runtime import Runtime
from tests import factories
from tests.money.refunds.facts import ended_camp, enrolled, fact_about, refund_in
from tests.money.refunds.provider import actor_of, approved, books_agree, statuses
from tests.money.refunds.test_refund_lists import settled_camp, synced
from tests.world import World

S = RefundStatus


@pytest.fixture(autouse=True)
def at_full_speed(world: World) -> None:
    world.settings.refund.per_second = 150


async def outcomes(*calls: Any) -> list[Any]:
    """Results and refusals of calls made at once; anything else is a failure of the test."""
    found = await asyncio.gather(*calls, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, Conflict):
            raise one
    return found


async def reviewers(db: Database, count: int) -> list[Actor]:
    async with db.transaction() as session:
        return [actor_of(await factories.make_staff(session)) for _ in range(count)]


async def test_two_reviewers_of_one_row(shared_db: Database) -> None:
    """B26: one decision wins, the other gets a clear conflict."""
    async with shared_db.transaction() as session:
        refund = await refund_in(session, S.PENDING_REVIEW)

    async def approve(actor: Actor) -> str:
        async with shared_db.transaction() as session:
            await review.approve(session, refund.id, actor=actor, note=None)
        return "approved"

    async def reject(actor: Actor) -> str:
        async with shared_db.transaction() as session:
            await review.reject(session, refund.id, actor=actor, reason="其他")
        return "rejected"

    people = await reviewers(shared_db, 6)
    found = await outcomes(*(approve(actor) for actor in people[:3]), *(reject(actor) for actor in people[3:]))

    [winner] = [one for one in found if isinstance(one, str)]
    assert [one.code for one in found if not isinstance(one, str)] == ["refund_already_reviewed"] * 5
    async with shared_db.transaction() as session:
        assert (await session.get_one(Refund, refund.id)).status.value == winner


async def test_overlapping_batches(shared_db: Database, world: World) -> None:
    """Two people with the same selection, one from the top and one from the bottom: no deadlock, each row once."""
    async with shared_db.transaction() as session:
        camp = await ended_camp(session)
        refunds = [await factories.make_refund(session, await enrolled(session, camp)) for _ in range(20)]
    ids = [refund.id for refund in refunds]

    async def batch(order: list[Any]) -> int:
        async with shared_db.transaction() as session:
            staff = await factories.make_staff(session)
        viewer = Viewer(staff, new_id(), PERMISSIONS[StaffRole.MANAGER], None, actor_of(staff))
        async with shared_db.transaction() as session:
            results = await review.approve_batch(
                session,
                viewer,
                order,
                min_confidence=100,
                expected=review.Expectation(),
                password_right=None,
                settings=world.settings.refund,
            )
        return sum(result.ok for result in results)

    done = await outcomes(batch(ids), batch(ids[::-1]), batch(ids[5:15]))
    assert sum(done) == 20


async def test_two_senders_at_once(shared_runtime: Runtime, world: World) -> None:
    refunds = await approved(shared_runtime, world, 15)
    await asyncio.gather(*(flows.send(shared_runtime, {}) for _ in range(3)))
    assert await statuses(shared_runtime.db) == {"processing": 15}
    assert len(world.sandbox.wechat_pay.refunds.by_number) == len(refunds)
    async with shared_runtime.db.transaction() as session:
        sent = select(func.count()).select_from(LedgerTransaction).where(LedgerTransaction.movement == Movement.SENT)
        assert await session.scalar(sent) == 15
        await books_agree(session, world)


async def test_claims_without_the_common_lock_take_no_row_twice(shared_runtime: Runtime, world: World) -> None:
    """Should the advisory lock be lost with its connection, the rows' own locks still hold."""
    await approved(shared_runtime, world, 12)
    ids: list[Any] = []
    for _ in range(2):
        claimed = await asyncio.gather(*(flows.claim(shared_runtime) for _ in range(4)))
        ids += [one.refund_id for batch in claimed for one in batch]
    assert len(ids) == len(set(ids)) == 12


async def test_the_same_word_five_times_at_once(shared_db: Database) -> None:
    async with shared_db.transaction() as session:
        refund = await refund_in(session, S.PROCESSING)
        fact = await fact_about(session, refund, "SUCCESS")

    async def told() -> None:
        async with shared_db.transaction() as session:
            await service.record_refund(session, fact, source="callback", actor=PROVIDER)

    await asyncio.gather(*(told() for _ in range(5)))
    async with shared_db.transaction() as session:
        assert (await session.get_one(Refund, refund.id)).status is S.SUCCEEDED
        assert await ledger.verify(session) == []


async def test_sending_beside_answers_and_a_new_list(shared_runtime: Runtime, world: World) -> None:
    """Claims, notifications and the list lock camps, payments and refunds in one order: no deadlock."""
    refunds = await approved(shared_runtime, world, 10)
    db = shared_runtime.db
    async with db.transaction() as session:
        camp = await session.get_one(Camp, refunds[0].camp_id)
        await synced(session, camp)
        for _ in range(5):
            await enrolled(session, camp)

    async def notified(refund: Refund) -> None:
        async with db.transaction() as session:
            row = await session.get_one(Refund, refund.id)
            fact = await fact_about(session, row, "PROCESSING")
            await service.record_refund(session, fact, source="callback", actor=PROVIDER)

    async def listed() -> int:
        async with db.transaction() as session:
            return (await lists.make_list(session, refunds[0].camp_id, actor=SYSTEM)).created

    found = await outcomes(
        flows.send(shared_runtime, {}), *(listed() for _ in range(3)), *(notified(refund) for refund in refunds)
    )
    assert sum(one for one in found if isinstance(one, int)) == 5


async def test_a_list_made_twice_at_once(shared_db: Database) -> None:
    async with shared_db.transaction() as session:
        camp = await settled_camp(session)
        for _ in range(10):
            await enrolled(session, camp)

    async def make() -> int:
        async with shared_db.transaction() as session:
            return (await lists.make_list(session, camp.id, actor=SYSTEM)).created

    assert sorted(await outcomes(*(make() for _ in range(4)))) == [0, 0, 0, 10]


async def test_a_list_beside_extra_refunds_of_the_same_payments(shared_db: Database) -> None:
    async with shared_db.transaction() as session:
        camp = await settled_camp(session)
        members = [await enrolled(session, camp) for _ in range(8)]

    async def make() -> int:
        async with shared_db.transaction() as session:
            return (await lists.make_list(session, camp.id, actor=SYSTEM)).created

    async def extra(payment_id: Any) -> int:
        async with shared_db.transaction() as session:
            payment = await session.get_one(Payment, payment_id)
            await service.open_extra(
                session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=9900, reason="争议", actor=SYSTEM
            )
        return 1

    found = await outcomes(make(), *(extra(member.payment_id) for member in members))
    assert sum(one for one in found if isinstance(one, int)) == 8
    assert {one.code for one in found if not isinstance(one, int)} <= {"refund_in_flight"}


async def test_an_archive_beside_an_extra_refund(shared_db: Database) -> None:
    """Either the refund is open and the camp stays, or the camp is archived and its money spoken for."""
    for _ in range(4):
        async with shared_db.transaction() as session:
            camp = await ended_camp(session, status=CampStatus.SETTLING)
            member = await enrolled(session, camp)

        async def archive(camp_id: Any = camp.id) -> None:
            async with shared_db.transaction() as session:
                await settlement.archive(session, camp_id, actor=SYSTEM)

        async def extra(payment_id: Any = member.payment_id) -> None:
            async with shared_db.transaction() as session:
                payment = await session.get_one(Payment, payment_id)
                await service.open_extra(
                    session, payment=payment, kind=RefundKind.EXCEPTION, amount_fen=1, reason="争议", actor=SYSTEM
                )

        found = await outcomes(archive(), extra())
        assert [isinstance(one, Conflict) for one in found].count(True) == 1


async def test_the_database_refuses_an_over_refund_from_two_connections(shared_db: Database) -> None:
    """Past all our own checks: the trigger waits for the other transaction and then adds up."""
    async with shared_db.transaction() as session:
        camp = await ended_camp(session)
        payment = await factories.make_payment(session, camp, paid=True)
        staff = await factories.make_staff(session)

    async def insert(status: str, amount_fen: int) -> None:
        async with shared_db.transaction() as session:
            session.add(
                Refund(
                    camp_id=camp.id, payment_id=payment.id, kind=RefundKind.EXCEPTION, status=RefundStatus(status),
                    amount_fen=amount_fen, out_refund_no=new_number("R"), reason="争议", reviewer_id=staff.id,
                    reviewed_at=payment.paid_at,
                )
            )  # fmt: skip
            await session.flush()
            await session.execute(text("SELECT pg_sleep(0.05)"))

    # Succeeded rows aren't held back by the rule of one in flight.
    found = await asyncio.gather(insert("succeeded", 5000), insert("succeeded", 5000), return_exceptions=True)
    refused = [one for one in found if one is not None]
    assert len(refused) == 1
    assert isinstance(refused[0], IntegrityError | DBAPIError)
    assert "would exceed what was paid" in str(refused[0])
    async with shared_db.transaction() as session:
        assert await session.scalar(select(func.sum(Refund.amount_fen))) == 5000


async def test_one_refund_in_flight_per_payment(shared_db: Database) -> None:
    async with shared_db.transaction() as session:
        payment = await factories.make_payment(session, await ended_camp(session), paid=True)

    async def extra() -> None:
        async with shared_db.transaction() as session:
            row = await session.get_one(Payment, payment.id)
            await service.open_extra(
                session, payment=row, kind=RefundKind.DUPLICATE, amount_fen=10, reason="重复支付", actor=SYSTEM
            )

    found = await outcomes(*(extra() for _ in range(5)))
    assert [one.code for one in found if one is not None] == ["refund_in_flight"] * 4
