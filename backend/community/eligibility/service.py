"""Judge members: the only caller of ``rules.assess`` and the only writer of its results.

Code that changes a fact calls ``recount`` in the same transaction: a sync, an import, a match, a grant, a camp state.
All other code reads the member's columns.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.eligibility import policy as policies
from backend.community.eligibility import repository
from backend.community.eligibility.days import Calendar
from backend.community.eligibility.policy import Policy, UnknownPolicy
from backend.community.eligibility.repository import Counted, LastRun
from backend.community.eligibility.rules import Facts, assess
from backend.core import clock
from backend.models.camps import Camp, CampStatus
from backend.models.grants import GrantKind
from backend.models.members import MatchStatus, Member

log = structlog.get_logger(__name__)

_NOT_BEGUN = (CampStatus.DRAFT, CampStatus.ENROLLING)


@dataclass(frozen=True, slots=True)
class _Seen:
    """How much of the camp's days is known. ``by_sheet``: no sync saw the end, but a sheet of all members' days did.

    ``open_from``: the first day not yet seen in full; None once the end was seen.
    """

    run: LastRun | None
    by_sheet: bool
    open_from: dt.date | None


@dataclass(frozen=True, slots=True)
class _Granted:
    """A member's granted days. ``lowered_by``: amnesties on days with another grant; they also lower the target."""

    days: Mapping[dt.date, GrantKind]
    lowered_by: int


def _granted(own: Mapping[dt.date, GrantKind], amnesties: Collection[dt.date]) -> _Granted:
    """Merge a member's own grants with the camp's amnesties.

    An amnesty also applies to members who paid later and to members with another grant on that day.
    """
    lowered_by = sum(own.get(day, GrantKind.AMNESTY) is not GrantKind.AMNESTY for day in amnesties)
    return _Granted({**dict.fromkeys(amnesties, GrantKind.AMNESTY), **own}, lowered_by)


async def recount(session: AsyncSession, camp: Camp, members: Sequence[Member] | None = None) -> None:
    """Judge ``members`` again from the current facts; None means all members of the camp.

    The caller holds the lock of the camp and of the members it passes. ``judged_at`` stays if the result is unchanged.
    """
    await session.flush()
    if members is None:
        members = await repository.lock_members(session, camp.id)
    if not members:
        return
    seen = await _seen(session, camp)
    people = [user_id for member in members if (user_id := _person(member)) is not None]
    counted = await repository.counted(session, camp.id, people)
    grants = await repository.grants(session, [member.id for member in members])
    amnesties = await repository.amnesties(session, camp.id)
    for member in members:
        granted = _granted(grants.get(member.id, {}), amnesties)
        _judge(member, camp, seen, counted.get(_person(member) or ""), granted)
    await session.flush()


async def _seen(session: AsyncSession, camp: Camp) -> _Seen:
    end = clock.day_start(camp.ends_on + dt.timedelta(days=1))
    run, has_sheet = await repository.last_sources(session, camp.id, end=end)
    saw_end = run is not None and run.started_at >= end
    if saw_end or has_sheet:
        return _Seen(run, has_sheet and not saw_end, None)
    # A sync sees in full only the days before its start day.
    known = clock.day_of(run.started_at) if run is not None else camp.starts_on
    return _Seen(run, by_sheet=False, open_from=max(known, camp.starts_on))


def _person(member: Member) -> str | None:
    """The planet user whose days count for the member; None unless matched."""
    return member.planet_user_id if member.status is MatchStatus.MATCHED else None


def _judge(member: Member, camp: Camp, seen: _Seen, found: Counted | None, granted: _Granted) -> None:
    found = found or Counted()
    _set_counts(member, seen, found)
    facts = _facts(member, camp, seen, found, granted)
    result = assess(_policy_of(member), facts)
    new = {
        "days": result.days,
        "required_days": result.required_days,
        "standing": result.standing,
        "entitled_fen": result.entitled_fen,
        "verdict": result.verdict,
        "verdict_reasons": [reason.value for reason in result.reasons],
        "breakdown": result.breakdown,
    }
    if member.judged_at is None or any(getattr(member, name) != value for name, value in new.items()):
        for name, value in new.items():
            setattr(member, name, value)
        member.judged_at = clock.now()


def _set_counts(member: Member, seen: _Seen, found: Counted) -> None:
    """Store the raw counts of each source, which pages show beside the result."""
    if _person(member) is None or seen.run is None:
        member.days_ranking = member.days_posts = member.counted_at = None
    else:
        member.days_ranking, member.counted_at = found.ranking or 0, seen.run.finished_at
        member.days_posts = (found.posts or 0) if seen.run.posts_read else None
    member.days_import = _sheet(found)[0] if _person(member) is not None else None


def _sheet(found: Counted) -> tuple[int | None, frozenset[dt.date] | None]:
    """Total days by sheets, and their dates if dates are known for all of them; ``(None, None)`` without a sheet.

    Imported dates are merged with those of the posts.
    """
    dates = found.posted | found.imported if found.imported else frozenset()
    if not found.imported and found.sheet_total is None:
        return None, None
    total = max(found.sheet_total or 0, len(dates))
    return total, dates if len(dates) == total else None


def _sheet_with_seen(found: Counted, seen: _Seen) -> tuple[int | None, frozenset[dt.date] | None]:
    """Like ``_sheet``, but at least the days that the last sync saw in the posts."""
    posted = found.posted if seen.run is not None and seen.run.posts_read else frozenset()
    dates = posted | found.imported
    total = max(found.sheet_total or 0, len(dates))
    if not total and found.sheet_total is None:
        return None, None
    return total, dates if len(dates) == total else None


def _facts(member: Member, camp: Camp, seen: _Seen, found: Counted, granted: _Granted) -> Facts:
    # If a sheet stands in for the sync that should have seen the end, syncs no longer count. The days that the last
    # sync saw stay a lower bound, because the sheet may omit members.
    syncs_count = seen.run is not None and not seen.by_sheet and _person(member) is not None
    sheet, sheet_days = _sheet_with_seen(found, seen) if seen.by_sheet else _sheet(found)
    return Facts(
        calendar=Calendar(camp.starts_on, camp.ends_on),
        paid_fen=member.paid_fen,
        begun=camp.status not in _NOT_BEGUN,
        match_status=member.status,
        confidence=member.confidence,
        ranking=(found.ranking or 0) if syncs_count else None,
        posts=found.posted if syncs_count and seen.run is not None and seen.run.posts_read else None,
        sheet=sheet,
        sheet_days=sheet_days,
        grants=granted.days,
        open_from=seen.open_from,
        lowered_by=granted.lowered_by,
    )


def _policy_of(member: Member) -> Policy | None:
    """The deal frozen at payment; None if this version can't read it.

    Raising would stop the judgement of all other members.
    """
    try:
        return policies.parse(member.refund_policy)
    except UnknownPolicy as error:
        log.warning("eligibility.policy_unknown", member_id=str(member.id), reason=str(error))
        return None
