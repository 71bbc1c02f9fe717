"""The response format shared by the WeChat service account and WeCom: HTTP 200 with an ``errcode``.

0 or no ``errcode`` means success. Some responses are JSON although their type is ``text/plain``.
Credentials are in the query string, so no URL may appear in an error or a log line.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

import httpx

from backend.gateways.errors import Rejected, Unavailable, Unknown

# At INFO httpx logs whole URLs; here they would leak secrets, tokens and robot keys.
logging.getLogger("httpx").setLevel(logging.WARNING)

BUSY = {-1, 45011, 45033}
RATE_LIMITED = 45009
RATE_LIMIT_PAUSE_SECONDS = 60.0


async def call(
    client: httpx.AsyncClient,
    system: str,
    method: str,
    path: str,
    *,
    params: Mapping[str, str],
    body: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Send one request and return its JSON object.

    Raises :class:`Unavailable` (no connection, busy, rate limit: retry after 60 s), :class:`Rejected` with the
    ``errcode`` as its code ("40013"), or :class:`Unknown` (timeout, broken connection, HTTP error, unreadable answer).
    """
    try:
        answer = await client.request(method, path, params=params, json=body)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
        raise Unavailable(system, "unreachable") from None
    except httpx.TransportError as error:
        raise Unknown(system, "no_answer", type(error).__name__) from None
    if answer.status_code != httpx.codes.OK:
        raise Unknown(system, f"http_{answer.status_code}")
    data = _json_object(answer.content)
    if data is None:
        raise Unknown(system, "bad_answer", "no JSON object")
    _raise_for_errcode(system, data, list(params.values()))
    return data


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(content)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _raise_for_errcode(system: str, data: dict[str, Any], sent: list[str]) -> None:
    errcode = data.get("errcode", 0)
    if not isinstance(errcode, int):
        raise Unknown(system, "bad_answer", "errcode is not a number")
    if errcode == 0:
        return
    message = str(data.get("errmsg", ""))[:300]
    for value in sent:
        # The error message may quote our parameters, which include the credential.
        message = message.replace(value, "***") if value else message
    if errcode in BUSY:
        raise Unavailable(system, str(errcode), message)
    if errcode == RATE_LIMITED:
        raise Unavailable(system, str(errcode), message, retry_after=RATE_LIMIT_PAUSE_SECONDS)
    raise Rejected(system, str(errcode), message)
