"""Giving members their planet person: by machine after payment and after each sync, by hand when staff decide.

Lock order: the camp's row, then its members' rows. Whoever holds the camp is alone with its matches.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.community.eligibility import service as eligibility
from backend.community.matching import repository, rules
from backend.community.matching.rules import Entry, Form, Match, People
from backend.community.members import service as members
from backend.core.actor import Actor
from backend.core.errors import Conflict, Invalid
from backend.models.camps import Camp, CampStatus
from backend.models.history import move
from backend.models.members import MatchMethod, MatchStatus, Member
from backend.office.audit import service as audit


class PlanetUserTaken(Conflict):
    """``data.member_id`` is who has the person."""

    code, message = "planet_user_taken", "该星球成员已匹配给本训练营的另一位会员"


class MemberClosed(Conflict):
    code, message = "member_closed", "该会员已标记为无法匹配，请先重新打开"


class MemberNotClosed(Conflict):
    code, message = "member_not_closed", "该会员没有被标记为无法匹配"


class MatchingOver(Conflict):
    code, message = "matching_over", "训练营已归档，不能再修改匹配"


async def match_member(session: AsyncSession, member: Member, camp: Camp, *, actor: Actor) -> None:
    """Look for one member's planet person, right after payment, and judge them. The caller holds camp and member.

    A machine match of somebody who typed the same number is taken back: both become ``conflict``.
    """
    changed = [member] if camp.planet_id is None else await _match_one(session, member, camp.planet_id, actor)
    await eligibility.recount(session, camp, changed)


async def _match_one(session: AsyncSession, member: Member, planet_id: uuid.UUID, actor: Actor) -> list[Member]:
    """Returns the members whose match may be another one now."""
    if _settled_by_hand(member):
        return [member]
    form, number = form_of(member), rules.digits(member.planet_number)
    # Everybody must be read: names are compared folded, and a nickname may speak against a number.
    known = await repository.people(session, planet_id)
    people = People(known)
    claimed = rules.claim(form, people).person
    person = next((one for one in known if one.user_id == claimed), None)
    numbers = {member.planet_number, *([number] if number else []), *rules.numbers_of(person)}
    rivals = await repository.rivals_locked(session, member, numbers=numbers, person=person)
    outcome = rules.decide({each.id: _entry(each) for each in (member, *rivals)}, people)
    # Not all members were looked at. That suffices to decide for this one and to see who of the rivals loses their
    # person; what a rival may gain is left to the next match of the whole camp.
    losing = [each for each in rivals if each.id in outcome and outcome[each.id].planet_user_id is None]
    changes = [(each, outcome[each.id]) for each in (member, *losing)]
    await _apply(session, changes, actor)
    return [each for each, _ in changes]


async def match_camp(session: AsyncSession, camp_id: uuid.UUID, actor: Actor) -> dict[str, int]:
    """Match all members of a camp anew, and judge everybody anew. Raises NotFound, MatchingOver.

    Returns how many ``members`` there are, how many of each match status, and how many ``changed``.
    """
    camp = await _open_camp(session, camp_id)
    everybody = await repository.members_locked(session, camp_id)
    changed = await _match_all(session, camp, everybody, actor)
    statuses = Counter(member.status.value for member in everybody)
    summary = {status.value: statuses[status.value] for status in MatchStatus}
    return {"members": len(everybody), **summary, "changed": changed}


async def _match_all(session: AsyncSession, camp: Camp, everybody: Sequence[Member], actor: Actor) -> int:
    """Decide for all members of a camp, held, and judge them anew. Returns how many matches changed."""
    changed = 0
    if camp.planet_id is not None:
        people = People(await repository.people(session, camp.planet_id))
        outcome = rules.decide({member.id: _entry(member) for member in everybody}, people)
        changes = [(member, outcome[member.id]) for member in everybody if member.id in outcome]
        changed = await _apply(session, changes, actor)
    await eligibility.recount(session, camp, everybody)
    return changed


async def retype(
    session: AsyncSession, member: Member, *, planet_nickname: str, planet_number: str, actor: Actor
) -> None:
    """A member corrects the planet data they typed. The caller holds the camp and has seen that they may.

    The whole camp is matched anew: what they typed before may have stood in somebody's way, and what they type now may
    belong to somebody else. Raises MatchingOver.
    """
    camp = await _open_camp(session, member.camp_id)
    everybody = await repository.members_locked(session, camp.id)
    before = _typed(member) | _state(member)
    member.planet_nickname, member.planet_number = planet_nickname, planet_number
    await _match_all(session, camp, everybody, actor)
    old, new = audit.difference(before, _typed(member) | _state(member))
    audit.record(
        session, actor, "member.correct", target_type="member", target_id=member.id,
        target_name=member.planet_nickname, camp_id=camp.id, before=old, after=new,
    )  # fmt: skip


async def match_manually(
    session: AsyncSession, member_id: uuid.UUID, *, planet_user_id: str, actor: Actor, reason: str | None = None
) -> Member:
    """A person says who a member is; no machine changes it again.

    Raises NotFound, Invalid (no such person), PlanetUserTaken, MatchingOver.
    """
    member, camp = await _locked(session, member_id)
    person = await repository.person(session, camp.planet_id, planet_user_id) if camp.planet_id else None
    if person is None:
        raise Invalid({"planet_user_id": "星球中没有这位成员"})
    taken_by = await repository.holder(session, camp.id, planet_user_id, other_than=member.id)
    if taken_by is not None:
        raise PlanetUserTaken(data={"member_id": str(taken_by)})
    match = Match(MatchStatus.MATCHED, 100, MatchMethod.MANUAL, planet_user_id, reason)
    before = _state(member)
    await _release(session, [(member, match)], actor)
    _set(session, member, match, actor)
    await eligibility.recount(session, camp, [member])
    _audit(session, actor, "member.match", member, before, reason)
    return member


async def unmatch(session: AsyncSession, member_id: uuid.UUID, *, actor: Actor, reason: str | None = None) -> Member:
    """Take a match or suggestion back; the machine may match again. Raises NotFound, MemberClosed, MatchingOver."""
    member, camp = await _locked(session, member_id)
    if member.status is MatchStatus.CLOSED:
        raise MemberClosed
    if member.status is MatchStatus.UNMATCHED:
        return member
    by_hand(session, member, Match(MatchStatus.UNMATCHED, note=reason), actor, "member.unmatch")
    await eligibility.recount(session, camp, [member])
    return member


async def close(session: AsyncSession, member_id: uuid.UUID, *, actor: Actor, reason: str) -> Member:
    """Say that a member can't be matched (无法匹配). Raises NotFound, MemberClosed, MatchingOver."""
    member, camp = await _locked(session, member_id)
    if member.status is MatchStatus.CLOSED:
        raise MemberClosed
    by_hand(session, member, Match(MatchStatus.CLOSED, note=reason), actor, "member.close")
    await eligibility.recount(session, camp, [member])
    return member


