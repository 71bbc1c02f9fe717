"""The workbench: figures that agree with the rows, to-dos for those whose they are, and only the own camps."""

import datetime as dt
from typing import Any

import pytest

from backend.core import clock
from backend.core.db import Database
from backend.core.ids import new_id
from backend.models.camps import CampStatus
from backend.models.checkins import SyncRun, SyncStatus, SyncTrigger
from backend.models.members import MatchMethod, MatchStatus
from backend.models.planets import CredentialStatus
from backend.models.reconciliation import ReconciliationCase
from backend.models.refunds import RefundHold, RefundStatus
from backend.models.staff import StaffRole
from backend.models.uploads import UploadKind
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.conftest import Time
from tests.factories import assign, make_camp, make_member, make_payment, make_planet, make_upload
from tests.money.refunds.facts import ended_camp, enrolled, refund_in

S = RefundStatus


async def test_an_empty_house(admin: Desk) -> None:
    data = await admin.ok("GET", "/dashboard")
    assert data["cards"] == {
        "camps": 0, "enrolling": 0, "running": 0, "members": 0, "paid_fen": 0, "refunded_fen": 0,
        "net_income_fen": 0, "completion_rate": None,
    }  # fmt: skip
    assert data["todo"] == {
        "refunds_to_review": {"count": 0, "sum_fen": 0}, "refunds_failed": {"count": 0, "sum_fen": 0},
        "refund_hold": None, "members_to_match": 0, "members_to_confirm": 0, "camps_ending": [], "old_group_qrs": [],
        "broken_syncs": [], "planets_invalid": [], "open_cases": 0,
    }  # fmt: skip
    assert len(data["income"]) == 30
    assert data["income"][-1] == {"day": "2026-03-01", "paid_fen": 0, "refunded_fen": 0}


