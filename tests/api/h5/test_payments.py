"""Ordering a place over HTTP: answers, owners, refusals."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backend.core import clock
from backend.core.ids import new_id
from backend.models.camps import Camp, CampStatus
from backend.models.members import Member
from backend.models.payments import Excess, Payment, PaymentStatus
from backend.models.uploads import Upload, UploadKind
from backend.runtime import Runtime
from tests.conftest import Time
from tests.factories import make_camp, make_member, make_payment, make_staff
from tests.money.payments.shop import FORM, Phone, minutes, new_openid, pay, phone_of
from tests.world import World


@pytest.fixture
async def camp(runtime: Runtime) -> Camp:
    """Enrolling, with a group QR code uploaded just now."""
    async with runtime.db.transaction() as session:
        staff = await make_staff(session)
        key = f"group_qr/{new_id()}.png"
        session.add(
            Upload(key=key, kind=UploadKind.GROUP_QR, content_type="image/png", size_bytes=1, uploaded_by=staff.id)
        )
        await session.flush()
        return await make_camp(session, name="七天写作营", group_qr_key=key)


@pytest.fixture
async def phone(client: httpx.AsyncClient, runtime: Runtime) -> Phone:
    """Somebody in WeChat."""
    return await phone_of(client, runtime, new_openid())


@pytest.fixture
async def guest(client: httpx.AsyncClient, runtime: Runtime) -> Phone:
    """Somebody in another browser."""
    return await phone_of(client, runtime)


async def change(runtime: Runtime, camp: Camp, **fields: Any) -> None:
    async with runtime.db.transaction() as session:
        row = await session.get_one(Camp, camp.id)
        for name, value in fields.items():
            setattr(row, name, value)


def refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


# Placing


async def test_an_order_and_what_it_answers(phone: Phone, camp: Camp, runtime: Runtime) -> None:
    data = await phone.ordered(camp.id, planet_number=" １０２４ ")
    assert set(data) == {"payment_id", "out_trade_no", "status", "amount_fen", "expires_at"}
    assert (data["status"], data["amount_fen"]) == ("pending", 9900)
    async with runtime.db.transaction() as session:
        row = (await session.scalars(select(Payment))).one()
    assert str(row.id) == data["payment_id"]
    assert data["expires_at"] == clock.shanghai(row.expires_at).isoformat()
    assert minutes(29.5) < row.expires_at - clock.now() <= minutes(30)
    assert (row.planet_nickname, row.planet_number, row.wechat_nickname) == ("早起的鸟", "1024", "小鸟")
    assert row.payer_ip == "203.0.113.9"


async def test_asking_again_keeps_the_order_and_takes_the_new_form(phone: Phone, camp: Camp, runtime: Runtime) -> None:
    first = await phone.ordered(camp.id)
    second = await phone.ordered(camp.id, planet_nickname="晚起的鸟", planet_number="7")
    assert second == first
    async with runtime.db.transaction() as session:
        row = (await session.scalars(select(Payment))).one()
    assert (row.planet_nickname, row.planet_number) == ("晚起的鸟", "7")


async def test_another_channel_is_another_order(phone: Phone, camp: Camp) -> None:
    numbers = {(await phone.ordered(camp.id, channel))["out_trade_no"] for channel in ("jsapi", "h5", "native")}
    assert len(numbers) == 3


async def test_the_same_number_from_two_people_blocks_nobody_before_paying(
    phone: Phone, guest: Phone, camp: Camp
) -> None:
    first, second = await phone.ordered(camp.id), await guest.ordered(camp.id, "native")
    assert first["payment_id"] != second["payment_id"]


async def test_nobody_orders_without_a_token(client: httpx.AsyncClient, camp: Camp) -> None:
    body = {"camp_id": str(camp.id), "channel": "jsapi"} | FORM
    assert refusal(await client.post("/api/h5/payments", json=body)) == (401, "unauthenticated")
    bad = await client.post("/api/h5/payments", json=body, headers={"Authorization": "Bearer nonsense"})
    assert refusal(bad) == (401, "unauthenticated")


async def test_a_guest_can_not_pay_inside_wechat(guest: Phone, camp: Camp) -> None:
    assert refusal(await guest.order(camp.id, "jsapi")) == (409, "wechat_login_required")
    assert (await guest.order(camp.id, "native")).status_code == 200


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ({"planet_number": "12a"}, ["planet_number"]),
        ({"planet_nickname": "  "}, ["planet_nickname"]),
        ({"wechat_nickname": "长" * 51}, ["wechat_nickname"]),
        ({"wechat_nickname": "\u0000"}, ["wechat_nickname"]),
        ({"planet_nickname": "", "planet_number": ""}, ["planet_nickname", "planet_number"]),
        ({"channel": "cash"}, ["channel"]),
        ({"planet_number": 1024}, ["planet_number"]),
        ({"planet_nickname": None}, ["planet_nickname"]),
        ({"planet_nickname": "长" * 10_000}, ["planet_nickname"]),
    ],
)
async def test_bad_input_names_the_fields(phone: Phone, camp: Camp, form: dict[str, Any], fields: list[str]) -> None:
    response = await phone.order(camp.id, **form)
    assert refusal(response) == (422, "validation_error")
    assert [problem["field"] for problem in response.json()["data"]["fields"]] == fields


async def test_a_lone_surrogate_is_bad_input(phone: Phone, camp: Camp) -> None:
    body = f'{{"camp_id": "{camp.id}", "channel": "jsapi", "planet_nickname": "\\ud800"}}'
    headers = phone.headers | {"Content-Type": "application/json"}
    response = await phone.client.post("/api/h5/payments", content=body, headers=headers)
    assert refusal(response) == (422, "validation_error")


async def test_an_unknown_or_unpublished_camp_is_not_found(phone: Phone, camp: Camp, runtime: Runtime) -> None:
    assert refusal(await phone.order(new_id())) == (404, "camp_not_found")
    assert (await phone.order("nonsense")).status_code == 404
    await change(runtime, camp, status=CampStatus.DRAFT)
    assert refusal(await phone.order(camp.id)) == (404, "camp_not_found")
    await change(runtime, camp, deleted_at=clock.now())
    assert refusal(await phone.order(camp.id)) == (404, "camp_not_found")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"enroll_opens_at": minutes(1)}, "enroll_not_open"),
        ({"enroll_closes_at": minutes(-1)}, "enroll_closed"),
        ({"status": CampStatus.ONGOING}, "enroll_closed"),
        ({"status": CampStatus.ENDED}, "enroll_closed"),
        ({"status": CampStatus.ARCHIVED}, "enroll_closed"),
    ],
)
async def test_outside_of_the_enrolment_window(
    phone: Phone, camp: Camp, runtime: Runtime, fields: dict[str, Any], code: str
) -> None:
    moved = {name: clock.now() + value if name.endswith("_at") else value for name, value in fields.items()}
    await change(runtime, camp, **moved)
    assert refusal(await phone.order(camp.id)) == (409, code)


async def test_a_full_camp_counts_members_and_open_orders(
    phone: Phone, camp: Camp, runtime: Runtime, time: Time
) -> None:
    await change(runtime, camp, capacity=2)
    async with runtime.db.transaction() as session:
        row = await session.get_one(Camp, camp.id)
        await make_member(session, row)
        order = await make_payment(session, row)
    assert refusal(await phone.order(camp.id)) == (409, "camp_full")
    async with runtime.db.transaction() as session:
        (await session.get_one(Payment, order.id)).status = PaymentStatus.CLOSED
    assert (await phone.order(camp.id)).status_code == 200


async def test_the_own_open_order_is_no_reason_to_be_full(phone: Phone, camp: Camp, runtime: Runtime) -> None:
    await change(runtime, camp, capacity=1)
    await phone.ordered(camp.id)
    assert (await phone.order(camp.id)).status_code == 200
    assert (await phone.order(camp.id, "native")).status_code == 200


async def test_who_is_enrolled_is_led_to_the_place(phone: Phone, camp: Camp, world: World, runtime: Runtime) -> None:
    data = await phone.ordered(camp.id)
    await pay(world, data["out_trade_no"])
    response = await phone.order(camp.id)
    assert refusal(response) == (409, "already_enrolled")
    async with runtime.db.transaction() as session:
        member = (await session.scalars(select(Member))).one()
    assert response.json()["data"] == {"member_id": str(member.id), "payment_id": data["payment_id"]}
    # Also when enrolling is over: the way to the QR code stays open.
    await change(runtime, camp, status=CampStatus.ONGOING)
    assert refusal(await phone.order(camp.id)) == (409, "already_enrolled")


async def test_a_guest_who_paid_is_known_after_logging_in_through_wechat(
    client: httpx.AsyncClient, guest: Phone, camp: Camp, world: World, runtime: Runtime
) -> None:
    openid = new_openid()
    data = await guest.ordered(camp.id, "native")
    await pay(world, data["out_trade_no"], openid=openid)
    later = await phone_of(client, runtime, openid)
    assert refusal(await later.order(camp.id)) == (409, "already_enrolled")
    for path in ("", "/qrcode"):
        assert (await later.get(f"/{data['payment_id']}{path}")).status_code == 200


async def test_a_provider_that_is_away_leaves_an_order_to_carry_on_with(phone: Phone, camp: Camp, world: World) -> None:
    world.sandbox.wechat_pay.faults.set("lose_request", on="create_order")
    data = await phone.ordered(camp.id)
    assert data["status"] == "pending"
    assert (await phone.get(f"/{data['payment_id']}/params")).status_code == 200


async def test_a_provider_that_refuses_is_told(phone: Phone, camp: Camp, world: World) -> None:
    world.sandbox.wechat_pay.faults.set("refuse", on="create_order", value=403, code="NO_AUTH")
    assert refusal(await phone.order(camp.id)) == (502, "provider_unavailable")


# Watching


async def test_an_order_before_and_after_paying(phone: Phone, camp: Camp, world: World, time: Time) -> None:
    placed = await phone.ordered(camp.id)
    path = f"/{placed['payment_id']}"
    before = (await phone.get(path)).json()["data"]
    assert 1790 <= before.pop("seconds_left") < 1800
    assert before == placed | {
        "camp_id": str(camp.id),
        "camp_name": "七天写作营",
        "channel": "jsapi",
        "paid_at": None,
        "member_id": None,
        "excess": None,
        "refund": None,
    }
    time.advance(5 * 60)
    assert 1490 <= (await phone.get(path)).json()["data"]["seconds_left"] < 1500
    await pay(world, placed["out_trade_no"])
    after = (await phone.get(path)).json()["data"]
    paid_at = world.sandbox.wechat_pay.orders.by_number[placed["out_trade_no"]].paid_at
    assert paid_at is not None
    assert (after["status"], after["paid_at"]) == ("paid", clock.shanghai(paid_at).isoformat())
    assert after["member_id"] is not None
    assert after["seconds_left"] == 0


async def test_an_order_past_its_life_has_no_seconds_left(phone: Phone, camp: Camp, time: Time) -> None:
    """The provider has not closed it yet, so it is still pending."""
    data = await phone.ordered(camp.id)
    time.advance(3600)
    shown = (await phone.get(f"/{data['payment_id']}")).json()["data"]
    assert (shown["status"], shown["seconds_left"]) == ("pending", 0)


@pytest.mark.parametrize("path", ["", "/params", "/qrcode"])
async def test_only_the_owner_sees_an_order(
    client: httpx.AsyncClient, phone: Phone, guest: Phone, camp: Camp, world: World, runtime: Runtime, path: str
) -> None:
    """B9."""
    data = await phone.ordered(camp.id)
    stranger = await phone_of(client, runtime, new_openid())
    for who in (stranger, guest):
        assert refusal(await who.get(f"/{data['payment_id']}{path}")) == (404, "not_found")
    await pay(world, data["out_trade_no"])
    for who in (stranger, guest):
        assert refusal(await who.get(f"/{data['payment_id']}{path}")) == (404, "not_found")
    assert refusal(await client.get(f"/api/h5/payments/{data['payment_id']}{path}")) == (401, "unauthenticated")
    for unknown in (new_id(), "nonsense"):
        assert refusal(await phone.get(f"/{unknown}{path}")) == (404, "not_found")


async def test_a_friend_who_paid_does_not_own_the_place(
    client: httpx.AsyncClient, phone: Phone, camp: Camp, world: World, runtime: Runtime
) -> None:
    """B9: the order of somebody who is logged in stays that person's."""
    friend = await phone_of(client, runtime, new_openid())
    data = await phone.ordered(camp.id, "native")
    await pay(world, data["out_trade_no"], openid=friend.payer.openid)
    assert (await phone.get(f"/{data['payment_id']}/qrcode")).status_code == 200
    assert (await friend.get(f"/{data['payment_id']}/qrcode")).status_code == 404


