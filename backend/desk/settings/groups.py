"""The groups of settings that staff may change. To add a group, add an entry to :data:`GROUPS`.

A group is the section of :class:`Settings` with the same name. Fields that aren't listed, and those listed as read
only, depend on the deployment, so the environment sets them. The section defines types, limits and secret fields.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import SecretStr

from backend.core.config import Fault, Section, Settings, StorageSettings, WeChatPaySettings

Kind = Literal["text", "long_text", "integer", "number", "money", "switch", "choice", "numbers", "time"]


@dataclass(frozen=True, slots=True)
class Field:
    """How a field is shown. ``choices`` labels the values of a Literal; ``long`` marks a text of several lines."""

    label: str
    help: str = ""
    unit: str = ""
    read_only: bool = False
    long: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """A value of this installation that must be entered in other systems. The page shows it for copying."""

    label: str
    value: str


def _nothing(_: Any) -> Iterable[str]:
    return ()


def _no_facts(_: Settings) -> list[Fact]:
    return []


@dataclass(frozen=True, slots=True)
class Group:
    """``missing`` returns required fields that are empty while others are filled; ``tested``: it has a connection."""

    title: str
    fields: Mapping[str, Field]
    help: str = ""
    tested: bool = False
    missing: Callable[[Any], Iterable[str]] = _nothing
    facts: Callable[[Settings], list[Fact]] = _no_facts


def _empty(section: Section, names: Iterable[str]) -> list[str]:
    return [name for name in names if not plain(getattr(section, name))]


def _all_or_none(section: Section, *names: str) -> list[str]:
    empty = _empty(section, names)
    return empty if len(empty) < len(names) else []


def _missing_at_wechat_pay(section: WeChatPaySettings) -> list[str]:
    given = ("private_key",) if section.private_key_path is None else ()
    return _all_or_none(section, "mch_id", "app_id", "cert_serial_no", *given, "apiv3_key")


def _missing_at_storage(section: StorageSettings) -> list[str]:
    if section.kind == "local":
        return []
    return _empty(section, ("cos_region", "cos_bucket", "cos_secret_id", "cos_secret_key"))


def _notify_urls(settings: Settings) -> list[Fact]:
    base = f"{settings.public_base_url}/api/webhook/wechat"
    return [Fact("支付结果通知地址", f"{base}/payment"), Fact("退款结果通知地址", f"{base}/refund")]


def _callback_domain(settings: Settings) -> list[Fact]:
    return [Fact("网页授权域名", urlsplit(settings.public_base_url).netloc)]


_ADDRESS = Field("接口地址", read_only=True)

GROUPS: dict[str, Group] = {
    "wechat_pay": Group(
        "微信支付",
        {
            "mch_id": Field("商户号"),
            "app_id": Field("AppID", "与商户号绑定的公众号，须与「微信公众号」中的一致"),
            "cert_serial_no": Field("商户证书序列号"),
            "private_key": Field("商户私钥", "apiclient_key.pem 的全部内容", long=True),
            "private_key_path": Field("商户私钥文件", "未填写商户私钥时使用", read_only=True),
            "apiv3_key": Field("APIv3 密钥", "32 个字符，在商户平台设置"),
            "public_key_id": Field("微信支付公钥 ID", "以 PUB_KEY_ID_ 开头；不填则使用平台证书"),
            "public_key": Field("微信支付公钥", "pub_key.pem 的全部内容", long=True),
            "public_key_path": Field("微信支付公钥文件", "未填写微信支付公钥时使用", read_only=True),
            "base_url": _ADDRESS,
        },
        help="收押金与退押金的商户。保存前会向微信支付发一次查询，密钥不对则不会保存。",
        tested=True,
        missing=_missing_at_wechat_pay,
        facts=_notify_urls,
    ),
    "wechat_oauth": Group(
        "微信公众号",
        {
            "app_id": Field("AppID", "须与「微信支付」中的一致"),
            "app_secret": Field("AppSecret"),
            "base_url": _ADDRESS,
        },
        help="会员登录与模板消息所用的服务号。",
        tested=True,
        missing=lambda section: _all_or_none(section, "app_id", "app_secret"),
        facts=_callback_domain,
    ),
    "zsxq": Group(
        "知识星球",
        {
            "min_interval_seconds": Field("请求间隔", "同一账号两次请求之间至少间隔这么久，过快会使凭证失效", "秒"),
            "read_posts": Field("读取打卡日记", "关闭后只读排行榜，每笔退款都要人工确认"),
            "base_url": _ADDRESS,
        },
        help="星球与 Cookie 在「星球配置」中维护；测试连接会逐个检查全部星球。",
        tested=True,
    ),
    "wecom": Group(
        "企业微信",
        {
            "corp_id": Field("企业 ID"),
            "agent_id": Field("应用 AgentId"),
            "secret": Field("应用 Secret"),
            "alert_user_ids": Field(
                "告警接收人",
                "没有工作人员能接收时发给谁：企业微信账号，多个用 | 分隔；@all 为全部成员（含会员昵称的消息除外）",
            ),
            "robot_key": Field("告警群机器人", "机器人的 Webhook 地址，或其中的 key"),
            "base_url": _ADDRESS,
        },
        help="给工作人员发通知与告警。",
        tested=True,
        missing=lambda section: _all_or_none(section, "corp_id", "agent_id", "secret"),
    ),
    "refund": Group(
        "退款",
        {
            "per_second": Field("发送速度", unit="笔/秒"),
            "auto_attempts": Field("自动尝试次数", unit="次"),
            "retry_waits_seconds": Field("重试间隔", "每次失败后等待多久，最后一个重复使用", "秒"),
            "manual_attempts": Field("人工重试上限", unit="次"),
            "undo_seconds": Field("可撤销时间", "审核通过后等待多久才发出，期间可以撤销", "秒"),
            "password_threshold_fen": Field("密码确认金额", "批量审核合计超过此金额时要输入密码", "元"),
            "stuck_hours": Field("超时提醒", "退款处理超过多久提醒工作人员", "小时"),
            "coach_review": Field("教练可审核", "教练可以审核自己训练营的退款"),
            "promise": Field("到账说明", "会员报名前与等待退款时看到的文字", long=True),
        },
    ),
    "payment": Group(
        "支付",
        {
            "order_minutes": Field("订单有效期", "未支付的订单保留名额多久", "分钟"),
            "deposit_min_fen": Field("押金下限", unit="元"),
            "deposit_max_fen": Field("押金上限", unit="元"),
        },
    ),
    "sync": Group(
        "打卡",
        {"manual_pause_seconds": Field("手动同步间隔", "同一训练营两次手动同步至少间隔多久", "秒")},
    ),
    "notices": Group(
        "通知",
        {
            "enabled": Field("总开关", "关闭后除站内消息外，所有通知都不会发出"),
            "opens_at": Field("发送时段开始", "发给会员和训练营群的非紧急通知只在时段内发送"),
            "closes_at": Field("发送时段结束", "之后生成的等到下一个时段"),
        },
        help="各场景的开关、渠道、接收人和文字在「通知设置」中修改。",
    ),
    "retention": Group(
        "数据保留",
        {
            "personal_days": Field("个人信息保留", "训练营归档后多久清除会员的昵称、编号、打卡内容和消息", "天"),
            "event_days": Field("支付通知保留", "微信支付通知的原文含付款人标识", "天"),
            "job_run_days": Field("任务记录保留", unit="天"),
        },
        help="金额、退款、账本和操作日志不受影响。清除在每天凌晨进行，不能恢复。",
    ),
    "login": Group(
        "登录保护",
        {
            "failures": Field("用户名失败次数", "在统计时间内失败这么多次即锁定", "次"),
            "address_failures": Field("IP 失败次数", "同一 IP 在统计时间内失败这么多次即锁定", "次"),
            "window_minutes": Field("统计时间", unit="分钟"),
            "lock_minutes": Field("锁定时间", unit="分钟"),
        },
    ),
    "limits": Group(
        "访问频率",
        {
            "enabled": Field("启用限制", "按登录的人计数，未登录时按 IP 计数"),
            "per_minute": Field("每分钟请求上限", unit="次"),
            "sensitive_per_minute": Field("登录与提交上限", "登录、报名等操作每分钟的上限", "次"),
        },
    ),
    "storage": Group(
        "对象存储",
        {
            "kind": Field("存储方式", choices={"local": "本机文件夹", "cos": "腾讯云 COS"}),
            "local_dir": Field("本机文件夹", read_only=True),
            "cos_region": Field("地域", "如 ap-shanghai"),
            "cos_bucket": Field("存储桶", "如 camp-1250000000，应为私有读写"),
            "cos_secret_id": Field("SecretId"),
            "cos_secret_key": Field("SecretKey"),
            "cos_base_url": Field("自定义域名", read_only=True),
        },
        help="海报与群二维码。切换存储方式不会搬移已上传的图片，请先自行复制。",
        tested=True,
        missing=_missing_at_storage,
    ),
}

FAULT_TEXTS: dict[Fault, str] = {
    Fault.NOT_32: "须为 32 个字符",
    Fault.NO_FILE: "文件不存在",
    Fault.NO_PRIVATE_KEY: "不是可用的 RSA 私钥（PEM 格式，不带密码）",
    Fault.NO_PUBLIC_KEY: "不是可用的 RSA 公钥（PEM 格式）",
    Fault.ID_AND_KEY: "公钥 ID 与公钥须同时填写",
    Fault.OPENS_AFTER_CLOSES: "须早于结束时间",
    Fault.MIN_ABOVE_MAX: "不能高于押金上限",
}


def plain(value: Any) -> Any:
    """Unwrap a secret; other values are returned unchanged."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def secret_fields(group: str) -> frozenset[str]:
    """Fields that are encrypted at rest and never shown."""
    section = _section_type(group)
    return frozenset(name for name in GROUPS[group].fields if section.model_fields[name].annotation is SecretStr)


def kind_of(group: str, name: str) -> Kind:
    """The input type of a field. Amounts are fen in the API and yuan in the form."""
    annotation: Any = _section_type(group).model_fields[name].annotation
    if name.endswith("_fen"):
        return "money"
    if get_origin(annotation) is list:
        return "numbers"
    if get_origin(annotation) is Literal:
        return "choice"
    kinds: dict[Any, Kind] = {bool: "switch", int: "integer", float: "number", dt.time: "time"}
    if annotation in kinds:
        return kinds[annotation]
    return "long_text" if GROUPS[group].fields[name].long else "text"


def choices_of(group: str, name: str) -> dict[str, str]:
    """Labels by value; empty for fields without choices."""
    labels = GROUPS[group].fields[name].choices
    values = get_args(_section_type(group).model_fields[name].annotation) if kind_of(group, name) == "choice" else ()
    return {value: labels.get(value, value) for value in values}


def _section_type(group: str) -> type[Section]:
    annotation = Settings.model_fields[group].annotation
    if not (isinstance(annotation, type) and issubclass(annotation, Section)):
        raise TypeError(f"{group} is no section of the settings")
    return annotation
