"""WeCom in memory: tokens, application messages, group robots.

Follows WeCom's documents 90236 and 91770. Business errors are HTTP 200 with ``errcode``. A message with some unknown
receivers succeeds with ``invaliduser``. More than 30 messages a minute to one person are dropped silently. Identical
bodies within the duplicate window are shown once. A robot accepts 20 messages in 60 seconds.
"""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backend.core import clock
from backend.sandbox.faults import TRANSPORT_FAULTS, Faults, json_object

TOKEN_SECONDS = 7200
TEXT_MAX_BYTES = 2048
PER_MEMBER_A_MINUTE = 30
PER_ROBOT_A_MINUTE = 20
DUPLICATE_DEFAULT_SECONDS = 1800
DUPLICATE_MAX_SECONDS = 4 * 3600

_FAULTS = {
    "busy": "系统繁忙（-1）",
    "rate_limited": "接口限频（45009）",
    "ip_refused": "IP 不在白名单（60020）",
    "token_revoked": "令牌提前失效（40014）",
} | TRANSPORT_FAULTS
_PEOPLE = ("wangfang", "lina", "chenjie", "zhaolei")
_CONTENT_OF = {"text": "content", "markdown": "content", "textcard": "description"}


@dataclass(slots=True)
class Message:
    """One accepted call. ``at`` is in seconds since the epoch; ``dropped`` are receivers over their rate limit."""

    at: float
    channel: Literal["app", "robot"]
    text: str
    shown_to: list[str]
    dropped: list[str] = field(default_factory=list)
    duplicate: bool = False


class _Refused(Exception):
    def __init__(self, errcode: int, text: str) -> None:
        super().__init__(text)
        self.answer = {"errcode": errcode, "errmsg": f"{text}, hint: [{secrets.token_hex(8)}], from ip: 127.0.0.1"}