# Paying


async def test_who_paid_need_not_wait_for_the_notification(
    phone: Phone, guest: Phone, camp: Camp, world: World
) -> None:
    order = await phone.ordered(camp.id)
    await phone.get(f"/{order['payment_id']}/params")

    async def check(who: Phone = phone) -> httpx.Response:
        return await who.client.post(f"/api/h5/payments/{order['payment_id']}/check", headers=who.headers)

    assert (await check()).json()["data"]["status"] == "pending"
    world.sandbox.wechat_pay.faults.set("notify_drop")
    world.sandbox.wechat_pay.pay(order["out_trade_no"])
    assert refusal(await check(guest)) == (404, "not_found")
    assert (await phone.get(f"/{order['payment_id']}")).json()["data"]["status"] == "pending"
    world.sandbox.wechat_pay.faults.set("refuse", on="query_order", value=500, code="SYSTEM_ERROR", times=None)
    assert (await check()).status_code == 502
    world.sandbox.wechat_pay.faults.clear()
    for _ in range(2):  # asked twice, credited once
        found = (await check()).json()["data"]
        assert (found["status"], found["excess"]) == ("paid", None)
        assert found["member_id"]


async def test_params_inside_wechat_open_the_cashier(phone: Phone, camp: Camp, world: World, runtime: Runtime) -> None:
    data = await phone.ordered(camp.id)
    params = (await phone.get(f"/{data['payment_id']}/params")).json()["data"]
    assert set(params) == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}
    async with httpx.AsyncClient(transport=world.transport) as bridge:
        opened = await bridge.post(f"{world.settings.wechat_pay.base_url}/cashier/bridge", json=params)
    assert opened.status_code == 200, opened.text
    assert opened.json()["cashier_url"].endswith(data["out_trade_no"])


