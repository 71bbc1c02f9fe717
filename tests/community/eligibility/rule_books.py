"""The twenty rule books (fair-deal, last table): a deal as data, members' days, amounts worked out by hand."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.community.eligibility.days import Calendar
from backend.models.grants import GrantKind

# A Monday, so that weekdays and 7-day blocks are easy to follow.
FIRST = dt.date(2026, 3, 2)
MAKEUP, COACH, LEAVE, AMNESTY = GrantKind.MAKEUP, GrantKind.COACH, GrantKind.LEAVE, GrantKind.AMNESTY


@dataclass(frozen=True)
class Case:
    """A member: numbers of days with a check-in (from 1), granted days, and what comes back in fen."""

    name: str
    days: frozenset[int]
    amount_fen: int
    grants: Mapping[int, GrantKind] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleBook:
    """``words``: what the description of the deal has to say."""

    number: int
    title: str
    length: int
    paid_fen: int
    policy: Mapping[str, Any]
    words: tuple[str, ...]
    cases: tuple[Case, ...]

    @property
    def calendar(self) -> Calendar:
        return Calendar(FIRST, FIRST + dt.timedelta(days=self.length - 1))


def date(number: int) -> dt.date:
    """Day 1 is the first."""
    return FIRST + dt.timedelta(days=number - 1)


def dates(numbers: Iterable[int]) -> frozenset[dt.date]:
    return frozenset(date(number) for number in numbers)


def upto(last: int, first: int = 1) -> frozenset[int]:
    return frozenset(range(first, last + 1))


def case(name: str, days: Iterable[int], amount_fen: int, grants: Mapping[int, GrantKind] | None = None) -> Case:
    return Case(name, frozenset(days), amount_fen, grants or {})


def deal(*conditions: Mapping[str, Any], payout: Mapping[str, Any] | None = None, **others: Any) -> dict[str, Any]:
    return {"version": 2, "conditions": list(conditions), "payout": payout or {"kind": "all"}, **others}


def at_least(days: int) -> dict[str, Any]:
    return {"kind": "days_at_least", "days": days}


RULE_BOOKS = (
    RuleBook(
        1,
        "21 days, 15 needed, all or nothing",
        21,
        9_900,
        {"kind": "threshold", "required_days": 15},
        ("21 天", "满 15 天", "全额退还", "¥99"),
        (
            case("every day", upto(21), 9_900),
            case("just enough", upto(15), 9_900),
            case("just enough, at the end", upto(21, 7), 9_900),
            case("one short", upto(14), 0),
            case("never", (), 0),
        ),
    ),
    RuleBook(
        2,
        "10 days, 7 needed",
        10,
        5_000,
        deal(at_least(7)),
        ("10 天", "满 7 天", "¥50"),
        (
            case("every day", upto(10), 5_000),
            case("seven, scattered", (1, 2, 4, 5, 7, 9, 10), 5_000),
            case("six", (1, 2, 4, 5, 7, 9), 0),
            case("three", (8, 9, 10), 0),
        ),
    ),
    RuleBook(
        3,
        "21 days, 80 % needed",
        21,
        10_000,
        deal(at_least(17)),
        ("21 天", "满 17 天", "¥100"),
        (
            case("every day", upto(21), 10_000),
            case("80.95 %", upto(17), 10_000),
            case("76.19 %", upto(16), 0),
            case("gave up after a week", upto(7), 0),
        ),
    ),
    RuleBook(
        4,
        "28 days, a third miss in a week ends it",
        28,
        19_900,
        deal({"kind": "every_week_at_least", "days": 5}),
        ("28 天", "每 7 天至少打卡 5 天", "¥199"),
        (
            case("two misses each week", upto(28) - {6, 7, 13, 14, 20, 21, 27, 28}, 19_900),
            case("four misses in a row, two on each side", upto(28) - {6, 7, 8, 9}, 19_900),
            case("three misses in the second week only", upto(28) - {8, 10, 12}, 0),
            case("nothing in the last week", upto(21), 0),
            case("three misses, the platform was down on one", upto(28) - {8, 10, 12}, 19_900, {12: AMNESTY}),
        ),
    ),
    RuleBook(
        5,
        "30 days, a thirtieth for each",
        30,
        10_000,
        deal(payout={"kind": "pro_rata", "min": 0, "full_at": 30, "step_fen": 1}),
        ("30 天", "30 分之一", "满 30 天全退", "¥100"),
        (
            case("every day", upto(30), 10_000),
            case("one missed", upto(29), 9_666),  # 10000 × 29/30 = 9666.67
            case("half", upto(30, 16), 5_000),
            case("one", {17}, 333),  # 333.33
            case("never", (), 0),
        ),
    ),
    RuleBook(
        6,
        "30 days, nothing below 60 %, all from 90 %, by days between",
        30,
        29_900,
        deal(payout={"kind": "pro_rata", "min": 18, "full_at": 27, "step_fen": 10}),
        ("满 18 天起", "27 分之一", "¥0.10", "满 27 天全退", "¥299"),
        (
            case("90 %", upto(27), 29_900),
            case("one below", upto(26), 28_790),  # 29900 × 26/27 = 28792.59
            case("twenty", upto(20), 22_140),  # 22148.15
            case("60 %", upto(18), 19_930),  # 19933.33
            case("below 60 %", upto(17), 0),
        ),
    ),
    RuleBook(
        7,
        "7 days: no miss 100 %, one miss 40 %",
        7,
        9_900,
        deal(payout={"kind": "tiers", "tiers": [[6, 40], [7, 100]]}),
        ("7 天", "满 6 天退 40%", "满 7 天全退"),
        (
            case("no miss", upto(7), 9_900),
            case("one miss", upto(7) - {3}, 3_960),  # 9900 × 40 %
            case("two misses", upto(5), 0),
            case("never", (), 0),
        ),
    ),
    RuleBook(
        8,
        "100 yuan, 20 of them a service fee",
        21,
        10_000,
        deal(at_least(17), fee_fen=2_000),
        ("满 17 天", "服务费 ¥20", "押金 ¥80"),
        (
            case("every day", upto(21), 8_000),
            case("just enough", upto(17), 8_000),
            case("one short", upto(16), 0),
            case("never", (), 0),
        ),
    ),
    RuleBook(
        9,
        "30 days, all needed, one leave if asked for the day before",
        30,
        19_900,
        deal(at_least(30), counting={"leave_total": 1, "leave_until": "-1 20:00"}),
        ("满 30 天", "可请假 1 次", "前一天 20:00"),
        (
            case("every day", upto(30), 19_900),
            case("one missed with leave", upto(30) - {12}, 19_900, {12: LEAVE}),
            case("one missed without", upto(30) - {12}, 0),
            case("two missed, leave for one", upto(28), 0, {30: LEAVE}),
            case("on leave and came all the same", upto(30), 19_900, {12: LEAVE}),
        ),
    ),
    RuleBook(
        10,
        "40 days, never two misses in a row",
        40,
        20_000,
        deal({"kind": "no_gap_over", "days": 1}),
        ("40 天", "连续缺卡不超过 1 天", "¥200"),
        (
            case("every second day", range(2, 41, 2), 20_000),
            case("one miss", upto(40) - {20}, 20_000),
            case("two in a row", upto(40) - {20, 21}, 0),
            case("the last two", upto(38), 0),
            case("two in a row, the platform was down on one", upto(40) - {20, 21}, 20_000, {21: AMNESTY}),
        ),
    ),
    RuleBook(
        11,
        "5 weeks without Sundays, all other days",
        35,
        30_000,
        deal(at_least(30), counting={"rest_weekdays": [7]}),
        ("35 天", "30 天计入打卡", "每周日", "满 30 天"),
        (
            case("all but Sundays", upto(35) - {7, 14, 21, 28, 35}, 30_000),
            case("Sundays as well", upto(35), 30_000),
            case("a Sunday for a Saturday", upto(35) - {6, 14, 21, 28, 35}, 0),
            case("Sundays only", (7, 14, 21, 28, 35), 0),
        ),
    ),
    RuleBook(
        12,
        "the first week doesn't count, then 20 of 24 days",
        31,
        15_000,
        deal(at_least(20), counting={"warmup_days": 7}),
        ("31 天", "24 天计入打卡", "前 7 天是热身", "满 20 天"),
        (
            case("every day", upto(31), 15_000),
            case("never in the first week", upto(27, 8), 15_000),
            case("nineteen after a full first week", upto(26), 0),
            case("first week only", upto(7), 0),
        ),
    ),
    RuleBook(
        13,
        "first and last day are musts, and 18 of 21",
        21,
        9_900,
        deal({"kind": "must_days", "dates": ["2026-03-02", "2026-03-22"]}, at_least(18)),
        ("3月2日、3月22日必须打卡", "满 18 天"),
        (
            case("every day", upto(21), 9_900),
            case("eighteen with both", upto(17) | {21}, 9_900),
            case("twenty without the last", upto(20), 0),
            case("twenty without the first", upto(21, 2), 0),
            case("seventeen with both", upto(16) | {21}, 0),
        ),
    ),
    RuleBook(
        14,
        "100 days, 70 needed, no gap over 6 days",
        100,
        50_000,
        deal(at_least(70), {"kind": "no_gap_over", "days": 6}),
        ("100 天", "满 70 天", "连续缺卡不超过 6 天", "¥500"),
        (
            case("three misses in each ten", (n for n in upto(100) if n % 10 not in (0, 1, 2)), 50_000),
            case("69 days without a long gap", (n for n in upto(98) if n % 10 not in (0, 1, 2)), 0),
            case("six missed at the end", upto(94), 50_000),
            case("seven missed at the end", upto(93), 0),
        ),
    ),
    RuleBook(
        15,
        "21 of 21, three make-ups within two days",
        21,
        9_900,
        deal(at_least(21), counting={"makeup_total": 3, "makeup_within_days": 2}),
        ("满 21 天", "之后 2 天内补卡", "最多 3 次"),
        (
            case("every day", upto(21), 9_900),
            case("three made up", upto(18), 9_900, {19: MAKEUP, 20: MAKEUP, 21: MAKEUP}),
            case("two of three made up", upto(18), 0, {19: MAKEUP, 20: MAKEUP}),
            case("four missed, three made up", upto(17), 0, {18: MAKEUP, 19: MAKEUP, 20: MAKEUP}),
        ),
    ),
    RuleBook(
        16,
        "giving a talk excuses three days",
        21,
        9_900,
        deal(at_least(18)),
        ("满 18 天",),
        (
            case("fifteen and a talk", upto(15), 9_900, {16: COACH, 17: COACH, 18: COACH}),
            case("fourteen and a talk", upto(14), 0, {16: COACH, 17: COACH, 18: COACH}),
            case("fifteen without a talk", upto(15), 0),
            case("a talk on days that were checked", upto(17), 0, {3: COACH, 4: COACH, 5: COACH}),
        ),
    ),
    RuleBook(
        17,
        "21 days, 18 needed, up to three leaves lower the target",
        21,
        9_900,
        deal(at_least(18), counting={"leave_total": 3}),
        ("满 18 天", "可请假 3 次", "要求的天数少一天"),
        (
            case("eighteen", upto(18), 9_900),
            case("fifteen, three leaves", upto(15), 9_900, {19: LEAVE, 20: LEAVE, 21: LEAVE}),  # 18 − 3
            case("fourteen, three leaves", upto(14), 0, {19: LEAVE, 20: LEAVE, 21: LEAVE}),
            case("seventeen, one leave", upto(17), 9_900, {21: LEAVE}),
            case("seventeen, no leave", upto(17), 0),
        ),
    ),
    RuleBook(
        18,
        "200 yuan, 10 yuan less for each missed day",
        21,
        20_000,
        deal(payout={"kind": "per_miss", "deduct_fen": 1_000}),
        ("每缺一天扣 ¥10", "押金 ¥200"),
        (
            case("no miss", upto(21), 20_000),
            case("one miss", upto(20), 19_000),
            case("sixteen misses", upto(5), 4_000),  # 200 − 160
            case("twenty misses", {1}, 0),
            case("more misses than money", (), 0),  # max(0, 200 − 210)
        ),
    ),
)

# Why the last two can't be written as data, on purpose.
INEXPRESSIBLE = {
    19: "Groups win or lose together: a member's money would hang on what others do, and no fact of theirs says so.",
    20: "Who finishes shares what the others lost: money from losers to winners is gambling, and more than was paid.",
}
