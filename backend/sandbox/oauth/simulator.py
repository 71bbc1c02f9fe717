"""WeChat's web authorisation in memory: a page to choose a user, one-time codes, and the openid for a code.

Follows the service account's web-authorisation rules: codes expire after 5 minutes and work once, errors are HTTP
200 with ``errcode``, and responses are ``text/plain``.
"""

import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from backend.core import clock
from backend.sandbox.faults import TRANSPORT_FAULTS, Faults, json_object

CODE_SECONDS = 300
SERVER_TOKEN_SECONDS = 7200
COOKIE = "sandbox_openid"

_OPENID = re.compile(r"[A-Za-z0-9_-]{6,64}")
_FAULTS = {
    "busy": "系统繁忙（-1）",
    "too_frequent": "调用太频繁（45011）",
    "snapshot": "快照页虚拟账号",
    "ip_refused": "服务器令牌：IP 不在白名单（40164）",
} | TRANSPORT_FAULTS
_PEOPLE = ("清风徐来", "小满", "Lily 李莉", "阿哲", "南山南")

_templates = Jinja2Templates(Path(__file__).parent / "templates")


@dataclass(slots=True)
class WeChatUser:
    """A WeChat user of the sandbox. ``nickname`` is only for display: silent authorisation never returns it."""

    openid: str
    nickname: str
    unionid: str | None = None


@dataclass(slots=True)
class _Code:
    openid: str
    issued_at: float
    used: bool = False


@dataclass(slots=True)
class Exchange:
    """One exchange of a code for an openid. ``at`` is in seconds since the epoch; ``errcode`` 0 means success."""

    at: float
    openid: str | None
    errcode: int


