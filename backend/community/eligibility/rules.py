"""Judge how much each member gets back. Pure functions; amounts in fen.

Two sources count days: the ranking (a total over the whole project) and the posts (dates). They are compared by the
amount they lead to (reference fair-deal §3). Any doubt leaves the decision to a person: a match below 100, posts not
read to the end, two sources that pay differently, a sheet that replaces both. ``entitled_fen`` is then the highest
amount of any source; it is refunded if the person agrees.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from backend.community.eligibility.days import Calendar, Tally, tally_at_worst, tally_of_total
from backend.community.eligibility.policy import Policy
from backend.community.eligibility.terms import Terms, yuan
from backend.models.grants import GrantKind
from backend.models.members import MatchStatus, Standing, Verdict


class Reason(StrEnum):
    """Why a verdict is what it is."""

    ENOUGH_DAYS = "enough_days"
    PARTIAL_DAYS = "partial_days"
    DAYS_SHORT = "days_short"
    NOT_COUNTED = "not_counted"
    SOURCES_DISAGREE = "sources_disagree"
    POSTS_INCOMPLETE = "posts_incomplete"
    DATES_UNKNOWN = "dates_unknown"
    MATCH_BELOW_100 = "match_below_100"
    NOT_MATCHED = "not_matched"
    IMPORT_ENOUGH = "import_enough"
    IMPORT_SHORT = "import_short"
    POLICY_UNKNOWN = "policy_unknown"


REASON_TEXTS = {
    Reason.ENOUGH_DAYS: "打卡天数达标",
    Reason.PARTIAL_DAYS: "按规则部分退还",
    Reason.DAYS_SHORT: "打卡天数不足",
    Reason.NOT_COUNTED: "尚无完整的打卡同步",
    Reason.SOURCES_DISAGREE: "排行榜与打卡帖子算出的金额不一致",
    Reason.POSTS_INCOMPLETE: "打卡帖子未能完整读取",
    Reason.DATES_UNKNOWN: "规则要看具体日期，但打卡日期不完整",
    Reason.MATCH_BELOW_100: "身份匹配置信度低于 100",
    Reason.NOT_MATCHED: "身份未匹配",
    Reason.IMPORT_ENOUGH: "手工导入的打卡天数可以退款",
    Reason.IMPORT_SHORT: "手工导入的打卡天数不足",
    Reason.POLICY_UNKNOWN: "退款规则的版本无法识别",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that a member is judged on.

    ``ranking``: days by the ranking; None if no complete sync counts. ``posts``: days by the posts; None if they were
    not read to the end. ``sheet``: days by imported sheets. ``sheet_days``: their dates, if the sheets gave dates.
    ``open_from``: the first day that no complete sync has seen in full; None once the camp's end was seen.
    ``lowered_by``: amnesties of the camp on days for which the member has another grant.
    """

    calendar: Calendar
    paid_fen: int
    begun: bool
    match_status: MatchStatus
    confidence: int
    ranking: int | None = None
    posts: frozenset[dt.date] | None = None
    sheet: int | None = None
    sheet_days: frozenset[dt.date] | None = None
    grants: Mapping[dt.date, GrantKind] = field(default_factory=dict)
    open_from: dt.date | None = None
    lowered_by: int = 0

    @property
    def is_matched(self) -> bool:
        return self.match_status is MatchStatus.MATCHED

    @property
    def is_over(self) -> bool:
        """Whether the camp's end was seen, so that no day can be added."""
        return self.open_from is None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The result of judging a member. ``required_days`` is None if the deal can't be read.

    While the camp runs, ``entitled_fen`` is the refund if no day is added, and ``verdict`` is None.
    """

    days: int
    required_days: int | None
    standing: Standing
    entitled_fen: int
    verdict: Verdict | None
    reasons: tuple[Reason, ...]
    breakdown: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """Days and amounts by one source: ``least`` with no day added, ``most`` with all open days added.

    Without dates only the number of days is known. Then ``certain_fen`` is the refund whatever the dates are;
    ``least_fen`` and ``most_fen`` assume the best dates. With dates ``certain_fen`` equals ``least_fen``.
    """

    least: Tally
    most: Tally
    certain_fen: int
    least_fen: int
    most_fen: int


@dataclass(frozen=True, slots=True)
class _Sources:
    """``main``: its days are shown. ``ranking``: compared with the posts. ``sheet``: exists beside a sync."""

    main: _Source
    ranking: _Source | None = None
    sheet: _Source | None = None

    @property
    def counted(self) -> list[_Source]:
        """Without the sheet beside a sync, which never lowers the amount."""
        return [self.main] if self.ranking is None else [self.main, self.ranking]

    @property
    def differing(self) -> _Source | None:
        """A source that pays something other than ``main``; None if all agree."""
        others = (other for other in (self.ranking, self.sheet) if other is not None)
        return next((other for other in others if other.least_fen != self.main.least_fen), None)

    @property
    def best_fen(self) -> int:
        return max(each.least_fen for each in (self.main, self.ranking, self.sheet) if each is not None)


def assess(policy: Policy | None, facts: Facts) -> Assessment:
    """Judge one member. ``policy`` is None for a deal of an unknown version; then a person decides."""
    if policy is None:
        return _unreadable(facts)
    terms = policy.terms(facts.calendar, facts.paid_fen)
    sources = _Count(policy, facts, terms).sources()
    main = sources.main
    doubts = tuple(_doubts(policy, facts, sources))
    outcome = _outcome(main.least_fen, terms)
    return Assessment(
        days=main.least.days,
        required_days=main.least.lowered(policy.required_days(facts.calendar)),
        standing=_standing(facts, terms, sources),
        entitled_fen=_entitled(facts, sources, is_doubtful=bool(doubts)),
        verdict=(Verdict.NEEDS_CONFIRMATION if doubts else _VERDICTS[outcome]) if facts.is_over else None,
        reasons=(*doubts, outcome) if facts.is_over and facts.ranking is not None else doubts,
        breakdown=_breakdown(policy, facts, terms, sources),
    )


def _entitled(facts: Facts, sources: _Sources, *, is_doubtful: bool) -> int:
    """The certain amount while the camp runs, then the amount of ``main``, or in doubt the highest of any source.

    The amount is 0 without a match.
    """
    if not facts.is_matched:
        return 0
    if not facts.is_over:
        return min(source.certain_fen for source in sources.counted)
    return sources.best_fen if is_doubtful else sources.main.least_fen


def _unreadable(facts: Facts) -> Assessment:
    """Promise nothing for a deal that can't be read; a person decides."""
    known = (len(facts.posts) if facts.posts is not None else None, facts.ranking, facts.sheet)
    return Assessment(
        days=next((days for days in known if days is not None), 0),
        required_days=None,
        standing=Standing.IN_PROGRESS if facts.begun else Standing.NOT_STARTED,
        entitled_fen=0,
        verdict=Verdict.NEEDS_CONFIRMATION if facts.is_over else None,
        reasons=(Reason.POLICY_UNKNOWN,),
        breakdown={"line": REASON_TEXTS[Reason.POLICY_UNKNOWN]},
    )


