"""Choosing refunds over all pages, and taking approvals back, at the console."""

import uuid
from typing import Any

import pytest

from backend.core.db import Database
from backend.models.members import MatchMethod
from backend.models.refunds import RefundStatus
from backend.models.staff import StaffRole
from backend.money.refunds import flows, queries
from backend.runtime import Runtime
from tests.api.admin.test_refunds import coach_of, recount, waiting
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.money.refunds.provider import pending
from tests.world import World

S = RefundStatus


async def test_everything_a_filter_finds_is_chosen_at_once(db: Database, manager: Desk) -> None:
    refunds = await waiting(db, 3)
    await waiting(db, 2)
    data = await manager.ok("GET", "/refunds/ids", params={"camp_id": str(refunds[0].camp_id)})
    assert set(data["ids"]) == {str(refund.id) for refund in refunds}
    assert (data["count"], data["sum_fen"], data["total"]) == (3, 3 * 9900, 3)
    assert data["rows"] == [{"id": id_, "verdict": "eligible", "amount_fen": 9900} for id_ in data["ids"]]
    everything = await manager.ok("GET", "/refunds/ids", params={"status": "pending_review"})
    assert everything["count"] == 5
    nothing = await manager.ok("GET", "/refunds/ids", params={"status": "failed"})
    assert nothing == {"ids": [], "rows": [], "count": 0, "sum_fen": 0, "total": 0}
    # What was chosen is what a batch takes, with the figures the person saw.
    rows = [
        {"id": row["id"], "expected_verdict": row["verdict"], "expected_amount_fen": row["amount_fen"]}
        for row in data["rows"]
    ]
    body = {
        "ids": data["ids"], "rows": rows, "expected_count": data["count"], "expected_sum_fen": data["sum_fen"],
    }  # fmt: skip
    assert (await manager.ok("POST", "/refunds/batch-approve", json=body))["done"] == 3


async def test_no_more_are_chosen_than_a_batch_takes(db: Database) -> None:
    await waiting(db, 3)
    async with db.transaction() as session:
        found = await queries.chosen(session, queries.Filter(), limit=2)
    assert (len(found.ids), found.count, found.sum_fen, found.total) == (2, 2, 19800, 3)


async def test_the_way_of_the_match_narrows(db: Database, manager: Desk) -> None:
    [one] = await waiting(db, 1, match_method=MatchMethod.MANUAL)
    await waiting(db, 1)
    data = await manager.ok("GET", "/refunds/ids", params={"match_method": "manual"})
    assert data["ids"] == [str(one.id)]
    assert await manager.bad_fields("GET", "/refunds", params={"match_method": "guess"}) == {"match_method"}


@pytest.mark.parametrize("evidence", [{"verdict": "eligible"}, {"confidence": 100}, {"match_method": "planet_number"}])
async def test_what_is_decided_on_narrows_every_way_of_reading(
    db: Database, manager: Desk, evidence: dict[str, Any]
) -> None:
    """Of rows in review it is the member's, of decided ones what was frozen."""
    doubtful: dict[str, Any] = {"confidence": 66, "match_method": MatchMethod.PLANET_NICKNAME}
    [one], [done] = await waiting(db), await waiting(db)
    await waiting(db, **doubtful)
    await manager.ok("POST", f"/refunds/{done.id}/approve")
    await recount(db, done, **doubtful)
    both = {str(one.id), str(done.id)}
    assert {row["id"] for row in (await manager.ok("GET", "/refunds", params=evidence))["items"]} == both
    assert set((await manager.ok("GET", "/refunds/ids", params=evidence))["ids"]) == both
    export = await manager.call("GET", "/refunds/export", params=evidence | {"format": "csv"})
    assert (export.status_code, export.text.count("\r\n")) == (200, 3)


