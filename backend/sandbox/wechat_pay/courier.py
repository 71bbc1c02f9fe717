"""Sends notifications over HTTP, retries them on WeChat Pay's schedule and applies faults (v3, §3)."""

import asyncio
import datetime as dt
import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from backend.core import clock
from backend.sandbox.wechat_pay.faults import Faults
from backend.sandbox.wechat_pay.keys import SIGNTEST, SandboxKeys
from backend.sandbox.wechat_pay.records import Answer, rfc3339

RESEND_SECONDS = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
# The receiver must refuse these. Even if it accepts one, the notification doesn't count as delivered.
FORGERIES = ("notify_signtest", "notify_stale", "notify_unknown_serial", "notify_tampered", "notify_wrong_aad")
_CHANGES = ("notify_other_mchid", "notify_other_appid", "notify_wrong_amount", "notify_extra_fields")


@dataclass(frozen=True, slots=True)
class Letter:
    """One HTTP request. ``fault`` is the fault applied to it, if any."""

    headers: dict[str, str]
    body: bytes
    fault: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. ``outcome``: HTTP status as text, ``timeout`` or ``no_connection``; ``fault``: the one applied."""

    at: dt.datetime
    outcome: str
    fault: str | None


@dataclass(slots=True)
class Delivery:
    """A notification and its attempts. ``state``: ``waiting``, ``delivered``, ``dropped`` or ``given_up``."""

    id: str
    kind: str
    reference: str
    event_type: str
    url: str
    resource: Answer
    created_at: dt.datetime
    due_at: dt.datetime
    copies: int = 1
    parallel: bool = False
    xml: bool = False
    behind_next: bool = False
    resends: int = 0
    state: str = "waiting"
    in_flight: bool = False
    attempts: list[Attempt] = field(default_factory=list)


class Courier:
    """The notification queue. ``timeout_seconds`` limits the merchant's response in real time, not test-clock time."""

    def __init__(self, keys: SandboxKeys, faults: Faults, transport: httpx.AsyncBaseTransport | None) -> None:
        self.deliveries: list[Delivery] = []
        self.timeout_seconds = 5.0
        self.transport = transport
        self._keys = keys
        self._faults = faults

    def post(
        self, *, kind: str, reference: str, event_type: str, url: str, resource: Answer, xml: bool = False
    ) -> None:
        """Queue a notification. ``kind`` is ``payment`` or ``refund``."""
        now = clock.now()
        delivery = Delivery(str(uuid.uuid4()), kind, reference, event_type, url, resource, now, now)
        delivery.xml = xml or (kind == "refund" and self._faults.take("notify_xml", kind) is not None)
        if delay := self._faults.take("notify_delay", kind):
            delivery.due_at += dt.timedelta(seconds=delay.number(60))
        for name in ("notify_duplicate", "notify_parallel"):
            if copies := self._faults.take(name, kind):
                delivery.copies, delivery.parallel = int(copies.number(2)), name == "notify_parallel"
        delivery.behind_next = self._faults.take("notify_reorder", kind) is not None
        if self._faults.take("notify_drop", kind):
            delivery.state = "dropped"
        self.deliveries.append(delivery)

    def take_due(self) -> list[Delivery]:
        """Return the due deliveries, marked as in flight so that they are not sent twice at the same time."""
        now = clock.now()
        due = [
            delivery
            for delivery in self.deliveries
            if delivery.state == "waiting" and not delivery.in_flight and delivery.due_at <= now
        ]
        due = [delivery for delivery in due if not delivery.behind_next or self._overtaken(delivery)]
        for delivery in due:
            delivery.in_flight = True
        return due

    async def send(self, delivery: Delivery) -> None:
        """Attempt a delivery returned by :meth:`take_due` once, with all its copies."""
        letters = [self._letter(delivery) for _ in range(delivery.copies)]
        try:
            async with httpx.AsyncClient(transport=self.transport, trust_env=False) as client:
                if delivery.parallel:
                    tries = await asyncio.gather(*(self._try(client, delivery.url, letter) for letter in letters))
                else:
                    tries = [await self._try(client, delivery.url, letter) for letter in letters]
        finally:
            delivery.in_flight = False
        delivery.attempts += tries
        delivery.copies = 1
        if any(attempt.outcome in ("200", "204") and attempt.fault not in FORGERIES for attempt in tries):
            delivery.state = "delivered"
        elif delivery.resends == len(RESEND_SECONDS):
            delivery.state = "given_up"
        else:
            delivery.due_at = clock.now() + dt.timedelta(seconds=RESEND_SECONDS[delivery.resends])
            delivery.resends += 1

    async def _try(self, client: httpx.AsyncClient, url: str, letter: Letter) -> Attempt:
        at = clock.now()
        try:
            async with asyncio.timeout(self.timeout_seconds):
                answer = await client.post(url, content=letter.body, headers=letter.headers, timeout=None)
        except TimeoutError:
            return Attempt(at, "timeout", letter.fault)
        except (httpx.RequestError, httpx.InvalidURL):
            return Attempt(at, "no_connection", letter.fault)
        return Attempt(at, str(answer.status_code), letter.fault)

    def _overtaken(self, delivery: Delivery) -> bool:
        later = self.deliveries[self.deliveries.index(delivery) + 1 :]
        return any(other.attempts for other in later)

    def _letter(self, delivery: Delivery) -> Letter:
        """Build the request of one attempt, with a new signature each time."""
        if delivery.xml:
            return Letter({"Content-Type": "text/xml"}, _v2_notice(self._keys.mch_id), "notify_xml")
        names = (name for name in (*FORGERIES, *_CHANGES) if self._faults.take(name, delivery.kind))
        fault = next(names, None)
        return self._stamped(self._envelope(delivery, fault), fault)

    def _envelope(self, delivery: Delivery, fault: str | None) -> bytes:
        original_type = "transaction" if delivery.kind == "payment" else "refund"
        aad = "" if self._faults.take("notify_empty_aad", delivery.kind) else original_type
        plain = json.dumps(_changed(delivery.resource, fault), ensure_ascii=False).encode()
        sealed = self._keys.seal(plain, aad)
        if fault == "notify_wrong_aad":
            sealed["associated_data"] = "something else"
        if self._faults.take("notify_new_id", delivery.kind):
            delivery.id = str(uuid.uuid4())
        envelope: dict[str, Any] = {
            "id": delivery.id,
            "create_time": rfc3339(delivery.created_at),
            "resource_type": "encrypt-resource",
            "event_type": delivery.event_type,
            "summary": "支付成功" if delivery.kind == "payment" else "退款结果",
            "resource": {"original_type": original_type, **sealed},
        }
        if fault == "notify_extra_fields":
            envelope["something_new"] = {"since": 2026}
        return json.dumps(envelope, ensure_ascii=False).encode()

    def _stamped(self, body: bytes, fault: str | None) -> Letter:
        at, serial = clock.timestamp(), self._keys.notification_serial()
        if fault == "notify_stale":
            at -= 600
        if fault == "notify_unknown_serial":
            serial = secrets.token_hex(20).upper()
        headers = {"Content-Type": "application/json", **self._keys.stamp(serial, body, at=at)}
        if fault == "notify_signtest":
            headers["Wechatpay-Signature"] = SIGNTEST + headers["Wechatpay-Signature"][len(SIGNTEST) :]
        if fault == "notify_tampered":
            body = body.replace(b'"ciphertext": "', b'"ciphertext": "AAAA', 1)
        return Letter(headers, body, fault)


def _changed(resource: Answer, fault: str | None) -> Answer:
    if fault == "notify_other_mchid":
        return resource | {"mchid": "1900000999"}
    if fault == "notify_other_appid":
        return resource | {"appid": "wx0000000000000000"}
    if fault == "notify_wrong_amount":
        name = "refund" if "refund_id" in resource else "total"
        return resource | {"amount": resource["amount"] | {name: resource["amount"][name] + 1}}
    if fault == "notify_extra_fields":
        return resource | {"installment_info": {"num_installments": 3}}
    return resource


def _v2_notice(mch_id: str) -> bytes:
    """A notification in the old XML format. Its content is random: the sandbox has no v2 key to encrypt it."""
    sealed = secrets.token_urlsafe(96)
    return (
        "<xml><return_code>SUCCESS</return_code>"
        f"<mch_id>{mch_id}</mch_id><nonce_str>{secrets.token_hex(16)}</nonce_str>"
        f"<req_info><![CDATA[{sealed}]]></req_info></xml>"
    ).encode()
