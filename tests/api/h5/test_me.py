"""我的: memberships, orders to carry on with, the last form, and new messages."""

import datetime as dt

import httpx

from backend.core import clock
from backend.models.payments import PaymentStatus
from backend.models.refunds import RefundStatus
from tests.api.h5.phone import Phone, phone_of
from tests.community.checkins.stage import Stage
from tests.factories import make_camp, make_member, make_payment, make_refund


async def test_me_lists_memberships_and_open_orders(stage: Stage, phone: Phone) -> None:
    member = await stage.member(payer=phone.payer, planet_number="123456789", planet_nickname="早起的鸟")
    async with stage.runtime.db.transaction() as session:
        order = await make_payment(session, stage.camp, phone.payer)
    me = await phone.ok("/me")
    camp = {
        "id": str(stage.camp.id),
        "name": stage.camp.name,
        "status": "ongoing",
        "deposit_fen": 9900,
        "starts_on": "2026-03-01",
        "ends_on": "2026-03-10",
    }
    assert (me["payer"], me["unread"]) == ({"wechat": True}, 0)
    assert me["memberships"] == [
        {
            "member_id": str(member.id),
            "payment_id": str(member.payment_id),
            "camp": camp,
            "joined": False,
            "paid_fen": 9900,
            "paid_at": clock.shanghai(member.paid_at).isoformat(),
            "planet_nickname": "早起的鸟",
            "planet_number_masked": "123***789",
            "days": 0,
            "required_days": 7,
            "standing": "in_progress",
            "verdict": None,
            "entitled_fen": 0,
            "match_status": "unmatched",
            "correct_until": clock.shanghai(member.paid_at + dt.timedelta(days=7)).isoformat(),
            "refund": None,
        }
    ]
    (shown,) = me["orders"]
    assert (shown["payment_id"], shown["camp"], shown["status"]) == (str(order.id), camp, "pending")
    assert 1790 <= shown["seconds_left"] < 1800
    stage.time.advance(31 * 60)
    assert (await phone.ok("/me"))["orders"] == []


async def test_the_newest_refund_of_each_membership_is_shown(stage: Stage, phone: Phone) -> None:
    member = await stage.member(payer=phone.payer)
    async with stage.runtime.db.transaction() as session:
        other = await make_member(session, await make_camp(session), phone.payer)
        await make_refund(session, member, status=RefundStatus.CLOSED, reviewed_at=clock.now())
        await make_refund(session, member, status=RefundStatus.REJECTED, reject_reason="打卡未达标")
    shown = {each["member_id"]: each["refund"] for each in (await phone.ok("/me"))["memberships"]}
    assert shown[str(other.id)] is None
    assert (shown[str(member.id)]["status"], shown[str(member.id)]["reject_reason"]) == ("rejected", "打卡未达标")


async def test_a_new_guest_has_nothing(guest: Phone) -> None:
    assert await guest.ok("/me") == {
        "payer": {"wechat": False},
        "unread": 0,
        "form": None,
        "memberships": [],
        "orders": [],
    }


async def test_the_form_is_what_was_typed_last(stage: Stage, phone: Phone, client: httpx.AsyncClient) -> None:
    guest = await phone_of(stage, client)
    typed = {"planet_nickname": "早起的鸟", "planet_number": "1024", "wechat_nickname": "小鸟"}
    async with stage.runtime.db.transaction() as session:
        await make_payment(session, stage.camp, phone.payer, planet_nickname="更早", status=PaymentStatus.CLOSED)
    stage.time.advance(60)
    async with stage.runtime.db.transaction() as session:
        await make_payment(session, await make_camp(session), guest.payer, paid=True, openid="o-lin", **typed)
    assert (await phone.ok("/me"))["form"] == typed
    assert (await guest.ok("/me"))["form"] == typed
    assert (await (await phone_of(stage, client, openid="o-other")).ok("/me"))["form"] is None


async def test_a_correction_is_what_was_typed_last(stage: Stage, phone: Phone) -> None:
    member = await stage.member(payer=phone.payer, planet_number="123")
    body = {"planet_nickname": "早起的鸟", "planet_number": "1024"}
    await phone.ok(f"/members/{member.id}/planet", "PUT", json=body)
    assert (await phone.ok("/me"))["form"] == body | {"wechat_nickname": member.wechat_nickname}


async def test_a_friend_who_paid_sees_nothing_of_it(stage: Stage, phone: Phone, stranger: Phone) -> None:
    """The order of somebody who is logged in stays that person's, whoever's account it was paid with."""
    async with stage.runtime.db.transaction() as session:
        payment = await make_payment(session, stage.camp, phone.payer, paid=True, openid="o-other")
        member = await make_member(session, stage.camp, phone.payer, payment=payment, openid="o-lin")
        await make_refund(session, member)
    for path, empty in (("/me", []), ("/refunds", 0)):
        theirs, mine = await stranger.ok(path), await phone.ok(path)
        assert theirs.get("memberships", theirs.get("total")) == empty
        assert mine.get("memberships", mine.get("total")) != empty
    assert (await stranger.ok("/me"))["form"] is None


async def test_nothing_without_a_log_in(stage: Stage, phone: Phone) -> None:
    member = await stage.member(payer=phone.payer)
    mine = ("/me", "/refunds", "/messages", f"/progress/{member.id}", f"/members/{member.id}/planet")
    calls = [("GET", path) for path in mine] + [("POST", "/messages/read"), ("PUT", f"/members/{member.id}/planet")]
    for method, path in calls:
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            response = await phone.client.request(method, f"/api/h5{path}", headers=headers)
            assert (response.status_code, response.json()["code"]) == (401, "unauthenticated"), (method, path)
