"""Shared by the kinds of conditions and payouts: form descriptions of their fields, and amounts in words."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic import Field
from pydantic.fields import FieldInfo

from backend.community.eligibility.days import Calendar, Counting, Part, countable
from backend.core.money import format_yuan

# The form control of a field: a number of days, an amount, a choice of numbers, dates, or rows of day and percent.
Unit = Literal["days", "fen", "step", "dates", "tiers"]

# A field within one part of the deal, and what is wrong with it: ("full_at", "…").
Problem = tuple[str, str]


def described(label: str, unit: Unit, **limits: Any) -> Any:
    """A field with the label and unit that a form needs. Numbers are strict: ``"7"`` and ``true`` are refused."""
    strict = True if unit in ("days", "fen") else None
    return Field(title=label, json_schema_extra={"unit": unit}, strict=strict, **limits)


@dataclass(frozen=True, slots=True)
class FieldForm:
    """One field of a kind, as a form shows it. ``default`` is None if a person has to choose."""

    name: str
    label: str
    unit: str
    default: Any


@dataclass(frozen=True, slots=True)
class KindForm:
    """A kind of condition or payout as a form offers it."""

    kind: str
    label: str
    fields: tuple[FieldForm, ...]


@dataclass(frozen=True)
class Terms:
    """What a deal applies to: the camp's days, and the refundable part of the payment in fen."""

    counting: Counting
    calendar: Calendar
    deposit_fen: int

    @cached_property
    def is_asked(self) -> tuple[bool, ...]:
        """For each day of the camp whether a check-in is asked for."""
        return countable(self.counting, self.calendar)

    @cached_property
    def asked_days(self) -> list[dt.date]:
        """The countable days of the camp."""
        return [day for day, asked in zip(self.calendar, self.is_asked, strict=True) if asked]

    @cached_property
    def asked(self) -> int:
        """The number of countable days."""
        return sum(self.is_asked)


class Kind(Part):
    """One kind of condition or payout. A subclass names itself by the literal type of ``kind``."""

    @classmethod
    def name(cls) -> str:
        return str(cls.model_fields["kind"].default)

    @classmethod
    def form(cls) -> KindForm:
        fields = {name: info for name, info in cls.model_fields.items() if name != "kind"}
        described_fields = tuple(
            FieldForm(name, info.title or name, _unit(info), _default(info)) for name, info in fields.items()
        )
        return KindForm(cls.name(), cls.model_fields["kind"].title or cls.name(), described_fields)

    def problems(self, terms: Terms) -> Iterator[Problem]:  # noqa: ARG002 - for subclasses
        """What is unreachable or contradictory in this camp."""
        return iter(())


def _unit(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    return str(extra["unit"]) if isinstance(extra, Mapping) else "days"


def _default(info: FieldInfo) -> Any:
    return None if info.is_required() else info.get_default(call_default_factory=True)


def yuan(fen: int) -> str:
    """``9900`` → ``¥99``, ``9950`` → ``¥99.50``."""
    return "¥" + format_yuan(fen).removesuffix(".00")


def month_day(day: dt.date) -> str:
    """``3月1日``."""
    return f"{day.month}月{day.day}日"
