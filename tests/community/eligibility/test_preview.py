"""What an organiser sees: amounts by days, the cliff, templates that fit each camp, a rehearsal with real people."""

import datetime as dt
import time as stopwatch
from typing import Any

import pytest

from backend.community.eligibility.days import Calendar, Counting
from backend.community.eligibility.policy import Policy, problems
from backend.community.eligibility.preview import (
    Cliff,
    Named,
    Person,
    amounts,
    cliff,
    onto,
    recommended,
    run,
    spread,
    templates,
    warnings,
)
from tests.community.eligibility.rule_books import at_least, date, dates, upto
from tests.community.eligibility.world import camp, policy

PRO_RATA = {"kind": "pro_rata", "min": 6, "full_at": 9, "step_fen": 10}


def steps(found: Policy, length: int, paid_fen: int) -> list[int]:
    shown = amounts(found, camp(length), paid_fen)
    assert [step.days for step in shown] == list(range(len(shown)))
    return [step.amount_fen for step in shown]


class TestAmounts:
    def test_by_days(self) -> None:
        # 29900 · 6/9 = 19933.33, · 7/9 = 23255.56, · 8/9 = 26577.78.
        expected = [0, 0, 0, 0, 0, 0, 19_930, 23_250, 26_570, 29_900, 29_900]
        assert steps(policy(payout=PRO_RATA), 10, 29_900) == expected

    def test_of_days_that_count_after_the_fee(self) -> None:
        found = policy(payout={"kind": "per_miss", "deduct_fen": 100}, counting={"rest_weekdays": [7]}, fee_fen=1_000)
        assert steps(found, 7, 2_000) == [400, 500, 600, 700, 800, 900, 1_000]

    def test_on_the_best_dates(self) -> None:
        # Two weeks of five: with nine days there are no dates that would do.
        assert steps(policy({"kind": "every_week_at_least", "days": 5}), 14, 100) == [0] * 10 + [100] * 5
        assert steps(policy({"kind": "no_gap_over", "days": 1}), 5, 100) == [0, 0, 100, 100, 100, 100]


@pytest.mark.parametrize(
    ("found", "length", "paid_fen", "expected"),
    [
        (policy(at_least(15)), 21, 29_900, Cliff(29_900, 100, 15, 14)),
        (policy(payout=PRO_RATA), 10, 29_900, Cliff(19_930, 66, 6, 5)),
        (policy(payout={"kind": "tiers", "tiers": [[6, 40], [7, 100]]}), 7, 9_900, Cliff(5_940, 60, 7, 6)),
        (policy(payout={"kind": "per_miss", "deduct_fen": 1_000}), 21, 20_000, Cliff(1_000, 5, 21, 20)),
        (policy(at_least(15), fee_fen=2_000), 21, 10_000, Cliff(8_000, 100, 15, 14)),
        # By numbers alone a day costs ¥4.76 at most: it is the date that costs all.
        (
            policy(
                {"kind": "must_days", "dates": ["2026-03-10"]}, payout={"kind": "pro_rata", "min": 1, "full_at": 21}
            ),
            21,
            10_000,
            Cliff(10_000, 100, 21, 20),
        ),
        # One more miss in a gap of three: 17 of 20 days pay 85 %, 16 nothing.
        (
            policy({"kind": "no_gap_over", "days": 3}, payout={"kind": "pro_rata", "min": 1, "full_at": 20}),
            20,
            10_000,
            Cliff(8_500, 85, 17, 16),
        ),
        # A week of four: 15 of 21 days would be enough for half.
        (
            policy({"kind": "every_week_at_least", "days": 5}, payout={"kind": "tiers", "tiers": [[7, 50], [21, 100]]}),
            21,
            10_000,
            Cliff(5_000, 50, 21, 20),
        ),
    ],
)
def test_the_cliff(found: Policy, length: int, paid_fen: int, expected: Cliff) -> None:
    assert cliff(found, camp(length), paid_fen) == expected


