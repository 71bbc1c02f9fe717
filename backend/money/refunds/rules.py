"""Rules for refunds, as pure functions. Amounts are fen, datetimes are timezone-aware."""

import datetime as dt
from collections.abc import Sequence

from backend.community.eligibility.rules import only_import_speaks, only_match_in_doubt
from backend.models.members import Verdict

# An accepted refund is queried this many minutes after sending, then hourly (WeChat Pay v3: balance refunds take about
# 5 minutes, bank cards 1–3 working days; a notification usually comes first).
_QUERY_MINUTES = (1, 5, 30)

# Errors that every other refund would get, too. Sending stops for all until a person has acted.
HOLD_CAUSES = {
    "NOT_ENOUGH": "provider_balance",
    "SIGN_ERROR": "provider_configuration",
    "MCH_NOT_EXISTS": "provider_configuration",
    "APPID_MCHID_NOT_MATCH": "provider_configuration",
    "not_configured": "provider_configuration",
}

FAILURE_TEXTS = {
    "provider_balance": "商户账户余额不足",
    "provider_configuration": "微信支付配置有误",
    "provider_abnormal": "原支付账户异常，微信无法原路退回",
    "provider_closed": "微信已关闭该笔退款，款项未退出",
    "timeout": "微信支付应答超时，结果未知",
    "connection_lost": "与微信支付的连接中断，结果未知",
    "bad_signature": "微信支付应答验签失败，结果未知",
    "other_merchant": "订单属于另一个商户，无法查询或退款",
    "no_connection": "无法连接微信支付",
    "FREQUENCY_LIMITED": "微信支付限制频率，结果未知",
    "RATELIMIT_EXCEEDED": "微信支付限制频率，结果未知",
    "SYSTEM_ERROR": "微信支付系统错误，结果未知",
    "SERVICE_UNAVAILABLE": "微信支付暂时不可用，结果未知",
    "USER_ACCOUNT_ABNORMAL": "会员的微信支付账户已注销",
    "RESOURCE_NOT_EXISTS": "微信支付查不到原订单",
    "TRADE_OVERDUE": "订单已超过可退款期限",
    "NO_AUTH": "没有退款权限",
}


def failure_text(code: str, message: str) -> str:
    """The cause for staff to read: our text for the code, or else the provider's message."""
    return FAILURE_TEXTS.get(code) or message or "微信支付拒绝了该笔退款"


def wait_before_next(waits_seconds: Sequence[float], attempts: int) -> dt.timedelta:
    """The wait after attempt number ``attempts`` (from 1). The last wait repeats."""
    if not waits_seconds:
        return dt.timedelta(0)
    return dt.timedelta(seconds=waits_seconds[min(attempts, len(waits_seconds)) - 1])


def next_query_at(sent_at: dt.datetime, now: dt.datetime) -> dt.datetime:
    for minutes in _QUERY_MINUTES:
        due = sent_at + dt.timedelta(minutes=minutes)
        if due > now:
            return due
    return now + dt.timedelta(hours=1)


def batch_refusal(
    *,
    verdict: Verdict | None,
    reasons: Sequence[str],
    confidence: int | None,
    min_confidence: int,
    accept_import: bool,
    is_sum_told: bool,
) -> str | None:
    """The error code if a row in review may not be approved in a batch; None if it may.

    A partial refund passes only if the reviewer stated the amount (design §11). A row that needs confirmation passes
    only if its confidence reaches ``min_confidence``. Also, only the match may be in doubt, or an imported sheet is
    the only evidence and the reviewer accepts it. An extra refund has no verdict: it was opened for a stated reason.
    """
    if verdict is Verdict.NOT_ELIGIBLE:
        return "not_eligible"
    if verdict is Verdict.PARTIAL and not is_sum_told:
        return "expectation_required"
    if verdict is Verdict.NEEDS_CONFIRMATION:
        known = only_match_in_doubt(reasons) or (accept_import and only_import_speaks(reasons))
        admitted = known and (confidence or 0) >= min_confidence
        return None if admitted else "needs_confirmation"
    return None
