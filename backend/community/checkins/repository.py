"""SQL queries for sync runs, the planet's people, totals and check-in days."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Date,
    Select,
    String,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import Page, PageRequest, fetch_keys, fetch_page, in_parts
from backend.gateways.zsxq import PlanetMember, Post
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import Checkin, CheckinSource, CheckinTotal, SyncRun, SyncStatus, SyncTrigger
from backend.models.members import MatchStatus, Member
from backend.models.planets import PlanetUser

Day = tuple[str, dt.date]
# (run, camp name)
NamedRun = tuple[SyncRun, str]


async def run(session: AsyncSession, run_id: uuid.UUID, *, lock: bool = False) -> SyncRun | None:
    found: SyncRun | None = await session.get(SyncRun, run_id, with_for_update=lock or None, populate_existing=lock)
    return found


async def running(session: AsyncSession, camp_id: uuid.UUID) -> SyncRun | None:
    """The camp's running sync, locked; None if there is none."""
    statement = select(SyncRun).where(SyncRun.camp_id == camp_id, SyncRun.status == SyncStatus.RUNNING)
    statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def last_manual(session: AsyncSession, camp_id: uuid.UUID) -> dt.datetime | None:
    """Start of the camp's last manual sync; None if there was none."""
    return await session.scalar(
        select(func.max(SyncRun.started_at)).where(SyncRun.camp_id == camp_id, SyncRun.trigger == SyncTrigger.MANUAL)
    )


async def camps_with_silent_runs(session: AsyncSession, *, before: dt.datetime) -> Sequence[uuid.UUID]:
    """Camps whose run was taken up but sent no heartbeat since ``before``; in lock order."""
    statement = select(SyncRun.camp_id).where(
        SyncRun.status == SyncStatus.RUNNING,
        SyncRun.heartbeat_at < before,
        SyncRun.heartbeat_at > SyncRun.started_at,
    )
    return (await session.scalars(statement.order_by(SyncRun.camp_id))).all()


async def waiting(session: AsyncSession, *, before: dt.datetime) -> Sequence[uuid.UUID]:
    """Runs requested before ``before`` that no worker took up, oldest first."""
    statement = select(SyncRun.id).where(
        SyncRun.status == SyncStatus.RUNNING,
        SyncRun.started_at < before,
        SyncRun.heartbeat_at == SyncRun.started_at,
    )
    return (await session.scalars(statement.order_by(SyncRun.started_at))).all()


async def note_progress(session: AsyncSession, run_id: uuid.UUID, **columns: Any) -> bool:
    """Write a run's progress. False if the run is over; then nothing is written."""
    alive = and_(SyncRun.id == run_id, SyncRun.status == SyncStatus.RUNNING)
    result = await session.execute(update(SyncRun).where(alive).values(**columns))
    return cast("CursorResult[Any]", result).rowcount == 1


async def runs_page(
    session: AsyncSession,
    request: PageRequest,
    *,
    camp_ids: Collection[uuid.UUID] | None,
    camp_id: uuid.UUID | None,
    status: SyncStatus | None,
) -> Page[NamedRun]:
    """Runs, newest first. ``camp_ids`` is the viewer's scope; None means all camps."""
    statement = _named_runs().order_by(SyncRun.created_at.desc(), SyncRun.id.desc())
    if camp_ids is not None:
        statement = statement.where(SyncRun.camp_id.in_(camp_ids))
    if camp_id is not None:
        statement = statement.where(SyncRun.camp_id == camp_id)
    if status is not None:
        statement = statement.where(SyncRun.status == status)
    return (await fetch_page(session, statement, request)).map(tuple)


async def named_run(session: AsyncSession, run_id: uuid.UUID) -> NamedRun | None:
    found = (await session.execute(_named_runs().where(SyncRun.id == run_id))).one_or_none()
    return (found[0], found[1]) if found else None


def _named_runs() -> Select[SyncRun, str]:
    return select(SyncRun, Camp.name).join(Camp, Camp.id == SyncRun.camp_id)


async def camps_in(session: AsyncSession, statuses: Collection[CampStatus]) -> Sequence[Camp]:
    """Camps in the given states, grouped by planet."""
    statement = select(Camp).where(Camp.status.in_(statuses), Camp.deleted_at.is_(None))
    return (await session.scalars(statement.order_by(Camp.planet_id, Camp.starts_on, Camp.id))).all()


async def people_without_number(
    session: AsyncSession, planet_id: uuid.UUID, user_ids: Collection[str]
) -> Sequence[str]:
    """Those of ``user_ids`` without a known number who were never looked up. Includes people not stored yet."""
    settled = or_(PlanetUser.number.is_not(None), PlanetUser.number_checked_at.is_not(None))
    known = await session.scalars(select(PlanetUser.user_id).where(PlanetUser.planet_id == planet_id, settled))
    return sorted(set(user_ids) - set(known))


