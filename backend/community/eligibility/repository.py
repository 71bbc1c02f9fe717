"""SQL queries for the facts that members are judged on."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Date, String, and_, any_, case, exists, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.eligibility.days import Calendar
from backend.models.camps import Camp
from backend.models.checkins import Checkin, CheckinSource, CheckinTotal, SyncRun, SyncStatus
from backend.models.grants import DayGrant, GrantKind
from backend.models.imports import Import, ImportedTotal
from backend.models.members import MatchStatus, Member


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest complete sync of a camp."""

    started_at: dt.datetime
    finished_at: dt.datetime
    posts_read: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """What syncs and sheets report for one planet user; None if a source has no record of them."""

    ranking: int | None = None
    posts: int | None = None
    posted: frozenset[dt.date] = frozenset()
    imported: frozenset[dt.date] = frozenset()
    sheet_total: int | None = None


async def lock_members(session: AsyncSession, camp_id: uuid.UUID) -> Sequence[Member]:
    """All members of a camp, locked in id order to avoid deadlocks."""
    statement = select(Member).where(Member.camp_id == camp_id).order_by(Member.id).with_for_update()
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def last_sources(session: AsyncSession, camp_id: uuid.UUID, *, end: dt.datetime) -> tuple[LastRun | None, bool]:
    """The newest complete sync or None, and whether a sheet of all members' days was imported at or after ``end``."""
    sheet = exists().where(Import.camp_id == camp_id, Import.whole, Import.created_at >= end)
    newest = (
        select(SyncRun.started_at, SyncRun.finished_at, SyncRun.posts_read)
        .where(SyncRun.camp_id == camp_id, SyncRun.status == SyncStatus.COMPLETE)
        .order_by(SyncRun.created_at.desc(), SyncRun.id.desc())
        .limit(1)
        .subquery()
    )
    one = select(sheet.label("has_sheet")).subquery()
    found = (await session.execute(select(one.c.has_sheet, newest).select_from(one.outerjoin(newest, true())))).one()
    has_sheet, started_at, finished_at, posts_read = found
    return LastRun(started_at, finished_at, posts_read) if finished_at is not None else None, bool(has_sheet)


async def counted(session: AsyncSession, camp_id: uuid.UUID, user_ids: Collection[str]) -> dict[str, Counted]:
    """Planet user id → counts, for each of ``user_ids``."""
    if not user_ids:
        return {}
    person = func.unnest(literal(list(user_ids), ARRAY(String))).table_valued("user_id").render_derived()
    days = func.array_agg(Checkin.day, type_=ARRAY(Date))
    of_person = and_(Checkin.camp_id == camp_id, Checkin.planet_user_id == person.c.user_id)
    dates = (
        select(
            days.filter(Checkin.source == CheckinSource.POSTS).label("posted"),
            days.filter(Checkin.source == CheckinSource.IMPORT).label("imported"),
        )
        .where(of_person)
        .lateral()
    )
    total = and_(CheckinTotal.camp_id == camp_id, CheckinTotal.planet_user_id == person.c.user_id)
    sheet = and_(ImportedTotal.camp_id == camp_id, ImportedTotal.planet_user_id == person.c.user_id)
    statement = (
        select(
            person.c.user_id,
            CheckinTotal.days_ranking,
            CheckinTotal.days_posts,
            dates.c.posted,
            dates.c.imported,
            ImportedTotal.days,
        )
        .select_from(person)
        .outerjoin(CheckinTotal, total)
        .outerjoin(ImportedTotal, sheet)
        .outerjoin(dates, true())
    )
    return {
        user_id: Counted(ranking, posts, frozenset(posted or ()), frozenset(imported or ()), sheet_total)
        for user_id, ranking, posts, posted, imported, sheet_total in await session.execute(statement)
    }


async def grants(session: AsyncSession, member_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, dict[dt.date, GrantKind]]:
    """Member id → granted days. Members without grants are absent."""
    found: dict[uuid.UUID, dict[dt.date, GrantKind]] = {}
    statement = select(DayGrant.member_id, DayGrant.day, DayGrant.kind)
    among = DayGrant.member_id == any_(literal(list(member_ids), ARRAY(DayGrant.member_id.type)))
    for member_id, day, kind in await session.execute(statement.where(among)):
        found.setdefault(member_id, {})[day] = kind
    return found


async def amnesties(session: AsyncSession, camp_id: uuid.UUID) -> set[dt.date]:
    """Days that were excused for everybody in a camp."""
    statement = select(DayGrant.day).where(DayGrant.camp_id == camp_id, DayGrant.kind == GrantKind.AMNESTY)
    return set(await session.scalars(statement.distinct()))


async def people_of(session: AsyncSession, camp: Camp) -> list[tuple[str, frozenset[dt.date]]]:
    """Names of a finished camp's members, with the days on which they checked in.

    If only a number of days is known, the camp's first days stand in for the dates.
    """
    dates = (
        select(func.array_agg(Checkin.day, type_=ARRAY(Date)))
        .where(Checkin.camp_id == Member.camp_id, Checkin.planet_user_id == Member.planet_user_id)
        .scalar_subquery()
    )
    is_matched = Member.status == MatchStatus.MATCHED
    statement = select(Member.planet_nickname, Member.days, case((is_matched, dates))).where(Member.camp_id == camp.id)
    days = list(Calendar(camp.starts_on, camp.ends_on))
    return [
        (name, frozenset(found) if found else frozenset(days[:number]))
        for name, number, found in await session.execute(statement.order_by(Member.paid_at, Member.id))
    ]
