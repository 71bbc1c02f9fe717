"""Queries for messages: receivers, due messages, the sent record, and a member's inbox."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.pagination import Page, PageRequest, fetch_keys, fetch_page
from backend.core.search import contains
from backend.models.camps import Camp, CampStaff
from backend.models.members import Member
from backend.models.notifications import NoticeAudience, NoticeChannel, NoticeStatus, Notification, SendSlot
from backend.models.payers import Payer
from backend.models.payments import Payment
from backend.models.staff import Staff, StaffRole
from backend.office.payers.repository import owns_message
from backend.office.staff.rules import SCOPED_ROLES

_WAITING = (NoticeStatus.PENDING, NoticeStatus.FAILED)


async def staff_at_wecom(
    session: AsyncSession, *, roles: Collection[StaffRole], ids: Collection[uuid.UUID], camp_id: uuid.UUID | None
) -> Sequence[tuple[uuid.UUID, str]]:
    """Id and display name of active staff with one of the roles or ids and a WeCom account.

    Coaches and volunteers count only for their own camp, so without a camp there are none.
    """
    everywhere = [role for role in roles if role not in SCOPED_ROLES]
    of_camp = [role for role in roles if role in SCOPED_ROLES]
    here = select(CampStaff.staff_id).where(CampStaff.camp_id == camp_id)
    statement = select(Staff.id, Staff.display_name).where(
        Staff.active,
        Staff.deleted_at.is_(None),
        Staff.wecom_user_id.is_not(None),
        or_(Staff.role.in_(everywhere), Staff.id.in_(ids), and_(Staff.role.in_(of_camp), Staff.id.in_(here))),
    )
    return (await session.execute(statement.order_by(Staff.created_at, Staff.id))).all()


async def asked_since(session: AsyncSession, scene: str, key_start: str, *, since: dt.datetime) -> bool:
    """Whether a message of the scene with a dedupe key of this prefix was created after ``since``."""
    statement = select(Notification.id).where(
        Notification.scene == scene,
        Notification.created_at > since,
        Notification.dedupe_key.startswith(key_start, autoescape=True),
    )
    return await session.scalar(statement.limit(1)) is not None


async def due(
    session: AsyncSession, *, at: dt.datetime, limit: int, without: Collection[NoticeChannel]
) -> Sequence[uuid.UUID]:
    """Ids of due messages, oldest first, except those of the channels in ``without``."""
    statement = (
        select(Notification.id)
        .where(
            Notification.status.in_(_WAITING),
            Notification.next_attempt_at <= at,
            Notification.channel.not_in(without),
        )
        .order_by(Notification.next_attempt_at, Notification.id)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def next_due(session: AsyncSession) -> dt.datetime | None:
    """When the next message is due; None if none is waiting."""
    statement = select(func.min(Notification.next_attempt_at)).where(Notification.status.in_(_WAITING))
    return (await session.execute(statement)).scalar()


async def get_locked(session: AsyncSession, notification_id: uuid.UUID) -> Notification:
    return (await locked(session, [notification_id]))[0]


async def locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[Notification]:
    """The existing rows of ``ids``, locked in id order to prevent deadlocks."""
    statement = select(Notification).where(Notification.id.in_(ids)).order_by(Notification.id).with_for_update()
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


def _same_way(row: Notification) -> ColumnElement[bool]:
    """Waiting messages to the same receiver through the same channel. A group's receiver is its camp."""
    camp = Notification.camp_id == row.camp_id if row.audience is NoticeAudience.GROUP else true()
    return and_(
        Notification.status.in_(_WAITING),
        Notification.next_attempt_at.is_not(None),
        Notification.channel == row.channel,
        Notification.audience == row.audience,
        Notification.staff_id.is_not_distinct_from(row.staff_id),
        camp,
    )


async def companions(session: AsyncSession, row: Notification, *, limit: int) -> Sequence[Notification]:
    """Waiting messages of the same scene to the same receiver, locked, oldest first, including ``row``.

    ``row`` is locked already, so waiting for other locks could deadlock with 重发, which locks many rows. Rows that are
    locked elsewhere are skipped and sent another time.
    """
    statement = select(Notification).where(_same_way(row), Notification.scene == row.scene)
    ordered = (
        statement.order_by(Notification.created_at, Notification.id).limit(limit).with_for_update(skip_locked=True)
    )
    others = [other for other in await session.scalars(ordered) if other.id != row.id]
    return [row, *others][:limit]


async def postpone(session: AsyncSession, row: Notification, until: dt.datetime) -> None:
    """Postpone all messages that go the same way as ``row``. Locked rows are skipped to prevent deadlocks, as above."""
    waiting = select(Notification.id).where(_same_way(row), Notification.next_attempt_at < until)
    free = (await session.scalars(waiting.with_for_update(skip_locked=True))).all()
    postponed = update(Notification).where(Notification.id.in_(free)).values(next_attempt_at=until)
    await session.execute(postponed, execution_options={"synchronize_session": False})


