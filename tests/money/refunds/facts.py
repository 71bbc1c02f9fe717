"""Refunds in any state, and the provider's words about them, without a provider."""

import datetime as dt
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import PROVIDER, SYSTEM, Actor
from backend.gateways.wechat_pay import RefundFact
from backend.gateways.wechat_pay.types import RefundStatus as Word
from backend.models.camps import Camp, CampStatus
from backend.models.history import move
from backend.models.members import Member
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundStatus
from backend.money.ledger import service as ledger
from backend.money.refunds import repository, service
from tests import factories

REVIEWER = Actor("staff", "reviewer")
WORDS: tuple[Word, ...] = ("PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL")


async def ended_camp(session: AsyncSession, **fields: Any) -> Camp:
    """A camp of 2026-02-10 … 2026-02-19 that is over."""
    fields = dict[str, Any](starts_on=dt.date(2026, 2, 10), status=CampStatus.ENDED) | fields
    return await factories.make_camp(session, **fields)


async def enrolled(session: AsyncSession, camp: Camp, **fields: Any) -> Member:
    """A member matched at 100 who checked in often enough, unless told otherwise."""
    fields = dict[str, Any](planet_user_id=factories._unique(), days_ranking=9, days_posts=9) | fields
    return await factories.make_member(session, camp, **fields)


async def recounted(session: AsyncSession, member: Member, **changes: Any) -> None:
    """A later count found something else about a member."""
    for name, value in changes.items():
        setattr(member, name, value)
    factories.judge(member, await session.get_one(Camp, member.camp_id))
    await session.flush()


async def refund_in(session: AsyncSession, status: RefundStatus, *, code: str = "timeout") -> Refund:
    """A refund that reached ``status`` the ordinary way, with the ledger entries of that way."""
    camp = await ended_camp(session)
    refund = await factories.make_refund(session, await enrolled(session, camp))
    if status is RefundStatus.PENDING_REVIEW:
        return refund
    if status is RefundStatus.REJECTED:
        [held] = (await repository.lock_for_review(session, [refund.id])).values()
        held.freeze()
        refund.reject_reason = "打卡未达标"
        move(session, refund, RefundStatus.REJECTED, event="reject", actor=REVIEWER)
        return refund
    refund.reviewed_at = clock.now()
    [held] = (await repository.lock_for_review(session, [refund.id])).values()
    held.freeze()
    move(session, refund, RefundStatus.APPROVED, event="approve", actor=REVIEWER)
    if status is RefundStatus.APPROVED:
        return refund
    payment = await session.get_one(Payment, refund.payment_id)
    refund.sendings, refund.attempts, refund.sent_at = 1, 1, clock.now()
    refund.next_attempt_at = clock.now() + dt.timedelta(minutes=1)
    move(session, refund, RefundStatus.SENDING, event="send", actor=SYSTEM)
    ledger.sent(session, payment, refund)
    await session.flush()
    if status is RefundStatus.FAILED:
        await service.fail(session, refund, payment, code=code, message="", event="answer", actor=SYSTEM)
    elif status is not RefundStatus.SENDING:
        word: dict[RefundStatus, Word] = {
            RefundStatus.PROCESSING: "PROCESSING",
            RefundStatus.SUCCEEDED: "SUCCESS",
            RefundStatus.CLOSED: "CLOSED",
        }
        fact = await fact_about(session, refund, word[status])
        await service.record_refund(session, fact, source="answer", actor=PROVIDER)
    await session.flush()
    assert refund.status is status
    return refund


async def fact_about(session: AsyncSession, refund: Refund, word: Word, **changes: Any) -> RefundFact:
    """What the provider would say about a refund, spoilt by ``changes``."""
    payment = await session.get_one(Payment, refund.payment_id)
    fact = RefundFact(
        out_refund_no=refund.out_refund_no,
        refund_id=refund.provider_refund_id or f"50{refund.out_refund_no}",
        transaction_id=payment.transaction_id or "",
        out_trade_no=payment.out_trade_no,
        status=word,
        amount_fen=refund.amount_fen,
        total_fen=payment.amount_fen,
        success_time=clock.now() if word == "SUCCESS" else None,
        mch_id=None,
    )
    return replace(fact, **changes)
