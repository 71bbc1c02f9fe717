"""What an order says to the payer, how long its prepay lives, and which payments fit it. Pure."""

import datetime as dt

from backend.gateways.wechat_pay import PaymentFact
from backend.models.payments import Channel, Excess, Payment

# Bytes, because WeChat Pay's documents leave open whether the limit counts bytes or characters.
_DESCRIPTION_BYTES = 127
# How long what a create call answers can be used (WeChat Pay v3, §2.1), less a minute for the page to use it.
_PREPAY_LIFE = {
    Channel.JSAPI: dt.timedelta(hours=2),
    Channel.H5: dt.timedelta(minutes=5),
    Channel.NATIVE: dt.timedelta(hours=2),
}
_MARGIN = dt.timedelta(minutes=1)
# So long after closing we still ask whether an order was paid; meanwhile its merchant must stay the one in force.
PAYABLE_AFTER_CLOSING = dt.timedelta(hours=24)

EXCESS_TEXTS = {
    Excess.ALREADY_ENROLLED: "重复支付，已有报名",
    Excess.CAMP_FULL: "支付超时，名额已满",
    Excess.CAMP_STARTED: "支付超时，训练营已开始",
    Excess.CAMP_OVER: "训练营已结束",
}

FIELD_TEXTS = {"mch_id": "商户号", "app_id": "应用", "amount_fen": "金额", "currency": "币种"}


def description_for(camp_name: str) -> str:
    """What the payer reads at the cashier, cut to the provider's limit between two characters."""
    return f"训练营押金-{camp_name}".encode()[:_DESCRIPTION_BYTES].decode(errors="ignore")


def prepay_expiry(channel: Channel, now: dt.datetime) -> dt.datetime:
    """Until when a prepay made now may be handed out."""
    return now + _PREPAY_LIFE[channel] - _MARGIN


def mismatches(payment: Payment, fact: PaymentFact) -> list[str]:
    """Names of what a payment says differently from the order it names."""
    pairs = {
        "mch_id": (payment.mch_id, fact.mch_id),
        "app_id": (payment.app_id, fact.app_id),
        "amount_fen": (payment.amount_fen, fact.amount_fen),
        "currency": ("CNY", fact.currency),
    }
    return [name for name, (ours, theirs) in pairs.items() if ours != theirs]
