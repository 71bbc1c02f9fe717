"""One request to 知识星球 and its answer: headers, signature, envelope. No retries here."""

import asyncio
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from backend.core import clock
from backend.core.config import ZsxqSettings
from backend.gateways.errors import Rejected, Unavailable, Unknown
from backend.gateways.zsxq.errors import (
    REQUEST_ID_USED,
    SYSTEM,
    AuthExpired,
    BusinessError,
    RateLimited,
    ShapeChanged,
    error_for,
)
from backend.gateways.zsxq.parsing import Json, count

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Request:
    """A request. With a ``body`` it is a write (POST); the body is sent wrapped in ``req_data``."""

    path: str
    params: Mapping[str, str]
    body: Json | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """``resp_data`` of a success, the latency, and the token's remaining seconds (None if the server doesn't say)."""

    data: Json
    latency_ms: int
    expires_in_seconds: int | None


def signature(url: str, timestamp: str, request_id: str) -> str:
    """X-Signature: lower-case hex of SHA-1 over ``url timestamp request_id``.

    ``url`` is exactly as sent, percent-encoded, with its query. Verified against recorded traffic of the official
    clients: no secret, body or method is included.
    """
    # SHA-1 is the server's choice; nothing of ours depends on its security.
    return hashlib.sha1(f"{url} {timestamp} {request_id}".encode(), usedforsecurity=False).hexdigest()


def device_id(token: str) -> str:
    """X-Aduid: a browser has one per installation, so derive a constant one from each token."""
    return str(uuid.UUID(bytes=hashlib.sha256(b"aduid:" + token.encode()).digest()[:16], version=4))


class Wire:
    """The connection pool. Sends single requests; pacing is in ``pacing.py``."""

    def __init__(self, settings: ZsxqSettings, transport: httpx.AsyncBaseTransport | None) -> None:
        self._settings = settings
        self._base_url = settings.base_url.rstrip("/")
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=settings.timeout_seconds,
            follow_redirects=False,  # the signature is valid for one URL only
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def send(self, request: Request, token: str) -> Answer:
        """Send one request. Raises RateLimited, Unavailable or a Rejected; for a write also Unknown."""
        outgoing = self._signed(request, token)
        stopwatch = asyncio.get_running_loop()  # not core.clock: a moved test clock would distort the latency
        started = stopwatch.time()
        try:
            response = await self._client.send(outgoing)
        except httpx.RequestError as error:
            # `from None`: the cause holds the request with the token, which must not reach a log.
            raise _network_error(error, writing=request.body is not None) from None
        latency_ms = round((stopwatch.time() - started) * 1000)
        try:
            data = _resp_data(response, token)
        except (Rejected, Unavailable) as error:
            if request.body is not None and _may_have_happened(error):
                raise Unknown(SYSTEM, error.code, error.message) from None
            raise
        return Answer(data, latency_ms, count(response.headers.get("X-Expire-In")))

    def _signed(self, request: Request, token: str) -> httpx.Request:
        """Build a request with a new id, timestamp and signature. A retry must not repeat the id either."""
        body = None if request.body is None else {"req_data": request.body}
        outgoing = self._client.build_request(
            "GET" if body is None else "POST", self._base_url + request.path, params=request.params or None, json=body
        )
        request_id, timestamp = str(uuid.uuid4()), str(int(clock.timestamp()))
        outgoing.headers.update(
            {
                # Overrides the client's cookie jar, so that a cookie of one token isn't sent with another.
                "Cookie": f"zsxq_access_token={token}",
                "User-Agent": self._settings.user_agent,
                "Origin": "https://wx.zsxq.com",
                "Referer": "https://wx.zsxq.com/",
                "Accept": "application/json, text/plain, */*",
                "Accept-Language": "zh-CN,zh;q=0.9",
                "X-Version": self._settings.client_version,
                "X-Aduid": device_id(token),
                "X-Request-Id": request_id,
                "X-Timestamp": timestamp,
                "X-Signature": signature(str(outgoing.url), timestamp, request_id),
            }
        )
        return outgoing


def _network_error(error: httpx.RequestError, *, writing: bool) -> Unavailable | Unknown:
    code = "timeout" if isinstance(error, httpx.TimeoutException) else "network"
    kind = Unknown if writing and not isinstance(error, _NOT_SENT) else Unavailable
    return kind(SYSTEM, code, type(error).__name__)


def _may_have_happened(error: Rejected | Unavailable) -> bool:
    """Whether a write with this error may have taken effect. After a refusal it can't; after a broken answer it may."""
    if isinstance(error, RateLimited):
        return False
    if isinstance(error, BusinessError):
        return error.number == REQUEST_ID_USED
    return isinstance(error, Unavailable | ShapeChanged)


def _resp_data(response: httpx.Response, token: str) -> Json:
    """The payload of a success. Business errors have HTTP 200 too, so ``succeeded`` decides, not the status."""
    status = response.status_code
    if status == 429:
        raise RateLimited("429", retry_after=_seconds(response.headers.get("Retry-After")))
    if status >= 500:
        raise error_for(status, "")
    envelope = _json(response)
    if isinstance(envelope, dict) and (envelope.get("succeeded") is False or "code" in envelope):
        raise _refusal(status, envelope, token)
    if status >= 400:
        raise error_for(status, "")
    if envelope is None:
        raise Unavailable(SYSTEM, "bad_payload", f"{status} {_shown(response.text, token)}")
    if not isinstance(envelope, dict) or envelope.get("succeeded") is not True:
        raise ShapeChanged("an answer without 'succeeded'")
    data = envelope.get("resp_data")
    if not isinstance(data, dict):
        raise ShapeChanged("an answer without 'resp_data'")
    return data


def _refusal(status: int, envelope: Json, token: str) -> Rejected | Unavailable:
    """The error by the envelope's code; by the status if the code is missing or unknown, and for every 401."""
    text = _shown(_message(envelope), token)
    number = count(envelope.get("code"))
    error = error_for(status if number is None else number, text)
    if (status == 401 and not isinstance(error, AuthExpired)) or (status >= 400 and isinstance(error, BusinessError)):
        return error_for(status, text)
    return error


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None  # e.g. the HTML of a proxy or a log-in page


def _message(envelope: Json) -> str:
    for key in ("error", "info", "message", "msg"):
        if envelope.get(key):
            return str(envelope[key])
    return ""


def _shown(text: str, token: str) -> str:
    """The beginning of a server's text, on one line and without the token, safe to log."""
    return " ".join(text.replace(token, "****").split())[:_SHOWN]


def _seconds(value: str | None) -> float | None:
    """Retry-After in seconds. Its date form is rare and depends on a correct clock, so it counts as absent."""
    seconds = count(value)
    return None if seconds is None else float(seconds)
