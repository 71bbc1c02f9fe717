"""Recounting all members of a camp, and rehearsing a deal over them, beside the least that could do the same."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import asyncpg

from backend.community.eligibility import preview, repository, service
from backend.community.eligibility.conditions import EveryWeekAtLeast, NoGapOver
from backend.community.eligibility.days import Calendar
from backend.community.eligibility.policy import Policy, threshold
from backend.core import clock
from backend.core.db import Database
from backend.models.camps import Camp
from bench import seed
from bench.measure import Times, seconds_of
from bench.replay import Call, Recorder
from bench.report import Line, Result, grouped, milliseconds
from bench.servers import Servers, connect

_FIRST, _AGAIN = "all for the first time", "again, nothing changed"

# The whole judgement of a threshold deal without grants, sheets and dates: the same columns with the same values.
_ONE_STATEMENT = """
WITH posted AS (
    SELECT planet_user_id, count(*)::int AS days FROM checkins
    WHERE camp_id = $1 AND source = 'posts' GROUP BY planet_user_id
), newest AS (
    SELECT finished_at FROM sync_runs WHERE camp_id = $1 AND status = 'complete'
    ORDER BY created_at DESC, id DESC LIMIT 1
), facts AS (
    SELECT m.id, m.paid_fen, m.confidence, t.days_ranking, t.days_posts, coalesce(p.days, 0) AS days,
           (m.refund_policy ->> 'required_days')::int AS required, $3::int - coalesce(p.days, 0) AS missed,
           newest.finished_at
    FROM newest, members m
    JOIN checkin_totals t ON t.camp_id = m.camp_id AND t.planet_user_id = m.planet_user_id
    LEFT JOIN posted p ON p.planet_user_id = m.planet_user_id
    WHERE m.camp_id = $1 AND m.match_status = 'matched'
), judged AS (
    SELECT *, days >= required AS enough,
           confidence < 100 OR (days >= required) <> (days_ranking >= required) AS in_doubt
    FROM facts
), results AS (
    SELECT *, CASE WHEN enough OR (in_doubt AND days_ranking >= required) THEN paid_fen ELSE 0 END AS fen,
           CASE WHEN enough AND days_ranking >= required THEN 'reached'
                WHEN NOT enough AND days_ranking < required THEN 'out_of_reach' ELSE 'in_progress' END AS stands,
           CASE WHEN in_doubt THEN 'needs_confirmation' WHEN enough THEN 'eligible' ELSE 'not_eligible' END AS verdict,
           (CASE WHEN confidence < 100 THEN '["match_below_100"]'::jsonb ELSE '[]' END)
           || (CASE WHEN enough <> (days_ranking >= required) THEN '["sources_disagree"]'::jsonb ELSE '[]' END)
           || jsonb_build_array(CASE WHEN enough THEN 'enough_days' ELSE 'days_short' END) AS reasons,
           jsonb_build_object(
               'days', days, 'granted', 0, 'leaves', 0, 'amnesties', 0, 'missed', missed, 'deposit_fen', paid_fen,
               'line', format('打卡 %s 天；%s → ¥%s', days,
                              CASE WHEN enough THEN '条件已满足，全额退还'
                                   ELSE format('未满足「累计打卡满 %s 天」', required) END,
                              CASE WHEN enough THEN paid_fen / 100 ELSE 0 END)
           ) AS breakdown
    FROM judged
)
UPDATE members m
SET days = r.days, required_days = r.required, standing = r.stands, entitled_fen = r.fen, verdict = r.verdict,
    verdict_reasons = r.reasons, breakdown = r.breakdown, days_ranking = r.days_ranking, days_posts = r.days_posts,
    counted_at = r.finished_at, judged_at = $2
FROM results r
WHERE m.id = r.id AND (m.judged_at IS NULL OR (
    m.days, m.required_days, m.standing, m.entitled_fen, m.verdict, m.verdict_reasons, m.breakdown, m.days_ranking,
    m.days_posts, m.counted_at
) IS DISTINCT FROM (
    r.days, r.required, r.stands, r.fen, r.verdict, r.reasons, r.breakdown, r.days_ranking, r.days_posts, r.finished_at
))
"""
_RESULTS = """
SELECT id, days, required_days, standing, entitled_fen, verdict, verdict_reasons, breakdown, days_ranking, days_posts,
       days_import, counted_at, judged_at IS NOT NULL AS is_judged
