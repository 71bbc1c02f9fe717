"""Log-in of members over HTTP, with the simulator of WeChat's authorisation."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from backend.app import create_app
from backend.core.config import WeChatOAuthSettings
from backend.gateways.wechat_oauth import WeChatOAuth
from backend.models.payers import OAuthState, Payer
from backend.runtime import Runtime
from tests.world import World

START = "/api/h5/auth/wechat"


async def begin(client: httpx.AsyncClient, return_to: str | None = None) -> str:
    """Go to WeChat; returns the state it was given."""
    response = await client.get(START, params={"return_to": return_to} if return_to is not None else None)
    assert response.status_code == 302, response.text
    return parse_qs(urlsplit(response.headers["location"]).query)["state"][0]


async def finish(client: httpx.AsyncClient, code: str, state: str) -> httpx.Response:
    return await client.post(START, json={"code": code, "state": state})


async def test_the_browser_is_sent_to_wechat(client: httpx.AsyncClient, world: World) -> None:
    response = await client.get(START, params={"return_to": "/camps/1"})
    address = urlsplit(response.headers["location"])
    query = parse_qs(address.query)
    assert response.headers["location"].startswith(f"{world.settings.wechat_oauth.authorize_url}?appid=")
    assert query["redirect_uri"] == ["http://testserver/auth/callback"]
    assert query["scope"] == ["snsapi_base"]
    assert query["state"][0].isalnum()
    assert address.fragment == "wechat_redirect"


@pytest.mark.parametrize(("base_url", "secure"), [("http://testserver", False), ("https://camp.example", True)])
async def test_the_cookie_is_kept_from_scripts_and_from_plain_http(
    runtime: Runtime, base_url: str, secure: bool
) -> None:
    settings = runtime.settings.model_copy(update={"public_base_url": base_url})
    transport = httpx.ASGITransport(app=create_app(settings, replace(runtime, settings=settings)))
    async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
        cookie = (await client.get(START)).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/api/h5/auth" in cookie
    assert ("secure" in cookie) is secure


async def test_log_in_through_wechat(client: httpx.AsyncClient, runtime: Runtime, world: World) -> None:
    user = world.sandbox.oauth.add_user("小满")
    state = await begin(client, "/camps/1?from=群聊")
    response = await finish(client, world.sandbox.oauth.issue_code(user.openid), state)
    assert response.status_code == 200
    data = response.json()["data"]
    assert data["return_to"] == "/camps/1?from=群聊"
    async with runtime.db.transaction() as session:
        assert await session.scalar(select(Payer.openid)) == user.openid
    me = await client.get("/api/h5/payments/unknown", headers={"Authorization": f"Bearer {data['token']}"})
    assert me.status_code == 404


async def test_the_authorisation_page_leads_back_with_code_and_state(client: httpx.AsyncClient, world: World) -> None:
    user = world.sandbox.oauth.add_user("小满")
    location = (await client.get(START)).headers["location"].partition("#")[0]
    async with httpx.AsyncClient(transport=world.transport) as browser:
        back = await browser.get(f"{location}&sandbox_openid={user.openid}")
    query = {name: values[0] for name, values in parse_qs(urlsplit(back.headers["location"]).query).items()}
    assert (await finish(client, query["code"], query["state"])).status_code == 200


async def test_the_same_person_twice_is_one_payer(client: httpx.AsyncClient, runtime: Runtime, world: World) -> None:
    user = world.sandbox.oauth.add_user("小满")
    for _ in range(2):
        state = await begin(client)
        assert (await finish(client, world.sandbox.oauth.issue_code(user.openid), state)).status_code == 200
    async with runtime.db.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Payer)) == 1


@pytest.mark.parametrize(
    "return_to",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "http://testserver@evil.example",
        "/\t/evil.example",
    ],
)
async def test_a_foreign_return_address_becomes_the_home_page(
    client: httpx.AsyncClient, world: World, return_to: str
) -> None:
    """B28."""
    user = world.sandbox.oauth.add_user("小满")
    state = await begin(client, return_to)
    response = await finish(client, world.sandbox.oauth.issue_code(user.openid), state)
    assert response.json()["data"]["return_to"] == "/"


async def test_two_pages_of_a_browser_log_in_side_by_side(client: httpx.AsyncClient, world: World) -> None:
    user = world.sandbox.oauth.add_user("小满")
    states = [await begin(client), await begin(client)]
    for state in states:
        assert (await finish(client, world.sandbox.oauth.issue_code(user.openid), state)).status_code == 200


async def test_a_state_is_refused_the_second_time_and_in_another_browser(
    client: httpx.AsyncClient, runtime: Runtime, world: World
) -> None:
    """B28; a stranger's link must not log its victim in as the stranger."""
    user = world.sandbox.oauth.add_user("小满")
    state = await begin(client)
    other = httpx.ASGITransport(app=create_app(runtime.settings, runtime))
    async with httpx.AsyncClient(transport=other, base_url="http://testserver") as victim:
        foreign = await finish(victim, world.sandbox.oauth.issue_code(user.openid), state)
    assert (await finish(client, world.sandbox.oauth.issue_code(user.openid), state)).status_code == 200
    again = await finish(client, world.sandbox.oauth.issue_code(user.openid), state)
    unknown = await finish(client, world.sandbox.oauth.issue_code(user.openid), "0" * 64)
    for refused in (foreign, again, unknown):
        assert (refused.status_code, refused.json()["code"]) == (409, "oauth_state_invalid")
    # The code is never offered to WeChat without a good state.
    assert len(world.sandbox.oauth.exchanges) == 1


