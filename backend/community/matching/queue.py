"""The matching queue (身份匹配): members that need staff review, each with the best suggestion."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from backend.community.matching import rules
from backend.community.matching.rules import Form, Person
from backend.community.matching.service import form_of
from backend.community.members.repository import MemberRow
from backend.core.pagination import Page, PageRequest
from backend.core.search import contains
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import CheckinTotal
from backend.models.members import MatchMethod, MatchStatus, Member
from backend.models.payments import Payment
from backend.models.planets import PlanetUser


class Tab(StrEnum):
    TO_MATCH = "to_match"
    TO_CONFIRM = "to_confirm"
    CONFLICT = "conflict"
    CLOSED = "closed"


_TABS: dict[Tab, ColumnElement[bool]] = {
    Tab.TO_MATCH: Member.status == MatchStatus.UNMATCHED,
    # A nickname match is effective, but staff should review it.
    Tab.TO_CONFIRM: or_(
        Member.status == MatchStatus.SUGGESTED, and_(Member.status == MatchStatus.MATCHED, Member.confidence < 100)
    ),
    Tab.CONFLICT: Member.status == MatchStatus.CONFLICT,
    Tab.CLOSED: Member.status == MatchStatus.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Queue filters. ``q`` matches part of the typed fields, the found person's names or ids, or the order number."""

    tab: Tab
    camp_id: uuid.UUID | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggested person. ``agrees``: typed fields that equal this person's; ``days``: days by the ranking."""

    person: Person
    agrees: Sequence[MatchMethod]
    days: int | None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A member, their order number and a suggestion: the person found, else the one most similar to the form."""

    row: MemberRow
    out_trade_no: str
    suggestion: Suggestion | None


async def counts(session: AsyncSession, wanted: Wanted) -> dict[Tab, int]:
    """Number of members per tab, with the camp and ``q`` filters of ``wanted``."""
    sums = [func.count().filter(condition) for condition in _TABS.values()]
    statement = _narrowed(_in_queue(select(*sums).select_from(Member), with_names=bool(wanted.q)), wanted)
    found = (await session.execute(statement)).one()
    return dict(zip(_TABS, found, strict=True))


async def page(session: AsyncSession, request: PageRequest, wanted: Wanted, *, total: int) -> Page[QueueRow]:
    """One page of a tab, latest payment first. ``total`` is the tab's count from :func:`counts`."""
    columns = select(Member, Camp, PlanetUser, Payment.out_trade_no).select_from(Member)
    statement = _narrowed(_in_queue(columns, with_names=True), wanted)
    statement = statement.where(_TABS[wanted.tab]).order_by(Member.paid_at.desc(), Member.id.desc())
    found = (await session.execute(statement.limit(request.page_size).offset(request.offset))).all()
    rows = [(MemberRow(member, camp, person), number) for member, camp, person, number in found]
    suggested = await _suggestions(session, [row for row, _ in rows])
    items = [QueueRow(row, number, suggested.get(row.member.id)) for row, number in rows]
    return Page(items, total, request.page, request.page_size)


def _in_queue(statement: Select[*tuple[Any, ...]], *, with_names: bool) -> Select[*tuple[Any, ...]]:
    """Restrict to the queue of unarchived camps. ``with_names`` joins the order and the person found."""
    statement = statement.join(Camp, Camp.id == Member.camp_id)
    if with_names:
        person = and_(PlanetUser.planet_id == Camp.planet_id, PlanetUser.user_id == Member.planet_user_id)
        statement = statement.join(Payment, Payment.id == Member.payment_id).outerjoin(PlanetUser, person)
    # The union of all tabs. It must match the predicate of ix_members_matching_queue, or the index isn't used.
    open_to_people = or_(Member.status != MatchStatus.MATCHED, Member.confidence < 100)
    return statement.where(Camp.status != CampStatus.ARCHIVED, open_to_people)


def _narrowed(statement: Select[*tuple[Any, ...]], wanted: Wanted) -> Select[*tuple[Any, ...]]:
    if wanted.camp_id is not None:
        statement = statement.where(Member.camp_id == wanted.camp_id)
    if wanted.q:
        typed = (Member.planet_nickname, Member.wechat_nickname, Member.planet_number, Payment.out_trade_no)
        columns = (*typed, PlanetUser.name, PlanetUser.alias, PlanetUser.number, PlanetUser.user_id)
        statement = statement.where(or_(*(contains(column, wanted.q) for column in columns)))
    return statement


async def _suggestions(session: AsyncSession, rows: Sequence[MemberRow]) -> dict[uuid.UUID, Suggestion]:
    """Suggestion per member: the person found, else the most similar of the camp's unmatched people."""
    free = await _free_people(session, [row for row in rows if row.person is None])
    chosen: dict[uuid.UUID, tuple[Form, Person]] = {}
    for row in rows:
        form = form_of(row.member)
        person = _person(row.person) if row.person is not None else rules.guess(form, free.get(row.camp.id, ()))
        if person is not None:
            chosen[row.member.id] = (form, person)
    pairs = [(row.camp.id, chosen[row.member.id][1].user_id) for row in rows if row.member.id in chosen]
    days = await _days(session, pairs)
    return {
        member_id: Suggestion(person, rules.agreement(form, person), days.get(pair))
        for (member_id, (form, person)), pair in zip(chosen.items(), pairs, strict=True)
    }


async def _free_people(session: AsyncSession, rows: Sequence[MemberRow]) -> dict[uuid.UUID, list[Person]]:
    """Camp → unmatched people who are in its ranking or whose number or user id one of the members typed."""
    camp_ids = {row.camp.id for row in rows}
    numbers = {number for row in rows if (number := rules.digits(row.member.planet_number))}
    totals = aliased(CheckinTotal)
    ranked = and_(totals.camp_id == Camp.id, totals.planet_user_id == PlanetUser.user_id)
    taken = exists().where(
        Member.camp_id == Camp.id,
        Member.planet_user_id == PlanetUser.user_id,
        Member.status == MatchStatus.MATCHED,
    )
    statement = (
        select(Camp.id, PlanetUser.user_id, PlanetUser.number, PlanetUser.name, PlanetUser.alias)
        .join(PlanetUser, PlanetUser.planet_id == Camp.planet_id)
        .outerjoin(totals, ranked)
        .where(
            Camp.id.in_(camp_ids),
            or_(totals.camp_id.is_not(None), PlanetUser.number.in_(numbers), PlanetUser.user_id.in_(numbers)),
            ~taken,
        )
    )
    found: dict[uuid.UUID, list[Person]] = {}
    for camp_id, user_id, number, name, alias in await session.execute(statement):
        found.setdefault(camp_id, []).append(Person(user_id, number, name, alias))
    return found


async def _days(session: AsyncSession, pairs: Sequence[tuple[uuid.UUID, str]]) -> dict[tuple[uuid.UUID, str], int]:
    """(Camp id, planet user id) → days by the camp's ranking."""
    key = (CheckinTotal.camp_id, CheckinTotal.planet_user_id)
    statement = select(*key, CheckinTotal.days_ranking).where(tuple_(*key).in_(pairs))
    return {(camp_id, user_id): days for camp_id, user_id, days in await session.execute(statement)}


def _person(row: PlanetUser) -> Person:
    return Person(row.user_id, row.number, row.name, row.alias)
