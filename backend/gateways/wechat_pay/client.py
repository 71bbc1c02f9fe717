"""The calls of a direct merchant: orders, refunds, notifications, bills (WeChat Pay v3)."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx

from backend.core import clock
from backend.core.config import WeChatPaySettings
from backend.gateways.errors import GatewayError, Rejected, Unavailable, Unknown
from backend.gateways.wechat_pay import bills, parsing
from backend.gateways.wechat_pay.credentials import Credentials, load_credentials
from backend.gateways.wechat_pay.keyring import KeyRing
from backend.gateways.wechat_pay.notifications import MAX_BODY_BYTES, read_notification
from backend.gateways.wechat_pay.requests import order_body, refund_body, serialise
from backend.gateways.wechat_pay.signing import SignatureRefused, new_nonce
from backend.gateways.wechat_pay.types import (
    SYSTEM,
    FundFlowRow,
    Notification,
    NotificationRefused,
    OrderRequest,
    OrderState,
    RefundFact,
    RefundRequest,
    TradeBillRow,
)
from backend.gateways.wechat_pay.wire import Wire, refusal

T = TypeVar("T")

_PRODUCT_OF_ORDER = {"jsapi": "prepay_id", "h5": "h5_url", "native": "code_url"}
_REFUNDS = "/v3/refund/domestic/refunds"


class WeChatPay:
    """One merchant at WeChat Pay. Calls raise the three kinds of :mod:`backend.gateways.errors`:

    ======================================================================  ============
    no connection; 429 (except for a refund)                                Unavailable
    time-out, connection lost, 5xx, 202, bad signature, unreadable answer   Unknown
    429 for a refund, which may be under way                                Unknown
    another 4xx, with WeChat Pay's own ``code``                             Rejected
    ======================================================================  ============

    With empty settings it can be built, but every call raises ``Rejected("wechat_pay", "not_configured")``.
    """

    def __init__(self, settings: WeChatPaySettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._connected: _Connection | None = None
        credentials = load_credentials(settings)
        if credentials is not None:
            self._connected = _Connection(settings, credentials, transport)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._connected is not None:
            await self._connected.wire.aclose()

    def require_merchant(self, mch_id: str) -> None:
        """Raises Unknown with code ``other_merchant`` when we speak as another merchant than this one.

        To be called before anything is asked about an order or refund: WeChat Pay says of another merchant's that it
        doesn't exist, which must never count as its end.
        """
        if self._connected is not None and self._connected.credentials.merchant.mch_id != mch_id:
            raise Unknown(SYSTEM, "other_merchant")

    async def create_order(self, order: OrderRequest) -> str:
        """Create the order, or renew it when called again with the same values.

        Returns the prepay_id (jsapi, 2 hours), h5_url (5 minutes) or code_url (2 hours).
        """
        connection = self._connection()
        credentials = connection.credentials
        body = order_body(order, app_id=credentials.app_id, mch_id=credentials.merchant.mch_id)
        raw = await connection.call("POST", f"/v3/pay/transactions/{order.channel}", body)
        return _read(raw, lambda answer: parsing.text(answer, _PRODUCT_OF_ORDER[order.channel]))

    def bridge_params(self, prepay_id: str) -> dict[str, str]:
        """What the page hands to ``getBrandWCPayRequest``; signType is not part of the signed text."""
        credentials = self._connection().credentials
        signed = {
            "appId": credentials.app_id,
            "timeStamp": str(int(clock.timestamp())),
            "nonceStr": new_nonce(),
            "package": f"prepay_id={prepay_id}",
        }
        signature = credentials.merchant.sign(*(value.encode() for value in signed.values()))
        return signed | {"signType": "RSA", "paySign": signature}

    async def query_order(self, out_trade_no: str) -> OrderState | None:
        """The order's state, None when WeChat Pay has never seen it (ORDER_NOT_EXIST)."""
        connection = self._connection()
        query = urlencode({"mchid": connection.credentials.merchant.mch_id})
        try:
            raw = await connection.call("GET", f"{_order_path(out_trade_no)}?{query}")
        except Rejected as error:
            if error.code == "ORDER_NOT_EXIST":
                return None
            raise
        state = _read(raw, parsing.order_state)
        if state.out_trade_no != out_trade_no:
            raise Unknown(SYSTEM, "bad_answer", "another order")
        return state

    async def probe(self) -> bool:
        """Ask for an order that doesn't exist: harmless, and answered only if account and private key fit together.

        Returns whether WeChat Pay's own signature was checked too. Refusals carry none, so in public-key mode that
        takes the bill of a recent day with trade.
        """
        await self.query_order(f"probe{new_nonce()[:24]}")
        connection = self._connection()
        if connection.credentials.public_key is None:
            return True  # a platform certificate was fetched and verified before anything else
        try:
            await connection.call("GET", _trade_bill_path(clock.today() - dt.timedelta(days=2)))
        except GatewayError as error:
            if error.code == "bad_signature":
                raise
            return False
        return True

    async def close_order(self, out_trade_no: str) -> None:
        """Close an unpaid order; closing again is fine. Raises Rejected with code ORDER_PAID when it is paid."""
        connection = self._connection()
        body = serialise({"mchid": connection.credentials.merchant.mch_id})
        await connection.call("POST", f"{_order_path(out_trade_no)}/close", body)

    async def create_refund(self, refund: RefundRequest) -> RefundFact:
        """Ask for a refund; the same number refunds once. PROCESSING means accepted, not refunded."""
        raw = await self._connection().call("POST", _REFUNDS, refund_body(refund), busy=Unknown)
        return _read_refund(raw, refund.out_refund_no)

    async def query_refund(self, out_refund_no: str) -> RefundFact | None:
        """The refund's state, None when it was never accepted (RESOURCE_NOT_EXISTS)."""
        try:
            raw = await self._connection().call("GET", f"{_REFUNDS}/{quote(out_refund_no, safe='')}")
        except Rejected as error:
            if error.code == "RESOURCE_NOT_EXISTS":
                return None
            raise
        return _read_refund(raw, out_refund_no)

    async def verify_notification(self, headers: Mapping[str, str], body: bytes) -> Notification:
        """Verify the raw bytes, decrypt and read them. Raises NotificationRefused and nothing else."""
        if self._connected is None:
            raise NotificationRefused("not_configured")
        if len(body) > MAX_BODY_BYTES:
            raise NotificationRefused("too_large")
        try:
            await self._connected.keys.verify(headers, body)
        except SignatureRefused as error:
            # A refund made by hand in the merchant console is told in v2 XML, which nobody can verify.
            xml = error.reason == "headers_missing" and body.lstrip().startswith(b"<")
            raise NotificationRefused("xml" if xml else error.reason) from None
        return read_notification(self._connected.credentials.apiv3_key, body)

    async def trade_bill(self, day: dt.date) -> list[TradeBillRow]:
        """Payments and refunds of a Shanghai day, ready from 10:00 the next day.

        Empty for a day without trade. Raises Unavailable with code STATEMENT_CREATING while it is being made.
        """
        return await self._bill(_trade_bill_path(day), bills.trade_rows)

    async def fund_flow_bill(self, day: dt.date) -> list[FundFlowRow]:
        """Movements of the basic account on a Shanghai day; otherwise like :meth:`trade_bill`."""
        query = {"bill_date": day.isoformat(), "account_type": "BASIC", "tar_type": "GZIP"}
        return await self._bill(f"/v3/bill/fundflowbill?{urlencode(query)}", bills.fund_flow_rows)

    async def _bill(self, path: str, rows: Callable[[str], list[T]]) -> list[T]:
        connection = self._connection()
        try:
            raw = await connection.call("GET", path)
        except Rejected as error:
            if error.code == "NO_STATEMENT_EXIST":
                return []
            if error.code == "STATEMENT_CREATING":
                raise Unavailable(SYSTEM, error.code, error.message, retry_after=1800) from None
            raise
        url, sha1 = _read(
            raw, lambda answer: (parsing.text(answer, "download_url"), parsing.text(answer, "hash_value"))
        )
        packed = await connection.download(url)
        try:
            return rows(bills.unpack(packed, sha1))
        except parsing.BadRecord as error:
            raise Unknown(SYSTEM, "bad_answer", f"bill: {error}") from None

    def _connection(self) -> "_Connection":
        if self._connected is None:
            raise Rejected(SYSTEM, "not_configured")
        return self._connected


