"""All messages of the product (product requirements §3.9): audience, channels, timing and default texts.

No other module defines messages. ``service.notify`` takes a scene, a receiver and values. Super administrators
may change the texts, switches and receivers of each scene (``configuring``).
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backend.models.notifications import NoticeAudience, NoticeChannel
from backend.models.staff import StaffRole

_C, _A, _R = NoticeChannel, NoticeAudience, StaffRole
MANAGERS = (_R.SUPER_ADMIN, _R.MANAGER)

CHANNELS: dict[NoticeAudience, tuple[NoticeChannel, ...]] = {
    _A.STAFF: (_C.WECOM_APP, _C.WECOM_ROBOT),
    _A.MEMBER: (_C.INBOX, _C.MP_TEMPLATE),
    _A.GROUP: (_C.WECOM_ROBOT,),
}


class Timing(StrEnum):
    """``any_time``; ``hours``: inside the send hours; ``morning``: what comes outside of them waits until 10:00."""

    ANY_TIME = "any_time"
    HOURS = "hours"
    MORNING = "morning"


@dataclass(frozen=True, slots=True)
class Value:
    """A placeholder: its label for people who edit templates, and a sample value."""

    label: str
    sample: str


VALUES: dict[str, Value] = {
    "camp": Value("训练营", "21 天写作营"),
    "name": Value("星球昵称", "清风徐来"),
    "masked_name": Value("星球昵称（打码）", "清***来"),
    "amount": Value("金额（元）", "99.00"),
    "order": Value("订单号", "P20260301100000123456"),
    "number": Value("退款单号", "R20260322100000123456"),
    "time": Value("时间", "2026-03-22 10:05"),
    "day": Value("日期", "2026-03-21"),
    "days": Value("已打卡天数", "18"),
    "required": Value("要求天数", "21"),
    "missing": Value("还差天数", "3"),
    "rate": Value("完成比例", "86%"),
    "outlook": Value("能否达标", "坚持打卡仍可达标"),
    "progress": Value("打卡情况（可能为空）", "打卡 18/21 天。"),
    "way": Value("退款方式", "退回原支付账户"),
    "reason": Value("原因", "打卡天数不足"),
    "cause": Value("失败原因", "知识星球暂时无法访问"),
    "state": Value("状态", "失败"),
    "count": Value("人数或笔数", "5"),
    "list": Value("名单", "清风徐来、小满、阿哲"),
    "sum": Value("合计金额（元）", "495.00"),
    "eligible": Value("达标人数", "80"),
    "partial": Value("部分退还人数", "4"),
    "rule": Value("退款规则", "21 天累计打卡满 15 天，全额退还"),
    "to_confirm": Value("待确认人数", "6"),
    "short": Value("未达标人数", "12"),
    "unmatched": Value("未匹配人数", "2"),
    "hours": Value("小时数", "24"),
    "planet": Value("星球", "写作者星球"),
    "kind": Value("类型", "支付通知验签失败"),
    "summary": Value("说明", "支付通知的签名不正确，已拒绝"),
}


@dataclass(frozen=True, slots=True)
class Merging:
    """Merging of messages: at least ``least`` of them within ``hold_seconds`` are sent as one.

    It lists the first lines of at most ``listed`` messages. ``{count}`` in ``title`` is the number of merged messages.
    """

    title: str
    hold_seconds: int = 30
    least: int = 3
    most: int = 500
    listed: int = 10


@dataclass(frozen=True, slots=True)
class Notice:
    """The defaults of a scene for one audience. Super administrators may override them.

    ``link`` is a page of this audience's app. Placeholders such as ``{camp_id}`` are filled from the row.
    """

    values: tuple[str, ...]
    title: str
    content: str
    link: str = ""
    channels: tuple[NoticeChannel, ...] = ()
    roles: tuple[StaffRole, ...] = ()
    enabled: bool = True
    merging: Merging | None = None

    @property
    def names_members(self) -> bool:
        """Whether its texts may contain planet nicknames."""
        return not {"name", "list"}.isdisjoint(self.values)


@dataclass(frozen=True, slots=True)
class Scene:
    """An occasion for messages. Messages that couldn't be sent for ``good_for`` expire and are skipped.

    ``pause``: the minimum time between two messages about the same object.
    """

    code: str
    title: str
    when: str
    notices: Mapping[NoticeAudience, Notice] = field(hash=False)
    timing: Timing = Timing.ANY_TIME
    good_for: dt.timedelta = dt.timedelta(days=3)
    pause: dt.timedelta | None = None


def _to_staff(
    values: str, title: str, content: str, *, link: str = "", to: tuple[StaffRole, ...] = MANAGERS,
    merging: Merging | None = None,
) -> Notice:  # fmt: skip
    return Notice(tuple(values.split()), title, content, link=link, channels=(_C.WECOM_APP,), roles=to, merging=merging)


def _to_member(values: str, title: str, content: str, *, link: str = "", enabled: bool = True) -> Notice:
    return Notice(tuple(values.split()), title, content, link=link, channels=(_C.INBOX,), enabled=enabled)


PAYMENT_SUCCESS = Scene(
    "payment_success", "支付成功", "会员支付成功，立即",
    {
        _A.MEMBER: _to_member(
            "camp name amount order time rule", "报名成功",
            "您已成功报名「{camp}」，押金 {amount} 元，订单号 {order}。规则：{rule}。"
            "请尽快扫码进群，并将群昵称改为星球昵称。",
            link="/qrcode/{payment_id}",
        )
    },
)  # fmt: skip
PAYMENT_EXCESS = Scene(
    "payment_excess", "多付款待退回", "付款后没有名额或重复付款，立即",
    {
        _A.STAFF: _to_staff(
            "camp amount order reason", "有一笔支付需要退款审核",
            "「{camp}」订单 {order}，{amount} 元：{reason}。已进入退款审核。", link="/admin/refunds/pending",
        ),
        _A.MEMBER: _to_member(
            "camp amount order reason", "支付将退回",
            "您为「{camp}」支付的 {amount} 元（{reason}）将在审核后原路退回，请留意退款通知。", link="/refunds",
        ),
    },
)  # fmt: skip
NOT_IN_GROUP = Scene(
    "not_in_group", "未进群提醒", "支付满 24 小时仍未进群，每天 10:00，最多 3 次",
    {
        _A.MEMBER: _to_member(
            "camp name", "请加入训练营群", "您已报名「{camp}」，请在「我的」中打开群二维码并加入。",
            link="/qrcode/{payment_id}",
        ),
        _A.STAFF: _to_staff(
            "camp count list", "有会员还没进群", "「{camp}」有 {count} 人付款超过 24 小时仍未进群：{list}",
            link="/admin/camps/{camp_id}?tab=members", to=(_R.COACH,),
        ),
    },
    timing=Timing.HOURS, good_for=dt.timedelta(hours=20),
)  # fmt: skip
SYNC_FAILED = Scene(
    "sync_failed", "打卡同步失败", "一次打卡同步放弃后，立即，每个训练营每天一次",
    {
        _A.STAFF: _to_staff(
            "camp cause time", "打卡同步失败",
            "训练营「{camp}」的打卡同步没有完成：{cause}。打卡数据保持上次完整同步的结果。",
            link="/admin/system/sync-logs",
        )
    },
)  # fmt: skip
REFUND_FAILED = Scene(
    "refund_failed", "退款失败", "一笔退款放弃后，立即；同时 3 笔以上合并为一条",
    {
        _A.STAFF: _to_staff(
            "camp name amount cause state number", "退款{state}", "「{camp}」{name} {amount} 元：{cause}",
            link="/admin/refunds?status=failed", merging=Merging("{count} 笔退款失败"),
        )
    },
)  # fmt: skip
REFUND_DELAYED = Scene(
    "refund_delayed", "退款延迟", "退款需要人工处理时，发送时段内",
    {
        _A.MEMBER: _to_member(
            "camp amount", "退款处理中", "「{camp}」的退款 {amount} 元需要人工处理，到账会晚一些，请耐心等待。",
            link="/refunds",
        )
    },
    timing=Timing.HOURS,
)  # fmt: skip
REFUND_SUCCESS = Scene(
    "refund_success", "退款成功", "微信支付确认退款到账，发送时段内",
    {
        _A.MEMBER: _to_member(
            "camp amount time way days required progress", "押金已退回",
            "「{camp}」退款 {amount} 元已于 {time} {way}。{progress}", link="/refunds",
        ),
        # A group is public: the default text has no amount and only a masked name.
        _A.GROUP: Notice(
            ("camp", "masked_name", "days", "required", "amount"), "押金退还播报",
            "恭喜 {masked_name} 完成「{camp}」，打卡 {days}/{required} 天，押金已退还。", enabled=False,
            channels=(_C.WECOM_ROBOT,), merging=Merging("恭喜 {count} 位同学押金已退还", most=20, listed=20),
        ),
    },
    timing=Timing.HOURS,
)  # fmt: skip
REFUND_REJECTED = Scene(
    "refund_rejected", "退款未通过", "审核拒绝后，发送时段内",
    {
        _A.MEMBER: _to_member(
            "camp days required reason progress", "退款未通过", "「{camp}」的退款申请未通过：{reason}", link="/refunds"
        )
    },
    timing=Timing.HOURS,
)  # fmt: skip
REFUND_HOLD = Scene(
    "refund_hold", "退款暂停", "余额不足或配置错误时，立即",
    {
        _A.STAFF: _to_staff(
            "cause", "退款已暂停", "因「{cause}」已暂停发出所有退款。处理后请在退款页面点击「继续发送」。",
            link="/admin/refunds",
        )
    },
)  # fmt: skip
REFUND_STUCK = Scene(
    "refund_stuck", "退款长时间未完成", "微信支付处理太久，立即，每笔一次",
    {
        _A.STAFF: _to_staff(
            "camp number amount hours", "退款长时间未完成",
            "「{camp}」退款 {number}（{amount} 元）已处理超过 {hours} 小时，请到微信支付商户平台核对。",
            link="/admin/refunds?status=processing", merging=Merging("{count} 笔退款长时间未完成"),
        )
    },
)  # fmt: skip
CAMP_ENDING = Scene(
    "camp_ending", "训练营即将结束", "结束前一天 10:00",
    {
        _A.MEMBER: _to_member(
            "camp day days required missing outlook rule", "训练营明天结束",
            "「{camp}」{day} 结束，您已打卡 {days}/{required} 天，还差 {missing} 天。{outlook}",
            link="/progress/{member_id}",
        ),
        _A.STAFF: _to_staff(
            "camp day count list", "训练营明天结束", "「{camp}」将于 {day} 结束，{count} 人打卡天数未达标。",
            link="/admin/camps/{camp_id}?tab=checkins", to=(_R.COACH,),
        ),
    },
    timing=Timing.HOURS, good_for=dt.timedelta(hours=20),
)  # fmt: skip
CAMP_ENDED_REVIEW = Scene(
    "camp_ended_review", "退款名单待审核", "生成退款名单后；夜间生成的 10:00 发送",
    {
        _A.STAFF: _to_staff(
            "camp count sum eligible partial to_confirm short unmatched", "退款名单待审核",
            "「{camp}」新增待审核退款 {count} 笔，共 {sum} 元。达标 {eligible} 人，部分退还 {partial} 人，"
            "需人工确认 {to_confirm} 人，未达标 {short} 人，未匹配 {unmatched} 人。",
            link="/admin/camps/{camp_id}/settle",
        )
    },
    timing=Timing.MORNING,
)  # fmt: skip
REFUND_LIST_BLOCKED = Scene(
    "refund_list_blocked", "退款名单未生成", "夜间不能生成退款名单，10:00 发送，每天一次",
    {
        _A.STAFF: _to_staff(
            "camp reason", "退款名单未生成", "「{camp}」{reason}", link="/admin/camps/{camp_id}/settle"
        )
    },
    timing=Timing.MORNING, good_for=dt.timedelta(hours=20),
)  # fmt: skip
CHECKIN_DAILY = Scene(
    "checkin_daily", "每日打卡提醒", "20:00 提醒当天还没打卡的会员，默认关闭；只在当晚同步过打卡时发送",
    {
        _A.MEMBER: _to_member(
            "camp days required missing rate outlook rule", "今天还没有打卡",
            "「{camp}」今天还没有看到您的打卡。已打卡 {days}/{required} 天（{rate}）。{outlook}",
            link="/progress/{member_id}", enabled=False,
        )
    },
    timing=Timing.HOURS, good_for=dt.timedelta(hours=3),
)  # fmt: skip
DAY_GRANTED = Scene(
    "day_granted", "打卡认定", "教练认定打卡或豁免一天后，发送时段内",
    {
        _A.MEMBER: _to_member(
            "camp day kind reason", "打卡认定", "「{camp}」{day} 已{kind}：{reason}", link="/progress/{member_id}"
        )
    },
    timing=Timing.HOURS,
)  # fmt: skip
MATCH_NEEDED = Scene(
    "match_needed", "待身份匹配", "有会员没有匹配，每天 10:00 一次",
    {_A.STAFF: _to_staff("count list", "有会员待身份匹配", "{list}", link="/admin/matching")},
    timing=Timing.HOURS, good_for=dt.timedelta(hours=20),
)  # fmt: skip
CREDENTIAL_EXPIRED = Scene(
    "credential_expired", "星球凭证失效", "知识星球拒绝凭证，立即，每小时最多一次，次日重发",
    {
        _A.STAFF: _to_staff(
            "planet cause time", "知识星球凭证异常",
            "星球「{planet}」无法读取：{cause}。打卡同步已受影响，请尽快更新 Cookie 并测试连接。",
            link="/admin/planets",
        )
    },
    pause=dt.timedelta(hours=1),
)  # fmt: skip
QR_EXPIRING = Scene(
    "qr_expiring", "群二维码即将失效", "群二维码上传满 6 天，10:00",
    {
        _A.STAFF: _to_staff(
            "camp", "群二维码即将失效", "「{camp}」的群二维码已上传 6 天以上，请更换。",
            link="/admin/camps/{camp_id}", to=(*MANAGERS, _R.COACH),
        )
    },
    timing=Timing.HOURS, good_for=dt.timedelta(hours=20),
)  # fmt: skip
SECURITY_ALARM = Scene(
    "security_alarm", "安全告警", "通知验签失败、金额不符、流量异常，立即，成组发送",
    {
        _A.STAFF: _to_staff(
            "kind count time summary", "安全告警：{kind}", "{summary}（{time}，{count} 次）",
            link="/admin/reconciliation", to=(_R.SUPER_ADMIN,), merging=Merging("{count} 条安全告警"),
        )
    },
)  # fmt: skip
RECONCILIATION_CASE = Scene(
    "reconciliation_case", "账目差异", "发现账目差异，立即",
    {
        _A.STAFF: _to_staff(
            "summary", "账目出现差异", "{summary}", link="/admin/reconciliation", merging=Merging("{count} 处账目差异")
        )
    },
)  # fmt: skip

AUDIT_DAMAGED = Scene(
    "audit_damaged", "操作日志被改动", "核对发现操作日志的记录被改动或删除，立即",
    {
        _A.STAFF: _to_staff(
            "summary", "操作日志被改动", "{summary}。请立即核查数据库的访问情况，并用 verify-audit 复核。",
            to=(_R.SUPER_ADMIN,),
        )
    },
)  # fmt: skip

# In the order of a camp's life cycle.
SCENES: dict[str, Scene] = {
    scene.code: scene
    for scene in (
        PAYMENT_SUCCESS, PAYMENT_EXCESS, NOT_IN_GROUP, QR_EXPIRING, MATCH_NEEDED, CHECKIN_DAILY, DAY_GRANTED,
        SYNC_FAILED, CREDENTIAL_EXPIRED, CAMP_ENDING, CAMP_ENDED_REVIEW, REFUND_LIST_BLOCKED, REFUND_SUCCESS,
        REFUND_FAILED, REFUND_DELAYED, REFUND_REJECTED, REFUND_HOLD, REFUND_STUCK, RECONCILIATION_CASE, SECURITY_ALARM,
        AUDIT_DAMAGED,
    )
}  # fmt: skip
