"""The WeCom gateway against the simulator, over real bytes and, for broken connections, over a real socket."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from backend.core.config import WeComSettings
from backend.gateways.errors import Rejected, Unavailable, Unknown
from backend.gateways.wecom import WeCom
from backend.sandbox.wecom import WeComSandbox
from tests.conftest import Time


@pytest.fixture
def sandbox() -> WeComSandbox:
    return WeComSandbox(members={"wangfang", "lina"})


def settings_for(sandbox: WeComSandbox, **changes: object) -> WeComSettings:
    values: dict[str, object] = {
        "base_url": "http://wecom.test",
        "corp_id": sandbox.corp_id,
        "agent_id": sandbox.agent_id,
        "secret": SecretStr(sandbox.secret),
        "robot_key": SecretStr(sandbox.robot_key),
        "alert_user_ids": "wangfang",
    }
    return WeComSettings.model_validate(values | changes)


@asynccontextmanager
async def gateway_for(
    sandbox: WeComSandbox, transport: httpx.AsyncBaseTransport | None = None, **changes: Any
) -> AsyncIterator[WeCom]:
    gateway = WeCom(settings_for(sandbox, **changes), transport=transport or httpx.ASGITransport(sandbox.app))
    try:
        yield gateway
    finally:
        await gateway.aclose()


@pytest.fixture
async def wecom(sandbox: WeComSandbox) -> AsyncIterator[WeCom]:
    async with gateway_for(sandbox) as gateway:
        yield gateway


class Counting(httpx.ASGITransport):
    """Remembers the paths that were called."""

    def __init__(self, sandbox: WeComSandbox) -> None:
        super().__init__(sandbox.app)
        self.paths: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        return await super().handle_async_request(request)


async def test_message_reaches_the_staff(wecom: WeCom, sandbox: WeComSandbox) -> None:
    assert await wecom.send_app_message("同步失败：第 3 期") == []
    message = sandbox.messages[-1]
    assert (message.channel, message.text, message.shown_to) == ("app", "同步失败：第 3 期", ["wangfang"])


async def test_a_long_text_is_cut_and_its_tail_is_kept(wecom: WeCom, sandbox: WeComSandbox) -> None:
    await wecom.send_app_message("长" * 1000, tail="\n[1]")
    assert sandbox.messages[-1].text == "长" * 681 + "\n[1]"  # 2043 + 4 of 2048 bytes


async def test_everybody(wecom: WeCom, sandbox: WeComSandbox) -> None:
    assert await wecom.send_app_message("大家好", user_ids="@all") == []
    assert sandbox.messages[-1].shown_to == ["lina", "wangfang"]


async def test_unreachable_receivers_are_named(wecom: WeCom, sandbox: WeComSandbox) -> None:
    assert await wecom.send_app_message("一", user_ids="lina|Gone1|gone2") == ["gone1", "gone2"]
    assert sandbox.messages[-1].shown_to == ["lina"]
    with pytest.raises(Rejected, match="81013"):
        await wecom.send_app_message("二", user_ids="gone1")


async def test_token_is_fetched_once_even_by_a_crowd(sandbox: WeComSandbox) -> None:
    counting = Counting(sandbox)
    async with gateway_for(sandbox, counting) as wecom:
        await asyncio.gather(*(wecom.send_app_message(f"消息 {n}") for n in range(5)))
    assert counting.paths.count("/cgi-bin/gettoken") == 1
    assert len(sandbox.messages) == 5


async def test_token_is_renewed_before_its_end(sandbox: WeComSandbox, time: Time) -> None:
    counting = Counting(sandbox)
    async with gateway_for(sandbox, counting) as wecom:
        await wecom.send_app_message("一")
        time.advance(6800)
        await wecom.send_app_message("二")
        assert counting.paths.count("/cgi-bin/gettoken") == 1
        time.advance(200)
        await wecom.send_app_message("三")
        assert counting.paths.count("/cgi-bin/gettoken") == 2


async def test_revoked_token_costs_one_refresh_and_one_repeat(sandbox: WeComSandbox) -> None:
    counting = Counting(sandbox)
    async with gateway_for(sandbox, counting) as wecom:
        await wecom.send_app_message("一")
        sandbox.revoke_tokens()
        await wecom.send_app_message("二")
    assert [message.text for message in sandbox.messages] == ["一", "二"]
    assert [path.rpartition("/")[2] for path in counting.paths] == ["gettoken", "send", "send", "gettoken", "send"]


async def test_a_token_refused_twice_is_given_up(sandbox: WeComSandbox) -> None:
    counting = Counting(sandbox)
    sandbox.faults.set("token_revoked", times=None)
    async with gateway_for(sandbox, counting) as wecom:
        with pytest.raises(Rejected, match="40014"):
            await wecom.send_app_message("一")
    assert counting.paths.count("/cgi-bin/message/send") == 2


async def test_crowd_with_a_revoked_token_refreshes_once(sandbox: WeComSandbox) -> None:
    counting = Counting(sandbox)
    async with gateway_for(sandbox, counting) as wecom:
        await wecom.send_app_message("先")
        sandbox.revoke_tokens()
        await asyncio.gather(*(wecom.send_app_message(f"消息 {n}") for n in range(4)))
    assert counting.paths.count("/cgi-bin/gettoken") == 2
    assert len(sandbox.messages) == 5


async def test_repeating_the_same_text_shows_it_once(wecom: WeCom, sandbox: WeComSandbox) -> None:
    sandbox.faults.set("broken_off", times=1)
    with pytest.raises(Unavailable):  # the token's answer was lost: nothing was sent yet
        await wecom.send_app_message("退款失败 R2026")
    await wecom.send_app_message("退款失败 R2026")
    sandbox.faults.set("http_500")
    with pytest.raises(Unknown):
        await wecom.send_app_message("退款失败 R2027")
    await wecom.send_app_message("退款失败 R2027")
    shown = [message.text for message in sandbox.messages if not message.duplicate]
    assert shown == ["退款失败 R2026", "退款失败 R2027"]


@pytest.mark.parametrize(("text", "kept"), [("押" * 700, 682), ("ab" + "押" * 700, 682), ("a" * 3000, 2048)])
async def test_texts_are_cut_between_characters(wecom: WeCom, sandbox: WeComSandbox, text: str, kept: int) -> None:
    await wecom.send_robot_text(text)
    shown = sandbox.messages[-1].text
    assert text.startswith(shown)
    assert shown.count(text[-1]) == kept
    assert len(shown.encode()) <= 2048


async def test_robot_limit_asks_for_a_minute(wecom: WeCom, sandbox: WeComSandbox, time: Time) -> None:
    for n in range(20):
        await wecom.send_robot_text(f"告警 {n}")
    with pytest.raises(Unavailable) as failure:
        await wecom.send_robot_text("告警 20")
    assert failure.value.retry_after == 60
    time.advance(61)
    await wecom.send_robot_text("告警 20")
    assert len(sandbox.messages) == 21


async def test_a_camp_may_have_its_own_robot(wecom: WeCom, sandbox: WeComSandbox) -> None:
    key = sandbox.add_robot("第 3 期训练营")
    await wecom.send_robot_text("恭喜", key=SecretStr(key))
    assert sandbox.messages[-1].shown_to == ["第 3 期训练营"]


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [("busy", Unavailable, "-1"), ("rate_limited", Unavailable, "45009"), ("ip_refused", Rejected, "60020")],
)
async def test_refusals(
    wecom: WeCom, sandbox: WeComSandbox, fault: str, kind: type[Rejected | Unavailable], code: str
) -> None:
    sandbox.faults.set(fault)
    with pytest.raises(kind) as failure:
        await wecom.send_robot_text("x")
    assert failure.value.code == code


async def test_a_bad_key_is_told_nowhere(wecom: WeCom, caplog: pytest.LogCaptureFixture, sandbox: WeComSandbox) -> None:
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(Rejected) as refused:
            await wecom.send_robot_text("x", key=SecretStr("very-secret-robot-key"))
        await wecom.send_robot_text("x")
        await wecom.send_app_message("x")
    assert refused.value.code == "93000"
    text = caplog.text + repr(refused.value) + str(refused.value)
    for secret in ("very-secret-robot-key", sandbox.robot_key, sandbox.secret):
        assert secret not in text


@pytest.mark.parametrize(
    ("change", "code"),
    [({"secret": SecretStr("wrong")}, "40001"), ({"corp_id": "ww0"}, "40013"), ({"agent_id": 7}, "40056")],
)
async def test_wrong_configuration_is_final(sandbox: WeComSandbox, change: dict[str, Any], code: str) -> None:
    async with gateway_for(sandbox, **change) as wecom:
        with pytest.raises(Rejected) as refused:
            await wecom.send_app_message("x")
    assert refused.value.code == code


async def test_channels_are_switched_off_by_empty_settings(sandbox: WeComSandbox) -> None:
    wecom = WeCom(WeComSettings())
    assert not wecom.configured
    assert not wecom.robot_configured
    for sending in (wecom.send_app_message("x"), wecom.send_robot_text("x")):
        with pytest.raises(Rejected, match="not_configured"):
            await sending
    await wecom.aclose()
    async with gateway_for(sandbox) as full:
        assert full.configured
        assert full.robot_configured


@asynccontextmanager
async def served(sandbox: WeComSandbox) -> AsyncIterator[str]:
    """The simulator on a real loopback port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(sandbox.app, log_level="critical", ws="none", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with httpx.AsyncClient() as probe:
            await probe.get(f"{address}/_control/wecom/state")  # answered as soon as it has started
        yield address
    finally:
        server.should_exit = True
        await task
        listener.close()


async def test_real_sockets_broken_off_and_slow(sandbox: WeComSandbox) -> None:
    async with served(sandbox) as address:
        network = httpx.AsyncHTTPTransport()
        async with gateway_for(sandbox, network, base_url=address, timeout_seconds=0.1) as wecom:
            sandbox.faults.set("broken_off")
            with pytest.raises(Unknown, match="no_answer"):
                await wecom.send_robot_text("一")
            sandbox.faults.set("slow", value=0.2)
            with pytest.raises(Unknown, match="ReadTimeout"):
                await wecom.send_robot_text("二")
            sandbox.faults.set("slow", value=0.2)
            with pytest.raises(Unavailable, match="no_answer"):  # only the token was asked for
                await wecom.send_app_message("三")
    assert [message.text for message in sandbox.messages] == ["一", "二"]


async def test_nobody_listening_is_unavailable(sandbox: WeComSandbox) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        async with gateway_for(sandbox, httpx.AsyncHTTPTransport(), base_url=address) as wecom:
            with pytest.raises(Unavailable, match="unreachable"):
                await wecom.send_robot_text("x")
