"""WeCom's own rules, as any client meets them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from backend.sandbox.wecom import WeComSandbox
from tests.conftest import Time


@pytest.fixture
def sandbox() -> WeComSandbox:
    return WeComSandbox(members={"wangfang", "lina"})


@pytest.fixture
async def client(sandbox: WeComSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://wecom.test") as opened:
        yield opened


async def token(client: httpx.AsyncClient, sandbox: WeComSandbox) -> str:
    params = {"corpid": sandbox.corp_id, "corpsecret": sandbox.secret}
    return str((await client.get("/cgi-bin/gettoken", params=params)).json()["access_token"])


async def send(client: httpx.AsyncClient, sandbox: WeComSandbox, content: str = "文", **changes: Any) -> dict[str, Any]:
    body = {"touser": "lina", "msgtype": "text", "agentid": sandbox.agent_id, "text": {"content": content}} | changes
    params = {"access_token": await token(client, sandbox)}
    answer: dict[str, Any] = (await client.post("/cgi-bin/message/send", params=params, json=body)).json()
    return answer


async def test_the_same_token_until_it_ends(client: httpx.AsyncClient, sandbox: WeComSandbox, time: Time) -> None:
    first = await token(client, sandbox)
    time.advance(7100)
    assert await token(client, sandbox) == first
    time.advance(101)
    assert await token(client, sandbox) != first
    answer = await client.post("/cgi-bin/message/send", params={"access_token": first}, json={})
    assert answer.json()["errcode"] == 42001


@pytest.mark.parametrize(("params", "errcode"), [({}, 41001), ({"access_token": "made-up"}, 40014)])
async def test_messages_need_a_token(client: httpx.AsyncClient, params: dict[str, str], errcode: int) -> None:
    answer = await client.post("/cgi-bin/message/send", params=params, json={})
    assert answer.status_code == 200
    assert answer.json()["errcode"] == errcode


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"msgtype": "poem"}, 40008),
        ({"text": {"content": ""}}, 44004),
        ({"text": "x"}, 44004),
        ({"touser": ""}, 40058),
        ({"touser": "nobody"}, 81013),
        ({"agentid": 1}, 40056),
    ],
)
async def test_misshapen_messages(
    client: httpx.AsyncClient, sandbox: WeComSandbox, changes: dict[str, Any], errcode: int
) -> None:
    assert (await send(client, sandbox, **changes))["errcode"] == errcode
    assert sandbox.messages == []


async def test_more_than_thirty_a_minute_vanish_silently(
    client: httpx.AsyncClient, sandbox: WeComSandbox, time: Time
) -> None:
    for n in range(31):
        assert (await send(client, sandbox, f"第 {n} 条"))["errcode"] == 0
    assert sandbox.messages[29].shown_to == ["lina"]
    assert (sandbox.messages[30].shown_to, sandbox.messages[30].dropped) == ([], ["lina"])
    time.advance(61)
    await send(client, sandbox, "一分钟后")
    assert sandbox.messages[31].shown_to == ["lina"]


async def test_duplicate_check_needs_the_flag_and_ends_with_its_window(
    client: httpx.AsyncClient, sandbox: WeComSandbox, time: Time
) -> None:
    await send(client, sandbox)
    await send(client, sandbox)
    for _ in range(2):
        await send(client, sandbox, enable_duplicate_check=1, duplicate_check_interval=600)
    time.advance(601)
    await send(client, sandbox, enable_duplicate_check=1, duplicate_check_interval=600)
    assert [message.duplicate for message in sandbox.messages] == [False, False, False, True, False]


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
async def test_unreadable_bodies(client: httpx.AsyncClient, sandbox: WeComSandbox, content: bytes) -> None:
    answer = await client.post("/cgi-bin/webhook/send", params={"key": sandbox.robot_key}, content=content)
    assert answer.json()["errcode"] == 47001


async def test_control_api(client: httpx.AsyncClient, sandbox: WeComSandbox) -> None:
    key = (await client.post("/_control/wecom/robots", json={"group": "二期群"})).json()["key"]
    body = {"msgtype": "markdown", "markdown": {"content": "**好**"}}
    assert (await client.post("/cgi-bin/webhook/send", params={"key": key}, json=body)).json()["errcode"] == 0
    old = await token(client, sandbox)
    await client.post("/_control/wecom/revoke-tokens")
    assert await token(client, sandbox) != old

    state = await client.get("/_control/wecom/state")
    assert state.json()["messages"][-1]["shown_to"] == ["二期群"]
    for secret in (key, sandbox.robot_key, sandbox.secret):
        assert secret not in state.text
