"""State machines as data: a table beside the enum says which moves exist."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)


class IllegalMove(Exception):
    """A move the table doesn't have: a programming error, since services look before they move."""


class Transitions(Generic[S]):
    """Which state may follow which. States without an entry are final."""

    def __init__(self, table: Mapping[S, frozenset[S]]) -> None:
        self._table = table

    def after(self, state: S) -> frozenset[S]:
        return self._table.get(state, frozenset())

    def check(self, old: S, new: S) -> None:
        """Raise :class:`IllegalMove` unless ``old`` → ``new`` is in the table."""
        if new not in self.after(old):
            raise IllegalMove(f"{old} → {new}")
