"""Second part of the demo: check-ins, end of the camp, review, refunds and archiving."""

import datetime as dt
from collections import Counter

from backend.core import clock
from backend.core.money import format_yuan
from backend.demo.clients import Json, Refused
from backend.demo.opening import TOTAL_DAYS, expire_order
from backend.demo.people import How
from backend.demo.processes import DemoError
from backend.demo.stage import Stage


async def days_go_by(stage: Stage) -> None:
    """Run the nightly jobs for each day: camp states and check-in sync. 知识星球 answers 1059 in one night."""
    stage.act("Seven days and nights")
    await expire_order(stage)
    for number in range(1, TOTAL_DAYS + 1):
        morning = stage.first_day + dt.timedelta(days=number - 1)
        await stage.go_to(morning, "00:05")
        await stage.admin.run_job("camp_states")
        if number == 3:
            await stage.sandbox.post("zsxq", "faults", {"name": "busy_1059", "path": "ranking_list", "times": 4})
        await stage.go_to(morning, "01:00")
        summary = await stage.admin.run_job("checkin_sync")
        mood = "; a burst of 1059 was sat out" if number == 3 else ""
        camp = await stage.admin.get(f"/camps/{stage.camp_id}")
        stage.tell(f"night to day {number}: camp {camp['status']}, {summary.get('complete', 0)} syncs complete{mood}")
        await stage.go_to(morning, "10:00")
        await stage.admin.run_job("reminders")
        if number in (1, 2):
            await stage.go_to(morning, "10:30")
            found = await stage.admin.run_job("reconcile")
            stage.tell(f"yesterday's bills compared with our books: {found}")


async def camp_ends(stage: Stage) -> None:
    """The final sync fails on its third page. No refund list is made from partial data."""
    stage.act("The camp ends")
    night = stage.last_day + dt.timedelta(days=1)
    await stage.go_to(night, "00:05")
    await stage.admin.run_job("camp_states")
    broken = {"name": "http_5xx", "path": f"{stage.checkin_id}/ranking_list", "page": 3, "times": None}
    await stage.sandbox.post("zsxq", "faults", broken)
    await stage.go_to(night, "01:00")
    await stage.admin.run_job("checkin_sync")
    run = (await stage.admin.get("/sync-runs", camp_id=stage.camp_id, page_size=1))["items"][0]
    stage.tell(
        f"the third ranking page fails: sync {run['status']} ({run['people_seen']} of {run['people_expected']} people)"
    )
    try:
        await stage.admin.post(f"/camps/{stage.camp_id}/refunds")
        raise DemoError("a refund list was made from a partial sync")
    except Refused as refused:
        stage.tell(f"no refund list from that: {refused.code}, {refused.message}")
    await stage.sandbox.clear_faults("zsxq")
    await stage.go_to(night, "01:30")
    await _sync_by_hand(stage)
    hero = await stage.person("23:58 on the last day")
    await stage.go_to(night, "02:00")
    summary = await stage.admin.run_job("refund_lists")
    stage.tell(f"refund list made: {summary}")
    row = next(row for row in await stage.members() if row["planet_user"] and row["planet_user"]["id"] == hero.user_id)
    stage.tell(f"{hero.name}, who posted at 23:58 on the last day: {row['days']} days, {row['verdict']}")


async def _sync_by_hand(stage: Stage) -> None:
    started = await stage.admin.post(f"/camps/{stage.camp_id}/sync")
    run: Json = {}

    async def over() -> bool:
        run.update(await stage.admin.get(f"/sync-runs/{started['sync_run_id']}"))
        return bool(run["status"] != "running")

    await stage.until("the sync by hand", over)
    stage.tell(f"sync by hand: {run['status']}, {run['pages_done']} pages, {run['people_seen']} people")


async def review(stage: Stage) -> None:
    """Staff resolve the uncertain matches, then review the refund list."""
    stage.act("Review")
    await stage.go_to(stage.last_day + dt.timedelta(days=1), "10:00")
    await stage.admin.run_job("reminders")
    await _match_by_hand(stage)
    members = await stage.members()
    stage.books["members"] = members
    methods = Counter(row["match_method"] or "none" for row in members)
    stage.tell("matched: " + ", ".join(f"{method} {count}" for method, count in sorted(methods.items())))
    again = await stage.admin.post(f"/camps/{stage.camp_id}/refunds")
    stage.tell(f"the list again, with the matches made by hand: {again}")
    await _reject_one(stage)
    await _batch(stage)
    await _one_by_one(stage)