async def test_cards_and_completion(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        over = await ended_camp(session, required_days=7)
        running = await make_camp(session, status=CampStatus.ONGOING, starts_on=dt.date(2026, 2, 25))
        await make_camp(session, status=CampStatus.DRAFT, deleted_at=clock.now())
        await make_camp(session)
        await enrolled(session, over, days_ranking=7, days_posts=7)
        await enrolled(session, over, days_ranking=7, days_posts=None)
        await enrolled(session, over, days_ranking=9, days_posts=6)
        await make_member(session, over)
        await make_member(session, running)
        await make_payment(session, over, paid=True, excess="camp_full")
        await make_payment(session, running)
        await refund_in(session, S.SUCCEEDED)  # one more member, of one more camp that is over
    data = await manager.ok("GET", "/dashboard")
    cards = data["cards"]
    assert (cards["camps"], cards["enrolling"], cards["running"], cards["members"]) == (4, 1, 1, 6)
    assert (cards["paid_fen"], cards["refunded_fen"], cards["net_income_fen"]) == (7 * 9900, 9900, 6 * 9900)
    assert data["completion"] == {"reached": 3, "partial": 0, "short": 2, "under_way": 1}
    assert cards["completion_rate"] == pytest.approx(0.5)


async def test_income_by_shanghai_days(db: Database, manager: Desk, time: Time) -> None:
    async with db.transaction() as session:
        camp = await make_camp(session)
        for paid_at in ("2026-02-27T23:59:59+08:00", "2026-02-28T00:00:00+08:00", "2026-02-22T12:00:00+08:00"):
            await make_payment(session, camp, paid=True, paid_at=dt.datetime.fromisoformat(paid_at))
        await refund_in(session, S.SUCCEEDED)  # paid and refunded today
    days = (await manager.ok("GET", "/dashboard", params={"days": 7}))["income"]
    assert [day["day"] for day in days] == [
        "2026-02-23", "2026-02-24", "2026-02-25", "2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01",
    ]  # fmt: skip
    assert [(day["paid_fen"], day["refunded_fen"]) for day in days[-3:]] == [(9900, 0), (9900, 0), (9900, 9900)]
    assert len((await manager.ok("GET", "/dashboard", params={"days": 90}))["income"]) == 90
    assert await manager.bad_fields("GET", "/dashboard", params={"days": 8}) == {"days"}


async def _run(session: Any, camp: Any, status: SyncStatus, **fields: Any) -> SyncRun:
    now = clock.now()
    run = SyncRun(
        id=new_id(), camp_id=camp.id, trigger=SyncTrigger.SCHEDULER, status=status, heartbeat_at=now, started_at=now,
        created_at=now, **fields,
    )  # fmt: skip
    session.add(run)
    await session.flush()
    return run


async def test_what_waits_for_a_person(db: Database, manager: Desk, time: Time) -> None:
    async with db.transaction() as session:
        for status in (S.PENDING_REVIEW, S.PENDING_REVIEW, S.FAILED, S.REJECTED):
            await refund_in(session, status)
        session.add(RefundHold(cause="provider_balance"))
        session.add(ReconciliationCase(kind="x", dedupe_key="x", summary="差异", detail={}))
        camp = await make_camp(session)
        for fields in (
            {"status": MatchStatus.UNMATCHED},
            {"status": MatchStatus.CONFLICT},
            {"planet_user_id": "1", "confidence": 66, "match_method": MatchMethod.PLANET_NICKNAME},
            {"planet_user_id": "2"},
        ):
            await make_member(session, camp, **fields)
        planet = await make_planet(session, credential_status=CredentialStatus.CREDENTIAL_INVALID)
        await make_planet(session, credential_status=CredentialStatus.VALID)
    todo = (await manager.ok("GET", "/dashboard"))["todo"]
    assert todo["refunds_to_review"] == {"count": 2, "sum_fen": 19800}
    assert todo["refunds_failed"] == {"count": 1, "sum_fen": 9900}
    assert (todo["refund_hold"], todo["open_cases"]) == ("provider_balance", 1)
    assert (todo["members_to_match"], todo["members_to_confirm"]) == (2, 1)
    assert [row["id"] for row in todo["planets_invalid"]] == [str(planet.id)]


async def test_camps_that_end_soon_and_old_group_pictures(db: Database, desk: NewDesk, time: Time) -> None:
    async with db.transaction() as session:
        qr = await make_upload(session, UploadKind.GROUP_QR)
        soon = await make_camp(
            session, status=CampStatus.ONGOING, starts_on=dt.date(2026, 2, 20), ends_on=dt.date(2026, 3, 9),
            group_qr_key=qr.key,
        )  # fmt: skip
        await make_camp(session, status=CampStatus.ENDED, starts_on=dt.date(2026, 2, 1), ends_on=dt.date(2026, 3, 8))
    time.set("2026-03-05 23:59")
    todo = (await (await desk(StaffRole.MANAGER)).ok("GET", "/dashboard"))["todo"]
    assert (todo["camps_ending"], todo["old_group_qrs"]) == ([], [])
    time.set("2026-03-07 10:01")
    todo = (await (await desk(StaffRole.MANAGER)).ok("GET", "/dashboard"))["todo"]
    assert todo["camps_ending"] == [{"id": str(soon.id), "name": soon.name, "ends_on": "2026-03-09"}]
    assert [row["id"] for row in todo["old_group_qrs"]] == [str(soon.id)]


async def test_only_the_last_finished_sync_speaks(db: Database, manager: Desk, time: Time) -> None:
    async with db.transaction() as session:
        broken, mended, reading = [await make_camp(session, status=CampStatus.ONGOING) for _ in range(3)]
        for camp in (broken, mended, reading):
            await _run(session, camp, SyncStatus.FAILED, error_code="x", error_message="第三页读取失败")
    time.advance(60)
    async with db.transaction() as session:
        run = await _run(session, broken, SyncStatus.PARTIAL, error_code="y", error_message="只读到 21 人")
        await _run(session, mended, SyncStatus.COMPLETE)
        await _run(session, reading, SyncStatus.RUNNING)
    rows = (await manager.ok("GET", "/dashboard"))["todo"]["broken_syncs"]
    assert {row["camp_id"] for row in rows} == {str(broken.id), str(reading.id)}
    [row] = [row for row in rows if row["camp_id"] == str(broken.id)]
    assert (row["sync_run_id"], row["status"], row["error_message"]) == (str(run.id), "partial", "只读到 21 人")


async def test_coaches_and_volunteers_see_their_own_camps_and_tasks(db: Database, desk: NewDesk, time: Time) -> None:
    coach, volunteer = await desk(StaffRole.COACH), await desk(StaffRole.VOLUNTEER)
    async with db.transaction() as session:
        mine = await ended_camp(session)
        for person in (coach, volunteer):
            await assign(session, mine, person.staff)
        await enrolled(session, mine)
        await refund_in(session, S.PENDING_REVIEW)  # of a foreign camp
    for person in (coach, volunteer):
        data = await person.ok("GET", "/dashboard")
        assert (data["cards"]["camps"], data["cards"]["members"], data["cards"]["paid_fen"]) == (1, 1, 9900)
        assert sum(day["paid_fen"] for day in data["income"]) == 9900
        assert data["completion"] == {"reached": 1, "partial": 0, "short": 0, "under_way": 0}
        todo = data["todo"]
        for name in ("members_to_match", "members_to_confirm", "broken_syncs", "planets_invalid", "open_cases"):
            assert todo[name] is None
    assert (await coach.ok("GET", "/dashboard"))["todo"]["refunds_to_review"] == {"count": 0, "sum_fen": 0}
    assert (await volunteer.ok("GET", "/dashboard"))["todo"]["refunds_to_review"] is None


async def test_who_is_in_no_camp_sees_none(db: Database, desk: NewDesk) -> None:
    async with db.transaction() as session:
        await enrolled(session, await ended_camp(session))
    data = await (await desk(StaffRole.COACH)).ok("GET", "/dashboard")
    assert (data["cards"]["camps"], data["cards"]["members"], data["cards"]["paid_fen"]) == (0, 0, 0)
