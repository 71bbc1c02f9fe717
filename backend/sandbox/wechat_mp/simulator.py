"""The service account's messages in memory: template messages, and each follower's inbox.

It shares users and server token with the web-authorisation simulator, as both are one account. Business errors are
HTTP 200 with ``errcode``. Only followers receive messages. A repeated ``client_msg_id`` is shown once.
"""

import json
import re
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from backend.core import clock
from backend.sandbox.faults import TRANSPORT_FAULTS, Faults, json_object
from backend.sandbox.oauth import OAuthSandbox

_LIMITS = {"thing": 20, "character_string": 32, "phrase": 5, "name": 10, "number": 32}
_FAULTS = {
    "busy": "系统繁忙（-1）",
    "too_fast": "调用太频繁（45011）",
    "quota_used_up": "当日额度用完（45009）",
    "token_revoked": "令牌提前失效（40001）",
} | TRANSPORT_FAULTS


@dataclass(slots=True)
class MpMessage:
    """One accepted template message. ``at`` is in seconds since the epoch; ``shown`` is false for a repeat."""

    at: float
    openid: str
    template_id: str
    fields: dict[str, str]
    url: str
    shown: bool = True


class _Refused(Exception):
    def __init__(self, errcode: int, text: str) -> None:
        super().__init__(text)
        self.answer = {"errcode": errcode, "errmsg": f"{text}, rid: {secrets.token_hex(4)}-{secrets.token_hex(4)}"}


@dataclass
class WeChatMpSandbox:
    """The simulator. ``templates`` maps a template's id to its fields; ``unfollowed`` are non-followers' openids."""

    account: OAuthSandbox
    messages: list[MpMessage] = field(default_factory=list)
    unfollowed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.faults = Faults(_FAULTS)
        self.templates: dict[str, tuple[str, ...]] = {}
        self.template_id = self.add_template("thing1", "amount2", "time3", "thing4")
        self._seen: set[str] = set()

    @property
    def routes(self) -> list[BaseRoute]:
        """The message endpoints and the control API."""
        control = "/_control/mp"
        return [
            Route("/cgi-bin/message/template/send", self._send, methods=["POST"]),
            Route(f"{control}/state", self._state),
            Route(f"{control}/following", self._set_following, methods=["POST"]),
            *self.faults.routes(control),
        ]

    def add_template(self, *fields: str) -> str:
        """Add a template with these fields and return its id."""
        template_id = secrets.token_urlsafe(24)
        self.templates[template_id] = fields
        return template_id

    def inbox(self, openid: str) -> list[MpMessage]:
        """The messages shown to a follower, oldest first."""
        return [message for message in self.messages if message.openid == openid and message.shown]

    def state(self) -> dict[str, Any]:
        """The state for the control API and the overview, without the token."""
        return {
            "templates": {template_id: list(fields) for template_id, fields in self.templates.items()},
            "unfollowed": sorted(self.unfollowed),
            "messages": [asdict(message) for message in self.messages[-200:]],
            "faults": self.faults.summary(),
        }

    async def _send(self, request: Request) -> Response:
        try:
            self._common_faults()
            self._check_token(request.query_params.get("access_token"))
            answer = self._accept(await request.body())
        except _Refused as refused:
            answer = refused.answer
        return await self.faults.spoil(JSONResponse(answer))

    def _common_faults(self) -> None:
        if self.faults.take("busy"):
            raise _Refused(-1, "system error")

    def _check_token(self, token: str | None) -> None:
        if not token:
            raise _Refused(41001, "access_token missing")
        if self.faults.take("token_revoked"):
            self.account.renew_server_token()
        if problem := self.account.server_token_problem(token):
            raise _Refused(problem, "invalid credential, access_token is invalid or not latest")
        if self.faults.take("too_fast"):
            raise _Refused(45011, "api minute-quota reach limit")
        if self.faults.take("quota_used_up"):
            raise _Refused(45009, "reach max api daily quota limit")

    def _accept(self, raw: bytes) -> dict[str, Any]:
        try:
            body = json.loads(raw)
            openid, template_id = str(body["touser"]), str(body["template_id"])
            fields = {str(key): str(value["value"]) for key, value in body["data"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _Refused(47001, "data format error") from None
        if template_id not in self.templates:
            raise _Refused(40037, "invalid template_id")
        if openid not in self.account.users:
            raise _Refused(40003, "invalid openid")
        if openid in self.unfollowed:
            raise _Refused(43004, "require subscribe")
        self._check_fields(template_id, fields)
        message_id = str(body.get("client_msg_id") or secrets.token_hex(8))
        message = MpMessage(clock.timestamp(), openid, template_id, fields, str(body.get("url", "")))
        message.shown = message_id not in self._seen
        self._seen.add(message_id)
        self.messages.append(message)
        return {"errcode": 0, "errmsg": "ok", "msgid": len(self.messages)}

    def _check_fields(self, template_id: str, fields: dict[str, str]) -> None:
        if set(fields) != set(self.templates[template_id]):
            raise _Refused(47003, "argument invalid! data fields do not match the template")
        for key, value in fields.items():
            limit = _LIMITS.get(re.sub(r"\d+$", "", key), 200)
            if not value or len(value) > limit or "\n" in value:
                raise _Refused(47003, f"argument invalid! data.{key}.value invalid")

    async def _state(self, _: Request) -> Response:
        return JSONResponse(self.state())

    async def _set_following(self, request: Request) -> Response:
        """``{openid, following}``: make a user follow or unfollow the account."""
        wish = await json_object(request)
        openid = str(wish.get("openid"))
        (self.unfollowed.discard if wish.get("following", True) else self.unfollowed.add)(openid)
        return JSONResponse(sorted(self.unfollowed))
