"""Match members to planet people: automatically after payment and after each sync, or manually by staff.

Lock order: the camp row, then its member rows. The camp lock serializes all matching in the camp.
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
    """``data.member_id`` is the member matched to the person."""

    code, message = "planet_user_taken", "该星球成员已匹配给本训练营的另一位会员"


class MemberClosed(Conflict):
    code, message = "member_closed", "该会员已标记为无法匹配，请先重新打开"


class MemberNotClosed(Conflict):
    code, message = "member_not_closed", "该会员没有被标记为无法匹配"


class MatchingOver(Conflict):
    code, message = "matching_over", "训练营已归档，不能再修改匹配"


async def match_member(session: AsyncSession, member: Member, camp: Camp, *, actor: Actor) -> None:
    """Match one member right after payment and evaluate eligibility. The caller holds the camp and member locks.

    If another member typed the same number, their automatic match is revoked: both become ``conflict``.
    """
    changed = [member] if camp.planet_id is None else await _match_one(session, member, camp.planet_id, actor)
    await eligibility.recount(session, camp, changed)


async def _match_one(session: AsyncSession, member: Member, planet_id: uuid.UUID, actor: Actor) -> list[Member]:
    """Returns the members whose match may have changed."""
    if _settled_by_hand(member):
        return [member]
    form, number = form_of(member), rules.digits(member.planet_number)
    # SQL can't preselect people: names are compared folded, and a nickname may contradict a number.
    known = await repository.people(session, planet_id)
    people = People(known)
    claimed = rules.claim(form, people).person
    person = next((one for one in known if one.user_id == claimed), None)
    numbers = {member.planet_number, *([number] if number else []), *rules.numbers_of(person)}
    rivals = await repository.rivals_locked(session, member, numbers=numbers, person=person)
    outcome = rules.decide({each.id: _entry(each) for each in (member, *rivals)}, people)
    # Only this member and its rivals were loaded. That is enough to decide this member and to revoke rivals' matches.
    # It isn't enough to give a rival a new match; the next match of the whole camp does that.
    losing = [each for each in rivals if each.id in outcome and outcome[each.id].planet_user_id is None]
    changes = [(each, outcome[each.id]) for each in (member, *losing)]
    await _apply(session, changes, actor)
    return [each for each, _ in changes]


async def match_camp(session: AsyncSession, camp_id: uuid.UUID, actor: Actor) -> dict[str, int]:
    """Rematch all members of a camp and re-evaluate eligibility. Raises NotFound, MatchingOver.

    Returns the number of ``members``, of members per match status, and of ``changed`` matches.
    """
    camp = await _open_camp(session, camp_id)
    everybody = await repository.members_locked(session, camp_id)
    changed = await _match_all(session, camp, everybody, actor)
    statuses = Counter(member.status.value for member in everybody)
    summary = {status.value: statuses[status.value] for status in MatchStatus}
    return {"members": len(everybody), **summary, "changed": changed}


async def _match_all(session: AsyncSession, camp: Camp, everybody: Sequence[Member], actor: Actor) -> int:
    """Rematch all locked members of a camp and re-evaluate them. Returns how many matches changed."""
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
    """Replace the planet data a member typed. The caller holds the camp lock and has checked permission.

    Rematches the whole camp: the old data may have conflicted with another member's, and the new data may conflict too.
    Raises MatchingOver.
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
    """Match a member by hand. Automatic matching never changes it.

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
    """Revoke a match or suggestion; automatic matching may set it again.

    Raises NotFound, MemberClosed, MatchingOver.
    """
    member, camp = await _locked(session, member_id)
    if member.status is MatchStatus.CLOSED:
        raise MemberClosed
    if member.status is MatchStatus.UNMATCHED:
        return member
    by_hand(session, member, Match(MatchStatus.UNMATCHED, note=reason), actor, "member.unmatch")
    await eligibility.recount(session, camp, [member])
    return member


async def close(session: AsyncSession, member_id: uuid.UUID, *, actor: Actor, reason: str) -> Member:
    """Mark a member as unmatchable (无法匹配). Raises NotFound, MemberClosed, MatchingOver."""
    member, camp = await _locked(session, member_id)
    if member.status is MatchStatus.CLOSED:
        raise MemberClosed
    by_hand(session, member, Match(MatchStatus.CLOSED, note=reason), actor, "member.close")
    await eligibility.recount(session, camp, [member])
    return member


async def reopen(session: AsyncSession, member_id: uuid.UUID, *, actor: Actor, reason: str | None = None) -> Member:
    """Make a closed member matchable again. Raises NotFound, MemberNotClosed, MatchingOver."""
    member, camp = await _locked(session, member_id)
    if member.status is not MatchStatus.CLOSED:
        raise MemberNotClosed
    by_hand(session, member, Match(MatchStatus.UNMATCHED, note=reason), actor, "member.reopen")
    await eligibility.recount(session, camp, [member])
    return member


def by_hand(session: AsyncSession, member: Member, match: Match, actor: Actor, action: str) -> None:
    """Write and audit a staff decision. The reason is the match's note.

    The caller holds the camp and member locks, ensures that no other member is matched to the person, and re-evaluates
    eligibility afterwards.
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
    """Lock a member and its camp, camp first. Raises NotFound, MatchingOver."""
    camp_id = await members.camp_of(session, member_id)
    camp = await _open_camp(session, camp_id)
    return await members.lock_member(session, member_id), camp


async def _apply(session: AsyncSession, changes: Iterable[tuple[Member, Match]], actor: Actor) -> int:
    """Write automatic matches; returns how many members changed."""
    real = [(member, match) for member, match in changes if _differs(member, match)]
    await _release(session, real, actor)
    for member, match in real:
        _set(session, member, match, actor)
    return len(real)


async def _release(session: AsyncSession, changes: Iterable[tuple[Member, Match]], actor: Actor) -> None:
    """Unmatch people who change members and flush first.

    Otherwise the new match violates uq_members_camp_planet_user (one member per person).
    """
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
    """Whether automatic matching must not change this member."""
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
