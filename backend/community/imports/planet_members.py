"""Import of a planet's member export, to learn which user id a number belongs to.

The export has numbers and names; the rankings have user ids and names. A number certainly belongs to a user id only if
the sheet has both, or 知识星球 itself returned the number. If exactly one listed member and one known person share a
name, the number is stored on the person as *listed*. Matching treats it like a name match: 66, never 100.
"""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.community.imports import member_sheet, repository
from backend.community.imports.member_sheet import ListedMember, MemberSheet
from backend.community.imports.outcome import ImportHasErrors, Outcome, Upload
from backend.community.imports.recording import record
from backend.community.matching import service as matching
from backend.community.matching.rules import Person, names_of
from backend.community.planets import repository as planets
from backend.community.planets.service import get_planet
from backend.core import clock
from backend.core.actor import Actor
from backend.core.text import folded
from backend.models.imports import ImportKind, PlanetMember
from backend.models.planets import Planet, PlanetUser

_FIELDS = [field.name for field in fields(ListedMember)]


async def preview(session: AsyncSession, planet_id: uuid.UUID, upload: Upload) -> Outcome:
    """Changes and errors of the sheet, without writing. Raises NotFound."""
    planet = await get_planet(session, planet_id)
    return (await _compare(session, planet, upload)).outcome


async def apply(session: AsyncSession, planet_id: uuid.UUID, upload: Upload, *, actor: Actor) -> Outcome:
    """Write the list and rematch the planet's camps. Idempotent: the same sheet again changes nothing.

    Raises NotFound, ImportHasErrors.
    """
    # Lock camps before the planet. A sync holds its camp's lock while it writes the planet's people, so the reverse
    # order could deadlock.
    camp_ids = await repository.live_camps(session, planet_id)
    for camp_id in camp_ids:
        await camps.lock_camp(session, camp_id)
    await planets.by_id(session, planet_id, lock=True)
    planet = await get_planet(session, planet_id)
    found = await _compare(session, planet, upload)
    if found.outcome.errors:
        raise ImportHasErrors(found.outcome)
    if found.outcome.is_empty:
        earlier = await repository.same_today(
            session, planet_id=planet_id, camp_id=None, sha256=upload.sha256, whole=upload.whole
        )
        if earlier is not None:
            return replace(found.outcome, import_id=earlier)
    written = await record(session, found.outcome, upload, planet, actor)
    await found.write(session, written.id)
    await _learn(session, planet_id)
    for camp_id in camp_ids:
        await matching.match_camp(session, camp_id, actor)
    return replace(found.outcome, import_id=written.id)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Sheet against stored data: the rows to write, and the members missing from a whole list."""

    planet_id: uuid.UUID
    changed: Sequence[ListedMember]
    gone: Sequence[PlanetMember]
    outcome: Outcome

    async def write(self, session: AsyncSession, import_id: uuid.UUID) -> None:
        shared = {"planet_id": self.planet_id, "import_id": import_id, "updated_at": clock.now()}
        await repository.save_listed(session, [asdict(member) | shared for member in self.changed])
        for member in self.gone:
            member.left, member.import_id, member.updated_at = True, import_id, clock.now()
        await session.flush()


async def _compare(session: AsyncSession, planet: Planet, upload: Upload) -> _Comparison:
    # In a thread: parsing tens of thousands of rows would block the event loop and every other request.
    sheet: MemberSheet = await asyncio.to_thread(member_sheet.read, upload.sheet)
    stored = await repository.listed(session, planet.id)
    new = [member for number, member in sheet.members.items() if number not in stored]
    changed = [
        member for number, member in sheet.members.items() if number in stored and _differs(member, stored[number])
    ]
    gone = [row for number, row in stored.items() if number not in sheet.members and not row.left]
    gone = gone if upload.whole else []
    outcome = Outcome(
        kind=ImportKind.PLANET_MEMBERS,
        rows=len(upload.sheet.rows),
        added=len(new),
        changed=len(changed),
        unchanged=len(sheet.members) - len(new) - len(changed),
        removed=len(gone),
        errors=sheet.errors.found,
    )
    return _Comparison(planet.id, [*new, *changed], gone, outcome)


def _differs(member: ListedMember, row: PlanetMember) -> bool:
    # Ignore a stored user id if the sheet has none: _learn() adds ids, and reapplying the sheet must change nothing.
    names = [name for name in _FIELDS if name != "user_id" or member.user_id is not None]
    return any(getattr(member, name) != getattr(row, name) for name in names)


async def _learn(session: AsyncSession, planet_id: uuid.UUID) -> None:
    """Link listed members and known people by user id or number, then update listed numbers."""
    listed = await repository.listed(session, planet_id)
    people = await repository.people(session, planet_id)
    now = clock.now()
    for member in listed.values():
        if member.user_id is None:
            continue
        person = people.get(member.user_id)
        if person is None:
            person = PlanetUser(planet_id=planet_id, user_id=member.user_id, name=member.nickname, updated_at=now)
            session.add(person)
            people[member.user_id] = person
        person.number, person.left = member.number, member.left
    by_number = {person.number: person for person in people.values() if person.number is not None}
    for member in listed.values():
        if member.user_id is None and member.number in by_number:
            member.user_id = by_number[member.number].user_id
            by_number[member.number].left = member.left
    _list_numbers(listed.values(), people.values())
    await session.flush()


def _list_numbers(listed: Iterable[PlanetMember], people: Iterable[PlanetUser]) -> None:
    """Set ``listed_number`` of people without a number, where exactly one person and one listed member share a name."""
    members: defaultdict[str, list[PlanetMember]] = defaultdict(list)
    for member in listed:
        members[folded(member.nickname)].append(member)
    persons: defaultdict[str, list[PlanetUser]] = defaultdict(list)
    for person in people:
        person.listed_number = None
        for name in names_of(Person(person.user_id, None, person.name, person.alias)):
            persons[name].append(person)
    for name, found in persons.items():
        candidates = members.get(name, [])
        if len(found) == len(candidates) == 1 and found[0].number is None and candidates[0].user_id is None:
            found[0].listed_number = candidates[0].number
