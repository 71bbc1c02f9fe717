"""Delivering messages. Transient failures are retried, permanent ones recorded; no message is lost."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.queue import enqueue_at
from backend.gateways.errors import GatewayError, Unavailable
from backend.gateways.wechat_mp import UNREACHABLE
from backend.models.history import move
from backend.models.notifications import NoticeChannel, NoticeStatus, Notification
from backend.office.notifications import repository, rules, sending
from backend.office.notifications.scenes import SCENES, Scene
from backend.office.notifications.sending import NotPossible, Parcel
from backend.runtime import Runtime

log = structlog.get_logger(__name__)

BATCH = 50
# A call whose process crashed is retried after this long.
_CALL_LOST = dt.timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Sending:
    """Rows sent as one parcel. ``attempts`` counts the tries of this sending, as of the first row."""

    ids: Sequence[uuid.UUID]
    parcel: Parcel
    attempts: int


async def deliver(runtime: Runtime, _: dict[str, str]) -> None:
    """Job: send what is due. Queued by commits, and for the time when the next message is due."""
    await deliver_due(runtime)


async def deliver_due(runtime: Runtime) -> dict[str, Any]:
    """Send all messages that are due. Returns counts by outcome.

    An exclusive lock prevents two processes from sending the same message; without it nothing is sent. A channel that
    doesn't answer is skipped for the rest of the run, so that it doesn't delay the others.
    """
    counts = Counter(sent=0, failed=0, skipped=0, later=0)
    async with runtime.db.exclusive("notifications.deliver") as alone:
        if not alone:
            return dict(counts)
        down: set[NoticeChannel] = set()
        while ids := await _due(runtime, down):
            for notification_id in ids:
                try:
                    await _deliver_one(runtime, notification_id, counts, down)
                except Exception:  # a bug in one message must not block the others
                    log.exception("notification.broken", notification_id=str(notification_id))
                    await _set_aside(runtime, notification_id)
        await _come_back(runtime)
    return dict(counts)


async def _due(runtime: Runtime, down: set[NoticeChannel]) -> Sequence[uuid.UUID]:
    async with runtime.db.transaction() as session:
        return await repository.due(session, at=clock.now(), limit=BATCH, without=down)


async def _set_aside(runtime: Runtime, notification_id: uuid.UUID) -> None:
    async with runtime.db.transaction() as session:
        row = await repository.get_locked(session, notification_id)
        row.error, row.next_attempt_at = "internal_error", clock.now() + rules.SWEEP_PAUSE


async def _come_back(runtime: Runtime) -> None:
    """Schedule a job for the next message due within a minute. Without Redis the sweep sends it within a minute."""
    async with runtime.db.transaction() as session:
        at = await repository.next_due(session)
        if at is not None and at < clock.now() + dt.timedelta(minutes=1):
            enqueue_at(session, "notifications.deliver", max(at, clock.now() + dt.timedelta(seconds=1)))


async def _deliver_one(
    runtime: Runtime, notification_id: uuid.UUID, counts: Counter[str], down: set[NoticeChannel]
) -> None:
    """Record the try, call, record the result. A crash in between costs one try and at most a duplicate message."""
    async with runtime.db.transaction() as session:
        intent = await _intent(runtime, session, notification_id, down)
    if not isinstance(intent, _Sending):
        counts.update([intent] if intent else [])
        return
    try:
        await sending.deliver(runtime, intent.parcel)
    except GatewayError as error:
        if rules.is_transient(error):
            down.add(intent.parcel.channel)
        counts[await _record_failure(runtime, intent, error)] += len(intent.ids)
        return
    async with runtime.db.transaction() as session:
        for row in await repository.locked(session, intent.ids):
            move(session, row, NoticeStatus.SENT, event="deliver", actor=SYSTEM)
            row.sent_at, row.error, row.next_attempt_at = clock.now(), None, None
            row.merged_into = intent.ids[0] if row.id != intent.ids[0] else None
    counts["sent"] += len(intent.ids)


async def _intent(
    runtime: Runtime, session: AsyncSession, notification_id: uuid.UUID, down: set[NoticeChannel]
) -> _Sending | str:
    """The parcel to send now, with its rows marked for one more try; or the outcome if nothing is sent."""
    row, now = await repository.get_locked(session, notification_id), clock.now()
    if row.next_attempt_at is None or row.next_attempt_at > now or row.channel in down:
        return ""  # sent together with another message, or must wait
    scene = SCENES[row.scene]
    if row.status is NoticeStatus.FAILED:
        move(session, row, NoticeStatus.PENDING, event="retry", actor=SYSTEM)
    if why := _pointless(runtime, row, scene, now):
        return _skip(session, [row], why)
    leave_at = rules.may_leave_at(scene, row.audience, now, runtime.settings.notices)
    if leave_at > now:
        row.next_attempt_at = leave_at
        return "later"
    rows = await _together(session, row, scene)
    try:
        parcel = await sending.pack(runtime, session, rows)
    except NotPossible as no:
        return _skip(session, rows, no.code)
    # A WeCom retry takes no new slot, since WeCom shows a repeated message once. A robot counts every call.
    if parcel.slot is not None and not (row.attempts and parcel.channel is NoticeChannel.WECOM_APP):
        free_at = await repository.take_slot(session, parcel.slot, now=now, gap=rules.GAPS[parcel.channel])
        if free_at is not None:
            await repository.postpone(session, row, free_at)
            return "later"
    for each in rows:
        if each.status is NoticeStatus.FAILED:
            move(session, each, NoticeStatus.PENDING, event="retry", actor=SYSTEM)
        each.attempts += 1
        each.next_attempt_at = now + _CALL_LOST
    return _Sending([each.id for each in rows], parcel, row.attempts)


def _pointless(runtime: Runtime, row: Notification, scene: Scene, now: dt.datetime) -> str | None:
    """Why a message is skipped; None if it is sent. A message that a person resends never expires."""
    if not runtime.settings.notices.enabled:
        return "switched_off"
    if not row.resends and now - row.created_at > scene.good_for:
        return "out_of_date"
    return None


async def _together(session: AsyncSession, row: Notification, scene: Scene) -> list[Notification]:
    """The messages to merge: those of the same scene to the same receiver, if there are enough."""
    merging = scene.notices[row.audience].merging
    if merging is None:
        return [row]
    rows = await repository.companions(session, row, limit=merging.most)
    return list(rows) if len(rows) >= merging.least else [row]


def _skip(session: AsyncSession, rows: Sequence[Notification], why: str) -> str:
    for row in rows:
        if row.status is NoticeStatus.FAILED:
            move(session, row, NoticeStatus.PENDING, event="retry", actor=SYSTEM)
        move(session, row, NoticeStatus.SKIPPED, event="skip", actor=SYSTEM, note=why)
        row.error, row.next_attempt_at = why, None
    return "skipped"


async def _record_failure(runtime: Runtime, intent: _Sending, error: GatewayError) -> str:
    now = clock.now()
    async with runtime.db.transaction() as session:
        rows = await repository.locked(session, intent.ids)
        if error.code in UNREACHABLE and intent.parcel.channel is NoticeChannel.MP_TEMPLATE:
            return _skip(session, rows, error.code)
        at = rules.next_try(error, intent.attempts, now)
        if isinstance(error, Unavailable) and error.retry_after and intent.parcel.slot:
            await repository.close_slot(session, intent.parcel.slot, now + dt.timedelta(seconds=error.retry_after))
        gives_up = at is None or intent.attempts >= rules.MAX_ATTEMPTS
        for row in rows:
            row.error, row.next_attempt_at = error.code, at
            if gives_up:
                move(session, row, NoticeStatus.FAILED, event="give_up", actor=SYSTEM, note=error.code)
        if at is not None:
            enqueue_at(session, "notifications.deliver", at)
    if gives_up and intent.attempts <= rules.MAX_ATTEMPTS:  # log once, not at each sweep
        log.error("notification.failed", scene=rows[0].scene, code=error.code, comes_back=at is not None)
    return "failed" if gives_up else "later"
