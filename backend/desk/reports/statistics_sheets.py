"""The statistics as sheets, with the figures and words of their pages."""

from collections.abc import Callable, Sequence
from typing import Any

from backend.core.sheets.writing import Ident, Rate, Value, Yuan
from backend.desk.reports import words
from backend.desk.reports.coaches import Coach
from backend.desk.reports.sheets import Layout, Sheet
from backend.desk.reports.statistics import CampFigures, Figures, Range, Report

_FIGURES: dict[str, Callable[[Figures], Value]] = {
    "报名人数": lambda row: row.enrolled,
    "参与人数": lambda row: row.participated,
    "达标人数": lambda row: row.completed,
    "部分退还人数": lambda row: row.partial,
    "参与率": lambda row: Rate(row.participation_rate),
    "完成率": lambda row: Rate(row.completion_rate),
    "平均打卡率": lambda row: Rate(row.average_rate),
    "进群率": lambda row: Rate(row.joined_rate),
    "匹配率": lambda row: Rate(row.matched_rate),
    "押金收入": lambda row: Yuan(row.income_fen),
    "退款金额": lambda row: Yuan(row.refunded_fen),
    "净收入": lambda row: Yuan(row.net_fen),
    "退款率": lambda row: Rate(row.refund_rate),
    "应退笔数": lambda row: row.refunds_due,
    "退款成功笔数": lambda row: row.refunds_succeeded,
    "退款失败笔数": lambda row: row.refunds_failed,
    "待审核笔数": lambda row: row.refunds_pending_review,
    "退款完成率": lambda row: Rate(row.refund_completion_rate),
    "退款成功率": lambda row: Rate(row.refund_success_rate),
}

# Explanations beside the figures of a range.
_NOTES = {
    "报名人数": "时间范围内开营的训练营，支付成功的会员，含已退款",
    "参与率": "至少打卡一天的会员 ÷ 报名人数",
    "部分退还人数": "营期结束并核对后，只退还一部分押金的会员",
    "完成率": "达标会员 ÷ 报名人数",
    "平均打卡率": "每位会员 打卡天数 ÷ 要求天数（最高 100%）的平均值",
    "押金收入": "按支付时间，在时间范围内支付成功的金额",
    "退款金额": "按退款成功时间，在时间范围内退回的金额",
    "净收入": "押金收入 − 退款金额",
    "退款率": "退款金额 ÷ 押金收入",
    "退款完成率": "退款成功笔数 ÷ 应退笔数（审核通过及之后）",
    "退款成功率": "退款成功笔数 ÷ （成功 + 失败）",
}

Fact = tuple[str, Value, str]

OVERVIEW = Layout[Fact](
    "总览", {"指标": lambda fact: fact[0], "数值": lambda fact: fact[1], "口径": lambda fact: fact[2]}
)


def _of(read: Callable[[Figures], Value]) -> Callable[[Any], Value]:
    return lambda row: read(row.figures)


_ALL_FIGURES: dict[str, Callable[[Any], Value]] = {name: _of(read) for name, read in _FIGURES.items()}

CAMPS = Layout[CampFigures](
    "训练营明细",
    {
        "训练营": lambda row: row.camp_name,
        "状态": lambda row: words.CAMP_STATUS[row.status],
        "开营日期": lambda row: row.starts_on,
        "结营日期": lambda row: row.ends_on,
        "天数": lambda row: row.total_days,
        "押金": lambda row: Yuan(row.deposit_fen),
        **_ALL_FIGURES,
        "最近打卡日": lambda row: row.last_day,
        "最近打卡日打卡率": lambda row: Rate(row.last_day_rate),
        "训练营ID": lambda row: Ident(str(row.camp_id)),
    },
)

COACHES = Layout[Coach](
    "教练明细",
    {
        "教练": lambda row: row.staff.display_name,
        "训练营数": lambda row: row.camps,
        **_ALL_FIGURES,
        "审核笔数": lambda row: row.reviews.done,
        "拒绝笔数": lambda row: row.reviews.rejected,
        "平均审核用时（小时）": lambda row: None if (hours := row.reviews.mean_hours) is None else round(hours, 1),
        "教练ID": lambda row: Ident(str(row.staff.id)),
    },
)


def _range(wanted: Range) -> list[Fact]:
    return [
        ("开始日期", wanted.first, "训练营按开营日期归入时间范围"),
        ("结束日期", wanted.last, ""),
    ]


def camp_report(report: Report, camps: Sequence[CampFigures]) -> list[Sheet[Any]]:
    """The overview with its formulas, and one row per camp. A camp's row includes all its money."""
    facts = [(name, read(report.overview), _NOTES.get(name, "")) for name, read in _FIGURES.items()]
    return [
        Sheet(OVERVIEW, [*_range(report.range), ("训练营数", len(camps), "不含草稿"), *facts]),
        Sheet(CAMPS, camps),
    ]


def coach_report(wanted: Range, coaches: Sequence[Coach]) -> list[Sheet[Any]]:
    """The range, and one row per coach."""
    return [Sheet(OVERVIEW, [*_range(wanted), ("教练数", len(coaches), "")]), Sheet(COACHES, coaches)]
