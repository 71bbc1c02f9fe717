"""Queries for the reminders."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.models.camps import Camp, CampStatus
from backend.models.checkins import Checkin
from backend.models.members import MatchStatus, Member
from backend.models.uploads import Upload

_RUNNING = (CampStatus.ENROLLING, CampStatus.ONGOING)


async def camps_ending_on(session: AsyncSession, day: dt.date) -> Sequence[Camp]:
    return (await session.scalars(select(Camp).where(Camp.status == CampStatus.ONGOING, Camp.ends_on == day))).all()


async def members_of(session: AsyncSession, camp: Camp) -> Sequence[Member]:
    return (await session.scalars(select(Member).where(Member.camp_id == camp.id).order_by(Member.id))).all()


async def not_in_group(session: AsyncSession, *, paid_before: dt.datetime) -> Sequence[tuple[Member, Camp]]:
    """Members of running camps who paid by ``paid_before`` and aren't in the group yet."""
    statement = (
        select(Member, Camp)
        .join(Camp, Camp.id == Member.camp_id)
        .where(Camp.status.in_(_RUNNING), ~Member.joined, Member.paid_at <= paid_before)
        .order_by(Member.id)
    )
    return (await session.execute(statement)).all()


async def camps_with_unmatched(session: AsyncSession) -> Sequence[tuple[Camp, int]]:
    """Camps that aren't archived, with the number of members who need manual matching."""
    open_states = (MatchStatus.UNMATCHED, MatchStatus.SUGGESTED, MatchStatus.CONFLICT)
    statement = (
        select(Camp, func.count())
        .join(Member, Member.camp_id == Camp.id)
        .where(Camp.status != CampStatus.ARCHIVED, Member.status.in_(open_states))
        .group_by(Camp.id)
        .order_by(Camp.starts_on)
    )
    return (await session.execute(statement)).all()


async def camps_with_old_qr(session: AsyncSession, *, uploaded_before: dt.datetime) -> Sequence[Camp]:
    """Running camps whose group QR was uploaded too long ago: WeChat expires it after seven days."""
    statement = (
        select(Camp)
        .join(Upload, Upload.key == Camp.group_qr_key)
        .where(Camp.status.in_(_RUNNING), Upload.created_at <= uploaded_before)
        .order_by(Camp.starts_on)
    )
    return (await session.scalars(statement)).all()


async def running_camps(session: AsyncSession) -> Sequence[Camp]:
    return (await session.scalars(select(Camp).where(Camp.status == CampStatus.ONGOING).order_by(Camp.starts_on))).all()


async def not_checked_in(
    session: AsyncSession, *, day: dt.date, read_after: dt.datetime
) -> Sequence[tuple[Member, Camp]]:
    """Matched group members without a check-in on ``day``, in running camps fully synced since ``read_after``."""
    today = exists().where(
        Checkin.camp_id == Member.camp_id, Checkin.planet_user_id == Member.planet_user_id, Checkin.day == day
    )
    statement = (
        select(Member, Camp)
        .join(Camp, Camp.id == Member.camp_id)
        .where(
            Camp.status == CampStatus.ONGOING,
            Camp.last_complete_sync_at >= read_after,
            Member.joined,
            Member.status == MatchStatus.MATCHED,
            Member.days_posts.is_not(None),
            ~today,
        )
        .order_by(Member.id)
    )
    return (await session.execute(statement)).all()
