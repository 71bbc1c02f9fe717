"""An in-memory simulator of the WeChat Pay API v3, for tests and the demo. Product code never imports it."""

from backend.sandbox.wechat_pay.courier import Attempt, Delivery
from backend.sandbox.wechat_pay.faults import Faults
from backend.sandbox.wechat_pay.merchant import Books, OrderBook
from backend.sandbox.wechat_pay.orders import PayRefused
from backend.sandbox.wechat_pay.records import Order, Refund
from backend.sandbox.wechat_pay.sandbox import WeChatPaySandbox

__all__ = [
    "Attempt",
    "Books",
    "Delivery",
    "Faults",
    "Order",
    "OrderBook",
    "PayRefused",
    "Refund",
    "WeChatPaySandbox",
]
