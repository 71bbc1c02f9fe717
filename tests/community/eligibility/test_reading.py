"""Deals as written and as stored: what is read, what is refused and at which field, what a camp can't offer."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.community.eligibility.conditions import CONDITIONS
from backend.community.eligibility.payouts import PAYOUTS
from backend.community.eligibility.policy import (
    Policy,
    PolicyRefused,
    UnknownPolicy,
    kinds,
    parse,
    problems,
    read,
    threshold,
)
from tests.community.eligibility.rule_books import at_least, deal
from tests.community.eligibility.world import PAID, camp, policy

NAN, HUGE = float("nan"), 10**5000


def nested(depth: int) -> dict[str, Any]:
    """Deeper than Python's own stack."""
    outer: dict[str, Any] = {}
    inner = outer
    for _ in range(depth):
        inner["kind"] = {}
        inner = inner["kind"]
    return outer


def refused(written: Any) -> dict[str, str]:
    with pytest.raises(PolicyRefused) as caught:
        read(written)
    assert caught.value.problems
    with pytest.raises(UnknownPolicy):
        parse(written)
    return caught.value.problems


@pytest.mark.parametrize(
    ("written", "field"),
    [
        (None, "policy"),
        ([], "policy"),
        ("threshold", "policy"),
        (2, "policy"),
        ({}, "version"),
        ({"version": "2"}, "version"),
        ({"version": True}, "version"),
        ({"version": 2.0}, "version"),
        ({"version": 3}, "version"),
        ({"version": 1, "kind": "threshold", "required_days": 15}, "version"),
        ({"version": None}, "version"),
        ({"version": [2]}, "version"),
        ({"kind": "pro_rata"}, "version"),
        ({"kind": ["threshold"]}, "version"),
        ({"kind": "threshold"}, "required_days"),
        ({"kind": "threshold", "required_days": 0}, "required_days"),
        ({"kind": "threshold", "required_days": True}, "required_days"),
        ({"kind": "threshold", "required_days": 15.0}, "required_days"),
        ({"kind": "threshold", "required_days": "15"}, "required_days"),
        ({"kind": "threshold", "required_days": 1001}, "required_days"),
        ({"kind": "threshold", "required_days": HUGE}, "required_days"),
        ({"kind": "threshold", "required_days": 15, "fee_fen": 100}, "fee_fen"),
        ({"version": 2}, "payout.kind"),
        (nested(100_000), "version"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, str) else "",
)
def test_what_is_no_deal_is_refused(written: Any, field: str) -> None:
    assert field in refused(written)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"payout": None}, "payout.kind"),
        ({"payout": []}, "payout.kind"),
        ({"payout": "all"}, "payout.kind"),
        ({"payout": {}}, "payout.kind"),
        ({"payout": {"kind": "lottery"}}, "payout.kind"),
        ({"payout": {"kind": ["all"]}}, "payout.kind"),
        ({"payout": {"kind": None}}, "payout.kind"),
        ({"payout": {"kind": "all", "min": 3}}, "payout.min"),
        ({"payout": {"kind": "pro_rata", "min": 3}}, "payout.full_at"),
        ({"payout": {"kind": "pro_rata", "min": 3, "full_at": True}}, "payout.full_at"),
        ({"payout": {"kind": "pro_rata", "min": 3, "full_at": 9.0}}, "payout.full_at"),
        ({"payout": {"kind": "pro_rata", "min": NAN, "full_at": 9}}, "payout.min"),
        ({"payout": {"kind": "pro_rata", "min": -1, "full_at": 9}}, "payout.min"),
        ({"payout": {"kind": "pro_rata", "min": 1, "full_at": HUGE}}, "payout.full_at"),
        ({"payout": {"kind": "pro_rata", "min": 1, "full_at": 9, "step_fen": 5}}, "payout.step_fen"),
        ({"payout": {"kind": "pro_rata", "min": 1, "full_at": 9, "step_fen": True}}, "payout.step_fen"),
        ({"payout": {"kind": "pro_rata", "min": 1, "full_at": 9, "step_fen": 10.0}}, "payout.step_fen"),
        ({"payout": {"kind": "pro_rata", "min": 1, "full_at": 9, "step_fen": {}}}, "payout.step_fen"),
        ({"payout": {"kind": "tiers"}}, "payout.tiers"),
        ({"payout": {"kind": "tiers", "tiers": []}}, "payout.tiers"),
        ({"payout": {"kind": "tiers", "tiers": None}}, "payout.tiers"),
        ({"payout": {"kind": "tiers", "tiers": [[1, 100]] * 11}}, "payout.tiers"),
        ({"payout": {"kind": "tiers", "tiers": [6]}}, "payout.tiers.0"),
        ({"payout": {"kind": "tiers", "tiers": [[6, 40, 1]]}}, "payout.tiers.0"),
        ({"payout": {"kind": "tiers", "tiers": [[6, 40], [True, 100]]}}, "payout.tiers.1.from_day"),
        ({"payout": {"kind": "tiers", "tiers": [[6, 101]]}}, "payout.tiers.0.percent"),
        ({"payout": {"kind": "tiers", "tiers": [[0, 100]]}}, "payout.tiers.0.from_day"),
        ({"payout": {"kind": "per_miss", "deduct_fen": 0}}, "payout.deduct_fen"),
        ({"payout": {"kind": "per_miss", "deduct_fen": 0.5}}, "payout.deduct_fen"),
        ({"counting": []}, "counting"),
        ({"counting": None}, "counting"),
        ({"counting": "usual"}, "counting"),
        ({"counting": {"weekends": True}}, "counting.weekends"),
        ({"counting": {"rest_weekdays": 7}}, "counting.rest_weekdays"),
        ({"counting": {"rest_weekdays": [0]}}, "counting.rest_weekdays.0"),
        ({"counting": {"rest_weekdays": [True]}}, "counting.rest_weekdays.0"),
        ({"counting": {"rest_weekdays": [1, 2, 3, 4, 5, 6, 7]}}, "counting.rest_weekdays"),
        ({"counting": {"rest_dates": ["2026-02-30"]}}, "counting.rest_dates.0"),
        ({"counting": {"rest_dates": ["20260302"]}}, "counting.rest_dates.0"),
        ({"counting": {"rest_dates": ["2026-03-02T00:00:00"]}}, "counting.rest_dates.0"),
        ({"counting": {"rest_dates": [1_772_409_600]}}, "counting.rest_dates.0"),
        ({"counting": {"rest_dates": [None]}}, "counting.rest_dates.0"),
        ({"counting": {"rest_dates": ["2026-03-02"] * 61}}, "counting.rest_dates"),
        ({"counting": {"warmup_days": 8}}, "counting.warmup_days"),
        ({"counting": {"bonus_days": 1}}, "counting.bonus_days"),
        ({"counting": {"leave_total": 11}}, "counting.leave_total"),
        ({"counting": {"leave_until": "24:00"}}, "counting.leave_until"),
        ({"counting": {"leave_until": "-2 12:00"}}, "counting.leave_until"),
        ({"counting": {"leave_until": 12}}, "counting.leave_until"),
        ({"counting": {"leave_means": "nothing"}}, "counting.leave_means"),
        ({"counting": {"makeup_within_days": 0}}, "counting.makeup_within_days"),
        ({"conditions": None}, "conditions"),
        ({"conditions": {}}, "conditions"),
        ({"conditions": "all"}, "conditions"),
        ({"conditions": [1]}, "conditions.0.kind"),
        ({"conditions": [[]]}, "conditions.0.kind"),
        ({"conditions": [None]}, "conditions.0.kind"),
        ({"conditions": [at_least(1)] * 9}, "conditions"),
        ({"conditions": [at_least(1), at_least(2)]}, "conditions"),
        ({"conditions": [{"kind": "days_at_least"}]}, "conditions.0.days"),
        ({"conditions": [{"kind": "days_at_least", "days": "7"}]}, "conditions.0.days"),
        ({"conditions": [{"kind": "days_at_least", "days": NAN}]}, "conditions.0.days"),
        ({"conditions": [{"kind": "days_at_least", "days": float("inf")}]}, "conditions.0.days"),
        ({"conditions": [{"kind": "days_at_least", "days": -HUGE}]}, "conditions.0.days"),
        ({"conditions": [{"kind": "days_at_least", "days": nested(100_000)}]}, "conditions.0.days"),
        ({"conditions": [at_least(1), {"kind": "every_week_at_least", "days": 8}]}, "conditions.1.days"),
        ({"conditions": [{"kind": "no_gap_over", "days": -1}]}, "conditions.0.days"),
        ({"conditions": [{"kind": "must_days", "dates": []}]}, "conditions.0.dates"),
        ({"conditions": [{"kind": "must_days", "dates": "2026-03-02"}]}, "conditions.0.dates"),
        ({"conditions": [{"kind": "must_days", "dates": ["2026-03-02"] * 11}]}, "conditions.0.dates"),
        ({"fee_fen": -1}, "fee_fen"),
        ({"fee_fen": True}, "fee_fen"),
        ({"fee_fen": 20.0}, "fee_fen"),
        ({"fee_fen": None}, "fee_fen"),
        ({"fee_fen": HUGE}, "fee_fen"),
        ({"prize_fen": 100}, "prize_fen"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_piece_that_cannot_be_read_is_refused_at_its_field(changes: dict[str, Any], field: str) -> None:
    assert field in refused(deal(at_least(7)) | changes)


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = refused(deal({"kind": "nothing"}, payout={"kind": "per_miss"}, fee_fen=-1, counting=3, more=1))
    assert set(found) == {"conditions.0.kind", "payout.deduct_fen", "fee_fen", "counting", "more"}


def test_what_is_no_json_is_no_stored_deal() -> None:
    for stored in ({"version": {1, 2}}, {"version": dt.date(2026, 3, 2)}, {1: 2, "a": 3}):
        with pytest.raises(UnknownPolicy):
            parse(stored)  # type: ignore[arg-type] # not JSON on purpose


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "version", "days", "dates", "tiers", "min", "full_at", "rest_dates", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=1000, deadline=None, database=None, derandomize=True)
@given(
    st.fixed_dictionaries(
        {"version": st.sampled_from([2, 2, 2, 1, "2", True]) | JSON},
        optional={
            "kind": st.just("threshold") | JSON,
            "required_days": JSON,
            "counting": st.just({}) | JSON,
            "conditions": st.lists(
                st.fixed_dictionaries(
                    {"kind": st.sampled_from([kind.name() for kind in CONDITIONS])},
                    optional={"days": JSON, "dates": JSON},
                )
                | JSON,
                max_size=5,
            )
            | JSON,
            "payout": st.fixed_dictionaries(
                {"kind": st.sampled_from([kind.name() for kind in PAYOUTS])}, optional={"min": JSON, "tiers": JSON}
            )
            | JSON,
            "fee_fen": JSON,
        },
    )
    | JSON
)
@pytest.mark.slow
def test_any_json_is_a_deal_or_refused_with_fields(written: Any) -> None:
    found = outcome(written)
    if isinstance(found, Policy):
        assert parse(written) == found
        assert read(found.dump()) == found
    else:
        assert found
        assert all(isinstance(field, str) and text for field, text in found.items())
        with pytest.raises(UnknownPolicy):
            parse(written)


