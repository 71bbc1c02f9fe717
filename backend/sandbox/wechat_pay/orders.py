"""The rules of orders: create and repeat, pay, query, close (WeChat Pay v3, §2 of its order documents)."""

import datetime as dt
import ipaddress
import re
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from backend.core import clock
from backend.sandbox.wechat_pay.faults import Faults
from backend.sandbox.wechat_pay.records import Account, Answer, ApiError, Order, new_openid, number

_NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
_FIELDS = {
    "appid", "mchid", "description", "out_trade_no", "time_expire", "attach", "notify_url", "goods_tag",
    "support_fapiao", "amount", "payer", "detail", "scene_info", "settle_info",
}  # fmt: skip
UNPAID_LIFE = dt.timedelta(days=7)
TICKET_LIFE = dt.timedelta(hours=2)
H5_LIFE = dt.timedelta(minutes=5)


class PayRefused(Exception):
    """The payer can't pay this order. The text is Chinese and shown on the cashier."""


class Orders:
    """``paid`` is called for each payment. ``order_paid_status`` is the HTTP status of ORDER_PAID, which the
    documents don't specify."""

    def __init__(
        self,
        *,
        app_id: str,
        mch_id: str,
        base_url: str,
        account: Account,
        faults: Faults,
        paid: Callable[[Order], None],
    ) -> None:
        self.app_id = app_id
        self.mch_id = mch_id
        self.by_number: dict[str, Order] = {}
        self.order_paid_status = 400
        self._base_url = base_url
        self._account = account
        self._faults = faults
        self._paid = paid

    def create(self, channel: str, body: bytes, fields: dict[str, Any]) -> Answer:
        """Create an order, or issue a new ticket for an unpaid one if the body is byte-identical. Raises ApiError."""
        self._check_fields(channel, fields)
        order = self.get(fields["out_trade_no"])
        if order is None:
            order = self._new(channel, body, fields)
        elif order.paid_at is not None:
            raise ApiError(self.order_paid_status, "ORDER_PAID", "该订单已支付")
        elif order.state == "CLOSED":
            raise ApiError(400, "ORDER_CLOSED", "订单已关闭")
        elif (order.channel, order.body) != (channel, body):
            raise ApiError(403, "OUT_TRADE_NO_USED", "商户订单号重复")
        return self._ticket(order)

    def get(self, out_trade_no: str) -> Order | None:
        """The order, or None. Closes it if it is unpaid for seven days."""
        order = self.by_number.get(out_trade_no)
        if order is not None and order.state == "NOTPAY" and clock.now() >= order.created_at + UNPAID_LIFE:
            order.state = "CLOSED"
        return order

    def find(self, *, out_trade_no: str | None = None, transaction_id: str | None = None) -> Order:
        """Find by either number. Raises ApiError (ORDER_NOT_EXIST)."""
        if transaction_id is not None:
            found = (order for order in self.by_number.values() if order.transaction_id == transaction_id)
            order = next(found, None)
        else:
            order = self.get(out_trade_no or "")
        if order is None:
            raise ApiError(404, "ORDER_NOT_EXIST", "订单不存在")
        return order

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order. Idempotent. Raises ApiError (ORDER_PAID, ORDER_NOT_EXIST)."""
        order = self.find(out_trade_no=out_trade_no)
        if order.state == "NOTPAY" and self._faults.take("close_loses_race", "close_order"):
            self.pay(out_trade_no)
        if order.paid_at is not None:
            raise ApiError(self.order_paid_status, "ORDER_PAID", "该订单已支付")
        order.state = "CLOSED"

    def pay(self, out_trade_no: str, *, openid: str | None = None) -> Order:
        """Pay and notify the merchant. ``openid`` defaults to the order's payer, else a new one. Raises PayRefused."""
        order = self.get(out_trade_no)
        if order is None:
            raise PayRefused("订单不存在")
        if order.paid_at is not None:
            raise PayRefused("订单已支付，请勿重复支付")
        if order.state == "CLOSED":
            raise PayRefused("订单已关闭")
        if clock.now() >= order.expires_at:
            raise PayRefused("订单已过支付时间")
        if order.payer_openid and openid and openid != order.payer_openid:
            raise PayRefused("只能由下单的微信用户支付")
        self._take(order, openid or order.payer_openid or new_openid())
        self._paid(order)
        return order

    def settle(self, out_trade_no: str, amount_fen: int, *, description: str, openid: str) -> Order:
        """Create a paid order without a notification. Raises ValueError if the number is in use."""
        if out_trade_no in self.by_number:
            raise ValueError("out_trade_no")
        now = clock.now()
        order = Order(
            out_trade_no=out_trade_no,
            channel="jsapi",
            body=b"",
            description=description,
            amount_fen=amount_fen,
            notify_url="",
            created_at=now,
            expires_at=now + UNPAID_LIFE,
        )
        self.by_number[out_trade_no] = order
        self._take(order, openid)
        return order

    def by_ticket(self, prepay_id: str) -> Order | None:
        """The order of a prepay_id. None if the prepay_id is unknown or older than two hours."""
        for order in self.by_number.values():
            issued = order.tickets.get(prepay_id)
            if issued is not None:
                return order if clock.now() < issued + TICKET_LIFE else None
        return None

    def _take(self, order: Order, openid: str) -> None:
        """Record the payment and credit the merchant's account."""
        order.state = "SUCCESS"
        order.openid = openid
        order.transaction_id = number("4200")
        order.paid_at = clock.now().replace(microsecond=0)
        self._account.move("交易", order.amount_fen, business_no=order.transaction_id, voucher_no=order.out_trade_no)

    def _new(self, channel: str, body: bytes, fields: dict[str, Any]) -> Order:
        now = clock.now()
        order = Order(
            out_trade_no=fields["out_trade_no"],
            channel=channel,
            body=body,
            description=fields["description"],
            amount_fen=fields["amount"]["total"],
            notify_url=fields["notify_url"],
            created_at=now,
            expires_at=now + UNPAID_LIFE,
            attach=fields.get("attach"),
            payer_openid=fields["payer"]["openid"] if channel == "jsapi" else None,
        )
        if "time_expire" in fields:
            wanted = _instant(fields["time_expire"])
            order.expires_at = min(max(wanted, now + dt.timedelta(minutes=1)), now + UNPAID_LIFE)
        self.by_number[order.out_trade_no] = order
        return order

    def _ticket(self, order: Order) -> Answer:
        prepay_id = f"wx{clock.shanghai(clock.now()):%Y%m%d%H%M%S}{secrets.token_hex(10)}"
        order.tickets[prepay_id] = clock.now()
        if order.channel == "h5":
            query = f"prepay_id={prepay_id}&package={secrets.randbelow(10**10)}"
            return {"h5_url": f"{self._base_url}/cashier/{quote(order.out_trade_no, safe='')}?{query}"}
        if order.channel == "native":
            order.code_url = f"weixin://wxpay/bizpayurl?pr={secrets.token_urlsafe(6)}"
            return {"code_url": order.code_url}
        return {"prepay_id": prepay_id}

    def _check_fields(self, channel: str, fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            if value is None or name not in _FIELDS:
                raise bad(f"/{name}", value, "多余或为空的参数")
        text(fields, "description", 127)
        if not _NUMBER.fullmatch(text(fields, "out_trade_no", 32)):
            raise bad("/out_trade_no", fields["out_trade_no"], "商户订单号格式不正确")
        check_notify_url(fields)
        amount = fields.get("amount")
        if not isinstance(amount, dict) or not whole(amount.get("total")) or amount.get("currency", "CNY") != "CNY":
            raise bad("/amount", amount, "金额不正确")
        if text(fields, "mchid", 32) != self.mch_id:
            raise bad("/mchid", fields["mchid"], "商户号与签名不一致")
        if text(fields, "appid", 32) != self.app_id:
            raise ApiError(400, "APPID_MCHID_NOT_MATCH", "商户号与appid不匹配")
        if "time_expire" in fields:
            _instant(text(fields, "time_expire", 64))
        if channel == "jsapi":
            payer = fields.get("payer")
            text(payer if isinstance(payer, dict) else {}, "openid", 128)
        if channel == "h5":
            self._check_scene(fields.get("scene_info"))

    def _check_scene(self, scene: Any) -> None:
        h5_info = scene.get("h5_info") if isinstance(scene, dict) else None
        if not isinstance(h5_info, dict) or h5_info.get("type") not in ("Wap", "iOS", "Android"):
            raise bad("/scene_info/h5_info/type", scene, "H5 场景信息不正确")
        try:
            address = ipaddress.ip_address(scene.get("payer_client_ip"))
        except ValueError:
            raise bad("/scene_info/payer_client_ip", scene.get("payer_client_ip"), "终端IP不正确") from None
        # WeChat Pay always refuses loopback. Here only a fault does, or H5 payments would fail in a local demo.
        if address.is_loopback and self._faults.take("loopback_ip_refused", "create_order"):
            raise bad("/scene_info/payer_client_ip", str(address), "终端IP不正确")


def bad(field: str, value: object, issue: str) -> ApiError:
    """A 400 PARAM_ERROR with its detail."""
    detail = {"field": field, "value": value, "issue": issue, "location": "body"}
    return ApiError(400, "PARAM_ERROR", f"参数错误：{issue}", detail)


def text(fields: dict[str, Any], name: str, limit: int) -> str:
    """Return a required text of at most ``limit`` characters. Raises ApiError (PARAM_ERROR)."""
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise bad(f"/{name}", value, "缺少参数或长度不正确")
    return value


def whole(value: object) -> bool:
    """Whether ``value`` is a whole number of fen, at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def check_notify_url(fields: dict[str, Any]) -> None:
    """Require an absolute URL without query. Unlike WeChat Pay, allows http, as the merchant may run locally."""
    parts = urlsplit(text(fields, "notify_url", 255))
    if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path or parts.query:
        raise bad("/notify_url", fields["notify_url"], "通知地址不正确")


def _instant(value: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(value)
    except ValueError:
        raise bad("/time_expire", value, "时间格式不正确") from None
    if instant.tzinfo is None:
        raise bad("/time_expire", value, "时间缺少时区")
    return instant
