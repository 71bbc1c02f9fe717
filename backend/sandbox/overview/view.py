"""The overview's data: the simulators' state as display text. Lists show the newest 100 rows, newest first."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from backend.core import clock, money
from backend.sandbox.oauth import OAuthSandbox
from backend.sandbox.wechat_mp import MpMessage, WeChatMpSandbox
from backend.sandbox.wechat_pay import Delivery, Order, Refund, WeChatPaySandbox
from backend.sandbox.wecom import Message, WeComSandbox
from backend.sandbox.zsxq import ZsxqSandbox

SHOWN_ROWS = 100
_LONG_TEXT = 120

_CHANNELS = {"jsapi": "公众号支付", "h5": "H5 支付", "native": "扫码支付"}
_ORDER_STATES = {
    "NOTPAY": ("待支付", "wait"),
    "SUCCESS": ("已支付", "good"),
    "REFUND": ("有退款", "good"),
    "CLOSED": ("已关闭", ""),
}
_REFUND_STATES = {
    "PROCESSING": ("退款中", "wait"),
    "SUCCESS": ("已退款", "good"),
    "CLOSED": ("已关闭", "bad"),
    "ABNORMAL": ("异常", "bad"),
}
_DELIVERY_STATES = {
    "waiting": ("待投递", "wait"),
    "delivered": ("已送达", "good"),
    "dropped": ("已丢弃", "bad"),
    "given_up": ("已放弃", "bad"),
}
_PROJECT_STATES = {"ongoing": ("进行中", "good"), "over": ("已结束", ""), "closed": ("已关闭", "")}
_NOTICES = {"payment": "支付通知", "refund": "退款通知"}
_OUTCOMES = {"timeout": "超时", "no_connection": "连接失败"}


class FaultSet(Protocol):
    """The common interface of the fault sets of all simulators."""

    def set(self, name: str, *, times: int | None = 1, value: float | None = None) -> object: ...

    def clear(self, name: str | None = None) -> None: ...

    def summary(self) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Simulators:
    wechat_pay: WeChatPaySandbox
    oauth: OAuthSandbox
    wechat_mp: WeChatMpSandbox
    zsxq: ZsxqSandbox
    wecom: WeComSandbox

    def fault_sets(self) -> dict[str, tuple[str, FaultSet]]:
        """Map the name of a system to its Chinese title and its faults."""
        return {
            "wechat-pay": ("微信支付", self.wechat_pay.faults),
            "zsxq": ("知识星球", self.zsxq.faults),
            "oauth": ("微信网页授权", self.oauth.faults),
            "mp": ("公众号消息", self.wechat_mp.faults),
            "wecom": ("企业微信", self.wecom.faults),
        }


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the books. ``tone`` is a CSS class."""

    label: str
    value: str
    note: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list. ``tone`` (``good``, ``bad``, ``wait`` or empty) colours ``state``."""

    title: str
    number: str
    detail: str
    state: str
    tone: str
    amount: str = ""
    link: str = ""

    @property
    def is_long(self) -> bool:
        return len(self.title) > _LONG_TEXT


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows shown, and the total number of rows."""

    rows: list[Row]
    total: int


@dataclass(frozen=True, slots=True)
class Knob:
    """A fault; ``remaining`` is Chinese display text."""

    name: str
    label: str
    active: bool
    remaining: str


@dataclass(frozen=True, slots=True)
class Panel:
    system: str
    title: str
    knobs: list[Knob]


@dataclass(frozen=True, slots=True)
class View:
    now: str
    books: list[Tile]
    orders: Listing
    refunds: Listing
    deliveries: Listing
    messages: Listing
    mp_messages: Listing
    projects: Listing
    panels: list[Panel]


def read_view(simulators: Simulators) -> View:
    pay = simulators.wechat_pay
    books = _books(pay)  # first: it also settles due refunds, which the rows below show
    return View(
        now=_time(clock.now()),
        books=books,
        orders=_listing(_order(order, pay.cashier.url(order.out_trade_no)) for order in pay.orders.by_number.values()),
        refunds=_listing(_refund(refund) for refund in pay.refunds.by_number.values()),
        deliveries=_listing(_delivery(delivery) for delivery in pay.courier.deliveries),
        messages=_listing(_message(index, message) for index, message in enumerate(simulators.wecom.messages)),
        mp_messages=_listing(
            _mp_message(index, message, simulators) for index, message in enumerate(simulators.wechat_mp.messages)
        ),
        projects=_listing(_project(simulators.zsxq, project) for project in simulators.zsxq.summary()["projects"]),
        panels=[
            Panel(system, title, [_knob(row) for row in faults.summary()])
            for system, (title, faults) in simulators.fault_sets().items()
        ],
    )


def _listing(rows: Iterable[Row]) -> Listing:
    newest_first = list(rows)[::-1]
    return Listing(newest_first[:SHOWN_ROWS], len(newest_first))