def outcome(written: Any) -> Policy | dict[str, str]:
    try:
        return read(written)
    except PolicyRefused as error:
        return error.problems


def test_version_1_is_all_or_nothing() -> None:
    assert read({"kind": "threshold", "required_days": 15}) == threshold(15) == policy(at_least(15))


def test_what_is_as_usual_is_not_stored() -> None:
    assert policy(at_least(7), counting={"warmup_days": 2, "leave_total": 0}).dump() == {
        "version": 2,
        "counting": {"warmup_days": 2},
        "conditions": [{"kind": "days_at_least", "days": 7}],
        "payout": {"kind": "all"},
        "fee_fen": 0,
    }


def test_what_is_stored_is_json() -> None:
    made = policy(
        {"kind": "must_days", "dates": ["2026-03-02"]}, payout={"kind": "tiers", "tiers": [[6, 40], [7, 100]]}
    )
    assert read(json.loads(json.dumps(made.dump()))) == made


def at(field: str, found: Policy, *, length: int = 21, paid_fen: int = PAID) -> str:
    """What is wrong with the field; nothing else may be."""
    wrong = problems(found, camp(length), paid_fen=paid_fen)
    assert list(wrong) == [field]
    return wrong[field]


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("conditions.0.days", policy(at_least(22))),
        ("conditions.0.days", policy({"kind": "no_gap_over", "days": 21})),
        ("conditions.1.dates", policy(at_least(1), {"kind": "must_days", "dates": ["2026-03-01"]})),
        ("conditions.1.dates", policy(at_least(1), {"kind": "must_days", "dates": ["2026-03-23"]})),
        ("conditions.1.dates", policy(at_least(1), {"kind": "must_days", "dates": ["2026-03-03", "2026-03-03"]})),
        (
            "conditions.0.dates",
            policy({"kind": "must_days", "dates": ["2026-03-08"]}, counting={"rest_weekdays": [7]}),
        ),
        ("conditions.0.dates", policy({"kind": "must_days", "dates": ["2026-03-02"]}, counting={"warmup_days": 1})),
        ("conditions.0.days", policy(at_least(19), counting={"rest_weekdays": [7]})),
        ("payout.full_at", policy(payout={"kind": "pro_rata", "min": 1, "full_at": 22})),
        ("payout.min", policy(payout={"kind": "pro_rata", "min": 10, "full_at": 9})),
        ("payout.tiers", policy(payout={"kind": "tiers", "tiers": [[6, 40]]})),
        ("payout.tiers", policy(payout={"kind": "tiers", "tiers": [[6, 40], [6, 100]]})),
        ("payout.tiers", policy(payout={"kind": "tiers", "tiers": [[6, 50], [7, 50], [8, 100]]})),
        ("payout.tiers", policy(payout={"kind": "tiers", "tiers": [[7, 40], [6, 100]]})),
        ("payout.tiers", policy(payout={"kind": "tiers", "tiers": [[6, 40], [22, 100]]})),
        ("payout.deduct_fen", policy(payout={"kind": "per_miss", "deduct_fen": PAID + 1})),
        ("payout.deduct_fen", policy(payout={"kind": "per_miss", "deduct_fen": PAID - 99}, fee_fen=100)),
        ("conditions", policy()),
        ("fee_fen", policy(at_least(7), fee_fen=PAID // 2 + 1)),
        ("counting", policy(at_least(7), counting={"rest_dates": [f"2026-03-{day:02d}" for day in range(2, 23)]})),
        ("counting.rest_dates", policy(at_least(7), counting={"rest_dates": ["2026-03-23"]})),
        ("counting.rest_dates", policy(at_least(7), counting={"rest_dates": ["2026-03-03", "2026-03-03"]})),
        ("counting.rest_weekdays", policy(at_least(7), counting={"rest_weekdays": [7, 7]})),
        # Contradictions between a condition and the payout.
        ("conditions.0.days", policy(at_least(10), payout={"kind": "pro_rata", "min": 1, "full_at": 9})),
        ("conditions.0.days", policy(at_least(10), payout={"kind": "tiers", "tiers": [[5, 40], [9, 100]]})),
        ("payout.min", policy(at_least(10), payout={"kind": "pro_rata", "min": 5, "full_at": 20})),
        ("payout.tiers", policy(at_least(10), payout={"kind": "tiers", "tiers": [[5, 40], [10, 60], [20, 100]]})),
    ],
)
def test_what_the_camp_cannot_offer_is_told_at_its_field(field: str, found: Policy) -> None:
    assert at(field, found)


