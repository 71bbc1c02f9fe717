"""Members in SQL: lists and lookups for pages, and the day counts of the last complete sync."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import Page, PageRequest, fetch_keys, fetch_page, in_parts
from backend.core.search import holds
from backend.core.text import CLEARED
from backend.models.audit import AuditEntry
from backend.models.camps import Camp
from backend.models.checkins import Checkin, CheckinSource, CheckinTotal, SyncRun, SyncStatus
from backend.models.history import StateChange
from backend.models.imports import ImportedTotal
from backend.models.members import MatchStatus, Member, Verdict
from backend.models.payments import Payment, PaymentStatus
from backend.models.planets import PlanetUser
from backend.models.refunds import Refund
from backend.models.staff import Staff
from backend.payers.repository import owns_member, owns_payment


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member with its camp and the planet person matched or suggested."""

    member: Member
    camp: Camp
    person: PlanetUser | None

    @property
    def matched_name(self) -> str | None:
        """The name of the person matched; nobody's while it is a mere suggestion."""
        return self.person.name if self.person and self.member.status is MatchStatus.MATCHED else None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of members is narrowed to; ``camp_ids`` is the viewer's scope, None for all camps."""

    camp_ids: frozenset[uuid.UUID] | None = None
    camp_id: uuid.UUID | None = None
    match_status: Collection[MatchStatus] = ()
    confidence: int | None = None
    joined: bool | None = None
    verdict: Verdict | None = None
    paid_from: dt.datetime | None = None
    paid_before: dt.datetime | None = None
    q: str | None = None


def _rows() -> Select[Member, Camp, PlanetUser]:
    return (
        select(Member, Camp, PlanetUser)
        .join(Camp, Camp.id == Member.camp_id)
        .outerjoin(
            PlanetUser,
            and_(
                PlanetUser.planet_id == Camp.planet_id,
                PlanetUser.user_id == Member.planet_user_id,
                # Somebody may still be active elsewhere: this camp's page names nobody any more.
                Camp.personal_data_cleared_at.is_(None),
            ),
        )
    )


def _verdict() -> ColumnElement[str]:
    """``rules.assess`` in SQL, so that lists can be filtered by it; a test holds the two together."""
    required = Member.refund_policy["required_days"].astext.cast(Integer)
    certain = and_(
        Member.status == MatchStatus.MATCHED,
        Member.confidence == 100,
        Member.days_ranking.is_not(None),
        Member.days_posts.is_not(None),
    )
    return case(
        (and_(certain, Member.days_ranking >= required, Member.days_posts >= required), literal(Verdict.ELIGIBLE)),
        (
            and_(
                certain,
                Member.days_ranking < required,
                Member.days_posts < required,
                func.coalesce(Member.days_import, 0) < required,
            ),
            literal(Verdict.NOT_ELIGIBLE),
        ),
        else_=literal(Verdict.NEEDS_CONFIRMATION),
    )


_LATEST_FIRST = (Member.paid_at.desc(), Member.id.desc())


async def page(session: AsyncSession, request: PageRequest, filters: Filters) -> Page[MemberRow]:
    """Members, latest payment first."""
    keys = select(Member.id).where(*_conditions(filters)).order_by(*_LATEST_FIRST)
    found = await fetch_keys(session, keys, request, is_search=bool(filters.q) or filters.verdict is not None)
    rows = await session.execute(_rows().where(Member.id.in_(found.items)).order_by(*_LATEST_FIRST))
    return found.with_items([MemberRow(*row) for row in rows])


