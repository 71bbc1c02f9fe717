"""Saving a settings group and testing its connection. External calls happen outside of transactions."""

import asyncio
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from backend.community.planets import flows as planets
from backend.community.planets import repository as planets_repository
from backend.core import clock
from backend.core.actor import Actor
from backend.core.config import Section, WeChatPaySettings
from backend.core.errors import AppError, Conflict, Invalid
from backend.desk.settings import service
from backend.desk.settings.checks import MOST_SECONDS, TRIED, Check, try_connection
from backend.desk.settings.drafts import draft
from backend.desk.settings.groups import GROUPS
from backend.desk.settings.repository import forget_check
from backend.desk.settings.service import Group
from backend.money.payments import repository as payments
from backend.money.payments.rules import PAYABLE_AFTER_CLOSING
from backend.money.refunds import repository as refunds
from backend.runtime import Runtime, RuntimeHolder


class NotTestable(Conflict):
    code, message = "settings_not_testable", "这组配置没有可以测试的连接"


class MerchantInUse(Conflict):
    """Open orders and refunds must finish before a switch, since only their own merchant can report their state."""

    code, message = "merchant_in_use", "还有未了结的订单或退款，暂不能修改商户号或 AppID"


async def read(live: RuntimeHolder, runtime: Runtime, name: str) -> Group:
    """A group with its current settings. Raises NotFound."""
    async with runtime.db.transaction() as session:
        return await service.group(session, live.base, runtime.secrets, name)


async def save(
    live: RuntimeHolder,
    runtime: Runtime,
    actor: Actor,
    name: str,
    *,
    version: int,
    typed: Mapping[str, Any],
    clear: Collection[str],
) -> None:
    """Validate the form as a whole, test the connection, save, and apply the settings in this process.

    Credentials that the provider rejects aren't saved. If the provider is down, they are saved untested.
    Raises NotFound, SettingsChanged, MerchantInUse, and Invalid with every wrong field.
    """
    before = await read(live, runtime, name)
    service.require_version(before, version)
    new = draft(name, before.section, typed, clear)
    if new.section == before.section and before.problem is None:
        return  # nothing to save or to audit
    await _require_settled(runtime, before.section, new.section)
    check = None
    if name in TRIED and new.section != before.section and _filled(new.section):
        check = await try_connection(live, name, new.section)
        if check.wrong:
            raise Invalid(check.wrong)
    async with runtime.db.transaction() as session:
        await service.save(session, actor, runtime.secrets, before, new, version=version)
        if check is not None:
            await service.record_check(session, name, check)
        else:
            await forget_check(session, name)
    await live.refresh()


async def _require_settled(runtime: Runtime, old: Section, new: Section) -> None:
    """Raise MerchantInUse, naming what is open, if orders or refunds are open and the merchant or app id changes.

    An order created after this check is safe too: ``require_merchant`` prevents queries at the wrong merchant.
    """
    if not (isinstance(old, WeChatPaySettings) and isinstance(new, WeChatPaySettings)):
        return
    if (old.mch_id, old.app_id) == (new.mch_id, new.app_id):
        return
    closed_from = clock.now() - PAYABLE_AFTER_CLOSING
    async with runtime.db.transaction() as session:
        pending, closed = await payments.open_elsewhere(
            session, mch_id=new.mch_id, app_id=new.app_id, closed_from=closed_from
        )
        refunding = await refunds.open_elsewhere(session, mch_id=new.mch_id, app_id=new.app_id)
    kinds = {"待支付的订单": pending, "关闭不满 24 小时的订单": closed, "已通过但未完成的退款（含失败）": refunding}
    found = "、".join(words for words, is_open in kinds.items() if is_open)
    if found:
        raise MerchantInUse(f"原商户还有{found}，了结后才能修改商户号或 AppID")


async def test(
    live: RuntimeHolder,
    runtime: Runtime,
    actor: Actor,
    name: str,
    *,
    typed: Mapping[str, Any],
    clear: Collection[str],
    send_message: bool,
) -> Check:
    """Test the form: submitted values over saved ones. Only the result is saved, and only if the form equals the
    settings in force.

    Raises NotFound, NotTestable, Invalid.
    """
    before = await read(live, runtime, name)
    if not GROUPS[name].tested:
        raise NotTestable
    new = draft(name, before.section, typed, clear)
    if name in TRIED:
        message = (
            f"这是一条测试消息（{clock.shanghai(clock.now()):%m-%d %H:%M:%S}，{actor.name}）" if send_message else None
        )
        check = await try_connection(live, name, new.section, message=message)
    else:
        check = await _try_planets(runtime, actor, endpoint=str(runtime.settings.zsxq.base_url))
    async with runtime.db.transaction() as session:
        if new.section == before.section:
            await service.record_check(session, name, check)
        service.audit_test(session, actor, name, check)
    return check


async def _try_planets(runtime: Runtime, actor: Actor, *, endpoint: str) -> Check:
    """Test every planet: 知识星球 has only tokens, one per planet."""
    async with runtime.db.transaction() as session:
        names = await planets_repository.names(session)
    try:
        async with asyncio.timeout(MOST_SECONDS):
            tests = [await _try_planet(runtime, planet_id, actor) for planet_id in names]
    except TimeoutError:
        return Check(False, round(MOST_SECONDS * 1000), endpoint, f"{MOST_SECONDS:.0f} 秒内没有应答")
    if not tests:
        return Check(False, 0, endpoint, "还没有星球，请先在「星球配置」中添加")
    details = [f"{name}：{test.detail}" for name, test in zip(names.values(), tests, strict=True)]
    return Check(
        all(test.ok for test in tests), max(test.latency_ms for test in tests), endpoint, "；".join(details)[:500]
    )


async def _try_planet(runtime: Runtime, planet_id: uuid.UUID, actor: Actor) -> planets.PlanetTest:
    try:
        return await planets.test_planet(runtime, planet_id, actor)
    except AppError as error:
        return planets.PlanetTest(False, 0, error.text)


def _filled(section: Any) -> bool:
    """Whether the section is configured at all."""
    return bool(getattr(section, "kind", None) or getattr(section, "app_id", "") or getattr(section, "corp_id", ""))
