"""Refunds at the console: reading, reviewing, batches, repair; who may, and who sees which."""

import datetime as dt
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backend.core.db import Database
from backend.models.audit import AuditEntry
from backend.models.camps import Camp
from backend.models.checkins import Checkin, CheckinSource
from backend.models.members import MatchStatus, Member
from backend.models.refunds import Refund, RefundHold, RefundStatus
from backend.models.staff import StaffRole
from backend.money.refunds import flows
from backend.runtime import Runtime
from tests import factories
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.conftest import RecordingQueue, Time
from tests.money.refunds.facts import ended_camp, enrolled, recounted, refund_in
from tests.money.refunds.provider import approved, now_of, pending
from tests.world import World

S = RefundStatus
NOBODY = "019ca71f-b921-703c-8ce1-c0f1fac47bf9"


PRO_RATA = {"version": 2, "payout": {"kind": "pro_rata", "min": 2, "full_at": 9}}
SHORT = {"days_ranking": 3, "days_posts": 3}


async def waiting(db: Database, count: int = 1, camp: Camp | None = None, **fields: Any) -> list[Refund]:
    """Rows of one ended camp; ``fields`` are the members'."""
    async with db.transaction() as session:
        camp = camp or await ended_camp(session)
        members = [await enrolled(session, camp, **fields) for _ in range(count)]
        return [await factories.make_refund(session, member) for member in members]


async def partly(db: Database) -> Refund:
    """Six of nine days bring 66 of 99 yuan."""
    async with db.transaction() as session:
        camp = await ended_camp(session, refund_policy=PRO_RATA)
        member = await enrolled(session, camp, days_ranking=6, days_posts=6)
        return await factories.make_refund(session, member)


async def recount(db: Database, refund: Refund, **changes: Any) -> None:
    """A later count found something else about the row's member."""
    async with db.transaction() as session:
        await recounted(session, await session.get_one(Member, refund.member_id), **changes)


async def coach_of(db: Database, desk: NewDesk, *camp_ids: Any, role: StaffRole = StaffRole.COACH) -> Desk:
    person = await desk(role)
    async with db.transaction() as session:
        for camp_id in camp_ids:
            await factories.assign(session, await session.get_one(Camp, camp_id), person.staff)
    return person


# Reading.


async def test_a_row_has_the_promised_fields(db: Database, manager: Desk) -> None:
    [refund] = await waiting(db, confidence=66)
    data = await manager.ok("GET", "/refunds")
    assert (data["total"], data["page"], data["page_size"]) == (1, 1, 20)
    [row] = data["items"]
    promised = {
        "id", "camp_id", "member_id", "payment_id", "kind", "status", "amount_fen", "out_refund_no", "verdict", "days",
        "required_days", "confidence", "match_method", "reviewer_name", "reviewed_at", "reject_reason", "attempts",
        "failure", "provider_refund_id", "succeeded_at", "settled_offline", "amount_line",
    }  # fmt: skip
    assert promised <= set(row)
    assert row["id"] == str(refund.id)
    assert (row["status"], row["kind"], row["amount_fen"], row["failure"]) == ("pending_review", "camp", 9900, None)
    assert row["verdict_reasons"][0] == {"code": "match_below_100", "text": "身份匹配置信度低于 100"}
    assert (row["verdict"], row["days"], row["required_days"], row["confidence"]) == ("needs_confirmation", 9, 7, 66)
    assert "9 天" in row["amount_line"]


async def test_a_waiting_row_shows_its_member_and_a_decided_one_what_was_decided_on(
    db: Database, manager: Desk
) -> None:
    refund = await partly(db)
    path = f"/refunds/{refund.id}"
    names = ("verdict", "days", "amount_fen")
    assert (refund.verdict, refund.days) == (None, None)
    assert [(await manager.ok("GET", path))[name] for name in names] == ["partial", 6, 6600]
    await recount(db, refund, **SHORT)
    assert [(await manager.ok("GET", path))[name] for name in names] == ["partial", 3, 3300]
    # The same on every page that shows it.
    for page, key in ((f"/members/{refund.member_id}", "refunds"), (f"/camps/{refund.camp_id}/settlement", "items")):
        [shown] = (await manager.ok("GET", page))[key]
        assert shown.get("refund", shown)["amount_fen"] == 3300
    await manager.ok("POST", f"{path}/approve", json={"expected_verdict": "partial", "expected_amount_fen": 3300})
    await recount(db, refund, days_ranking=9, days_posts=9)
    row = await manager.ok("GET", path)
    assert [row[name] for name in names] == ["partial", 3, 3300]
    assert "3/9" in row["amount_line"]