@dataclass
class WeComSandbox:
    """The simulator. ``app`` is the ASGI application; ``robots`` maps a robot's key to its group's name."""

    corp_id: str = "ww5a6d0b0c0a1d2e3f"
    agent_id: int = 1000002
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    members: set[str] = field(default_factory=lambda: set(_PEOPLE))
    messages: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.faults = Faults(_FAULTS)
        self.robots: dict[str, str] = {}
        self.robot_key = self.add_robot("运营告警群")
        self._tokens: dict[str, float] = {}
        self._recent_bodies: dict[str, float] = {}
        self._recent_sends: dict[str, list[float]] = {}
        control = "/_control/wecom"
        self.app = Starlette(
            routes=[
                Route("/cgi-bin/gettoken", self._get_token),
                Route("/cgi-bin/message/send", self._send_message, methods=["POST"]),
                Route("/cgi-bin/webhook/send", self._send_robot, methods=["POST"]),
                Route(f"{control}/state", self._state),
                Route(f"{control}/robots", self._add_robot, methods=["POST"]),
                Route(f"{control}/revoke-tokens", self._revoke_tokens, methods=["POST"]),
                *self.faults.routes(control),
            ]
        )

    def add_robot(self, group: str) -> str:
        """Add a robot to a group and return its key."""
        key = secrets.token_hex(16)
        self.robots[key] = group
        return key

    def revoke_tokens(self) -> None:
        """Invalidate all issued tokens, as WeCom may do at any time."""
        self._tokens.clear()

    def state(self) -> dict[str, Any]:
        """The state for the control API and the overview, without keys."""
        return {
            "corp_id": self.corp_id,
            "agent_id": self.agent_id,
            "members": sorted(self.members),
            "robots": list(self.robots.values()),
            "messages": [asdict(message) for message in self.messages[-200:]],
            "faults": self.faults.summary(),
        }

    async def _get_token(self, request: Request) -> Response:
        try:
            self._common_faults()
            if request.query_params.get("corpid") != self.corp_id:
                raise _Refused(40013, "invalid corpid")
            if not secrets.compare_digest(request.query_params.get("corpsecret", ""), self.secret):
                raise _Refused(40001, "invalid credential")
        except _Refused as refused:
            return await self.faults.spoil(JSONResponse(refused.answer))
        now = clock.timestamp()
        # WeCom returns the same token until it expires.
        token = next((token for token, until in self._tokens.items() if until > now), None)
        if token is None:
            token = secrets.token_urlsafe(48)
            self._tokens[token] = now + TOKEN_SECONDS
        data = {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": int(self._tokens[token] - now)}
        return await self.faults.spoil(JSONResponse(data))

    async def _send_message(self, request: Request) -> Response:
        raw = await request.body()
        try:
            self._common_faults()
            self._check_token(request.query_params.get("access_token"))
            data = self._accept_message(raw)
        except _Refused as refused:
            data = refused.answer
        return await self.faults.spoil(JSONResponse(data))

    async def _send_robot(self, request: Request) -> Response:
        raw = await request.body()
        try:
            self._common_faults()
            group = self.robots.get(request.query_params.get("key", ""))
            if group is None:
                raise _Refused(93000, "invalid webhook url")
            body = _body(raw)
            text = _content(body)
            if self._over_limit(f"robot {group}", PER_ROBOT_A_MINUTE):
                raise _Refused(45009, "api freq out of limit")
            self.messages.append(Message(clock.timestamp(), "robot", text, [group]))
            data: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}
        except _Refused as refused:
            data = refused.answer
        return await self.faults.spoil(JSONResponse(data))

    def _common_faults(self) -> None:
        if self.faults.take("busy"):
            raise _Refused(-1, "system busy")
        if self.faults.take("rate_limited"):
            raise _Refused(45009, "api freq out of limit")
        if self.faults.take("ip_refused"):
            raise _Refused(60020, "not allow to access from your ip")

    def _check_token(self, token: str | None) -> None:
        if not token:
            raise _Refused(41001, "access_token missing")
        if self.faults.take("token_revoked"):
            self.revoke_tokens()
        until = self._tokens.get(token)
        if until is None:
            raise _Refused(40014, "invalid access_token")
        if until <= clock.timestamp():
            raise _Refused(42001, "access_token expired")

    def _accept_message(self, raw: bytes) -> dict[str, Any]:
        body = _body(raw)
        if body.get("agentid") != self.agent_id:
            raise _Refused(40056, "invalid agentid")
        text = _content(body)
        wanted = [user for user in str(body.get("touser", "")).split("|") if user]
        if not wanted:
            raise _Refused(40058, "touser, toparty and totag are all empty")
        known = sorted(self.members) if "@all" in wanted else [user for user in wanted if user in self.members]
        if not known:
            raise _Refused(81013, "user & party & tag all invalid")
        message = Message(clock.timestamp(), "app", text, [])
        if self._is_duplicate(body, raw):
            message.duplicate = True
        else:
            for user in known:
                over = self._over_limit(f"member {user}", PER_MEMBER_A_MINUTE)
                (message.dropped if over else message.shown_to).append(user)
        self.messages.append(message)
        invalid = [] if "@all" in wanted else [user.lower() for user in wanted if user not in self.members]
        return {"errcode": 0, "errmsg": "ok", "invaliduser": "|".join(invalid), "msgid": secrets.token_urlsafe(24)}

    def _is_duplicate(self, body: dict[str, Any], raw: bytes) -> bool:
        if body.get("enable_duplicate_check") != 1:
            return False
        now = clock.timestamp()
        window = min(int(body.get("duplicate_check_interval", DUPLICATE_DEFAULT_SECONDS)), DUPLICATE_MAX_SECONDS)
        digest = hashlib.sha256(raw).hexdigest()
        seen = self._recent_bodies.get(digest)
        if seen is not None and now - seen < window:
            return True
        self._recent_bodies[digest] = now
        return False

    def _over_limit(self, receiver: str, per_minute: int) -> bool:
        now = clock.timestamp()
        recent = [at for at in self._recent_sends.get(receiver, []) if now - at < 60]
        over = len(recent) >= per_minute
        self._recent_sends[receiver] = recent if over else [*recent, now]
        return over

    async def _state(self, _: Request) -> Response:
        return JSONResponse(self.state())

    async def _add_robot(self, request: Request) -> Response:
        group = str((await json_object(request)).get("group") or "群")
        return JSONResponse({"key": self.add_robot(group), "group": group})

    async def _revoke_tokens(self, _: Request) -> Response:
        self.revoke_tokens()
        return JSONResponse({})


def _body(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        raise _Refused(47001, "data format error") from None
    if not isinstance(body, dict):
        raise _Refused(47001, "data format error")
    return body


def _content(body: dict[str, Any]) -> str:
    kind = body.get("msgtype")
    if kind not in _CONTENT_OF:
        raise _Refused(40008, "invalid message type")
    part = body.get(kind)
    text = part.get(_CONTENT_OF[kind]) if isinstance(part, dict) else None
    if not isinstance(text, str) or not text:
        raise _Refused(44004, "empty content")
    return text.encode()[:TEXT_MAX_BYTES].decode(errors="ignore")
