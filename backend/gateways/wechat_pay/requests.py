"""Request bodies. Each is serialised once, so that the signed bytes are the bytes sent."""

import json
from typing import Any

from backend.core import clock
from backend.gateways.wechat_pay.types import OrderRequest, RefundRequest


def order_body(order: OrderRequest, *, app_id: str, mch_id: str) -> bytes:
    """The body of a create-order call. WeChat Pay refuses null and unknown fields, so fields are left out instead."""
    fields: dict[str, Any] = {
        "appid": app_id,
        "mchid": mch_id,
        "description": fit(order.description, 127),
        "out_trade_no": order.out_trade_no,
        "time_expire": clock.shanghai(order.expires_at).isoformat(timespec="seconds"),
        "notify_url": order.notify_url,
        "amount": {"total": order.amount_fen, "currency": "CNY"},
    }
    if order.channel == "jsapi":
        fields["payer"] = {"openid": order.openid}
    if order.channel == "h5":
        fields["scene_info"] = {"payer_client_ip": order.payer_client_ip, "h5_info": {"type": "Wap"}}
    return serialise(fields)


def refund_body(refund: RefundRequest) -> bytes:
    """The body of a refund call. Without ``notify_url`` the notification would come as v2 XML."""
    return serialise(
        {
            "transaction_id": refund.transaction_id,
            "out_refund_no": refund.out_refund_no,
            "reason": fit(refund.reason, 80),
            "notify_url": refund.notify_url,
            "amount": {"refund": refund.amount_fen, "total": refund.total_fen, "currency": "CNY"},
        }
    )


def serialise(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def fit(value: str, limit: int) -> str:
    """Cut to ``limit`` bytes at a character boundary. The documents don't say whether bytes or characters count."""
    return value.encode()[:limit].decode(errors="ignore")
