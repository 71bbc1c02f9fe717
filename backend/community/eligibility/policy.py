"""Deals (refund policies) as data: parse them, check them against a camp, calculate the refund. Pure functions, fen.

Version 2 (reference fair-deal §3)::

    {"version": 2, "counting": {...}, "conditions": [{"kind": "days_at_least", "days": 15}],
     "payout": {"kind": "all"}, "fee_fen": 0}

All conditions must hold. Then the payout sets the refund of the deposit, which is the payment less the fee.
Version 1, ``{"kind": "threshold", "required_days": 15}``, is read as the deal above.
"""

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field, SerializeAsAny, ValidationError

from backend.community.eligibility.conditions import CONDITIONS, Condition, DaysAtLeast
from backend.community.eligibility.days import Calendar, Counting, Part, Tally, tally
from backend.community.eligibility.payouts import PAYOUTS, All, Payout, PerMiss
from backend.community.eligibility.terms import Kind, KindForm, Problem, Terms, month_day, yuan
from backend.core.fields import field_text
from backend.models.grants import GrantKind

K = TypeVar("K", bound=Kind)

VERSION: Final = 2
_VERSION_1 = frozenset({"kind", "required_days"})
_MOST_DAYS = 1000
_MOST_FEN = 10**9
# Upper limit of the fee, in percent of the payment (fair-deal §3).
MOST_FEE_PERCENT = 50


class UnknownPolicy(ValueError):
    """A stored deal that this version of the program can't read."""


class PolicyRefused(ValueError):
    """A submitted deal that can't be read. ``problems``: field → what is wrong with it, in Chinese."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {text}" for field, text in problems.items()))
        self.problems = dict(problems)


class Policy(Part):
    version: Literal[2] = VERSION
    counting: Counting = Counting()
    conditions: tuple[SerializeAsAny[Condition], ...] = ()
    payout: SerializeAsAny[Payout] = All()
    fee_fen: Annotated[int, Field(strict=True, ge=0, le=_MOST_FEN)] = 0

    @property
    def needs_dates(self) -> bool:
        """Whether a condition needs dates, which the ranking doesn't have."""
        return any(condition.needs_dates for condition in self.conditions)

    def deposit_of(self, paid_fen: int) -> int:
        """The refundable part of a payment, in fen."""
        return max(0, paid_fen - self.fee_fen)

    def terms(self, calendar: Calendar, paid_fen: int) -> Terms:
        return Terms(self.counting, calendar, self.deposit_of(paid_fen))

    def required_days(self, calendar: Calendar) -> int:
        """The least number of days for the whole deposit, before leaves and amnesties.

        Each condition on dates is considered by itself. Together they may need more days.
        """
        terms = self.terms(calendar, 0)
        return max([condition.least(terms) for condition in self.conditions] + [self.payout.days_for_all(terms)])

    def failing(self, tally_: Tally, terms: Terms) -> Iterator[Condition]:
        """The conditions that a member's days don't meet."""
        return (condition for condition in self.conditions if not condition.holds(tally_, terms))

    def pays(self, tally_: Tally, terms: Terms) -> int:
        """The refund for these days, in fen."""
        if any(True for _ in self.failing(tally_, terms)):
            return 0
        return self.payout.amount(tally_, terms.deposit_fen)

    def count(
        self, calendar: Calendar, checked: Collection[dt.date], grants: Mapping[dt.date, GrantKind] | None = None
    ) -> Tally:
        return tally(self.counting, calendar, checked, grants)

    def dump(self) -> dict[str, Any]:
        """The stored form. Default values of ``counting`` are omitted."""
        return {
            "version": VERSION,
            "counting": self.counting.model_dump(mode="json", exclude_defaults=True),
            "conditions": [condition.model_dump(mode="json") for condition in self.conditions],
            "payout": self.payout.model_dump(mode="json"),
            "fee_fen": self.fee_fen,
        }


def threshold(days: int) -> Policy:
    """All or nothing from ``days`` days on, as in version 1."""
    return Policy(conditions=(DaysAtLeast(days=days),))


