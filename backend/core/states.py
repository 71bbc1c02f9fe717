"""State machines as data: a table beside each enum lists the allowed transitions."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)


class IllegalMove(Exception):
    """A transition that isn't in the table. This is a programming error: services check the state first."""


class Transitions(Generic[S]):
    """The allowed transitions. States without an entry are final."""

    def __init__(self, table: Mapping[S, frozenset[S]]) -> None:
        self._table = table

    def after(self, state: S) -> frozenset[S]:
        return self._table.get(state, frozenset())

    def check(self, old: S, new: S) -> None:
        """Raise :class:`IllegalMove` unless ``old`` → ``new`` is in the table."""
        if new not in self.after(old):
            raise IllegalMove(f"{old} → {new}")
