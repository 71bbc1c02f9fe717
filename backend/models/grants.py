"""Days granted to members."""

from enum import StrEnum


class GrantKind(StrEnum):
    """``leave`` and ``amnesty`` excuse a day, the others stand for a check-in (reference fair-deal §4)."""

    LEAVE = "leave"
    MAKEUP = "makeup"
    APPEAL = "appeal"
    AMNESTY = "amnesty"
    COACH = "coach"