def parse(stored: Mapping[str, Any]) -> Policy:
    """Parse a stored deal of either version. Raises UnknownPolicy."""
    try:
        text = json.dumps(stored, sort_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnknownPolicy(f"not JSON: {type(error).__name__}") from error
    return _parse(text)


@lru_cache(maxsize=256)
def _parse(text: str) -> Policy:
    try:
        return read(json.loads(text))
    except PolicyRefused as error:
        raise UnknownPolicy(str(error)) from error


def read(written: Any) -> Policy:
    """Parse a submitted deal of either version, from any JSON. Raises PolicyRefused.

    ``problems`` checks the deal against a camp.
    """
    if not isinstance(written, Mapping):
        raise PolicyRefused({"policy": "应为对象"})
    if "version" not in written and written.get("kind") == "threshold":
        return _read_version_1(written)
    if not _is_whole(written.get("version"), VERSION, VERSION):
        raise PolicyRefused({"version": f"不支持的规则版本，应为 {VERSION}"})
    problems = _unknown(written.keys() - Policy.model_fields.keys())
    counting = _read_part(Counting, written.get("counting", {}), "counting", problems)
    conditions = _read_conditions(written.get("conditions", []), problems)
    payout = _read_kind(PAYOUTS, written.get("payout"), "payout", problems)
    fee = written.get("fee_fen", 0)
    if not _is_whole(fee, 0, _MOST_FEN):
        problems["fee_fen"] = f"应为 0 至 {_MOST_FEN} 之间的整数"
    if problems or counting is None or payout is None:
        raise PolicyRefused(problems)
    return Policy(counting=counting, conditions=conditions, payout=payout, fee_fen=fee)


def _read_version_1(written: Mapping[str, Any]) -> Policy:
    problems = _unknown(written.keys() - _VERSION_1)
    days = written.get("required_days")
    if not _is_whole(days, 1, _MOST_DAYS):
        problems["required_days"] = f"应为 1 至 {_MOST_DAYS} 之间的整数"
    if problems:
        raise PolicyRefused(problems)
    return threshold(int(days or 0))


def _is_whole(value: object, least: int, most: int) -> bool:
    """Refuses ``true``, which is 1 in Python, and ``2.0``."""
    return type(value) is int and least <= value <= most


def _unknown(fields: Collection[str]) -> dict[str, str]:
    return dict.fromkeys(sorted(fields), "不认识的字段")


def _read_conditions(written: Any, problems: dict[str, str]) -> tuple[Condition, ...]:
    if not isinstance(written, list) or len(written) > len(CONDITIONS):
        problems["conditions"] = "应为列表，每种条件最多一个"
        return ()
    found = [_read_kind(CONDITIONS, one, f"conditions.{at}", problems) for at, one in enumerate(written)]
    names = [condition.name() for condition in found if condition is not None]
    if len(set(names)) < len(names):
        problems["conditions"] = "每种条件最多一个"
    return tuple(condition for condition in found if condition is not None)


def _read_kind(kinds: Sequence[type[K]], written: Any, at: str, problems: dict[str, str]) -> K | None:
    by_name = {kind.name(): kind for kind in kinds}
    name = written.get("kind") if isinstance(written, Mapping) else None
    if not isinstance(name, str) or name not in by_name:
        problems[f"{at}.kind"] = f"应为 {'、'.join(by_name)} 之一"
        return None
    return _read_part(by_name[name], written, at, problems)


P = TypeVar("P", bound=Part)


def _read_part(part: type[P], written: Any, at: str, problems: dict[str, str]) -> P | None:
    try:
        return part.model_validate(written)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            field = ".".join([at, *(str(step) for step in item["loc"])])
            problems[field] = "不认识的字段" if item["type"] == "extra_forbidden" else field_text(item)
        return None


def problems(policy: Policy, calendar: Calendar, *, paid_fen: int) -> dict[str, str]:
    """Check a deal against a camp: field → Chinese reason. Field names are those of the stored form."""
    terms = policy.terms(calendar, paid_fen)
    found: dict[str, str] = {}
    most_fee = paid_fen * MOST_FEE_PERCENT // 100
    if policy.fee_fen > most_fee:
        found["fee_fen"] = f"服务费不能超过支付金额的 {MOST_FEE_PERCENT}%（{yuan(most_fee)}）"
    if terms.asked == 0:
        found["counting"] = "没有计入打卡的日子，请减少休息日或热身日"
        return found
    found |= dict(_rest_problems(policy.counting, calendar))
    for at, condition in enumerate(policy.conditions):
        found |= _at(f"conditions.{at}", condition.problems(terms))
    found |= _at("payout", policy.payout.problems(terms))
    if not policy.conditions and isinstance(policy.payout, All):
        found["conditions"] = "至少需要一个条件，否则不打卡也会全退"
    for field, text in _contradictions(policy, terms):
        found.setdefault(field, text)
    return found


def _rest_problems(counting: Counting, calendar: Calendar) -> Iterator[Problem]:
    outside = [day for day in counting.rest_dates if day not in calendar]
    if outside:
        yield "counting.rest_dates", f"休息日须在营期内：{'、'.join(month_day(day) for day in outside)}"
    elif len(set(counting.rest_dates)) < len(counting.rest_dates):
        yield "counting.rest_dates", "同一天只能写一次"
    if len(set(counting.rest_weekdays)) < len(counting.rest_weekdays):
        yield "counting.rest_weekdays", "同一天只能写一次"


def _contradictions(policy: Policy, terms: Terms) -> Iterator[Problem]:
    """Contradictions of conditions and payout: a step below the days that the conditions need never applies."""
    most = policy.payout.days_for_all(terms)
    for at, condition in enumerate(policy.conditions):
        if isinstance(condition, DaysAtLeast) and 0 < most < condition.days:
            yield f"conditions.{at}.days", f"多于全退所需的 {most} 天，与退款方式矛盾"
            return
    least = max((condition.least(terms) for condition in policy.conditions), default=0)
    if 0 < most < least:
        yield "payout", f"条件已要求至少 {least} 天，多于全退所需的 {most} 天，部分退还永远用不到"
    elif isinstance(policy.payout, PerMiss) and least >= terms.asked:
        yield "payout", "条件不允许缺卡，按缺卡扣款永远用不到"
    else:
        yield from ((f"payout.{field}", text) for field, text in policy.payout.unreachable(least))


def _at(prefix: str, some: Iterator[Problem]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, text in some:
        found.setdefault(f"{prefix}.{field}", text)
    return found


def kinds() -> tuple[list[KindForm], list[KindForm]]:
    """The kinds that a form offers: conditions, then payouts."""
    return [kind.form() for kind in CONDITIONS], [kind.form() for kind in PAYOUTS]
