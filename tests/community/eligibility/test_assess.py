"""One member's verdict: sources compared on the amount, doubts, sheets, grants, and what is promised while it runs."""

import pytest

from backend.community.eligibility.policy import Policy, threshold
from backend.community.eligibility.rules import (
    REASON_TEXTS,
    Reason,
    assess,
    only_import_speaks,
    only_match_in_doubt,
)
from backend.models.grants import GrantKind
from backend.models.members import MatchStatus, Standing, Verdict
from tests.community.eligibility.rule_books import AMNESTY, COACH, FIRST, LEAVE, MAKEUP, at_least, date, dates, upto
from tests.community.eligibility.world import camp, facts, finished, granted, policy

APPEAL = GrantKind.APPEAL
FIFTEEN = threshold(15)
TENTHS = policy(payout={"kind": "pro_rata", "min": 5, "full_at": 10, "step_fen": 100})
WEEKLY = policy({"kind": "every_week_at_least", "days": 5})


class TestSourcesAreComparedOnTheAmount:
    def test_both_pay_all(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(15)), ranking=18))
        assert (found.verdict, found.entitled_fen, found.days) == (Verdict.ELIGIBLE, 9_900, 15)
        assert found.reasons == (Reason.ENOUGH_DAYS,)

    def test_both_pay_nothing(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(14)), ranking=3))
        assert (found.verdict, found.entitled_fen) == (Verdict.NOT_ELIGIBLE, 0)
        assert found.reasons == (Reason.DAYS_SHORT,)

    @pytest.mark.parametrize(("posts", "ranking"), [(14, 15), (15, 14)])
    def test_they_pay_differently(self, posts: int, ranking: int) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(posts)), ranking=ranking))
        assert (found.verdict, found.entitled_fen) == (Verdict.NEEDS_CONFIRMATION, 9_900)
        assert found.reasons[0] is Reason.SOURCES_DISAGREE
        assert "另一来源" in found.breakdown["line"]

    def test_one_day_matters_where_each_day_pays(self) -> None:
        # 9900 × 7/10 = 6930 → 6900; 9900 × 8/10 = 7920 → 7900.
        found = assess(TENTHS, facts(posts=dates(upto(7)), ranking=8))
        assert (found.verdict, found.entitled_fen) == (Verdict.NEEDS_CONFIRMATION, 7_900)
        assert found.reasons == (Reason.SOURCES_DISAGREE, Reason.PARTIAL_DAYS)

    def test_a_part(self) -> None:
        found = assess(TENTHS, facts(posts=dates(upto(7)), ranking=7))
        assert (found.verdict, found.entitled_fen) == (Verdict.PARTIAL, 6_900)
        assert found.reasons == (Reason.PARTIAL_DAYS,)

    def test_dates_of_the_posts_say_nothing_about_more_days_of_the_ranking(self) -> None:
        """Posts that vanished must cost nobody the deposit without a person looking."""
        days = upto(21) - {8, 10, 12}
        found = assess(WEEKLY, facts(posts=dates(days), ranking=21))
        assert (found.verdict, found.entitled_fen) == (Verdict.NEEDS_CONFIRMATION, 9_900)
        found = assess(WEEKLY, facts(posts=dates(days), ranking=len(days)))
        assert (found.verdict, found.entitled_fen) == (Verdict.NOT_ELIGIBLE, 0)

    def test_dates_of_the_posts_say_nothing_about_days_that_the_ranking_denies(self) -> None:
        gapless = policy({"kind": "no_gap_over", "days": 1})
        for deal in (WEEKLY, gapless):
            found = assess(deal, facts(posts=dates(upto(21)), ranking=0))
            assert (found.verdict, found.reasons[0]) == (Verdict.NEEDS_CONFIRMATION, Reason.SOURCES_DISAGREE)
            assert found.standing is not Standing.REACHED

    def test_a_sheet_without_dates_never_meets_a_condition_on_dates_in_a_batch(self) -> None:
        gapless = policy({"kind": "no_gap_over", "days": 1})
        found = assess(gapless, facts(ranking=None, sheet=12))
        assert Reason.DATES_UNKNOWN in found.reasons
        assert not only_import_speaks(found.reasons)

    def test_a_day_more_in_the_ranking_is_a_miss_less(self) -> None:
        deal = policy(payout={"kind": "per_miss", "deduct_fen": 100})
        found = assess(deal, facts(posts=dates(upto(19)), ranking=20))
        assert (found.verdict, found.entitled_fen) == (Verdict.NEEDS_CONFIRMATION, 9_800)
        found = assess(deal, facts(posts=dates(upto(19)), ranking=18))
        assert (found.verdict, found.entitled_fen) == (Verdict.NEEDS_CONFIRMATION, 9_700)

    def test_a_granted_day_counts_for_both(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(14)), ranking=14, grants=granted({20: APPEAL})))
        assert (found.verdict, found.days) == (Verdict.ELIGIBLE, 15)


