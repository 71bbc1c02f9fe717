"""The composed sandbox: five simulators and the overview page in one ASGI application.

Each simulator is mounted under its own prefix, which is part of the base URL in the product's settings. Signatures
cover the path with the prefix, as behind a gateway of the real systems.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from backend.sandbox.oauth import OAuthSandbox
from backend.sandbox.overview import Overview, Simulators
from backend.sandbox.wechat_mp import WeChatMpSandbox
from backend.sandbox.wechat_pay import WeChatPaySandbox
from backend.sandbox.wecom import WeComSandbox
from backend.sandbox.zsxq import ZsxqSandbox


@dataclass(frozen=True)
class Sandbox:
    """The composed simulators. ``app`` serves all of them at ``base_url``."""

    base_url: str
    wechat_pay: WeChatPaySandbox
    oauth: OAuthSandbox
    wechat_mp: WeChatMpSandbox
    zsxq: ZsxqSandbox
    wecom: WeComSandbox
    app: Starlette

    def environment(self, keys_dir: Path) -> dict[str, str]:
        """Return the CAMP_* variables that point the product here. Writes key files (0600) to ``keys_dir``."""
        return self.wechat_pay.write_keys(keys_dir) | {
            "CAMP_WECHAT_OAUTH__BASE_URL": f"{self.base_url}/oauth",
            "CAMP_WECHAT_OAUTH__AUTHORIZE_URL": f"{self.base_url}/oauth/connect/oauth2/authorize",
            "CAMP_WECHAT_OAUTH__APP_ID": self.oauth.app_id,
            "CAMP_WECHAT_OAUTH__APP_SECRET": self.oauth.app_secret,
            "CAMP_ZSXQ__BASE_URL": f"{self.base_url}/zsxq",
            "CAMP_ZSXQ__MIN_INTERVAL_SECONDS": "0",
            "CAMP_WECOM__BASE_URL": f"{self.base_url}/wecom",
            "CAMP_WECOM__CORP_ID": self.wecom.corp_id,
            "CAMP_WECOM__AGENT_ID": str(self.wecom.agent_id),
            "CAMP_WECOM__SECRET": self.wecom.secret,
            "CAMP_WECOM__ROBOT_KEY": self.wecom.robot_key,
        }


def build_sandbox(*, base_url: str, notify_transport: httpx.AsyncBaseTransport | None = None) -> Sandbox:
    """Create new simulators with empty books, served at ``base_url``.

    WeChat Pay's notifications go through ``notify_transport`` if given, else over the network. They are delivered
    during the lifespan of ``app``. Without a lifespan, tests call ``wechat_pay.deliver_due()``.
    """
    base_url = base_url.rstrip("/")
    oauth = OAuthSandbox()
    # Openids are specific to a service account. With another app_id, log-in and payment would have different openids.
    wechat_pay = WeChatPaySandbox.create(
        app_id=oauth.app_id, base_url=f"{base_url}/wechat-pay", notify_transport=notify_transport
    )
    # One service account has one base URL, so messages and web authorisation share a prefix.
    wechat_mp = WeChatMpSandbox(oauth)
    zsxq, wecom = ZsxqSandbox(), WeComSandbox()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with wechat_pay.running():
            yield

    app = Starlette(
        routes=[
            *Overview(Simulators(wechat_pay, oauth, wechat_mp, zsxq, wecom)).routes(),
            Mount("/wechat-pay", wechat_pay.app),
            Mount("/oauth", routes=[*wechat_mp.routes, Mount("/", oauth.app)]),
            Mount("/zsxq", zsxq.app),
            Mount("/wecom", wecom.app),
        ],
        lifespan=lifespan,
    )
    return Sandbox(base_url, wechat_pay, oauth, wechat_mp, zsxq, wecom, app)
