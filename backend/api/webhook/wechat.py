"""WeChat Pay's notifications. Answers have the provider's own form: 204, or 4xx with ``FAIL`` and a reason."""

from typing import Any, Literal

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.deps import RuntimeDep
from backend.core import metrics
from backend.core.actor import PROVIDER
from backend.gateways.wechat_pay import Notification, NotificationRefused
from backend.money.inbox import service as inbox
from backend.money.payments import service as payments
from backend.money.refunds import service as refunds
from backend.runtime import Runtime


class NotificationRefusal(BaseModel):
    """The provider's form of a refusal."""

    code: Literal["FAIL"]
    message: str


_REFUSALS: dict[int | str, dict[str, Any]] = {400: {"model": NotificationRefusal}, 413: {"model": NotificationRefusal}}
router = APIRouter(prefix="/wechat", tags=["微信支付通知"], responses=_REFUSALS)
log = structlog.get_logger(__name__)

SOURCE = "wechat_pay"
# A real notification has about 1 KB.
MAX_BODY_BYTES = 64 * 1024
Topic = Literal["payment", "refund"]


@router.post("/payment", status_code=204)
async def payment_notified(request: Request, runtime: RuntimeDep) -> Response:
    """A payment succeeded."""
    return await _receive(request, runtime, "payment")


@router.post("/refund", status_code=204)
async def refund_notified(request: Request, runtime: RuntimeDep) -> Response:
    """A refund ended."""
    return await _receive(request, runtime, "refund")


async def _receive(request: Request, runtime: Runtime, topic: Topic) -> Response:
    """Verify the raw bytes, then write inbox row and effect in one transaction, without any call in between.

    What isn't genuine leaves a count and a log line, and what is forged an alarm. 204 means that everything is durable;
    any failure of ours is a 5xx, and the provider repeats it.
    """
    try:
        notification = await runtime.wechat_pay.verify_notification(request.headers, await _body(request))
    except NotificationRefused as refused:
        metrics.webhooks.labels(topic, "refused").inc()
        log.warning("webhook.refused", topic=topic, reason=refused.reason)
        await request.app.state.forgeries.note(runtime.db, refused.reason, request.headers)
        status = 413 if refused.reason == "too_large" else 400
        return JSONResponse({"code": "FAIL", "message": refused.reason}, status)
    async with runtime.db.transaction() as session:
        outcome = await _take(session, notification)
    metrics.webhooks.labels(topic, outcome).inc()
    return Response(status_code=204)


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise NotificationRefused("too_large")
    return body


async def _take(session: AsyncSession, notification: Notification) -> str:
    """The effect, by what the notification is about, whichever address it came to. Returns what became of it.

    The inbox only saves work: effects are idempotent by our own rows, since the id may change between repeats.
    """
    event = await inbox.receive(
        session,
        source=SOURCE,
        external_id=notification.id,
        event_type=notification.event_type,
        payload=notification.resource,
    )
    if event is None:
        return "repeated"
    event.outcome = await _effect(session, notification)
    return event.outcome


async def _effect(session: AsyncSession, notification: Notification) -> str:
    if notification.payment is not None:
        recorded = await payments.record_payment(session, notification.payment, source="callback", actor=PROVIDER)
        return recorded.outcome.value
    if notification.refund is not None:
        await refunds.record_refund(session, notification.refund, source="callback", actor=PROVIDER)
        return "refund"
    return "ignored"