class TestDoubts:
    def test_posts_incomplete(self) -> None:
        found = assess(FIFTEEN, facts(ranking=15))
        assert found.verdict is Verdict.NEEDS_CONFIRMATION
        assert found.reasons == (Reason.POSTS_INCOMPLETE, Reason.ENOUGH_DAYS)
        assert found.entitled_fen == 9_900

    @pytest.mark.parametrize(
        "deal",
        [
            WEEKLY,
            policy({"kind": "no_gap_over", "days": 2}),
            policy({"kind": "must_days", "dates": ["2026-03-02"]}),
            policy(at_least(16), counting={"rest_weekdays": [7]}),
            policy(at_least(14), counting={"warmup_days": 7}),
        ],
    )
    def test_a_deal_about_dates_without_dates(self, deal: Policy) -> None:
        found = assess(deal, facts(ranking=18))
        assert found.verdict is Verdict.NEEDS_CONFIRMATION
        assert found.reasons == (Reason.POSTS_INCOMPLETE, Reason.DATES_UNKNOWN, Reason.ENOUGH_DAYS)
        assert found.entitled_fen == 9_900
        assert found.standing is Standing.IN_PROGRESS

    def test_rest_days_that_count_need_no_dates(self) -> None:
        deal = policy(at_least(15), counting={"rest_weekdays": [7], "bonus_days": True})
        assert Reason.DATES_UNKNOWN not in assess(deal, facts(ranking=18)).reasons

    @pytest.mark.parametrize("ranking", [0, 5, 14])
    def test_too_few_days_for_any_dates_pay_nothing(self, ranking: int) -> None:
        assert assess(WEEKLY, facts(ranking=ranking)).entitled_fen == 0  # three weeks of five days

    @pytest.mark.parametrize("bonus", [True, False])
    def test_just_enough_days_for_some_dates_pay(self, bonus: bool) -> None:
        counting = {"rest_weekdays": [7], "bonus_days": bonus}
        deal = policy({"kind": "no_gap_over", "days": 1}, counting=counting)
        assert assess(deal, facts(ranking=9)).entitled_fen == 9_900  # every second one of 18
        assert assess(deal, facts(ranking=8)).entitled_fen == 0

    def test_an_amnesty_outside_the_camp_changes_nothing(self) -> None:
        assert finished(FIFTEEN, upto(14), {0: AMNESTY, 22: AMNESTY}).required_days == 15

    def test_nobody_counted_gets_nothing_out_of_a_condition_on_dates(self) -> None:
        found = assess(policy({"kind": "must_days", "dates": ["2026-03-02"]}), facts())
        assert (found.verdict, found.entitled_fen) == (Verdict.NEEDS_CONFIRMATION, 0)
        assert found.reasons == (Reason.NOT_COUNTED,)

    def test_a_match_below_100(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(15)), confidence=99))
        assert (found.verdict, found.entitled_fen) == (Verdict.NEEDS_CONFIRMATION, 9_900)
        assert found.reasons == (Reason.MATCH_BELOW_100, Reason.ENOUGH_DAYS)

    @pytest.mark.parametrize("status", sorted(set(MatchStatus) - {MatchStatus.MATCHED}))
    def test_nobody_unmatched_is_entitled(self, status: MatchStatus) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(21)), match_status=status))
        assert (found.verdict, found.entitled_fen) == (Verdict.NEEDS_CONFIRMATION, 0)
        assert found.reasons[0] is Reason.NOT_MATCHED
        assert found.standing is Standing.IN_PROGRESS

    @pytest.mark.parametrize(("open_from", "verdict"), [(FIRST, None), (None, Verdict.NEEDS_CONFIRMATION)])
    def test_a_deal_nobody_can_read(self, open_from, verdict) -> None:
        found = assess(None, facts(posts=dates(upto(21)), open_from=open_from))
        assert (found.verdict, found.entitled_fen, found.required_days) == (verdict, 0, None)
        assert found.reasons == (Reason.POLICY_UNKNOWN,)
        assert (found.days, found.standing) == (21, Standing.IN_PROGRESS)

    def test_each_reason_has_a_text(self) -> None:
        assert set(REASON_TEXTS) == set(Reason)


