"""WeChat Pay's notifications over HTTP: what is genuine counts once, what isn't leaves no trace but a count."""

import json
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.app import create_app
from backend.core import clock, metrics
from backend.core.db import Database, make_engine
from backend.models.camps import Camp, CampStatus
from backend.models.inbox import InboxEvent
from backend.models.members import Member
from backend.models.notifications import Notification
from backend.models.payments import Payment, PaymentStatus
from backend.models.reconciliation import ReconciliationCase
from backend.models.refunds import Refund
from backend.runtime import Runtime
from tests.conftest import RecordingQueue, Time
from tests.factories import make_camp
from tests.money.payments.shop import new_openid, phone_of
from tests.world import World

URL = "/api/webhook/wechat/payment"


@pytest.fixture
async def camp(runtime: Runtime) -> Camp:
    async with runtime.db.transaction() as session:
        return await make_camp(session)


@pytest.fixture
async def number(client: httpx.AsyncClient, runtime: Runtime, camp: Camp) -> str:
    """The number of an order that was just placed."""
    phone = await phone_of(client, runtime, new_openid())
    found: str = (await phone.ordered(camp.id))["out_trade_no"]
    return found


class Writer:
    """Writes notifications as WeChat Pay would, for what the courier of the simulator can't be asked to send."""

    def __init__(self, world: World) -> None:
        self.pay = world.sandbox.wechat_pay

    def body(self, resource: dict[str, Any], event_type: str = "TRANSACTION.SUCCESS", **envelope: Any) -> bytes:
        sealed = self.pay.keys.seal(json.dumps(resource).encode(), "transaction")
        whole = {
            "id": str(uuid.uuid4()),
            "create_time": clock.shanghai(clock.now()).isoformat(timespec="seconds"),
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "",
            "resource": {"original_type": "transaction"} | sealed,
        }
        return json.dumps(whole | envelope).encode()

    def paid(self, number: str, **changes: Any) -> dict[str, Any]:
        """What a notification tells of an order; it is paid if it wasn't."""
        order = self.pay.orders.by_number[number]
        if order.paid_at is None:
            self.pay.pay(number)
        return order.record(app_id=self.pay.app_id, mch_id=self.pay.keys.mch_id) | changes

    def headers(self, body: bytes, **changes: Any) -> dict[str, str]:
        return self.pay.keys.stamp(changes.pop("serial", self.pay.keys.notification_serial()), body, **changes)


@pytest.fixture
def writer(world: World) -> Writer:
    return Writer(world)


async def post(client: httpx.AsyncClient, body: bytes, headers: dict[str, str], url: str = URL) -> httpx.Response:
    return await client.post(url, content=body, headers={"Content-Type": "application/json"} | headers)


async def status_of(runtime: Runtime, number: str) -> PaymentStatus:
    async with runtime.db.transaction() as session:
        return (await session.scalars(select(Payment.status).where(Payment.out_trade_no == number))).one()


async def counts(runtime: Runtime, *models: type[Any]) -> list[int]:
    async with runtime.db.transaction() as session:
        return [await session.scalar(select(func.count()).select_from(model)) or 0 for model in models]


async def assert_no_trace(runtime: Runtime, number: str, response: httpx.Response) -> None:
    """Refused in the provider's own form, and nothing stored."""
    assert 400 <= response.status_code < 500
    answer = response.json()
    assert (answer["code"], set(answer)) == ("FAIL", {"code", "message"})
    assert await status_of(runtime, number) is PaymentStatus.PENDING
    assert await counts(runtime, InboxEvent, Member, ReconciliationCase) == [0, 0, 0]


# Genuine


async def test_a_payment_is_credited_and_answered_with_204(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str
) -> None:
    body = writer.body(writer.paid(number))
    response = await post(client, body, writer.headers(body))
    assert (response.status_code, response.content) == (204, b"")
    assert await status_of(runtime, number) is PaymentStatus.PAID
    async with runtime.db.transaction() as session:
        event = (await session.scalars(select(InboxEvent))).one()
    assert (event.source, event.event_type, event.outcome) == ("wechat_pay", "TRANSACTION.SUCCESS", "credited")
    assert event.payload["out_trade_no"] == number