FROM members ORDER BY id
"""


async def run_recount(servers: Servers, *, people: int = 1000, days: int = 21, rounds: int = 5) -> Result:
    """Each round judges the camp twice on each of two fresh copies of one database, one for each side."""
    source = await servers.databases.copy()
    warm_up, camp = await _prepare(servers, source, [(10, days), (people, days)])
    product, bare = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for number in range(rounds):
        async with (
            servers.twin(source) as url,
            servers.twin(source) as other_url,
            servers.open(url) as db,
        ):
            connection = await connect(other_url)
            try:
                await _recount(db, warm_up)
                await _one_statement(connection, warm_up, days, changing=10)
                for name in (_FIRST, _AGAIN):
                    changing = people if name == _FIRST else 0
                    ours = partial(_recount, db, camp)
                    theirs = partial(_one_statement, connection, camp, days, changing=changing)
                    # By turns: neither always comes first.
                    turns = [(product, ours), (bare, theirs)]
                    for times, work in turns[:: -1 if number % 2 else 1]:
                        times[name].append(await seconds_of(work()))
                await _compare(url, other_url)
            finally:
                await connection.close()
    lines = []
    for name in (_FIRST, _AGAIN):
        ours_median, theirs_median = statistics.median(product[name]), statistics.median(bare[name])
        lines.append(Line(name, milliseconds(ours_median), milliseconds(theirs_median), ours_median / theirs_median))
    notes = (
        f"{grouped(people)} members × {days} days of posts, their totals and a complete sync; one in "
        f"{seed.SHORT_EACH} is short of days. Medians of {rounds} rounds, each on fresh databases, with the commit.",
        "One statement: a hand-written `UPDATE` that knows threshold deals only, neither grants nor sheets nor dates, "
        "and writes the same columns with the same values, which is checked.",
        f"“{_AGAIN.capitalize()}” is the usual night: everything is read and judged, and nothing is written.",
    )
    return Result("Judging a camp", "one statement", lines, notes)


async def _prepare(servers: Servers, database_url: str, sizes: Sequence[tuple[int, int]]) -> list[Camp]:
    camps = []
    async with servers.open(database_url) as db:
        for people, days in sizes:
            async with db.transaction() as session:
                camp = await seed.ended_camp(session, people=people, days=days)
                await seed.read_to_the_end(session, camp, people=people, days=days)
                camps.append(camp)
        await seed.analyze(db)
    return camps


async def _recount(db: Database, camp: Camp) -> None:
    async with db.transaction() as session:
        await service.recount(session, camp)


async def _one_statement(connection: asyncpg.Connection, camp: Camp, days: int, *, changing: int) -> None:
    async with connection.transaction():
        done = await connection.execute(_ONE_STATEMENT, camp.id, clock.now(), days)
    if done != f"UPDATE {changing}":
        raise RuntimeError(f"the statement did {done}, not {changing} members")


async def _compare(url: str, other_url: str) -> None:
    """Both sides must have found the same, else the times mean nothing."""
    found = []
    for each in (url, other_url):
        connection = await connect(each)
        try:
            found.append([tuple(row) for row in await connection.fetch(_RESULTS)])
        finally:
            await connection.close()
    different = [pair for pair in zip(*found, strict=True) if pair[0] != pair[1]]
    if different:
        raise RuntimeError(f"{len(different)} members were judged otherwise by the statement: {different[0]}")


@dataclass(frozen=True, slots=True)
class _Rehearsal:
    """What the page of a deal asks for while it is edited, over the members of a finished camp."""

    db: Database
    camp: Camp
    calendar: Calendar

    async def product(self, policy: Policy) -> None:
        """As the endpoint does it."""
        async with self.db.transaction() as session:
            found = await repository.people_of(session, self.camp)
        people = [preview.Person(name, preview.onto(self.calendar, days, self.calendar)) for name, days in found]
        deposit_fen = self.camp.deposit_fen
        preview.amounts(policy, self.calendar, deposit_fen)
        preview.cliff(policy, self.calendar, deposit_fen)
        outcome = preview.run(policy, self.calendar, deposit_fen, people)
        if not 0 < outcome.sum_fen < deposit_fen * outcome.people:
            raise RuntimeError(f"the deal pays {outcome.sum_fen} fen to {outcome.people} people")

    async def loop(self, connection: asyncpg.Connection, call: Call) -> None:
        """Hand-written: the same rows, and the days of each counted against one number."""
        every, required, fen = frozenset(self.calendar), max(1, len(self.calendar) // 3), 0
        for _, _, days in await connection.fetch(call.statement, *call.values):
            if sum(day in every for day in days or ()) >= required:
                fen += self.camp.deposit_fen
        if not fen:
            raise RuntimeError("the loop found nobody with enough days")


def _deals(calendar: Calendar, paid_fen: int) -> dict[str, Policy]:
    by_day = preview.recommended(calendar, paid_fen)
    conditions = (EveryWeekAtLeast(days=3), NoGapOver(days=max(1, len(calendar) // 2)))
    return {
        "all or nothing": threshold(max(1, len(calendar) // 3)),
        "by days": by_day,
        "by days, with conditions on dates": by_day.model_copy(update={"conditions": conditions}),
    }


async def run_preview(servers: Servers, *, people: int = 1000, days: int = 21, times: int = 20) -> Result:
    """Each deal ``times`` times, by turns with the loop, after three that only warm up."""
    source = await servers.databases.copy()
    (camp,) = await _prepare(servers, source, [(people, days)])
    calendar = Calendar(camp.starts_on, camp.ends_on)
    lines = []
    async with servers.open(source) as db:
        await _recount(db, camp)
        recorder = Recorder(db.engine)
        connection = await connect(source)
        try:
            rehearsal = _Rehearsal(db, camp, calendar)
            for name, policy in _deals(calendar, camp.deposit_fen).items():
                product, bare = Times(), Times()
                for number in range(times + 3):
                    ours, theirs = (product, bare) if number >= 3 else (Times(), Times())
                    await ours.add([policy], [rehearsal.product])
                    ((call,),) = recorder.take()
                    await theirs.add([call], [partial(rehearsal.loop, connection)])
                ratio = product.median / bare.median
                lines.append(Line(name, milliseconds(product.median), milliseconds(bare.median), ratio))
        finally:
            await connection.close()
    notes = (
        f"{grouped(people)} members of a finished camp of {days} days: reading them, amounts by days, the cliff, and "
        f"what the deal would have paid each. Medians of {times}.",
        "Plain loop: the same statement over bare asyncpg, and Python that counts the days of each and compares them "
        "with one number.",
        "Wanted: at most 100 ms on a quiet machine.",
    )
    return Result("Rehearsing a deal", "plain loop", lines, notes)