class TestSheets:
    def test_a_sheet_alone(self) -> None:
        found = assess(FIFTEEN, facts(sheet=15))
        assert (found.verdict, found.entitled_fen) == (Verdict.NEEDS_CONFIRMATION, 9_900)
        assert found.reasons == (Reason.NOT_COUNTED, Reason.IMPORT_ENOUGH)
        assert found.standing is Standing.IN_PROGRESS

    def test_a_sheet_alone_that_is_short(self) -> None:
        found = assess(FIFTEEN, facts(sheet=14))
        assert (found.verdict, found.entitled_fen) == (Verdict.NEEDS_CONFIRMATION, 0)
        assert found.reasons == (Reason.NOT_COUNTED, Reason.IMPORT_SHORT)

    @pytest.mark.parametrize("sheet", [0, 3, 15])
    def test_a_sheet_takes_nothing_away(self, sheet: int) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(15)), sheet=sheet))
        assert (found.verdict, found.entitled_fen) == (Verdict.ELIGIBLE, 9_900)
        assert found.reasons == (Reason.ENOUGH_DAYS,)

    def test_a_sheet_that_pays_more_is_a_doubt(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(14)), sheet=15))
        assert (found.verdict, found.entitled_fen, found.days) == (Verdict.NEEDS_CONFIRMATION, 9_900, 14)
        assert found.reasons == (Reason.IMPORT_ENOUGH, Reason.DAYS_SHORT)

    def test_a_sheet_with_more_days_of_the_same_amount_is_none(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(12)), sheet=14))
        assert found.reasons == (Reason.DAYS_SHORT,)

    def test_the_dates_of_a_sheet_decide_where_it_gave_dates(self) -> None:
        good, bad = upto(21) - {6, 7, 13, 14, 20, 21}, upto(15)
        assert assess(WEEKLY, facts(sheet=15, sheet_days=dates(good))).entitled_fen == 9_900
        assert assess(WEEKLY, facts(sheet=15, sheet_days=dates(bad))).entitled_fen == 0

    def test_a_larger_total_is_not_lowered_by_the_dates_of_another_sheet(self) -> None:
        assert assess(FIFTEEN, facts(sheet=15, sheet_days=dates(upto(3)))).entitled_fen == 9_900

    def test_a_sheet_keeps_the_deposit_within_reach_and_promises_nothing_beside_a_sync(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(3)), sheet=15, open_from=date(20)))
        assert (found.standing, found.entitled_fen) == (Standing.IN_PROGRESS, 0)


class TestBatches:
    @pytest.mark.parametrize(
        ("reasons", "match", "sheet"),
        [
            ((Reason.MATCH_BELOW_100, Reason.ENOUGH_DAYS), True, False),
            ((Reason.MATCH_BELOW_100, Reason.PARTIAL_DAYS), True, False),
            ((Reason.MATCH_BELOW_100, Reason.DAYS_SHORT), False, False),
            ((Reason.MATCH_BELOW_100, Reason.SOURCES_DISAGREE, Reason.ENOUGH_DAYS), False, False),
            ((Reason.MATCH_BELOW_100, Reason.POSTS_INCOMPLETE, Reason.ENOUGH_DAYS), False, False),
            ((Reason.MATCH_BELOW_100,), False, False),
            ((Reason.ENOUGH_DAYS,), False, False),
            ((Reason.NOT_COUNTED, Reason.IMPORT_ENOUGH), False, True),
            ((Reason.MATCH_BELOW_100, Reason.NOT_COUNTED, Reason.IMPORT_ENOUGH), False, True),
            ((Reason.NOT_COUNTED, Reason.IMPORT_SHORT), False, False),
            ((Reason.NOT_MATCHED, Reason.NOT_COUNTED, Reason.IMPORT_ENOUGH), False, False),
            ((Reason.IMPORT_ENOUGH, Reason.DAYS_SHORT), False, False),
            ((), False, False),
        ],
    )
    def test_which_doubts_may_pass_in_a_batch(self, reasons, match: bool, sheet: bool) -> None:
        assert only_match_in_doubt([reason.value for reason in reasons]) is match
        assert only_import_speaks([reason.value for reason in reasons]) is sheet