@dataclass
class OAuthSandbox:
    """The simulator. ``app`` is the ASGI application; tests may also use the methods directly."""

    app_id: str = "wx5a6d0b0c0a1d2e3f"
    app_secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    users: dict[str, WeChatUser] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.faults = Faults(_FAULTS)
        self._codes: dict[str, _Code] = {}
        self._server_token = ("", 0.0)
        self.renew_server_token()
        for nickname in _PEOPLE:
            self.add_user(nickname)
        self.app = Starlette(
            routes=[
                Route("/connect/oauth2/authorize", self._authorize),
                Route("/connect/forget", self._forget),
                Route("/sns/oauth2/access_token", self._access_token),
                Route("/cgi-bin/stable_token", self._stable_token, methods=["POST"]),
                Route("/_control/oauth/state", self._state),
                Route("/_control/oauth/users", self._add_user, methods=["POST"]),
                Route("/_control/oauth/codes", self._issue_code, methods=["POST"]),
                *self.faults.routes("/_control/oauth"),
            ]
        )

    def add_user(self, nickname: str = "", *, openid: str | None = None, unionid: str | None = None) -> WeChatUser:
        """Add a user, or return the existing one with this openid. Raises ValueError for an invalid openid."""
        openid = openid or _new_openid()
        if not _OPENID.fullmatch(openid):
            raise ValueError("an openid has 6 to 64 letters, digits, _ or -")
        nickname = nickname or f"微信用户{len(self.users) + 1}"
        return self.users.setdefault(openid, WeChatUser(openid, nickname, unionid))

    def renew_server_token(self) -> None:
        """Issue a new server token and invalidate the previous one."""
        self._server_token = (secrets.token_urlsafe(48), clock.timestamp() + SERVER_TOKEN_SECONDS)

    def server_token_problem(self, token: str) -> int:
        """The errcode that refuses this token, or 0 if it is valid."""
        known, until = self._server_token
        if token != known:
            return 40001
        return 42001 if until <= clock.timestamp() else 0

    def issue_code(self, openid: str) -> str:
        """Issue a new code for a user, as a completed authorisation does."""
        code = secrets.token_hex(16)
        self._codes[code] = _Code(openid, clock.timestamp())
        return code

    def state(self) -> dict[str, Any]:
        """The state for the control API and the overview."""
        return {
            "app_id": self.app_id,
            "users": [asdict(user) for user in self.users.values()],
            "exchanges": [asdict(exchange) for exchange in self.exchanges[-50:]],
            "faults": self.faults.summary(),
        }

    async def _authorize(self, request: Request) -> Response:
        query = request.query_params
        if problem := self._authorize_problem(query):
            return _templates.TemplateResponse(request, "refused.html", {"problem": problem}, status_code=400)
        openid = query.get(COOKIE) if COOKIE in query else request.cookies.get(COOKIE)
        if openid is None:
            return _templates.TemplateResponse(
                request,
                "authorize.html",
                {"users": list(self.users.values()), "hidden": dict(query), "suggestion": _new_openid()},
            )
        try:
            user = self.add_user(openid=openid)
        except ValueError:
            return _templates.TemplateResponse(
                request, "refused.html", {"problem": "openid 格式不正确"}, status_code=400
            )
        code = self.issue_code(user.openid)
        answer = RedirectResponse(_with_query(query["redirect_uri"], {"code": code, "state": query["state"]}), 302)
        if query.get("remember"):
            answer.set_cookie(COOKIE, user.openid, httponly=True, samesite="lax")
        return answer

    def _authorize_problem(self, query: Any) -> str | None:
        if query.get("appid") != self.app_id:
            return "appid 参数错误，错误码 10012"
        if urlsplit(query.get("redirect_uri", "")).scheme not in ("http", "https"):
            return "redirect_uri 域名与后台配置不一致，错误码 10003"
        if query.get("response_type") != "code" or query.get("scope") not in ("snsapi_base", "snsapi_userinfo"):
            return "Scope 参数错误或没有 Scope 权限，错误码 10005"
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", query.get("state", "")):
            return "state 参数缺失或格式不正确"
        return None

    async def _forget(self, request: Request) -> Response:
        answer = _templates.TemplateResponse(request, "forgotten.html")
        answer.delete_cookie(COOKIE)
        return answer

    async def _access_token(self, request: Request) -> Response:
        data = self._exchange(dict(request.query_params))
        self.exchanges.append(Exchange(clock.timestamp(), data.get("openid"), data.get("errcode", 0)))
        return await self.faults.spoil(PlainTextResponse(json.dumps(data)))

    async def _stable_token(self, request: Request) -> Response:
        """Return the account's server token: the same one until it expires, unless ``force_refresh`` is set."""
        wish = await json_object(request)
        data: dict[str, Any] = {}
        if self.faults.take("busy"):
            data = _error(-1, "system error")
        elif wish.get("appid") != self.app_id:
            data = _error(40013, "invalid appid")
        elif not secrets.compare_digest(str(wish.get("secret")), self.app_secret):
            data = _error(40125, "invalid appsecret")
        elif self.faults.take("ip_refused"):
            data = _error(40164, "invalid ip 203.0.113.1, not in whitelist")
        else:
            if wish.get("force_refresh") is True or self._server_token[1] <= clock.timestamp():
                self.renew_server_token()
            token, until = self._server_token
            data = {"access_token": token, "expires_in": int(until - clock.timestamp())}
        return await self.faults.spoil(JSONResponse(data))

    def _exchange(self, query: dict[str, str]) -> dict[str, Any]:
        if self.faults.take("busy"):
            return _error(-1, "system error")
        if self.faults.take("too_frequent"):
            return _error(45011, "api minute-quota reach limit")
        if query.get("appid") != self.app_id:
            return _error(40013, "invalid appid")
        if not secrets.compare_digest(query.get("secret", ""), self.app_secret):
            return _error(40125, "invalid appsecret")
        if query.get("grant_type") != "authorization_code":
            return _error(40002, "invalid grant_type")
        if not query.get("code"):
            return _error(41008, "missing code")
        code = self._codes.get(query["code"])
        if code is None or clock.timestamp() - code.issued_at > CODE_SECONDS:
            return _error(40029, "invalid code")
        if code.used:
            return _error(40163, "code been used")
        code.used = True
        return self._identity(code.openid)

    def _identity(self, openid: str) -> dict[str, Any]:
        data: dict[str, Any] = {
            "access_token": secrets.token_urlsafe(48),
            "expires_in": 7200,
            "refresh_token": secrets.token_urlsafe(48),
            "openid": openid,
            "scope": "snsapi_base",
        }
        user = self.users.get(openid)
        if user and user.unionid:
            data["unionid"] = user.unionid
        if self.faults.take("snapshot"):
            data["is_snapshotuser"] = 1
        return data

    async def _state(self, _: Request) -> Response:
        return JSONResponse(self.state())

    async def _add_user(self, request: Request) -> Response:
        wish = await json_object(request)
        try:
            user = self.add_user(
                str(wish.get("nickname") or ""), openid=wish.get("openid"), unionid=wish.get("unionid")
            )
        except (ValueError, TypeError) as error:
            raise HTTPException(422, str(error)) from None
        return JSONResponse(asdict(user))

    async def _issue_code(self, request: Request) -> Response:
        openid = (await json_object(request)).get("openid")
        if not isinstance(openid, str) or openid not in self.users:
            raise HTTPException(422, "no such user")
        return JSONResponse({"code": self.issue_code(openid)})


def _error(errcode: int, text: str) -> dict[str, Any]:
    return {"errcode": errcode, "errmsg": f"{text}, rid: {secrets.token_hex(4)}-{secrets.token_hex(4)}"}


def _with_query(address: str, extra: dict[str, str]) -> str:
    parts = urlsplit(address)
    return urlunsplit(
        parts._replace(query=urlencode(parse_qsl(parts.query, keep_blank_values=True) + list(extra.items())))
    )


def _new_openid() -> str:
    return "o" + secrets.token_urlsafe(24)[:27]