async def parts(session: AsyncSession, filters: Filters) -> AsyncIterator[list[MemberRow]]:
    """All of them, part by part."""
    async for part in in_parts(session, _rows().where(*_conditions(filters)).order_by(*_LATEST_FIRST)):
        yield [MemberRow(*row) for row in part]


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """About members alone, so that they can be found and counted without their camps and people."""
    if filters.camp_ids is not None:
        yield Member.camp_id.in_(filters.camp_ids)
    if filters.camp_id is not None:
        yield Member.camp_id == filters.camp_id
    if filters.match_status:
        yield Member.status.in_(filters.match_status)
    if filters.confidence is not None:
        yield Member.confidence == filters.confidence
    if filters.joined is not None:
        yield Member.joined == filters.joined
    if filters.verdict is not None:
        yield _verdict() == filters.verdict.value
    if filters.paid_from is not None:
        yield Member.paid_at >= filters.paid_from
    if filters.paid_before is not None:
        yield Member.paid_at < filters.paid_before
    if filters.q:
        typed = (Member.planet_nickname, Member.wechat_nickname, Member.planet_number, Member.planet_user_id)
        names = (PlanetUser.name, PlanetUser.alias, PlanetUser.number)
        # A user id is the same person on every planet.
        people = select(PlanetUser.user_id).where(or_(*(holds(column, filters.q) for column in names)))
        yield or_(*(holds(column, filters.q) for column in typed), Member.planet_user_id.in_(people))


async def row(session: AsyncSession, member_id: uuid.UUID) -> MemberRow | None:
    found = (await session.execute(_rows().where(Member.id == member_id))).one_or_none()
    return MemberRow(*found) if found else None


async def locked(session: AsyncSession, member_id: uuid.UUID) -> Member | None:
    member: Member | None = await session.get(Member, member_id, with_for_update=True, populate_existing=True)
    return member


async def some_locked(session: AsyncSession, member_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Member]:
    """Members by id, locked in the order of their ids."""
    statement = select(Member).where(Member.id.in_(member_ids)).order_by(Member.id).with_for_update()
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return {member.id: member for member in found}


async def camp_of(session: AsyncSession, member_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(Member.camp_id).where(Member.id == member_id))


async def owned(session: AsyncSession, *, payer_id: uuid.UUID, openid: str | None) -> list[MemberRow]:
    """The memberships of a person, newest first: by payer, or by the openid the payment told."""
    statement = _rows().where(owns_member(payer_id, openid)).order_by(Member.paid_at.desc(), Member.id.desc())
    return [MemberRow(*found) for found in await session.execute(statement)]


async def owned_row(
    session: AsyncSession, member_id: uuid.UUID, *, payer_id: uuid.UUID, openid: str | None
) -> MemberRow | None:
    """A membership, if it is this person's."""
    statement = _rows().where(Member.id == member_id, owns_member(payer_id, openid))
    found = (await session.execute(statement)).one_or_none()
    return MemberRow(*found) if found else None


async def payments(session: AsyncSession, member: Member) -> Sequence[Payment]:
    """Every order of the member's payer in this camp, newest first."""
    person = Payment.payer_id == member.payer_id
    if member.openid is not None:
        person = or_(person, Payment.openid == member.openid)
    statement = select(Payment).where(Payment.camp_id == member.camp_id, person)
    return (await session.scalars(statement.order_by(Payment.created_at.desc(), Payment.id.desc()))).all()


async def refunds(session: AsyncSession, payment_ids: Sequence[uuid.UUID]) -> Sequence[Refund]:
    """The refunds of some payments, newest first."""
    statement = select(Refund).where(Refund.payment_id.in_(payment_ids))
    return (await session.scalars(statement.order_by(Refund.created_at.desc(), Refund.id.desc()))).all()


async def open_orders(session: AsyncSession, payer_id: uuid.UUID, *, at: dt.datetime) -> Sequence[tuple[Payment, Camp]]:
    """Orders that can still be paid, newest first."""
    statement = (
        select(Payment, Camp)
        .join(Camp, Camp.id == Payment.camp_id)
        .where(Payment.payer_id == payer_id, Payment.status == PaymentStatus.PENDING, Payment.expires_at > at)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
    )
    return [(found[0], found[1]) for found in await session.execute(statement)]