@pytest.mark.parametrize("knob", ["notify_empty_aad", "notify_extra_fields", "notify_duplicate"])
async def test_the_simulators_couriers_ways_are_understood(
    client: httpx.AsyncClient, runtime: Runtime, world: World, number: str, knob: str
) -> None:
    world.sandbox.wechat_pay.faults.set(knob)
    world.sandbox.wechat_pay.pay(number)
    await world.sandbox.wechat_pay.deliver_due()
    assert {attempt.outcome for attempt in world.sandbox.wechat_pay.courier.deliveries[-1].attempts} == {"204"}
    assert await counts(runtime, Member) == [1]


async def test_both_keys_are_taken_side_by_side(
    client: httpx.AsyncClient, runtime: Runtime, world: World, number: str
) -> None:
    """During the move from certificates to the public key either may sign."""
    world.sandbox.wechat_pay.keys.add_certificate()
    world.sandbox.wechat_pay.keys.public_key_share = 0.0
    world.sandbox.wechat_pay.pay(number)
    await world.sandbox.wechat_pay.deliver_due()
    assert await status_of(runtime, number) is PaymentStatus.PAID


async def test_a_genuine_notification_three_hours_late_is_credited(
    client: httpx.AsyncClient, runtime: Runtime, world: World, time: Time, camp: Camp, number: str
) -> None:
    """B7: the signature's time counts, not the payment's."""
    world.sandbox.wechat_pay.faults.set("notify_delay", value=3 * 3600)
    world.sandbox.wechat_pay.pay(number)
    assert await world.sandbox.wechat_pay.deliver_due() == 0
    time.advance(3 * 3600)
    await world.sandbox.wechat_pay.deliver_due()
    assert await status_of(runtime, number) is PaymentStatus.PAID
    assert await counts(runtime, Member) == [1]


@pytest.mark.parametrize("new_id", [False, True])
async def test_a_repeat_changes_nothing_also_under_another_id(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str, new_id: bool
) -> None:
    resource = writer.paid(number)
    ids = ["EV-1", "EV-2" if new_id else "EV-1"]
    for event_id in ids:
        body = writer.body(resource, id=event_id)
        assert (await post(client, body, writer.headers(body))).status_code == 204
    assert await counts(runtime, Member, InboxEvent) == [1, len(set(ids))]


async def test_a_replay_of_the_same_bytes_changes_nothing(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, time: Time, number: str
) -> None:
    body = writer.body(writer.paid(number))
    headers = writer.headers(body)
    for _ in range(3):
        assert (await post(client, body, headers)).status_code == 204
    time.advance(300)
    assert (await post(client, body, headers)).status_code == 400
    assert await counts(runtime, Member, InboxEvent) == [1, 1]


async def test_an_unknown_event_is_kept_and_answered(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str
) -> None:
    body = writer.body({"anything": 1}, "COUPON.USED")
    assert (await post(client, body, writer.headers(body))).status_code == 204
    async with runtime.db.transaction() as session:
        event = (await session.scalars(select(InboxEvent))).one()
    assert (event.event_type, event.outcome, event.payload) == ("COUPON.USED", "ignored", {"anything": 1})
    assert await status_of(runtime, number) is PaymentStatus.PENDING


async def test_a_payment_told_at_the_refund_address_is_a_payment_all_the_same(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str
) -> None:
    body = writer.body(writer.paid(number))
    response = await post(client, body, writer.headers(body), "/api/webhook/wechat/refund")
    assert (response.status_code, await status_of(runtime, number)) == (204, PaymentStatus.PAID)


@pytest.mark.parametrize("url", [URL, "/api/webhook/wechat/refund"])
async def test_a_refund_nobody_here_knows_becomes_a_case(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str, url: str
) -> None:
    paid = writer.paid(number)
    resource = {
        "mchid": writer.pay.keys.mch_id,
        "out_trade_no": number,
        "transaction_id": paid["transaction_id"],
        "out_refund_no": "R20260301UNKNOWN000000001",
        "refund_id": "50300000000000000000000001",
        "refund_status": "SUCCESS",
        "success_time": clock.shanghai(clock.now()).isoformat(timespec="seconds"),
        "user_received_account": "支付用户零钱",
        "amount": {"total": 9900, "refund": 9900, "payer_total": 9900, "payer_refund": 9900},
    }
    body = writer.body(resource, "REFUND.SUCCESS")
    assert (await post(client, body, writer.headers(body), url)).status_code == 204
    assert await counts(runtime, ReconciliationCase, Refund) == [1, 0]


# Genuine, but not ours


