"""Batch matching decisions by staff. Each member succeeds or fails independently.

Lock order: camp rows by id, then member rows.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.community.eligibility import service as eligibility
from backend.community.matching import repository, service
from backend.community.matching.rules import Match
from backend.community.matching.service import MatchingOver, MemberClosed, PlanetUserTaken
from backend.community.members import repository as member_rows
from backend.core.actor import Actor
from backend.models.camps import Camp, CampStatus
from backend.models.members import MatchMethod, MatchStatus, Member

# Member → ``ok``, or the error code that the single-member operation would raise.
Codes = dict[uuid.UUID, str]


class _Held:
    """The members of a batch and their camps, all locked."""

    def __init__(self, camp_rows: Sequence[Camp], rows: dict[uuid.UUID, Member]) -> None:
        self.camps = {camp.id: camp for camp in camp_rows}
        self.rows = rows

    def open_member(self, member_id: uuid.UUID) -> Member | str:
        """The member, or the error code that excludes them from the batch."""
        member = self.rows.get(member_id)
        if member is None:
            return "not_found"
        if self.camps[member.camp_id].status is CampStatus.ARCHIVED:
            return MatchingOver.code
        return MemberClosed.code if member.status is MatchStatus.CLOSED else member


async def _hold(session: AsyncSession, ids: Sequence[uuid.UUID]) -> _Held:
    camp_rows = [await camps.lock_camp(session, camp_id) for camp_id in await repository.camps_of(session, ids)]
    return _Held(camp_rows, await member_rows.some_locked(session, ids))


async def close_many(session: AsyncSession, ids: Sequence[uuid.UUID], *, actor: Actor, reason: str) -> Codes:
    """Mark members as unmatchable (无法匹配), all with the same reason."""
    held, codes = await _hold(session, ids), Codes()
    for member_id in ids:
        member = held.open_member(member_id)
        if isinstance(member, str):
            codes[member_id] = member
            continue
        service.by_hand(session, member, Match(MatchStatus.CLOSED, note=reason), actor, "member.close")
        codes[member_id] = "ok"
    await _recount(session, held, codes)
    return codes


async def confirm_many(session: AsyncSession, ids: Sequence[uuid.UUID], *, actor: Actor) -> Codes:
    """Confirm automatic name matches: each becomes a manual match with confidence 100.

    ``nothing_to_confirm``: the member has no suggestion, or its confidence is already 100. If two members of the batch
    would get the same person, both are refused.
    """
    held, codes, chosen = await _hold(session, ids), Codes(), list[Member]()
    for member_id in ids:
        member = held.open_member(member_id)
        if isinstance(member, str):
            codes[member_id] = member
        elif member.planet_user_id is None or member.confidence == 100:
            codes[member_id] = "nothing_to_confirm"
        else:
            chosen.append(member)
    for camp in held.camps.values():
        of_camp = [member for member in chosen if member.camp_id == camp.id]
        codes |= await _confirm(session, camp, of_camp, actor)
    await _recount(session, held, codes)
    return codes


async def _confirm(session: AsyncSession, camp: Camp, chosen: Sequence[Member], actor: Actor) -> Codes:
    claimed = [member.planet_user_id for member in chosen if member.planet_user_id is not None]
    own = {member.planet_user_id for member in chosen if member.status is MatchStatus.MATCHED}
    taken = await repository.held_people(session, camp.id) - own
    codes = Codes()
    for member in chosen:
        user_id = member.planet_user_id
        if user_id in taken or claimed.count(user_id or "") > 1:
            codes[member.id] = PlanetUserTaken.code
        else:
            _give(session, member, actor)
            codes[member.id] = "ok"
    return codes


def _give(session: AsyncSession, member: Member, actor: Actor) -> None:
    match = Match(MatchStatus.MATCHED, 100, MatchMethod.MANUAL, member.planet_user_id, "批量确认系统的匹配结果")
    service.by_hand(session, member, match, actor, "member.match")


async def _recount(session: AsyncSession, held: _Held, codes: Codes) -> None:
    """Re-evaluate eligibility of the members whose code is ``ok``."""
    for camp in held.camps.values():
        decided = [row for row in held.rows.values() if row.camp_id == camp.id and codes.get(row.id) == "ok"]
        await eligibility.recount(session, camp, decided)
