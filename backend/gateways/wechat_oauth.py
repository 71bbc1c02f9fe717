"""Get the openid of a page's visitor through the service account's web authorisation.

Source: WeChat service account, web authorisation (``snsapi_base``, silent, openid only).
"""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

import httpx

from backend.core.config import WeChatOAuthSettings
from backend.gateways import errcode
from backend.gateways.errors import Rejected, Unknown

SYSTEM = "wechat_oauth"

# 40029 bad code, 40163 code used (a page reload repeats it), 41008 code missing: the member must log in again.
_START_OVER = {"40029", "40163", "41008"}


@dataclass(frozen=True, slots=True)
class OAuthIdentity:
    """A WeChat user as identified to our service account.

    ``is_snapshot`` marks WeChat's preview mode, in which the openid is fake and can't pay.
    """

    openid: str
    unionid: str | None
    is_snapshot: bool


class WeChatOAuth:
    """One service account. ``transport`` replaces the network in tests."""

    def __init__(self, settings: WeChatOAuthSettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(
            base_url=settings.base_url, timeout=settings.timeout_seconds, transport=transport, follow_redirects=False
        )

    @property
    def configured(self) -> bool:
        """Whether app id and secret are set."""
        return bool(self._settings.app_id and self._settings.app_secret.get_secret_value())

    def authorize_url(self, redirect_uri: str, state: str) -> str:
        """The URL to redirect the browser to; WeChat returns to ``redirect_uri?code=…&state=…``.

        WeChat requires this order of parameters and the fragment at the end. ``state`` should be letters and digits,
        at most 128 bytes.
        """
        query = urlencode(
            {
                "appid": self._settings.app_id,
                "redirect_uri": redirect_uri,
                "response_type": "code",
                "scope": "snsapi_base",
                "state": state,
            },
            quote_via=quote,
            safe="",
        )
        return f"{self._settings.authorize_url}?{query}#wechat_redirect"

    async def exchange(self, code: str) -> OAuthIdentity:
        """Exchange the single-use code (valid for 5 minutes) for the openid.

        Raises ``Rejected("code_invalid")`` if the member must log in again, ``Rejected("not_configured")`` or another
        Rejected with WeChat's errcode for a wrong configuration, Unavailable if WeChat is busy or unreachable, Unknown
        if there is no readable answer (the code may already be used up).
        """
        if not self.configured:
            raise Rejected(SYSTEM, "not_configured")
        if not code:
            raise Rejected(SYSTEM, "code_invalid", "no code")
        params = {
            "appid": self._settings.app_id,
            "secret": self._settings.app_secret.get_secret_value(),
            "code": code,
            "grant_type": "authorization_code",
        }
        try:
            data = await errcode.call(self._client, SYSTEM, "GET", "/sns/oauth2/access_token", params=params)
        except Rejected as error:
            if error.code in _START_OVER:
                raise Rejected(SYSTEM, "code_invalid", f"{error.code} {error.message}") from None
            raise
        openid, unionid = data.get("openid"), data.get("unionid")
        if not isinstance(openid, str) or not openid:
            raise Unknown(SYSTEM, "bad_answer", "no openid")
        return OAuthIdentity(
            openid=openid,
            unionid=unionid if isinstance(unionid, str) and unionid else None,
            is_snapshot=data.get("is_snapshotuser") == 1,
        )

    async def probe(self) -> None:
        """Check that app id and secret match, by requesting the account's server token.

        Uses the stable token, because requesting it doesn't invalidate the token of other callers. Raises Rejected with
        WeChat's errcode ("40164": our IP isn't on the account's allow-list) or "not_configured", Unavailable, Unknown.
        """
        if not self.configured:
            raise Rejected(SYSTEM, "not_configured")
        secret = self._settings.app_secret.get_secret_value()
        body = {"grant_type": "client_credential", "appid": self._settings.app_id, "secret": secret}
        await errcode.call(self._client, SYSTEM, "POST", "/cgi-bin/stable_token", params={}, body=body)

    async def aclose(self) -> None:
        await self._client.aclose()
