"""The OAuth gateway against the simulator, over real bytes."""

import logging
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from backend.core.config import WeChatOAuthSettings
from backend.gateways.errors import Rejected, Unavailable, Unknown
from backend.gateways.wechat_oauth import WeChatOAuth
from backend.sandbox.oauth import OAuthSandbox
from tests.conftest import Time

BASE_URL = "http://oauth.test"


@pytest.fixture
def sandbox() -> OAuthSandbox:
    return OAuthSandbox()


def settings_for(sandbox: OAuthSandbox, **changes: object) -> WeChatOAuthSettings:
    values: dict[str, object] = {
        "base_url": BASE_URL,
        "authorize_url": f"{BASE_URL}/connect/oauth2/authorize",
        "app_id": sandbox.app_id,
        "app_secret": SecretStr(sandbox.app_secret),
    }
    return WeChatOAuthSettings.model_validate(values | changes)


@pytest.fixture
async def oauth(sandbox: OAuthSandbox) -> AsyncIterator[WeChatOAuth]:
    gateway = WeChatOAuth(settings_for(sandbox), transport=httpx.ASGITransport(sandbox.app))
    yield gateway
    await gateway.aclose()


def a_code(sandbox: OAuthSandbox) -> str:
    return sandbox.issue_code(next(iter(sandbox.users)))


def test_address_has_wechats_order_and_fragment(oauth: WeChatOAuth, sandbox: OAuthSandbox) -> None:
    assert oauth.authorize_url("https://camp.test/h5/login?to=/camps/1&x=a b", "s7K") == (
        f"{BASE_URL}/connect/oauth2/authorize?appid={sandbox.app_id}"
        "&redirect_uri=https%3A%2F%2Fcamp.test%2Fh5%2Flogin%3Fto%3D%2Fcamps%2F1%26x%3Da%20b"
        "&response_type=code&scope=snsapi_base&state=s7K#wechat_redirect"
    )


async def test_whole_way_from_address_to_openid(oauth: WeChatOAuth, sandbox: OAuthSandbox) -> None:
    user = sandbox.add_user("晓雯", unionid="u-1234567")
    address = oauth.authorize_url("https://camp.test/h5/login?to=%2Fme", "state1")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app)) as browser:
        answer = await browser.get(f"{address.removesuffix('#wechat_redirect')}&sandbox_openid={user.openid}")
    back = urlsplit(answer.headers["location"])
    query = parse_qs(back.query)
    assert (back.netloc, query["to"], query["state"]) == ("camp.test", ["/me"], ["state1"])

    identity = await oauth.exchange(query["code"][0])

    assert (identity.openid, identity.unionid, identity.is_snapshot) == (user.openid, "u-1234567", False)


async def test_preview_mode_is_marked(oauth: WeChatOAuth, sandbox: OAuthSandbox) -> None:
    sandbox.faults.set("snapshot")
    assert (await oauth.exchange(a_code(sandbox))).is_snapshot
    assert not (await oauth.exchange(a_code(sandbox))).is_snapshot


async def test_a_code_works_once(oauth: WeChatOAuth, sandbox: OAuthSandbox) -> None:
    code = a_code(sandbox)
    await oauth.exchange(code)
    with pytest.raises(Rejected) as refused:
        await oauth.exchange(code)
    assert refused.value.code == "code_invalid"


async def test_a_code_lives_five_minutes(oauth: WeChatOAuth, sandbox: OAuthSandbox, time: Time) -> None:
    early, late = a_code(sandbox), a_code(sandbox)
    time.advance(295)
    await oauth.exchange(early)
    time.advance(10)
    with pytest.raises(Rejected, match="code_invalid"):
        await oauth.exchange(late)


@pytest.mark.parametrize("code", ["", "made-up"])
async def test_a_made_up_code_means_start_over(oauth: WeChatOAuth, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        await oauth.exchange(code)
    assert refused.value.code == "code_invalid"


@pytest.mark.parametrize(("fault", "code"), [("busy", "-1"), ("too_frequent", "45011")])
async def test_busy_may_be_tried_again(oauth: WeChatOAuth, sandbox: OAuthSandbox, fault: str, code: str) -> None:
    ticket = a_code(sandbox)
    sandbox.faults.set(fault)
    with pytest.raises(Unavailable) as failure:
        await oauth.exchange(ticket)
    assert failure.value.code == code
    assert (await oauth.exchange(ticket)).openid


@pytest.mark.parametrize("fault", ["http_500", "html", "broken_off"])
async def test_unreadable_answer_is_unknown(oauth: WeChatOAuth, sandbox: OAuthSandbox, fault: str) -> None:
    ticket = a_code(sandbox)
    sandbox.faults.set(fault)
    with pytest.raises(Unknown):
        await oauth.exchange(ticket)
    # The code was used up by the lost answer: the member starts over.
    with pytest.raises(Rejected, match="40163"):
        await oauth.exchange(ticket)


@pytest.mark.parametrize(
    ("change", "code"), [({"app_secret": SecretStr("wrong-secret")}, "40125"), ({"app_id": "wx0"}, "40013")]
)
async def test_wrong_configuration_is_final_and_tells_no_secret(
    sandbox: OAuthSandbox, change: dict[str, object], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(sandbox, **change)
    gateway = WeChatOAuth(settings, transport=httpx.ASGITransport(sandbox.app))
    ticket = a_code(sandbox)
    with caplog.at_level(logging.DEBUG), pytest.raises(Rejected) as refused:
        await gateway.exchange(ticket)
    await gateway.aclose()
    assert refused.value.code == code
    for secret in (settings.app_secret.get_secret_value(), ticket):
        assert secret not in str(refused.value)
        assert secret not in caplog.text


async def test_an_answer_that_quotes_the_secret_is_scrubbed(sandbox: OAuthSandbox) -> None:
    def quoting(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"errcode": 40125, "errmsg": f"bad secret {request.url.params['secret']}"})

    gateway = WeChatOAuth(settings_for(sandbox), transport=httpx.MockTransport(quoting))
    with pytest.raises(Rejected) as refused:
        await gateway.exchange("code1")
    await gateway.aclose()
    assert refused.value.message == "bad secret ***"


@pytest.mark.parametrize(
    "answer", [{}, {"openid": ""}, {"openid": 5}, {"errcode": "0x", "openid": "o1"}, ["openid"], None]
)
async def test_misshapen_answers_are_unknown(sandbox: OAuthSandbox, answer: object) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    gateway = WeChatOAuth(settings_for(sandbox), transport=transport)
    with pytest.raises(Unknown):
        await gateway.exchange("code1")
    await gateway.aclose()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError, Unavailable),
        (httpx.ConnectTimeout, Unavailable),
        (httpx.ReadTimeout, Unknown),
        (httpx.RemoteProtocolError, Unknown),
    ],
)
async def test_network_failures(
    sandbox: OAuthSandbox, error: type[httpx.TransportError], kind: type[Exception]
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error("wire")

    gateway = WeChatOAuth(settings_for(sandbox), transport=httpx.MockTransport(fail))
    with pytest.raises(kind):
        await gateway.exchange("code1")
    await gateway.aclose()


async def test_without_settings_it_says_so() -> None:
    gateway = WeChatOAuth(WeChatOAuthSettings())
    with pytest.raises(Rejected, match="not_configured"):
        await gateway.exchange("code1")
    await gateway.aclose()
