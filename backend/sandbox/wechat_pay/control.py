"""The JSON control API, for the overview page and for browser tests. Amounts are fen, instants RFC 3339."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backend.sandbox.wechat_pay.courier import Delivery
from backend.sandbox.wechat_pay.merchant import Merchant
from backend.sandbox.wechat_pay.orders import PayRefused
from backend.sandbox.wechat_pay.records import Answer, ApiError, Order, Refund, rfc3339

PREFIX = "/_control/wechat-pay"
Wish = dict[str, Any]


class Control:
    """GET /books /orders /refunds /deliveries /faults; POST /pay /paid-orders /balance /console-refund /finish-refund
    /rotate-certificate /deliver /faults; DELETE /faults?name=."""

    def __init__(self, sandbox: Merchant) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[Route]:
        reads: dict[str, Callable[[], Any]] = {
            "books": lambda: asdict(self._sandbox.books()),
            "orders": lambda: [self._order(order) for order in self._sandbox.orders.by_number.values()],
            "refunds": self._refunds,
            "deliveries": lambda: [_delivery(delivery) for delivery in self._sandbox.courier.deliveries],
        }
        writes: dict[str, Callable[[Wish], Awaitable[Answer]]] = {
            "pay": self._pay,
            "paid-orders": self._paid_orders,
            "balance": self._balance,
            "console-refund": self._console_refund,
            "finish-refund": self._finish_refund,
            "rotate-certificate": self._rotate,
            "deliver": self._deliver,
        }
        return [
            *(Route(f"{PREFIX}/{name}", _reading(read), methods=["GET"]) for name, read in reads.items()),
            *(Route(f"{PREFIX}/{name}", _writing(write), methods=["POST"]) for name, write in writes.items()),
            Route(f"{PREFIX}/faults", self._faults, methods=["GET", "POST", "DELETE"]),
        ]

    async def _faults(self, request: Request) -> Response:
        faults = self._sandbox.faults
        if request.method == "DELETE":
            faults.clear(request.query_params.get("name"))
        elif request.method == "POST":
            try:
                faults.set(**_fault(await _wish(request)))
            except (KeyError, ValueError) as error:
                return _refused(f"故障名称或参数不正确: {error}")
        return JSONResponse(faults.summary())

    async def _pay(self, wish: Wish) -> Answer:
        return self._order(self._sandbox.pay(str(wish.get("out_trade_no")), openid=wish.get("openid")))

    async def _paid_orders(self, wish: Wish) -> Answer:
        settle = self._sandbox.orders.settle
        made = [
            settle(
                str(one["out_trade_no"]),
                int(one["amount_fen"]),
                description=str(one["description"]),
                openid=str(one["openid"]),
            )
            for one in wish["orders"]
        ]
        return {"orders": [self._order(order) for order in made]}

    async def _balance(self, wish: Wish) -> Answer:
        self._sandbox.account.set_balance(int(wish["balance_fen"]))
        return asdict(self._sandbox.books())

    async def _console_refund(self, wish: Wish) -> Answer:
        url = wish.get("notify_url")
        return _refund(self._sandbox.console_refund(wish["out_trade_no"], int(wish["amount_fen"]), notify_url=url))

    async def _finish_refund(self, wish: Wish) -> Answer:
        refund = self._sandbox.refunds.find(wish["out_refund_no"])
        self._sandbox.refunds.finish(refund, wish["status"])
        return _refund(refund)

    async def _rotate(self, wish: Wish) -> Answer:
        share = wish.get("public_key_share")
        if share is not None:
            self._sandbox.keys.public_key_share = float(share)
        return {"serial": self._sandbox.keys.add_certificate()}

    async def _deliver(self, wish: Wish) -> Answer:
        del wish
        return {"tried": await self._sandbox.deliver_due()}

    def _order(self, order: Order) -> Answer:
        return {
            "out_trade_no": order.out_trade_no,
            "channel": order.channel,
            "description": order.description,
            "amount_fen": order.amount_fen,
            "state": order.state,
            "openid": order.openid or order.payer_openid,
            "transaction_id": order.transaction_id,
            "created_at": rfc3339(order.created_at),
            "expires_at": rfc3339(order.expires_at),
            "paid_at": rfc3339(order.paid_at) if order.paid_at else None,
            "code_url": order.code_url,
            "cashier_url": self._sandbox.cashier.url(order.out_trade_no),
        }

    def _refunds(self) -> list[Answer]:
        self._sandbox.refunds.settle_due()
        return [_refund(refund) for refund in self._sandbox.refunds.by_number.values()]


def _fault(wish: Wish) -> Wish:
    """Return the arguments of ``Faults.set``. Raises ValueError for a wrong type."""
    kinds: dict[str, tuple[type, ...]] = {"times": (int,), "value": (int, float), "on": (str,), "code": (str,)}
    given = {name: wish[name] for name in kinds if name in wish}
    for name, value in given.items():
        if value is not None and not isinstance(value, kinds[name]):
            raise ValueError(name)
    return {"name": str(wish.get("name"))} | given


def _refund(refund: Refund) -> Answer:
    return {
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "out_trade_no": refund.order.out_trade_no,
        "amount_fen": refund.amount_fen,
        "status": refund.status,
        "console": refund.console,
        "created_at": rfc3339(refund.created_at),
        "success_at": rfc3339(refund.success_at) if refund.success_at else None,
    }


def _delivery(delivery: Delivery) -> Answer:
    return {
        "id": delivery.id,
        "kind": delivery.kind,
        "reference": delivery.reference,
        "event_type": delivery.event_type,
        "url": delivery.url,
        "state": delivery.state,
        "created_at": rfc3339(delivery.created_at),
        "due_at": rfc3339(delivery.due_at) if delivery.state == "waiting" else None,
        "attempts": [
            {"at": rfc3339(attempt.at), "outcome": attempt.outcome, "fault": attempt.fault}
            for attempt in delivery.attempts
        ],
    }


def _reading(read: Callable[[], Any]) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        del request
        return JSONResponse(read())

    return serve


def _writing(write: Callable[[Wish], Awaitable[Answer]]) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            return JSONResponse(await write(await _wish(request)))
        except PayRefused as refused:
            return _refused(str(refused))
        except ApiError as failure:
            return _refused(failure.message)
        except (KeyError, TypeError, ValueError) as error:
            return _refused(f"参数不正确: {error}")

    return serve


async def _wish(request: Request) -> Wish:
    try:
        wish = await request.json()
    except ValueError:
        wish = None
    return wish if isinstance(wish, dict) else {}


def _refused(message: str) -> Response:
    return JSONResponse({"error": message}, 422)