async def test_a_used_code_means_starting_over(client: httpx.AsyncClient, world: World) -> None:
    user = world.sandbox.oauth.add_user("小满")
    code = world.sandbox.oauth.issue_code(user.openid)
    assert (await finish(client, code, await begin(client))).status_code == 200
    again = await finish(client, code, await begin(client))
    assert (again.status_code, again.json()["code"]) == (409, "oauth_code_invalid")


async def test_a_preview_user_is_refused(client: httpx.AsyncClient, runtime: Runtime, world: World) -> None:
    user = world.sandbox.oauth.add_user("小满")
    world.sandbox.oauth.faults.set("snapshot")
    response = await finish(client, world.sandbox.oauth.issue_code(user.openid), await begin(client))
    assert (response.status_code, response.json()["code"]) == (409, "oauth_snapshot_user")
    async with runtime.db.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Payer)) == 0


async def test_a_busy_wechat_is_no_fault_of_ours_and_the_state_is_gone(client: httpx.AsyncClient, world: World) -> None:
    user = world.sandbox.oauth.add_user("小满")
    world.sandbox.oauth.faults.set("busy")
    code, state = world.sandbox.oauth.issue_code(user.openid), await begin(client)
    response = await finish(client, code, state)
    assert (response.status_code, response.json()["code"]) == (502, "provider_unavailable")
    assert (await finish(client, code, state)).json()["code"] == "oauth_state_invalid"


@pytest.mark.parametrize("body", [{}, {"code": "", "state": "x"}, {"code": "x" * 513, "state": "x"}, {"code": 1}])
async def test_bad_input_is_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    response = await client.post(START, json=body)
    assert (response.status_code, response.json()["code"]) == (422, "validation_error")


async def test_without_an_account_there_is_no_log_in(runtime: Runtime) -> None:
    bare = WeChatOAuth(WeChatOAuthSettings())
    transport = httpx.ASGITransport(app=create_app(runtime.settings, replace(runtime, wechat_oauth=bare)))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        response = await client.get(START)
    await bare.aclose()
    assert (response.status_code, response.json()["code"]) == (502, "provider_unavailable")
    async with runtime.db.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(OAuthState)) == 0


async def test_a_guest_gets_a_token_of_a_person_without_openid(client: httpx.AsyncClient, runtime: Runtime) -> None:
    tokens = [(await client.post("/api/h5/auth/guest")).json()["data"]["token"] for _ in range(2)]
    assert tokens[0] != tokens[1]
    async with runtime.db.transaction() as session:
        assert (await session.scalars(select(Payer.openid))).all() == [None, None]