@pytest.mark.parametrize(("channel", "field", "start"), [("h5", "h5_url", "http"), ("native", "code_url", "weixin://")])
async def test_params_outside_of_wechat(guest: Phone, camp: Camp, channel: str, field: str, start: str) -> None:
    data = await guest.ordered(camp.id, channel)
    params = (await guest.get(f"/{data['payment_id']}/params")).json()["data"]
    assert list(params) == [field]
    assert params[field].startswith(start)


async def test_a_used_up_h5_address_is_renewed_for_the_same_order(guest: Phone, camp: Camp, time: Time) -> None:
    data = await guest.ordered(camp.id, "h5")
    first, again = [(await guest.get(f"/{data['payment_id']}/params")).json()["data"] for _ in range(2)]
    time.advance(5 * 60)
    renewed = (await guest.get(f"/{data['payment_id']}/params")).json()["data"]
    assert (first == again, renewed == first) == (True, False)


async def test_params_end_with_the_order(phone: Phone, camp: Camp, world: World, time: Time) -> None:
    data = await phone.ordered(camp.id)
    await pay(world, data["out_trade_no"])
    assert refusal(await phone.get(f"/{data['payment_id']}/params")) == (409, "payment_not_pending")


async def test_an_expired_order_can_not_be_paid(phone: Phone, camp: Camp, time: Time) -> None:
    data = await phone.ordered(camp.id)
    time.advance(30 * 60)
    assert refusal(await phone.get(f"/{data['payment_id']}/params")) == (409, "payment_not_pending")


