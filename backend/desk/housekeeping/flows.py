"""Nightly maintenance: deleting rows that are no longer used, and verifying the audit log."""

import datetime as dt
from typing import Any, cast

import structlog
from sqlalchemy import CursorResult, Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.desk.housekeeping import retention
from backend.models.jobs import JobRun
from backend.models.payers import OAuthState
from backend.models.staff import LoginGuard, StaffSession
from backend.office.audit import chain
from backend.office.audit.chain import Damage, DamageKind, Head
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.service import To
from backend.runtime import Runtime

log = structlog.get_logger(__name__)


async def housekeeping(runtime: Runtime) -> dict[str, Any]:
    """Delete expired log-ins, finished authorisations and old job records; blank personal data of old camps.

    Money and audit rows stay. Returns the number of rows per kind.
    """
    now = clock.now()
    old = now - dt.timedelta(days=runtime.settings.retention.job_run_days)
    statements = {
        "oauth_states": delete(OAuthState).where(OAuthState.expires_at < now),
        "staff_sessions": delete(StaffSession).where(StaffSession.expires_at < now),
        "login_guards": delete(LoginGuard).where(LoginGuard.updated_at < now - dt.timedelta(days=2)),
        # Keep the newest successful audit check, however old: the next check compares with its head.
        "job_runs": delete(JobRun).where(JobRun.created_at < old, JobRun.id.not_in(_newest_check(JobRun.id))),
    }
    removed = {}
    async with runtime.db.transaction() as session:
        for name, statement in statements.items():
            result = await session.execute(statement)
            removed[name] = cast("CursorResult[Any]", result).rowcount
    return removed | {"cleared": await retention.clear(runtime)}


class AuditDamaged(Exception):
    """The audit log doesn't match what was written. Staff have been notified."""


_DAMAGE_TEXTS = {
    DamageKind.CHANGED: "内容被改动",
    DamageKind.REMOVED: "被删除",
    DamageKind.INSERTED: "是事后插入的",
    DamageKind.REORDERED: "的位置被调换",
    DamageKind.REWRITTEN: "与上次记下的不一致，此前的记录被整体改写",
}


async def audit_check(runtime: Runtime) -> dict[str, Any]:
    """Verify the whole audit log, also against the head that the last check noted. Returns the new head.

    Raises AuditDamaged, so that the job is recorded as failed.
    """
    async with runtime.db.transaction() as session:
        report = await chain.verify(session, expect=await _noted_head(session))
        if report.damage is not None:
            await _tell_damage(session, report.damage)
    if report.damage is not None or report.head is None:
        log.error("audit.damaged", damage=str(report.damage))
        raise AuditDamaged(str(report.damage))
    return {"rows": report.head.count, "head": str(report.head)}


async def _noted_head(session: AsyncSession) -> Head | None:
    summary = await session.scalar(_newest_check(JobRun.summary))
    return Head.parse(summary["head"]) if summary else None


def _newest_check(column: Any) -> Select[Any]:
    statement = select(column).where(JobRun.name == audit_check.__name__, JobRun.ok.is_(True))
    return statement.order_by(JobRun.created_at.desc(), JobRun.id.desc()).limit(1)


async def _tell_damage(session: AsyncSession, damage: Damage) -> None:
    row = "操作日志中有一条不在链上的记录" if damage.seq is None else f"操作日志第 {damage.seq} 条"
    if damage.created_at is not None:
        row += f"（{clock.shanghai(damage.created_at):%Y-%m-%d %H:%M:%S}，{damage.action}）"
    values = {"summary": f"{row}{_DAMAGE_TEXTS[damage.kind]}"}
    about = f"{damage.kind}:{damage.seq}"
    await notifications.notify(session, scenes.AUDIT_DAMAGED, To.staff(), about=about, values=values)
