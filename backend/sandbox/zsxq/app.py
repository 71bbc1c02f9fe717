"""The HTTP layer of the simulator. Checks faults, credential and signature, then calls the handler."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from backend.core import clock
from backend.sandbox.zsxq import api, control, shapes
from backend.sandbox.zsxq.api import ApiError, Ask
from backend.sandbox.zsxq.faults import Fault
from backend.sandbox.zsxq.shapes import Json
from backend.sandbox.zsxq.state import ZsxqState
from backend.sandbox.zsxq.world import Call, Token

SAMPLED_PROBABILITY = 0.3

_PAGE = "<!doctype html><html><head><title>知识星球</title></head><body>系统繁忙，请稍后再试</body></html>"


class ZsxqSandbox(ZsxqState):
    """The simulator with its HTTP API. ``app`` can be mounted under any prefix."""

    @cached_property
    def app(self) -> Starlette:
        routes: list[Route | Mount] = [
            Route(path, _Endpoint(self, handler), methods=[method]) for method, path, handler in api.ROUTES
        ]
        return Starlette(routes=[*routes, Mount("/_control/zsxq", app=control.build(self))])

    def transport(self) -> "SandboxTransport":
        """A transport for an httpx client that calls the simulator without a socket."""
        return SandboxTransport(self)

    def token_of(self, request: Request) -> Token | None:
        """The caller's token, from the cookie (web) or Authorization (app). None if unknown or absent."""
        value = request.headers.get("authorization", "")
        try:
            cookie = SimpleCookie(request.headers.get("cookie", "")).get("zsxq_access_token")
        except CookieError:
            cookie = None
        return self.tokens.get(cookie.value if cookie else value)

    def refusal(self, token: Token) -> Response | None:
        """The error response for an invalid token, None for a valid one."""
        if token.state == "kicked":
            return JSONResponse(shapes.failure(1009, "你的账号已在其他设备登录"))
        if token.state == "banned":
            return JSONResponse(shapes.failure(10009, "账号已被封禁"))
        if token.state == "revoked" or token.expires_at <= clock.now():
            return self.unauthenticated()
        return None

    def unauthenticated(self) -> Response:
        """The response for a missing, unknown, revoked or expired token."""
        return JSONResponse(shapes.failure(401, "未认证"), 401 if self.auth_failure == "http" else 200)

    def signature_fails(self, request: Request) -> bool:
        """Whether the request is refused for its X-Signature. Random in ``sampled`` mode."""
        if self.signature == "off" or _is_signed(request):
            return False
        return self.signature == "strict" or self.random.random() < SAMPLED_PROBABILITY

    def is_repeated_create(self, request_id: str) -> bool:
        """Whether a create with this request id was seen before. Records the id."""
        known = request_id in self._created_with
        self._created_with.add(request_id)
        return known


class _Endpoint:
    """One route of the API as an ASGI application: applies faults, responds, and records the call."""

    def __init__(self, sandbox: ZsxqSandbox, handler: Callable[[Ask], Json]) -> None:
        self._sandbox = sandbox
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        index = request.query_params.get("index", "")
        faults = self._sandbox.faults.striking(request.url.path, int(index) if index.isdigit() else None)
        by_name: dict[str, Fault] = {fault.name: fault for fault in faults}
        if slow := by_name.get("slow"):
            await self._sandbox.faults.wait(slow.value or 1.0)
        response, outcome = await self._answer(request, by_name)
        if "drop" in by_name:
            response, outcome = _cut_off(response), "drop"
        self._sandbox.calls.append(
            Call(
                request.method,
                request.url.path,
                request.url.query,
                request.headers.get("x-request-id", ""),
                request.headers.get("x-timestamp", ""),
                outcome,
            )
        )
        await response(scope, receive, send)

    async def _answer(self, request: Request, faults: dict[str, Fault]) -> tuple[Response, str]:
        sandbox = self._sandbox
        token = sandbox.token_of(request)
        if "expire_token" in faults and token is not None:
            token.expires_at = clock.now()
        if refused := _refused_by_fault(faults, token):
            return refused
        if token is None:
            return sandbox.unauthenticated(), "auth"
        if refusal := sandbox.refusal(token):
            return refusal, "auth"
        if sandbox.signature_fails(request) or sandbox.random.random() < sandbox.busy_probability:
            return JSONResponse(shapes.failure(1059, "内部错误")), "1059"
        headers = {"X-Expire-In": str(int((token.expires_at - clock.now()).total_seconds()))}
        try:
            data = self._handler(await self._ask(request, token, faults))
        except ApiError as error:
            return JSONResponse(shapes.failure(error.code, error.text), headers=headers), str(error.code)
        return JSONResponse(shapes.envelope(_altered(data, faults)), headers=headers), "ok"

    async def _ask(self, request: Request, token: Token, faults: dict[str, Fault]) -> Ask:
        query = dict(request.query_params)
        if "repeat_page" in faults:
            query["index"] = "0"
        body = None
        if request.method != "GET":
            body = _req_data(await request.body())
            if request.method == "POST" and self._sandbox.is_repeated_create(request.headers.get("x-request-id", "")):
                raise ApiError(1013, "重复的请求")
        return Ask(self._sandbox, token.user_id, request.path_params, query, body, "shuffle_ties" in faults)