class _Count:
    """Counts one member's days under one deal, source by source."""

    def __init__(self, policy: Policy, facts: Facts, terms: Terms) -> None:
        self._policy, self._facts, self._terms = policy, facts, terms
        first = facts.open_from
        self._open = frozenset(day for day in facts.calendar if day >= first) if first is not None else frozenset()

    def sources(self) -> _Sources:
        """Use the posts if they are complete, else the ranking, else sheets.

        The ranking goes beside the posts; a sheet goes beside either.
        """
        facts = self._facts
        if facts.ranking is None:
            return _Sources(self._sheet())
        sheet = self._sheet() if facts.sheet is not None else None
        if facts.posts is None:
            return _Sources(self._total(facts.ranking), sheet=sheet)
        main = self._dates(facts.posts)
        # The ranking counts the same check-ins as the posts, plus those outside the camp's days.
        more = facts.ranking - len(facts.posts)
        return _Sources(main, self._ranking(main, more) if more else main, sheet)

    def _ranking(self, main: _Source, more: int) -> _Source:
        """The ranking as a source beside the posts. It has no dates.

        If conditions need dates, those of the posts must not prove days that the ranking denies.
        """
        if not self._policy.needs_dates:
            return self._source(main.least.shifted(more), main.most.shifted(more))
        found = self._total(self._facts.ranking or 0)
        return replace(found, certain_fen=min(found.least_fen, main.certain_fen))

    def _sheet(self) -> _Source:
        """Count by the sheet's dates, unless other sheets gave more days without dates."""
        days, total = self._facts.sheet_days, self._facts.sheet or 0
        return self._dates(days) if days is not None and len(days) >= total else self._total(total)

    def _dates(self, checked: frozenset[dt.date]) -> _Source:
        count = partial(self._policy.count, self._facts.calendar, grants=self._facts.grants)
        least = count(checked)
        return self._source(least, count(self._open | checked) if self._open else least)

    def _total(self, total: int) -> _Source:
        if not total:
            # No days have no dates to be in doubt about.
            return self._dates(frozenset())
        counting = self._policy.counting
        count = partial(tally_of_total, counting, self._facts.calendar, grants=self._facts.grants)
        certain = tally_at_worst(counting, self._facts.calendar, total, self._facts.grants)
        least, most = count(total, assumed=True), count(total + len(self._open), assumed=True)
        return self._source(least, most, certain)

    def _source(self, least: Tally, most: Tally, certain: Tally | None = None) -> _Source:
        if self._facts.lowered_by:
            least, most = self._lower(least), self._lower(most)
            certain = self._lower(certain) if certain is not None else None
        pays = partial(self._policy.pays, terms=self._terms)
        least_fen = pays(least)
        most_fen = pays(most) if most is not least else least_fen
        return _Source(least, most, pays(certain) if certain is not None else least_fen, least_fen, most_fen)

    def _lower(self, tally: Tally) -> Tally:
        return replace(tally, amnesties=tally.amnesties + self._facts.lowered_by)


