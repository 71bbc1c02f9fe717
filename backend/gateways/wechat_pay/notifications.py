"""Parse notifications whose signature has already been verified."""

from typing import Any

from backend.gateways.wechat_pay.parsing import BadRecord, child, instant, json_object, payment_fact, refund_fact, text
from backend.gateways.wechat_pay.signing import Undecipherable, decipher
from backend.gateways.wechat_pay.types import Notification, NotificationRefused, PaymentFact, RefundFact

MAX_BODY_BYTES = 64 * 1024
_REFUND_EVENTS = {"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"}


def read_notification(apiv3_key: bytes, body: bytes) -> Notification:
    """Decrypt and parse a verified body. Raises ``NotificationRefused("unreadable")``."""
    try:
        envelope = json_object(body)
        event_type = text(envelope, "event_type")
        resource = json_object(decipher(apiv3_key, child(envelope, "resource")))
        payment, refund = _facts(event_type, resource)
        return Notification(
            id=text(envelope, "id"),
            event_type=event_type,
            create_time=instant(envelope, "create_time"),
            payment=payment,
            refund=refund,
            resource=resource,
        )
    except (BadRecord, Undecipherable):
        raise NotificationRefused("unreadable") from None


def _facts(event_type: str, resource: dict[str, Any]) -> tuple[PaymentFact | None, RefundFact | None]:
    if event_type == "TRANSACTION.SUCCESS":
        return payment_fact(resource), None
    if event_type in _REFUND_EVENTS:
        return None, refund_fact(resource, notified=True)
    return None, None
