"""Refunds as people read them: lists, filters, one refund with its history. Nothing here locks."""

import uuid
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import Page, PageRequest, fetch_keys, fetch_page, in_parts
from backend.core.search import contains
from backend.models.camps import Camp
from backend.models.checkins import Checkin
from backend.models.history import StateChange
from backend.models.members import Member, Verdict
from backend.models.payments import Payment
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.models.staff import Staff
from backend.money.refunds.evidence import evidence_of
from backend.money.refunds.repository import AMOUNT, FOLLOWS
from backend.office.payers.repository import owns_payment


def _of_evidence(column: Any, of_member: Any, value: object) -> ColumnElement[bool]:
    """A condition on evidence: the refund's own column, or its member's until a decision.

    A scalar subquery fetches the member's value for the few waiting rows. With EXISTS, the planner reads all members.
    """
    of_its_member = select(of_member).where(Member.id == Refund.member_id).correlate(Refund).scalar_subquery()
    return or_(and_(~FOLLOWS, column == value), and_(FOLLOWS, of_its_member == value))


@dataclass(frozen=True, slots=True)
class Listed:
    """A refund with related data for the reviewer. ``amount_fen`` is what it pays now."""

    refund: Refund
    payment: Payment
    camp_name: str
    reviewer_name: str | None
    member: Member | None
    amount_fen: int

    @property
    def evidence(self) -> Refund | Member:
        """The row with the evidence: the member until a decision, then the refund."""
        return evidence_of(self.refund, self.member)


def _listed() -> Select[Refund, Payment, str, str, Member, int]:
    return (
        select(Refund, Payment, Camp.name, Staff.display_name, Member, AMOUNT)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Camp, Camp.id == Refund.camp_id)
        .outerjoin(Staff, Staff.id == Refund.reviewer_id)
        .outerjoin(Member, Member.id == Refund.member_id)
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects refunds. ``camp_ids`` is the viewer's scope; None means all camps."""

    camp_ids: Collection[uuid.UUID] | None = None
    camp_id: uuid.UUID | None = None
    member_id: uuid.UUID | None = None
    payment_id: uuid.UUID | None = None
    status: Collection[RefundStatus] = ()
    kind: RefundKind | None = None
    verdict: Verdict | None = None
    confidence: int | None = None
    match_method: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    reviewer: str | None = None
    q: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Conditions on refunds only, so that finding and counting them needs no joins."""
        same = {
            Refund.camp_id: self.camp_id,
            Refund.member_id: self.member_id,
            Refund.payment_id: self.payment_id,
            Refund.kind: self.kind,
        }
        yield from (column == value for column, value in same.items() if value is not None)
        evidence = (
            (Refund.verdict, Member.verdict, self.verdict),
            (Refund.confidence, Member.confidence, self.confidence),
            (Refund.match_method, Member.match_method, self.match_method),
        )
        yield from (_of_evidence(*each) for each in evidence if each[2] is not None)
        if self.camp_ids is not None:
            yield Refund.camp_id.in_(self.camp_ids)
        if self.status:
            yield Refund.status.in_(self.status)
        if self.created_from is not None:
            yield Refund.created_at >= self.created_from
        if self.created_before is not None:
            yield Refund.created_at < self.created_before
        if self.reviewer:
            named = select(Staff.id).where(Staff.display_name.icontains(self.reviewer, autoescape=True))
            yield Refund.reviewer_id.in_(named)
        if self.q:
            typed = (Payment.planet_nickname, Payment.wechat_nickname, Payment.planet_number, Payment.out_trade_no)
            # A subquery for the orders: a join would be slower.
            orders = select(Payment.id).where(or_(*(contains(column, self.q) for column in typed)))
            yield or_(Refund.payment_id.in_(orders), contains(Refund.out_refund_no, self.q))


_NEWEST_FIRST = (Refund.created_at.desc(), Refund.id.desc())


async def page(session: AsyncSession, request: PageRequest, wanted: Filter) -> Page[Listed]:
    """Refunds, newest first."""
    keys = select(Refund.id).where(*wanted.conditions()).order_by(*_NEWEST_FIRST)
    found = await fetch_keys(session, keys, request, is_search=bool(wanted.q))
    rows = await session.execute(_listed().where(Refund.id.in_(found.items)).order_by(*_NEWEST_FIRST))
    return found.with_items([Listed(*row) for row in rows])


async def parts(session: AsyncSession, wanted: Filter) -> AsyncIterator[list[Listed]]:
    """All matching refunds in batches, newest first."""
    async for part in in_parts(session, _listed().where(*wanted.conditions()).order_by(*_NEWEST_FIRST)):
        yield [Listed(*row) for row in part]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Selected refunds as (id, verdict, current amount in fen). ``total`` also counts those beyond the limit."""

    rows: Sequence[tuple[uuid.UUID, Verdict | None, int]]
    total: int

    @property
    def ids(self) -> list[uuid.UUID]:
        return [row[0] for row in self.rows]

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def sum_fen(self) -> int:
        return sum(row[2] for row in self.rows)


