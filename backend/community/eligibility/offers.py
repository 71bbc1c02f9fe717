"""What a camp offers, or what a member agreed to: a stored deal applied to days and an amount."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from backend.community.eligibility import policy as policies
from backend.community.eligibility.conditions import DaysAtLeast
from backend.community.eligibility.days import Calendar, countable
from backend.community.eligibility.policy import Policy, UnknownPolicy
from backend.community.eligibility.words import Example, describe
from backend.models.camps import Camp
from backend.models.members import Member

UNREADABLE = "退款规则的版本无法识别，请联系技术人员"


@dataclass(frozen=True, slots=True)
class Offer:
    """A deal prepared for display. ``required_days``: the least number of days that can refund the whole deposit.

    If this version can't read the deal, ``required_days`` is None, ``fee_fen`` is 0, there are no examples, and every
    day of the camp counts.
    """

    required_days: int | None
    short: str
    full: tuple[str, ...]
    examples: tuple[Example, ...]
    fee_fen: int
    countable_days: frozenset[dt.date]

    def days_left(self, today: dt.date, *, done: Collection[dt.date] = ()) -> int:
        """Countable days from ``today`` on that aren't in ``done``."""
        return sum(day >= today and day not in done for day in self.countable_days)


def offer_of(row: Camp | Member, camp: Camp) -> Offer:
    """The deal that a camp offers, or that a camp's member agreed to."""
    paid_fen = row.paid_fen if isinstance(row, Member) else row.deposit_fen
    return offer(row.refund_policy, starts_on=camp.starts_on, ends_on=camp.ends_on, paid_fen=paid_fen)


def offer(stored: Mapping[str, Any], *, starts_on: dt.date, ends_on: dt.date, paid_fen: int) -> Offer:
    """Describe a stored deal for the days of a camp and a payment. A deal that can't be read gives a placeholder."""
    try:
        policy = policies.parse(stored)
    except UnknownPolicy:
        return Offer(None, UNREADABLE, (UNREADABLE,), (), 0, frozenset(Calendar(starts_on, ends_on)))
    return _offer(policy, Calendar(starts_on, ends_on), paid_fen)


@lru_cache(maxsize=512)
def _offer(policy: Policy, calendar: Calendar, paid_fen: int) -> Offer:
    words = describe(policy, calendar, paid_fen=paid_fen)
    is_asked = countable(policy.counting, calendar)
    days = frozenset(day for day, asked in zip(calendar, is_asked, strict=True) if asked)
    return Offer(policy.required_days(calendar), words.short, words.full, words.examples, policy.fee_fen, days)


def fee_of(stored: Mapping[str, Any], *, paid_fen: int) -> int:
    """The fee within a payment, in fen; 0 if this version can't read the deal."""
    try:
        return min(policies.parse(stored).fee_fen, paid_fen)
    except UnknownPolicy:
        return 0


def normal(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a stored deal to the newest form. A deal that this version can't read is returned unchanged."""
    try:
        return policies.parse(stored).dump()
    except UnknownPolicy:
        return dict(stored)


def same_deal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two stored deals are equal, in whatever version. If one can't be read, the stored forms are compared."""
    try:
        return policies.parse(one) == policies.parse(other)
    except UnknownPolicy:
        return one == other


def is_plain(stored: Mapping[str, Any]) -> bool:
    """Whether a stored deal, in whatever version, is only a number of days with all or nothing refunded."""
    try:
        policy = policies.parse(stored)
    except UnknownPolicy:
        return False
    return any(policy == policies.threshold(each.days) for each in policy.conditions if isinstance(each, DaysAtLeast))
