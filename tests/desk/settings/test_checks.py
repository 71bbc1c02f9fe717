"""What a try of a connection says, where the API's own sandbox is of another kind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from backend.core.config import WeChatPaySettings
from backend.core.db import Database
from backend.desk.settings.checks import try_connection
from backend.runtime import Outbound, RuntimeHolder, build_runtime
from backend.sandbox.wechat_pay.keys import rsa_key
from tests.conftest import Time
from tests.gateways.storage.fake_cos import FakeCos, served, settings_for
from tests.gateways.wechat_pay.kit import Shop
from tests.world import World


@asynccontextmanager
async def reaching(world: World, db: Database, transport: httpx.AsyncBaseTransport) -> AsyncIterator[RuntimeHolder]:
    live = RuntimeHolder(build_runtime(world.settings, db), Outbound(transport))
    yield live
    await live.aclose()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A merchant with platform certificates."""
    return Shop(tmp_path / "certificates", public_key_mode=False)


async def test_platform_certificates_prove_the_apiv3_key(world: World, db: Database, shop: Shop):
    async with reaching(world, db, shop.transport) as live:
        check = await try_connection(live, "wechat_pay", shop.settings)
        assert check.ok, check.detail
        wrong = shop.settings.model_copy(update={"apiv3_key": SecretStr("x" * 32)})
        check = await try_connection(live, "wechat_pay", wrong)
    assert check.wrong == {"apiv3_key": "APIv3 密钥解不开微信支付的平台证书"}


async def test_a_merchant_without_certificates_is_told_to_use_the_public_key(world: World, db: Database):
    without = {"public_key_id": "", "public_key_path": None}
    async with reaching(world, db, world.transport) as live:
        settings: WeChatPaySettings = world.settings.wechat_pay.model_copy(update=without)
        check = await try_connection(live, "wechat_pay", settings)
    assert check.wrong.keys() == {"public_key_id"}


async def test_the_public_key_is_proved_by_a_day_with_trade(world: World, db: Database, tmp_path: Path, time: Time):
    shop = Shop(tmp_path / "public-key")
    stranger = rsa_key("stranger").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    wrong = shop.settings.model_copy(update={"public_key": stranger})
    async with reaching(world, db, shop.transport) as live:
        assert "要等有交易之后" in (await try_connection(live, "wechat_pay", wrong)).detail
        await shop.paid("native")
        time.advance(2 * 86400)
        assert (await try_connection(live, "wechat_pay", shop.settings)).detail == "已连接，签名与验签均通过"
        check = await try_connection(live, "wechat_pay", wrong)
    assert check.wrong == {"public_key": "微信支付的应答与填写的公钥不符"}


async def test_nobody_there(world: World, db: Database):
    class Nobody(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("nobody", request=request)

    async with reaching(world, db, Nobody()) as live:
        details = {
            (await try_connection(live, group, getattr(world.settings, group))).detail
            for group in ("wechat_pay", "wechat_oauth", "wecom")
        }
    assert details == {"无法连接，请检查网络与接口地址"}


async def test_a_bucket_is_written_read_and_left_as_it_was(world: World, db: Database):
    cos = FakeCos()
    async with served(cos) as address, reaching(world, db, world.transport) as live:
        settings = settings_for(address)
        check = await try_connection(live, "storage", settings)
        assert (check.ok, check.endpoint) == (True, address)
        assert cos.objects == {}
        wrong = settings.model_copy(update={"cos_secret_key": SecretStr("another")})
        check = await try_connection(live, "storage", wrong)
    assert check.wrong == {"cos_secret_key": "SecretKey 不正确"}
