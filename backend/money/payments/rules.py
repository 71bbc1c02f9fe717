"""Order description, prepay lifetime, and matching a payment to its order. Pure functions."""

import datetime as dt

from backend.gateways.wechat_pay import PaymentFact
from backend.models.payments import Channel, Excess, Payment

# In bytes: WeChat Pay's documents don't say whether the limit counts bytes or characters.
_DESCRIPTION_BYTES = 127
# How long the result of a create call can be used (WeChat Pay v3, §2.1).
_PREPAY_LIFE = {
    Channel.JSAPI: dt.timedelta(hours=2),
    Channel.H5: dt.timedelta(minutes=5),
    Channel.NATIVE: dt.timedelta(hours=2),
}
# Subtracted, so that a prepay doesn't expire before the page uses it.
_MARGIN = dt.timedelta(minutes=1)
# Orders are still queried for this long after closing. Until then, their merchant must stay the configured one.
PAYABLE_AFTER_CLOSING = dt.timedelta(hours=24)

EXCESS_TEXTS = {
    Excess.ALREADY_ENROLLED: "重复支付，已有报名",
    Excess.CAMP_FULL: "支付超时，名额已满",
    Excess.CAMP_STARTED: "支付超时，训练营已开始",
    Excess.CAMP_OVER: "训练营已结束",
}

FIELD_TEXTS = {"mch_id": "商户号", "app_id": "应用", "amount_fen": "金额", "currency": "币种"}


def description_for(camp_name: str) -> str:
    """Text for the payer at the cashier, cut to the provider's limit between two characters."""
    return f"训练营押金-{camp_name}".encode()[:_DESCRIPTION_BYTES].decode(errors="ignore")


def prepay_expiry(channel: Channel, now: dt.datetime) -> dt.datetime:
    """Until when a prepay created at ``now`` may be handed out."""
    return now + _PREPAY_LIFE[channel] - _MARGIN


def mismatches(payment: Payment, fact: PaymentFact) -> list[str]:
    """Names of the fields in which a payment differs from its order."""
    pairs = {
        "mch_id": (payment.mch_id, fact.mch_id),
        "app_id": (payment.app_id, fact.app_id),
        "amount_fen": (payment.amount_fen, fact.amount_fen),
        "currency": ("CNY", fact.currency),
    }
    return [name for name, (ours, theirs) in pairs.items() if ours != theirs]