def _books(pay: WeChatPaySandbox) -> list[Tile]:
    books = pay.books()
    kept = books.payments_fen - books.refunds_fen - books.refunding_fen
    balance_tone = "bad" if books.balance_fen < 0 else ""
    return [
        Tile("商户余额", _yuan(books.balance_fen), "微信支付账户可用余额", balance_tone),
        Tile("收款", _yuan(books.payments_fen), f"{books.payments_count} 笔"),
        Tile("已退款", _yuan(books.refunds_fen), f"{books.refunds_count} 笔"),
        Tile("退款在途", _yuan(books.refunding_fen), "处理中与异常"),
        Tile("押金净额", _yuan(kept), "收款减去已退与在途"),
    ]


def _order(order: Order, cashier_url: str) -> Row:
    state, tone = _ORDER_STATES.get(order.state, (order.state, ""))
    detail = f"{_CHANNELS.get(order.channel, order.channel)} · 下单 {_time(order.created_at)}"
    if order.paid_at:
        detail += f" · 支付 {_time(order.paid_at)}"
    return Row(order.description, order.out_trade_no, detail, state, tone, _yuan(order.amount_fen), cashier_url)


def _refund(refund: Refund) -> Row:
    state, tone = _REFUND_STATES.get(refund.status, (refund.status, ""))
    origin = "商户平台手工退款" if refund.console else "接口退款"
    detail = f"{origin} · 申请 {_time(refund.created_at)}"
    if refund.success_at:
        detail += f" · 到账 {_time(refund.success_at)}"
    return Row(refund.order.out_trade_no, refund.out_refund_no, detail, state, tone, f"-{_yuan(refund.amount_fen)}")


def _delivery(delivery: Delivery) -> Row:
    state, tone = _DELIVERY_STATES.get(delivery.state, (delivery.state, ""))
    kind = _NOTICES.get(delivery.kind, delivery.kind)
    detail = f"生成 {_time(delivery.created_at)}"
    if delivery.attempts:
        last = delivery.attempts[-1]
        outcome = _OUTCOMES.get(last.outcome, f"HTTP {last.outcome}")
        detail += f" · 已投 {len(delivery.attempts)} 次，最近 {outcome}"
        detail += f"（故障 {last.fault}）" if last.fault else ""
    if delivery.state == "waiting":
        detail += f" · 下次 {_time(delivery.due_at)}"
    return Row(f"{kind} {delivery.event_type}", delivery.reference, detail, state, tone)


def _message(index: int, message: Message) -> Row:
    when = clock.shanghai(dt.datetime.fromtimestamp(message.at, dt.UTC))
    channel = "群机器人" if message.channel == "robot" else "应用消息"
    receivers = "、".join(message.shown_to) or "无人"
    detail = f"{channel} · {when:%m-%d %H:%M:%S} · 送达 {receivers}"
    detail += f" · 限频丢弃 {'、'.join(message.dropped)}" if message.dropped else ""
    if message.duplicate:
        return Row(message.text, str(index), f"{channel} · {when:%m-%d %H:%M:%S}", "重复未发", "")
    state, tone = ("部分丢弃" if message.shown_to else "被丢弃", "bad") if message.dropped else ("已发送", "good")
    return Row(message.text, str(index), detail, state, tone)


def _mp_message(index: int, message: MpMessage, simulators: Simulators) -> Row:
    when = clock.shanghai(dt.datetime.fromtimestamp(message.at, dt.UTC))
    user = simulators.oauth.users.get(message.openid)
    text = " · ".join(f"{key}：{value}" for key, value in message.fields.items())
    state, tone = ("已发送", "good") if message.shown else ("重复未发", "")
    return Row(text, str(index), f"{when:%m-%d %H:%M:%S} · {user.nickname if user else '未知用户'}", state, tone)


def _project(zsxq: ZsxqSandbox, project: dict[str, Any]) -> Row:
    state, tone = _PROJECT_STATES.get(project["status"], (project["status"], ""))
    group = zsxq.group(project["group_id"])
    detail = (
        f"{group.name}（{group.group_id}）· 参加 {project['joined_count']} 人 · 打过卡 {project['checkined_count']} 人"
        f" · 达标 {project['completed_count']} 人 · 打卡 {project['posts_count']} 条"
    )
    return Row(project["title"], project["checkin_id"], detail, state, tone)


def _knob(row: dict[str, Any]) -> Knob:
    remaining = "一直生效" if row["remaining"] is None else f"剩 {row['remaining']} 次"
    return Knob(row["name"], row["label"], row["active"], remaining)


def _yuan(fen: int) -> str:
    yuan, _, rest = money.format_yuan(abs(fen)).partition(".")
    return f"{'-' if fen < 0 else ''}¥{int(yuan):,}.{rest}"


def _time(instant: dt.datetime) -> str:
    return f"{clock.shanghai(instant):%m-%d %H:%M:%S}"
