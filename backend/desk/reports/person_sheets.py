"""One person's data with Chinese labels, as sheets or as JSON. Both use the same layouts."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from backend.core import clock
from backend.core.money import format_yuan
from backend.core.sheets.writing import Ident, Rate, Value, Yuan
from backend.core.text import mask_middle
from backend.desk.reports import words
from backend.desk.reports.person import Person
from backend.desk.reports.sheets import Layout, Sheet, as_json
from backend.models.audit import AuditEntry
from backend.models.checkins import Checkin
from backend.models.history import StateChange
from backend.models.imports import PlanetMember
from backend.models.members import MatchStatus, Member
from backend.models.notifications import Notification
from backend.models.payers import Payer
from backend.models.payments import Payment, PaymentStatus
from backend.models.planets import PlanetUser
from backend.money.refunds.queries import Listed

_PAYMENT_STATUS = {PaymentStatus.PENDING: "待支付", PaymentStatus.PAID: "已支付", PaymentStatus.CLOSED: "已关闭"}


def _match_status(value: str) -> str:
    return words.MATCH_STATUS[MatchStatus(value)]


ACCOUNTS = Layout[Payer](
    "账号",
    {
        "付款人ID": lambda row: Ident(str(row.id)),
        "微信 openid（部分隐藏）": lambda row: mask_middle(row.openid) if row.openid else "",
        "首次出现": lambda row: row.created_at,
    },
)
MEMBERS = Layout[tuple[Member, str]](
    "报名记录",
    {
        "训练营": lambda row: row[1],
        "星球昵称": lambda row: row[0].planet_nickname,
        "星球编号": lambda row: Ident(row[0].planet_number),
        "微信昵称": lambda row: row[0].wechat_nickname,
        "支付金额": lambda row: Yuan(row[0].paid_fen),
        "支付时间": lambda row: row[0].paid_at,
        "匹配状态": lambda row: words.MATCH_STATUS[row[0].status],
        "匹配方式": lambda row: words.match_method(row[0].match_method),
        "星球用户ID": lambda row: Ident(row[0].planet_user_id),
        "匹配说明": lambda row: row[0].match_note,
        "已进群": lambda row: row[0].joined,
        "进群时间": lambda row: row[0].joined_at,
        "要求天数": lambda row: row[0].required_days,
        "排行榜天数": lambda row: row[0].days_ranking,
        "帖子天数": lambda row: row[0].days_posts,
        "导入天数": lambda row: row[0].days_import,
        "打卡天数": lambda row: row[0].days,
        "进度": lambda row: words.STANDING[row[0].standing],
        "系统判定": lambda row: words.verdict(row[0].verdict),
        "应退金额": lambda row: Yuan(row[0].entitled_fen),
        "金额说明": lambda row: row[0].breakdown.get("line", ""),
        "会员ID": lambda row: Ident(str(row[0].id)),
    },
)
PAYMENTS = Layout[tuple[Payment, str]](
    "订单",
    {
        "训练营": lambda row: row[1],
        "商户订单号": lambda row: Ident(row[0].out_trade_no),
        "微信订单号": lambda row: Ident(row[0].transaction_id),
        "状态": lambda row: _PAYMENT_STATUS[row[0].status],
        "金额": lambda row: Yuan(row[0].amount_fen),
        "下单时间": lambda row: row[0].created_at,
        "支付时间": lambda row: row[0].paid_at,
        "下单 IP": lambda row: row[0].payer_ip,
        "填写的星球昵称": lambda row: row[0].planet_nickname,
        "填写的星球编号": lambda row: Ident(row[0].planet_number),
        "填写的微信昵称": lambda row: row[0].wechat_nickname,
    },
)
REFUNDS = Layout[Listed](
    "退款",
    {
        "训练营": lambda row: row.camp_name,
        "退款单号": lambda row: Ident(row.refund.out_refund_no),
        "类型": lambda row: words.REFUND_KIND[row.refund.kind],
        "状态": lambda row: words.REFUND_STATUS[row.refund.status],
        "金额": lambda row: Yuan(row.amount_fen),
        "系统判定": lambda row: words.verdict(row.evidence.verdict),
        "打卡天数": lambda row: row.evidence.days,
        "要求天数": lambda row: row.evidence.required_days,
        "申请原因": lambda row: row.refund.reason,
        "审核时间": lambda row: row.refund.reviewed_at,
        "审核备注": lambda row: row.refund.review_note,
        "拒绝原因": lambda row: row.refund.reject_reason,
        "退款成功时间": lambda row: row.refund.succeeded_at,
        "线下处理": lambda row: row.refund.settled_offline,
        "线下说明": lambda row: row.refund.offline_note,
    },
)
CHECKINS = Layout[tuple[Checkin, str]](
    "打卡",
    {
        "训练营": lambda row: row[1],
        "日期": lambda row: row[0].day,
        "发布时间": lambda row: row[0].posted_at,
        "来源": lambda row: words.CHECKIN_SOURCE[row[0].source],
        "内容摘要": lambda row: row[0].excerpt,
        "帖子ID": lambda row: Ident(row[0].topic_id),
    },
)
MESSAGES = Layout[Notification](
    "消息",
    {
        "时间": lambda row: row.created_at,
        "标题": lambda row: row.title,
        "内容": lambda row: row.content,
        "阅读时间": lambda row: row.read_at,
    },
)
MOVES = Layout[tuple[StateChange, str]](
    "匹配历史",
    {
        "训练营": lambda row: row[1],
        "时间": lambda row: row[0].created_at,
        "原状态": lambda row: _match_status(row[0].from_state),
        "新状态": lambda row: _match_status(row[0].to_state),
        "说明": lambda row: row[0].note,
    },
)
ACTIONS = Layout[AuditEntry](
    "工作人员操作",
    {
        "时间": lambda row: row.created_at,
        "操作": lambda row: row.action,
        "变更前": lambda row: as_json(row.before),
        "变更后": lambda row: as_json(row.after),
        "备注": lambda row: row.note,
    },
)
PLANET_USERS = Layout[PlanetUser](
    "星球资料",
    {
        "用户ID": lambda row: Ident(row.user_id),
        "星球编号": lambda row: Ident(row.number),
        "昵称": lambda row: row.name,
        "备注名": lambda row: row.alias,
        "已退出": lambda row: row.left,
        "更新时间": lambda row: row.updated_at,
    },
)
PLANET_MEMBERS = Layout[PlanetMember](
    "导入的星球成员",
    {
        "成员编号": lambda row: Ident(row.number),
        "用户昵称": lambda row: row.nickname,
        "微信昵称": lambda row: row.wechat_nickname,
        "名片昵称": lambda row: row.card_nickname,
        "备注昵称": lambda row: row.remark_nickname,
        "身份": lambda row: row.role,
        "加入时间": lambda row: row.joined_on,
        "已退出": lambda row: row.left,
        "更新时间": lambda row: row.updated_at,
    },
)


def sheets_of(person: Person) -> list[Sheet[Any]]:
    """One sheet per kind of data. Empty ones are included, since having no data is an answer too."""
    return [
        Sheet(ACCOUNTS, person.accounts),
        Sheet(MEMBERS, person.members),
        Sheet(PAYMENTS, person.payments),
        Sheet(REFUNDS, person.refunds),
        Sheet(CHECKINS, person.checkins),
        Sheet(MESSAGES, person.messages),
        Sheet(MOVES, person.moves),
        Sheet(ACTIONS, person.actions),
        Sheet(PLANET_USERS, person.planet_users),
        Sheet(PLANET_MEMBERS, person.planet_members),
    ]


def json_of(sheets: Sequence[Sheet[Any]]) -> bytes:
    """The sheets as JSON: a list of objects by title, keyed by header. Amounts are yuan, as text."""
    found = {}
    for sheet in sheets:
        columns = sheet.layout.columns.items()
        found[sheet.layout.title] = [{name: _json(cell(row)) for name, cell in columns} for row in sheet.rows]
    return json.dumps(found, ensure_ascii=False, indent=2).encode()


def _json(value: Value) -> str | int | float | bool | None:
    if isinstance(value, Ident):
        return value.text
    if isinstance(value, Yuan):
        return format_yuan(value.fen)
    if isinstance(value, Rate):
        return value.part
    if isinstance(value, dt.datetime):
        return clock.shanghai(value).isoformat()
    return value.isoformat() if isinstance(value, dt.date) else value
