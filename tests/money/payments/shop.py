"""Members at their phones, and what WeChat Pay would say about their orders."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from backend.core import clock
from backend.core.actor import Actor
from backend.gateways.wechat_pay import PaymentFact
from backend.models.payers import Payer
from backend.models.payments import Payment
from backend.office.payers.service import CurrentPayer, token_for
from backend.runtime import Runtime
from tests.factories import make_payer
from tests.world import World

T = TypeVar("T")
FORM = {"planet_nickname": "早起的鸟", "planet_number": "1024", "wechat_nickname": "小鸟"}
_OPENID = "oShopMember000000000000000"


def new_openid() -> str:
    return f"o{uuid.uuid4().hex[:27]}"


@dataclass
class Phone:
    """A logged-in person and the API."""

    client: httpx.AsyncClient
    runtime: Runtime
    payer: Payer

    @property
    def headers(self) -> dict[str, str]:
        settings = self.runtime.settings
        token = token_for(self.payer, secret=settings.secret_key.get_secret_value(), days=settings.member_token_days)
        return {"Authorization": f"Bearer {token}"}

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(f"/api/h5/payments{path}", headers=self.headers)

    async def order(self, camp_id: object, channel: str = "jsapi", **form: Any) -> httpx.Response:
        body = {"camp_id": str(camp_id), "channel": channel} | FORM | form
        return await self.client.post("/api/h5/payments", json=body, headers=self.headers)

    async def ordered(self, camp_id: object, channel: str = "jsapi", **form: Any) -> dict[str, Any]:
        """The order, which must have been accepted."""
        response = await self.order(camp_id, channel, **form)
        assert response.status_code == 200, response.text
        data: dict[str, Any] = response.json()["data"]
        return data


async def phone_of(client: httpx.AsyncClient, runtime: Runtime, openid: str | None = None) -> Phone:
    """A person in WeChat, or a guest without ``openid``."""
    async with runtime.db.transaction() as session:
        payer = await make_payer(session, openid=openid)
    return Phone(client, runtime, payer)


def current(payer: Payer, ip: str | None = "203.0.113.9") -> CurrentPayer:
    return CurrentPayer(payer.id, payer.openid, Actor("member", str(payer.id), payer.id, ip))


def fact_of(payment: Payment, **changes: Any) -> PaymentFact:
    """The payment of an order, made just now, unless told otherwise."""
    fields: dict[str, Any] = {
        "out_trade_no": payment.out_trade_no,
        "transaction_id": str(uuid.uuid4().int)[:28],
        "mch_id": payment.mch_id,
        "app_id": payment.app_id,
        "amount_fen": payment.amount_fen,
        "currency": "CNY",
        "openid": _OPENID,
        "trade_type": "JSAPI",
        "success_time": clock.now().replace(microsecond=0),
    }
    return PaymentFact(**(fields | changes))


async def pay(world: World, out_trade_no: str, *, openid: str | None = None) -> None:
    """The payer pays at the cashier, and the notification arrives."""
    world.sandbox.wechat_pay.pay(out_trade_no, openid=openid)
    await world.sandbox.wechat_pay.deliver_due()


async def crowded(tasks: Iterable[Coroutine[Any, Any, T]], *, at_once: int = 30) -> list[T]:
    """Run many at once, but not more than a slow machine answers before the pool of connections gives up."""
    door = asyncio.Semaphore(at_once)

    async def pass_through(task: Coroutine[Any, Any, T]) -> T:
        async with door:
            return await task

    return await asyncio.gather(*map(pass_through, tasks))


def minutes(number: float) -> dt.timedelta:
    return dt.timedelta(minutes=number)
