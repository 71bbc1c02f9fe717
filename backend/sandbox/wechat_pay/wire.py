"""Verifies requests and signs responses, with the checks in WeChat Pay's order (v3, §1 and §8)."""

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backend.core import clock
from backend.sandbox.wechat_pay.keys import SIGNATURE_TYPE, SIGNTEST, SandboxKeys
from backend.sandbox.wechat_pay.records import Answer, ApiError

_PAIR = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*')
_WINDOW_SECONDS = 300
_TRANSACTIONS = "/v3/pay/transactions/"


def check(request: Request, body: bytes, keys: SandboxKeys) -> None:
    """Raises ApiError unless the merchant signed exactly this request within the last five minutes."""
    complete = "accept" in request.headers and "user-agent" in request.headers
    if not complete and _TRANSACTIONS not in request.url.path:
        raise ApiError(400, "INVALID_REQUEST", "缺少 Accept 或 User-Agent")
    given = _authorization(request.headers.get("authorization", ""))
    if not complete or given is None:
        raise _sign_error("Http头缺少Accept或User-Agent或Authorization格式错误")
    if not given["timestamp"].isdecimal() or abs(clock.timestamp() - int(given["timestamp"])) > _WINDOW_SECONDS:
        raise _sign_error("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
    if (given["mchid"], given["serial_no"].upper()) != (keys.mch_id, keys.merchant_serial):
        raise _sign_error("商户证书序列号有误")
    message = signed_text(request, given, body)
    if not keys.verify_merchant(message, given["signature"]):
        information = {
            "method": request.method,
            "url": _target(request).decode(),
            "truncated_sign_message": message[:60].decode(errors="replace"),
            "sign_message_length": len(message),
        }
        raise _sign_error("签名错误，请检查后再试", information)


def signed_text(request: Request, given: Mapping[str, str], body: bytes) -> bytes:
    """The five signed lines. Path and query are the raw ones of the request, including the mount prefix."""
    lines = (request.method.encode(), _target(request), given["timestamp"].encode(), given["nonce_str"].encode(), body)
    return b"".join(line + b"\n" for line in lines)


def answer(request: Request, keys: SandboxKeys, status: int, content: Answer | None) -> Response:
    """A signed 2xx response. ``content`` None: empty body."""
    body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
    serial = keys.reply_serial(request.headers.get("wechatpay-serial"))
    headers = keys.stamp(serial, body) | {"Request-ID": request_id()}
    return Response(body, status, headers, media_type=None if content is None else "application/json")


def signtest(response: Response) -> Response:
    """The same response with a probe signature (WECHATPAY/SIGNTEST/)."""
    response.headers["Wechatpay-Signature"] = SIGNTEST + response.headers["Wechatpay-Signature"][len(SIGNTEST) :]
    return response


def unsigned(response: Response) -> Response:
    """The same response without signature headers."""
    for name in [name for name in response.headers if name.startswith("wechatpay-")]:
        del response.headers[name]
    return response


def error(request: Request, failure: ApiError) -> Response:
    """An error response: unsigned, and without Request-ID for a 401 of the transaction endpoints."""
    content: dict[str, Any] = {"code": failure.code, "message": failure.message}
    if failure.detail is not None:
        content["detail"] = failure.detail
    bare = failure.status == 401 and _TRANSACTIONS in request.url.path
    headers = {} if bare else {"Request-ID": request_id()}
    return Response(json.dumps(content, ensure_ascii=False), failure.status, headers, "application/json")


def request_id() -> str:
    return f"08{secrets.token_hex(12).upper()}-0"


class BrokenOff(Response):
    """A response that breaks off: the connection closes in the middle of the body.

    A real server closes the connection if the application fails after it started the response. Over
    ``httpx.ASGITransport`` the caller gets httpx.ReadError, as for a lost connection.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise httpx.ReadError("the sandbox broke the connection off")


def _target(request: Request) -> bytes:
    raw: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return raw + b"?" + query if query else raw


def _authorization(header: str) -> dict[str, str] | None:
    """The fields by name, in any order. None for another scheme or a missing field."""
    scheme, _, rest = header.partition(" ")
    if scheme != SIGNATURE_TYPE:
        return None
    matches = [_PAIR.fullmatch(pair) for pair in rest.split(",")]
    fields = {match[1]: match[2] for match in matches if match}
    needed = {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}
    return fields if None not in matches and needed <= fields.keys() else None


def _sign_error(message: str, information: Answer | None = None) -> ApiError:
    detail: Answer | None = None
    if information is not None:
        issue = {"issue": "sign not match"}
        detail = {"field": "signature", "location": "authorization", "detail": issue, "sign_information": information}
    return ApiError(401, "SIGN_ERROR", message, detail)