class TestGrants:
    @pytest.mark.parametrize("kind", [MAKEUP, APPEAL, COACH])
    def test_some_stand_for_a_check_in(self, kind: GrantKind) -> None:
        found = finished(FIFTEEN, upto(13), {14: kind, 15: kind})
        assert (found.entitled_fen, found.days, found.breakdown["granted"]) == (9_900, 15, 2)

    def test_a_leave_lowers_the_target_by_one(self) -> None:
        assert finished(FIFTEEN, upto(14), {15: LEAVE}).entitled_fen == 9_900
        assert finished(FIFTEEN, upto(13), {15: LEAVE}).entitled_fen == 0
        assert finished(FIFTEEN, upto(14), {15: LEAVE}).required_days == 14

    def test_leaves_lower_the_target_to_half_at_most(self) -> None:
        # 15 − 10 = 5, but never below ceil(15 / 2) = 8.
        leaves = dict.fromkeys(range(9, 19), LEAVE)
        assert finished(FIFTEEN, upto(8), leaves).entitled_fen == 9_900
        assert finished(FIFTEEN, upto(7), leaves).entitled_fen == 0
        assert finished(FIFTEEN, upto(7), leaves).required_days == 8

    def test_a_leave_may_count_as_a_day(self) -> None:
        deal = policy(at_least(15), counting={"leave_total": 1, "leave_means": "counts_as_day"})
        found = finished(deal, upto(14), {15: LEAVE})
        assert (found.entitled_fen, found.days, found.required_days) == (9_900, 15, 15)

    def test_an_amnesty_lowers_the_target_for_who_missed(self) -> None:
        assert finished(FIFTEEN, upto(14), {21: AMNESTY}).entitled_fen == 9_900
        assert finished(FIFTEEN, upto(13), {21: AMNESTY}).entitled_fen == 0

    def test_an_amnesty_lowers_the_target_for_who_checked_in_as_well(self) -> None:
        found = finished(FIFTEEN, upto(14), {3: AMNESTY})
        assert (found.entitled_fen, found.days, found.required_days) == (9_900, 14, 14)

    def test_an_amnesty_goes_below_the_half_that_leaves_stop_at(self) -> None:
        grants = dict.fromkeys(range(9, 19), LEAVE) | {21: AMNESTY}
        assert finished(FIFTEEN, upto(7), grants).entitled_fen == 9_900

    def test_an_amnesty_of_a_rest_day_changes_nothing(self) -> None:
        deal = policy(at_least(15), counting={"rest_weekdays": [7]})
        assert finished(deal, upto(16), {21: AMNESTY}).entitled_fen == 0  # 14 count, day 7 and 14 don't

    def test_no_grant_is_missed(self) -> None:
        deal = policy(payout={"kind": "per_miss", "deduct_fen": 1_000})
        grants = {17: LEAVE, 18: MAKEUP, 19: APPEAL, 20: COACH, 21: AMNESTY}
        assert finished(deal, upto(15), grants).entitled_fen == 8_900  # day 16 alone

    @pytest.mark.parametrize(("kind", "amount"), [(LEAVE, 0), (AMNESTY, 9_900), (MAKEUP, 9_900), (COACH, 9_900)])
    def test_a_must_day_is_not_excused_by_a_leave(self, kind: GrantKind, amount: int) -> None:
        deal = policy({"kind": "must_days", "dates": ["2026-03-02"]}, counting={"leave_total": 1})
        assert finished(deal, upto(21, 2), {1: kind}).entitled_fen == amount

    def test_a_leave_that_counts_as_a_day_excuses_a_must_day(self) -> None:
        counting = {"leave_total": 1, "leave_means": "counts_as_day"}
        deal = policy({"kind": "must_days", "dates": ["2026-03-02"]}, counting=counting)
        assert finished(deal, upto(21, 2), {1: LEAVE}).entitled_fen == 9_900

    @pytest.mark.parametrize("kind", list(GrantKind))
    def test_a_granted_day_in_a_gap(self, kind: GrantKind) -> None:
        deal = policy({"kind": "no_gap_over", "days": 2})
        days = upto(21) - {10, 11, 12}
        assert finished(deal, days).entitled_fen == 0
        assert finished(deal, days, {11: kind}).entitled_fen == 9_900

    def test_a_leave_neither_counts_nor_ends_a_gap(self) -> None:
        deal = policy({"kind": "no_gap_over", "days": 2})
        assert finished(deal, upto(21) - {10, 11, 12, 13}, {11: LEAVE}).entitled_fen == 0  # 10, 12, 13

    def test_a_leave_lowers_its_own_week_to_half_at_most(self) -> None:
        # The second week: 5 − 2 leaves = 3 = ceil(5 / 2).
        rest = upto(21) - upto(14, 8)
        assert finished(WEEKLY, rest | {8, 9, 10}, {13: LEAVE, 14: LEAVE}).entitled_fen == 9_900
        assert finished(WEEKLY, rest | {8, 9}, {13: LEAVE, 14: LEAVE}).entitled_fen == 0
        assert finished(WEEKLY, rest | {8, 9}, {12: LEAVE, 13: LEAVE, 14: LEAVE}).entitled_fen == 0
        assert finished(WEEKLY, rest | {8, 9, 10, 11}, {1: LEAVE}).entitled_fen == 0

    def test_proportions_are_of_the_lowered_target(self) -> None:
        # 10 − 2 = 8: 9900 × 6/8 = 7425 → 7400; from 5 − 2 = 3 days on.
        leaves = {20: LEAVE, 21: LEAVE}
        assert finished(TENTHS, upto(6), leaves).entitled_fen == 7_400
        assert finished(TENTHS, upto(3), leaves).entitled_fen == 3_700  # 3712.50
        assert finished(TENTHS, upto(2), leaves).entitled_fen == 0
        assert finished(TENTHS, upto(8), leaves).entitled_fen == 9_900

    def test_amnesties_down_to_nothing_asked_divide_by_nothing(self) -> None:
        deal = policy(payout={"kind": "pro_rata", "min": 0, "full_at": 1})
        assert finished(deal, (), {1: AMNESTY}).entitled_fen == 9_900