def _doubts(policy: Policy, facts: Facts, sources: _Sources) -> Iterator[Reason]:
    if not facts.is_matched:
        yield Reason.NOT_MATCHED
    elif facts.confidence < 100:
        yield Reason.MATCH_BELOW_100
    if facts.ranking is None:
        yield Reason.NOT_COUNTED
        if facts.sheet is not None:
            yield Reason.IMPORT_ENOUGH if sources.main.least_fen else Reason.IMPORT_SHORT
            if sources.main.least.marks is None and (policy.needs_dates or policy.counting.by_date):
                yield Reason.DATES_UNKNOWN
        return
    if facts.posts is None:
        yield Reason.POSTS_INCOMPLETE
        if policy.needs_dates or policy.counting.by_date:
            yield Reason.DATES_UNKNOWN
    elif sources.ranking is not None and sources.ranking.least_fen != sources.main.least_fen:
        yield Reason.SOURCES_DISAGREE
    if sources.sheet is not None and sources.sheet.least_fen > sources.main.least_fen:
        yield Reason.IMPORT_ENOUGH


def _outcome(amount_fen: int, terms: Terms) -> Reason:
    if amount_fen <= 0:
        return Reason.DAYS_SHORT
    return Reason.ENOUGH_DAYS if amount_fen >= terms.deposit_fen else Reason.PARTIAL_DAYS


_VERDICTS = {
    Reason.ENOUGH_DAYS: Verdict.ELIGIBLE,
    Reason.PARTIAL_DAYS: Verdict.PARTIAL,
    Reason.DAYS_SHORT: Verdict.NOT_ELIGIBLE,
}


def _standing(facts: Facts, terms: Terms, sources: _Sources) -> Standing:
    """Whether the whole deposit is certain or out of reach, by all sources. A sheet alone decides neither."""
    if not facts.begun:
        return Standing.NOT_STARTED
    if not facts.is_matched or facts.ranking is None:
        return Standing.IN_PROGRESS
    if min(source.certain_fen for source in sources.counted) >= terms.deposit_fen:
        return Standing.REACHED
    most = [*sources.counted, *([sources.sheet] if sources.sheet is not None else [])]
    if max(source.most_fen for source in most) < terms.deposit_fen:
        return Standing.OUT_OF_REACH
    return Standing.IN_PROGRESS


