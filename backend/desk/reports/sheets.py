"""The console's lists as sheets: headers and cells. Rows arrive in batches and are written in a thread."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Generic, TypeVar

from backend.community.checkins.repository import CheckinRow
from backend.community.eligibility.offers import offer_of
from backend.community.eligibility.rules import REASON_TEXTS, Reason
from backend.community.matching.queue import QueueRow
from backend.community.members.repository import FullRow
from backend.core.errors import Conflict
from backend.core.sheets.writing import Ident, SheetKind, SheetWriter, Value, Yuan
from backend.desk.reports import audit_words, words
from backend.models.audit import AuditEntry
from backend.money.refunds.queries import Listed
from backend.money.refunds.settlement import Line

T = TypeVar("T")

MOST_ROWS = 200_000


class ExportTooLarge(Conflict):
    code, message = "export_too_large", f"超过 {MOST_ROWS} 行，请缩小筛选范围后分次导出"


@dataclass(frozen=True)
class Layout(Generic[T]):
    """A sheet's title, and a cell function by header."""

    title: str
    columns: dict[str, Callable[[T], Value]]


@dataclass(frozen=True, slots=True)
class Written:
    """A finished sheet. The caller closes the file."""

    file: BinaryIO
    rows: int


async def write(layout: Layout[T], kind: SheetKind, parts: AsyncIterator[Sequence[T]]) -> Written:
    """Write a sheet into a temporary file. Raises ExportTooLarge for more than ``MOST_ROWS`` rows."""
    writer = await asyncio.to_thread(SheetWriter, kind, layout.title, list(layout.columns))
    rows = 0
    try:
        async for part in parts:
            rows += len(part)
            if rows > MOST_ROWS:
                raise ExportTooLarge
            await asyncio.to_thread(_write_part, writer, layout, part)
        return Written(await asyncio.to_thread(writer.finish), rows)
    except BaseException:
        writer.discard()
        raise


@dataclass(frozen=True)
class Sheet(Generic[T]):
    """A layout with its rows, for lists that fit into memory."""

    layout: Layout[T]
    rows: Sequence[T]


async def write_book(kind: SheetKind, sheets: Sequence[Sheet[Any]]) -> Written:
    return await asyncio.to_thread(_write_book, kind, sheets)


def _write_book(kind: SheetKind, sheets: Sequence[Sheet[Any]]) -> Written:
    first, *others = sheets
    writer = SheetWriter(kind, first.layout.title, list(first.layout.columns))
    try:
        _write_part(writer, first.layout, first.rows)
        for sheet in others:
            writer.begin(sheet.layout.title, list(sheet.layout.columns))
            _write_part(writer, sheet.layout, sheet.rows)
        return Written(writer.finish(), sum(len(sheet.rows) for sheet in sheets))
    except BaseException:
        writer.discard()
        raise


def _write_part(writer: SheetWriter, layout: Layout[T], part: Sequence[T]) -> None:
    writer.write([[cell(row) for cell in layout.columns.values()] for row in part])


MEMBERS = Layout[FullRow](
    "会员",
    {
        "训练营": lambda row: row.camp.name,
        "星球昵称": lambda row: row.member.planet_nickname,
        "星球编号": lambda row: Ident(row.member.planet_number),
        "微信昵称": lambda row: row.member.wechat_nickname,
        "支付金额": lambda row: Yuan(row.member.paid_fen),
        "支付时间": lambda row: row.member.paid_at,
        "商户订单号": lambda row: Ident(row.out_trade_no),
        "微信订单号": lambda row: Ident(row.transaction_id),
        "匹配状态": lambda row: words.MATCH_STATUS[row.member.status],
        "置信度": lambda row: row.member.confidence,
        "匹配方式": lambda row: words.match_method(row.member.match_method),
        "匹配到的昵称": lambda row: row.person.name if row.person else "",
        "匹配到的编号": lambda row: Ident(row.person.number if row.person else None),
        "用户ID": lambda row: Ident(row.member.planet_user_id),
        "打卡天数": lambda row: row.member.days,
        "要求天数": lambda row: row.member.required_days,
        "进度": lambda row: words.STANDING[row.member.standing],
        "系统判定": lambda row: words.verdict(row.member.verdict),
        "应退金额": lambda row: Yuan(row.member.entitled_fen) if row.member.verdict else None,
        "已退金额": lambda row: Yuan(row.refunded_fen),
        "最近退款时间": lambda row: row.last_refunded_at,
        "退款规则": lambda row: offer_of(row.member, row.camp).short,
        "已进群": lambda row: row.member.joined,
        "会员ID": lambda row: Ident(str(row.member.id)),
    },
)

