"""What members see of themselves, and that nobody else does (B9)."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from backend.core.ids import new_id
from backend.models.members import Member
from backend.models.payers import Payer
from backend.models.refunds import RefundStatus
from backend.payers import service as payers
from backend.runtime import Runtime
from tests.checkins.stage import Stage, make_stage
from tests.conftest import Time
from tests.factories import make_payer, make_payment, make_refund
from tests.world import World


@dataclass
class Phone:
    """A person in front of the member's app."""

    client: httpx.AsyncClient
    payer: Payer
    token: str

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(f"/api/h5{path}", headers={"Authorization": f"Bearer {self.token}"})

    async def ok(self, path: str) -> Any:
        response = await self.get(path)
        assert response.status_code == 200, response.text
        return response.json()["data"]


@pytest.fixture
async def stage(runtime: Runtime, world: World, time: Time) -> Stage:
    return await make_stage(runtime, world, time)


async def phone_of(stage: Stage, client: httpx.AsyncClient, payer: Payer | None = None, **fields: Any) -> Phone:
    if payer is None:
        async with stage.runtime.db.transaction() as session:
            payer = await make_payer(session, **fields)
    secret = stage.runtime.settings.secret_key.get_secret_value()
    return Phone(client, payer, payers.token_for(payer, secret=secret, days=60))


@pytest.fixture
async def phone(stage: Stage, client: httpx.AsyncClient) -> Phone:
    return await phone_of(stage, client, openid="o-lin")


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
    assert progress.pop("last_complete_sync_at").startswith("2026-03-05T01:00")
    assert "".join(day["state"][0] for day in progress.pop("calendar")) == "ccmctfffff"
    posts = progress.pop("posts")
    assert [(post["day"], post["excerpt"]) for post in posts] == [
        ("2026-03-04", "打卡 03-04"),
        ("2026-03-02", "打卡 03-02"),
        ("2026-03-01", "打卡 03-01"),
    ]
    assert posts[0]["posted_at"].startswith("2026-03-04T09:00")
    assert progress == {
        "member_id": str(member.id),
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
        "verdict": "not_eligible",
        "match_status": "matched",
        "refund": None,
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
    stage.time.set("2026-03-08 01:00")
    progress = await phone.ok(f"/progress/{member.id}")
    assert (progress["days_left"], progress["reachable"]) == (3, False)


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


async def test_before_the_first_sync_nothing_is_missed(stage: Stage, phone: Phone) -> None:
    member = await enrolled(stage, phone)
    stage.time.set("2026-03-04 12:00")
    progress = await phone.ok(f"/progress/{member.id}")
    assert progress["last_complete_sync_at"] is None
    assert "".join(day["state"][0] for day in progress["calendar"]) == "ffftffffff"


async def test_the_newest_refund_is_shown(stage: Stage, phone: Phone) -> None:
    member = await enrolled(stage, phone)
    async with stage.runtime.db.transaction() as session:
        await make_refund(session, member, status=RefundStatus.REJECTED, reject_reason="打卡未达标")
    shown = {"status": "rejected", "amount_fen": 9900, "succeeded_at": None, "reject_reason": "打卡未达标"}
    assert (await phone.ok(f"/progress/{member.id}"))["refund"] == shown
    assert (await phone.ok("/me"))["memberships"][0]["refund"] == shown


async def test_somebody_else_s_progress_is_not_found(stage: Stage, phone: Phone, client: httpx.AsyncClient) -> None:
    member = await enrolled(stage, phone)
    for stranger in (await phone_of(stage, client, openid="o-other"), await phone_of(stage, client)):
        response = await stranger.get(f"/progress/{member.id}")
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


async def test_me_lists_memberships_and_open_orders(stage: Stage, phone: Phone) -> None:
    member = await enrolled(stage, phone)
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
    assert me["payer"] == {"wechat": True}
    assert me["memberships"] == [
        {
            "member_id": str(member.id),
            "payment_id": str(member.payment_id),
            "camp": camp,
            "days": 0,
            "required_days": 7,
            "verdict": "needs_confirmation",
            "match_status": "unmatched",
            "refund": None,
        }
    ]
    (shown,) = me["orders"]
    assert (shown["payment_id"], shown["camp"], shown["status"]) == (str(order.id), camp, "pending")
    stage.time.advance(31 * 60)
    assert (await phone.ok("/me"))["orders"] == []


async def test_a_guest_is_no_wechat_user(stage: Stage, client: httpx.AsyncClient) -> None:
    guest = await phone_of(stage, client)
    assert await guest.ok("/me") == {"payer": {"wechat": False}, "memberships": [], "orders": []}


async def test_nothing_without_a_log_in(stage: Stage, phone: Phone) -> None:
    member = await enrolled(stage, phone)
    for path in ("/me", f"/progress/{member.id}"):
        assert (await phone.client.get(f"/api/h5{path}")).status_code == 401
