"""Template messages from the service account to members who follow it.

Source: WeChat service account, ``stable_token`` and ``message/template/send``; errors as in the provider's table.
It must be the account used for web authorisation: an openid is valid for one account only.
"""

import re
from collections.abc import Mapping
from typing import Any

import httpx

from backend.core import clock
from backend.core.config import WeChatOAuthSettings
from backend.gateways import errcode
from backend.gateways.access_token import AccessToken
from backend.gateways.errors import Rejected, Unavailable

SYSTEM = "wechat_mp"

_TOKEN_REFUSED = frozenset({"40001", "40014", "42001", "41001"})
# The member can't be reached on this channel: not following, wrong account, refused, not authorised. Use another one.
UNREACHABLE = frozenset({"43004", "40003", "43101", "50001"})
_DAILY_QUOTA = "45009"

# Maximum characters per type of template field; WeChat refuses or cuts longer values.
_LIMITS = {
    "thing": 20, "const": 20, "name": 10, "phrase": 5, "number": 32, "letter": 32, "symbol": 5, "character_string": 32,
    "time": 32, "date": 32, "amount": 20, "phone_number": 17, "car_number": 8,
}  # fmt: skip
_OTHER_LIMIT = 200


class WeChatMp:
    """One service account. ``transport`` replaces the network in tests."""

    def __init__(self, settings: WeChatOAuthSettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            base_url=settings.base_url, timeout=settings.timeout_seconds, transport=transport, follow_redirects=False
        )
        self._token = AccessToken(self._fetch_token, refused_codes=_TOKEN_REFUSED)

    @property
    def configured(self) -> bool:
        """Whether app id and secret are set."""
        return bool(self._settings.app_id and self._settings.app_secret.get_secret_value())

    async def send_template(
        self, openid: str, *, template_id: str, fields: Mapping[str, str], url: str, message_id: str
    ) -> None:
        """Send a template message. Values are cut to their field's limit; ``message_id`` makes the call idempotent.

        Raises Unavailable (busy, unreachable; the daily quota: retry after midnight), Rejected with the errcode
        (one of ``UNREACHABLE``: this person can't be reached; "40037": no such template; "47003": fields don't fit;
        "not_configured"), Unknown (it may have been sent).
        """
        if not self.configured:
            raise Rejected(SYSTEM, "not_configured")
        body = {
            "touser": openid,
            "template_id": template_id,
            "url": url,
            "client_msg_id": message_id,
            "data": {key: {"value": fit(key, value)} for key, value in fields.items()},
        }
        try:
            await self._token.use(
                lambda token: self._post("/cgi-bin/message/template/send", {"access_token": token}, body)
            )
        except Unavailable as error:
            if error.code != _DAILY_QUOTA:
                raise
            raise Unavailable(SYSTEM, error.code, error.message, retry_after=_until_midnight()) from None

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _post(self, path: str, params: dict[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        return await errcode.call(self._client, SYSTEM, "POST", path, params=params, body=body)

    async def _fetch_token(self, force: bool) -> dict[str, Any]:
        secret = self._settings.app_secret.get_secret_value()
        body = {"grant_type": "client_credential", "appid": self._settings.app_id, "secret": secret}
        try:
            return await self._post("/cgi-bin/stable_token", {}, body | {"force_refresh": force})
        except Rejected as error:
            # The error message may quote the request, which holds the secret.
            raise Rejected(SYSTEM, error.code, error.message.replace(secret, "***")) from None


def fit(key: str, value: str) -> str:
    """Make a value valid for its field: one line, within the limit of the type of ``key``, never empty."""
    one_line = " ".join(value.split())
    limit = _LIMITS.get(re.sub(r"\d+$", "", key), _OTHER_LIMIT)
    if len(one_line) > limit:
        one_line = one_line[: limit - 1] + "…" if limit > 5 else one_line[:limit]
    return one_line or "无"


def _until_midnight() -> float:
    now = clock.now()
    return 86400 - (now - clock.day_start(clock.day_of(now))).total_seconds() + 300
