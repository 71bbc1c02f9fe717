"""The recount over the database: which facts it takes, what it writes, and that every change of a fact leads to it."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from backend.community.camps import service as camps
from backend.community.eligibility import service as eligibility
from backend.community.matching import service as matching
from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.ids import new_id
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import Checkin, CheckinSource, CheckinTotal, SyncRun, SyncStatus, SyncTrigger
from backend.models.grants import DayGrant, GrantKind
from backend.models.imports import Import, ImportedTotal, ImportKind
from backend.models.members import MatchStatus, Member, Standing, Verdict
from backend.money.refunds import lists
from backend.runtime import Runtime
from tests import factories
from tests.conftest import Time
from tests.money.refunds.facts import ended_camp
from tests.money.refunds.test_refund_lists import counted_statements

V, ST = Verdict, Standing
FIRST = dt.date(2026, 2, 10)  # of ended_camp; its last day is the 19th
AFTER = dt.datetime(2026, 2, 20, 1, tzinfo=clock.SHANGHAI)
DURING = dt.datetime(2026, 2, 15, 1, tzinfo=clock.SHANGHAI)


async def synced(session: AsyncSession, camp: Camp, *, at: dt.datetime = AFTER, posts_read: bool = True) -> SyncRun:
    run = SyncRun(
        id=new_id(), camp_id=camp.id, trigger=SyncTrigger.SCHEDULER, status=SyncStatus.COMPLETE, created_at=at,
        started_at=at, heartbeat_at=at, finished_at=at, posts_read=posts_read,
    )  # fmt: skip
    session.add(run)
    await session.flush()
    return run


async def counted(
    session: AsyncSession,
    camp: Camp,
    run: SyncRun,
    *offsets: int,
    ranking: int | None = None,
    imported: tuple[int, ...] = (),
    **fields: Any,
) -> Member:
    """A matched member with posts on some days of the camp, counted from 0, as a sync stores them."""
    user_id = factories._unique()
    member = await factories.make_member(session, camp, planet_user_id=user_id, **fields)
    posts = len(offsets) if run.posts_read else None
    session.add(
        CheckinTotal(
            camp_id=camp.id, planet_user_id=user_id, name="", days_posts=posts, sync_run_id=run.id,
            days_ranking=len(offsets) if ranking is None else ranking,
        )
    )  # fmt: skip
    await checked(session, camp, user_id, offsets, CheckinSource.POSTS)
    await checked(session, camp, user_id, imported, CheckinSource.IMPORT)
    return member


async def checked(
    session: AsyncSession, camp: Camp, user_id: str, offsets: tuple[int, ...], source: CheckinSource
) -> None:
    for offset in offsets:
        day = camp.starts_on + dt.timedelta(days=offset)
        session.add(Checkin(camp_id=camp.id, planet_user_id=user_id, day=day, source=source, excerpt=""))
    await session.flush()


async def whole_sheet(session: AsyncSession, camp: Camp, *, at: dt.datetime = AFTER) -> Import:
    staff = await factories.make_staff(session)
    sheet = Import(
        id=new_id(), kind=ImportKind.CHECKIN_TOTALS, planet_id=camp.planet_id, camp_id=camp.id, file_name="a.csv",
        sha256="0" * 64, whole=True, rows=1, added=1, changed=0, removed=0, created_by=staff.id,
        created_at=at,
    )  # fmt: skip
    session.add(sheet)
    await session.flush()
    return sheet


def found(member: Member) -> tuple[Any, ...]:
    return member.standing, member.verdict, member.days, member.entitled_fen


async def test_posts_and_ranking_agree(session: AsyncSession) -> None:
    camp = await ended_camp(session)
    run = await synced(session, camp)
    enough = await counted(session, camp, run, *range(7))
    short = await counted(session, camp, run, *range(6))
    await eligibility.recount(session, camp)
    assert found(enough) == (ST.REACHED, V.ELIGIBLE, 7, 9900)
    assert found(short) == (ST.OUT_OF_REACH, V.NOT_ELIGIBLE, 6, 0)
    assert (enough.verdict_reasons, enough.required_days) == (["enough_days"], 7)
    assert (enough.days_ranking, enough.days_posts, enough.counted_at) == (7, 7, AFTER)
    assert "打卡 7 天" in enough.breakdown["line"]


async def test_no_verdict_before_the_end_was_seen(session: AsyncSession, time: Time) -> None:
    """A running camp shows nobody 不符合."""
    time.set("2026-02-15 09:00")
    camp = await ended_camp(session, status=CampStatus.ONGOING)
    run = await synced(session, camp, at=DURING)
    lost = await counted(session, camp, run)
    under_way = await counted(session, camp, run, 3, 4)
    done = await counted(session, camp, run, *range(7), ranking=8)
    # Five days are seen and five are left: seven can't be reached with one day or none so far.
    await eligibility.recount(session, camp)
    assert found(lost) == (ST.OUT_OF_REACH, None, 0, 0)
    assert found(under_way) == (ST.IN_PROGRESS, None, 2, 0)
    assert found(done)[:2] == (ST.REACHED, None)
    assert under_way.breakdown["next_days"] == 5


async def test_a_sync_of_the_last_day_itself_has_not_seen_the_end(session: AsyncSession) -> None:
    camp = await ended_camp(session)
    late = dt.datetime(2026, 2, 19, 23, 59, tzinfo=clock.SHANGHAI)
    member = await counted(session, camp, await synced(session, camp, at=late), *range(6))
    await eligibility.recount(session, camp)
    assert found(member) == (ST.IN_PROGRESS, None, 6, 0)


async def test_before_the_camp_begins(session: AsyncSession) -> None:
    camp = await factories.make_camp(session)
    member = await factories.make_member(session, camp)
    await eligibility.recount(session, camp)
    assert found(member) == (ST.NOT_STARTED, None, 0, 0)


@pytest.mark.parametrize(
    ("ranking", "posts_read", "reasons"),
    [(8, True, ["sources_disagree", "days_short"]), (8, False, ["posts_incomplete", "enough_days"])],
)
async def test_sources_that_disagree_or_are_incomplete(
    session: AsyncSession, ranking: int, posts_read: bool, reasons: list[str]
) -> None:
    camp = await ended_camp(session)
    run = await synced(session, camp, posts_read=posts_read)
    member = await counted(session, camp, run, *range(5), ranking=ranking)
    await eligibility.recount(session, camp)
    assert (member.verdict, member.verdict_reasons, member.entitled_fen) == (V.NEEDS_CONFIRMATION, reasons, 9900)
    assert member.days == (5 if posts_read else 8)


async def test_days_of_an_older_sync_say_nothing_once_posts_could_not_be_read(session: AsyncSession) -> None:
    camp = await ended_camp(session)
    await synced(session, camp, at=DURING)
    run = await synced(session, camp, posts_read=False)
    member = await counted(session, camp, run, *range(9), ranking=3)
    await eligibility.recount(session, camp)
    assert (member.days, member.days_ranking, member.days_posts, member.entitled_fen) == (3, 3, None, 0)


async def test_a_sheet_never_takes_away_and_never_decides(session: AsyncSession) -> None:
    camp = await ended_camp(session)
    run = await synced(session, camp)
    helped = await counted(session, camp, run, 0, 1, imported=(2, 3, 4, 5, 6))
    enough = await counted(session, camp, run, *range(7), imported=(9,))
    by_total = await counted(session, camp, run, 0)
    sheet = await whole_sheet(session, camp, at=DURING)
    session.add(ImportedTotal(camp_id=camp.id, planet_user_id=by_total.planet_user_id, days=3, import_id=sheet.id))
    await session.flush()
    await eligibility.recount(session, camp)
    assert found(helped) == (ST.IN_PROGRESS, V.NEEDS_CONFIRMATION, 2, 9900)
    assert "import_enough" in helped.verdict_reasons
    assert found(enough) == (ST.REACHED, V.ELIGIBLE, 7, 9900)
    assert found(by_total) == (ST.OUT_OF_REACH, V.NOT_ELIGIBLE, 1, 0)
    assert (helped.days_import, enough.days_import, by_total.days_import) == (7, 8, 3)


async def test_a_whole_sheet_stands_in_for_the_sync_that_should_have_seen_the_end(session: AsyncSession) -> None:
    camp = await ended_camp(session)
    run = await synced(session, camp, at=DURING)
    told = await counted(session, camp, run, *range(3))
    missing = await counted(session, camp, run, *range(7))
    sheet = await whole_sheet(session, camp)
    session.add(ImportedTotal(camp_id=camp.id, planet_user_id=told.planet_user_id, days=8, import_id=sheet.id))
    await session.flush()
    await eligibility.recount(session, camp)
    assert (told.verdict, told.verdict_reasons) == (V.NEEDS_CONFIRMATION, ["not_counted", "import_enough"])
    assert (told.days, told.entitled_fen, told.standing) == (8, 9900, ST.IN_PROGRESS)
    # Seven days that the last sync saw are a floor below a sheet that forgot them; a person decides.
    assert (missing.verdict, missing.days, missing.entitled_fen) == (V.NEEDS_CONFIRMATION, 7, 9900)
    # A sync that comes later counts again.
    await synced(session, camp, at=AFTER + dt.timedelta(hours=1))
    await eligibility.recount(session, camp)
    assert (missing.verdict, told.verdict) == (V.ELIGIBLE, V.NEEDS_CONFIRMATION)


async def test_granted_days_count_and_a_checked_day_needs_none(session: AsyncSession) -> None:
    camp = await ended_camp(session)
    run = await synced(session, camp)
    member = await counted(session, camp, run, 0, 1, 2, 3, 4)
    for offset, kind in ((4, GrantKind.COACH), (5, GrantKind.COACH), (6, GrantKind.AMNESTY)):
        session.add(
            DayGrant(
                camp_id=camp.id, member_id=member.id, day=FIRST + dt.timedelta(days=offset), kind=kind, reason="分享"
            )
        )
    await session.flush()
    await eligibility.recount(session, camp)
    # Five checked, one granted; the amnesty lowers seven to six.
    assert (member.days, member.required_days, member.verdict, member.days_posts) == (6, 6, V.ELIGIBLE, 5)
    assert member.breakdown["granted"] == 1


async def test_a_policy_of_an_unknown_version_stops_nothing_but_its_own_members(runtime: Runtime, time: Time) -> None:
    async with runtime.db.transaction() as session:
        strange = await ended_camp(session, refund_policy={"version": 9, "magic": True})
        plain = await ended_camp(session)
        odd = await counted(session, strange, await synced(session, strange), *range(9))
        good = await counted(session, plain, await synced(session, plain), *range(9))
        for camp in (strange, plain):
            await eligibility.recount(session, camp)
    assert (odd.verdict, odd.verdict_reasons, odd.entitled_fen) == (V.NEEDS_CONFIRMATION, ["policy_unknown"], 0)
    assert (odd.required_days, odd.days) == (None, 9)
    assert good.verdict is V.ELIGIBLE
    async with runtime.db.transaction() as session:
        assert (await lists.make_list(session, strange.id, actor=SYSTEM)).created == 0
        assert (await lists.make_list(session, plain.id, actor=SYSTEM)).created == 1


async def test_a_match_by_hand_and_its_undoing_are_judged_at_once(session: AsyncSession) -> None:
    planet = await factories.make_planet(session)
    camp = await ended_camp(session, planet_id=planet.id)
    run = await synced(session, camp)
    ghost = await counted(session, camp, run, *range(8))
    user_id = str(ghost.planet_user_id)
    await factories.make_planet_user(session, planet, user_id=user_id)
    ghost.status, ghost.planet_user_id = MatchStatus.UNMATCHED, None
    await session.flush()
    await matching.match_manually(session, ghost.id, planet_user_id=user_id, actor=SYSTEM)
    assert found(ghost) == (ST.REACHED, V.ELIGIBLE, 8, 9900)
    await matching.unmatch(session, ghost.id, actor=SYSTEM)
    assert found(ghost) == (ST.IN_PROGRESS, V.NEEDS_CONFIRMATION, 0, 0)
    assert (ghost.days_ranking, ghost.days_posts, ghost.counted_at) == (None, None, None)


async def test_a_camp_that_begins_and_ends_judges_its_members(session: AsyncSession, time: Time) -> None:
    camp = await factories.make_camp(session, starts_on=dt.date(2026, 3, 2))
    member = await factories.make_member(session, camp)
    time.set("2026-03-02 00:05")
    await camps.follow_the_date(session, camp.id)
    assert (member.standing, member.verdict) == (ST.IN_PROGRESS, None)


async def test_judged_at_tells_when_the_result_last_changed(session: AsyncSession, time: Time) -> None:
    camp = await ended_camp(session)
    member = await counted(session, camp, await synced(session, camp), *range(9))
    await eligibility.recount(session, camp)
    first = member.judged_at
    time.advance(3600)
    await eligibility.recount(session, camp)
    assert member.judged_at == first


async def test_the_database_refuses_more_than_was_paid_less_the_fee(session: AsyncSession) -> None:
    camp = await ended_camp(session)
    member = await factories.make_member(session, camp, fee_fen=900)
    member.entitled_fen = 9001
    with pytest.raises(DBAPIError, match="entitled_within_paid"):
        await session.flush()
    await session.rollback()


async def test_no_statement_per_member(session: AsyncSession, engine: AsyncEngine) -> None:
    counts = []
    for size in (2, 30):
        camp = await ended_camp(session)
        run = await synced(session, camp)
        for _ in range(size):
            await counted(session, camp, run, *range(9))
        await session.flush()
        with counted_statements(engine) as seen:
            await eligibility.recount(session, camp)
        counts.append(len([statement for statement in seen if not statement.startswith("UPDATE")]))
    assert counts[0] == counts[1] <= 5


async def test_everybody_is_judged_under_the_deal_frozen_at_payment(session: AsyncSession) -> None:
    camp = await ended_camp(session)
    run = await synced(session, camp)
    part = await counted(
        session, camp, run, *range(5),
        refund_policy={"version": 2, "payout": {"kind": "pro_rata", "min": 3, "full_at": 10, "step_fen": 100}},
    )  # fmt: skip
    whole = await counted(session, camp, run, *range(5), refund_policy={"kind": "threshold", "required_days": 5})
    await eligibility.recount(session, camp)
    assert found(part) == (ST.OUT_OF_REACH, V.PARTIAL, 5, 4900)
    assert found(whole) == (ST.REACHED, V.ELIGIBLE, 5, 9900)
    assert (await session.scalars(select(Member.verdict).where(Member.id == part.id))).one() is V.PARTIAL
