"""WeChat Pay API v3 for one direct merchant: JSAPI, H5 and Native orders, refunds, notifications, bills."""

from backend.gateways.wechat_pay.client import WeChatPay
from backend.gateways.wechat_pay.types import (
    Channel,
    FundFlowRow,
    Notification,
    NotificationRefused,
    OrderRequest,
    OrderState,
    PaymentFact,
    RefundFact,
    RefundRequest,
    RefundStatus,
    TradeBillRow,
)

__all__ = [
    "Channel",
    "FundFlowRow",
    "Notification",
    "NotificationRefused",
    "OrderRequest",
    "OrderState",
    "PaymentFact",
    "RefundFact",
    "RefundRequest",
    "RefundStatus",
    "TradeBillRow",
    "WeChatPay",
]