async def save_names(
    session: AsyncSession, planet_id: uuid.UUID, names: Iterable[tuple[str, str, str | None]], *, at: dt.datetime
) -> None:
    """Upsert names, given as (user id, name, alias). An empty name doesn't overwrite a known one."""
    rows = [
        {"planet_id": planet_id, "user_id": user_id, "name": name, "alias": alias, "left": False, "updated_at": at}
        for user_id, name, alias in names
    ]
    if not rows:
        return
    statement = insert(PlanetUser)
    name = func.coalesce(func.nullif(statement.excluded.name, ""), PlanetUser.name)
    alias = statement.excluded.alias
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["planet_id", "user_id"],
            set_={"name": name, "alias": alias, "updated_at": at},
            where=or_(PlanetUser.name.is_distinct_from(name), PlanetUser.alias.is_distinct_from(alias)),
        ),
        rows,
    )


async def save_numbers(
    session: AsyncSession,
    planet_id: uuid.UUID,
    members: Collection[PlanetMember],
    gone: Collection[str],
    *,
    at: dt.datetime,
) -> None:
    """Store looked-up numbers, and when each person was looked up, so that no person is looked up twice."""
    for member_rows in (
        [{"user_id": each.user_id, "left": False, "number": each.number} for each in members if each.number],
        [{"user_id": each.user_id, "left": False} for each in members if not each.number],
        [{"user_id": user_id, "left": True} for user_id in gone],
    ):
        rows = [{**row, "planet_id": planet_id, "number_checked_at": at} for row in member_rows]
        if rows:
            await session.execute(update(PlanetUser), rows)


async def totals(session: AsyncSession, camp_id: uuid.UUID) -> dict[str, tuple[int, int | None]]:
    """Planet user id → (days by the ranking, days by the posts; None if posts weren't read)."""
    columns = select(CheckinTotal.planet_user_id, CheckinTotal.days_ranking, CheckinTotal.days_posts)
    found = await session.execute(columns.where(CheckinTotal.camp_id == camp_id))
    return {user_id: (ranking, posts) for user_id, ranking, posts in found}


async def replace_totals(session: AsyncSession, camp_id: uuid.UUID, rows: Sequence[dict[str, Any]]) -> None:
    """Replace all totals of the camp."""
    await session.execute(delete(CheckinTotal).where(CheckinTotal.camp_id == camp_id))
    if rows:
        await session.execute(insert(CheckinTotal), [{**row, "camp_id": camp_id} for row in rows])


@dataclass(frozen=True, slots=True)
class DayChanges:
    """What a complete reading of the posts changed: number of new days, and the days removed."""

    added: int
    removed: list[Day]


async def replace_days(session: AsyncSession, camp_id: uuid.UUID, days: dict[Day, Post]) -> DayChanges:
    """Replace all days read from posts. Imported days stay, unless a post has the same day: it takes over the row."""
    columns = select(Checkin.planet_user_id, Checkin.day, Checkin.topic_id, Checkin.excerpt)
    mine = and_(Checkin.camp_id == camp_id, Checkin.source == CheckinSource.POSTS)
    stored = {(user_id, day): (topic, text) for user_id, day, topic, text in await session.execute(columns.where(mine))}
    removed = sorted(stored.keys() - days.keys())
    if removed:
        await _delete_days(session, camp_id, removed)
    changed = {day: post for day, post in days.items() if stored.get(day) != (post.topic_id, post.excerpt)}
    if changed:
        await _save_days(session, camp_id, changed)
    return DayChanges(len(changed.keys() - stored.keys()), removed)


async def _delete_days(session: AsyncSession, camp_id: uuid.UUID, days: Sequence[Day]) -> None:
    # Core executemany: the ORM can't bulk-delete by composite keys.
    statement = delete(Checkin.__table__).where(  # type: ignore[arg-type] # a mapped class's table is a Table
        Checkin.camp_id == camp_id,
        Checkin.planet_user_id == bindparam("person", type_=String()),
        Checkin.day == bindparam("gone_day", type_=Date()),
    )
    connection = await session.connection()
    await connection.execute(statement, [{"person": user_id, "gone_day": day} for user_id, day in days])


async def _save_days(session: AsyncSession, camp_id: uuid.UUID, days: dict[Day, Post]) -> None:
    rows = [
        {
            "camp_id": camp_id,
            "planet_user_id": user_id,
            "day": day,
            "posted_at": post.created_at,
            "topic_id": post.topic_id,
            "excerpt": post.excerpt,
            "source": CheckinSource.POSTS,
        }
        for (user_id, day), post in days.items()
    ]
    statement = insert(Checkin)
    newer = {name: statement.excluded[name] for name in ("posted_at", "topic_id", "excerpt", "source")}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["camp_id", "planet_user_id", "day"], set_=newer), rows
    )


async def days_of_person(session: AsyncSession, camp_id: uuid.UUID, planet_user_id: str) -> Sequence[Checkin]:
    """One person's check-in days in a camp, newest first."""
    statement = select(Checkin).where(Checkin.camp_id == camp_id, Checkin.planet_user_id == planet_user_id)
    return (await session.scalars(statement.order_by(Checkin.day.desc()))).all()


