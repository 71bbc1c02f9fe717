"""Previews for composing a deal: amounts by days, the cliff, templates, a rehearsal. Pure functions; amounts in fen."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from backend.community.eligibility.days import Calendar, Counting, countable, dates, tally_of_total
from backend.community.eligibility.payouts import Payout, PerMiss, ProRata, Tier, Tiers
from backend.community.eligibility.policy import Policy, threshold
from backend.community.eligibility.terms import yuan

# Warn if one missed day can cost the whole deposit and the deposit exceeds ¥100 (fair-deal §3).
WARN_ABOVE_FEN: Final = 10_000
CLIFF: Final = "cliff"


@dataclass(frozen=True, slots=True)
class AmountStep:
    """The refund for a number of days on the most favourable dates."""

    days: int
    amount_fen: int


def amounts(policy: Policy, calendar: Calendar, paid_fen: int) -> list[AmountStep]:
    """Refunds for each number of days, from 0 to all countable days.

    Conditions on dates are taken as met wherever that many days can meet them.
    """
    terms = policy.terms(calendar, paid_fen)
    tallies = (tally_of_total(policy.counting, calendar, days, assumed=True) for days in range(terms.asked + 1))
    return [AmountStep(days, policy.pays(tally, terms)) for days, tally in enumerate(tallies)]


@dataclass(frozen=True, slots=True)
class Cliff:
    """The largest loss from one missed day: ``from_days`` days pay ``fen`` more than ``to_days`` days."""

    fen: int
    percent_of_deposit: int
    from_days: int
    to_days: int


def cliff(policy: Policy, calendar: Calendar, paid_fen: int) -> Cliff:
    """Find the steepest step, between consecutive numbers of days and, where dates matter, by a single date."""
    deposit = policy.deposit_of(paid_fen)
    numbers = pairwise(amounts(policy, calendar, paid_fen))
    drops = [(more.amount_fen - less.amount_fen, more.days, less.days) for less, more in numbers]
    drops += _drops_by_date(policy, calendar, paid_fen)
    fen, from_days, to_days = max(drops, default=(0, 0, 0))
    return Cliff(fen, fen * 100 // deposit if deposit else 0, from_days, to_days)


def _drops_by_date(policy: Policy, calendar: Calendar, paid_fen: int) -> Iterator[tuple[int, int, int]]:
    """Yield loss in fen, days with the date and days without it.

    Compares full attendance with one day missed, and a condition's counterexample with the day that it lacks.
    """
    if not policy.needs_dates:
        return
    terms = policy.terms(calendar, paid_fen)
    every = frozenset(terms.asked_days)
    full = policy.count(calendar, every)
    full_fen = policy.pays(full, terms)
    for day in terms.asked_days:
        short = policy.count(calendar, every - {day})
        yield full_fen - policy.pays(short, terms), full.days, short.days
    for condition in policy.conditions:
        _, days = condition.counterexample(terms)
        short = policy.count(calendar, days)
        for day in sorted(every - days) if condition.needs_dates else ():
            enough = policy.count(calendar, days | {day})
            gained = policy.pays(enough, terms) - policy.pays(short, terms)
            yield gained, enough.days, short.days
            if gained:
                # Each other missing date would gain the same.
                break


def warnings(policy: Policy, calendar: Calendar, paid_fen: int) -> list[tuple[str, str]]:
    """Advice before publishing: code and Chinese text. Warnings never block publishing."""
    deposit = policy.deposit_of(paid_fen)
    if deposit <= WARN_ABOVE_FEN:
        return []
    worst = cliff(policy, calendar, paid_fen)
    if worst.fen < deposit:
        return []
    text = (
        f"只差一天就可能失去全部押金 {yuan(deposit)}：打卡 {worst.from_days} 天全退，{worst.to_days} 天可能分文不退。"
        f"押金超过 {yuan(WARN_ABOVE_FEN)} 时，这容易引起争议和投诉，也会让落后的会员提前放弃。"
        "建议改用「按天退」：打卡 60% 起按天退，90% 全退。"
    )
    return [(CLIFF, text)]


@dataclass(frozen=True, slots=True)
class Template:
    """A starting point for composing a deal. One template is the default, another is recommended."""

    code: str
    label: str
    policy: Policy
    is_default: bool = False
    is_recommended: bool = False


def templates(
    calendar: Calendar, paid_fen: int, *, counting: Counting | None = None, fee_fen: int = 0
) -> list[Template]:
    """达标全退, 按天退, 阶梯 and 每缺一天扣 with numbers that suit the camp.

    All templates keep ``counting`` and ``fee_fen``. 每缺一天扣 is left out if there is no deposit.
    """
    kept = Policy(counting=counting or Counting(), fee_fen=fee_fen)
    asked = sum(countable(kept.counting, calendar))
    deposit = kept.deposit_of(paid_fen)
    days = threshold(_share(asked, 70)).conditions

    def paying(payout: Payout) -> Policy:
        return kept.model_copy(update={"payout": payout})

    found = [Template("threshold", "达标全退", kept.model_copy(update={"conditions": days}), is_default=True)]
    found.append(Template("pro_rata", "按天退", paying(_pro_rata(asked, deposit)), is_recommended=True))
    found.append(Template("tiers", "阶梯", paying(_tiers(asked))))
    if deposit:
        found.append(Template("per_miss", "每缺一天扣", paying(_per_miss(asked, deposit))))
    return found


def recommended(calendar: Calendar, paid_fen: int, *, counting: Counting | None = None, fee_fen: int = 0) -> Policy:
    """The 按天退 template: refunds start at 60 % of the days, the whole deposit comes back from 90 %."""
    found = templates(calendar, paid_fen, counting=counting, fee_fen=fee_fen)
    return next(template.policy for template in found if template.is_recommended)


def _share(asked: int, percent: int) -> int:
    """``percent`` of the days, rounded up, at least 1."""
    return max(1, -(-asked * percent // 100))


def _pro_rata(asked: int, deposit_fen: int) -> ProRata:
    full_at = _share(asked, 90)
    # Round to whole jiao for readability, unless a day is worth less. Rounding down could then refund nothing.
    step = 10 if deposit_fen >= full_at * 10 else 1
    return ProRata(min=_share(asked, 60), full_at=full_at, step_fen=step)


def _tiers(asked: int) -> Tiers:
    """Refund 50 % from 60 % of the days, 75 % from 75 %, 100 % from 90 %.

    In a short camp, tiers that start on the same day merge into the highest one.
    """
    rows = {_share(asked, share): percent for share, percent in ((60, 50), (75, 75), (90, 100))}
    return Tiers(tiers=tuple(Tier(from_day=day, percent=percent) for day, percent in rows.items()))


def _per_miss(asked: int, deposit_fen: int) -> PerMiss:
    """Deduct one day's share, rounded up to whole yuan, so that a member without any day gets nothing back."""
    share = -(-deposit_fen // max(1, asked))
    return PerMiss(deduct_fen=min(deposit_fen, -(-share // 100) * 100))


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a finished camp. ``days`` are already mapped onto the calendar that is being edited."""

    name: str
    days: frozenset[dt.date]


@dataclass(frozen=True, slots=True)
class Named:
    """One person's refund. ``role``: ``best``, ``typical`` (the median) or ``worst``."""

    role: str
    name: str
    days: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Totals of a rehearsal. The three amounts add up to what was paid.

    ``sum_fen`` is refunded, ``kept_fen`` is the rest of the deposits, ``fee_fen`` are the fees.
    ``by_amount``: pairs of amount and number of people, highest amount first.
    """

    people: int
    sum_fen: int
    kept_fen: int
    fee_fen: int
    by_amount: list[tuple[int, int]]
    examples: tuple[Named, ...]


def run(policy: Policy, calendar: Calendar, paid_fen: int, people: Sequence[Person]) -> Outcome:
    """What the deal would have refunded to ``people``, without grants."""
    terms = policy.terms(calendar, paid_fen)
    results: list[tuple[int, int, str]] = []
    for person in people:
        counted = policy.count(calendar, person.days)
        results.append((policy.pays(counted, terms), counted.days, person.name))
    results.sort(key=lambda result: (-result[0], -result[1], result[2]))
    total = sum(amount for amount, _, _ in results)
    by_amount = sorted(Counter(amount for amount, _, _ in results).items(), reverse=True)
    fees = (paid_fen - terms.deposit_fen) * len(results)
    return Outcome(
        people=len(results),
        sum_fen=total,
        kept_fen=terms.deposit_fen * len(results) - total,
        fee_fen=fees,
        by_amount=by_amount,
        examples=_named(results),
    )


def _named(results: Sequence[tuple[int, int, str]]) -> tuple[Named, ...]:
    if not results:
        return ()
    chosen = {"best": results[0], "typical": results[(len(results) - 1) // 2], "worst": results[-1]}
    return tuple(Named(role, name, days, amount) for role, (amount, days, name) in chosen.items())


def onto(calendar_from: Calendar, days: frozenset[dt.date], calendar_to: Calendar) -> frozenset[dt.date]:
    """Map a finished camp's days onto the days of another camp.

    Camps of equal length map day by day. Otherwise a day counts if the day at the same relative position counted. Full
    attendance stays full, and a person who stopped halfway stops halfway.
    """
    source = dates(calendar_from)
    at = [number * len(source) // len(calendar_to) for number in range(len(calendar_to))]
    return frozenset(day for day, number in zip(dates(calendar_to), at, strict=True) if source[number] in days)


# Attendance curve: percentile of people (keenest first), percent of days attended. Interpolated linearly.
_COURSE: Final = ((0, 100), (20, 100), (55, 85), (80, 50), (100, 0))
# Step between neighbours in the order of ``_scattered``. The golden ratio spreads the left-out days evenly.
_GOLDEN: Final = 0.618033988749895


def spread(calendar: Calendar, n: int) -> list[Person]:
    """Typical sample people, for when no finished camp can be used. Deterministic.

    A fifth never misses, a third misses now and then. A quarter attends 50–85 % of the days: half of these with gaps,
    half until they give up. The last fifth gives up before half of the days.
    """
    days = dates(calendar)
    return [Person(f"示例 {number + 1}", _course(days, number, n)) for number in range(n)]


def _course(days: Sequence[dt.date], number: int, n: int) -> frozenset[dt.date]:
    percent = _percent((number + 0.5) * 100 / n)
    kept = round(len(days) * percent / 100)
    gave_up = percent < 50 or (percent < 85 and number % 2 == 1)
    order = range(len(days)) if gave_up else _scattered(len(days), number)
    return frozenset(days[at] for at in order[:kept])


def _scattered(length: int, number: int) -> Sequence[int]:
    """Order the days so that cutting off the tail leaves gaps throughout. Each person gets a different order."""
    return sorted(range(length), key=lambda at: ((at + 1) * _GOLDEN + number * _GOLDEN**2) % 1)


def _percent(place: float) -> float:
    for (left, high), (right, low) in pairwise(_COURSE):
        if place <= right:
            return high + (low - high) * (place - left) / (right - left)
    return 0.0
