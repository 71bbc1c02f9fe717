"""The service account's gateway against the simulator: tokens, errors by the provider's table, lengths."""

import json
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from backend.core.config import WeChatOAuthSettings
from backend.gateways.errors import Rejected, Unavailable, Unknown
from backend.gateways.wechat_mp import UNREACHABLE, WeChatMp, fit
from backend.sandbox.oauth import OAuthSandbox
from backend.sandbox.wechat_mp import WeChatMpSandbox
from tests.conftest import Time

FIELDS = {"thing1": "晨读营", "amount2": "99.00", "time3": "2026-03-01", "thing4": "已退回"}


class Watched(httpx.ASGITransport):
    """Remembers the paths that were called and what was sent."""

    def __init__(self, sandbox: WeChatMpSandbox) -> None:
        super().__init__(Starlette(routes=[*sandbox.routes, Mount("/", sandbox.account.app)]))
        self.calls: list[tuple[str, dict[str, object]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.url.path.rpartition("/cgi-bin/")[2], json.loads(request.content)))
        return await super().handle_async_request(request)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.calls]


@pytest.fixture
def sandbox() -> WeChatMpSandbox:
    return WeChatMpSandbox(OAuthSandbox())


@pytest.fixture
def watched(sandbox: WeChatMpSandbox) -> Watched:
    return Watched(sandbox)


@pytest.fixture
async def mp(sandbox: WeChatMpSandbox, watched: Watched) -> AsyncIterator[WeChatMp]:
    settings = WeChatOAuthSettings(
        base_url="http://mp.test", app_id=sandbox.account.app_id, app_secret=SecretStr(sandbox.account.app_secret)
    )
    gateway = WeChatMp(settings, transport=watched)
    yield gateway
    await gateway.aclose()


async def send(mp: WeChatMp, sandbox: WeChatMpSandbox, openid: str = "", message_id: str = "m1", **fields: str) -> str:
    openid = openid or sandbox.account.add_user().openid
    await mp.send_template(
        openid,
        template_id=sandbox.template_id,
        fields=FIELDS | fields,
        url="https://camp.example/refunds",
        message_id=message_id,
    )
    return openid


async def test_a_follower_gets_the_message(mp: WeChatMp, sandbox: WeChatMpSandbox) -> None:
    openid = await send(mp, sandbox)
    [message] = sandbox.inbox(openid)
    assert (message.fields, message.url) == (FIELDS, "https://camp.example/refunds")


async def test_one_token_serves_until_near_its_end(
    mp: WeChatMp, sandbox: WeChatMpSandbox, watched: Watched, time: Time
) -> None:
    await send(mp, sandbox)
    await send(mp, sandbox)
    assert watched.paths.count("stable_token") == 1
    time.advance(7200 - 299)
    await send(mp, sandbox)
    # Asked without force WeChat hands out the same one until it ends; the caller goes on asking meanwhile.
    assert watched.paths.count("stable_token") == 2
    assert watched.calls[0][1]["force_refresh"] is False


async def test_a_refused_token_is_renewed_once_and_the_call_repeated_once(
    mp: WeChatMp, sandbox: WeChatMpSandbox, watched: Watched
) -> None:
    await send(mp, sandbox)
    watched.calls.clear()
    sandbox.faults.set("token_revoked", times=1)
    await send(mp, sandbox)
    assert watched.paths == ["message/template/send", "stable_token", "message/template/send"]
    watched.calls.clear()
    sandbox.faults.set("token_revoked", times=None)
    with pytest.raises(Rejected, match="40001"):
        await send(mp, sandbox)
    assert watched.paths == ["message/template/send", "stable_token", "message/template/send"]


@pytest.mark.parametrize(
    ("knob", "error", "code"),
    [
        ("busy", Unavailable, "-1"),
        ("too_fast", Unavailable, "45011"),
        ("quota_used_up", Unavailable, "45009"),
        ("http_500", Unknown, "http_500"),
    ],
)
async def test_failures_that_pass(
    mp: WeChatMp, sandbox: WeChatMpSandbox, knob: str, error: type[Exception], code: str
) -> None:
    sandbox.faults.set(knob, times=1)
    with pytest.raises(error) as raised:
        await send(mp, sandbox)
    assert raised.value.code == code  # type: ignore[attr-defined] # a GatewayError
    await send(mp, sandbox)


