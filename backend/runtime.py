"""What flows need: the database, the doorbell and the outside systems, built once per process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from backend.core.config import Settings
from backend.core.db import Database, make_engine
from backend.core.queue import RedisQueue
from backend.core.security import SecretBox
from backend.gateways.storage import Storage, make_storage
from backend.gateways.wechat_oauth import WeChatOAuth
from backend.gateways.wechat_pay import WeChatPay
from backend.gateways.wecom import WeCom
from backend.gateways.zsxq import Zsxq


@dataclass(frozen=True, slots=True)
class Runtime:
    """Handed to routers and flows; nothing in the program is a global."""

    settings: Settings
    db: Database
    secrets: SecretBox
    wechat_pay: WeChatPay
    wechat_oauth: WeChatOAuth
    zsxq: Zsxq
    wecom: WeCom
    storage: Storage


@asynccontextmanager
async def open_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """Build everything from the settings, and close it again at the end of the block."""
    engine = make_engine(settings.database_url, pool_size=settings.database_pool_size)
    queue = RedisQueue(settings.redis_url)
    runtime = Runtime(
        settings=settings,
        db=Database(engine, queue),
        secrets=SecretBox(settings.data_key_bytes),
        wechat_pay=WeChatPay(settings.wechat_pay),
        wechat_oauth=WeChatOAuth(settings.wechat_oauth),
        zsxq=Zsxq(settings.zsxq),
        wecom=WeCom(settings.wecom),
        storage=make_storage(settings.storage),
    )
    try:
        yield runtime
    finally:
        await runtime.wechat_pay.aclose()
        await runtime.wechat_oauth.aclose()
        await runtime.zsxq.aclose()
        await runtime.wecom.aclose()
        await queue.aclose()
        await engine.dispose()