@pytest.mark.parametrize("knob", ["notify_other_mchid", "notify_other_appid", "notify_wrong_amount"])
async def test_what_does_not_fit_our_order_is_held(
    client: httpx.AsyncClient, runtime: Runtime, world: World, number: str, knob: str
) -> None:
    world.sandbox.wechat_pay.faults.set(knob, times=None)
    world.sandbox.wechat_pay.pay(number)
    await world.sandbox.wechat_pay.deliver_due()
    assert world.sandbox.wechat_pay.courier.deliveries[-1].attempts[-1].outcome == "204"
    assert await status_of(runtime, number) is PaymentStatus.PENDING
    assert await counts(runtime, Member, ReconciliationCase, InboxEvent) == [0, 1, 1]


async def test_another_currency_is_held(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str
) -> None:
    body = writer.body(writer.paid(number, amount={"total": 9900, "currency": "USD"}))
    assert (await post(client, body, writer.headers(body))).status_code == 204
    assert await status_of(runtime, number) is PaymentStatus.PENDING
    assert await counts(runtime, ReconciliationCase) == [1]


async def test_an_unknown_order_is_held(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str
) -> None:
    body = writer.body(writer.paid(number, out_trade_no="P20260301NOTOURS000000001"))
    assert (await post(client, body, writer.headers(body))).status_code == 204
    assert await counts(runtime, Member, ReconciliationCase) == [0, 1]


# Not genuine


@pytest.mark.parametrize(
    "knob", ["notify_signtest", "notify_stale", "notify_unknown_serial", "notify_tampered", "notify_wrong_aad"]
)
async def test_a_spoilt_notification_is_refused_and_its_repeat_credited(
    client: httpx.AsyncClient, runtime: Runtime, world: World, time: Time, number: str, knob: str
) -> None:
    world.sandbox.wechat_pay.faults.set(knob)
    world.sandbox.wechat_pay.pay(number)
    await world.sandbox.wechat_pay.deliver_due()
    (attempt,) = world.sandbox.wechat_pay.courier.deliveries[-1].attempts
    assert (attempt.fault, attempt.outcome) == (knob, "400")
    assert await counts(runtime, InboxEvent, Member) == [0, 0]
    time.advance(15)
    await world.sandbox.wechat_pay.deliver_due()
    assert await status_of(runtime, number) is PaymentStatus.PAID


# The stamp has whole seconds and time goes on meanwhile, therefore not the very edges.
@pytest.mark.parametrize(("age", "good"), [(298, True), (300, False), (-298, True), (-302, False)])
async def test_a_signature_lives_less_than_300_seconds(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str, age: int, good: bool
) -> None:
    body = writer.body(writer.paid(number))
    response = await post(client, body, writer.headers(body, at=clock.timestamp() - age))
    if good:
        assert (response.status_code, await status_of(runtime, number)) == (204, PaymentStatus.PAID)
    else:
        await assert_no_trace(runtime, number, response)


async def test_a_forger_has_another_key(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, world: World, number: str
) -> None:
    body = writer.body(writer.paid(number))
    forged = writer.headers(body, serial="0" * 40) | {"Wechatpay-Serial": world.sandbox.wechat_pay.keys.public_key_id}
    await assert_no_trace(runtime, number, await post(client, body, forged))


@pytest.mark.parametrize(
    "missing", ["Wechatpay-Serial", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature"]
)
async def test_every_header_is_needed(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str, missing: str
) -> None:
    body = writer.body(writer.paid(number))
    headers = {name: value for name, value in writer.headers(body).items() if name != missing}
    await assert_no_trace(runtime, number, await post(client, body, headers))


async def test_a_changed_byte_is_noticed(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str
) -> None:
    body = writer.body(writer.paid(number))
    headers = writer.headers(body)
    await assert_no_trace(runtime, number, await post(client, body + b" ", headers))
    await assert_no_trace(runtime, number, await post(client, body.replace(b"SUCCESS", b"SUCCESs", 1), headers))


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"\xff\xfe", b"<xml><a/></xml>", b"[" * 5000])
@pytest.mark.parametrize("signed", [True, False])
async def test_unreadable_bodies_are_refused(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str, body: bytes, signed: bool
) -> None:
    headers = writer.headers(body) if signed else {}
    await assert_no_trace(runtime, number, await post(client, body, headers))


