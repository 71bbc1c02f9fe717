"""WeChat Pay v3 calls of a direct merchant: orders, refunds, notifications, bills."""

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
    """One merchant at WeChat Pay. Calls raise the three errors of :mod:`backend.gateways.errors`:

    ======================================================================  ============
    no connection; 429 (except for a refund)                                Unavailable
    timeout, connection lost, 5xx, 202, bad signature, unreadable answer    Unknown
    429 for a refund, which may be in progress                              Unknown
    another 4xx, with WeChat Pay's own ``code``                             Rejected
    ======================================================================  ============

    With empty settings the constructor succeeds, but calls raise ``Rejected("wechat_pay", "not_configured")``.
    """

    def __init__(self, settings: WeChatPaySettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._connected: _Connection | None = None
        credentials = load_credentials(settings)
        if credentials is not None:
            self._connected = _Connection(settings, credentials, transport)

    async def aclose(self) -> None:
        if self._connected is not None:
            await self._connected.wire.aclose()

    def require_merchant(self, mch_id: str) -> None:
        """Raises Unknown with code ``other_merchant`` if ``mch_id`` isn't the merchant we are configured as.

        Call this before querying an order or refund. WeChat Pay answers that another merchant's order doesn't exist;
        we would wrongly take that for its final state.
        """
        if self._connected is not None and self._connected.credentials.merchant.mch_id != mch_id:
            raise Unknown(SYSTEM, "other_merchant")

    async def create_order(self, order: OrderRequest) -> str:
        """Create the order, or renew it if called again with the same values.

        Returns the prepay_id (jsapi, valid for 2 hours), h5_url (5 minutes) or code_url (2 hours).
        """
        connection = self._connection()
        credentials = connection.credentials
        body = order_body(order, app_id=credentials.app_id, mch_id=credentials.merchant.mch_id)
        raw = await connection.call("POST", f"/v3/pay/transactions/{order.channel}", body)
        return _read(raw, lambda answer: parsing.text(answer, _PRODUCT_OF_ORDER[order.channel]))

    def bridge_params(self, prepay_id: str) -> dict[str, str]:
        """The parameters for ``getBrandWCPayRequest`` in the page. The signature doesn't cover signType."""
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
        """The order's state; None if WeChat Pay doesn't know the order (ORDER_NOT_EXIST)."""
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
        """Check that account and private key match, by querying an order that doesn't exist.

        Returns whether WeChat Pay's own signature was verified too. Refusals aren't signed, so in public-key mode this
        needs the bill of a recent day with trade.
        """
        await self.query_order(f"probe{new_nonce()[:24]}")
        connection = self._connection()
        if connection.credentials.public_key is None:
            return True  # the call above fetched and verified a platform certificate first
        try:
            await connection.call("GET", _trade_bill_path(clock.today() - dt.timedelta(days=2)))
        except GatewayError as error:
            if error.code == "bad_signature":
                raise
            return False
        return True

    async def close_order(self, out_trade_no: str) -> None:
        """Close an unpaid order; idempotent. Raises Rejected with code ORDER_PAID if it is paid."""
        connection = self._connection()
        body = serialise({"mchid": connection.credentials.merchant.mch_id})
        await connection.call("POST", f"{_order_path(out_trade_no)}/close", body)

    async def create_refund(self, refund: RefundRequest) -> RefundFact:
        """Request a refund; idempotent by ``out_refund_no``. PROCESSING means accepted, not refunded."""
        raw = await self._connection().call("POST", _REFUNDS, refund_body(refund), busy=Unknown)
        return _read_refund(raw, refund.out_refund_no)

    async def query_refund(self, out_refund_no: str) -> RefundFact | None:
        """The refund's state; None if it was never accepted (RESOURCE_NOT_EXISTS)."""
        try:
            raw = await self._connection().call("GET", f"{_REFUNDS}/{quote(out_refund_no, safe='')}")
        except Rejected as error:
            if error.code == "RESOURCE_NOT_EXISTS":
                return None
            raise
        return _read_refund(raw, out_refund_no)

    async def verify_notification(self, headers: Mapping[str, str], body: bytes) -> Notification:
        """Verify the raw bytes, decrypt and parse them. Raises only NotificationRefused."""
        if self._connected is None:
            raise NotificationRefused("not_configured")
        if len(body) > MAX_BODY_BYTES:
            raise NotificationRefused("too_large")
        try:
            await self._connected.keys.verify(headers, body)
        except SignatureRefused as error:
            # Refunds made in the merchant console are notified as v2 XML, which has no v3 signature to verify.
            xml = error.reason == "headers_missing" and body.lstrip().startswith(b"<")
            raise NotificationRefused("xml" if xml else error.reason) from None
        return read_notification(self._connected.credentials.apiv3_key, body)

    async def trade_bill(self, day: dt.date) -> list[TradeBillRow]:
        """Payments and refunds of a Shanghai day; available from 10:00 the next day.

        Empty for a day without trade. Raises Unavailable with code STATEMENT_CREATING while the bill isn't ready.
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
    """The parts that need a configured merchant: credentials, HTTP client, platform keys, and verified calls."""

    def __init__(
        self, settings: WeChatPaySettings, credentials: Credentials, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self.credentials = credentials
        self.wire = Wire(settings.base_url, settings.timeout_seconds, credentials, transport)
        self.keys = KeyRing(self.wire, credentials)

    async def call(self, method: str, path: str, body: bytes = b"", *, busy: type[GatewayError] = Unavailable) -> bytes:
        """Send a request and return the body of a 200 or 204 whose signature was verified."""
        await self.keys.ready()
        response = await self.wire.exchange(method, path, body)
        if response.status_code not in (200, 204):
            raise refusal(response, busy=busy)
        try:
            await self.keys.verify(response.headers, response.content)
        except SignatureRefused as error:
            # The request has probably taken effect, so this must not count as a failure.
            raise Unknown(SYSTEM, "bad_signature", error.reason) from None
        return response.content

    async def download(self, url: str) -> bytes:
        """Download a bill file. It isn't signed; the caller checks the digest from the signed answer."""
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
