"""Many who have paid, without a thousand ways through the pages.

Their orders are taken into the sandbox's books in one call, and ours are written as they stand after the
notifications: who is who, and whose days count, the next sync finds out by itself.
"""

import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.db import make_engine
from backend.core.ids import new_number
from backend.models.camps import Camp as CampRow
from tests import factories
from tests.browser.stand import Camp, PlanetPerson, Stand


@dataclass(frozen=True)
class Enrolled:
    """Somebody who paid: what they typed, and who on the planet checks in for them on which days of the camp."""

    nickname: str
    number: str
    wechat: str = "微信里的人"
    person: PlanetPerson | None = None
    days: tuple[int, ...] = ()


def sure(people: Iterable[PlanetPerson], *days: int) -> list[Enrolled]:
    """These people under their own numbers and names, checking in on these days."""
    return [Enrolled(one.name, one.number, f"微信{one.name}", one, days) for one in people]


async def enrol(stand: Stand, camp: Camp, crowd: Sequence[Enrolled]) -> None:
    """All of them have paid for the camp that still enrols, and post on their days."""
    engine = make_engine(stand.database_url)
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            row = await session.get_one(CampRow, uuid.UUID(camp.id))
            orders = [
                {
                    "out_trade_no": new_number("P"),
                    "amount_fen": row.deposit_fen,
                    "description": row.name,
                    "openid": f"oCrowd{secrets.token_hex(8)}",
                }
                for _ in crowd
            ]
            paid = (await stand.stage.sandbox.post("wechat-pay", "paid-orders", {"orders": orders}))["orders"]
            for order, typed in zip(paid, crowd, strict=True):
                payer = await factories.make_payer(session, openid=order["openid"])
                form = {
                    "planet_nickname": typed.nickname,
                    "planet_number": typed.number,
                    "wechat_nickname": typed.wechat,
                }
                numbers = {name: order[name] for name in ("out_trade_no", "transaction_id")}
                payment = await factories.make_payment(session, row, payer, paid=True, **form, **numbers)
                await factories.make_member(session, row, payer, payment=payment)
    finally:
        await engine.dispose()
    await camp.plan({one.person: one.days for one in crowd if one.person})
