"""Telling staff through WeCom: application messages and group robots.

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

# The token was revoked (40014) or ran out (42001) earlier than we thought.
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
        """Whether a group robot is set for alarms (a message may also name its own)."""
        return bool(self._settings.robot_key.get_secret_value())

    async def send_app_message(self, text: str, *, tail: str = "", user_ids: str | None = None) -> list[str]:
        """Send a text to ``user_ids`` ("a|b", "@all"; default: those of the settings).

        Returns the lower-cased ids WeCom could not reach. Of more than 2048 bytes the text is cut, ``tail`` behind it
        never. An equal text to equal receivers is shown once within 30 minutes (WeCom's duplicate check), which makes
        a repeat harmless if the text holds a number of its own. More than 30 messages a minute to one person vanish
        silently.

        Raises Unavailable (busy, unreachable; rate limit: retry after 60 s), Rejected with the errcode
        ("60020": our address is not allowed, "81013": nobody reachable, "not_configured"), Unknown (it may have
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
        """Send a text into the group of a robot (``key``; default: the one of the settings).

        The key is the whole credential. A robot takes 20 messages a minute, then Unavailable (retry after 60 s);
        other errors as above. A repeat after Unknown may show the text twice.
        """
        robot = (key or self._settings.robot_key).get_secret_value()
        if not robot:
            raise Rejected(SYSTEM, "not_configured")
        body = {"msgtype": "text", "text": {"content": _cut(text)}}
        await self._post("/cgi-bin/webhook/send", {"key": robot}, body)

    async def probe(self) -> None:
        """Ask for a token, which shows that corporation and secret fit together. Raises as :meth:`send_app_message`."""
        if not self.configured:
            raise Rejected(SYSTEM, "not_configured")
        await self._fetch_token(False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _post(self, path: str, params: dict[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        return await errcode.call(self._client, SYSTEM, "POST", path, params=params, body=body)

    async def _fetch_token(self, _: bool) -> dict[str, Any]:
        # WeCom has no word for a new one: it hands one out by itself once the old one is revoked.
        params = {"corpid": self._settings.corp_id, "corpsecret": self._settings.secret.get_secret_value()}
        return await errcode.call(self._client, SYSTEM, "GET", "/cgi-bin/gettoken", params=params)


def _cut(text: str, tail: str = "") -> str:
    room = TEXT_MAX_BYTES - len(tail.encode())
    return text.encode()[:room].decode(errors="ignore") + tail