def _cut_off(response: Response) -> Response:
    """Send fewer bytes than Content-Length. A server then closes the socket; SandboxTransport raises ReadError."""
    whole = bytes(response.body)
    return Response(
        whole[: len(whole) // 2], headers={"content-length": str(len(whole))}, media_type="application/json"
    )


def _req_data(raw: bytes) -> Json | None:
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    data = body.get("req_data") if isinstance(body, dict) else None
    return data if isinstance(data, dict) else None


def _is_signed(request: Request) -> bool:
    """Whether X-Signature matches the raw request URL, including the mount prefix."""
    headers, scope = request.headers, request.scope
    address = f"{scope['scheme']}://{headers.get('host', '')}{scope['raw_path'].decode('ascii')}"
    if query := scope["query_string"].decode("ascii"):
        address += f"?{query}"
    signed = f"{address} {headers.get('x-timestamp', '')} {headers.get('x-request-id', '')}"
    # The real system uses SHA-1.
    expected = hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()
    return bool(headers.get("x-request-id")) and headers.get("x-signature") == expected


def _refused_by_fault(faults: dict[str, Fault], token: Token | None) -> tuple[Response, str] | None:
    """The response and outcome of a fault that prevents the call, or None."""
    if sticky := faults.get("sticky_1059"):
        if sticky.hits > sticky.limit and token is not None:
            token.state = "revoked"
        else:
            return JSONResponse(shapes.failure(1059, "设备状态异常，请检查后重试")), "1059"
    if "busy_1059" in faults:
        return JSONResponse(shapes.failure(1059, "内部错误")), "1059"
    if limited := faults.get("http_429"):
        headers = {} if limited.value is None else {"Retry-After": str(int(limited.value))}
        return PlainTextResponse("too many requests", 429, headers), "429"
    if broken := faults.get("http_5xx"):
        status = int(broken.value or 502)
        return PlainTextResponse("bad gateway", status), str(status)
    if "html_body" in faults:
        return Response(_PAGE, media_type="text/html"), "html"
    if coded := faults.get("code"):
        number = int(coded.value or 1004)
        return JSONResponse(shapes.failure(number, coded.text)), str(number)
    return None


def _altered(data: Json, faults: dict[str, Fault]) -> Json:
    """Apply the faults that change the content of a response."""
    lists = [key for key, value in data.items() if isinstance(value, list)]
    if "empty_page" in faults:
        data = {**data, **{key: [] for key in lists}}
    if "junk_row" in faults:
        data = {**data, **{key: [*data[key], {"strange": True}] for key in lists}}
    if rename := faults.get("rename_field"):
        data = _each_object(data, lambda it: {rename.to if key == rename.field else key: it[key] for key in it})
    if "extra_field" in faults:
        data = _each_object(data, lambda it: {**it, "new_thing": {"since": 2026}})
    return data


def _each_object(value: Any, change: Callable[[Json], Json]) -> Any:
    if isinstance(value, dict):
        return change({key: _each_object(inner, change) for key, inner in value.items()})
    if isinstance(value, list):
        return [_each_object(inner, change) for inner in value]
    return value


class SandboxTransport(httpx.AsyncBaseTransport):
    """Calls the application directly. Raises ReadError and ReadTimeout like a real connection."""

    def __init__(self, sandbox: ZsxqSandbox) -> None:
        self._asgi = httpx.ASGITransport(app=sandbox.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                response = await self._asgi.handle_async_request(request)
        except TimeoutError:
            raise httpx.ReadTimeout("no answer", request=request) from None
        body = await response.aread()
        if len(body) < int(response.headers.get("content-length", len(body))):
            raise httpx.ReadError("connection lost", request=request)
        return response
