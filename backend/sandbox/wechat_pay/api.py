"""The endpoints below /v3."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend.core import clock
from backend.sandbox.wechat_pay import wire
from backend.sandbox.wechat_pay.bills import Bills
from backend.sandbox.wechat_pay.faults import Fault, Faults
from backend.sandbox.wechat_pay.keys import SandboxKeys
from backend.sandbox.wechat_pay.orders import Orders
from backend.sandbox.wechat_pay.records import TRADE_TYPES, Answer, ApiError, rfc3339
from backend.sandbox.wechat_pay.refunds import Refunds

Handler = Callable[[Request, bytes], Answer | None]
_TRANSACTIONS = "/v3/pay/transactions"
_REFUNDS = "/v3/refund/domestic/refunds"
_CODES = {401: "SIGN_ERROR", 429: "FREQUENCY_LIMITED", 500: "SYSTEM_ERROR", 502: "SERVICE_UNAVAILABLE"}


@dataclass(frozen=True, slots=True)
class Api:
    """The routes. Handlers only read and change the books; :meth:`_endpoint` adds signatures and faults."""

    keys: SandboxKeys
    faults: Faults
    orders: Orders
    refunds: Refunds
    bills: Bills

    def routes(self) -> list[Route]:
        by_number = _TRANSACTIONS + "/out-trade-no/{out_trade_no}"
        return [
            *(
                self._route("POST", f"{_TRANSACTIONS}/{name}", "create_order", self._create_order)
                for name in TRADE_TYPES
            ),
            self._route("GET", by_number, "query_order", self._query_order),
            self._route("GET", _TRANSACTIONS + "/id/{transaction_id}", "query_order", self._query_order),
            self._route("POST", by_number + "/close", "close_order", self._close_order),
            self._route("POST", _REFUNDS, "create_refund", self._create_refund),
            self._route("GET", _REFUNDS + "/{out_refund_no}", "query_refund", self._query_refund),
            self._route("GET", "/v3/certificates", "certificates", self._certificates),
            self._route("GET", "/v3/bill/tradebill", "trade_bill", self._trade_bill),
            self._route("GET", "/v3/bill/fundflowbill", "fund_flow_bill", self._fund_flow_bill),
            Route("/v3/billdownload/file", self._download, methods=["GET"]),
        ]

    def _route(self, method: str, path: str, operation: str, handler: Handler) -> Route:
        return Route(path, self._endpoint(operation, handler), methods=[method])

    def _endpoint(self, operation: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            body = await request.body()
            try:
                wire.check(request, body, self.keys)
                if fault := self.faults.take("refuse", operation):
                    raise _injected(fault, 503)
                if self.faults.take("lose_request", operation):
                    return wire.BrokenOff()
                content = handler(request, body)
                if fault := self.faults.take("execute_then_refuse", operation):
                    raise _injected(fault, 500)
            except ApiError as failure:
                return wire.error(request, failure)
            answer = wire.answer(request, self.keys, 204 if content is None else 200, content)
            return await self._spoilt(operation, answer)

        return serve

    async def _spoilt(self, operation: str, answer: Response) -> Response:
        """Apply the faults that act after the request was executed."""
        if slow := self.faults.take("slow", operation):
            await asyncio.sleep(slow.number(10))
        if self.faults.take("lose_reply", operation):
            return wire.BrokenOff()
        if self.faults.take("signtest_reply", operation):
            return wire.signtest(answer)
        if self.faults.take("unsigned_reply", operation):
            return wire.unsigned(answer)
        return answer

    def _create_order(self, request: Request, body: bytes) -> Answer:
        channel = request.url.path.rpartition("/")[2]
        return self.orders.create(channel, body, _fields(body))

    def _query_order(self, request: Request, body: bytes) -> Answer:
        del body
        mch_id = self.orders.mch_id
        if request.query_params.get("mchid") != mch_id:
            detail = {"field": "mchid", "value": request.query_params.get("mchid"), "location": "query"}
            raise ApiError(400, "PARAM_ERROR", "参数错误：商户号不正确", detail)
        return self.orders.find(**request.path_params).record(app_id=self.orders.app_id, mch_id=mch_id)

    def _close_order(self, request: Request, body: bytes) -> None:
        if _fields(body).get("mchid") != self.orders.mch_id:
            raise ApiError(400, "PARAM_ERROR", "参数错误：商户号不正确")
        self.orders.close(request.path_params["out_trade_no"])

    def _create_refund(self, request: Request, body: bytes) -> Answer:
        del request
        return self.refunds.create(_fields(body))

    def _query_refund(self, request: Request, body: bytes) -> Answer:
        del body
        return self.refunds.find(request.path_params["out_refund_no"]).record()

    def _trade_bill(self, request: Request, body: bytes) -> Answer:
        return self._bill("trade", request, body)

    def _fund_flow_bill(self, request: Request, body: bytes) -> Answer:
        return self._bill("fund_flow", request, body)

    def _bill(self, kind: str, request: Request, body: bytes) -> Answer:
        del body
        query = request.query_params
        if query.get("bill_type", "ALL") != "ALL" or query.get("account_type", "BASIC") != "BASIC":
            raise ApiError(400, "INVALID_REQUEST", "不支持的账单类型")
        return self.bills.apply(kind, query.get("bill_date", ""), packed=query.get("tar_type") == "GZIP")

    async def _download(self, request: Request) -> Response:
        """Requires a signed request, but the response is unsigned."""
        try:
            wire.check(request, b"", self.keys)
            content = self.bills.file(request.query_params.get("token", ""))
        except ApiError as failure:
            return wire.error(request, failure)
        packed = content.startswith(b"\x1f\x8b")
        headers = {"Request-ID": wire.request_id()}
        return Response(content, 200, headers, "application/x-gzip" if packed else "text/plain")

    def _certificates(self, request: Request, body: bytes) -> Answer:
        del request, body
        valid = [certificate for certificate in self.keys.certificates if certificate.expires > clock.now()]
        if not valid:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书，请在商户平台使用微信支付公钥")
        return {
            "data": [
                {
                    "serial_no": certificate.serial,
                    "effective_time": rfc3339(clock.now()),
                    "expire_time": rfc3339(certificate.expires),
                    "encrypt_certificate": self.keys.seal(certificate.pem, "certificate"),
                }
                for certificate in valid
            ]
        }


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise ApiError(400, "PARAM_ERROR", "参数错误：请求体不是 JSON")
    return fields


def _injected(fault: Fault, default: int) -> ApiError:
    status = int(fault.number(default))
    return ApiError(status, fault.code or _CODES.get(status, "SERVICE_UNAVAILABLE"), "沙箱注入的故障")
