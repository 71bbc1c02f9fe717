"""Facts about a member with sane defaults; a test names only what it is about."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from backend.community.eligibility.days import Calendar
from backend.community.eligibility.policy import Policy, read
from backend.community.eligibility.rules import Assessment, Facts, assess
from backend.models.grants import GrantKind
from backend.models.members import MatchStatus
from tests.community.eligibility.rule_books import FIRST, date, dates

PAID = 9_900


def camp(length: int = 21) -> Calendar:
    return Calendar(FIRST, FIRST + dt.timedelta(days=length - 1))


def facts(calendar: Calendar | None = None, paid_fen: int = PAID, **known: Any) -> Facts:
    """A matched member of a camp whose end was seen; without a ``ranking`` of its own it says what the posts say."""
    posts = known.get("posts")
    given: dict[str, Any] = {"begun": True, "match_status": MatchStatus.MATCHED, "confidence": 100}
    if posts is not None:
        given["ranking"] = len(posts)
    return Facts(calendar=calendar or camp(), paid_fen=paid_fen, **given | known)


def granted(grants: Mapping[int, GrantKind]) -> dict[dt.date, GrantKind]:
    return {date(number): kind for number, kind in grants.items()}


def finished(
    policy: Policy,
    days: Iterable[int],
    grants: Mapping[int, GrantKind] | None = None,
    *,
    calendar: Calendar | None = None,
    paid_fen: int = PAID,
) -> Assessment:
    """The end of a member with complete posts, which the ranking confirms."""
    return assess(policy, facts(calendar, paid_fen, posts=dates(days), grants=granted(grants or {})))


def policy(*conditions: Mapping[str, Any], payout: Mapping[str, Any] | None = None, **others: Any) -> Policy:
    written = {"version": 2, "conditions": list(conditions), "payout": payout or {"kind": "all"}, **others}
    return read(written)