@pytest.mark.parametrize("size", [64 * 1024 + 1, 1024 * 1024])
async def test_a_huge_body_is_refused_before_it_is_looked_at(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str, size: int
) -> None:
    body = b"x" * size
    response = await post(client, body, writer.headers(body))
    assert response.status_code == 413
    await assert_no_trace(runtime, number, response)


async def test_a_refusal_is_counted_and_logged_without_its_content(
    client: httpx.AsyncClient, writer: Writer, number: str
) -> None:
    refused = metrics.webhooks.labels("payment", "refused")
    before = _value(refused)
    body = writer.body(writer.paid(number))
    with structlog.testing.capture_logs() as lines:
        await post(client, body, writer.headers(body) | {"Wechatpay-Signature": "AAAA"})
    assert _value(refused) == before + 1
    (line,) = [line for line in lines if line["event"] == "webhook.refused"]
    assert (line["topic"], line["reason"], line["log_level"]) == ("payment", "signature", "warning")
    assert not re.search(r"ciphertext|AAAA|Wechatpay", str(line))


def _value(counter: Any) -> float:
    return float(counter._value.get())


# Our own failures


async def test_a_database_that_is_away_is_told_and_the_repeat_credited(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str
) -> None:
    engine = make_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    app = create_app(runtime.settings, replace(runtime, db=Database(engine, RecordingQueue())))
    body = writer.body(writer.paid(number))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as away:
        assert (await post(away, body, writer.headers(body))).status_code == 503
    await engine.dispose()
    assert (await post(client, body, writer.headers(body))).status_code == 204
    assert await status_of(runtime, number) is PaymentStatus.PAID


class DyingDatabase(Database):
    """Does all the work of a transaction and dies before the commit."""

    def __init__(self, real: Database) -> None:
        self._real = real

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with self._real.transaction() as session:
            yield session
            await session.flush()
            raise ConnectionError("killed before the commit")


async def test_a_worker_that_dies_before_its_commit_loses_nothing(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str
) -> None:
    """B8: inbox row and effect stand and fall together."""
    app = create_app(runtime.settings, replace(runtime, db=DyingDatabase(runtime.db)))
    body = writer.body(writer.paid(number))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://testserver") as dying:
        assert (await post(dying, body, writer.headers(body))).status_code == 503
    assert await counts(runtime, InboxEvent, Member) == [0, 0]
    assert (await post(client, body, writer.headers(body))).status_code == 204
    assert await counts(runtime, InboxEvent, Member) == [1, 1]


async def test_money_after_the_end_of_the_camp_waits_for_review(
    client: httpx.AsyncClient, runtime: Runtime, world: World, time: Time, camp: Camp, number: str
) -> None:
    """B29 over HTTP."""
    world.sandbox.wechat_pay.faults.set("notify_delay", value=12 * 86_400)
    world.sandbox.wechat_pay.pay(number)
    time.advance(12 * 86_400)
    async with runtime.db.transaction() as session:
        (await session.get_one(Camp, camp.id)).status = CampStatus.ENDED
    await world.sandbox.wechat_pay.deliver_due()
    async with runtime.db.transaction() as session:
        refund = (await session.scalars(select(Refund))).one()
    assert (refund.kind, refund.status, refund.amount_fen) == ("duplicate", "pending_review", 9900)
    assert await counts(runtime, Member) == [0]


async def test_only_posts_are_taken(client: httpx.AsyncClient) -> None:
    assert (await client.get(URL)).status_code == 405


async def _alarms(runtime: Runtime) -> list[str]:
    async with runtime.db.transaction() as session:
        found = select(Notification.content).where(Notification.scene == "security_alarm")
        return list(await session.scalars(found.order_by(Notification.created_at)))


async def test_forgeries_are_told_in_groups(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str, time: Time
) -> None:
    body = writer.body(writer.paid(number))
    for _ in range(5):
        await post(client, body, writer.headers(body) | {"Wechatpay-Signature": "AAAA"})
    [first] = await _alarms(runtime)
    assert first.endswith("1 次）")
    time.advance(600)
    await post(client, body, writer.headers(body) | {"Wechatpay-Signature": "AAAA"})
    [_, second] = await _alarms(runtime)
    assert second.endswith("5 次）")


async def test_probes_and_stray_visitors_alarm_nobody(
    client: httpx.AsyncClient, runtime: Runtime, writer: Writer, number: str
) -> None:
    body = writer.body(writer.paid(number))
    await post(client, body, writer.headers(body) | {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/AAAA"})
    await post(client, b"{}", {})
    assert await _alarms(runtime) == []