class TestDays:
    def test_the_last_block_needs_its_share_rounded_up(self) -> None:
        # 24 days: blocks of 7, 7, 7 and 3; the last needs ceil(5 · 3 / 7) = 3.
        assert finished(WEEKLY, upto(24), calendar=camp(24)).entitled_fen == 9_900
        assert finished(WEEKLY, upto(23), calendar=camp(24)).entitled_fen == 0

    def test_a_block_with_rest_days_needs_its_share_rounded_up(self) -> None:
        # Without Saturdays and Sundays five of seven count: ceil(5 · 5 / 7) = 4.
        deal = policy({"kind": "every_week_at_least", "days": 5}, counting={"rest_weekdays": [6, 7]})
        assert finished(deal, {1, 2, 3, 4, 8, 9, 10, 11, 15, 16, 17, 18}).entitled_fen == 9_900
        assert finished(deal, {1, 2, 3, 4, 8, 9, 10, 11, 15, 16, 17, 20, 21}).entitled_fen == 0

    def test_check_ins_on_days_off_count_only_as_a_bonus(self) -> None:
        days = {7, 14, 21} | upto(12)
        usual = {"rest_weekdays": [7]}
        assert finished(policy(at_least(12), counting=usual), days).entitled_fen == 0  # 11 of Monday to Saturday
        assert finished(policy(at_least(12), counting=usual | {"bonus_days": True}), days).entitled_fen == 9_900

    @pytest.mark.parametrize("bonus", [True, False])
    def test_days_off_are_never_missed(self, bonus: bool) -> None:
        counting = {"rest_weekdays": [7], "rest_dates": ["2026-03-03"], "warmup_days": 1, "bonus_days": bonus}
        deal = policy(payout={"kind": "per_miss", "deduct_fen": 100}, counting=counting)
        assert finished(deal, upto(21, 3) - {7, 14, 21}).entitled_fen == 9_900

    def test_a_bonus_does_not_make_up_for_a_miss(self) -> None:
        deal = policy(
            payout={"kind": "per_miss", "deduct_fen": 100}, counting={"rest_weekdays": [7], "bonus_days": True}
        )
        assert finished(deal, upto(20)).entitled_fen == 9_900
        assert finished(deal, upto(21) - {1}).entitled_fen == 9_800

    def test_check_ins_outside_the_camp_do_not_count(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(range(-5, 15))))
        assert found.days == 14

    def test_the_last_step_pays_the_deposit_to_the_fen(self) -> None:
        tiers = policy(payout={"kind": "tiers", "tiers": [[10, 33], [20, 100]], "step_fen": 100})
        assert finished(tiers, upto(20), paid_fen=9_999).entitled_fen == 9_999
        assert finished(tiers, upto(10), paid_fen=9_999).entitled_fen == 3_200  # 3299.67 down to whole yuan
        assert finished(TENTHS, upto(10), paid_fen=9_999).entitled_fen == 9_999