# The QR code


async def test_the_qr_code_is_for_those_who_paid(phone: Phone, camp: Camp, world: World) -> None:
    data = await phone.ordered(camp.id)
    path = f"/{data['payment_id']}/qrcode"
    assert refusal(await phone.get(path)) == (409, "payment_not_paid")
    await pay(world, data["out_trade_no"])
    shown = (await phone.get(path)).json()["data"]
    member_id = (await phone.get(f"/{data['payment_id']}")).json()["data"]["member_id"]
    assert shown["group_qr_url"].startswith(f"http://testserver/media/{camp.group_qr_key}?expires=")
    assert (shown["member_id"], shown["camp_name"], shown["qr_stale"]) == (member_id, "七天写作营", False)
    assert (shown["amount_fen"], shown["joined"], shown["contact"]) == (9900, False, None)


async def test_who_misses_a_qr_code_learns_whom_to_ask(
    phone: Phone, camp: Camp, world: World, runtime: Runtime
) -> None:
    runtime.settings.support_contact = "微信 camp-help"
    data = await phone.ordered(camp.id)
    await pay(world, data["out_trade_no"])
    assert (await phone.get(f"/{data['payment_id']}/qrcode")).json()["data"]["contact"] == "微信 camp-help"


async def test_a_dead_qr_code_is_never_shown(phone: Phone, camp: Camp, world: World, time: Time) -> None:
    """B23: WeChat lets it die after seven days."""
    data = await phone.ordered(camp.id)
    await pay(world, data["out_trade_no"])
    time.advance(7 * 86_400)
    shown = (await phone.get(f"/{data['payment_id']}/qrcode")).json()["data"]
    assert (shown["group_qr_url"], shown["qr_stale"]) == (None, True)