async def test_choosing_stays_within_the_own_camps(db: Database, desk: NewDesk) -> None:
    [mine] = await waiting(db)
    [foreign] = await waiting(db)
    coach = await coach_of(db, desk, mine.camp_id)
    assert (await coach.ok("GET", "/refunds/ids"))["ids"] == [str(mine.id)]
    await coach.refused(403, "forbidden", "GET", "/refunds/ids", params={"camp_id": str(foreign.camp_id)})
    volunteer = await coach_of(db, desk, mine.camp_id, role=StaffRole.VOLUNTEER)
    await volunteer.refused(403, "forbidden", "GET", "/refunds/ids")


async def test_an_approval_is_taken_back(db: Database, manager: Desk) -> None:
    [refund] = await waiting(db)
    path = f"/refunds/{refund.id}"
    assert (await manager.ok("POST", f"{path}/approve"))["undoable"] is True
    row = await manager.ok("POST", f"{path}/undo")
    assert (row["status"], row["undoable"], row["reviewer_name"]) == ("pending_review", False, None)
    moves = [move["event"] for move in (await manager.ok("GET", path))["history"]]
    assert moves == ["approve", "undo"]
    await manager.refused(409, "refund_not_approved", "POST", f"{path}/undo")
    await manager.refused(404, "not_found", "POST", f"/refunds/{uuid.uuid4()}/undo")


async def test_what_left_is_not_taken_back(runtime: Runtime, world: World, manager: Desk) -> None:
    first, second = await pending(runtime, world, 2)
    await manager.ok("POST", f"/refunds/{first.id}/approve")
    await flows.send(runtime, {})
    await manager.refused(409, "refund_already_sent", "POST", f"/refunds/{first.id}/undo")
    await manager.ok("POST", f"/refunds/{second.id}/approve")
    data = await manager.ok("POST", "/refunds/batch-undo", json={"ids": [str(first.id), str(second.id), "nonsense"]})
    assert [(line["ok"], line["code"]) for line in data["results"]] == [
        (False, "refund_already_sent"), (True, "ok"), (False, "not_found"),
    ]  # fmt: skip
    assert all(line["message"] for line in data["results"] if not line["ok"])
    assert (data["done"], data["skipped"]) == (1, 2)


async def test_a_batch_undoes_exactly_what_was_confirmed(db: Database, manager: Desk) -> None:
    refunds = await waiting(db, 2)
    ids = [str(refund.id) for refund in refunds]
    await manager.ok("POST", "/refunds/batch-approve", json={"ids": ids})
    wrong = {"ids": ids, "expected_count": 3}
    data = await manager.refused(409, "expectation_mismatch", "POST", "/refunds/batch-undo", json=wrong)
    assert data == {"count": 2, "sum_fen": 19800}
    assert (await manager.ok("POST", "/refunds/batch-undo", json=wrong | {"expected_count": 2}))["done"] == 2


async def test_who_may_undo(db: Database, desk: NewDesk, manager: Desk, world: World) -> None:
    [mine] = await waiting(db)
    [foreign] = await waiting(db)
    for refund in (mine, foreign):
        await manager.ok("POST", f"/refunds/{refund.id}/approve")
    coach = await coach_of(db, desk, mine.camp_id)
    volunteer = await coach_of(db, desk, mine.camp_id, role=StaffRole.VOLUNTEER)
    await volunteer.refused(403, "forbidden", "POST", f"/refunds/{mine.id}/undo")
    await coach.refused(403, "forbidden", "POST", f"/refunds/{foreign.id}/undo")
    both = {"ids": [str(mine.id), str(foreign.id)]}
    results = (await coach.ok("POST", "/refunds/batch-undo", json=both))["results"]
    assert [line["code"] for line in results] == ["ok", "forbidden"]
    world.settings.refund.coach_review = False
    await coach.refused(403, "forbidden", "POST", f"/refunds/{mine.id}/undo")


async def test_the_summary_tells_how_long_there_is(manager: Desk, world: World) -> None:
    world.settings.refund.undo_seconds = 10
    assert (await manager.ok("GET", "/refunds/summary"))["undo_seconds"] == 10
