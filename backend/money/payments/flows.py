"""Orders at the provider: create, renew and settle them, and the jobs that query their state.

Each provider call runs between two transactions: the order is committed before the call, the answer after it.
After a crash in between, the next request or job continues with the order.
"""

import asyncio
import datetime as dt
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import structlog

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.errors import Conflict, ProviderProblem
from backend.gateways.errors import GatewayError, Rejected, Unavailable, Unknown
from backend.gateways.wechat_pay import OrderRequest, PaymentFact
from backend.models.payments import Payment, PaymentStatus
from backend.money.payments import repository, rules, service
from backend.money.payments.service import NewOrder, Outcome
from backend.office.payers.service import CurrentPayer
from backend.runtime import Runtime

log = structlog.get_logger(__name__)

NOTIFY_PATH = "/api/webhook/wechat/payment"
# Concurrent queries to the provider.
_AT_ONCE = 5
# Don't query younger open orders: the payer is still paying, or the notification is on its way.
_TIME_TO_PAY = dt.timedelta(minutes=1)
_OVER = frozenset({"ORDER_PAID", "ORDER_CLOSED"})


class OrderChanging(Conflict):
    """The same person is placing orders concurrently."""

    code, message = "order_changing", "订单正在处理中，请稍后再试"


async def place_order(runtime: Runtime, payer: CurrentPayer, new: NewOrder) -> Payment:
    """Find or create the person's open order, and create it at the provider. A repeat returns the same order.

    If the provider is unavailable, the order stays open and :func:`prepay` fetches its parameters later. Raises what
    :func:`service.place` raises, OrderChanging, ProviderProblem, and the gateway's errors.
    """
    if not runtime.settings.wechat_pay.mch_id:
        raise ProviderProblem("微信支付尚未配置")
    closed_id = None
    for _ in range(3):
        async with runtime.db.transaction() as session:
            placed = await service.place(session, payer, new, settings=runtime.settings, closed_id=closed_id)
        try:
            if not placed.must_be_closed_first and await _try_prepay(runtime, placed.payment, payer):
                return placed.payment
        except (Unavailable, Unknown) as error:
            log.warning("payment.prepay_later", out_trade_no=placed.payment.out_trade_no, error=error.code)
            return placed.payment
        fact = await _settle_with_provider(runtime, placed.payment)
        if fact is not None:
            await _record(runtime, fact)
        closed_id = placed.payment.id if fact is None else None
    raise OrderChanging


async def prepay(runtime: Runtime, payer: CurrentPayer, payment_id: uuid.UUID) -> tuple[Payment, str]:
    """A person's open order and the parameters its page needs to pay it. Renews expired ones at the provider.

    Raises NotFound, PaymentNotPending, and the gateway's errors.
    """
    async with runtime.db.transaction() as session:
        payment = await service.get_owned(session, payer, payment_id)
        service.check_payable(payment)
    made = _usable_prepay(payment) or await _new_prepay(runtime, payment, payer)
    if made is None:
        # The order is paid or closed at the provider. Settle it now, so that the page shows the new state.
        await settle_order(runtime, payment.id)
        raise service.PaymentNotPending
    return payment, made


def _usable_prepay(payment: Payment) -> str | None:
    fresh = payment.prepay_expires_at is not None and payment.prepay_expires_at > clock.now()
    return payment.prepay if fresh else None


async def _try_prepay(runtime: Runtime, payment: Payment, payer: CurrentPayer) -> bool:
    return (_usable_prepay(payment) or await _new_prepay(runtime, payment, payer)) is not None


async def _new_prepay(runtime: Runtime, payment: Payment, payer: CurrentPayer) -> str | None:
    """Create the order at the provider, or repeat that with identical values. None if it is paid or closed there."""
    request = OrderRequest(
        channel=payment.channel.value,
        out_trade_no=payment.out_trade_no,
        description=payment.description,
        amount_fen=payment.amount_fen,
        expires_at=payment.expires_at,
        notify_url=f"{runtime.settings.public_base_url}{NOTIFY_PATH}",
        openid=payer.openid,
        payer_client_ip=payment.payer_ip,
    )
    runtime.wechat_pay.require_merchant(payment.mch_id)
    until = rules.prepay_expiry(payment.channel, clock.now())
    try:
        made = await runtime.wechat_pay.create_order(request)
    except Rejected as error:
        if error.code in _OVER:
            return None
        raise
    async with runtime.db.transaction() as session:
        await repository.keep_prepay(session, payment.id, made, until)
    return made


async def look_up(runtime: Runtime, payer: CurrentPayer, payment_id: uuid.UUID) -> None:
    """Query an order that the payer says is paid, without waiting for the notification or the hourly job.

    Raises :class:`NotFound` for another person's order, and the gateway's errors.
    """
    async with runtime.db.transaction() as session:
        payment = await service.get_owned(session, payer, payment_id)
    if payment.status is not PaymentStatus.PAID:
        fact = await _payment_at_provider(runtime, payment)
        if fact is not None:
            await _record(runtime, fact)