async def test_a_second_paid_order_leads_to_the_first_place(
    client: httpx.AsyncClient, guest: Phone, camp: Camp, world: World, runtime: Runtime
) -> None:
    openid = new_openid()
    first = await phone_of(client, runtime, openid)
    one, two = await first.ordered(camp.id), await guest.ordered(camp.id, "native")
    for data in (one, two):
        await pay(world, data["out_trade_no"], openid=openid)
    member_id = (await first.get(f"/{one['payment_id']}")).json()["data"]["member_id"]
    second = (await guest.get(f"/{two['payment_id']}")).json()["data"]
    assert (second["status"], second["excess"], second["member_id"]) == ("paid", "already_enrolled", member_id)
    # Its money is on the way back, and nobody has looked at it yet.
    refund = second["refund"]
    assert (refund["kind"], refund["status"], refund["amount_fen"]) == ("duplicate", "pending_review", 9900)
    assert (await first.get(f"/{one['payment_id']}")).json()["data"]["refund"] is None
    assert (await guest.get(f"/{two['payment_id']}/qrcode")).json()["data"]["member_id"] == member_id


async def test_money_without_a_place_has_no_qr_code(phone: Phone, camp: Camp, runtime: Runtime) -> None:
    async with runtime.db.transaction() as session:
        row = await session.get_one(Camp, camp.id)
        payment = await make_payment(session, row, phone.payer, paid=True, excess=Excess.CAMP_FULL)
    assert refusal(await phone.get(f"/{payment.id}/qrcode")) == (409, "payment_without_place")
    assert (await phone.get(f"/{payment.id}")).json()["data"]["excess"] == "camp_full"
