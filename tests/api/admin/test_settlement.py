"""Settling a camp at the console: making the list, reading where everybody stands, archiving."""

import pytest
from sqlalchemy import select

from backend.core.db import Database
from backend.models.camps import Camp, CampStatus
from backend.models.refunds import Refund, RefundStatus
from backend.models.staff import StaffRole
from tests import factories
from tests.api.admin.test_refunds import NOBODY, coach_of
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.money.refunds.facts import ended_camp, enrolled, refund_in
from tests.money.refunds.test_refund_lists import settled_camp


@pytest.mark.parametrize("path", ["refunds", "settle"])
async def test_making_the_list(db: Database, manager: Desk, path: str) -> None:
    async with db.transaction() as session:
        camp = await settled_camp(session)
        await enrolled(session, camp)
        await enrolled(session, camp, days_ranking=1, days_posts=1)
    assert await manager.ok("POST", f"/camps/{camp.id}/{path}") == {
        "created": 1, "eligible": 1, "partial": 0, "needs_confirmation": 0, "not_eligible": 1, "unmatched": 0,
    }  # fmt: skip
    assert (await manager.ok("POST", f"/camps/{camp.id}/{path}"))["created"] == 0
    assert (await manager.ok("GET", f"/camps/{camp.id}/settlement"))["status"] == "settling"


async def test_why_no_list_can_be_made(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        unsynced = await ended_camp(session)
        running = await settled_camp(session, status=CampStatus.ONGOING)
        archived = await settled_camp(session, status=CampStatus.ARCHIVED)
    data = await manager.refused(409, "sync_incomplete", "POST", f"/camps/{unsynced.id}/refunds")
    assert data == {"last_run_status": None, "error_message": None}
    await manager.refused(409, "camp_not_ended", "POST", f"/camps/{running.id}/refunds")
    await manager.refused(409, "refund_list_closed", "POST", f"/camps/{archived.id}/refunds")
    await manager.refused(404, "not_found", "POST", f"/camps/{NOBODY}/refunds")
    blocked = (await manager.ok("GET", f"/camps/{unsynced.id}/settlement"))["summary"]["blocked"]
    assert blocked["code"] == "sync_incomplete"
    async with db.transaction() as session:
        assert (await session.get_one(Camp, unsynced.id)).status is CampStatus.ENDED


async def test_the_settlement_lists_everybody_with_reasons(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        camp = await settled_camp(session)
        eligible = await enrolled(session, camp)
        short = await enrolled(session, camp, days_ranking=2, days_posts=3)
        unmatched = await enrolled(session, camp, planet_user_id=None)
    await manager.ok("POST", f"/camps/{camp.id}/refunds")

    data = await manager.ok("GET", f"/camps/{camp.id}/settlement")

    lines = {line["member_id"]: line for line in data["items"]}
    assert set(lines) == {str(eligible.id), str(short.id), str(unmatched.id)}
    line = lines[str(short.id)]
    assert (line["verdict"], line["days"], line["days_ranking"], line["days_posts"]) == ("not_eligible", 3, 2, 3)
    assert line["reasons"] == [{"code": "days_short", "text": "打卡天数不足"}]
    assert line["refund"] is None
    assert lines[str(eligible.id)]["refund"]["status"] == "pending_review"
    assert lines[str(unmatched.id)]["reasons"][0]["code"] == "not_matched"
    summary = data["summary"]
    assert (summary["members"], summary["eligible"], summary["not_eligible"], summary["unmatched"]) == (3, 1, 1, 1)
    assert (summary["paid_fen"], summary["refunded_fen"], summary["blocked"]) == (29700, 0, None)
    assert summary["refunds"]["pending_review"] == {"count": 1, "sum_fen": 9900}


async def test_the_settlement_shows_what_went_back(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        refund = await refund_in(session, RefundStatus.SUCCEEDED)
    data = await manager.ok("GET", f"/camps/{refund.camp_id}/settlement")
    [line] = data["items"]
    assert (line["refunded_fen"], line["refund"]["id"], line["refund"]["status"]) == (
        9900,
        str(refund.id),
        "succeeded",
    )
    assert data["summary"]["refunded_fen"] == 9900


async def test_archiving(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        camp = await ended_camp(session, status=CampStatus.SETTLING)
        member = await enrolled(session, camp)
        refund = await factories.make_refund(session, member)
    data = await manager.refused(409, "camp_has_open_refunds", "POST", f"/camps/{camp.id}/archive")
    assert data == {"counts": {"pending_review": 1}}
    await manager.ok("POST", f"/refunds/{refund.id}/reject", json={"reason": "打卡未达标"})
    assert await manager.ok("POST", f"/camps/{camp.id}/archive") == {"kept_fen": 9900}
    await manager.refused(409, "camp_not_settling", "POST", f"/camps/{camp.id}/archive")
    await manager.refused(409, "camp_archived", "POST", f"/refunds/{refund.id}/reopen", json={"reason": "其他"})
    extra = {"payment_id": str(member.payment_id), "amount_fen": 1, "kind": "exception", "reason": "其他"}
    await manager.refused(409, "deposit_kept", "POST", "/refunds", json=extra)


async def test_who_may(db: Database, desk: NewDesk) -> None:
    async with db.transaction() as session:
        own, foreign = await settled_camp(session), await settled_camp(session)
    coach = await coach_of(db, desk, own.id)
    volunteer = await coach_of(db, desk, own.id, role=StaffRole.VOLUNTEER)
    await coach.ok("GET", f"/camps/{own.id}/settlement")
    await coach.refused(403, "forbidden", "GET", f"/camps/{foreign.id}/settlement")
    await coach.refused(404, "not_found", "GET", f"/camps/{NOBODY}/settlement")
    await volunteer.refused(403, "forbidden", "GET", f"/camps/{own.id}/settlement")
    for path in ("refunds", "settle", "archive"):
        for person in (coach, volunteer):
            await person.refused(403, "forbidden", "POST", f"/camps/{own.id}/{path}")
    async with db.transaction() as session:
        assert list(await session.scalars(select(Refund))) == []
