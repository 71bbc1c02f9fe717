"""What members see of themselves, and that nobody else does (B9)."""

import httpx

from backend.core import clock
from backend.core.ids import new_id
from backend.models.members import Member
from backend.models.refunds import RefundStatus
from tests.api.h5.phone import Phone, phone_of
from tests.community.checkins.stage import Stage
from tests.factories import make_refund, make_staff


async def enrolled(stage: Stage, phone: Phone, user_id: str | None = None) -> Member:
    return await stage.member(user_id, payer=phone.payer)


async def test_progress_is_as_promised(stage: Stage, phone: Phone) -> None:
    lin = stage.person("小林")
    member = await enrolled(stage, phone, lin)
    stage.posts(lin, 1, 2, 4)
    stage.time.set("2026-03-05 01:00")
    await stage.sync()
    stage.time.set("2026-03-05 12:00")
    progress = await phone.ok(f"/progress/{member.id}")
    paid_at = progress.pop("paid_at")
    assert paid_at.startswith("2026-03-01T10:00")
    assert progress.pop("last_complete_sync_at").startswith("2026-03-05T01:00")
    assert "".join(day["state"][0] for day in progress.pop("calendar")) == "ccmctfffff"
    assert "3 天" in progress.pop("amount_line")
    assert progress.pop("rule")["short"] == "10 天累计打卡满 7 天，全额退还"
    posts = progress.pop("posts")
    assert [(post["day"], post["excerpt"]) for post in posts] == [
        ("2026-03-04", "打卡 03-04"),
        ("2026-03-02", "打卡 03-02"),
        ("2026-03-01", "打卡 03-01"),
    ]
    assert posts[0]["posted_at"].startswith("2026-03-04T09:00")
    assert progress == {
        "member_id": str(member.id),
        "payment_id": str(member.payment_id),
        "joined": False,
        "paid_fen": 9900,
        "planet_nickname": member.planet_nickname,
        "planet_number_masked": "*",
        "planet_user_name": "小林",
        "today": "2026-03-05",
        "camp": {
            "id": str(stage.camp.id),
            "name": stage.camp.name,
            "status": "ongoing",
            "deposit_fen": 9900,
            "starts_on": "2026-03-01",
            "ends_on": "2026-03-10",
        },
        "days": 3,
        "required_days": 7,
        "total_days": 10,
        "days_left": 6,
        "reachable": True,
        "standing": "in_progress",
        "verdict": None,
        "entitled_fen": 0,
        "now_fen": 0,
        "next_days": 4,
        "next_fen": 9900,
        "most_fen": 9900,
        "deposit_fen": 9900,
        "match_status": "matched",
        "confidence": 100,
        "correct_until": None,
        "refund": None,
        "refund_promise": "结束后 7 天内完成审核，审核通过后 1–3 个工作日退回原支付账户",
    }


async def test_today_is_not_lost_before_it_is_over(stage: Stage, phone: Phone) -> None:
    """Four more are needed and four days are left, the present one among them."""
    lin = stage.person("小林")
    member = await enrolled(stage, phone, lin)
    stage.posts(lin, 1, 2, 3)
    stage.time.set("2026-03-07 01:00")
    await stage.sync()
    stage.time.set("2026-03-07 23:59")
    progress = await phone.ok(f"/progress/{member.id}")
    assert (progress["days_left"], progress["reachable"]) == (4, True)
    # Nothing says that the 7th was missed until a sync has seen the whole of it.
    stage.time.set("2026-03-08 01:00")
    progress = await phone.ok(f"/progress/{member.id}")
    assert (progress["days_left"], progress["reachable"], progress["standing"]) == (3, True, "in_progress")
    await stage.sync()
    progress = await phone.ok(f"/progress/{member.id}")
    assert (progress["days_left"], progress["reachable"], progress["standing"]) == (3, False, "out_of_reach")
    assert progress["verdict"] is None


async def test_a_day_checked_today_is_earned_and_not_left(stage: Stage, phone: Phone) -> None:
    lin = stage.person("小林")
    member = await enrolled(stage, phone, lin)
    stage.posts(lin, 4)
    stage.time.set("2026-03-04 10:00")
    await stage.sync()
    progress = await phone.ok(f"/progress/{member.id}")
    assert (progress["days"], progress["days_left"]) == (1, 6)
    assert progress["calendar"][3] == {"day": "2026-03-04", "state": "checked"}


