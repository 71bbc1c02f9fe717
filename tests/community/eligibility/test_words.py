"""A deal in words: one sentence, the full text, and examples that show where the money is lost."""

import pytest

from backend.community.eligibility.policy import Policy
from backend.community.eligibility.words import describe, short
from tests.community.eligibility.rule_books import at_least
from tests.community.eligibility.world import PAID, camp, policy


def examples(found: Policy, length: int = 21) -> list[str]:
    return [example.text for example in describe(found, camp(length), paid_fen=PAID).examples]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (policy(at_least(15)), "21 天累计打卡满 15 天，全额退还"),
        (
            policy(at_least(15), fee_fen=990),
            "21 天累计打卡满 15 天，全额退还，另含服务费 ¥9.90 不退",
        ),
        (
            policy({"kind": "every_week_at_least", "days": 5}),
            "21 天，从第一天起每 7 天至少打卡 5 天，全额退还",
        ),
        (
            policy(at_least(15), {"kind": "no_gap_over", "days": 3}),
            "21 天累计打卡满 15 天，连续缺卡不超过 3 天，全额退还",
        ),
        (
            policy({"kind": "must_days", "dates": ["2026-03-22", "2026-03-02"]}, at_least(18)),
            "21 天，3月2日、3月22日必须打卡，累计打卡满 18 天，全额退还",
        ),
        (
            policy(payout={"kind": "pro_rata", "min": 0, "full_at": 21}),
            "21 天，按天退还，每天退 21 分之一，满 21 天全退",
        ),
        (
            policy(payout={"kind": "pro_rata", "min": 13, "full_at": 19, "step_fen": 100}),
            "21 天，打卡满 13 天起按天退还，每天退 19 分之一，向下取整到 ¥1，满 19 天全退",
        ),
        (
            policy(payout={"kind": "tiers", "tiers": [[13, 50], [19, 100]], "step_fen": 10}),
            "21 天，打卡满 13 天退 50%，满 19 天全退，向下取整到 ¥0.10",
        ),
        (policy(payout={"kind": "tiers", "tiers": [[19, 100]]}), "21 天，打卡满 19 天全退"),
        (policy(payout={"kind": "per_miss", "deduct_fen": 500}), "21 天，每缺一天扣 ¥5，余额退还"),
    ],
)
def test_one_sentence(found: Policy, text: str) -> None:
    assert short(found, camp(), paid_fen=PAID) == text
    assert describe(found, camp(), paid_fen=PAID).short == text


def test_weeks_that_need_fewer_days_are_named() -> None:
    weekly = {"kind": "every_week_at_least", "days": 5}
    assert "（不足 7 天的按比例：第 4 周 3 天）" in short(policy(weekly), camp(24), paid_fen=PAID)
    weekends = policy(weekly, counting={"rest_weekdays": [6, 7]})
    assert "（不足 7 天的按比例：第 1–3 周 4 天）" in short(weekends, camp(), paid_fen=PAID)


def test_the_full_text_says_what_counts() -> None:
    counting = {
        "rest_weekdays": [7, 6],
        "rest_dates": ["2026-03-11"],
        "warmup_days": 2,
        "leave_total": 3,
        "leave_per_week": 1,
        "makeup_total": 2,
        "makeup_within_days": 3,
    }
    found = policy({"kind": "must_days", "dates": ["2026-03-20"]}, at_least(10), counting=counting, fee_fen=900)
    assert describe(found, camp(), paid_fen=PAID).full == (
        "营期 21 天，其中 12 天计入打卡。",
        "同一天发多条只算一天，以北京时间 0 点到 24 点为一天。",
        "休息日：每周六、每周日、3月11日，不算缺卡，打卡不计天数。",
        "前 2 天是热身，不算缺卡，打卡不计天数。",
        "可请假 3 次，每 7 天最多 1 次，须在当天 12:00 前提出；每请一天，要求的天数少一天（最多减半）。",
        "缺卡可在之后 3 天内补卡，最多 2 次。",
        "3月20日必须打卡（请假不能代替），否则不退。",
        "累计打卡满 10 天，否则不退。",
        "押金 ¥90：全额退还。",
        "支付金额另含服务费 ¥9，开营后不退。",
    )


def test_the_full_text_of_days_off_that_count_and_leaves_that_do() -> None:
    counting = {"rest_weekdays": [7], "bonus_days": True, "leave_total": 1, "leave_means": "counts_as_day"}
    text = "\n".join(describe(policy(at_least(10), counting=counting), camp(), paid_fen=PAID).full)
    assert "打了卡也算天数" in text
    assert "按已打卡计算" in text


@pytest.mark.parametrize(
    ("found", "texts"),
    [
        (policy(at_least(15)), ["每天打卡，退 ¥99", "累计打卡 14 天，退 ¥0", "累计打卡 10 天，退 ¥0"]),
        (
            policy({"kind": "must_days", "dates": ["2026-03-02", "2026-03-22"]}, at_least(18)),
            ["每天打卡，退 ¥99", "3月22日缺卡，其余每天打卡，退 ¥0", "累计打卡 17 天，退 ¥0"],
        ),
        (
            policy({"kind": "every_week_at_least", "days": 5}),
            [
                "每天打卡，退 ¥99",
                "第 1 周只打卡 4 天，其余每天打卡，退 ¥0",
                "累计打卡 10 天，且满足日期要求，退 ¥0",
            ],
        ),
        (
            policy(payout={"kind": "per_miss", "deduct_fen": 500}),
            ["每天打卡，退 ¥99", "累计打卡 20 天，退 ¥94", "累计打卡 10 天，退 ¥44"],
        ),
        (
            # The first 14 of 21 days would leave a gap of 7: the example is about the number, not about the gap.
            policy({"kind": "no_gap_over", "days": 3}, payout={"kind": "pro_rata", "min": 1, "full_at": 15}),
            [
                "每天打卡，退 ¥99",
                "连续缺卡 4 天，其余每天打卡，退 ¥0",
                "累计打卡 14 天，且满足日期要求，退 ¥92.40",
            ],
        ),
    ],
)
def test_examples_show_where_the_money_is_lost(found: Policy, texts: list[str]) -> None:
    assert examples(found) == texts


def test_a_camp_of_one_day_has_examples() -> None:
    assert examples(policy(at_least(1)), length=1) == ["每天打卡，退 ¥99", "累计打卡 0 天，退 ¥0"]