class TestWarnings:
    def test_a_cliff_of_the_whole_deposit(self) -> None:
        ((code, text),) = warnings(policy(at_least(15)), camp(), 29_900)
        assert code == "cliff"
        for part in ("¥299", "打卡 15 天全退，14 天", "按天退", "60%", "90%"):
            assert part in text

    @pytest.mark.parametrize(("paid_fen", "fee_fen", "warned"), [(10_000, 0, 0), (10_001, 0, 1), (12_000, 2_000, 0)])
    def test_only_above_a_hundred_yuan_of_deposit(self, paid_fen: int, fee_fen: int, warned: int) -> None:
        assert len(warnings(policy(at_least(15), fee_fen=fee_fen), camp(), paid_fen)) == warned

    def test_not_when_a_part_comes_back(self) -> None:
        assert warnings(policy(payout=PRO_RATA), camp(10), 29_900) == []


class TestTemplates:
    def test_numbers_for_21_days(self) -> None:
        found = {template.label: template for template in templates(camp(), 29_900)}
        assert {label: template.policy for label, template in found.items()} == {
            "达标全退": policy(at_least(15)),  # 14.7
            "按天退": policy(payout={"kind": "pro_rata", "min": 13, "full_at": 19, "step_fen": 10}),  # 12.6, 18.9
            "阶梯": policy(payout={"kind": "tiers", "tiers": [[13, 50], [16, 75], [19, 100]]}),
            "每缺一天扣": policy(payout={"kind": "per_miss", "deduct_fen": 1_500}),  # 29900 / 21 = 1423.8
        }
        assert [label for label, template in found.items() if template.is_default] == ["达标全退"]
        assert [label for label, template in found.items() if template.is_recommended] == ["按天退"]
        assert recommended(camp(), 29_900) == found["按天退"].policy

    def test_the_rest_of_the_deal_is_kept(self) -> None:
        counting = Counting(rest_weekdays=(7,), leave_total=2)
        for template in templates(camp(35), 10_000, counting=counting, fee_fen=2_000):
            assert (template.policy.counting, template.policy.fee_fen) == (counting, 2_000)
        # 30 of 35 days count.
        assert recommended(camp(35), 10_000, counting=counting) == policy(
            payout={"kind": "pro_rata", "min": 18, "full_at": 27, "step_fen": 10},
            counting={"rest_weekdays": [7], "leave_total": 2},
        )

    @pytest.mark.parametrize("paid_fen", [1, 99, 100, 9_900, 99_999])
    @pytest.mark.parametrize("length", [1, 2, 3, 5, 7, 10, 21, 30, 100])
    def test_they_fit_each_camp(self, length: int, paid_fen: int) -> None:
        for template in templates(camp(length), paid_fen):
            assert problems(template.policy, camp(length), paid_fen=paid_fen) == {}
            shown = steps(template.policy, length, paid_fen)
            assert shown == sorted(shown)
            assert (shown[0], shown[-1]) == (0, paid_fen)

    def test_a_camp_without_days_that_count_or_money_breaks_nothing(self) -> None:
        assert templates(camp(3), 0)
        assert templates(camp(3), 9_900, counting=Counting(warmup_days=7))


