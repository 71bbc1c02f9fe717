"""The four simulators under one roof: a product with the sandbox's settings finds its way to each of them."""

import asyncio
import datetime as dt
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend.core import clock
from backend.core.config import Settings
from backend.gateways.wechat_oauth import WeChatOAuth
from backend.gateways.wechat_pay import Notification, OrderRequest, WeChatPay
from backend.gateways.wecom import WeCom
from backend.gateways.zsxq import Zsxq
from backend.sandbox.app import Sandbox, build_sandbox

BASE_URL = "http://sandbox.test/behind/a/proxy"


class Webhook:
    """The product's end of a notification: verifies it and remembers it."""

    def __init__(self) -> None:
        self.pay: WeChatPay | None = None
        self.seen: list[Notification] = []
        self.arrived = asyncio.Event()
        self.app = Starlette(routes=[Route("/api/webhook/wechat/payment", self.receive, methods=["POST"])])

    async def receive(self, request: Request) -> Response:
        assert self.pay is not None
        self.seen.append(await self.pay.verify_notification(request.headers, await request.body()))
        self.arrived.set()
        return Response(status_code=204)


@pytest.fixture
def webhook() -> Webhook:
    return Webhook()


@pytest.fixture
def sandbox(webhook: Webhook) -> Sandbox:
    return build_sandbox(base_url="http://sandbox.test", notify_transport=httpx.ASGITransport(webhook.app))


@pytest.fixture
def settings(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Parsed from the environment, as a product process would."""
    for name, value in sandbox.environment(tmp_path / "keys").items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


@pytest.fixture
async def pay(sandbox: Sandbox, settings: Settings, webhook: Webhook) -> AsyncIterator[WeChatPay]:
    gateway = WeChatPay(settings.wechat_pay, transport=httpx.ASGITransport(sandbox.app))
    webhook.pay = gateway
    yield gateway
    await gateway.aclose()


def order(out_trade_no: str, openid: str) -> OrderRequest:
    return OrderRequest(
        channel="jsapi",
        out_trade_no=out_trade_no,
        description="七天训练营押金",
        amount_fen=9900,
        expires_at=clock.now() + dt.timedelta(minutes=30),
        notify_url="http://testserver/api/webhook/wechat/payment",
        openid=openid,
    )


def test_environment_is_complete_and_private(settings: Settings, tmp_path: Path) -> None:
    assert settings.problems() == []
    for files in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(files.stat().st_mode) == 0o600
    for group in (settings.wechat_pay, settings.wechat_oauth, settings.zsxq, settings.wecom):
        assert group.base_url.startswith("http://sandbox.test/")


async def test_the_person_who_logs_in_can_pay_and_the_product_hears_of_it(
    sandbox: Sandbox, settings: Settings, pay: WeChatPay, webhook: Webhook
) -> None:
    oauth = WeChatOAuth(settings.wechat_oauth, transport=httpx.ASGITransport(sandbox.app))
    address = oauth.authorize_url("https://camp.test/h5", "s1").removesuffix("#wechat_redirect")
    openid = next(iter(sandbox.oauth.users))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app)) as browser:
        back = (await browser.get(f"{address}&sandbox_openid={openid}")).headers["location"]
    identity = await oauth.exchange(httpx.URL(back).params["code"])
    await oauth.aclose()

    await pay.create_order(order("P20260301000001", identity.openid))
    sandbox.wechat_pay.pay("P20260301000001")
    await sandbox.wechat_pay.deliver_due()

    payment = webhook.seen[0].payment
    assert payment is not None
    assert (payment.openid, payment.amount_fen) == (openid, 9900)
    assert payment.app_id == settings.wechat_oauth.app_id


async def test_lifespan_keeps_notifications_going(sandbox: Sandbox, pay: WeChatPay, webhook: Webhook) -> None:
    async with sandbox.app.router.lifespan_context(sandbox.app):
        await pay.create_order(order("P20260301000002", "oPayer000001"))
        sandbox.wechat_pay.pay("P20260301000002")
        async with asyncio.timeout(5):
            await webhook.arrived.wait()
    assert webhook.seen[0].event_type == "TRANSACTION.SUCCESS"


async def test_planet_and_staff_messages(sandbox: Sandbox, settings: Settings) -> None:
    group_id = sandbox.zsxq.add_group("早起星球")
    zsxq = Zsxq(settings.zsxq, transport=httpx.ASGITransport(sandbox.app))
    probe = await zsxq.planet(group_id, sandbox.zsxq.issue_token()).probe()
    await zsxq.aclose()
    assert probe.group_name == "早起星球"

    wecom = WeCom(settings.wecom, transport=httpx.ASGITransport(sandbox.app))
    await wecom.send_app_message("同步失败")
    await wecom.send_robot_text("同步失败")
    await wecom.aclose()
    assert [message.channel for message in sandbox.wecom.messages] == ["app", "robot"]


async def test_base_address_may_itself_have_a_path() -> None:
    sandbox = build_sandbox(base_url=BASE_URL + "/")
    cashier = sandbox.wechat_pay.cashier.url("P1")
    assert cashier == f"{BASE_URL}/wechat-pay/cashier/P1"


async def test_command_serves_and_writes_settings(tmp_path: Path) -> None:
    env_file, keys = tmp_path / "sandbox.env", tmp_path / "keys"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "backend.sandbox", "--port", "0", "--keys-dir", str(keys), "--env-file", str(env_file)),
        stdout=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("CAMP_")},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            address = (await process.stdout.readline()).decode().strip().removeprefix("sandbox: ")
            await process.stdout.readline()
        async with httpx.AsyncClient() as browser:
            assert "沙箱总览" in (await browser.get(address)).text
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert stat.S_IMODE(os.stat(env_file).st_mode) == 0o600
    assert Settings(_env_file=env_file).problems() == []