@dataclass(frozen=True, slots=True)
class CheckinRow:
    """A check-in day. ``person`` and ``member`` are None if unknown or not matched."""

    checkin: Checkin
    camp: Camp
    person: PlanetUser | None
    member: Member | None


@dataclass(frozen=True, slots=True)
class CheckinFilters:
    """Filters for check-in lists. ``camp_ids`` is the viewer's scope (None: all); both days are inclusive."""

    camp_ids: Collection[uuid.UUID] | None = None
    camp_id: uuid.UUID | None = None
    planet_user_id: str | None = None
    member_id: uuid.UUID | None = None
    first_day: dt.date | None = None
    last_day: dt.date | None = None


def _linked() -> Any:
    """Join condition for members matched in the camp; the caller adds the planet user."""
    return and_(Member.camp_id == Camp.id, Member.status == MatchStatus.MATCHED)


_KEY = (Checkin.camp_id, Checkin.planet_user_id, Checkin.day)
# Must be the exact reverse of ix_checkins_newest, or PostgreSQL sorts instead of scanning the index.
_LATEST_FIRST = (
    Checkin.day.desc(),
    Checkin.posted_at.desc(),
    Checkin.camp_id.desc(),
    Checkin.planet_user_id.desc(),
)


async def checkins_page(session: AsyncSession, request: PageRequest, filters: CheckinFilters) -> Page[CheckinRow]:
    """Check-in days, latest first, including those of people without an enrolment."""
    keys = select(*_KEY).where(*_conditions(filters)).order_by(*_LATEST_FIRST)
    found = await fetch_keys(session, keys, request)
    rows = await session.execute(_rows().where(tuple_(*_KEY).in_(found.items)).order_by(*_LATEST_FIRST))
    return found.with_items([CheckinRow(*row) for row in rows])


async def checkin_parts(session: AsyncSession, filters: CheckinFilters) -> AsyncIterator[list[CheckinRow]]:
    """All check-in days that match, in parts, so that an export doesn't load them all into memory."""
    async for part in in_parts(session, _rows().where(*_conditions(filters)).order_by(*_LATEST_FIRST)):
        yield [CheckinRow(*row) for row in part]


def _rows() -> Select[Checkin, Camp, PlanetUser, Member]:
    return (
        select(Checkin, Camp, PlanetUser, Member)
        .join(Camp, Camp.id == Checkin.camp_id)
        .outerjoin(
            PlanetUser,
            and_(
                PlanetUser.planet_id == Camp.planet_id,
                PlanetUser.user_id == Checkin.planet_user_id,
                Camp.personal_data_cleared_at.is_(None),
            ),
        )
        .outerjoin(Member, and_(_linked(), Member.planet_user_id == Checkin.planet_user_id))
    )


def _conditions(filters: CheckinFilters) -> Iterator[ColumnElement[bool]]:
    """WHERE conditions. They use only columns of Checkin, so an index can serve both key query and count."""
    if filters.camp_ids is not None:
        yield Checkin.camp_id.in_(filters.camp_ids)
    if filters.camp_id is not None:
        yield Checkin.camp_id == filters.camp_id
    if filters.planet_user_id is not None:
        yield Checkin.planet_user_id == filters.planet_user_id
    if filters.member_id is not None:
        whose = select(Member.camp_id, Member.planet_user_id)
        matched = and_(Member.id == filters.member_id, Member.status == MatchStatus.MATCHED)
        yield tuple_(Checkin.camp_id, Checkin.planet_user_id).in_(whose.where(matched))
    if filters.first_day is not None:
        yield Checkin.day >= filters.first_day
    if filters.last_day is not None:
        yield Checkin.day <= filters.last_day


async def members_of(session: AsyncSession, camp_id: uuid.UUID) -> Sequence[Member]:
    return (await session.scalars(select(Member).where(Member.camp_id == camp_id))).all()


async def members_per_day(session: AsyncSession, camp_id: uuid.UUID) -> dict[dt.date, int]:
    """Number of members who checked in, per day; days without any are absent."""
    statement = (
        select(Checkin.day, func.count())
        .join(
            Member,
            and_(
                Member.camp_id == Checkin.camp_id,
                Member.planet_user_id == Checkin.planet_user_id,
                Member.status == MatchStatus.MATCHED,
            ),
        )
        .where(Checkin.camp_id == camp_id)
        .group_by(Checkin.day)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def unlinked(session: AsyncSession, camp_id: uuid.UUID) -> int:
    """Number of people who checked in but aren't matched to a member (未关联)."""
    linked = select(Member.planet_user_id).where(
        Member.camp_id == camp_id, Member.status == MatchStatus.MATCHED, Member.planet_user_id.is_not(None)
    )
    statement = select(func.count()).select_from(CheckinTotal)
    statement = statement.where(CheckinTotal.camp_id == camp_id, CheckinTotal.planet_user_id.not_in(linked))
    return await session.scalar(statement) or 0