async def take_slot(session: AsyncSession, receiver: str, *, now: dt.datetime, gap: dt.timedelta) -> dt.datetime | None:
    """Reserve the receiver's slot and close it for ``gap``. Returns None, or when the next slot is free.

    The row lock serialises concurrent senders.
    """
    free = insert(SendSlot).values(receiver=receiver, free_at=now).on_conflict_do_nothing()
    await session.execute(free)
    slot = await session.get_one(SendSlot, receiver, with_for_update=True, populate_existing=True)
    if slot.free_at > now:
        return slot.free_at
    slot.free_at = now + gap
    return None


async def close_slot(session: AsyncSession, receiver: str, until: dt.datetime) -> None:
    """Block a receiver that reported its rate limit until ``until``."""
    await session.execute(update(SendSlot).where(SendSlot.receiver == receiver).values(free_at=until))


async def openid_of(session: AsyncSession, row: Notification) -> str | None:
    """The receiver's openid at the service account, from membership, payment or log-in; None if unknown."""
    statement = select(func.coalesce(Member.openid, Payment.openid, Payer.openid)).select_from(Notification)
    for table, key in ((Member, "member_id"), (Payment, "payment_id"), (Payer, "payer_id")):
        statement = statement.outerjoin(table, table.id == getattr(Notification, key))
    openid: str | None = await session.scalar(statement.where(Notification.id == row.id))
    return openid


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects messages. Days are Shanghai days, both included. ``q`` searches the receiver's name."""

    scene: str | None = None
    audience: NoticeAudience | None = None
    channel: NoticeChannel | None = None
    status: NoticeStatus | None = None
    camp_id: uuid.UUID | None = None
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    q: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        for name in ("scene", "audience", "channel", "status", "camp_id"):
            value = getattr(self, name)
            if value is not None:
                yield getattr(Notification, name) == value
        if self.status not in (None, NoticeStatus.SENT):
            yield Notification.status != NoticeStatus.SENT  # lets PostgreSQL use the partial index of unsent messages
        if self.first_day is not None:
            yield Notification.created_at >= clock.day_start(self.first_day)
        if self.last_day is not None:
            yield Notification.created_at < clock.day_start(self.last_day + dt.timedelta(days=1))
        if self.q:
            yield contains(Notification.recipient, self.q)


_NEWEST_FIRST = (Notification.created_at.desc(), Notification.id.desc())


async def page(session: AsyncSession, request: PageRequest, wanted: Filter) -> Page[tuple[Notification, str | None]]:
    """One page of messages with camp names, newest first."""
    keys = select(Notification.id).where(*wanted.conditions()).order_by(*_NEWEST_FIRST)
    found = await fetch_keys(session, keys, request, is_search=bool(wanted.q))
    rows = select(Notification, Camp.name).outerjoin(Camp, Camp.id == Notification.camp_id)
    listed = await session.execute(rows.where(Notification.id.in_(found.items)).order_by(*_NEWEST_FIRST))
    return found.with_items(listed.all())


async def unsent(session: AsyncSession, wanted: Filter) -> dict[NoticeStatus, int]:
    """The number of messages per status, except ``sent``: those are too many to count."""
    statement = (
        select(Notification.status, func.count())
        .where(*wanted.conditions(), Notification.status != NoticeStatus.SENT)
        .group_by(Notification.status)
    )
    return dict((await session.execute(statement)).all())


def _inbox(payer_id: uuid.UUID, openid: str | None) -> ColumnElement[bool]:
    return and_(Notification.channel == NoticeChannel.INBOX, owns_message(payer_id, openid))


async def inbox(
    session: AsyncSession, request: PageRequest, *, payer_id: uuid.UUID, openid: str | None
) -> Page[Notification]:
    """One page of a person's inbox, newest first."""
    statement = select(Notification).where(_inbox(payer_id, openid))
    return await fetch_page(session, statement.order_by(*_NEWEST_FIRST), request)


async def unread(session: AsyncSession, *, payer_id: uuid.UUID, openid: str | None) -> int:
    """The number of unread inbox messages of a person."""
    statement = select(func.count()).select_from(Notification)
    return await session.scalar(statement.where(_inbox(payer_id, openid), Notification.read_at.is_(None))) or 0


async def mark_read(session: AsyncSession, *, payer_id: uuid.UUID, openid: str | None, at: dt.datetime) -> None:
    new = update(Notification).where(_inbox(payer_id, openid), Notification.read_at.is_(None))
    await session.execute(new.values(read_at=at), execution_options={"synchronize_session": False})
