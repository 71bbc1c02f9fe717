"""What holds for each deal, camp and member: 10 000 of them, the same ones each time."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backend.community.eligibility.days import Calendar, tally_at_worst, tally_of_total
from backend.community.eligibility.payouts import All
from backend.community.eligibility.policy import Policy, parse, problems, read, threshold
from backend.community.eligibility.preview import amounts, cliff, warnings
from backend.community.eligibility.rules import Assessment, assess
from backend.community.eligibility.terms import yuan
from backend.community.eligibility.words import describe
from backend.models.grants import GrantKind
from backend.models.members import Standing, Verdict
from tests.community.eligibility.generated import Deal, Member, courses, deals
from tests.community.eligibility.world import facts

pytestmark = pytest.mark.slow


def examples(number: int) -> settings:
    """No deadline and no database: nothing depends on the machine or on earlier runs."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=number, deadline=None, database=None, derandomize=True, suppress_health_check=slow)


def over(deal: Deal, member: Member, policy: Policy | None = None) -> Assessment:
    return assess(policy or deal.policy, facts(deal.calendar, deal.paid_fen, posts=member.days, grants=member.grants))


@examples(4000)
@given(courses)
def test_amounts_lie_between_nothing_and_the_deposit_and_grow_with_days(course: tuple[Deal, Member]) -> None:
    deal, member = course
    deposit = deal.paid_fen - deal.policy.fee_fen
    amount = deal.pays(member.days, member.grants)
    assert 0 <= amount <= deposit
    assert amount <= deal.pays(member.days | {member.more}, member.grants)
    found = over(deal, member)
    verdicts = {deposit: Verdict.ELIGIBLE, 0: Verdict.NOT_ELIGIBLE}
    assert (found.entitled_fen, found.verdict) == (amount, verdicts.get(amount, Verdict.PARTIAL))
    assert yuan(amount) in found.breakdown["line"]
    # A mere number of days bounds what their dates pay.
    counting, number = deal.policy.counting, len(member.days)
    worst = tally_at_worst(counting, deal.calendar, number, member.grants)
    best = tally_of_total(counting, deal.calendar, number, member.grants, assumed=True)
    assert deal.policy.pays(worst, deal.terms) <= amount <= deal.policy.pays(best, deal.terms)


@examples(1500)
@given(courses)
def test_a_grant_never_pays_less(course: tuple[Deal, Member]) -> None:
    deal, member = course
    without = {day: kind for day, kind in member.grants.items() if day != member.more}
    amount = deal.pays(member.days, without)
    for kind in GrantKind:
        assert deal.pays(member.days, without | {member.more: kind}) >= amount


@examples(2000)
@given(courses)
def test_a_promise_is_kept(course: tuple[Deal, Member]) -> None:
    """``member.days`` are those of the end; while the camp runs only those up to today are known."""
    deal, member = course
    so_far = frozenset(day for day in member.days if day <= member.today)

    def running(days: frozenset[Any], **known: Any) -> Assessment:
        given = {"posts": days, "grants": member.grants, "open_from": member.today} | known
        return assess(deal.policy, facts(deal.calendar, deal.paid_fen, **given))

    now, end = running(so_far), over(deal, member)
    assert now.verdict is None
    assert now.entitled_fen == deal.pays(so_far, member.grants)
    assert now.entitled_fen <= running(so_far | {member.more}).entitled_fen
    assert now.entitled_fen <= end.entitled_fen <= now.breakdown["most_fen"]
    if now.standing is Standing.REACHED:
        assert end.verdict is Verdict.ELIGIBLE
    if now.standing is Standing.OUT_OF_REACH:
        assert end.verdict is not Verdict.ELIGIBLE
    by_number = running(so_far, posts=None, ranking=len(so_far))
    assert by_number.entitled_fen <= now.entitled_fen
    if by_number.standing is Standing.OUT_OF_REACH:
        assert end.verdict is not Verdict.ELIGIBLE