class TestWhileItRuns:
    def test_there_is_no_verdict_and_nothing_begun_has_no_standing(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(()), begun=False, open_from=FIRST))
        assert (found.verdict, found.standing, found.entitled_fen) == (None, Standing.NOT_STARTED, 0)
        assert found.reasons == ()

    def test_within_reach_reached_and_out_of_reach(self) -> None:
        def standing(days: int, open_from: int) -> Standing:
            return assess(FIFTEEN, facts(posts=dates(upto(days)), open_from=date(open_from))).standing

        assert standing(9, 16) is Standing.IN_PROGRESS  # 6 days are open: 16 to 21
        assert standing(8, 16) is Standing.OUT_OF_REACH
        assert standing(15, 16) is Standing.REACHED

    def test_a_condition_on_dates_is_out_of_reach_before_the_end(self) -> None:
        days = upto(14) - {8, 10, 12}
        found = assess(WEEKLY, facts(posts=dates(days), open_from=date(15)))
        assert found.standing is Standing.OUT_OF_REACH

    def test_a_gap_to_come_keeps_the_promise_at_nothing(self) -> None:
        deal = policy({"kind": "no_gap_over", "days": 2})
        found = assess(deal, facts(posts=dates(upto(18)), open_from=date(19)))
        assert (found.standing, found.entitled_fen) == (Standing.IN_PROGRESS, 0)
        found = assess(deal, facts(posts=dates(upto(19)), open_from=date(20)))
        assert (found.standing, found.entitled_fen) == (Standing.REACHED, 9_900)

    def test_the_least_of_both_sources_is_promised(self) -> None:
        found = assess(TENTHS, facts(posts=dates(upto(7)), ranking=6, open_from=date(15)))
        assert (found.standing, found.entitled_fen) == (Standing.IN_PROGRESS, 5_900)  # 5940
        found = assess(TENTHS, facts(posts=dates(upto(10)), ranking=9, open_from=date(15)))
        assert found.standing is Standing.IN_PROGRESS

    def test_the_best_source_keeps_it_within_reach(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(8)), ranking=9, open_from=date(16)))
        assert found.standing is Standing.IN_PROGRESS

    def test_a_mere_number_promises_nothing_about_dates(self) -> None:
        found = assess(WEEKLY, facts(ranking=21, open_from=date(21)))
        assert (found.standing, found.entitled_fen, found.days) == (Standing.IN_PROGRESS, 0, 21)
        assert "打卡日期不完整" in found.breakdown["line"]

    def test_a_mere_number_may_hold_days_off(self) -> None:
        deal = policy(at_least(15), counting={"rest_weekdays": [7]})
        assert assess(deal, facts(ranking=17, open_from=date(20))).entitled_fen == 0
        found = assess(deal, facts(ranking=18, open_from=date(20)))
        assert (found.standing, found.entitled_fen) == (Standing.REACHED, 9_900)

    def test_a_mere_number_may_hold_granted_days(self) -> None:
        grants = granted({1: COACH, 2: COACH})
        assert assess(FIFTEEN, facts(ranking=14, grants=grants, open_from=date(20))).entitled_fen == 0
        assert assess(FIFTEEN, facts(ranking=14, grants=grants)).entitled_fen == 9_900  # a person decides

    def test_days_to_come_are_not_missed_yet(self) -> None:
        deal = policy(payout={"kind": "per_miss", "deduct_fen": 100})
        found = assess(deal, facts(posts=dates(upto(5)), open_from=date(8)))
        assert found.breakdown["missed"] == 2
        assert found.entitled_fen == 9_900 - 16 * 100