def _breakdown(policy: Policy, facts: Facts, terms: Terms, sources: _Sources) -> dict[str, Any]:
    """How the amount is calculated, for people: one line of text, and what more days would change.

    ``missed``: days that can no longer be made up for. Days still to come are not missed yet.
    """
    main, other = sources.main, sources.differing
    line = _line(policy, facts, terms, main)
    found: dict[str, Any] = {
        "days": main.least.days,
        "granted": main.least.granted,
        "leaves": main.least.leaves,
        "amnesties": main.least.amnesties,
        "missed": main.most.missed,
        "deposit_fen": terms.deposit_fen,
        "line": line if other is None else f"{line}；另一来源 {other.least.days} 天 → {yuan(other.least_fen)}",
    }
    return found | ({} if facts.is_over else _next(policy, terms, sources))


def _line(policy: Policy, facts: Facts, terms: Terms, source: _Source) -> str:
    """``打卡 20 天（含认定 1 天），请假 2 天；¥299 × 20/25 → ¥239.20``."""
    tally = source.least
    amount = source.least_fen if facts.is_over else source.certain_fen
    granted = f"（含认定 {tally.granted} 天）" if tally.granted else ""
    excused = "".join(
        f"，{name} {number} 天" for name, number in (("请假", tally.leaves), ("豁免", tally.amnesties)) if number
    )
    failing = next(policy.failing(tally, terms), None)
    if failing is not None:
        formula = failing.missing(tally, terms)
    elif amount < source.least_fen:
        formula = "打卡日期不完整，暂不能确定"
    else:
        formula = policy.payout.formula(tally, terms.deposit_fen)
    # While the camp runs, the amount assumes that no day is added.
    prefix = "" if facts.is_over or amount >= terms.deposit_fen else "若之后不再打卡："
    return f"打卡 {tally.days} 天{granted}{excused}；{prefix}{formula} → {yuan(amount)}"


def _next(policy: Policy, terms: Terms, sources: _Sources) -> dict[str, Any]:
    """The fewest further days that raise the refund, the refund then, and the highest refund still possible.

    If posts and ranking disagree, use the lower amount, so that neither source denies what is promised. With a
    condition on dates, return all open days: fewer may be enough, but which ones depends on the days so far.
    """
    now = min(each.certain_fen for each in sources.counted)
    most = min(each.most_fen for each in sources.counted)
    open_days = sources.main.most.days - sources.main.least.days
    # Where dates matter, a number of days without dates can't tell what one more day pays.
    by_date = policy.needs_dates or policy.counting.by_date
    if most <= now or (by_date and sources.main.least.marks is None):
        return {"most_fen": most}
    if policy.needs_dates:
        return {"most_fen": most, "next_days": open_days, "next_fen": most}
    for number in range(1, open_days + 1):
        amount = min(policy.pays(each.least.shifted(number), terms) for each in sources.counted)
        if amount > now:
            return {"most_fen": most, "next_days": number, "next_fen": amount}
    return {"most_fen": most}


def only_match_in_doubt(reasons: Collection[str]) -> bool:
    """Whether the days are certain and pay a refund, and only the match is below 100.

    Of the rows that need confirmation, only these may pass in a batch with a lower ``min_confidence``.
    """
    paying = {Reason.ENOUGH_DAYS, Reason.PARTIAL_DAYS}
    found = set(reasons)
    return Reason.MATCH_BELOW_100 in found and found <= {Reason.MATCH_BELOW_100, *paying} and bool(paying & found)


def only_import_speaks(reasons: Collection[str]) -> bool:
    """Whether no sync counts, a sheet pays a refund, and at most the match is also in doubt.

    Such rows may pass in a batch only if its reviewer explicitly accepts the sheet.
    """
    admitted = {Reason.NOT_COUNTED, Reason.IMPORT_ENOUGH, Reason.MATCH_BELOW_100}
    return set(reasons) <= admitted and Reason.IMPORT_ENOUGH in reasons
