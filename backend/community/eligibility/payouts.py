"""Payouts of a deal: the refund once all conditions hold (reference fair-deal §3). Pure functions; amounts in fen.

To add a kind, add a class here, an entry in ``PAYOUTS`` and a test. Parsing, checks, texts, forms and previews follow.
"""

from abc import abstractmethod
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from typing_extensions import override

from backend.community.eligibility.days import Part, Tally
from backend.community.eligibility.terms import Kind, Problem, Terms, described, yuan


def _whole(value: Any) -> Any:
    """Refuse ``true`` and ``10.0``, which a ``Literal`` of numbers would accept as 1 and 10."""
    if type(value) is not int:
        raise ValueError("应为整数")
    return value


Step = Annotated[Literal[1, 10, 100], BeforeValidator(_whole)]


def _rounding(step_fen: int) -> str:
    return "" if step_fen == 1 else f"，向下取整到 {yuan(step_fen)}"


class Payout(Kind):
    """Invariants: more days never pay less, and no member gets more than the deposit."""

    @abstractmethod
    def amount(self, tally: Tally, deposit_fen: int) -> int:
        """The refund for these days, in fen."""

    @abstractmethod
    def days_for_all(self, terms: Terms) -> int:
        """The least number of days that refunds the whole deposit."""

    def unreachable(self, least: int) -> Iterator[Problem]:  # noqa: ARG002 - for subclasses
        """Parts of the payout that never apply, because a condition refuses fewer than ``least`` days."""
        return iter(())

    @abstractmethod
    def words(self, terms: Terms) -> str:
        """The payout as a fragment of a Chinese sentence."""

    @abstractmethod
    def formula(self, tally: Tally, deposit_fen: int) -> str:
        """How the amount is calculated, in Chinese, for a person to check."""


class All(Payout):
    """Refund the whole deposit."""

    kind: Literal["all"] = Field("all", title="全额退还")

    @override
    def amount(self, tally: Tally, deposit_fen: int) -> int:
        return deposit_fen

    @override
    def days_for_all(self, terms: Terms) -> int:
        return 0

    @override
    def words(self, terms: Terms) -> str:
        return "全额退还"

    @override
    def formula(self, tally: Tally, deposit_fen: int) -> str:
        return "条件已满足，全额退还"


class ProRata(Payout):
    """Refund by the day: nothing below ``min`` days, the whole deposit from ``full_at``, a proportion in between.

    The proportion is rounded down to ``step_fen``.
    """

    kind: Literal["pro_rata"] = Field("pro_rata", title="按天退还")
    min: int = described("从几天起退", "days", ge=0, le=1000)
    full_at: int = described("满几天全退", "days", ge=1, le=1000)
    step_fen: Step = described("取整到", "step", default=1)

    @override
    def problems(self, terms: Terms) -> Iterator[Problem]:
        if self.full_at > terms.asked:
            yield "full_at", f"全退天数须在 1 至 {terms.asked} 天之间"
        if self.min > self.full_at:
            yield "min", "起退天数不能多于全退天数"

    @override
    def unreachable(self, least: int) -> Iterator[Problem]:
        # 0 and 1 mean "from the first day", and a condition may raise that. A higher ``min`` would never apply.
        if 1 < self.min < least:
            yield "min", f"少于累计打卡的条件（{least} 天），永远用不到"

    @override
    def amount(self, tally: Tally, deposit_fen: int) -> int:
        full = tally.lowered(self.full_at)
        if tally.days >= full:
            return deposit_fen
        if tally.days < tally.lowered(self.min):
            return 0
        return deposit_fen * tally.days // full // self.step_fen * self.step_fen

    @override
    def days_for_all(self, terms: Terms) -> int:
        return self.full_at

    @override
    def words(self, terms: Terms) -> str:
        begin = f"打卡满 {self.min} 天起" if self.min > 1 else ""
        share = f"每天退 {self.full_at} 分之一{_rounding(self.step_fen)}"
        return f"{begin}按天退还，{share}，满 {self.full_at} 天全退"

    @override
    def formula(self, tally: Tally, deposit_fen: int) -> str:
        full = tally.lowered(self.full_at)
        if tally.days >= full:
            return f"满 {full} 天全退"
        if tally.days < tally.lowered(self.min):
            return f"不足 {tally.lowered(self.min)} 天不退"
        return f"{yuan(deposit_fen)} × {tally.days}/{full}{_rounding(self.step_fen)}"


