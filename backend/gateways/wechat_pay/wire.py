"""One signed exchange over HTTP, and what its failures mean. Knows nothing about orders and refunds."""

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
    """Signs and sends. Answers are neither verified nor judged here, see :func:`refusal`."""

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
            trust_env=False,  # where money requests go is decided by the settings alone, not by proxy variables
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def exchange(self, method: str, where: str, body: bytes = b"") -> httpx.Response:
        """Send to ``where``, a path below the base URL or a whole URL.

        Without a connection: Unavailable. Lost or late after sending: Unknown. A GET is tried a second
        time after no connection or a 5xx; a POST never repeats by itself.
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
        # Signed is what httpx is going to send, after its own percent-encoding.
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
    """The error an answer other than 200 and 204 stands for; ``busy`` is what a 429 means for this call.

    ``code`` and status decide, never the text (WeChat Pay v3, error codes: the same code has several statuses).
    A 4xx without WeChat Pay's JSON comes from something in between and decides nothing, except 404 and 405,
    whose bodies are empty for an unknown path.
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
    """Log what pins a refusal down; for SIGN_ERROR also the length of the text the other side expected."""
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