@pytest.mark.parametrize(
    "found",
    [
        policy(at_least(21)),
        policy({"kind": "no_gap_over", "days": 20}),
        policy({"kind": "no_gap_over", "days": 0}),
        policy({"kind": "every_week_at_least", "days": 7}, counting={"rest_weekdays": [7], "warmup_days": 7}),
        policy({"kind": "must_days", "dates": ["2026-03-02", "2026-03-22"]}),
        policy(at_least(7), fee_fen=PAID // 2),
        policy(at_least(18), counting={"rest_weekdays": [7]}),
        policy(at_least(10), payout={"kind": "pro_rata", "min": 1, "full_at": 21}),
        policy(at_least(10), payout={"kind": "pro_rata", "min": 10, "full_at": 10}),
        policy(at_least(10), payout={"kind": "tiers", "tiers": [[5, 40], [11, 100]]}),
        policy(payout={"kind": "per_miss", "deduct_fen": PAID}),
        policy(payout={"kind": "tiers", "tiers": [[21, 100]]}),
    ],
)
def test_what_the_camp_can_offer_has_no_problem(found: Policy) -> None:
    assert problems(found, camp(21), paid_fen=PAID) == {}


def test_the_highest_fee_is_half_of_an_odd_payment_rounded_down() -> None:
    assert problems(policy(at_least(7), fee_fen=50), camp(), paid_fen=101) == {}
    assert at("fee_fen", policy(at_least(7), fee_fen=51), paid_fen=101)


def test_a_form_can_draw_each_kind() -> None:
    conditions, payouts = kinds()
    # A new kind adds to these and breaks nothing here.
    assert {form.kind for form in conditions} >= {"days_at_least", "every_week_at_least", "no_gap_over", "must_days"}
    assert [form.kind for form in payouts][:4] == ["all", "pro_rata", "tiers", "per_miss"]
    units = {field.name: field.unit for form in payouts for field in form.fields}
    wanted = {"min": "days", "full_at": "days", "step_fen": "step", "tiers": "tiers", "deduct_fen": "fen"}
    assert units.items() >= wanted.items()
    assert next(field.default for field in payouts[1].fields if field.name == "step_fen") == 1
    assert all(form.label != form.kind for form in (*conditions, *payouts))
