"""Members whose payments the simulated WeChat Pay knows, so that their refunds can really be sent."""

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import Actor
from backend.core.db import Database
from backend.core.ids import new_number
from backend.gateways.wechat_pay import OrderRequest
from backend.models.camps import Camp
from backend.models.ledger import Account
from backend.models.payers import Payer
from backend.models.payments import Channel
from backend.models.refunds import Refund, RefundStatus
from backend.models.staff import Staff, StaffRole
from backend.money.ledger import service as ledger
from backend.money.refunds import review
from backend.runtime import Runtime
from tests import factories
from tests.money.refunds.facts import ended_camp, enrolled
from tests.world import World


async def paid_there(runtime: Runtime, world: World, camp: Camp, **fields: Any) -> dict[str, Any]:
    """Order and pay at the provider; returns the columns of our row."""
    number = new_number("P")
    order = OrderRequest(
        channel="native",
        out_trade_no=number,
        description=camp.name,
        amount_fen=camp.deposit_fen,
        expires_at=clock.now() + dt.timedelta(minutes=30),
        notify_url="http://testserver/api/webhook/wechat/payment",
    )
    await runtime.wechat_pay.create_order(order)
    paid = world.sandbox.wechat_pay.pay(number)
    return {
        "out_trade_no": number,
        "transaction_id": paid.transaction_id,
        "openid": paid.openid,
        "paid_at": paid.paid_at,
        "channel": Channel.NATIVE,
    } | fields


async def pending(runtime: Runtime, world: World, count: int = 1, *, camp: Camp | None = None) -> list[Refund]:
    """So many refunds of one ended camp waiting for review."""
    async with runtime.db.transaction() as session:
        camp = camp or await ended_camp(session)
    made = []
    for _ in range(count):
        columns = await paid_there(runtime, world, camp)
        async with runtime.db.transaction() as session:
            payment = await factories.make_payment(session, camp, paid=True, **columns)
            payer = await session.get_one(Payer, payment.payer_id)
            member = await enrolled(session, camp, payer=payer, payment=payment)
            made.append(await factories.make_refund(session, member))
    return made


async def approved(runtime: Runtime, world: World, count: int = 1) -> list[Refund]:
    """So many approved refunds that nobody has sent yet."""
    refunds = await pending(runtime, world, count)
    async with runtime.db.transaction() as session:
        reviewer = await factories.make_staff(session, StaffRole.MANAGER)
    for refund in refunds:
        async with runtime.db.transaction() as session:
            await review.approve(session, refund.id, actor=actor_of(reviewer), note=None)
    return refunds


def actor_of(staff: Staff) -> Actor:
    return Actor("staff", staff.username, staff.id)


async def now_of(db: Database, refund: Refund) -> Refund:
    """The row as it stands now."""
    async with db.transaction() as session:
        return await session.get_one(Refund, refund.id)


async def statuses(db: Database) -> dict[str, int]:
    """How many refunds stand in each status."""
    async with db.transaction() as session:
        found: dict[str, int] = {}
        for status in await session.scalars(select(Refund.status)):
            found[status.value] = found.get(status.value, 0) + 1
        return found


async def books_agree(session: AsyncSession, world: World) -> None:
    """Our ledger against itself and against the provider's own sums (payments of this test only)."""
    assert await ledger.verify(session) == []
    theirs = world.sandbox.wechat_pay.books()
    ours = await ledger.balances(session)
    assert sum(ours.values()) == 0
    assert ours[Account.PROVIDER_CLEARING] == theirs.payments_fen - theirs.refunds_fen
    done = await session.scalars(select(Refund).where(Refund.status == RefundStatus.SUCCEEDED))
    assert sum(row.amount_fen for row in done if not row.settled_offline) == theirs.refunds_fen