async def test_filters(db: Database, manager: Desk) -> None:
    [one] = await waiting(db)
    [two] = await waiting(db, confidence=66)
    await recount(db, two, **SHORT)
    async with db.transaction() as session:
        failed = await refund_in(session, S.FAILED)
        await refund_in(session, S.REJECTED)

    async def found(**params: Any) -> set[str]:
        return {row["id"] for row in (await manager.ok("GET", "/refunds", params=params))["items"]}

    everything = await found()
    assert len(everything) == 4
    assert await found(camp_id=str(one.camp_id)) == {str(one.id)}
    assert await found(member_id=str(two.member_id)) == {str(two.id)}
    assert await found(payment_id=str(two.payment_id)) == {str(two.id)}
    assert await found(status="failed") == {str(failed.id)}
    assert len(await found(status="failed,rejected")) == 2
    assert await found(verdict="needs_confirmation") == {str(two.id)}
    assert await found(confidence=66) == {str(two.id)}
    assert await found(kind="duplicate") == set()
    assert await found(q=one.out_refund_no.lower()) == {str(one.id)}
    assert await found(q="100%") == set()
    assert await found(**{"from": "2026-03-01", "to": "2026-03-01"}) == everything
    assert await found(to="2026-02-28") == set()
    assert await manager.bad_fields("GET", "/refunds", params={"status": "failed,nonsense"}) == {"status"}
    assert await manager.bad_fields("GET", "/refunds", params={"page_size": 201}) == {"page_size"}


async def test_the_reviewer_is_found_by_name(db: Database, manager: Desk) -> None:
    [one, _] = await waiting(db, 2)
    await manager.ok("POST", f"/refunds/{one.id}/approve")
    rows = (await manager.ok("GET", "/refunds", params={"reviewer": manager.staff.display_name}))["items"]
    assert [row["id"] for row in rows] == [str(one.id)]
    assert rows[0]["reviewer_name"] == manager.staff.display_name