REFUNDS = Layout[Listed](
    "退款",
    {
        "退款单号": lambda row: Ident(row.refund.out_refund_no),
        "训练营": lambda row: row.camp_name,
        "星球昵称": lambda row: row.payment.planet_nickname,
        "星球编号": lambda row: Ident(row.payment.planet_number),
        "微信昵称": lambda row: row.payment.wechat_nickname,
        "类型": lambda row: words.REFUND_KIND[row.refund.kind],
        "状态": lambda row: words.REFUND_STATUS[row.refund.status],
        "退款金额": lambda row: Yuan(row.amount_fen),
        "支付金额": lambda row: Yuan(row.payment.amount_fen),
        "支付时间": lambda row: row.payment.paid_at,
        "商户订单号": lambda row: Ident(row.payment.out_trade_no),
        "微信订单号": lambda row: Ident(row.payment.transaction_id),
        "微信退款单号": lambda row: Ident(row.refund.provider_refund_id),
        "打卡天数": lambda row: row.evidence.days,
        "要求天数": lambda row: row.evidence.required_days,
        "系统判定": lambda row: words.verdict(row.evidence.verdict),
        "金额说明": lambda row: (row.evidence.breakdown or {}).get("line", ""),
        "置信度": lambda row: row.evidence.confidence,
        "匹配方式": lambda row: words.match_method(row.evidence.match_method),
        "审核人": lambda row: row.reviewer_name,
        "审核时间": lambda row: row.refund.reviewed_at,
        "审核备注": lambda row: row.refund.review_note,
        "拒绝原因": lambda row: row.refund.reject_reason,
        "失败原因": lambda row: row.refund.failure_message,
        "尝试次数": lambda row: row.refund.attempts,
        "退款成功时间": lambda row: row.refund.succeeded_at,
        "线下处理": lambda row: row.refund.settled_offline,
        "线下说明": lambda row: row.refund.offline_note,
        "创建时间": lambda row: row.refund.created_at,
    },
)

# The first columns are those of the import, so that an exported sheet can be imported again.
CHECKINS = Layout[CheckinRow](
    "打卡",
    {
        "用户ID": lambda row: Ident(row.checkin.planet_user_id),
        "打卡日期": lambda row: row.checkin.day,
        "星球成员编号": lambda row: Ident(row.person.number if row.person else None),
        "昵称": lambda row: row.person.name if row.person else "",
        "会员填写的昵称": lambda row: row.member.planet_nickname if row.member else "未关联",
        "发布时间": lambda row: row.checkin.posted_at,
        "来源": lambda row: words.CHECKIN_SOURCE[row.checkin.source],
        "内容摘要": lambda row: row.checkin.excerpt,
    },
)

MATCHING = Layout[QueueRow](
    "身份匹配",
    {
        "训练营": lambda row: row.row.camp.name,
        "商户订单号": lambda row: Ident(row.out_trade_no),
        "支付金额": lambda row: Yuan(row.row.member.paid_fen),
        "支付时间": lambda row: row.row.member.paid_at,
        "填写的星球昵称": lambda row: row.row.member.planet_nickname,
        "填写的星球编号": lambda row: Ident(row.row.member.planet_number),
        "填写的微信昵称": lambda row: row.row.member.wechat_nickname,
        "匹配状态": lambda row: words.MATCH_STATUS[row.row.member.status],
        "置信度": lambda row: row.row.member.confidence,
        "说明": lambda row: row.row.member.match_note,
        "建议的昵称": lambda row: row.suggestion.person.name if row.suggestion else "",
        "建议的编号": lambda row: Ident(row.suggestion.person.number if row.suggestion else None),
        "建议的用户ID": lambda row: Ident(row.suggestion.person.user_id if row.suggestion else None),
        "建议的打卡天数": lambda row: row.suggestion.days if row.suggestion else None,
    },
)

SETTLEMENT = Layout[Line](
    "结算",
    {
        "星球昵称": lambda line: line.member.planet_nickname,
        "星球编号": lambda line: Ident(line.member.planet_number),
        "微信昵称": lambda line: line.member.wechat_nickname,
        "匹配状态": lambda line: words.MATCH_STATUS[line.member.status],
        "置信度": lambda line: line.member.confidence,
        "匹配方式": lambda line: words.match_method(line.member.match_method),
        "打卡天数": lambda line: line.member.days,
        "排行榜天数": lambda line: line.member.days_ranking,
        "帖子天数": lambda line: line.member.days_posts,
        "导入天数": lambda line: line.member.days_import,
        "要求天数": lambda line: line.member.required_days,
        "进度": lambda line: words.STANDING[line.member.standing],
        "系统判定": lambda line: words.verdict(line.member.verdict),
        "理由": lambda line: "；".join(REASON_TEXTS[Reason(code)] for code in line.member.verdict_reasons),
        "应退金额": lambda line: Yuan(line.member.entitled_fen),
        "金额说明": lambda line: line.member.breakdown.get("line", ""),
        "支付金额": lambda line: Yuan(line.member.paid_fen),
        "支付时间": lambda line: line.member.paid_at,
        "已退金额": lambda line: Yuan(line.refunded_fen),
        "退款状态": lambda line: words.REFUND_STATUS[line.refund.status] if line.refund else "",
        "退款单号": lambda line: Ident(line.refund.out_refund_no if line.refund else None),
    },
)


def as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


LOGS = Layout[AuditEntry](
    "操作日志",
    {
        "时间": lambda entry: entry.created_at,
        "操作人": audit_words.actor,
        "操作": lambda entry: audit_words.action(entry.action),
        "操作代码": lambda entry: entry.action,
        "对象类型": lambda entry: audit_words.target(entry.target_type),
        "对象": lambda entry: entry.target_name,
        "对象ID": lambda entry: Ident(str(entry.target_id) if entry.target_id else None),
        "变更前": lambda entry: as_json(entry.before),
        "变更后": lambda entry: as_json(entry.after),
        "结果": lambda entry: "失败" if entry.error else "成功",
        "失败原因": lambda entry: entry.error,
        "备注": lambda entry: entry.note,
        "IP": lambda entry: entry.ip,
        "浏览器": lambda entry: entry.user_agent,
        "请求编号": lambda entry: entry.request_id,
        "序号": lambda entry: entry.seq,
        "哈希": lambda entry: Ident(entry.hash.hex() if entry.hash else None),
    },
)
