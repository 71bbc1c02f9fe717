"""The authorisation page and the control API as a browser and a script see them."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from backend.sandbox.oauth import OAuthSandbox


@pytest.fixture
def sandbox() -> OAuthSandbox:
    return OAuthSandbox()


@pytest.fixture
async def browser(sandbox: OAuthSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://oauth.test") as client:
        yield client


def asked(sandbox: OAuthSandbox, **changes: str) -> dict[str, str]:
    return {
        "appid": sandbox.app_id,
        "redirect_uri": "https://camp.test/h5/#/login",
        "response_type": "code",
        "scope": "snsapi_base",
        "state": "abc",
    } | changes


async def test_page_offers_the_users(browser: httpx.AsyncClient, sandbox: OAuthSandbox) -> None:
    sandbox.add_user("<b>坏名字</b>")
    answer = await browser.get("/connect/oauth2/authorize", params=asked(sandbox))
    assert answer.status_code == 200
    for openid in sandbox.users:
        assert openid in answer.text
    assert "<b>坏名字" not in answer.text


async def test_choosing_goes_back_with_code_before_the_fragment(
    browser: httpx.AsyncClient, sandbox: OAuthSandbox
) -> None:
    openid = next(iter(sandbox.users))
    answer = await browser.get("/connect/oauth2/authorize", params=asked(sandbox, sandbox_openid=openid))
    assert answer.status_code == 302
    back = urlsplit(answer.headers["location"])
    assert (back.fragment, parse_qs(back.query)["state"]) == ("/login", ["abc"])
    assert "set-cookie" not in answer.headers


async def test_remembered_user_needs_no_page_until_forgotten(browser: httpx.AsyncClient, sandbox: OAuthSandbox) -> None:
    openid = next(iter(sandbox.users))
    await browser.get("/connect/oauth2/authorize", params=asked(sandbox, sandbox_openid=openid, remember="1"))
    again = await browser.get("/connect/oauth2/authorize", params=asked(sandbox))
    assert again.status_code == 302

    await browser.get("/connect/forget")

    assert (await browser.get("/connect/oauth2/authorize", params=asked(sandbox))).status_code == 200


async def test_unknown_openid_becomes_a_user(browser: httpx.AsyncClient, sandbox: OAuthSandbox) -> None:
    answer = await browser.get("/connect/oauth2/authorize", params=asked(sandbox, sandbox_openid="oNewPerson01"))
    assert answer.status_code == 302
    assert "oNewPerson01" in sandbox.users


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"appid": "wx0"}, "appid"),
        ({"redirect_uri": "javascript:alert(1)"}, "10003"),
        ({"scope": "snsapi_login"}, "10005"),
        ({"response_type": "token"}, "10005"),
        ({"state": "a b"}, "state"),
        ({"state": "x" * 129}, "state"),
        ({"sandbox_openid": "<script>"}, "openid"),
    ],
)
async def test_wrong_addresses_get_wechats_error_page(
    browser: httpx.AsyncClient, sandbox: OAuthSandbox, changes: dict[str, str], shown: str
) -> None:
    answer = await browser.get("/connect/oauth2/authorize", params=asked(sandbox, **changes))
    assert answer.status_code == 400
    assert shown in answer.text


async def test_answers_come_as_plain_text(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/sns/oauth2/access_token")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.json()["errcode"] == 40013


async def test_control_api_makes_users_and_codes_and_shows_no_secret(
    browser: httpx.AsyncClient, sandbox: OAuthSandbox
) -> None:
    user = (await browser.post("/_control/oauth/users", json={"nickname": "测试"})).json()
    code = (await browser.post("/_control/oauth/codes", json={"openid": user["openid"]})).json()["code"]
    params = {
        "appid": sandbox.app_id,
        "secret": sandbox.app_secret,
        "code": code,
        "grant_type": "authorization_code",
    }
    assert (await browser.get("/sns/oauth2/access_token", params=params)).json()["openid"] == user["openid"]

    state = await browser.get("/_control/oauth/state")
    assert state.json()["exchanges"][-1]["openid"] == user["openid"]
    assert sandbox.app_secret not in state.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("users", {"openid": "a b"}),
        ("users", {"openid": 5}),
        ("codes", {"openid": "nobody"}),
        ("faults", {"name": "nonsense"}),
        ("faults", {"name": "busy", "times": 0}),
        ("faults", {"name": "busy", "times": "many"}),
    ],
)
async def test_control_api_refuses_nonsense(browser: httpx.AsyncClient, path: str, body: dict[str, object]) -> None:
    assert (await browser.post(f"/_control/oauth/{path}", json=body)).status_code == 422


async def test_faults_count_down_and_clear(browser: httpx.AsyncClient, sandbox: OAuthSandbox) -> None:
    async def errcode() -> int:
        return int((await browser.get("/sns/oauth2/access_token")).json()["errcode"])

    await browser.post("/_control/oauth/faults", json={"name": "busy", "times": 2})
    assert [await errcode() for _ in range(3)] == [-1, -1, 40013]

    await browser.post("/_control/oauth/faults", json={"name": "busy", "times": None})
    assert [await errcode() for _ in range(3)] == [-1, -1, -1]
    await browser.delete("/_control/oauth/faults", params={"name": "busy"})
    assert await errcode() == 40013
