"""Queries for reconciliation."""

import datetime as dt
import uuid
from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.gateways.wechat_pay import TradeBillRow
from backend.models.payments import Payment
from backend.models.reconciliation import ReconciliationDay
from backend.models.refunds import Refund
from backend.models.staff import Staff
from backend.money.reconciliation.rules import MIDNIGHT_SLACK, Books


async def books_of(session: AsyncSession, day: dt.date, bill: Collection[TradeBillRow]) -> Books:
    """Our payments and refunds of a day, and any others that its bill names."""
    begin, end = clock.day_start(day), clock.day_start(day + dt.timedelta(days=1))
    orders = {row.out_trade_no for row in bill}
    paid = select(Payment).where(
        or_(Payment.paid_at.between(begin, end), Payment.out_trade_no.in_(orders)),
    )
    numbers = {row.out_refund_no for row in bill if row.out_refund_no}
    sent = select(Refund).where(
        or_(Refund.sent_at.between(begin - MIDNIGHT_SLACK, end), Refund.out_refund_no.in_(numbers)),
    )
    payments, refunds = (await session.scalars(paid)).all(), (await session.scalars(sent)).all()
    return Books({row.out_trade_no: row for row in payments}, {row.out_refund_no: row for row in refunds})


async def finished_days(session: AsyncSession, since: dt.date) -> set[dt.date]:
    """Days from ``since`` on whose comparison is complete."""
    return set(await session.scalars(select(ReconciliationDay.day).where(ReconciliationDay.day >= since)))


async def finish_day(session: AsyncSession, day: dt.date, *, trade_rows: int, fund_rows: int, cases: int) -> None:
    """Mark a day as compared. Comparing it again replaces the figures."""
    figures = {"finished_at": clock.now(), "trade_rows": trade_rows, "fund_rows": fund_rows, "cases": cases}
    await session.execute(
        insert(ReconciliationDay).values(day=day, **figures).on_conflict_do_update(index_elements=["day"], set_=figures)
    )


async def staff_names(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Display names by id, including people who have left."""
    found = await session.execute(select(Staff.id, Staff.display_name).where(Staff.id.in_(ids)))
    return {row.id: row.display_name for row in found}
