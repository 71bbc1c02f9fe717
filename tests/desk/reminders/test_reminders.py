"""The 10:00 reminders: to the right people, once a day."""

import datetime as dt

from sqlalchemy import func, select

from backend.core import clock
from backend.core.db import Database
from backend.desk.reminders.flows import reminders
from backend.models.camps import CampStatus
from backend.models.members import MatchStatus
from backend.models.notifications import Notification
from backend.runtime import Runtime
from tests.factories import make_camp, make_member


async def _scenes(db: Database) -> dict[str, int]:
    async with db.transaction() as session:
        rows = await session.execute(select(Notification.scene, func.count()).group_by(Notification.scene))
        return dict(rows.all())


async def test_members_who_are_short_hear_that_the_camp_ends_tomorrow(runtime: Runtime, db: Database):
    async with db.transaction() as session:
        today = clock.today()
        camp = await make_camp(
            session,
            status=CampStatus.ONGOING,
            starts_on=today - dt.timedelta(days=8),
            ends_on=today + dt.timedelta(days=1),
        )
        await make_member(session, camp, planet_user_id="1", days_ranking=7, days_posts=7, joined=True)
        short = await make_member(session, camp, planet_user_id="2", days_ranking=5, days_posts=5, joined=True)
    await reminders(runtime)
    await reminders(runtime)
    assert (await _scenes(db))["camp_ending"] == 2  # one member, and staff
    async with db.transaction() as session:
        row = (await session.scalars(select(Notification).where(Notification.member_id == short.id))).one()
    assert "还差 2 天" in row.content


async def test_where_only_a_sheet_tells_of_days_these_count(runtime: Runtime, db: Database):
    async with db.transaction() as session:
        ends_on = clock.today() + dt.timedelta(days=1)
        camp = await make_camp(
            session, status=CampStatus.ONGOING, starts_on=ends_on - dt.timedelta(days=9), ends_on=ends_on
        )
        await make_member(session, camp, planet_user_id="1", days_import=7)
        short = await make_member(session, camp, planet_user_id="2", days_import=6)
    await reminders(runtime)
    async with db.transaction() as session:
        told = select(Notification).where(Notification.member_id.is_not(None))
        row = (await session.scalars(told)).one()
    assert row.member_id == short.id
    assert "已打卡 6/7 天，还差 1 天" in row.content


async def test_who_paid_a_day_ago_is_asked_into_the_group_three_times_at_most(runtime: Runtime, db: Database, time):
    async with db.transaction() as session:
        camp = await make_camp(session, starts_on=clock.today() + dt.timedelta(days=20))
        await make_member(session, camp, planet_user_id="1")
        await make_member(session, camp, planet_user_id="2", joined=True)
    await reminders(runtime)
    assert "not_in_group" not in await _scenes(db)
    for _ in range(6):
        time.advance(24 * 3600)
        await reminders(runtime)
    async with db.transaction() as session:
        heard = select(Notification.audience, func.count()).where(Notification.scene == "not_in_group")
        assert dict((await session.execute(heard.group_by(Notification.audience))).all()) == {"member": 3, "staff": 3}


async def test_staff_hear_once_a_day_who_needs_matching(runtime: Runtime, db: Database, time):
    async with db.transaction() as session:
        camp = await make_camp(session)
        await make_member(session, camp, joined=True, status=MatchStatus.CONFLICT)
        await make_member(session, camp, joined=True, status=MatchStatus.CLOSED)
    await reminders(runtime)
    await reminders(runtime)
    assert (await _scenes(db)) == {"match_needed": 1}
    time.advance(24 * 3600)
    await reminders(runtime)
    assert (await _scenes(db)) == {"match_needed": 2}