async def reopen(session: AsyncSession, member_id: uuid.UUID, *, actor: Actor, reason: str | None = None) -> Member:
    """Let a closed member be matched again. Raises NotFound, MemberNotClosed, MatchingOver."""
    member, camp = await _locked(session, member_id)
    if member.status is not MatchStatus.CLOSED:
        raise MemberNotClosed
    by_hand(session, member, Match(MatchStatus.UNMATCHED, note=reason), actor, "member.reopen")
    await eligibility.recount(session, camp, [member])
    return member


def by_hand(session: AsyncSession, member: Member, match: Match, actor: Actor, action: str) -> None:
    """Write what a person decided, for the reason in the match's note; the caller judges the member anew.

    The caller holds camp and member, and no other member is matched to the person.
    """
    before = _state(member)
    _set(session, member, match, actor, event=action.removeprefix("member."))
    _audit(session, actor, action, member, before, match.note)


async def _open_camp(session: AsyncSession, camp_id: uuid.UUID) -> Camp:
    camp = await camps.lock_camp(session, camp_id)
    if camp.status is CampStatus.ARCHIVED:
        raise MatchingOver
    return camp


async def _locked(session: AsyncSession, member_id: uuid.UUID) -> tuple[Member, Camp]:
    """A member and its camp, locked in that lock's order: camp first."""
    camp_id = await members.camp_of(session, member_id)
    camp = await _open_camp(session, camp_id)
    return await members.lock_member(session, member_id), camp


async def _apply(session: AsyncSession, changes: Iterable[tuple[Member, Match]], actor: Actor) -> int:
    """Write what the machine found; returns how many members it changed."""
    real = [(member, match) for member, match in changes if _differs(member, match)]
    await _release(session, real, actor)
    for member, match in real:
        _set(session, member, match, actor)
    return len(real)


async def _release(session: AsyncSession, changes: Iterable[tuple[Member, Match]], actor: Actor) -> None:
    """Free the people who change hands before anybody else gets them: the database knows one holder only."""
    for member, match in changes:
        if member.status is MatchStatus.MATCHED and member.planet_user_id != match.planet_user_id:
            gets_another = match.status is MatchStatus.MATCHED
            _set(session, member, Match(MatchStatus.UNMATCHED) if gets_another else match, actor)
    await session.flush()


def _set(session: AsyncSession, member: Member, match: Match, actor: Actor, *, event: str = "match") -> None:
    if member.status is not match.status:
        move(session, member, match.status, event=event, actor=actor, note=match.note)
    member.confidence, member.match_method = match.confidence, match.method
    member.planet_user_id, member.match_note = match.planet_user_id, match.note


def _differs(member: Member, match: Match) -> bool:
    now = (member.status, member.confidence, member.match_method, member.planet_user_id)
    return now != (match.status, match.confidence, match.method, match.planet_user_id)


def _settled_by_hand(member: Member) -> bool:
    """Whether the machine must leave this member alone."""
    return member.status is MatchStatus.CLOSED or member.match_method is MatchMethod.MANUAL


def form_of(member: Member) -> Form:
    """What the member typed."""
    return Form(member.planet_number, member.planet_nickname, member.wechat_nickname)


def _entry(member: Member) -> Entry:
    by_hand = member.planet_user_id if member.match_method is MatchMethod.MANUAL else None
    return Entry(form_of(member), by_hand, closed=member.status is MatchStatus.CLOSED)


def _typed(member: Member) -> dict[str, object]:
    return {"planet_nickname": member.planet_nickname, "planet_number": member.planet_number}


def _state(member: Member) -> dict[str, object]:
    return {
        "match_status": member.status.value,
        "confidence": member.confidence,
        "match_method": member.match_method.value if member.match_method else None,
        "planet_user_id": member.planet_user_id,
    }


def _audit(
    session: AsyncSession, actor: Actor, action: str, member: Member, before: dict[str, object], reason: str | None
) -> None:
    old, new = audit.difference(before, _state(member))
    audit.record(
        session,
        actor,
        action,
        target_type="member",
        target_id=member.id,
        target_name=member.planet_nickname,
        camp_id=member.camp_id,
        before=old,
        after=new,
        note=reason,
    )
