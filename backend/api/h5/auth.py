"""Log-in of members: silently through WeChat, or as a guest in any other browser."""

import re
from typing import Annotated

from fastapi import APIRouter, Cookie, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from backend.api.answers import Answer, Model, answer
from backend.api.deps import RuntimeDep, SessionDep
from backend.api.guard import Sensitive
from backend.core.errors import ProviderProblem
from backend.models.payers import Payer
from backend.office.payers import flows, service
from backend.office.payers.rules import own_page
from backend.runtime import Runtime

router = APIRouter(prefix="/auth", tags=["会员登录"])

COOKIE = "camp_oauth"
# The page WeChat redirects to. It sends code and state to the POST endpoint below.
CALLBACK_PAGE = "/auth/callback"
_BROWSER_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
BrowserSecret = Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)]


class CodeIn(Model):
    code: Annotated[str, Field(min_length=1, max_length=512)]
    state: Annotated[str, Field(min_length=1, max_length=128)]


class TokenOut(Model):
    token: str


class WeChatTokenOut(TokenOut):
    return_to: str


@router.get("/wechat", status_code=302, response_class=RedirectResponse)
async def go_to_wechat(
    runtime: RuntimeDep, session: SessionDep, return_to: str | None = None, browser_secret: BrowserSecret = None
) -> Response:
    """Send the browser to WeChat. Pages that are not ours become the home page."""
    if not runtime.wechat_oauth.configured:
        raise ProviderProblem("微信登录尚未配置")
    # Reuse the browser's secret, so that two tabs can log in at the same time.
    known = browser_secret is not None and _BROWSER_SECRET.fullmatch(browser_secret)
    secret = browser_secret if browser_secret and known else service.new_browser_secret()
    state = service.begin_oauth(session, browser_secret=secret, return_to=own_page(return_to))
    base = runtime.settings.public_base_url
    response = RedirectResponse(runtime.wechat_oauth.authorize_url(f"{base}{CALLBACK_PAGE}", state), 302)
    response.set_cookie(
        COOKIE, secret, max_age=service.STATE_SECONDS, path="/api/h5/auth",
        httponly=True, samesite="lax", secure=base.startswith("https://"),
    )  # fmt: skip
    return response


@router.post("/wechat")
async def log_in_with_wechat(
    body: CodeIn, runtime: RuntimeDep, browser_secret: BrowserSecret = None
) -> Answer[WeChatTokenOut]:
    """Not sensitive: a code is good once and comes from WeChat, see docs/decisions/0017."""
    payer, return_to = await flows.log_in_with_wechat(
        runtime, code=body.code, state=body.state, browser_secret=browser_secret or ""
    )
    return answer(WeChatTokenOut(token=_token(runtime, payer), return_to=return_to))


@router.post("/guest", dependencies=[Sensitive])
async def log_in_as_guest(runtime: RuntimeDep, session: SessionDep) -> Answer[TokenOut]:
    """A session for browsers outside WeChat. Who loses the token finds the place again through WeChat, once paid."""
    return answer(TokenOut(token=_token(runtime, service.new_guest(session))))


def _token(runtime: Runtime, payer: Payer) -> str:
    settings = runtime.settings
    return service.token_for(payer, secret=settings.secret_key.get_secret_value(), days=settings.member_token_days)