class TestBreakdown:
    def test_the_line_shows_how_the_amount_comes_about(self) -> None:
        deal = policy(
            payout={"kind": "pro_rata", "min": 18, "full_at": 27, "step_fen": 10}, counting={"leave_total": 2}
        )
        grants = {21: COACH, 29: LEAVE, 30: LEAVE, 28: AMNESTY}
        found = finished(deal, upto(20), grants, calendar=camp(30), paid_fen=29_900)
        # 27 − 2 − 1 = 24: 29900 × 21/24 = 26162.5 → 26160.
        assert found.entitled_fen == 26_160
        line = "打卡 21 天（含认定 1 天），请假 2 天，豁免 1 天；¥299 × 21/24，向下取整到 ¥0.10 → ¥261.60"
        assert found.breakdown == {
            "days": 21,
            "granted": 1,
            "leaves": 2,
            "amnesties": 1,
            "missed": 6,
            "deposit_fen": 29_900,
            "line": line,
        }

    @pytest.mark.parametrize(
        ("deal", "days", "grants", "line"),
        [
            (FIFTEEN, 15, {}, "打卡 15 天；条件已满足，全额退还 → ¥99"),
            (FIFTEEN, 14, {}, "打卡 14 天；未满足「累计打卡满 15 天」 → ¥0"),
            (
                FIFTEEN,
                13,
                {21: LEAVE},
                "打卡 13 天，请假 1 天；未满足「累计打卡满 15 天」（减免后为 14 天） → ¥0",
            ),
            (TENTHS, 10, {}, "打卡 10 天；满 10 天全退 → ¥99"),
            (TENTHS, 4, {}, "打卡 4 天；不足 5 天不退 → ¥0"),
            (
                policy(payout={"kind": "tiers", "tiers": [[10, 33], [20, 100]]}),
                12,
                {},
                "打卡 12 天；¥99 × 33% → ¥32.67",
            ),
            (policy(payout={"kind": "tiers", "tiers": [[10, 33], [20, 100]]}), 9, {}, "打卡 9 天；不足 10 天不退 → ¥0"),
            (
                policy(payout={"kind": "per_miss", "deduct_fen": 150}),
                19,
                {},
                "打卡 19 天；¥99 − 缺 2 天 × ¥1.50 → ¥96",
            ),
            (
                policy(payout={"kind": "per_miss", "deduct_fen": 150}),
                21,
                {},
                "打卡 21 天；没有缺卡，全额退还 → ¥99",
            ),
            (
                policy({"kind": "no_gap_over", "days": 0}),
                20,
                {},
                "打卡 20 天；未满足「一天也不缺卡」 → ¥0",
            ),
        ],
    )
    def test_each_kind_has_its_line(self, deal: Policy, days: int, grants, line: str) -> None:
        assert finished(deal, upto(days), grants).breakdown["line"] == line

    def test_what_more_days_bring(self) -> None:
        found = assess(TENTHS, facts(posts=dates(upto(3)), open_from=date(19)))
        assert found.breakdown | {"line": ""} == {
            "days": 3,
            "granted": 0,
            "leaves": 0,
            "amnesties": 0,
            "missed": 15,
            "deposit_fen": 9_900,
            "line": "",
            "next_days": 2,
            "next_fen": 4_900,  # 4950 down to whole yuan
            "most_fen": 5_900,  # 6 days: 5940
        }
        assert found.breakdown["line"] == "打卡 3 天；若之后不再打卡：不足 5 天不退 → ¥0"

    def test_with_a_condition_on_dates_every_open_day_is_named(self) -> None:
        found = assess(WEEKLY, facts(posts=dates(upto(14)), open_from=date(15)))
        assert (found.breakdown["next_days"], found.breakdown["next_fen"]) == (7, 9_900)

    def test_before_anything_was_counted_no_date_is_in_doubt(self) -> None:
        found = assess(WEEKLY, facts(begun=False, open_from=FIRST))
        assert (found.breakdown["next_days"], found.breakdown["next_fen"]) == (21, 9_900)
        found = assess(WEEKLY, facts(ranking=7, open_from=date(8)))
        assert "next_days" not in found.breakdown

    def test_nothing_more_to_get(self) -> None:
        found = assess(FIFTEEN, facts(posts=dates(upto(15)), open_from=date(16)))
        assert "next_days" not in found.breakdown
        assert found.breakdown["line"] == "打卡 15 天；条件已满足，全额退还 → ¥99"
