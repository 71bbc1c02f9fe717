"""The sandbox as a whole: five simulators and the overview in one ASGI application.

Each simulator lives under a prefix of its own, which is part of the base address the product is given. Signatures
cover the path with the prefix, as they would behind any gateway of the real systems.
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
    """The composed simulators. ``app`` serves all of them; ``base_url`` is where it is reached."""

    base_url: str
    wechat_pay: WeChatPaySandbox
    oauth: OAuthSandbox
    wechat_mp: WeChatMpSandbox
    zsxq: ZsxqSandbox
    wecom: WeComSandbox
    app: Starlette

    def environment(self, keys_dir: Path) -> dict[str, str]:
        """Every CAMP_* variable that points the product here. Key files are written below ``keys_dir`` (0600)."""
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
    """Fresh simulators with empty books, reached at ``base_url`` (no slash at the end).

    WeChat Pay's notifications travel through ``notify_transport`` when given, else over the network. The lifespan
    of ``app`` keeps them going; without one, tests call ``wechat_pay.deliver_due()``.
    """
    base_url = base_url.rstrip("/")
    oauth = OAuthSandbox()
    # An openid belongs to one service account: who logs in and who pays must be the same account's user.
    wechat_pay = WeChatPaySandbox.create(
        app_id=oauth.app_id, base_url=f"{base_url}/wechat-pay", notify_transport=notify_transport
    )
    # One service account, hence one address: its messages beside its web authorisation.
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
