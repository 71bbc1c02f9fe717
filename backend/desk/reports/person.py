"""All data held about one person, over all camps, for answering a data access request."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models.audit import AuditEntry
from backend.models.camps import Camp
from backend.models.checkins import Checkin
from backend.models.history import StateChange
from backend.models.imports import PlanetMember
from backend.models.members import MatchStatus, Member
from backend.models.notifications import Notification
from backend.models.payers import Payer
from backend.models.payments import Payment
from backend.models.planets import PlanetUser
from backend.money.refunds.queries import Listed, of_payments
from backend.office.payers.repository import owns_member, owns_message, owns_payment


@dataclass(frozen=True)
class Person:
    """Rows with their camp names, oldest first."""

    accounts: Sequence[Payer]
    members: Sequence[tuple[Member, str]]
    payments: Sequence[tuple[Payment, str]]
    refunds: Sequence[Listed]
    checkins: Sequence[tuple[Checkin, str]]
    messages: Sequence[Notification]
    moves: Sequence[tuple[StateChange, str]]
    actions: Sequence[AuditEntry]
    planet_users: Sequence[PlanetUser]
    planet_members: Sequence[PlanetMember]


async def everything(session: AsyncSession, member: Member) -> Person:
    """All data held about the person behind a membership.

    A person is the log-in that placed the order, else the WeChat account that paid (design §10). Once the account is
    known, other orders from the same guest browser may belong to another person, so they are left out.
    """
    payer_id, openid = await _who(session, member)
    mine = or_(Member.id == member.id, owns_member(payer_id, openid))
    members = await _of_camps(session, Member, mine)
    everywhere = [row for row, _ in members]
    matched = [row for row in everywhere if row.status is MatchStatus.MATCHED]
    ids = [row.id for row in everywhere]
    own = or_(Payment.id.in_([row.payment_id for row in everywhere]), owns_payment(payer_id, openid))
    payments = await _of_camps(session, Payment, own)
    payer_ids = {row.payer_id for row, _ in [*members, *payments]}
    accounts = select(Payer).where(Payer.id.in_(payer_ids)).order_by(Payer.created_at)
    messages = select(Notification).where(or_(Notification.member_id.in_(ids), owns_message(payer_id, openid)))
    actions = select(AuditEntry).where(AuditEntry.target_type == "member", AuditEntry.target_id.in_(ids))
    return Person(
        accounts=(await session.scalars(accounts)).all(),
        members=members,
        payments=payments,
        refunds=await of_payments(session, [row.id for row, _ in payments]),
        checkins=await _of_camps(session, Checkin, _days_of(matched)),
        messages=(await session.scalars(messages.order_by(Notification.created_at, Notification.id))).all(),
        moves=await _moves(session, ids),
        actions=(await session.scalars(actions.order_by(AuditEntry.created_at, AuditEntry.id))).all(),
        planet_users=await _planet_users(session, matched),
        planet_members=await _planet_members(session, matched),
    )


async def _of_camps(session: AsyncSession, table: Any, which: ColumnElement[bool]) -> list[tuple[Any, str]]:
    """Rows with their camp names, in the order of creation (check-ins by day)."""
    order = (table.day,) if table is Checkin else (table.created_at, table.id)
    statement = select(table, Camp.name).join(Camp, Camp.id == table.camp_id).where(which).order_by(*order)
    return [(row, name) for row, name in await session.execute(statement)]


def _days_of(matched: Sequence[Member]) -> ColumnElement[bool]:
    return tuple_(Checkin.camp_id, Checkin.planet_user_id).in_([(row.camp_id, row.planet_user_id) for row in matched])


async def _moves(session: AsyncSession, member_ids: Sequence[uuid.UUID]) -> list[tuple[StateChange, str]]:
    """The history of match states."""
    statement = (
        select(StateChange, Camp.name)
        .join(Member, Member.id == StateChange.entity_id)
        .join(Camp, Camp.id == Member.camp_id)
        .where(StateChange.entity == Member.__tablename__, StateChange.entity_id.in_(member_ids))
        .order_by(StateChange.created_at, StateChange.id)
    )
    return [(row, name) for row, name in await session.execute(statement)]


async def _planet_users(session: AsyncSession, matched: Sequence[Member]) -> Sequence[PlanetUser]:
    """Their profiles as read from the planets."""
    camps = select(Camp.planet_id).where(Camp.id.in_([row.camp_id for row in matched]))
    users = {row.planet_user_id for row in matched}
    statement = select(PlanetUser).where(PlanetUser.planet_id.in_(camps), PlanetUser.user_id.in_(users))
    return (await session.scalars(statement.order_by(PlanetUser.planet_id))).all()


async def _planet_members(session: AsyncSession, matched: Sequence[Member]) -> Sequence[PlanetMember]:
    """Their rows in imported lists: by user id, or by planet number where it is known."""
    users = await _planet_users(session, matched)
    numbered = tuple_(PlanetMember.planet_id, PlanetMember.number)
    known = [(user.planet_id, user.number) for user in users if user.number]
    same = tuple_(PlanetMember.planet_id, PlanetMember.user_id)
    which = or_(numbered.in_(known), same.in_([(user.planet_id, user.user_id) for user in users]))
    return (await session.scalars(select(PlanetMember).where(which).order_by(PlanetMember.number))).all()


async def _who(session: AsyncSession, member: Member) -> tuple[uuid.UUID, str | None]:
    """The person's payer id and openid, for the conditions in ``payers.repository``."""
    payer = await session.get_one(Payer, member.payer_id)
    if payer.openid is not None or member.openid is None:
        return payer.id, payer.openid
    account = await session.scalar(select(Payer).where(Payer.openid == member.openid))
    # The nil id matches no payer. The guest's payer id would match other people's orders from the same browser.
    return account.id if account is not None else uuid.UUID(int=0), member.openid