class TestRun:
    def test_amounts_sums_and_examples(self) -> None:
        found = policy(payout=PRO_RATA, fee_fen=1_000)
        people = [
            Person("丁", dates(upto(5))),  # 0
            Person("甲", dates(upto(10))),  # 29900
            Person("戊", dates(())),  # 0
            Person("乙", dates(upto(9))),  # 29900
            Person("丙", dates(upto(10, 4))),  # 7 days: 23250
        ]
        outcome = run(found, camp(10), 30_900, people)
        assert (outcome.people, outcome.sum_fen, outcome.kept_fen, outcome.fee_fen) == (5, 83_050, 66_450, 5_000)
        assert outcome.sum_fen + outcome.kept_fen + outcome.fee_fen == 5 * 30_900
        assert outcome.by_amount == [(29_900, 2), (23_250, 1), (0, 2)]
        assert outcome.examples == (
            Named("best", "甲", 10, 29_900),
            Named("typical", "丙", 7, 23_250),
            Named("worst", "戊", 0, 0),
        )

    def test_dates_matter(self) -> None:
        people = [Person("甲", dates(upto(14) - {1, 2, 8, 9})), Person("乙", dates(upto(14) - {1, 2, 3}))]
        outcome = run(policy({"kind": "every_week_at_least", "days": 5}), camp(14), 9_900, people)
        assert outcome.by_amount == [(9_900, 1), (0, 1)]

    def test_nobody(self) -> None:
        outcome = run(policy(at_least(1)), camp(), 9_900, [])
        assert (outcome.people, outcome.sum_fen, outcome.by_amount, outcome.examples) == (0, 0, [], ())

    def test_one_person_is_all_examples(self) -> None:
        outcome = run(policy(at_least(1)), camp(), 9_900, [Person("甲", dates({1}))])
        assert {example.name for example in outcome.examples} == {"甲"}

    def test_a_thousand_people_take_a_tenth_of_a_second(self) -> None:
        """Measured 10–30 ms; the processor's time, so that others on the machine don't matter."""
        everything: dict[str, Any] = {"payout": PRO_RATA | {"full_at": 20}, "counting": {"rest_weekdays": [7]}}
        weekly, gaps = {"kind": "every_week_at_least", "days": 4}, {"kind": "no_gap_over", "days": 6}
        found = policy(weekly, gaps, at_least(6), **everything)
        people = spread(camp(30), 1_000)
        spent = min(_timed(found, people) for _ in range(3))
        assert spent < 0.1


def _timed(found: Policy, people: list[Person]) -> float:
    begun = stopwatch.process_time()
    run(found, camp(30), 29_900, people)
    return stopwatch.process_time() - begun


class TestOnto:
    later = Calendar(dt.date(2026, 6, 1), dt.date(2026, 6, 10))

    def test_as_long_by_number(self) -> None:
        assert onto(camp(10), dates({1, 4, 10}), self.later) == {dt.date(2026, 6, day) for day in (1, 4, 10)}

    def test_longer_by_position(self) -> None:
        # Ten days from five: each stands for two.
        assert onto(camp(5), dates({1, 5}), self.later) == {dt.date(2026, 6, day) for day in (1, 2, 9, 10)}

    def test_shorter_by_position(self) -> None:
        # Five days from ten: days 1, 3, 5, 7 and 9 stand for two each.
        five = Calendar(dt.date(2026, 6, 1), dt.date(2026, 6, 5))
        assert onto(camp(10), dates(upto(6)), five) == {dt.date(2026, 6, day) for day in (1, 2, 3)}

    @pytest.mark.parametrize(("length", "other"), [(21, 30), (30, 21), (7, 100), (100, 7), (1, 10), (10, 1)])
    def test_all_stays_all_and_nothing_stays_nothing(self, length: int, other: int) -> None:
        target = Calendar(date(200), date(199 + other))
        assert onto(camp(length), frozenset(camp(length)), target) == frozenset(target)
        assert onto(camp(length), frozenset(), target) == frozenset()

    def test_days_outside_the_finished_camp_are_dropped(self) -> None:
        assert onto(camp(10), dates({-3, 11, 12}), self.later) == frozenset()


class TestSpread:
    def test_it_is_the_same_each_time_and_inside_the_camp(self) -> None:
        people = spread(camp(), 40)
        assert people == spread(camp(), 40)
        assert len({person.name for person in people}) == 40
        assert all(person.days <= frozenset(camp()) for person in people)

    def test_it_is_plausible(self) -> None:
        counts = [len(person.days) for person in spread(camp(30), 1_000)]
        assert counts == sorted(counts, reverse=True)
        assert counts.count(30) == pytest.approx(240, abs=25)
        assert sum(count >= 21 for count in counts) == pytest.approx(660, abs=25)
        assert counts[-1] == 0

    @pytest.mark.parametrize("people", [0, 1, 2])
    def test_few(self, people: int) -> None:
        assert len(spread(camp(1), people)) == people