async def settle_order(runtime: Runtime, payment_id: uuid.UUID) -> PaymentStatus:
    """Settle an open order: record its payment, or close it at the provider and then here. Returns its status.

    Raises the gateway's errors; the order then stays open and keeps its seat.
    """
    async with runtime.db.transaction() as session:
        payment = await session.get_one(Payment, payment_id)
    if payment.status is PaymentStatus.PENDING:
        await _settle(runtime, payment, await _settle_with_provider(runtime, payment))
    async with runtime.db.transaction() as session:
        return (await session.get_one(Payment, payment_id)).status


async def _settle(runtime: Runtime, payment: Payment, fact: PaymentFact | None) -> Outcome | None:
    """Record the payment. Without one, close the order and return None."""
    if fact is not None:
        return await _record(runtime, fact)
    async with runtime.db.transaction() as session:
        await service.close(session, payment.id, actor=SYSTEM)
    return None


async def _record(runtime: Runtime, fact: PaymentFact) -> Outcome:
    async with runtime.db.transaction() as session:
        return (await service.record_payment(session, fact, source="query", actor=SYSTEM)).outcome


async def _settle_with_provider(runtime: Runtime, payment: Payment) -> PaymentFact | None:
    """Return the payment of an order. If there is none, close the order at the provider and return None.

    None means that it can't be paid any more: closed now, closed before, or never created there. The payer may pay
    just before the close, so a second query follows a refused close. Raises the gateway's errors.
    """
    runtime.wechat_pay.require_merchant(payment.mch_id)
    state = await runtime.wechat_pay.query_order(payment.out_trade_no)
    if state is None or state.payment is not None or state.trade_state == "CLOSED":
        return state.payment if state else None
    try:
        await runtime.wechat_pay.close_order(payment.out_trade_no)
    except Rejected as error:
        if error.code != "ORDER_PAID":
            raise
    else:
        return None
    state = await runtime.wechat_pay.query_order(payment.out_trade_no)
    if state is None or state.payment is None:
        raise Unknown("wechat_pay", "contradiction", "paid when closing, unpaid when asked")
    return state.payment


async def _payment_at_provider(runtime: Runtime, payment: Payment) -> PaymentFact | None:
    runtime.wechat_pay.require_merchant(payment.mch_id)
    state = await runtime.wechat_pay.query_order(payment.out_trade_no)
    return state.payment if state else None


async def order_expiry(runtime: Runtime) -> dict[str, Any]:
    """Job, each minute: settle expired orders. They keep their seats while the provider is unavailable."""
    async with runtime.db.transaction() as session:
        orders = await repository.expired(session, clock.now())

    async def settle(order: Payment, fact: PaymentFact | None) -> str:
        outcome = await _settle(runtime, order, fact)
        return outcome.value if outcome is not None else "closed"

    return await _each(orders, ask=partial(_settle_with_provider, runtime), write=settle)


async def payment_backfill(runtime: Runtime) -> dict[str, Any]:
    """Job, each hour: query open and recently closed orders, and record payments whose notification was lost."""
    now = clock.now()
    async with runtime.db.transaction() as session:
        orders = await repository.possibly_paid(
            session, opened_by=now - _TIME_TO_PAY, closed_from=now - rules.PAYABLE_AFTER_CLOSING
        )

    async def fill(_: Payment, fact: PaymentFact | None) -> str:
        return (await _record(runtime, fact)).value if fact is not None else "unpaid"

    return await _each(orders, ask=partial(_payment_at_provider, runtime), write=fill)


async def _each(
    orders: Sequence[Payment],
    *,
    ask: Callable[[Payment], Awaitable[PaymentFact | None]],
    write: Callable[[Payment, PaymentFact | None], Awaitable[str]],
) -> dict[str, int]:
    """Query orders concurrently, ``_AT_ONCE`` at a time, and write the answers one after the other.

    Returns counts by result. A failed order is left for the next run, so that it doesn't block the others.
    """
    counts = Counter(asked=len(orders))
    for start in range(0, len(orders), _AT_ONCE):
        some = orders[start : start + _AT_ONCE]
        words = await asyncio.gather(*(ask(order) for order in some), return_exceptions=True)
        for order, word in zip(some, words, strict=True):
            try:
                if isinstance(word, BaseException):
                    raise word
                counts[await write(order, word)] += 1
            except GatewayError as error:
                log.warning("payment.unanswered", out_trade_no=order.out_trade_no, error=error.code)
                counts["unanswered"] += 1
            except Exception:
                log.exception("payment.failed", out_trade_no=order.out_trade_no)
                counts["failed"] += 1
    return dict(counts)
