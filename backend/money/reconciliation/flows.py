"""Daily reconciliation at 10:30: compare the provider's bills with our rows.

It covers yesterday and every day of the last week that isn't compared yet.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog

from backend.core import clock, metrics
from backend.core.actor import SYSTEM
from backend.gateways.errors import GatewayError
from backend.gateways.wechat_pay import TradeBillRow
from backend.money.cases import service as cases
from backend.money.ledger import service as ledger
from backend.money.payments import service as payments
from backend.money.reconciliation import repository, rules
from backend.money.reconciliation.rules import Difference
from backend.money.refunds import service as refunds
from backend.runtime import Runtime

log = structlog.get_logger(__name__)

_LOOK_BACK_DAYS = 7


async def reconcile(runtime: Runtime, day: dt.date | None = None) -> dict[str, Any]:
    """Compare the days of the last week that aren't compared yet, or only ``day`` (a Shanghai day before today).

    A day whose bill isn't available (the provider makes it until about 10:00) counts as ``pending``; the next run
    retries it. Each difference opens one case. A missed payment or refund is recorded from a provider query.
    """
    days = [day] if day is not None else await _days_to_compare(runtime)
    pending = 0
    opened = await _check_ledger(runtime)
    for one in days:
        try:
            opened += await _compare_day(runtime, one)
        except GatewayError as error:
            pending += 1
            log.warning("reconcile.pending", day=one.isoformat(), code=error.code)
            if error.code == "bad_answer" and error.message.startswith("bill:"):
                opened += await _open(runtime, [_damaged(one, error)])
    return {"days": len(days), "pending": pending, "cases": opened}


async def _days_to_compare(runtime: Runtime) -> list[dt.date]:
    first = clock.today() - dt.timedelta(days=_LOOK_BACK_DAYS)
    async with runtime.db.transaction() as session:
        done = await repository.finished_days(session, first)
    days = [first + dt.timedelta(days=offset) for offset in range(_LOOK_BACK_DAYS)]
    return [one for one in days if one not in done]


async def _compare_day(runtime: Runtime, day: dt.date) -> int:
    """Return the number of new cases. The day is marked last, so that a failure before that repeats it."""
    bill = await runtime.wechat_pay.trade_bill(day)
    flows = await runtime.wechat_pay.fund_flow_bill(day)
    earlier = await _refunds_of_the_day_before(runtime, day, bill)
    async with runtime.db.transaction() as session:
        found = rules.compare(day, bill, await repository.books_of(session, day, bill), earlier)
    by_order = {row.out_trade_no: row for row in bill if row.trade_state == "SUCCESS"}
    recovered = [await _recover_payment(runtime, by_order[number]) for number in found.ask_payments]
    for number in found.ask_refunds:
        await _recover_refund(runtime, number)
    differences = [*found.differences, *recovered, *rules.compare_flows(day, bill, flows)]
    opened = await _open(runtime, differences)
    async with runtime.db.transaction() as session:
        await repository.finish_day(session, day, trade_rows=len(bill), fund_rows=len(flows), cases=len(differences))
    return opened


async def _refunds_of_the_day_before(runtime: Runtime, day: dt.date, bill: Sequence[TradeBillRow]) -> set[str]:
    """Refund numbers in the previous day's bill, for refunds sent just before midnight.

    Empty, without a download, if this day's bill has all of those.
    """
    begin, numbers = clock.day_start(day), {row.out_refund_no for row in bill}
    async with runtime.db.transaction() as session:
        books = await repository.books_of(session, day, bill)
    late = (row for row in books.refunds.values() if row.sent_at is not None and row.sent_at < begin)
    if all(row.out_refund_no in numbers for row in late):
        return set()
    before = await runtime.wechat_pay.trade_bill(day - dt.timedelta(days=1))
    return {row.out_refund_no for row in before if row.out_refund_no}


async def _recover_payment(runtime: Runtime, row: TradeBillRow) -> Difference:
    """Record a missed payment from a provider query. It opens a case even if that succeeds."""
    state = await runtime.wechat_pay.query_order(row.out_trade_no)
    payment = None
    if state is not None and state.payment is not None:
        async with runtime.db.transaction() as session:
            recorded = await payments.record_payment(session, state.payment, source="bill", actor=SYSTEM)
        payment = recorded.payment
    became = "，已补记" if payment is not None and payment.transaction_id == row.transaction_id else "，未能补记"
    difference = Difference(
        "bill_only_payment",
        row.transaction_id,
        f"微信账单有一笔未入账的付款 {row.out_trade_no}{became}",
        rules.payment_evidence(row),
    )
    if payment is None:
        return difference
    return replace(difference, payment_id=payment.id, camp_id=payment.camp_id)


async def _recover_refund(runtime: Runtime, out_refund_no: str) -> None:
    """Record a refund's state from a query: a bill row only says that the refund was accepted."""
    fact = await runtime.wechat_pay.query_refund(out_refund_no)
    if fact is not None:
        async with runtime.db.transaction() as session:
            await refunds.record_refund(session, fact, source="bill", actor=SYSTEM)


async def _open(runtime: Runtime, differences: Sequence[Difference]) -> int:
    opened = 0
    async with runtime.db.transaction() as session:
        for one in differences:
            opened += await cases.open_case(
                session,
                one.kind,
                about=one.about,
                summary=one.summary,
                detail=one.detail,
                camp_id=one.camp_id,
                payment_id=one.payment_id,
                refund_id=one.refund_id,
            )
    return opened


def _damaged(day: dt.date, error: GatewayError) -> Difference:
    """The bill doesn't match its digest, or ends before its summary."""
    text = f"{day} 的微信账单不完整或已损坏，将在下次对账时重新下载"
    return Difference("truncated_bill", day.isoformat(), text, {"day": day.isoformat(), "problem": error.message})


async def _check_ledger(runtime: Runtime) -> int:
    """Verify the ledger against payments and refunds. Return the number of new cases."""
    async with runtime.db.transaction() as session:
        problems = await ledger.verify(session)
        balance = sum((await ledger.balances(session)).values())
    metrics.ledger_imbalance_fen.set(balance)
    return await _open(
        runtime,
        [
            Difference(
                "ledger",
                f"{problem.kind}:{problem.subject}",
                f"账本与业务数据不一致：{problem.subject}",
                {"kind": problem.kind, "expected_fen": problem.expected_fen, "found_fen": problem.found_fen},
            )
            for problem in problems
        ],
    )
