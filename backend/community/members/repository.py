"""SQL queries for members: lists and lookups for pages."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Select, Uuid, and_, cast, column, func, or_, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import Page, PageRequest, fetch_keys, in_parts
from backend.core.search import contains
from backend.core.text import CLEARED
from backend.models.audit import AuditEntry
from backend.models.camps import Camp
from backend.models.grants import DayGrant
from backend.models.history import StateChange
from backend.models.members import MatchStatus, Member, Standing, Verdict
from backend.models.payments import Payment, PaymentStatus
from backend.models.planets import PlanetUser
from backend.models.refunds import Refund
from backend.models.staff import Staff
from backend.office.payers.repository import owns_member, owns_payment


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member with its camp and the planet user matched or suggested."""

    member: Member
    camp: Camp
    person: PlanetUser | None

    @property
    def matched_name(self) -> str | None:
        """The name of the matched planet user; None while the match is only suggested."""
        return self.person.name if self.person and self.member.status is MatchStatus.MATCHED else None


_FULL = table(
    "v_member_full_info",
    column("member_id", Uuid),
    *(column(name) for name in ("out_trade_no", "transaction_id", "refunded_fen", "last_refunded_at")),
)


@dataclass(frozen=True, slots=True)
class FullRow(MemberRow):
    """With the order and its refunds, from ``v_member_full_info``."""

    out_trade_no: str
    transaction_id: str
    refunded_fen: int
    last_refunded_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of a member list. ``camp_ids``: the viewer's scope; None means all camps."""

    camp_ids: frozenset[uuid.UUID] | None = None
    camp_id: uuid.UUID | None = None
    match_status: Collection[MatchStatus] = ()
    confidence: int | None = None
    joined: bool | None = None
    verdict: Verdict | None = None
    standing: Collection[Standing] = ()
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
                # Show no names in a camp whose personal data was cleared, even if the person is active elsewhere.
                Camp.personal_data_cleared_at.is_(None),
            ),
        )
    )


_LATEST_FIRST = (Member.paid_at.desc(), Member.id.desc())


async def page(session: AsyncSession, request: PageRequest, filters: Filters) -> Page[MemberRow]:
    """Members, latest payment first."""
    keys = select(Member.id).where(*_conditions(filters)).order_by(*_LATEST_FIRST)
    found = await fetch_keys(session, keys, request, is_search=bool(filters.q))
    rows = await session.execute(_rows().where(Member.id.in_(found.items)).order_by(*_LATEST_FIRST))
    return found.with_items([MemberRow(*row) for row in rows])


async def parts(session: AsyncSession, filters: Filters) -> AsyncIterator[list[FullRow]]:
    """All matching members with order and refunds, latest payment first, in batches."""
    money = (cast(_FULL.c.refunded_fen, BigInteger), _FULL.c.last_refunded_at)
    rows = _rows().join(_FULL, _FULL.c.member_id == Member.id)
    statement = rows.add_columns(_FULL.c.out_trade_no, _FULL.c.transaction_id, *money)
    async for part in in_parts(session, statement.where(*_conditions(filters)).order_by(*_LATEST_FIRST)):
        yield [FullRow(*row) for row in part]


