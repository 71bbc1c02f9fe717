"""When messages are sent, how often they are retried, and what failures mean. Pure functions."""

import datetime as dt

from backend.core import clock
from backend.core.config import NoticeSettings
from backend.gateways.errors import GatewayError, Rejected, Unavailable
from backend.models.notifications import NoticeAudience, NoticeChannel
from backend.office.notifications.scenes import Scene, Timing

# Seconds between tries. After the last try a sweep retries every five minutes (requirements §3.9).
WAITS_SECONDS = (1, 2, 4)
MAX_ATTEMPTS = 3
SWEEP_PAUSE = dt.timedelta(minutes=5)
_MORNING = dt.time(10)

# The providers' rate limits plus a margin. A robot accepts 20 messages a minute and rejects more. A WeCom user receives
# 30 a minute from one application; WeCom drops more silently.
GAPS = {
    NoticeChannel.WECOM_ROBOT: dt.timedelta(seconds=60 / 20 + 0.2),
    NoticeChannel.WECOM_APP: dt.timedelta(seconds=60 / 30 + 0.2),
}

# Rejections that concern our whole account, not one message. They need a change in the settings or at the provider;
# then all messages can be sent. Token errors are included: they are raised only after a fresh token was rejected too.
ACCOUNT_WIDE = frozenset({
    "not_configured", "40001", "40013", "40014", "40056", "40125", "40164", "41001", "42001", "48001", "60020",
    "301002",
})  # fmt: skip

# Why a message wasn't sent, in Chinese. Numeric codes come from WeCom and the service account.
ERROR_TEXTS = {
    "channel_not_configured": "这个渠道还没有配置",
    "not_configured": "这个渠道还没有配置",
    "switched_off": "通知总开关已关闭",
    "out_of_date": "已过时效，不再发送",
    "no_openid": "会员没有在微信中登录过，无法接收公众号消息",
    "no_recipient": "接收人已停用，或没有填写企业微信账号",
    "not_for_everybody": "没有填写企业微信账号的管理员；含会员昵称的消息不会发给企业全体成员",
    "no_robot": "训练营没有设置群机器人",
    "internal_error": "发送程序出错，请联系技术人员",
    "no_template": "没有设置公众号模板",
    "robot_unreadable": "群机器人的密钥无法解密，请重新填写",
    "unreachable": "无法连接对方服务器",
    "no_answer": "对方服务器没有应答",
    "bad_answer": "对方服务器的应答无法识别",
    "-1": "对方系统繁忙",
    "40001": "应用密钥不正确",
    "40003": "对方不认识这个接收人",
    "40013": "企业 ID 或 AppID 不正确",
    "40014": "访问令牌被拒绝",
    "40037": "公众号模板 ID 不正确",
    "40056": "企业微信应用 ID 不正确",
    "40125": "应用密钥不正确",
    "40164": "本机 IP 不在公众号白名单中",
    "41001": "访问令牌被拒绝",
    "42001": "访问令牌已过期",
    "43004": "会员没有关注公众号",
    "43101": "会员拒绝接收公众号消息",
    "45009": "发送太频繁，已被限流",
    "45011": "发送太频繁，已被限流",
    "45033": "同时发送太多，已被限流",
    "47003": "公众号模板字段与内容不符",
    "48001": "公众号没有模板消息权限",
    "50001": "会员没有授权公众号",
    "60011": "企业微信应用没有发送给该成员的权限",
    "60020": "本机 IP 不在企业微信白名单中",
    "60111": "企业微信里没有这个账号",
    "81013": "企业微信接收人都无效",
    "93000": "群机器人不存在或已被移除",
    "301002": "没有使用该企业微信应用的权限",
}


def error_text(code: str) -> str:
    if code.startswith("http_"):
        return f"对方服务器出错（{code.removeprefix('http_')}）"
    return ERROR_TEXTS.get(code, f"对方拒绝了发送（{code}）")


def may_leave_at(scene: Scene, audience: NoticeAudience, now: dt.datetime, settings: NoticeSettings) -> dt.datetime:
    """When a message may be sent: now, or at the next opening. Staff messages ignore the hours, except MORNING."""
    waits = scene.timing is Timing.MORNING or (scene.timing is Timing.HOURS and audience is not NoticeAudience.STAFF)
    if not waits or settings.opens_at <= clock.shanghai(now).time() < settings.closes_at:
        return now
    opening = max(_MORNING, settings.opens_at) if scene.timing is Timing.MORNING else settings.opens_at
    today = dt.datetime.combine(clock.day_of(now), opening, clock.SHANGHAI)
    return today if today > now else today + dt.timedelta(days=1)


def is_transient(error: GatewayError) -> bool:
    """Whether the same message may succeed later: no answer, a temporary error, or a misconfigured account."""
    return not isinstance(error, Rejected) or error.code in ACCOUNT_WIDE


def next_try(error: GatewayError, attempts: int, now: dt.datetime) -> dt.datetime | None:
    """When to retry after ``attempts`` tries; None means no automatic retry."""
    if not is_transient(error):
        return None
    # Account errors need a person; don't retry at once.
    at_once = attempts < MAX_ATTEMPTS and not isinstance(error, Rejected)
    pause = dt.timedelta(seconds=WAITS_SECONDS[attempts - 1]) if at_once else SWEEP_PAUSE
    if isinstance(error, Unavailable) and error.retry_after:
        pause = max(pause, dt.timedelta(seconds=error.retry_after))
    return now + pause
