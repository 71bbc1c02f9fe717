"""Deals, camps and members made up by hypothesis: every deal fits its camp."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from hypothesis import strategies as st

from backend.community.eligibility.days import Calendar, Counting, countable
from backend.community.eligibility.policy import Policy, problems, read
from backend.community.eligibility.terms import Terms
from backend.models.grants import GrantKind
from tests.community.eligibility.rule_books import FIRST, date

T = TypeVar("T")

_MOST_DAYS = 35
_PAID = (1, 2, 99, 100, 101, 3_333, 9_900, 10_000, 29_900, 99_999)


@dataclass(frozen=True)
class Deal:
    """A deal, as written too, with its camp and what was paid."""

    written: Mapping[str, Any]
    calendar: Calendar
    paid_fen: int

    @cached_property
    def policy(self) -> Policy:
        return read(self.written)

    @cached_property
    def terms(self) -> Terms:
        return self.policy.terms(self.calendar, self.paid_fen)

    def pays(self, days: frozenset[dt.date], grants: Mapping[dt.date, GrantKind] | None = None) -> int:
        return self.policy.pays(self.policy.count(self.calendar, days, grants), self.terms)


@dataclass(frozen=True)
class Member:
    """Checked days, granted days, one day more, and a day that stands for today."""

    days: frozenset[dt.date]
    grants: Mapping[dt.date, GrantKind]
    more: dt.date
    today: dt.date


class Dice:
    """Choices read from bytes: one draw for a whole deal, since a draw for each choice takes most of the time."""

    def __init__(self, data: bytes) -> None:
        self._left = iter(data)

    def number(self, least: int, most: int) -> int:
        return least + next(self._left) % (most - least + 1)

    def one_of(self, some: Sequence[T]) -> T:
        return some[self.number(0, len(some) - 1)]

    def some_of(self, some: Sequence[T], most: int) -> list[T]:
        """Up to so many different ones."""
        return list(dict.fromkeys(self.one_of(some) for _ in range(self.number(0, most))))

    def bits(self, length: int) -> int:
        return int.from_bytes(bytes(self.number(0, 255) for _ in range(-(-length // 8))), "big")


def _deal(dice: Dice) -> Deal:
    length = dice.number(1, _MOST_DAYS)
    calendar = Calendar(FIRST, date(length))
    counting = _counting(dice)
    is_asked = countable(Counting.model_validate(counting), calendar)
    asked = [number for number, asks in enumerate(is_asked, 1) if asks]
    if not asked:
        counting, asked = {}, list(range(1, length + 1))
    paid = dice.one_of(_PAID)
    fee = dice.number(0, 255) * (paid // 2) // 255 if dice.number(0, 1) else 0
    conditions, least = _conditions(dice, asked)
    payout = _payout(dice, len(asked), least, paid - fee)
    if not conditions and payout["kind"] == "all":
        conditions = [{"kind": "days_at_least", "days": len(asked)}]
    written = {"version": 2, "counting": counting, "conditions": conditions, "payout": payout, "fee_fen": fee}
    return Deal(written, calendar, paid)


def _counting(dice: Dice) -> dict[str, Any]:
    if dice.number(0, 2) == 0:
        return {}
    return {
        "rest_weekdays": dice.some_of(range(1, 8), 3),
        "warmup_days": dice.one_of((0, 0, 1, 7)),
        "bonus_days": bool(dice.number(0, 1)),
        "leave_total": dice.number(0, 10),
        "leave_means": dice.one_of(("lowers_target", "counts_as_day")),
        "makeup_total": dice.number(0, 5),
    }


def _conditions(dice: Dice, asked: list[int]) -> tuple[list[dict[str, Any]], int]:
    """Conditions in any order, and the number of days they ask for."""
    found: list[dict[str, Any]] = []
    least = 0
    for kind in dice.some_of(("days", "week", "gap", "must"), 3):
        if kind == "days":
            least = dice.number(1, len(asked))
            found.append({"kind": "days_at_least", "days": least})
        elif kind == "week":
            found.append({"kind": "every_week_at_least", "days": dice.number(1, 7)})
        elif kind == "gap":
            found.append({"kind": "no_gap_over", "days": dice.number(0, len(asked) - 1)})
        else:
            musts = dice.some_of(asked, 3) or asked[:1]
            found.append({"kind": "must_days", "dates": [date(number).isoformat() for number in musts]})
    return found, least


def _payout(dice: Dice, asked: int, least: int, deposit_fen: int) -> dict[str, Any]:
    kind = dice.one_of(("all", "pro_rata", "tiers", "per_miss"))
    first, step = max(1, least), dice.one_of((1, 10, 100))
    if kind == "all":
        return {"kind": kind}
    if kind == "per_miss":
        return {"kind": kind, "deduct_fen": min(deposit_fen, dice.number(1, 200) * dice.one_of((1, 10)))}
    if kind == "pro_rata":
        full = dice.number(first, asked)
        return {"kind": kind, "min": dice.one_of((0, 1, dice.number(first, full))), "full_at": full, "step_fen": step}
    days = sorted({dice.number(first, asked) for _ in range(dice.number(1, 4))})
    percents = sorted(dice.some_of(range(1, 100), 12)[: len(days) - 1])
    rows = [*zip(days[len(days) - 1 - len(percents) :], percents, strict=False), (days[-1], 100)]
    return {"kind": kind, "tiers": [list(row) for row in rows], "step_fen": step}


def _member(dice: Dice, deal: Deal) -> Member:
    length = len(deal.calendar)
    bits = dice.bits(length)
    for _ in range(dice.number(0, 3)):
        # Keen ones, or hardly any condition would ever hold.
        bits |= dice.bits(length)
    days = frozenset(day for at, day in enumerate(deal.calendar) if bits >> at & 1)
    kinds = list(GrantKind)
    grants = {date(dice.number(1, length)): dice.one_of(kinds) for _ in range(dice.number(0, 5))}
    return Member(days, grants, date(dice.number(1, length)), date(dice.number(1, length)))


def _course(data: bytes) -> tuple[Deal, Member]:
    dice = Dice(data)
    deal = _deal(dice)
    return deal, _member(dice, deal)


_BYTES = st.binary(min_size=100, max_size=100)
courses = _BYTES.map(_course)
# Of random parts some contradict each other; a camp is never published with such a deal.
deals = _BYTES.map(lambda data: _deal(Dice(data))).filter(
    lambda deal: problems(deal.policy, deal.calendar, paid_fen=deal.paid_fen) == {}
)