def _conditions(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """Conditions on the member table alone, so that finding and counting need no join with camps and planet users."""
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
        yield Member.verdict == filters.verdict
    if filters.standing:
        yield Member.standing.in_(filters.standing)
    if filters.paid_from is not None:
        yield Member.paid_at >= filters.paid_from
    if filters.paid_before is not None:
        yield Member.paid_at < filters.paid_before
    if filters.q:
        typed = (Member.planet_nickname, Member.wechat_nickname, Member.planet_number, Member.planet_user_id)
        names = (PlanetUser.name, PlanetUser.alias, PlanetUser.number)
        # User ids are the same on every planet, so there is no filter by planet.
        people = select(PlanetUser.user_id).where(or_(*(contains(column, filters.q) for column in names)))
        yield or_(*(contains(column, filters.q) for column in typed), Member.planet_user_id.in_(people))


async def row(session: AsyncSession, member_id: uuid.UUID) -> MemberRow | None:
    found = (await session.execute(_rows().where(Member.id == member_id))).one_or_none()
    return MemberRow(*found) if found else None


async def locked(session: AsyncSession, member_id: uuid.UUID) -> Member | None:
    member: Member | None = await session.get(Member, member_id, with_for_update=True, populate_existing=True)
    return member


async def some_locked(session: AsyncSession, member_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Member]:
    """Members by id, locked in id order to avoid deadlocks. Unknown ids are absent."""
    statement = select(Member).where(Member.id.in_(member_ids)).order_by(Member.id).with_for_update()
    found = await session.scalars(statement.execution_options(populate_existing=True))
    return {member.id: member for member in found}


async def camp_of(session: AsyncSession, member_id: uuid.UUID) -> uuid.UUID | None:
    return await session.scalar(select(Member.camp_id).where(Member.id == member_id))


async def owned(session: AsyncSession, *, payer_id: uuid.UUID, openid: str | None) -> list[MemberRow]:
    """A person's memberships, newest first: by payer, or by the openid that the payment reported."""
    statement = _rows().where(owns_member(payer_id, openid)).order_by(Member.paid_at.desc(), Member.id.desc())
    return [MemberRow(*found) for found in await session.execute(statement)]


async def owned_row(
    session: AsyncSession, member_id: uuid.UUID, *, payer_id: uuid.UUID, openid: str | None
) -> MemberRow | None:
    """A membership; None if it isn't this person's."""
    statement = _rows().where(Member.id == member_id, owns_member(payer_id, openid))
    found = (await session.execute(statement)).one_or_none()
    return MemberRow(*found) if found else None


async def payments(session: AsyncSession, member: Member) -> Sequence[Payment]:
    """All orders of the member's payer in this camp, newest first."""
    person = Payment.payer_id == member.payer_id
    if member.openid is not None:
        person = or_(person, Payment.openid == member.openid)
    statement = select(Payment).where(Payment.camp_id == member.camp_id, person)
    return (await session.scalars(statement.order_by(Payment.created_at.desc(), Payment.id.desc()))).all()


async def refunds(session: AsyncSession, payment_ids: Sequence[uuid.UUID]) -> Sequence[Refund]:
    """The refunds of these payments, newest first."""
    statement = select(Refund).where(Refund.payment_id.in_(payment_ids))
    return (await session.scalars(statement.order_by(Refund.created_at.desc(), Refund.id.desc()))).all()


async def open_orders(session: AsyncSession, payer_id: uuid.UUID, *, at: dt.datetime) -> Sequence[tuple[Payment, Camp]]:
    """Orders that can still be paid at ``at``, newest first."""
    statement = (
        select(Payment, Camp)
        .join(Camp, Camp.id == Payment.camp_id)
        .where(Payment.payer_id == payer_id, Payment.status == PaymentStatus.PENDING, Payment.expires_at > at)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
    )
    return [(found[0], found[1]) for found in await session.execute(statement)]


async def last_form(session: AsyncSession, *, payer_id: uuid.UUID, openid: str | None) -> tuple[str, str, str] | None:
    """The planet nickname, planet number and WeChat nickname that this person typed last, corrections included.

    None without an order. Orders whose personal data was cleared are ignored.
    """
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


async def history(session: AsyncSession, member_id: uuid.UUID) -> Sequence[tuple[StateChange, str | None]]:
    """State changes of a member's match, newest first, with the name of the staff who made each (None without one)."""
    statement = (
        select(StateChange, Staff.display_name)
        .outerjoin(Staff, Staff.id == StateChange.actor_id)
        .where(StateChange.entity == Member.__tablename__, StateChange.entity_id == member_id)
        .order_by(StateChange.created_at.desc(), StateChange.id.desc())
    )
    return [(change, name) for change, name in await session.execute(statement)]


async def grants(session: AsyncSession, member_id: uuid.UUID) -> Sequence[tuple[DayGrant, str | None]]:
    """A member's granted days by date, each with the name of the staff who granted it."""
    statement = select(DayGrant, Staff.display_name).outerjoin(Staff, Staff.id == DayGrant.granted_by)
    found = await session.execute(statement.where(DayGrant.member_id == member_id).order_by(DayGrant.day))
    return [(grant, name) for grant, name in found]


async def actions(session: AsyncSession, member_id: uuid.UUID) -> Sequence[AuditEntry]:
    """Audit entries about a member, newest first."""
    mine = and_(AuditEntry.target_type == "member", AuditEntry.target_id == member_id)
    statement = select(AuditEntry).where(mine).order_by(AuditEntry.created_at.desc(), AuditEntry.id.desc())
    return (await session.scalars(statement)).all()