class Tier(Part):
    """From ``from_day`` days on, refund ``percent`` of the deposit."""

    from_day: Annotated[int, Field(strict=True, ge=1, le=1000)]
    percent: Annotated[int, Field(strict=True, ge=1, le=100)]


def _from_pair(value: Any) -> Any:
    """Accept ``[6, 40]`` as short for ``{"from_day": 6, "percent": 40}``."""
    if isinstance(value, list | tuple) and len(value) == 2:
        return {"from_day": value[0], "percent": value[1]}
    return value


class Tiers(Payout):
    """Refund the percentage of the highest tier reached, rounded down to ``step_fen``."""

    kind: Literal["tiers"] = Field("tiers", title="阶梯退还")
    tiers: tuple[Annotated[Tier, BeforeValidator(_from_pair)], ...] = described(
        "阶梯", "tiers", min_length=1, max_length=10
    )
    step_fen: Step = described("取整到", "step", default=1)

    @override
    def problems(self, terms: Terms) -> Iterator[Problem]:
        pairs = list(pairwise(self.tiers))
        if any(low.from_day >= high.from_day or low.percent >= high.percent for low, high in pairs):
            yield "tiers", "天数和比例都须逐级递增"
        if self.tiers[-1].percent != 100:
            yield "tiers", "最后一级须退 100%"
        if self.tiers[-1].from_day > terms.asked:
            yield "tiers", f"天数须在 1 至 {terms.asked} 天之间"

    @override
    def unreachable(self, least: int) -> Iterator[Problem]:
        never = [low for low, high in pairwise(self.tiers) if high.from_day <= least]
        if never:
            yield "tiers", f"累计打卡的条件是 {least} 天，「满 {never[0].from_day} 天」一级永远用不到"

    def _percent(self, tally: Tally) -> int:
        reached = [tier.percent for tier in self.tiers if tally.days >= tally.lowered(tier.from_day)]
        return max(reached, default=0)

    @override
    def amount(self, tally: Tally, deposit_fen: int) -> int:
        percent = self._percent(tally)
        share = deposit_fen * percent // 100 // self.step_fen * self.step_fen
        return deposit_fen if percent == 100 else share

    @override
    def days_for_all(self, terms: Terms) -> int:
        return self.tiers[-1].from_day

    @override
    def words(self, terms: Terms) -> str:
        *lower, last = self.tiers
        steps = [f"打卡满 {tier.from_day} 天退 {tier.percent}%" for tier in lower]
        rounding = _rounding(self.step_fen) if lower else ""
        return "，".join([*steps, f"{'' if lower else '打卡'}满 {last.from_day} 天全退"]) + rounding

    @override
    def formula(self, tally: Tally, deposit_fen: int) -> str:
        percent = self._percent(tally)
        if not percent:
            return f"不足 {tally.lowered(self.tiers[0].from_day)} 天不退"
        return f"{yuan(deposit_fen)} × {percent}%" + (_rounding(self.step_fen) if percent < 100 else "")


class PerMiss(Payout):
    """Deduct a fixed amount from the deposit for each missed day, down to 0."""

    kind: Literal["per_miss"] = Field("per_miss", title="每缺一天扣")
    deduct_fen: int = described("每缺一天扣", "fen", ge=1, le=10**9)

    @override
    def problems(self, terms: Terms) -> Iterator[Problem]:
        if self.deduct_fen > terms.deposit_fen:
            yield "deduct_fen", f"每天扣的金额不能超过押金 {yuan(terms.deposit_fen)}"

    @override
    def amount(self, tally: Tally, deposit_fen: int) -> int:
        return max(0, deposit_fen - tally.missed * self.deduct_fen)

    @override
    def days_for_all(self, terms: Terms) -> int:
        return terms.asked

    @override
    def words(self, terms: Terms) -> str:
        return f"每缺一天扣 {yuan(self.deduct_fen)}，余额退还"

    @override
    def formula(self, tally: Tally, deposit_fen: int) -> str:
        if not tally.missed:
            return "没有缺卡，全额退还"
        return f"{yuan(deposit_fen)} − 缺 {tally.missed} 天 × {yuan(self.deduct_fen)}"


PAYOUTS: tuple[type[Payout], ...] = (All, ProRata, Tiers, PerMiss)