async def last_form(session: AsyncSession, *, payer_id: uuid.UUID, openid: str | None) -> tuple[str, str, str] | None:
    """Planet nickname, planet number and WeChat nickname as this person typed them last, corrections included."""
    columns = ("planet_nickname", "planet_number", "wechat_nickname")
    statement = (
        select(*(func.coalesce(getattr(Member, name), getattr(Payment, name)) for name in columns))
        .select_from(Payment)
        .outerjoin(Member, Member.payment_id == Payment.id)
        .where(owns_payment(payer_id, openid), Payment.planet_nickname != CLEARED)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
        .limit(1)
    )
    found = (await session.execute(statement)).one_or_none()
    return (found[0], found[1], found[2]) if found else None


async def owned_refunds(
    session: AsyncSession, request: PageRequest, *, payer_id: uuid.UUID, openid: str | None
) -> Page[tuple[Refund, Camp]]:
    """Every refund of this person's payments with its camp, newest first."""
    statement = (
        select(Refund, Camp)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Camp, Camp.id == Refund.camp_id)
        .where(owns_payment(payer_id, openid))
        .order_by(Refund.created_at.desc(), Refund.id.desc())
    )
    found = await fetch_page(session, statement, request)
    return found.map(lambda columns: (columns[0], columns[1]))


async def history(session: AsyncSession, member_id: uuid.UUID) -> Sequence[tuple[StateChange, str | None]]:
    """Every move of a member's match with the name of the person behind it, newest first."""
    statement = (
        select(StateChange, Staff.display_name)
        .outerjoin(Staff, Staff.id == StateChange.actor_id)
        .where(StateChange.entity == Member.__tablename__, StateChange.entity_id == member_id)
        .order_by(StateChange.created_at.desc(), StateChange.id.desc())
    )
    return [(change, name) for change, name in await session.execute(statement)]


async def actions(session: AsyncSession, member_id: uuid.UUID) -> Sequence[AuditEntry]:
    """What staff did to a member, newest first."""
    mine = and_(AuditEntry.target_type == "member", AuditEntry.target_id == member_id)
    statement = select(AuditEntry).where(mine).order_by(AuditEntry.created_at.desc(), AuditEntry.id.desc())
    return (await session.scalars(statement)).all()


async def last_complete_run(session: AsyncSession, camp_id: uuid.UUID) -> SyncRun | None:
    statement = select(SyncRun).where(SyncRun.camp_id == camp_id, SyncRun.status == SyncStatus.COMPLETE)
    return (await session.scalars(statement.order_by(SyncRun.created_at.desc(), SyncRun.id.desc()).limit(1))).first()


async def day_totals(
    session: AsyncSession, camp_id: uuid.UUID, *, planet_user_ids: Sequence[str] | None = None
) -> dict[str, tuple[int, int | None]]:
    """Planet user id → (days by the ranking, days by the posts) of the last complete sync."""
    statement = select(CheckinTotal.planet_user_id, CheckinTotal.days_ranking, CheckinTotal.days_posts).where(
        CheckinTotal.camp_id == camp_id
    )
    if planet_user_ids is not None:
        statement = statement.where(CheckinTotal.planet_user_id.in_(planet_user_ids))
    rows: Sequence[Any] = (await session.execute(statement)).all()
    return {user_id: (ranking, posts) for user_id, ranking, posts in rows}


async def imported_days(
    session: AsyncSession, camp_id: uuid.UUID, *, planet_user_ids: Sequence[str] | None = None
) -> dict[str, int]:
    """Planet user id → days that imported sheets give: their totals, or their days together with those of the posts."""
    totals = select(ImportedTotal.planet_user_id, ImportedTotal.days).where(ImportedTotal.camp_id == camp_id)
    from_import = func.bool_or(Checkin.source == CheckinSource.IMPORT)
    days = select(Checkin.planet_user_id, func.count()).where(Checkin.camp_id == camp_id)
    if planet_user_ids is not None:
        totals = totals.where(ImportedTotal.planet_user_id.in_(planet_user_ids))
        days = days.where(Checkin.planet_user_id.in_(planet_user_ids))
    found: dict[str, int] = {}
    for statement in (totals, days.group_by(Checkin.planet_user_id).having(from_import)):
        for user_id, number in await session.execute(statement):
            found[user_id] = max(number, found.get(user_id, 0))
    return found