async def test_a_token_that_does_not_come_means_that_nothing_was_sent(mp: WeChatMp, sandbox: WeChatMpSandbox) -> None:
    sandbox.account.faults.set("http_500", times=1)
    with pytest.raises(Unavailable):
        await send(mp, sandbox)
    await send(mp, sandbox)


async def test_a_lost_answer_is_unknown_and_its_repeat_shown_once(mp: WeChatMp, sandbox: WeChatMpSandbox) -> None:
    openid = await send(mp, sandbox)
    sandbox.messages.clear()
    sandbox.faults.set("html", times=1)
    with pytest.raises(Unknown):
        await send(mp, sandbox, openid, message_id="m2")
    await send(mp, sandbox, openid, message_id="m2")
    assert len(sandbox.inbox(openid)) == 1


async def test_the_quota_comes_back_after_midnight(mp: WeChatMp, sandbox: WeChatMpSandbox) -> None:
    sandbox.faults.set("quota_used_up", times=1)
    with pytest.raises(Unavailable) as raised:
        await send(mp, sandbox)
    assert raised.value.retry_after == pytest.approx(14 * 3600 + 300, abs=60)


async def test_who_can_t_be_reached(mp: WeChatMp, sandbox: WeChatMpSandbox) -> None:
    openid = sandbox.account.add_user().openid
    sandbox.unfollowed.add(openid)
    for receiver, code in ((openid, "43004"), ("oNobodyNobodyNobody", "40003")):
        with pytest.raises(Rejected) as raised:
            await send(mp, sandbox, receiver)
        assert raised.value.code == code
        assert code in UNREACHABLE


async def test_wrong_templates_are_refused(mp: WeChatMp, sandbox: WeChatMpSandbox) -> None:
    openid = sandbox.account.add_user().openid
    with pytest.raises(Rejected, match="40037"):
        await mp.send_template(openid, template_id="nope", fields=FIELDS, url="", message_id="m")
    with pytest.raises(Rejected, match="47003"):
        await send(mp, sandbox, openid, thing9="x")


async def test_long_and_empty_values_fit(mp: WeChatMp, sandbox: WeChatMpSandbox) -> None:
    openid = await send(mp, sandbox, thing1="很" * 50, thing4="", time3="一\n二")
    [message] = sandbox.inbox(openid)
    assert message.fields["thing1"] == "很" * 19 + "…"
    assert message.fields["thing4"] == "无"
    assert message.fields["time3"] == "一 二"


@pytest.mark.parametrize(
    ("key", "value", "fitted"),
    [
        ("phrase1", "一二三四五六", "一二三四五"),
        ("name2", "十" * 11, "十" * 9 + "…"),
        ("keyword1", "长" * 300, "长" * 199 + "…"),
    ],
)
def test_each_type_has_its_length(key: str, value: str, fitted: str) -> None:
    assert fit(key, value) == fitted


async def test_wrong_credentials_name_no_secret(
    sandbox: WeChatMpSandbox, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = WeChatOAuthSettings(
        base_url="http://mp.test", app_id=sandbox.account.app_id, app_secret=SecretStr("a-wrong-secret")
    )
    gateway = WeChatMp(settings, transport=watched)
    with pytest.raises(Rejected) as raised:
        await send(gateway, sandbox)
    assert raised.value.code == "40125"
    assert "a-wrong-secret" not in str(raised.value) + caplog.text
    await gateway.aclose()


async def test_without_an_account_nothing_is_called(watched: Watched) -> None:
    gateway = WeChatMp(WeChatOAuthSettings(base_url="http://mp.test"), transport=watched)
    assert not gateway.configured
    with pytest.raises(Rejected, match="not_configured"):
        await gateway.send_template("o", template_id="t", fields={}, url="", message_id="m")
    assert watched.calls == []
    await gateway.aclose()
