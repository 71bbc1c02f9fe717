"""Calls to 知识星球: test a planet's credential and list its check-in projects."""

import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

import structlog

from backend.community.planets import repository, service
from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.gateways import zsxq
from backend.gateways.errors import GatewayError, Rejected
from backend.models.planets import Planet
from backend.runtime import Runtime

log = structlog.get_logger(__name__)


class CredentialInvalid(Conflict):
    code, message = "credential_invalid", "星球凭证已失效，请更新 Cookie"


@dataclass(frozen=True, slots=True)
class PlanetTest:
    """Result of a connection test. ``detail`` is Chinese; ``latency_ms`` is the latency of the first response."""

    ok: bool
    latency_ms: int
    detail: str


async def test_planet(runtime: Runtime, planet_id: uuid.UUID, actor: Actor) -> PlanetTest:
    """Test a planet's credential; success re-enables its syncs. Raises NotFound, CredentialUnreadable."""
    async with runtime.db.transaction() as session:
        planet = await service.get_planet(session, planet_id)
    began = time.perf_counter()
    try:
        probe = await service.planet_gateway(runtime, planet).probe()
    except GatewayError as error:
        result = PlanetTest(False, round((time.perf_counter() - began) * 1000), explain(error))
        async with runtime.db.transaction() as session:
            if isinstance(error, zsxq.AuthExpired):
                await service.credential_failed(session, planet, reason=result.detail)
            service.record_test(session, actor, planet, ok=False, detail=result.detail)
        return result
    result = PlanetTest(True, probe.latency_ms, f"已连接：{probe.group_name}（账号：{probe.user_name}）")
    async with runtime.db.transaction() as session:
        await service.credential_works(session, planet, expires_in_seconds=probe.expires_in_seconds)
        service.record_test(session, actor, planet, ok=True, detail=result.detail)
    return result


async def list_projects(runtime: Runtime, planet_id: uuid.UUID, scope: zsxq.Scope) -> list[zsxq.Project]:
    """List check-in projects to choose from.

    Raises NotFound, CredentialUnreadable, CredentialInvalid, GatewayError.
    """
    async with runtime.db.transaction() as session:
        planet = await service.get_planet(session, planet_id)
    try:
        return await service.planet_gateway(runtime, planet).list_projects(scope)
    except zsxq.AuthExpired as error:
        async with runtime.db.transaction() as session:
            await service.credential_failed(session, planet, reason=explain(error))
        raise CredentialInvalid from error


async def credential_check(runtime: Runtime) -> dict[str, Any]:
    """Job, every 6 hours: test the credential of each planet that unarchived camps use; notify staff of bad ones.

    Returns counts of ``valid``, ``invalid`` (needs a person) and ``unreachable`` (the next run retries).
    """
    async with runtime.db.transaction() as session:
        planet_ids = await repository.ids_in_use(session)
    counts = Counter(valid=0, invalid=0, unreachable=0)
    for planet_id in planet_ids:
        counts[await _check(runtime, planet_id)] += 1
    return dict(counts)


async def _check(runtime: Runtime, planet_id: uuid.UUID) -> str:
    async with runtime.db.transaction() as session:
        planet = await service.get_planet(session, planet_id)
    try:
        probe = await service.planet_gateway(runtime, planet).probe()
    except service.CredentialUnreadable as error:
        await _note_failure(runtime, planet, error.text, dead=True)
        return "invalid"
    except Rejected as error:
        await _note_failure(runtime, planet, explain(error), dead=isinstance(error, zsxq.AuthExpired))
        return "invalid"
    except GatewayError as error:
        log.warning("planet.unreachable", planet_id=str(planet_id), code=error.code)
        return "unreachable"
    async with runtime.db.transaction() as session:
        await service.credential_works(session, planet, expires_in_seconds=probe.expires_in_seconds)
    return "valid"


async def _note_failure(runtime: Runtime, planet: Planet, reason: str, *, dead: bool) -> None:
    async with runtime.db.transaction() as session:
        if dead:
            await service.credential_failed(session, planet, reason=reason)
        else:
            # The token is valid but lacks access to this planet. Don't mark it invalid: a new cookie wouldn't help.
            await service.alert(session, planet, reason=reason)


def explain(error: GatewayError) -> str:
    """Chinese message for a 知识星球 error, safe to show to users. It never includes text from the response."""
    texts: dict[type[GatewayError], str] = {
        zsxq.AccountBlocked: "账号已被封禁",
        zsxq.AuthExpired: "凭证已失效，请重新登录知识星球并更新 Cookie",
        zsxq.MembershipExpired: "账号的星球会员已到期",
        zsxq.NotMember: "账号不是该星球的成员",
        zsxq.PermissionDenied: "账号没有读取该星球的权限",
        zsxq.NotFound: "星球不存在，请检查群组编号",
        zsxq.RateLimited: "知识星球提示访问过于频繁，请稍后再试",
        zsxq.ShapeChanged: "知识星球的接口返回了无法识别的内容",
    }
    for kind, text in texts.items():
        if isinstance(error, kind):
            return text
    return "知识星球暂时无法访问" if not isinstance(error, Rejected) else f"知识星球拒绝了请求（{error.code}）"
