"""Texts of a deal: one short sentence, the full text and worked examples. All pages and messages use these texts."""

from collections.abc import Iterator
from dataclasses import dataclass

from backend.community.eligibility.days import Calendar, Counting, Tally, tally_of_total
from backend.community.eligibility.policy import Policy
from backend.community.eligibility.terms import Terms, month_day, yuan

_WEEKDAYS = "一二三四五六日"
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Example:
    """The refund for one attendance pattern. ``days``: the days that count."""

    text: str
    days: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Words:
    """``short``: for a card or a message. ``full``: line by line. ``examples``: amounts calculated by the deal."""

    short: str
    full: tuple[str, ...]
    examples: tuple[Example, ...]


def describe(policy: Policy, calendar: Calendar, *, paid_fen: int) -> Words:
    """Describe a deal for a camp and a payment in fen."""
    terms = policy.terms(calendar, paid_fen)
    return Words(short(policy, calendar, paid_fen=paid_fen), tuple(_full(policy, terms)), _examples(policy, terms))


def short(policy: Policy, calendar: Calendar, *, paid_fen: int) -> str:
    """One sentence without its full stop."""
    terms = policy.terms(calendar, paid_fen)
    parts = [f"{len(calendar)} 天", *(condition.words(terms) for condition in policy.conditions)]
    if policy.conditions and not policy.conditions[0].needs_dates:
        parts[:2] = ["".join(parts[:2])]
    parts.append(policy.payout.words(terms))
    if policy.fee_fen:
        parts.append(f"另含服务费 {yuan(policy.fee_fen)} 不退")
    return "，".join(parts)


def _full(policy: Policy, terms: Terms) -> Iterator[str]:
    yield f"营期 {len(terms.calendar)} 天，其中 {terms.asked} 天计入打卡。"
    yield "同一天发多条只算一天，以北京时间 0 点到 24 点为一天。"
    yield from _counting(policy.counting)
    for condition in policy.conditions:
        yield f"{condition.words(terms)}，否则不退。"
    yield f"押金 {yuan(terms.deposit_fen)}：{policy.payout.words(terms)}。"
    if policy.fee_fen:
        yield f"支付金额另含服务费 {yuan(policy.fee_fen)}，开营后不退。"


def _counting(counting: Counting) -> Iterator[str]:
    rest = [f"每周{_WEEKDAYS[day - 1]}" for day in sorted(set(counting.rest_weekdays))]
    rest += [month_day(day) for day in sorted(counting.rest_dates)]
    bonus = "，打了卡也算天数" if counting.bonus_days else "，打卡不计天数"
    if rest:
        yield f"休息日：{'、'.join(rest)}，不算缺卡{bonus}。"
    if counting.warmup_days:
        yield f"前 {counting.warmup_days} 天是热身，不算缺卡{bonus}。"
    if counting.leave_total:
        yield _leave(counting)
    if counting.makeup_total:
        yield f"缺卡可在之后 {counting.makeup_within_days} 天内补卡，最多 {counting.makeup_total} 次。"


def _leave(counting: Counting) -> str:
    eve, time = counting.leave_until.startswith("-1 "), counting.leave_until[-5:]
    weekly = f"，每 7 天最多 {counting.leave_per_week} 次" if counting.leave_per_week else ""
    means = "按已打卡计算" if counting.leave_means == "counts_as_day" else "每请一天，要求的天数少一天（最多减半）"
    return f"可请假 {counting.leave_total} 次{weekly}，须在{'前一天' if eve else '当天'} {time} 前提出；{means}。"


def _examples(policy: Policy, terms: Terms) -> tuple[Example, ...]:
    """At most three: full attendance, then near misses to show where money is lost, then half of the days."""
    found: dict[str, Example] = {}
    for text, counted in _courses(policy, terms):
        amount = policy.pays(counted, terms)
        found.setdefault(text, Example(f"{text}，退 {yuan(amount)}", counted.days, amount))
    return tuple(list(found.values())[:_EXAMPLES])


def _courses(policy: Policy, terms: Terms) -> Iterator[tuple[str, Tally]]:
    yield "每天打卡", policy.count(terms.calendar, frozenset(terms.asked_days))
    for condition in policy.conditions:
        text, days = condition.counterexample(terms)
        yield text, policy.count(terms.calendar, days)
    edge = policy.payout.days_for_all(terms)
    # Assume that conditions on dates hold. Otherwise the example would show their failure, not the number's effect.
    given = "，且满足日期要求" if policy.needs_dates else ""
    for number in (edge - 1, terms.asked // 2, 1):
        if 0 < number < terms.asked:
            counted = tally_of_total(terms.counting, terms.calendar, number, assumed=True)
            yield f"累计打卡 {number} 天{given}", counted
