"""Storing the check-ins of a complete sync, beside asyncpg's ``COPY`` of the same rows."""

import datetime as dt
import statistics
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.checkins import repository, rules, service
from backend.community.checkins.reading import Plan, Reading
from backend.community.checkins.repository import Day
from backend.core import clock
from backend.core.db import Database
from backend.gateways.zsxq import Post, RankingRow, Totals
from backend.models.checkins import SyncStatus
from backend.models.planets import Planet
from bench import seed
from bench.measure import seconds_of
from bench.report import Line, Result, grouped, per_second
from bench.servers import Servers, connect

_COLUMNS = ("camp_id", "planet_user_id", "day", "posted_at", "topic_id", "excerpt", "source")
_FIRST, _CHANGED, _SAME, _WHOLE = (
    "rows of a first sync",
    "every row changed",
    "no row changed",
    "a first sync with all it brings",
)


@dataclass(frozen=True, slots=True)
class _Stage:
    """What a sync of the camp has read: every person posted on every day."""

    plan: Plan
    posts: list[Post]
    days: dict[Day, Post]

    @property
    def edited(self) -> dict[Day, Post]:
        """The same days, with other words."""
        return {day: replace(post, excerpt=f"{post.excerpt}（已编辑）") for day, post in self.days.items()}

    def reading(self) -> Reading:
        names = {post.user_id: post.name for post in self.posts}
        count = len(self.posts) // len(names)
        ranking = {user_id: RankingRow(user_id, name, None, count, None) for user_id, name in names.items()}
        return Reading(
            totals=Totals(joined_count=len(names), checkined_count=len(names)),
            people=ranking,
            ranking_ended=True,
            posts=self.posts,
            posts_ended=True,
        )

    def records(self) -> list[tuple[object, ...]]:
        camp_id = self.plan.camp_id
        return [
            (camp_id, user_id, day, post.created_at, post.topic_id, post.excerpt, "posts")
            for (user_id, day), post in self.days.items()
        ]


async def run(servers: Servers, *, people: int = 1000, days: int = 21, rounds: int = 3) -> Result:
    """Each round starts from fresh copies of one database, and product and ``COPY`` take turns."""
    source = await servers.databases.copy()
    stage = await _prepare(servers, source, people=people, days=days)
    times: dict[str, list[float]] = defaultdict(list)
    copied = []
    for number in range(rounds + 1):
        taken = await _product(servers, source, stage)
        seconds = await _copy(servers, source, stage)
        if number:  # the first round only warms everything up
            copied.append(seconds)
            for name, value in taken.items():
                times[name].append(value)
    rows, baseline = len(stage.days), statistics.median(copied)
    lines = [
        Line(name, per_second(rows / median), per_second(rows / baseline), median / baseline)
        for name, median in ((name, statistics.median(taken)) for name, taken in times.items())
    ]
    notes = (
        f"{grouped(people)} people × {days} days = {grouped(rows)} rows; medians of {rounds} rounds, each on fresh "
        "databases, with the commit.",
        f"`COPY`: the same rows into the same empty table with its keys and indexes. “{_CHANGED}” is an upsert of "
        f"all rows, “{_SAME}” the usual night: everything is read and compared, nothing is written.",
        f"“{_WHOLE.capitalize()}” also has names, totals, matching and counting of all members, and the audit row.",
    )
    return Result("Storing check-ins", "`COPY`", lines, notes)


async def _prepare(servers: Servers, database_url: str, *, people: int, days: int) -> _Stage:
    async with servers.open(database_url) as db:
        async with db.transaction() as session:
            camp = await seed.ended_camp(session, people=people, days=days)
            run = await seed.sync_run(session, camp)
            planet = await session.get_one(Planet, camp.planet_id)
            assert camp.checkin_id is not None
            plan = Plan(run.id, camp.id, planet, camp.checkin_id, camp.starts_on, camp.ends_on, read_posts=True)
        await seed.analyze(db)
    posts = [_post(number, plan.starts_on + dt.timedelta(days=day)) for day in range(days) for number in range(people)]
    return _Stage(plan, posts, rules.days_of(posts, starts_on=plan.starts_on, ends_on=plan.ends_on))


def _post(number: int, day: dt.date) -> Post:
    written_at = clock.day_start(day) + dt.timedelta(hours=7, seconds=number)
    excerpt = f"今日打卡 {number + 1}：" + "读书笔记与练习。" * 10
    topic_id = str(uuid.uuid4().int)[:17]
    return Post(topic_id, seed.user_id(number), f"学员 {number + 1}", None, written_at, excerpt)


async def _product(servers: Servers, source: str, stage: _Stage) -> dict[str, float]:
    taken = {}
    async with servers.twin(source) as url, servers.open(url) as db:
        for name, days in ((_FIRST, stage.days), (_CHANGED, stage.edited), (_SAME, stage.edited)):

            async def store(session: AsyncSession, days: dict[Day, Post] = days) -> None:
                await repository.replace_days(session, stage.plan.camp_id, days)

            taken[name] = await _seconds(db, store)
    reading = stage.reading()

    async def finish(session: AsyncSession) -> None:
        if await service.finish(session, stage.plan, reading, None) is not SyncStatus.COMPLETE:
            raise RuntimeError("the sync was not complete")

    async with servers.twin(source) as url, servers.open(url) as db:
        taken[_WHOLE] = await _seconds(db, finish)
    return taken


async def _seconds(db: Database, work: Callable[[AsyncSession], Awaitable[None]]) -> float:
    async def committed() -> None:
        async with db.transaction() as session:
            await work(session)

    return await seconds_of(committed())


async def _copy(servers: Servers, source: str, stage: _Stage) -> float:
    records = stage.records()
    async with servers.twin(source) as url:
        connection = await connect(url)

        async def committed() -> None:
            async with connection.transaction():
                await connection.copy_records_to_table("checkins", records=records, columns=_COLUMNS)

        try:
            return await seconds_of(committed())
        finally:
            await connection.close()
