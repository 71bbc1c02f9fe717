"""How saved settings become effective in a process that goes on: leases, renewed gateways, rows that can't be used."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog
from pydantic import SecretStr

from backend.core.config import Settings
from backend.core.db import Database
from backend.core.security import SecretBox
from backend.gateways.errors import Rejected
from backend.models.settings import SettingsGroup
from backend.runtime import Outbound, Runtime, RuntimeHolder, build_runtime, open_runtime, overrides
from tests.conftest import outbound_of
from tests.desk.settings.rows import save, saved
from tests.world import World


@pytest.fixture
async def live(db: Database, world: World) -> AsyncIterator[RuntimeHolder]:
    """A process's runtime that didn't ask the database yet."""
    opened = RuntimeHolder(build_runtime(world.settings, db, outbound_of(world)), outbound_of(world), unread=True)
    yield opened
    await opened.aclose()


async def test_the_environment_counts_where_nothing_was_saved(live: RuntimeHolder):
    async with live.lease() as runtime:
        assert runtime.settings is live.base


async def test_a_process_begins_with_what_was_saved(live: RuntimeHolder, runtime: Runtime):
    await save(runtime.db, runtime.secrets, "refund", {"undo_seconds": 7})
    async with live.lease() as leased:
        assert leased.settings.refund.undo_seconds == 7
        assert leased.settings.refund.per_second == live.base.refund.per_second


async def test_a_saved_group_counts_at_the_next_refresh(live: RuntimeHolder, runtime: Runtime):
    await live.refresh()
    await save(runtime.db, runtime.secrets, "refund", {"undo_seconds": 7})
    assert live.now.settings.refund.undo_seconds == 0
    await live.refresh()
    assert live.now.settings.refund.undo_seconds == 7
    await save(runtime.db, runtime.secrets, "refund", {"undo_seconds": 9})
    await live.refresh()
    assert live.now.settings.refund.undo_seconds == 9


async def test_only_gateways_whose_settings_changed_are_made_anew(live: RuntimeHolder, runtime: Runtime):
    await live.refresh()
    before = live.now
    await save(runtime.db, runtime.secrets, "wecom", {"corp_id": "other"})
    await save(runtime.db, runtime.secrets, "payment", {"order_minutes": 5})
    await live.refresh()
    after = live.now
    assert after.wecom is not before.wecom
    assert (after.wechat_pay, after.wechat_oauth, after.zsxq, after.storage) == (
        before.wechat_pay, before.wechat_oauth, before.zsxq, before.storage,
    )  # fmt: skip


async def test_a_secret_is_opened_for_the_gateway_and_a_cleared_one_is_empty(live: RuntimeHolder, runtime: Runtime):
    secrets = {"secret": "typed-by-hand", "robot_key": None}
    await save(runtime.db, runtime.secrets, "wecom", {}, secrets)
    await live.refresh()
    assert live.now.settings.wecom.secret == SecretStr("typed-by-hand")
    assert live.base.wecom.robot_key.get_secret_value()
    assert not live.now.wecom.robot_configured


async def test_a_lease_keeps_its_runtime_and_its_connections(db: Database, world: World, runtime: Runtime):
    """A call that began on the old client ends there; then the old client is closed, and not before."""
    arrived, go_on, closed = asyncio.Event(), asyncio.Event(), []

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            arrived.set()
            await go_on.wait()
            return await world.transport.handle_async_request(request)

        async def aclose(self) -> None:
            closed.append(True)

    live = RuntimeHolder(build_runtime(world.settings, db, Outbound(Slow())), Outbound(world.transport))

    async def send() -> list[str]:
        async with live.lease() as leased:
            return await leased.wecom.send_app_message("旧配置发出的消息")

    sending = asyncio.create_task(send())
    await arrived.wait()
    await save(runtime.db, runtime.secrets, "wecom", {"agent_id": 1})
    await live.refresh()
    async with live.lease() as leased:
        assert leased.settings.wecom.agent_id == 1
    assert not closed
    go_on.set()
    assert await sending == []
    assert closed == [True]
    assert world.sandbox.wecom.messages[-1].text == "旧配置发出的消息"
    await live.aclose()


async def test_an_unused_gateway_is_closed_at_once(live: RuntimeHolder, runtime: Runtime):
    await live.refresh()
    before = live.now.wecom
    await save(runtime.db, runtime.secrets, "wecom", {"agent_id": 1})
    await live.refresh()
    with pytest.raises(RuntimeError, match="closed"):
        await before.send_app_message("nobody hears this")


async def test_a_token_of_zsxq_is_treated_as_before(live: RuntimeHolder, runtime: Runtime, world: World):
    """A changed pause must not make us forget that a token was refused."""
    await live.refresh()
    with pytest.raises(Rejected, match="auth"):
        await live.now.zsxq.planet("1", "A" * 36).totals("2")
    await save(runtime.db, runtime.secrets, "zsxq", {"min_interval_seconds": 0.5})
    before, calls = live.now.zsxq, len(world.sandbox.zsxq.calls)
    await live.refresh()
    assert live.now.zsxq is not before
    with pytest.raises(Rejected, match="auth"):
        await live.now.zsxq.planet("1", "A" * 36).totals("2")
    assert len(world.sandbox.zsxq.calls) == calls


async def test_an_unreadable_secret_counts_as_empty_and_is_told(live: RuntimeHolder, runtime: Runtime):
    """Not as the environment's: that may be another account."""
    await save(runtime.db, SecretBox([b"k" * 32]), "wecom", {"corp_id": "saved"}, {"secret": "sealed elsewhere"})
    with structlog.testing.capture_logs() as logs:
        await live.refresh()
    assert live.now.settings.wecom.corp_id == "saved"
    assert not live.now.wecom.configured
    assert live.base.wecom.secret.get_secret_value()
    assert [(line["event"], line["group"]) for line in logs if line["log_level"] == "error"] == [
        ("settings.unusable", "wecom")
    ]