async def test_the_detail_shows_the_evidence(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        refund = await refund_in(session, S.FAILED)
        member = await session.get_one(Member, refund.member_id)
        for day in (12, 11):
            session.add(
                Checkin(
                    camp_id=refund.camp_id, planet_user_id=member.planet_user_id, source=CheckinSource.POSTS,
                    day=dt.date(2026, 2, day),
                )
            )  # fmt: skip
    data = await manager.ok("GET", f"/refunds/{refund.id}")
    assert data["failure"] == {"code": "timeout", "message": "微信支付应答超时，结果未知"}
    assert data["payment"]["amount_fen"] == 9900
    assert (data["member"]["match_status"], data["member"]["confidence"]) == ("matched", 100)
    assert data["checkin_days"] == ["2026-02-11", "2026-02-12"]
    assert [move["to_state"] for move in data["history"]] == ["approved", "sending", "failed"]
    assert data["others"] == []
    await manager.refused(404, "not_found", "GET", f"/refunds/{NOBODY}")
    await manager.refused(404, "not_found", "GET", "/refunds/nonsense")


async def test_the_summary_counts_by_status_and_shows_the_hold(db: Database, manager: Desk) -> None:
    [one, _] = await waiting(db, 2)
    async with db.transaction() as session:
        await refund_in(session, S.FAILED)
        session.add(RefundHold(cause="provider_balance", refund_id=one.id))
    data = await manager.ok("GET", "/refunds/summary")
    assert data["by_status"]["pending_review"] == {"count": 2, "sum_fen": 19800}
    assert data["by_status"]["failed"] == {"count": 1, "sum_fen": 9900}
    assert data["by_status"]["succeeded"] == {"count": 0, "sum_fen": 0}
    assert data["hold"]["cause"] == "provider_balance"
    scoped = await manager.ok("GET", "/refunds/summary", params={"camp_id": str(one.camp_id)})
    assert scoped["by_status"]["failed"]["count"] == 0
    assert await manager.ok("POST", "/refunds/resume") == {"resumed": True}
    assert await manager.ok("POST", "/refunds/resume") == {"resumed": False}
    assert (await manager.ok("GET", "/refunds/summary"))["hold"] is None


# Who.

READS = ["/refunds", "/refunds/summary"]


async def test_nobody_without_a_log_in(client: httpx.AsyncClient, db: Database) -> None:
    [refund] = await waiting(db)
    for path in READS:
        assert (await client.get(f"/api/admin{path}")).status_code == 401
    for path in ("approve", "reject", "retry", "refresh", "reopen", "settle-offline"):
        assert (await client.post(f"/api/admin/refunds/{refund.id}/{path}", json={})).status_code == 401


async def test_volunteers_see_no_refunds(db: Database, desk: NewDesk) -> None:
    [refund] = await waiting(db)
    volunteer = await coach_of(db, desk, refund.camp_id, role=StaffRole.VOLUNTEER)
    for method, path in [("GET", p) for p in (*READS, f"/refunds/{refund.id}")] + [
        ("POST", f"/refunds/{refund.id}/approve")
    ]:
        await volunteer.refused(403, "forbidden", method, path)


async def test_a_coach_reviews_own_camps_and_executes_nothing(db: Database, desk: NewDesk) -> None:
    [own], [foreign] = await waiting(db), await waiting(db)
    coach = await coach_of(db, desk, own.camp_id)
    assert [row["id"] for row in (await coach.ok("GET", "/refunds"))["items"]] == [str(own.id)]
    summary = await coach.ok("GET", "/refunds/summary")
    assert summary["by_status"]["pending_review"]["count"] == 1
    await coach.refused(403, "forbidden", "GET", "/refunds", params={"camp_id": str(foreign.camp_id)})
    await coach.refused(403, "forbidden", "GET", "/refunds/summary", params={"camp_id": str(foreign.camp_id)})
    await coach.refused(403, "forbidden", "GET", f"/refunds/{foreign.id}")
    await coach.refused(403, "forbidden", "POST", f"/refunds/{foreign.id}/approve")
    await coach.refused(403, "forbidden", "POST", f"/refunds/{foreign.id}/reject", json={"reason": "其他"})
    body = {"ids": [str(own.id), str(foreign.id)]}
    data = await coach.ok("POST", "/refunds/batch-approve", json=body)
    assert [(line["ok"], line["code"]) for line in data["results"]] == [(True, "ok"), (False, "forbidden")]
    assert (await now_of(db, foreign)).status is S.PENDING_REVIEW
    for path, body_ in (
        (f"/refunds/{own.id}/retry", {}),
        (f"/refunds/{own.id}/refresh", {}),
        (f"/refunds/{own.id}/reopen", {"reason": "其他"}),
        (f"/refunds/{own.id}/settle-offline", {"note": "已转账"}),
        ("/refunds/resume", {}),
        ("/refunds", {"payment_id": str(own.payment_id), "amount_fen": 1, "kind": "exception", "reason": "其他"}),
    ):
        await coach.refused(403, "forbidden", "POST", path, json=body_)


async def test_coach_review_can_be_switched_off(db: Database, desk: NewDesk, runtime: Runtime) -> None:
    [own] = await waiting(db)
    coach = await coach_of(db, desk, own.camp_id)
    runtime.settings.refund.coach_review = False
    await coach.refused(403, "forbidden", "POST", f"/refunds/{own.id}/approve")
    await coach.refused(403, "forbidden", "POST", f"/refunds/{own.id}/reject", json={"reason": "其他"})
    await coach.refused(403, "forbidden", "POST", "/refunds/batch-approve", json={"ids": [str(own.id)]})
    await coach.refused(403, "forbidden", "POST", "/refunds/batch-reject", json={"ids": [str(own.id)], "reason": "x"})
    await coach.ok("GET", f"/refunds/{own.id}")


# One by one.


async def test_approve_and_reject(db: Database, manager: Desk, queue: RecordingQueue) -> None:
    [one, two] = await waiting(db, 2)
    row = await manager.ok("POST", f"/refunds/{one.id}/approve", json={"note": "核对无误"})
    assert (row["status"], row["review_note"], row["reviewer_name"]) == (
        "approved",
        "核对无误",
        manager.staff.display_name,
    )
    assert "refunds.send" in [job.name for job in queue.jobs]
    await manager.refused(409, "refund_already_reviewed", "POST", f"/refunds/{one.id}/approve")

    assert await manager.bad_fields("POST", f"/refunds/{two.id}/reject", json={}) == {"reason"}
    assert await manager.bad_fields("POST", f"/refunds/{two.id}/reject", json={"reason": "  "}) == {"reason"}
    row = await manager.ok("POST", f"/refunds/{two.id}/reject", json={"reason": "打卡未达标"})
    assert (row["status"], row["reject_reason"]) == ("rejected", "打卡未达标")
    row = await manager.ok("POST", f"/refunds/{two.id}/reopen", json={"reason": "补卡"})
    assert (row["status"], row["reject_reason"], row["reviewer_name"]) == ("pending_review", None, None)


async def test_a_doubt_passes_by_a_person_s_word_and_what_pays_nothing_by_nobody_s(db: Database, manager: Desk) -> None:
    [doubtful] = await waiting(db, days_posts=3)
    assert (await manager.ok("POST", f"/refunds/{doubtful.id}/approve"))["status"] == "approved"
    [short] = await waiting(db)
    await recount(db, short, **SHORT)
    path, now = f"/refunds/{short.id}/approve", {"verdict": "not_eligible", "amount_fen": 0, "days": 3}
    for body in ({}, {"note": "已核实"}, {"expected_verdict": "eligible"}, {"expected_amount_fen": 9900}):
        assert await manager.refused(409, "stale_evidence", "POST", path, json=body) == now
    seen = {"expected_verdict": "not_eligible", "expected_amount_fen": 0}
    await manager.refused(409, "refund_nothing_due", "POST", path, json=seen | {"note": "已核实"})
    bad = {"expected_verdict": "maybe", "expected_amount_fen": -1}
    assert await manager.bad_fields("POST", path, json=bad) == set(bad)
    assert (await now_of(db, short)).status is S.PENDING_REVIEW


async def test_a_rejection_is_held_against_what_was_seen_only_if_it_says_so(db: Database, manager: Desk) -> None:
    [refund] = await waiting(db)
    await recount(db, refund, **SHORT)
    path, body = f"/refunds/{refund.id}/reject", {"reason": "打卡未达标"}
    await manager.refused(409, "stale_evidence", "POST", path, json=body | {"expected_verdict": "eligible"})
    row = await manager.ok("POST", path, json=body)
    assert (row["status"], row["verdict"], row["days"], row["amount_fen"]) == ("rejected", "not_eligible", 3, 9900)


# Batches.


async def test_a_batch_takes_each_row_by_itself(db: Database, manager: Desk) -> None:
    [good], [doubtful], [better] = await waiting(db), await waiting(db, days_posts=3), await waiting(db, days_posts=3)
    # Beyond doubt by now, for the same sum.
    await recount(db, better, days_posts=9)
    part = await partly(db)
    [short], [done] = await waiting(db), await waiting(db)
    await recount(db, short, **SHORT)
    await manager.ok("POST", f"/refunds/{done.id}/approve")
    ids = [str(row.id) for row in (good, doubtful, better, part, short, done)] + [NOBODY, "nonsense", str(good.id)]

    data = await manager.ok("POST", "/refunds/batch-approve", json={"ids": ids})

    assert [(line["id"], line["code"]) for line in data["results"]] == [
        (str(good.id), "ok"),
        (str(doubtful.id), "needs_confirmation"),
        (str(better.id), "ok"),
        (str(part.id), "expectation_required"),
        (str(short.id), "stale_evidence"),
        (str(done.id), "refund_already_reviewed"),
        (NOBODY, "not_found"),
        ("nonsense", "not_found"),
    ]
    assert all(line["message"] for line in data["results"] if not line["ok"])
    assert (data["done"], data["skipped"]) == (2, 6)
    assert (await now_of(db, good)).status is S.APPROVED
    assert (await now_of(db, short)).status is S.PENDING_REVIEW


async def test_a_batch_that_tells_what_was_seen(db: Database, manager: Desk) -> None:
    part, [changed], [short] = await partly(db), await waiting(db, days_posts=3), await waiting(db)
    await recount(db, changed, days_posts=9)
    await recount(db, short, **SHORT)

    def seen(refund: Refund, verdict: str, fen: int) -> dict[str, Any]:
        return {"id": str(refund.id), "expected_verdict": verdict, "expected_amount_fen": fen}

    body = {"ids": [str(row.id) for row in (part, changed, short)]}
    told = [seen(part, "partial", 6600), seen(changed, "needs_confirmation", 9900), seen(short, "not_eligible", 0)]
    wrong = [seen(part, "partial", 9900)]
    data = await manager.ok("POST", "/refunds/batch-approve", json={"ids": body["ids"][:1], "rows": wrong})
    assert [line["code"] for line in data["results"]] == ["stale_evidence"]
    data = await manager.ok("POST", "/refunds/batch-approve", json=body | {"rows": told})
    assert [line["code"] for line in data["results"]] == ["ok", "stale_evidence", "not_eligible"]
    assert all(line["message"] for line in data["results"] if not line["ok"])
    row = await now_of(db, part)
    assert (row.status, row.amount_fen, row.verdict, row.days) == (S.APPROVED, 6600, "partial", 6)
    reject = body | {"reason": "打卡未达标", "rows": told[1:]}
    data = await manager.ok("POST", "/refunds/batch-reject", json=reject)
    assert [line["code"] for line in data["results"]] == ["refund_already_reviewed", "stale_evidence", "ok"]


async def test_a_batch_that_tells_the_sum_takes_parts_too(db: Database, manager: Desk) -> None:
    part = await partly(db)
    body = {"ids": [str(part.id)], "expected_count": 1, "expected_sum_fen": 6600}
    await recount(db, part, **SHORT)
    # What was confirmed is no longer what would be done, and nothing is.
    data = await manager.refused(409, "expectation_mismatch", "POST", "/refunds/batch-approve", json=body)
    assert data == {"count": 0, "sum_fen": 0}
    await recount(db, part, days_ranking=6, days_posts=6)
    assert (await manager.ok("POST", "/refunds/batch-approve", json=body))["done"] == 1


async def test_a_row_that_pays_nothing_passes_in_no_batch(db: Database, manager: Desk) -> None:
    """In doubt by its match alone, admitted by the reviewer, and no money left to send."""
    [refund] = await waiting(db)
    lost = {"status": MatchStatus.UNMATCHED, "confidence": 0, "days_ranking": None, "days_posts": None}
    await recount(db, refund, **lost)
    rows = [{"id": str(refund.id), "expected_verdict": "needs_confirmation", "expected_amount_fen": 0}]
    body = {"ids": [str(refund.id)], "rows": rows, "min_confidence": 0}
    data = await manager.ok("POST", "/refunds/batch-approve", json=body)
    assert [line["code"] for line in data["results"]] == ["needs_confirmation"]


async def test_a_lower_confidence_admits_matches_in_doubt_and_nothing_else(db: Database, manager: Desk) -> None:
    [only_match], [days_too] = await waiting(db, confidence=66), await waiting(db, confidence=66, days_ranking=3)
    ids = [str(only_match.id), str(days_too.id)]
    for confidence, codes in (
        (100, ["needs_confirmation", "needs_confirmation"]),
        (67, ["needs_confirmation", "needs_confirmation"]),
        (66, ["ok", "needs_confirmation"]),
    ):
        body = {"ids": ids, "min_confidence": confidence}
        data = await manager.ok("POST", "/refunds/batch-approve", json=body)
        assert [line["code"] for line in data["results"]] == codes
    bad = {"ids": ids, "min_confidence": 101}
    assert await manager.bad_fields("POST", "/refunds/batch-approve", json=bad) == {"min_confidence"}


@pytest.mark.parametrize("path", ["batch-approve", "batch-reject"])
async def test_expectations_must_equal_what_would_be_done(db: Database, manager: Desk, path: str) -> None:
    rows = await waiting(db, 2)
    body: dict[str, Any] = {"ids": [str(row.id) for row in rows], "reason": "其他"}
    for wrong in ({"expected_count": 3}, {"expected_sum_fen": 19801}, {"expected_count": 2, "expected_sum_fen": 1}):
        data = await manager.refused(409, "expectation_mismatch", "POST", f"/refunds/{path}", json=body | wrong)
        assert data == {"count": 2, "sum_fen": 19800}
    assert {(await now_of(db, row)).status for row in rows} == {S.PENDING_REVIEW}
    data = await manager.ok("POST", f"/refunds/{path}", json=body | {"expected_count": 2, "expected_sum_fen": 19800})
    assert (data["done"], data["skipped"]) == (2, 0)


async def test_a_large_sum_needs_the_password(db: Database, manager: Desk, runtime: Runtime) -> None:
    rows = await waiting(db, 3)
    runtime.settings.refund.password_threshold_fen = 2 * 9900
    ids = [str(row.id) for row in rows]
    await manager.refused(403, "password_required", "POST", "/refunds/batch-approve", json={"ids": ids})
    wrong = {"ids": ids, "password": "not-my-password-1"}
    await manager.refused(403, "password_wrong", "POST", "/refunds/batch-approve", json=wrong)
    assert {(await now_of(db, row)).status for row in rows} == {S.PENDING_REVIEW}
    # The threshold itself needs none.
    assert (await manager.ok("POST", "/refunds/batch-approve", json={"ids": ids[:2]}))["done"] == 2
    [more, another] = await waiting(db, 2)
    ids = [ids[2], str(more.id), str(another.id)]
    body = {"ids": ids, "password": factories.PASSWORD}
    assert (await manager.ok("POST", "/refunds/batch-approve", json=body))["done"] == 3


def test_the_threshold_is_ten_thousand_yuan(world: World) -> None:
    assert world.settings.refund.password_threshold_fen == 10_000 * 100


async def test_a_batch_rejection(db: Database, manager: Desk) -> None:
    rows = await waiting(db, 2)
    for row in rows:
        await recount(db, row, **SHORT)
    ids = [str(row.id) for row in rows]
    assert await manager.bad_fields("POST", "/refunds/batch-reject", json={"ids": ids}) == {"reason"}
    assert await manager.bad_fields("POST", "/refunds/batch-reject", json={"ids": [], "reason": "x"}) == {"ids"}
    data = await manager.ok("POST", "/refunds/batch-reject", json={"ids": ids, "reason": "打卡未达标"})
    assert data["done"] == 2
    assert {(await now_of(db, row)).reject_reason for row in rows} == {"打卡未达标"}


@pytest.mark.slow
async def test_five_hundred_approvals_send_nothing_themselves(
    db: Database, manager: Desk, world: World, queue: RecordingQueue
) -> None:
    """B15: the answer doesn't wait for the provider; the sender keeps its own pace."""
    rows = await waiting(db, 500)
    queue.jobs.clear()
    body = {"ids": [str(row.id) for row in rows], "password": factories.PASSWORD, "expected_count": 500}
    data = await manager.ok("POST", "/refunds/batch-approve", json=body)
    assert data["done"] == 500
    assert world.sandbox.wechat_pay.refunds.by_number == {}
    assert [job.name for job in queue.jobs] == ["refunds.send"]
    async with db.transaction() as session:
        actions = list(await session.scalars(select(AuditEntry.action)))
    assert actions.count("refund.approve") == 500


# Extra refunds and repair.


async def test_an_extra_refund(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        camp = await ended_camp(session)
        member = await enrolled(session, camp)
        unpaid = await factories.make_payment(session, camp)
    body = {"payment_id": str(member.payment_id), "amount_fen": 5000, "kind": "exception", "reason": "差一天，特批"}
    row = await manager.ok("POST", "/refunds", json=body)
    assert (row["status"], row["kind"], row["amount_fen"], row["verdict"]) == (
        "pending_review",
        "exception",
        5000,
        None,
    )
    assert (row["member_id"], row["reason"]) == (str(member.id), "差一天，特批")
    await manager.refused(409, "refund_in_flight", "POST", "/refunds", json=body)
    await manager.ok("POST", f"/refunds/{row['id']}/reject", json={"reason": "其他"})
    await manager.refused(409, "refund_exceeds_paid", "POST", "/refunds", json=body | {"amount_fen": 9901})
    await manager.refused(409, "payment_not_refundable", "POST", "/refunds", json=body | {"payment_id": str(unpaid.id)})
    await manager.refused(404, "not_found", "POST", "/refunds", json=body | {"payment_id": NOBODY})
    for field, value in (("amount_fen", 0), ("kind", "camp"), ("reason", ""), ("amount_fen", 1.5)):
        assert await manager.bad_fields("POST", "/refunds", json=body | {field: value}) == {field}


async def test_a_retry_and_its_end(db: Database, manager: Desk, queue: RecordingQueue, runtime: Runtime) -> None:
    runtime.settings.refund.manual_attempts = 1
    async with db.transaction() as session:
        refund = await refund_in(session, S.FAILED)
        other = await refund_in(session, S.SUCCEEDED)
    row = await manager.ok("POST", f"/refunds/{refund.id}/retry")
    assert (row["status"], row["manual_retries"], row["failure"]) == ("approved", 1, None)
    assert "refunds.send" in [job.name for job in queue.jobs]
    async with db.transaction() as session:
        (await session.get_one(Refund, refund.id)).status = S.FAILED
    await manager.refused(409, "retry_exhausted", "POST", f"/refunds/{refund.id}/retry")
    await manager.refused(409, "refund_not_failed", "POST", f"/refunds/{other.id}/retry")


async def test_retrying_a_closed_one_answers_with_its_successor(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        closed = await refund_in(session, S.CLOSED)
    row = await manager.ok("POST", f"/refunds/{closed.id}/retry")
    assert (row["status"], row["replaces_id"]) == ("pending_review", str(closed.id))
    assert row["out_refund_no"] != closed.out_refund_no
    others = (await manager.ok("GET", f"/refunds/{row['id']}"))["others"]
    assert [other["id"] for other in others] == [str(closed.id)]


async def test_the_provider_is_asked_now(runtime: Runtime, world: World, time: Time, manager: Desk) -> None:
    [refund] = await approved(runtime, world)
    path = f"/refunds/{refund.id}/refresh"
    world.sandbox.wechat_pay.faults.set("lose_request", on="query_refund")
    # Not sent: there is nothing to ask about.
    assert (await manager.ok("POST", path))["status"] == "approved"
    await flows.send(runtime, {})
    await manager.refused(502, "provider_unavailable", "POST", path)
    assert (await manager.ok("POST", path))["status"] == "processing"
    time.advance(5)
    assert (await manager.ok("POST", path))["status"] == "succeeded"
    await manager.refused(404, "not_found", "POST", f"/refunds/{NOBODY}/refresh")


async def test_settling_offline(runtime: Runtime, world: World, time: Time, manager: Desk) -> None:
    [refund] = await approved(runtime, world)
    world.sandbox.wechat_pay.faults.set("refund_abnormal", on="create_refund")
    await flows.send(runtime, {})
    await manager.refused(
        409, "refund_not_failed", "POST", f"/refunds/{refund.id}/settle-offline", json={"note": "转账"}
    )
    time.advance(61)
    await flows.refund_sweep(runtime)
    assert (await now_of(runtime.db, refund)).failure_code == "provider_abnormal"
    path = f"/refunds/{refund.id}/settle-offline"
    assert await manager.bad_fields("POST", path, json={}) == {"note"}
    await manager.refused(404, "not_found", "POST", f"/refunds/{NOBODY}/settle-offline", json={"note": "转账"})

    # While the provider doesn't answer nobody knows whether it still pays.
    world.sandbox.wechat_pay.faults.set("lose_request", on="query_refund")
    await manager.refused(502, "provider_unavailable", "POST", path, json={"note": "转账"})

    row = await manager.ok("POST", path, json={"note": "银行转账 20260301-01"})
    assert (row["status"], row["settled_offline"], row["offline_note"]) == ("succeeded", True, "银行转账 20260301-01")


async def test_no_settling_offline_of_what_the_provider_paid_after_all(
    runtime: Runtime, world: World, time: Time, manager: Desk
) -> None:
    [refund] = await approved(runtime, world)
    world.sandbox.wechat_pay.faults.set("lose_reply", on="create_refund")
    runtime.settings.refund.auto_attempts = 1
    await flows.send(runtime, {})
    assert (await now_of(runtime.db, refund)).status is S.FAILED
    time.advance(5)
    path = f"/refunds/{refund.id}/settle-offline"
    await manager.refused(409, "refund_not_failed", "POST", path, json={"note": "转账"})
    row = await now_of(runtime.db, refund)
    assert (row.status, row.settled_offline) == (S.SUCCEEDED, False)


async def test_every_act_is_in_the_audit_log(db: Database, manager: Desk, runtime: Runtime, world: World) -> None:
    [one, two] = await pending(runtime, world, 2)
    await manager.ok("POST", f"/refunds/{one.id}/approve")
    await manager.ok("POST", f"/refunds/{two.id}/reject", json={"reason": "其他"})
    await manager.ok("POST", f"/refunds/{two.id}/reopen", json={"reason": "其他"})
    async with db.transaction() as session:
        entries = list(await session.scalars(select(AuditEntry).order_by(AuditEntry.created_at)))
    assert [(entry.action, entry.actor_id) for entry in entries] == [
        (action, manager.staff.id) for action in ("refund.approve", "refund.reject", "refund.reopen")
    ]
    assert {entry.camp_id for entry in entries} == {one.camp_id, two.camp_id}
    assert entries[0].ip == "203.0.113.9"