async def test_after_the_end_the_verdict_stands(stage: Stage, phone: Phone) -> None:
    lin = stage.person("小林")
    member = await enrolled(stage, phone, lin)
    stage.posts(lin, *range(4, 11))
    stage.time.set("2026-03-11 01:00")
    await stage.sync()
    progress = await phone.ok(f"/progress/{member.id}")
    assert (progress["days"], progress["days_left"], progress["reachable"]) == (7, 0, True)
    assert progress["verdict"] == "eligible"


async def test_a_suggested_person_s_posts_are_not_shown(stage: Stage, phone: Phone) -> None:
    stage.posts(stage.person("微光"), 1)
    member = await stage.member(payer=phone.payer, planet_number="4444", wechat_nickname="微光")
    stage.time.set("2026-03-02 01:00")
    await stage.sync()
    progress = await phone.ok(f"/progress/{member.id}")
    assert (progress["match_status"], progress["days"], progress["posts"]) == ("suggested", 0, [])
    assert not {day["state"] for day in progress["calendar"]} & {"checked", "missed"}
    assert (progress["planet_user_name"], progress["confidence"]) == (None, 33)


async def test_before_the_first_sync_nothing_is_missed(stage: Stage, phone: Phone) -> None:
    member = await enrolled(stage, phone)
    stage.time.set("2026-03-04 12:00")
    progress = await phone.ok(f"/progress/{member.id}")
    assert progress["last_complete_sync_at"] is None
    assert "".join(day["state"][0] for day in progress["calendar"]) == "ffftffffff"


async def test_the_newest_refund_is_shown_with_what_the_member_may_know(stage: Stage, phone: Phone) -> None:
    member, at = await enrolled(stage, phone), clock.now()
    async with stage.runtime.db.transaction() as session:
        staff = await make_staff(session, display_name="李老师")
        refund = await make_refund(
            session, member, status=RefundStatus.FAILED, reviewed_at=at, reviewer_id=staff.id,
            review_note="内部备注", failure_code="provider_balance", failure_message="商户余额不足",
        )  # fmt: skip
    answer = await phone.get(f"/progress/{member.id}")
    assert answer.json()["data"]["refund"] == {
        "id": str(refund.id),
        "kind": "camp",
        "status": "failed",
        "amount_fen": 9900,
        "created_at": clock.shanghai(refund.created_at).isoformat(),
        "reviewed_at": clock.shanghai(at).isoformat(),
        "succeeded_at": None,
        "reject_reason": None,
        "settled_offline": False,
    }
    for path in ("/me", "/refunds"):
        answer_too = await phone.get(path)
        for secret in ("李老师", "内部备注", "provider_balance", "商户余额不足", refund.out_refund_no):
            assert secret not in answer.text + answer_too.text


async def test_somebody_else_s_progress_is_not_found(stage: Stage, phone: Phone, stranger: Phone, guest: Phone) -> None:
    member = await enrolled(stage, phone)
    for other in (stranger, guest):
        response = await other.get(f"/progress/{member.id}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    for wrong in ("1", "nonsense", str(new_id())):
        assert (await phone.get(f"/progress/{wrong}")).status_code == 404


async def test_a_guest_never_owns_what_has_no_openid(stage: Stage, client: httpx.AsyncClient) -> None:
    guest = await phone_of(stage, client)
    other = await phone_of(stage, client)
    member = await stage.member(payer=other.payer, openid=None)
    assert (await guest.get(f"/progress/{member.id}")).status_code == 404
    assert (await other.ok(f"/progress/{member.id}"))["member_id"] == str(member.id)


async def test_a_later_wechat_log_in_finds_what_a_guest_paid(stage: Stage, client: httpx.AsyncClient) -> None:
    guest = await phone_of(stage, client)
    member = await stage.member(payer=guest.payer, openid="o-lin")
    phone = await phone_of(stage, client, openid="o-lin")
    assert (await phone.ok(f"/progress/{member.id}"))["member_id"] == str(member.id)
    assert [each["member_id"] for each in (await phone.ok("/me"))["memberships"]] == [str(member.id)]