async def test_a_secret_moved_to_another_field_does_not_open(live: RuntimeHolder, runtime: Runtime, session):
    row = await saved(session, runtime.secrets, "wecom", {}, {"secret": "of the application"})
    row.secrets = {"robot_key": row.secrets["secret"]}
    effective = overrides.lay_over(live.base, [row], runtime.secrets)
    assert effective.problems.keys() == {"wecom"}


@pytest.mark.parametrize("values", [{"order_minutes": 0}, {"order_minutes": "soon"}, {"order_minutes": None}])
def test_values_that_no_longer_fit_leave_the_group_to_the_environment(world: World, values: dict[str, object]):
    row = SettingsGroup(name="payment", values=values, secrets={}, version=1)
    effective = overrides.lay_over(world.settings, [row], SecretBox(world.settings.data_key_bytes))
    assert effective.settings.payment == world.settings.payment
    assert effective.problems.keys() == {"payment"}


@pytest.mark.parametrize(("name", "values"), [("nothing", {"a": 1}), ("log", {"level": "debug"}), ("env", {"a": 1})])
def test_what_is_no_group_changes_nothing(world: World, name: str, values: dict[str, object]):
    row = SettingsGroup(name=name, values=values, secrets={}, version=1)
    effective = overrides.lay_over(world.settings, [row], SecretBox(world.settings.data_key_bytes))
    assert effective.settings == world.settings


async def test_keys_that_cannot_be_used_leave_the_gateway_as_it_was(live: RuntimeHolder, runtime: Runtime):
    await live.refresh()
    before = live.now.wechat_pay
    await save(runtime.db, runtime.secrets, "wechat_pay", {}, {"private_key": "no pem"})
    with structlog.testing.capture_logs() as logs:
        await live.refresh()
    assert live.now.wechat_pay is before
    assert "settings.unusable" in [line["event"] for line in logs]


async def test_a_command_runs_with_what_was_saved(shared_db: Database, world: World, database_url: str):
    """As ``camp job``, in a process of its own."""
    settings: Settings = world.settings.model_copy(update={"database_url": database_url})
    await save(shared_db, SecretBox(settings.data_key_bytes), "refund", {"undo_seconds": 7})
    async with open_runtime(settings) as opened:
        assert opened.settings.refund.undo_seconds == 7