class _Connection:
    """What exists only once the merchant is configured: keys, the wire, and a verified call over it."""

    def __init__(
        self, settings: WeChatPaySettings, credentials: Credentials, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self.credentials = credentials
        self.wire = Wire(settings.base_url, settings.timeout_seconds, credentials, transport)
        self.keys = KeyRing(self.wire, credentials)

    async def call(self, method: str, path: str, body: bytes = b"", *, busy: type[GatewayError] = Unavailable) -> bytes:
        """The body of a verified 200 or 204."""
        await self.keys.ready()
        response = await self.wire.exchange(method, path, body)
        if response.status_code not in (200, 204):
            raise refusal(response, busy=busy)
        try:
            await self.keys.verify(response.headers, response.content)
        except SignatureRefused as error:
            # The request has probably been carried out: the outcome is unknown, not a failure.
            raise Unknown(SYSTEM, "bad_signature", error.reason) from None
        return response.content

    async def download(self, url: str) -> bytes:
        """A bill file: the one answer that isn't signed; its digest came with a signed one."""
        response = await self.wire.exchange("GET", url)
        if response.status_code != 200:
            raise refusal(response)
        return response.content


def _order_path(out_trade_no: str) -> str:
    return f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}"


def _trade_bill_path(day: dt.date) -> str:
    query = {"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP"}
    return f"/v3/bill/tradebill?{urlencode(query)}"


def _read_refund(raw: bytes, out_refund_no: str) -> RefundFact:
    fact = _read(raw, parsing.refund_fact)
    if fact.out_refund_no != out_refund_no:
        raise Unknown(SYSTEM, "bad_answer", "another refund")
    return fact


def _read(raw: bytes, read: Callable[[dict[str, Any]], T]) -> T:
    try:
        return read(parsing.json_object(raw))
    except parsing.BadRecord as error:
        raise Unknown(SYSTEM, "bad_answer", str(error)) from None
