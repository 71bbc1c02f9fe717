"""Camps with many people, written in few statements; what a benchmark starts from."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import Date, Integer, Uuid, bindparam, insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.db import Database
from backend.core.ids import new_id, new_number
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import SyncRun, SyncStatus, SyncTrigger
from backend.models.members import MatchMethod, MatchStatus, Member
from backend.models.payers import Payer
from backend.models.payments import Channel, Payment, PaymentStatus
from backend.models.planets import PlanetUser
from tests import factories


def user_id(number: int) -> str:
    """The planet user id of person ``number``."""
    return f"8{number:013d}"


async def ended_camp(session: AsyncSession, *, people: int, days: int) -> Camp:
    """A camp that ended yesterday; all its ``people`` paid and are matched. No check-in is counted yet."""
    starts_on = clock.today() - dt.timedelta(days=days)
    camp = await factories.make_camp(
        session,
        required_days=max(1, days // 3),
        status=CampStatus.ENDED,
        starts_on=starts_on,
        ends_on=clock.today() - dt.timedelta(days=1),
    )
    assert camp.planet_id is not None
    await add_people(session, camp.planet_id, people)
    paid_at = clock.day_start(starts_on) - dt.timedelta(days=1)
    rows = [_member(camp, number, paid_at) for number in range(people)]
    for table, column in ((Payer, "payer"), (Payment, "payment"), (Member, "member")):
        await session.execute(insert(table), [row[column] for row in rows])
    return camp


async def add_people(session: AsyncSession, planet_id: uuid.UUID, people: int) -> None:
    """People on a planet, numbered from 1 and named alike."""
    now = clock.now()
    rows = [
        {
            "planet_id": planet_id,
            "user_id": user_id(number),
            "number": str(number + 1),
            "name": f"学员 {number + 1}",
            "number_checked_at": now,
            "updated_at": now,
        }
        for number in range(people)
    ]
    await session.execute(insert(PlanetUser), rows)


def _member(camp: Camp, number: int, paid_at: dt.datetime) -> dict[str, dict[str, Any]]:
    payer_id, payment_id, openid = new_id(), new_id(), f"o-{uuid.uuid4().hex}"
    form = {
        "planet_nickname": f"学员 {number + 1}",
        "planet_number": str(number + 1),
        "wechat_nickname": f"微信 {number + 1}",
    }
    shared = {"camp_id": camp.id, "payer_id": payer_id, "openid": openid, "paid_at": paid_at, **form}
    payment = {
        "id": payment_id,
        "channel": Channel.JSAPI,
        "mch_id": factories.MCH_ID,
        "app_id": factories.APP_ID,
        "out_trade_no": new_number("P"),
        "status": PaymentStatus.PAID,
        "amount_fen": camp.deposit_fen,
        "description": camp.name,
        "expires_at": paid_at + dt.timedelta(minutes=30),
        "transaction_id": f"42{uuid.uuid4().int % 10**26:026d}",
        "recorded_at": paid_at,
        "source": "callback",
    }
    member = {
        "id": new_id(),
        "payment_id": payment_id,
        "status": MatchStatus.MATCHED,
        "confidence": 100,
        "match_method": MatchMethod.PLANET_NUMBER,
        "planet_user_id": user_id(number),
        "refund_policy": camp.refund_policy,
        "paid_fen": camp.deposit_fen,
    }
    return {"payer": {"id": payer_id, "openid": openid}, "payment": shared | payment, "member": shared | member}


async def sync_run(session: AsyncSession, camp: Camp, **fields: Any) -> SyncRun:
    """A run of the camp that began just now."""
    now = clock.now()
    run = SyncRun(
        id=new_id(), camp_id=camp.id, trigger=SyncTrigger.SCHEDULER, heartbeat_at=now, started_at=now, **fields
    )
    session.add(run)
    await session.flush()
    return run


# Each tenth person came on the camp's first day only, everybody else on all of them.
SHORT_EACH = 10
_TOTALS = """
INSERT INTO checkin_totals (camp_id, planet_user_id, name, days_ranking, days_posts, sync_run_id)
SELECT :camp, '8' || lpad(p::text, 13, '0'), '学员 ' || p + 1, came.days, came.days, :run
FROM generate_series(0, :people - 1) p, LATERAL (SELECT CASE WHEN p % :each = 0 THEN 1 ELSE :days END AS days) came
"""
_CHECKINS = """
INSERT INTO checkins (camp_id, planet_user_id, day, posted_at, topic_id, excerpt, source)
SELECT :camp, '8' || lpad(p::text, 13, '0'), :first + d,
       (:first + d + make_interval(secs => p)) AT TIME ZONE 'Asia/Shanghai', NULL, '今日打卡', 'posts'
FROM generate_series(0, :people - 1) p, generate_series(0, :days - 1) d WHERE d = 0 OR p % :each > 0
"""


async def read_to_the_end(session: AsyncSession, camp: Camp, *, people: int, days: int) -> None:
    """What a complete sync after the camp's last day left: its run, totals and posts. No member is judged yet."""
    run = await sync_run(session, camp, status=SyncStatus.COMPLETE, finished_at=clock.now(), posts_read=True)
    values = {"camp": camp.id, "people": people, "days": days, "each": SHORT_EACH}
    numbers = [bindparam(name, type_=Integer) for name in ("people", "days", "each")]
    ids = [bindparam("camp", type_=Uuid)]
    totals = text(_TOTALS).bindparams(*ids, *numbers, bindparam("run", type_=Uuid))
    await session.execute(totals, values | {"run": run.id})
    checkins = text(_CHECKINS).bindparams(*ids, *numbers, bindparam("first", type_=Date))
    await session.execute(checkins, values | {"first": camp.starts_on})


def short_of(people: int) -> int:
    """How many of so many people are short of days."""
    return len(range(0, people, SHORT_EACH))


_WRITTEN = (
    "planets", "planet_users", "camps", "payers", "payments", "members", "sync_runs", "checkin_totals", "checkins",
)  # fmt: skip


async def analyze(db: Database) -> None:
    """Tell the planner what was written, as autovacuum would have in time; copies of the database know it too.

    Not about empty tables: autovacuum leaves those alone as well, and the planner trusts a statistic of "no rows"
    even while a transaction fills the table.
    """
    async with db.transaction() as session:
        connection = await session.connection()
        for table in _WRITTEN:
            if await connection.scalar(text(f"SELECT true FROM {table} LIMIT 1")):
                await connection.execute(text(f"ANALYZE {table}"))


async def vacuum(db: Database) -> None:
    """As autovacuum would have done in time: fresh statistics, no dead rows, a visibility map for index-only scans.

    Of tables that hold anything, as ``analyze``.
    """
    async with db.engine.connect() as raw:
        connection = await raw.execution_options(isolation_level="AUTOCOMMIT")
        for table in _WRITTEN:
            if await connection.scalar(text(f"SELECT true FROM {table} LIMIT 1")):
                await connection.execute(text(f"VACUUM (ANALYZE) {table}"))
