"""One signed HTTP exchange and its errors. Knows nothing about orders and refunds."""

import asyncio
import json
import logging

import httpx

from backend.gateways.errors import GatewayError, Rejected, Unavailable, Unknown
from backend.gateways.wechat_pay.credentials import Credentials
from backend.gateways.wechat_pay.types import SYSTEM

log = logging.getLogger(__name__)

_BUSY = {"FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"}
_SICK = {"SYSTEM_ERROR", "SERVICE_UNAVAILABLE"}
_PAUSE_SECONDS = 0.2


class Wire:
    """Signs and sends requests. It neither verifies responses nor checks their status, see :func:`refusal`."""

    def __init__(
        self,
        base_url: str,
        timeout_seconds: float,
        credentials: Credentials,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._credentials = credentials
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, 5.0)),
            trust_env=False,  # proxy environment variables must not redirect payment requests
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def exchange(self, method: str, where: str, body: bytes = b"") -> httpx.Response:
        """Send a request to ``where``, a path below the base URL or a whole URL.

        Raises Unavailable without a connection, Unknown if the connection is lost or times out after sending. Retries a
        GET once after a connection failure or a 5xx. Never retries a POST.
        """
        url = where if where.startswith("http") else self._base_url + where
        try:
            response = await self._once(method, url, body)
        except Unavailable:
            if method != "GET":
                raise
        else:
            if method != "GET" or response.status_code < 500:
                return response
        await asyncio.sleep(_PAUSE_SECONDS)
        return await self._once(method, url, body)

    async def _once(self, method: str, url: str, body: bytes) -> httpx.Response:
        headers = {"Accept": "application/json", "User-Agent": "camp-deposit/1"}
        if body:
            headers["Content-Type"] = "application/json"
        if self._credentials.public_key is not None:
            headers["Wechatpay-Serial"] = self._credentials.public_key_id
        request = self._client.build_request(method, url, headers=headers, content=body)
        # Sign the target as httpx sends it, after its percent-encoding; otherwise WeChat Pay answers SIGN_ERROR.
        target = request.url.raw_path
        request.headers["Authorization"] = self._credentials.merchant.authorization(method, target, body)
        try:
            return await self._client.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise Unavailable(SYSTEM, "no_connection", type(error).__name__) from error
        except httpx.TimeoutException as error:
            raise Unknown(SYSTEM, "timeout", type(error).__name__) from error
        except httpx.RequestError as error:
            raise Unknown(SYSTEM, "connection_lost", type(error).__name__) from error


def refusal(response: httpx.Response, *, busy: type[GatewayError] = Unavailable) -> GatewayError:
    """The error for a response other than 200 and 204; ``busy`` is the error class for a 429.

    It depends on ``code`` and status, not on the text (WeChat Pay v3, error codes: one code has several statuses).
    A 4xx without WeChat Pay's JSON comes from an intermediary and is Unknown. The exceptions are 404 and 405: their
    body is empty for an unknown path.
    """
    status = response.status_code
    code, message = _code_and_message(response)
    _note(response, code)
    if status == 429 or code in _BUSY:
        return busy(SYSTEM, code or "FREQUENCY_LIMITED", message)
    if not 400 <= status < 500 or code in _SICK:
        return Unknown(SYSTEM, code or f"http_{status}", message)
    if status == 401:
        return Rejected(SYSTEM, "SIGN_ERROR", message)
    if code or status in (404, 405):
        return Rejected(SYSTEM, code or f"http_{status}", message)
    return Unknown(SYSTEM, f"http_{status}")


def _code_and_message(response: httpx.Response) -> tuple[str, str]:
    answer = _json_object(response)
    code, message = answer.get("code"), answer.get("message")
    return (code if isinstance(code, str) else "", message[:200] if isinstance(message, str) else "")


def _note(response: httpx.Response, code: str) -> None:
    """Log the details of a refusal; for SIGN_ERROR also the length of the signed text that WeChat Pay expected."""
    detail = _json_object(response).get("detail")
    information = detail.get("sign_information") if isinstance(detail, dict) else None
    length = information.get("sign_message_length") if isinstance(information, dict) else None
    log.warning(
        "wechat pay refused %s %s: http %d %s request_id=%s sign_message_length=%s",
        response.request.method,
        response.request.url.path,
        response.status_code,
        code or "-",
        response.headers.get("Request-ID", "-"),
        length if isinstance(length, int) else "-",
    )


def _json_object(response: httpx.Response) -> dict[str, object]:
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
