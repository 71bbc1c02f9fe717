"""A merchant at the simulated WeChat Pay: keys, orders, refunds, bills and books, without the HTTP API."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

from backend.sandbox.wechat_pay.bills import Bills
from backend.sandbox.wechat_pay.cashier import Cashier
from backend.sandbox.wechat_pay.courier import Courier
from backend.sandbox.wechat_pay.faults import Faults
from backend.sandbox.wechat_pay.keys import SandboxKeys
from backend.sandbox.wechat_pay.orders import Orders
from backend.sandbox.wechat_pay.records import Account, Order, Refund
from backend.sandbox.wechat_pay.refunds import Refunds

_TICK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class OrderBook:
    """One paid order. ``refunded_fen``: SUCCESS; ``refunding_fen``: PROCESSING and ABNORMAL."""

    out_trade_no: str
    transaction_id: str
    amount_fen: int
    refunded_fen: int
    refunding_fen: int


@dataclass(frozen=True, slots=True)
class Books:
    """The provider's totals, to compare with the product's ledger. ``refunding_fen``: PROCESSING and ABNORMAL."""

    payments_fen: int
    payments_count: int
    refunds_fen: int
    refunds_count: int
    refunding_fen: int
    balance_fen: int
    orders: list[OrderBook]


class Merchant:
    """Create with :meth:`create`. Inject faults through ``faults``."""

    def __init__(self, keys: SandboxKeys, app_id: str, base_url: str, transport: httpx.AsyncBaseTransport | None):
        self.app_id = app_id
        self.base_url = base_url.rstrip("/")
        self.keys = keys
        self.faults = Faults()
        self.account = Account()
        self.courier = Courier(keys, self.faults, transport)
        self.orders = Orders(
            app_id=app_id,
            mch_id=keys.mch_id,
            base_url=self.base_url,
            account=self.account,
            faults=self.faults,
            paid=self._tell_payment,
        )
        self.refunds = Refunds(self.orders, self.account, self.faults, self._tell_refund)
        self.bills = Bills(self.base_url, self.orders, self.refunds, self.account, self.faults)
        self.cashier = Cashier(self.base_url, keys, self.orders)

    @classmethod
    def create(
        cls,
        *,
        app_id: str = "wx5a9db0c4sandbox0",
        mch_id: str = "1900006891",
        base_url: str,
        public_key_mode: bool = True,
        notify_transport: httpx.AsyncBaseTransport | None = None,
    ) -> Self:
        """Create a merchant with new keys and empty books.

        ``base_url`` is the URL of the app, including its mount prefix. Notifications go through
        ``notify_transport`` if given, else over the network.
        """
        return cls(SandboxKeys.create(mch_id, public_key_mode=public_key_mode), app_id, base_url, notify_transport)

    @property
    def notify_transport(self) -> httpx.AsyncBaseTransport | None:
        """The transport for notifications. Tests set it once the receiving application exists."""
        return self.courier.transport

    @notify_transport.setter
    def notify_transport(self, transport: httpx.AsyncBaseTransport | None) -> None:
        self.courier.transport = transport

    def write_keys(self, directory: Path) -> dict[str, str]:
        """Write the merchant's key files (0600). Returns all CAMP_WECHAT_PAY__ variables for the product."""
        settings = {"BASE_URL": self.base_url, "APP_ID": self.app_id} | self.keys.write(directory)
        return {f"CAMP_WECHAT_PAY__{name}": value for name, value in settings.items()}

    def pay(self, out_trade_no: str, *, openid: str | None = None) -> Order:
        """Pay an order. ``openid`` defaults to the order's payer, else a new one. Raises PayRefused."""
        return self.orders.pay(out_trade_no, openid=openid)

    def console_refund(self, out_trade_no: str, amount_fen: int, *, notify_url: str | None = None) -> Refund:
        """Refund by hand in the merchant console. With ``notify_url``, it is notified in v2 XML."""
        return self.refunds.make_by_hand(out_trade_no, amount_fen, notify_url=notify_url)

    async def deliver_due(self) -> int:
        """Settle due refunds and attempt each due notification once. Returns the number of attempts."""
        self.refunds.settle_due()
        due = self.courier.take_due()
        await asyncio.gather(*map(self.courier.send, due))
        return len(due)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver in the background. Deliveries run concurrently, so a slow receiver doesn't delay the others."""
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticking.cancel()
            await asyncio.wait([ticking])

    def books(self) -> Books:
        """Settle due refunds and return the totals."""
        self.refunds.settle_due()
        orders = [self._book(order) for order in self.orders.by_number.values() if order.paid_at is not None]
        done = [refund for refund in self.refunds.by_number.values() if refund.status == "SUCCESS"]
        return Books(
            payments_fen=sum(order.amount_fen for order in orders),
            payments_count=len(orders),
            refunds_fen=sum(refund.amount_fen for refund in done),
            refunds_count=len(done),
            refunding_fen=sum(order.refunding_fen for order in orders),
            balance_fen=self.account.balance_fen,
            orders=orders,
        )

    def _book(self, order: Order) -> OrderBook:
        refunds = self.refunds.of(order)
        return OrderBook(
            out_trade_no=order.out_trade_no,
            transaction_id=order.transaction_id or "",
            amount_fen=order.amount_fen,
            refunded_fen=sum(refund.amount_fen for refund in refunds if refund.status == "SUCCESS"),
            refunding_fen=sum(refund.amount_fen for refund in refunds if refund.status in ("PROCESSING", "ABNORMAL")),
        )

    async def _tick(self) -> None:
        async with asyncio.TaskGroup() as sending:
            while True:
                self.refunds.settle_due()
                for delivery in self.courier.take_due():
                    sending.create_task(self.courier.send(delivery))
                await asyncio.sleep(_TICK_SECONDS)

    def _tell_payment(self, order: Order) -> None:
        self.courier.post(
            kind="payment",
            reference=order.out_trade_no,
            event_type="TRANSACTION.SUCCESS",
            url=order.notify_url,
            resource=order.record(app_id=self.app_id, mch_id=self.keys.mch_id),
        )

    def _tell_refund(self, refund: Refund) -> None:
        if refund.notify_url is None:
            return
        self.courier.post(
            kind="refund",
            reference=refund.out_refund_no,
            event_type=f"REFUND.{refund.status}",
            url=refund.notify_url,
            resource=refund.notice(mch_id=self.keys.mch_id),
            xml=refund.console,
        )
