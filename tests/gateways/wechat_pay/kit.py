"""A merchant's gateway beside the pretended WeChat Pay, joined by real bytes, and a clock to move both."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr
from starlette.types import Receive, Scope, Send

from backend.core import clock
from backend.core.config import WeChatPaySettings
from backend.core.ids import new_number
from backend.gateways.wechat_pay import Channel, OrderRequest, PaymentFact, RefundRequest, WeChatPay
from backend.gateways.wechat_pay.signing import MerchantKey
from backend.sandbox.wechat_pay import WeChatPaySandbox

BASE_URL = "http://pay.test"
NOTIFY_URL = "http://merchant.test/notify"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"


class Travel:
    """Moves the clock of gateway and sandbox together, beginning on a Monday at noon in Shanghai."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "travel"
        self._path.write_text("0")
        clock.use_test_clock(self._path)
        self.to("2026-03-02 12:00")

    def to(self, wall_clock: str) -> None:
        wanted = dt.datetime.fromisoformat(wall_clock).replace(tzinfo=clock.SHANGHAI)
        self.by((wanted - clock.now()).total_seconds())

    def by(self, seconds: float) -> None:
        self._path.write_text(repr(float(self._path.read_text()) + seconds))
        clock.use_test_clock(self._path)

    def machine_time(self, *, days: int = 0) -> None:
        """Go to the machine's own time, or some days away from it: peers read the machine's clock themselves."""
        self._path.write_text(repr(days * 86400.0))
        clock.use_test_clock(self._path)


@dataclass
class Receiver:
    """The merchant's webhook: keeps what came and answers ``status``."""

    status: int = 204
    letters: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.letters.append(({name.decode(): value.decode() for name, value in scope["headers"]}, body))
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Shop:
    """One merchant: ``gateway`` is the product's, ``sandbox`` the other side."""

    def __init__(self, directory: Path, *, public_key_mode: bool = True, base_url: str = BASE_URL) -> None:
        self.receiver = Receiver()
        self.sandbox = WeChatPaySandbox.create(
            base_url=base_url,
            public_key_mode=public_key_mode,
            notify_transport=httpx.ASGITransport(app=self.receiver),
        )
        self.transport = httpx.ASGITransport(app=self.sandbox.app)
        self.settings = settings_from(self.sandbox.write_keys(directory))
        self.gateway = WeChatPay(self.settings, transport=self.transport)

    async def order(self, channel: Channel = "native", **changes: Any) -> OrderRequest:
        """An unpaid order."""
        request = order_request(channel, **changes)
        await self.gateway.create_order(request)
        return request

    async def paid(self, channel: Channel = "native", **changes: Any) -> PaymentFact:
        """A paid order; its notification is queued."""
        request = await self.order(channel, **changes)
        self.sandbox.pay(request.out_trade_no, openid=OPENID)
        state = await self.gateway.query_order(request.out_trade_no)
        assert state is not None
        assert state.payment is not None
        return state.payment

    async def notified(self) -> tuple[dict[str, str], bytes]:
        """Deliver what is due and return the last letter."""
        await self.sandbox.deliver_due()
        return self.receiver.letters[-1]

    async def raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        merchant: MerchantKey | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A signed request as the tests want it; ``headers`` replace the usual ones, empty ones are left out."""
        merchant = merchant or self.merchant()
        usual = {
            "Accept": "application/json",
            "User-Agent": "test",
            "Authorization": merchant.authorization(method, path.encode(), body),
        }
        given = {name: value for name, value in (usual | dict(headers or {})).items() if value}
        async with httpx.AsyncClient(transport=self.transport, base_url=BASE_URL) as client:
            request = client.build_request(method, path, content=body, headers=given)
            for name in ("Accept", "User-Agent"):
                if name not in given:
                    del request.headers[name]
            return await client.send(request)

    def merchant(self, **changes: Any) -> MerchantKey:
        """The merchant's key, or one that differs in a field."""
        assert self.settings.private_key_path is not None
        usual: dict[str, Any] = {
            "mch_id": self.settings.mch_id,
            "serial_no": self.settings.cert_serial_no,
            "private_key": load_pem_private_key(self.settings.private_key_path.read_bytes(), None),
        }
        return MerchantKey(**(usual | changes))


def settings_from(environment: Mapping[str, str], **changes: Any) -> WeChatPaySettings:
    """The settings that a process started with this environment would have."""
    fields: dict[str, Any] = {
        name.removeprefix("CAMP_WECHAT_PAY__").lower(): value for name, value in environment.items()
    }
    return WeChatPaySettings(**(fields | {"apiv3_key": SecretStr(fields["apiv3_key"])} | changes))


def order_request(channel: Channel = "native", **changes: Any) -> OrderRequest:
    """A deposit of 99 yuan that may be paid for half an hour."""
    fields: dict[str, Any] = {
        "channel": channel,
        "out_trade_no": new_number("P"),
        "description": "21天写作训练营押金",
        "amount_fen": 9900,
        "expires_at": clock.now() + dt.timedelta(minutes=30),
        "notify_url": NOTIFY_URL,
    }
    if channel == "jsapi":
        fields["openid"] = OPENID
    if channel == "h5":
        fields["payer_client_ip"] = "203.0.113.9"
    return OrderRequest(**(fields | changes))


def refund_request(payment: PaymentFact, **changes: Any) -> RefundRequest:
    """The whole payment back."""
    fields: dict[str, Any] = {
        "out_refund_no": f"R{uuid.uuid4().hex[:24].upper()}",
        "transaction_id": payment.transaction_id,
        "amount_fen": payment.amount_fen,
        "total_fen": payment.amount_fen,
        "notify_url": NOTIFY_URL,
        "reason": "训练营达标，退还押金",
    }
    return RefundRequest(**(fields | changes))