async def _match_by_hand(stage: Stage) -> None:
    by_payment = {person.payment_id: person for person in stage.cast}
    done: Counter[str] = Counter()
    for row in await stage.members():
        person = by_payment.get(row["payment_id"])
        if row["match_status"] == "matched" or person is None:
            continue
        if person.how is How.STRANGER:
            await stage.admin.post(f"/members/{row['id']}/close-match", {"reason": "星球中查无此人"})
            done["closed"] += 1
        else:
            body = {"planet_user_id": person.user_id, "reason": "已与会员核对"}
            await stage.admin.post(f"/members/{row['id']}/match", body)
            done[row["match_status"]] += 1
    stage.tell(f"by hand: {dict(done)}")


async def _reject_one(stage: Stage) -> None:
    person = await stage.person("rejected by the reviewer")
    row = next(row for row in await stage.refunds(kind="camp") if row["payment_id"] == person.payment_id)
    await stage.admin.post(f"/refunds/{row['id']}/reject", {"reason": "存在刷卡"})
    stage.tell(f"{person.name}: rejected with a reason")


async def _batch(stage: Stage) -> None:
    """The sum is above the threshold, so the API requires the password. Count and sum must match the server's."""
    rows = await stage.refunds(kind="camp", status="pending_review")
    sure = [row for row in rows if row["verdict"] == "eligible"]
    total = sum(row["amount_fen"] for row in sure)
    body = {"ids": [row["id"] for row in rows], "expected_count": len(sure), "expected_sum_fen": total}
    try:
        await stage.admin.post("/refunds/batch-approve", body)
        raise DemoError("a large batch passed without the password")
    except Refused as refused:
        stage.tell(f"{len(sure)} rows, {format_yuan(total)} yuan: {refused.code}")
    await stage.sandbox.post(
        "wechat-pay", "faults", {"name": "refuse", "on": "create_refund", "value": 403, "code": "NOT_ENOUGH"}
    )
    result = await stage.admin.post("/refunds/batch-approve", body | {"password": stage.books["password"]})
    stage.tell(f"batch approved: {result['done']} done, {result['skipped']} skipped (they need confirmation)")


async def _one_by_one(stage: Stage) -> None:
    nickname = [row["id"] for row in await stage.refunds(status="pending_review") if row["confidence"] == 66]
    result = await stage.admin.post("/refunds/batch-approve", {"ids": nickname, "min_confidence": 66})
    stage.tell(f"matches at 66, looked through by a person: {result['done']} approved, {result['skipped']} skipped")
    counts: Counter[str] = Counter()
    for row in await stage.refunds(status="pending_review"):
        if row["kind"] == "duplicate":
            await stage.admin.post(f"/refunds/{row['id']}/approve", {"note": "重复支付，退还"})
            counts["duplicate approved"] += 1
        elif "enough_days" in [reason["code"] for reason in row["verdict_reasons"]]:
            await stage.admin.post(f"/refunds/{row['id']}/approve", {"note": "已核对打卡日历"})
            counts["approved after a look"] += 1
        else:
            await stage.admin.post(f"/refunds/{row['id']}/reject", {"reason": "打卡未达标"})
            counts["rejected after a look"] += 1
    stage.tell(f"one by one: {dict(counts)}")


async def money_goes_back(stage: Stage) -> None:
    """One refund fails for lack of balance. Sending pauses until an operator resumes it and retries that refund."""
    stage.act("The money goes back")

    async def held() -> bool:
        return bool((await stage.admin.get("/refunds/summary"))["hold"])

    await stage.until("the hold", held)
    failed = await stage.refunds(status="failed")
    stage.tell(
        f"balance too low: {len(failed)} refund failed ({failed[0]['failure']['code']}), sending is paused for all"
    )
    stage.tell("the operator tops up, resumes, and retries that one with the same number")
    await stage.admin.post("/refunds/resume")
    await stage.admin.post(f"/refunds/{failed[0]['id']}/retry")

    async def settled() -> bool:
        rows = await stage.refunds()
        return all(row["status"] in ("succeeded", "rejected") for row in rows)

    await stage.until("the refunds", settled, seconds=90)
    rows = await stage.refunds(status="succeeded")
    stage.tell(
        f"{len(rows)} refunds confirmed by the provider, {format_yuan(sum(row['amount_fen'] for row in rows))} yuan"
    )


async def archive(stage: Stage) -> None:
    """Archive the camp, which forfeits the remaining deposits. Then reconcile the bills again."""
    stage.act("Archive and reconcile")
    await stage.admin.post(f"/camps/{stage.camp_id}/archive")
    await stage.go_to(stage.last_day + dt.timedelta(days=2), "10:30")
    found = await stage.admin.run_job("reconcile")
    stage.tell(f"bills compared with our books: {found}")
    cases = await stage.admin.all("/reconciliation-cases", status="open")
    stage.books["cases"] = cases
    stage.tell(
        f"{len(cases)} open reconciliation case(s)" + "".join(f"; {case['kind']}: {case['summary']}" for case in cases)
    )
    stage.tell(f"the clock stands at {clock.shanghai(clock.now()):%Y-%m-%d %H:%M}")
