"""Delivering messages. Three tries with growing pauses; what can't be sent is marked, never lost."""

import datetime as dt
import uuid
from typing import Any

import structlog

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.gateways.errors import GatewayError, Unavailable
from backend.models.history import move
from backend.models.notifications import NoticeChannel, NoticeStatus, Notification
from backend.notifications import repository
from backend.runtime import Runtime

log = structlog.get_logger(__name__)

# WeCom drops a message repeated word for word within its duplicate window, so a retry after a time-out is safe.
WAITS_SECONDS = (5, 60)
MAX_ATTEMPTS = len(WAITS_SECONDS) + 1
BATCH = 50


async def deliver(runtime: Runtime, _: dict[str, str]) -> None:
    """Woken by a commit: send what is due."""
    await deliver_due(runtime)


async def deliver_due(runtime: Runtime) -> dict[str, Any]:
    """Send every message whose time has come. One process at a time, so that none goes out twice."""
    counts = {"sent": 0, "failed": 0, "skipped": 0, "later": 0}
    async with runtime.db.exclusive("notifications.deliver") as alone:
        if not alone:
            return counts
        while True:
            async with runtime.db.transaction() as session:
                ids = await repository.due(session, at=clock.now(), limit=BATCH)
            for notification_id in ids:
                counts[await _deliver_one(runtime, notification_id)] += 1
            if len(ids) < BATCH:
                return counts


async def _deliver_one(runtime: Runtime, notification_id: uuid.UUID) -> str:
    """Intent (one more try), call, answer. A crash in between costs one try, at most one message twice."""
    async with runtime.db.transaction() as session:
        row = await repository.get_locked(session, notification_id)
        row.attempts += 1
        row.next_attempt_at = clock.now() + dt.timedelta(seconds=60)
    try:
        configured = await _send(runtime, row)
    except GatewayError as error:
        return await _record_failure(runtime, notification_id, error)
    to = NoticeStatus.SENT if configured else NoticeStatus.SKIPPED
    async with runtime.db.transaction() as session:
        row = await repository.get_locked(session, notification_id)
        move(session, row, to, event="deliver", actor=SYSTEM)
        row.sent_at = clock.now() if configured else None
        row.error = None if configured else "channel_not_configured"
    return to.value


async def _send(runtime: Runtime, row: Notification) -> bool:
    """Whether the channel exists; raises GatewayError when it refuses or doesn't answer."""
    text = f"{row.title}\n{row.content}"
    if row.channel is NoticeChannel.WECOM_APP:
        if runtime.wecom.configured:
            await runtime.wecom.send_app_message(text)
        return runtime.wecom.configured
    if runtime.wecom.robot_configured:
        await runtime.wecom.send_robot_text(text)
    return runtime.wecom.robot_configured


async def _record_failure(runtime: Runtime, notification_id: uuid.UUID, error: GatewayError) -> str:
    async with runtime.db.transaction() as session:
        row = await repository.get_locked(session, notification_id)
        row.error = error.code
        if row.attempts >= MAX_ATTEMPTS or type(error).__name__ == "Rejected":
            move(session, row, NoticeStatus.FAILED, event="give_up", actor=SYSTEM, note=error.code)
            log.error("notification.failed", scene=row.scene, code=error.code)
            return "failed"
        pause = WAITS_SECONDS[row.attempts - 1]
        if isinstance(error, Unavailable) and error.retry_after:
            pause = max(pause, int(error.retry_after))
        row.next_attempt_at = clock.now() + dt.timedelta(seconds=pause)
    return "later"
