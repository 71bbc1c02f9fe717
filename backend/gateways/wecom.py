"""Messages through WeCom: application messages and group robots.

Source: developer.work.weixin.qq.com, documents 90236 (message/send) and 91770 (group robot).
"""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import SecretStr

from backend.core.config import WeComSettings
from backend.gateways import errcode
from backend.gateways.access_token import AccessToken
from backend.gateways.errors import Rejected

SYSTEM = "wecom"
TEXT_MAX_BYTES = 2048

# The token was revoked (40014) or expired (42001) before its announced end.
_TOKEN_REFUSED = frozenset({"40014", "42001"})


class WeCom:
    """One WeCom application and one group robot. ``transport`` replaces the network in tests."""

    def __init__(self, settings: WeComSettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            base_url=settings.base_url, timeout=settings.timeout_seconds, transport=transport, follow_redirects=False
        )
        self._token = AccessToken(self._fetch_token, refused_codes=_TOKEN_REFUSED)

    @property
    def configured(self) -> bool:
        """Whether application messages can be sent."""
        return bool(self._settings.corp_id and self._settings.agent_id and self._settings.secret.get_secret_value())

    @property
    def robot_configured(self) -> bool:
        """Whether the default group robot, for alarms, is set (a message may use another one)."""
        return bool(self._settings.robot_key.get_secret_value())

    async def send_app_message(self, text: str, *, tail: str = "", user_ids: str | None = None) -> list[str]:
        """Send a text to ``user_ids`` ("a|b", "@all"; default: those in the settings).

        Returns the lower-cased ids that WeCom could not reach. Beyond 2048 bytes the text is cut, but never ``tail``,
        which is appended to it. WeCom shows an equal text to equal receivers only once within 30 minutes (duplicate
        check). A text with a unique number is therefore safe to repeat. WeCom silently drops messages beyond 30 a
        minute to one person.

        Raises Unavailable (busy, unreachable; rate limit: retry after 60 s), Rejected with the errcode
        ("60020": our IP is not allowed, "81013": nobody reachable, "not_configured"), Unknown (it may have
        been sent).
        """
        if not self.configured:
            raise Rejected(SYSTEM, "not_configured")
        body = {
            "touser": user_ids or self._settings.alert_user_ids,
            "msgtype": "text",
            "agentid": self._settings.agent_id,
            "text": {"content": _cut(text, tail)},
            "enable_duplicate_check": 1,
        }
        answer = await self._token.use(lambda token: self._post("/cgi-bin/message/send", {"access_token": token}, body))
        invalid = answer.get("invaliduser")
        return [user for user in invalid.split("|") if user] if isinstance(invalid, str) else []

    async def send_robot_text(self, text: str, *, key: SecretStr | None = None) -> None:
        """Send a text to the group of a robot (``key``; default: the one in the settings).

        The key alone authorises sending. A robot accepts 20 messages a minute; beyond that raises Unavailable (retry
        after 60 s). Other errors as for :meth:`send_app_message`. A retry after Unknown may show the text twice.
        """
        robot = (key or self._settings.robot_key).get_secret_value()
        if not robot:
            raise Rejected(SYSTEM, "not_configured")
        body = {"msgtype": "text", "text": {"content": _cut(text)}}
        await self._post("/cgi-bin/webhook/send", {"key": robot}, body)

    async def probe(self) -> None:
        """Check that corporation id and secret match, by requesting a token. Raises as :meth:`send_app_message`."""
        if not self.configured:
            raise Rejected(SYSTEM, "not_configured")
        await self._fetch_token(False)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _post(self, path: str, params: dict[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        return await errcode.call(self._client, SYSTEM, "POST", path, params=params, body=body)

    async def _fetch_token(self, _: bool) -> dict[str, Any]:
        # WeCom has no parameter to force a new token: it issues one by itself once the old one is revoked.
        params = {"corpid": self._settings.corp_id, "corpsecret": self._settings.secret.get_secret_value()}
        return await errcode.call(self._client, SYSTEM, "GET", "/cgi-bin/gettoken", params=params)


def _cut(text: str, tail: str = "") -> str:
    room = TEXT_MAX_BYTES - len(tail.encode())
    return text.encode()[:room].decode(errors="ignore") + tail