async def chosen(session: AsyncSession, wanted: Filter, *, limit: int) -> Chosen:
    """The newest matching refunds, at most ``limit``."""
    verdict = case((FOLLOWS, Member.verdict), else_=Refund.verdict)
    statement = (
        select(Refund.id, verdict, AMOUNT, func.count().over())
        .outerjoin(Member, Member.id == Refund.member_id)
        .where(*wanted.conditions())
        .order_by(*_NEWEST_FIRST)
        .limit(limit)
    )
    rows = (await session.execute(statement)).all()
    return Chosen([(row[0], row[1], int(row[2])) for row in rows], rows[0][3] if rows else 0)


@dataclass(frozen=True, slots=True)
class OwnedRefund:
    """A refund as its owner sees it."""

    refund: Refund
    camp: Camp
    member: Member | None
    amount_fen: int

    @property
    def evidence(self) -> Refund | Member:
        """The row with the evidence: the member until a decision, then the refund."""
        return evidence_of(self.refund, self.member)


async def owned(
    session: AsyncSession, request: PageRequest, *, payer_id: uuid.UUID, openid: str | None
) -> Page[OwnedRefund]:
    """Every refund of this person's payments, newest first."""
    statement = (
        select(Refund, Camp, Member, AMOUNT)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Camp, Camp.id == Refund.camp_id)
        .outerjoin(Member, Member.id == Refund.member_id)
        .where(owns_payment(payer_id, openid))
        .order_by(*_NEWEST_FIRST)
    )
    return (await fetch_page(session, statement, request)).map(lambda row: OwnedRefund(*row))


async def listed(session: AsyncSession, refund_id: uuid.UUID) -> Listed | None:
    row = (await session.execute(_listed().where(Refund.id == refund_id))).one_or_none()
    return Listed(*row) if row is not None else None


async def history(session: AsyncSession, refund_id: uuid.UUID) -> list[tuple[StateChange, str | None]]:
    """State changes of a refund, oldest first, each with the name of the staff member who made it, or None."""
    statement = (
        select(StateChange, Staff.display_name)
        .outerjoin(Staff, Staff.id == StateChange.actor_id)
        .where(StateChange.entity == Refund.__tablename__, StateChange.entity_id == refund_id)
        .order_by(StateChange.created_at, StateChange.id)
    )
    return [(change, name) for change, name in await session.execute(statement)]


async def checkin_days(session: AsyncSession, member: Member) -> Sequence[date]:
    """The days on which a member's posts count. Empty for an unmatched member."""
    if member.planet_user_id is None:
        return []
    statement = select(Checkin.day).where(
        Checkin.camp_id == member.camp_id, Checkin.planet_user_id == member.planet_user_id
    )
    return (await session.scalars(statement.order_by(Checkin.day))).all()


async def member_of_payment(session: AsyncSession, payment_id: uuid.UUID) -> Member | None:
    return (await session.scalars(select(Member).where(Member.payment_id == payment_id))).one_or_none()


async def of_payments(session: AsyncSession, payment_ids: Collection[uuid.UUID]) -> list[Listed]:
    """All refunds of some payments, oldest first."""
    statement = _listed().where(Refund.payment_id.in_(payment_ids)).order_by(Refund.created_at, Refund.id)
    return [Listed(*row) for row in await session.execute(statement)]
