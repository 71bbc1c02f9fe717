"""The dashboard (工作台): a few queries over the camps that a person may see. Amounts are in fen."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.desk.reports import money
from backend.desk.reports.money import Scope, of
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import SyncRun, SyncStatus
from backend.models.members import Member, Standing, Verdict
from backend.models.payments import Payment, PaymentStatus
from backend.models.planets import CredentialStatus, Planet
from backend.models.reconciliation import CaseStatus, ReconciliationCase
from backend.models.refunds import RefundHold, RefundStatus
from backend.models.uploads import Upload
from backend.money.refunds.repository import sums_by_status

# WeChat expires a group's QR code after seven days; staff are warned on the sixth (requirements §3.5).
QR_DAYS = 6
# A camp is listed as ending this many days ahead.
ENDING_DAYS = 3

_RUNNING = (CampStatus.ENROLLING, CampStatus.ONGOING)
_OVER = (CampStatus.ENDED, CampStatus.SETTLING, CampStatus.ARCHIVED)


@dataclass(frozen=True, slots=True)
class Money:
    count: int
    sum_fen: int


@dataclass(frozen=True, slots=True)
class Completion:
    """Members by outcome.

    ``reached``: sure of the whole deposit. ``partial``: get a part. ``short``: get nothing, in camps that are over.
    ``under_way``: still undecided.
    """

    reached: int
    partial: int
    short: int
    under_way: int

    @property
    def members(self) -> int:
        return self.reached + self.partial + self.short + self.under_way

    @property
    def rate(self) -> float | None:
        """Reached ÷ enrolled; None without members (requirements §3.10)."""
        return self.reached / self.members if self.members else None


async def camps_by_status(session: AsyncSession, scope: Scope) -> dict[CampStatus, int]:
    statement = select(Camp.status, func.count()).where(Camp.deleted_at.is_(None), *of(scope, Camp.id))
    found = await session.execute(statement.group_by(Camp.status))
    return {row[0]: row[1] for row in found}


async def completion(session: AsyncSession, scope: Scope) -> Completion:
    """Count per camp from an index, then split by the camps' status."""
    per_camp = (
        select(
            Member.camp_id,
            func.count().label("members"),
            func.count().filter(Member.standing == Standing.REACHED).label("reached"),
            func.count().filter(Member.verdict == Verdict.PARTIAL).label("partial"),
        )
        .where(*of(scope, Member.camp_id))
        .group_by(Member.camp_id)
        .subquery()
    )
    short = func.sum(per_camp.c.members - per_camp.c.reached - per_camp.c.partial).filter(Camp.status.in_(_OVER))
    statement = select(func.sum(per_camp.c.members), func.sum(per_camp.c.reached), func.sum(per_camp.c.partial), short)
    statement = statement.join(Camp, Camp.id == per_camp.c.camp_id)
    found = (await session.execute(statement)).one()
    members, reached, partial, missed = (int(number or 0) for number in found)
    return Completion(reached, partial, missed, members - reached - partial - missed)


async def paid(session: AsyncSession, scope: Scope) -> int:
    """The sum of all payments, in fen."""
    statement = select(func.sum(Payment.amount_fen)).where(Payment.status == PaymentStatus.PAID)
    return int(await session.scalar(statement.where(*of(scope, Payment.camp_id))) or 0)


async def refunds(session: AsyncSession, scope: Scope) -> dict[RefundStatus, Money]:
    """Count and sum per status that occurs. Refunds waiting for review count with their current amount."""
    sums = await sums_by_status(session, camp_ids=scope)
    return {status: Money(count, fen) for status, (count, fen) in sums.items() if count}


async def income(session: AsyncSession, scope: Scope, *, days: int) -> list[money.Day]:
    """The last ``days`` days up to today, including days without any payment or refund."""
    first = clock.today() - dt.timedelta(days=days - 1)
    moved = {day.day: day for day in await money.per_day(session, scope, first, clock.today())}
    all_days = [first + dt.timedelta(days=number) for number in range(days)]
    return [moved.get(day, money.Day(day, 0, 0)) for day in all_days]


async def ending(session: AsyncSession, scope: Scope) -> Sequence[Camp]:
    """Running camps that end within ``ENDING_DAYS``."""
    last = clock.today() + dt.timedelta(days=ENDING_DAYS)
    statement = select(Camp).where(
        Camp.status == CampStatus.ONGOING, Camp.ends_on <= last, Camp.deleted_at.is_(None), *of(scope, Camp.id)
    )
    return (await session.scalars(statement.order_by(Camp.ends_on, Camp.id))).all()


async def old_qr(session: AsyncSession, scope: Scope) -> Sequence[tuple[Camp, dt.datetime]]:
    """Enrolling and running camps whose group QR expires soon, with its upload time."""
    statement = (
        select(Camp, Upload.created_at)
        .join(Upload, Upload.key == Camp.group_qr_key)
        .where(
            Camp.status.in_(_RUNNING),
            Camp.deleted_at.is_(None),
            Upload.created_at <= clock.now() - dt.timedelta(days=QR_DAYS),
            *of(scope, Camp.id),
        )
        .order_by(Upload.created_at)
    )
    return [(camp, uploaded_at) for camp, uploaded_at in await session.execute(statement)]


async def broken_syncs(session: AsyncSession, scope: Scope) -> Sequence[tuple[Camp, SyncRun]]:
    """Active camps whose last finished sync failed or was partial, with that sync."""
    live = (CampStatus.ENROLLING, CampStatus.ONGOING, CampStatus.ENDED, CampStatus.SETTLING)
    last = (
        select(SyncRun.id)
        .where(SyncRun.camp_id == Camp.id, SyncRun.status != SyncStatus.RUNNING)
        .order_by(SyncRun.created_at.desc(), SyncRun.id.desc())
        .limit(1)
        .correlate(Camp)
        .scalar_subquery()
    )
    statement = (
        select(Camp, SyncRun)
        .join(SyncRun, SyncRun.id == last)
        .where(
            Camp.status.in_(live),
            Camp.deleted_at.is_(None),
            SyncRun.status.in_([SyncStatus.FAILED, SyncStatus.PARTIAL]),
            *of(scope, Camp.id),
        )
        .order_by(SyncRun.started_at.desc())
    )
    return [(camp, run) for camp, run in await session.execute(statement)]


async def dead_planets(session: AsyncSession) -> Sequence[Planet]:
    """Planets whose credential was rejected."""
    statement = select(Planet).where(Planet.credential_status == CredentialStatus.CREDENTIAL_INVALID)
    return (await session.scalars(statement.order_by(Planet.name))).all()


async def open_cases(session: AsyncSession) -> int:
    statement = select(func.count()).select_from(ReconciliationCase)
    return await session.scalar(statement.where(ReconciliationCase.status == CaseStatus.OPEN)) or 0


async def hold(session: AsyncSession) -> RefundHold | None:
    """The hold that pauses all refunds; None if there is none."""
    return (await session.scalars(select(RefundHold).where(RefundHold.ended_at.is_(None)))).one_or_none()
