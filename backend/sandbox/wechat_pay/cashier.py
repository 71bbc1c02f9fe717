"""The payer's side: the cashier page, and a simulator of WeChat's JavaScript bridge."""

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from backend.core import clock, money
from backend.sandbox.wechat_pay.keys import SandboxKeys
from backend.sandbox.wechat_pay.orders import H5_LIFE, Orders, PayRefused
from backend.sandbox.wechat_pay.records import Order, new_openid

_BRIDGE_FIELDS = ("appId", "timeStamp", "nonceStr", "package", "signType", "paySign")
# The member's page has another origin; without CORS headers the browser would block its calls to the bridge.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type",
}


class Cashier:
    """The cashier. ``merchant_name`` is shown to the payer above the amount."""

    def __init__(self, base_url: str, keys: SandboxKeys, orders: Orders) -> None:
        self.merchant_name = "训练营押金（沙箱商户）"
        self._base_url = base_url
        self._keys = keys
        self._orders = orders
        templates = FileSystemLoader(Path(__file__).parent / "templates")
        self._templates = Environment(loader=templates, autoescape=True, undefined=StrictUndefined)

    def routes(self) -> list[Route]:
        return [
            Route("/cashier/bridge", self._bridge, methods=["POST", "OPTIONS"]),
            Route("/cashier/{out_trade_no}", self._show, methods=["GET"]),
            Route("/cashier/{out_trade_no}/pay", self._pay, methods=["POST"]),
            Route("/cashier/{out_trade_no}/cancel", self._cancel, methods=["POST"]),
        ]

    def url(self, out_trade_no: str) -> str:
        """The URL of an order's cashier page, for any channel."""
        return f"{self._base_url}/cashier/{quote(out_trade_no, safe='')}"

    async def _show(self, request: Request) -> Response:
        order = self._orders.get(request.path_params["out_trade_no"])
        if order is None:
            return self._page("没有这个订单", status=404)
        link = request.query_params
        ticket = link.get("prepay_id")
        if ticket is not None and order.paid_at is None and not self._fresh(order, ticket):
            return self._page("支付链接已过期，请回到商户页面重新发起", order, status=410)
        return self._page(link.get("note", ""), order, back=_safe(link.get("redirect_url")))

    async def _pay(self, request: Request) -> Response:
        out_trade_no = request.path_params["out_trade_no"]
        async with request.form() as form:
            back, openid = _safe(_field(form, "redirect_url")), _field(form, "openid").strip()
        try:
            self._orders.pay(out_trade_no, openid=openid or None)
        except PayRefused as refused:
            return self._page(str(refused), self._orders.get(out_trade_no), back=back, status=409)
        return self._return_to_page(out_trade_no, back)

    async def _cancel(self, request: Request) -> Response:
        """Return the payer to the merchant as after paying. The order stays unchanged."""
        async with request.form() as form:
            back = _safe(_field(form, "redirect_url"))
        if back:
            return RedirectResponse(back, 303)
        return self._return_to_page(request.path_params["out_trade_no"], "", note="已取消支付，订单仍可继续支付")

    def _return_to_page(self, out_trade_no: str, back: str, **more: str) -> Response:
        query = urlencode(({"redirect_url": back} if back else {}) | more)
        return RedirectResponse(f"{self.url(out_trade_no)}?{query}" if query else self.url(out_trade_no), 303)

    @staticmethod
    def _fresh(order: Order, prepay_id: str) -> bool:
        issued = order.tickets.get(prepay_id)
        return issued is not None and (order.channel != "h5" or clock.now() < issued + H5_LIFE)

    def _page(self, note: str, order: Order | None = None, *, back: str = "", status: int = 200) -> Response:
        template = self._templates.get_template("cashier.html")
        payable = order is not None and order.state == "NOTPAY" and status < 400
        seconds = int((order.expires_at - clock.now()).total_seconds()) if order else 0
        page = template.render(
            merchant=self.merchant_name,
            note=note,
            order=order,
            amount=money.format_yuan(order.amount_fen) if order else "",
            paid_at=f"{clock.shanghai(order.paid_at):%Y-%m-%d %H:%M:%S}" if order and order.paid_at else "",
            seconds_left=max(seconds, 0),
            payable=payable and seconds > 0,
            openid=(order.payer_openid or new_openid()) if order else "",
            action=self.url(order.out_trade_no) if order else "",
            back=back,
        )
        return HTMLResponse(page, status)

    async def _bridge(self, request: Request) -> Response:
        """Check like ``getBrandWCPayRequest``: six parameters as JSON in, ``{cashier_url}`` or ``{error}`` out."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_CORS)
        try:
            order = self._invoked(await request.json())
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400, headers=_CORS)
        return JSONResponse({"cashier_url": self.url(order.out_trade_no)}, headers=_CORS)

    def _invoked(self, params: Any) -> Order:
        if not isinstance(params, dict) or not all(isinstance(params.get(name), str) for name in _BRIDGE_FIELDS):
            raise ValueError("调用支付JSAPI缺少参数")
        signed = (params["appId"], params["timeStamp"], params["nonceStr"], params["package"])
        message = "".join(f"{line}\n" for line in signed).encode()
        if params["signType"] != "RSA" or not self._keys.verify_merchant(message, params["paySign"]):
            raise ValueError("支付验证签名失败")
        if params["appId"] != self._orders.app_id:
            raise ValueError("商户号与appid不匹配")
        order = self._orders.by_ticket(params["package"].removeprefix("prepay_id="))
        if order is None or order.channel != "jsapi":
            raise ValueError("prepay_id 无效或已过期")
        return order


def _field(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _safe(url: str | None) -> str:
    """``url`` if it is http(s), else empty, so that a ``javascript:`` URL can't become a link."""
    return url if url and urlsplit(url).scheme in ("http", "https") else ""
