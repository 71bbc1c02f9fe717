"""The HTTP API of the simulated WeChat Pay: one ASGI application for a merchant."""

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from backend.sandbox.wechat_pay.api import Api
from backend.sandbox.wechat_pay.control import Control
from backend.sandbox.wechat_pay.keys import SandboxKeys
from backend.sandbox.wechat_pay.merchant import Merchant


class WeChatPaySandbox(Merchant):
    """``app`` serves /v3, /cashier and /_control/wechat-pay.

    A composed application must enter :meth:`running` itself, because mounted applications get no lifespan events.
    """

    def __init__(self, keys: SandboxKeys, app_id: str, base_url: str, transport: httpx.AsyncBaseTransport | None):
        super().__init__(keys, app_id, base_url, transport)
        api = Api(keys, self.faults, self.orders, self.refunds, self.bills)
        self.app = Starlette(
            routes=[*api.routes(), *self.cashier.routes(), *Control(self).routes()],
            exception_handlers={HTTPException: _no_such_path},
            lifespan=lambda _: self.running(),
        )


async def _no_such_path(request: Request, error: Exception) -> Response:
    """Unknown paths and methods below /v3 get an empty body (v3, §1.1)."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = "" if "/v3/" in request.url.path else f"{status}"
    return PlainTextResponse(text, status)