@examples(500)
@given(courses)
def test_version_1_is_judged_as_its_form_in_version_2(course: tuple[Deal, Member]) -> None:
    deal, member = course
    required = (member.more - deal.calendar.starts_on).days + 1
    old = parse({"kind": "threshold", "required_days": required})
    new = parse(threshold(required).dump())
    assert over(deal, member, old) == over(deal, member, new)
    plain = Member(member.days, {}, member.more, member.today)
    assert over(deal, plain, old).entitled_fen == (deal.paid_fen if len(member.days) >= required else 0)


@examples(500)
@given(deals)
def test_a_deal_fits_its_camp_and_survives_being_stored(deal: Deal) -> None:
    assert parse(deal.policy.dump()) == read(deal.policy.dump()) == deal.policy
    assert deal.pays(frozenset(deal.calendar)) == deal.paid_fen - deal.policy.fee_fen


@examples(1000)
@given(deals)
def test_words_agree_with_amounts(deal: Deal) -> None:
    words = describe(deal.policy, deal.calendar, paid_fen=deal.paid_fen)
    assert [number for number in numbers(deal.policy) if not mentions(words.short, number)] == []
    paid = {step.amount_fen for step in amounts(deal.policy, deal.calendar, deal.paid_fen)}
    for example in words.examples:
        assert example.text.endswith(f"退 {yuan(example.amount_fen)}")
        assert example.amount_fen in paid | {0}
    assert words.examples[0].amount_fen == deal.terms.deposit_fen
    assert yuan(deal.terms.deposit_fen) in "\n".join(words.full)


def numbers(policy: Policy) -> Iterator[str]:
    """Every number of the deal that the short text has to name, as it is written there."""
    dumped = policy.dump()
    for piece in (*dumped["conditions"], dumped["payout"]):
        for name, value in piece.items():
            if (name in ("days", "full_at") and value) or (name == "min" and value > 1):
                yield str(value)
            elif name == "deduct_fen" or (name == "step_fen" and value > 1 and len(piece.get("tiers", "12")) > 1):
                yield yuan(value)
            elif name == "dates":
                yield from (f"{int(day[5:7])}月{int(day[8:])}日" for day in value)
            elif name == "tiers":
                yield from (str(row["from_day"]) for row in value)
                yield from (f"{row['percent']}%" for row in value[:-1])
    if policy.fee_fen:
        yield yuan(policy.fee_fen)


def mentions(text: str, number: str) -> bool:
    """As a whole: 5 isn't found in 15."""
    return re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", text) is not None


@examples(500)
@given(courses)
def test_the_cliff_is_the_most_that_one_missed_day_costs(course: tuple[Deal, Member]) -> None:
    deal, member = course
    found = cliff(deal.policy, deal.calendar, deal.paid_fen)
    assert 0 <= found.fen <= deal.terms.deposit_fen
    assert found.percent_of_deposit == found.fen * 100 // deal.terms.deposit_fen
    # Without dates, leaves and bonus the numbers of days tell all there is.
    assume(not deal.policy.needs_dates)
    lost = deal.pays(member.days | {member.more}) - deal.pays(member.days - {member.more})
    assert lost <= found.fen
    if isinstance(deal.policy.payout, All):
        assert found.percent_of_deposit == 100


@examples(300)
@given(courses, st.integers(0, 40), st.integers(-3, 20))
def test_a_draft_that_does_not_fit_its_camp_breaks_nothing(
    course: tuple[Deal, Member], length: int, later: int
) -> None:
    """While an organiser moves the dates, the deal is still the one for the old ones."""
    deal, member = course
    starts_on = deal.calendar.starts_on + dt.timedelta(days=later)
    other = Calendar(starts_on, starts_on + dt.timedelta(days=length - 1))
    deposit = deal.terms.deposit_fen
    problems(deal.policy, other, paid_fen=deal.paid_fen)
    assert describe(deal.policy, other, paid_fen=deal.paid_fen).examples
    assert 0 <= cliff(deal.policy, other, deal.paid_fen).fen <= deposit
    warnings(deal.policy, other, deal.paid_fen)
    for sources in ({"posts": member.days}, {"ranking": len(member.days)}, {"sheet": 3}, {}):
        for open_from in (None, member.today):
            found = assess(
                deal.policy,
                facts(other, deal.paid_fen, grants=member.grants, open_from=open_from, **sources),
            )
            assert 0 <= found.entitled_fen <= deposit
