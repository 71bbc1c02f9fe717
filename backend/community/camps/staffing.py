"""Staff of a camp: coaches lead it, volunteers help. Both see only the camps they are assigned to."""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import repository
from backend.core.actor import Actor
from backend.core.errors import Conflict, Invalid
from backend.models.camps import Camp, CampStaff, CampStaffKind, CampStatus
from backend.models.staff import Staff, StaffRole
from backend.office.audit import service as audit
from backend.office.staff import repository as staff

Ids = frozenset[uuid.UUID]


async def assigned(session: AsyncSession, camp_id: uuid.UUID) -> tuple[Ids, Ids]:
    """Ids of the camp's coaches and volunteers."""
    rows = await repository.assignments(session, camp_id)
    coaches = frozenset(row.staff_id for row in rows if row.kind is CampStaffKind.COACH)
    return coaches, frozenset(row.staff_id for row in rows if row.kind is CampStaffKind.VOLUNTEER)


async def problems(
    session: AsyncSession, *, coach_ids: Collection[uuid.UUID], volunteer_ids: Collection[uuid.UUID]
) -> dict[str, str]:
    """Why these people can't be assigned: field name → Chinese text."""
    found = {}
    for field, ids, role, text in (
        ("coach_ids", coach_ids, StaffRole.COACH, "包含不存在、已停用或角色不是教练的人员"),
        ("volunteer_ids", volunteer_ids, StaffRole.VOLUNTEER, "包含不存在、已停用或角色不是志愿者的人员"),
    ):
        if ids and len(await staff.active_with_role(session, ids, role)) < len(ids):
            found[field] = text
    return found


async def assign(session: AsyncSession, actor: Actor, camp: Camp, *, coach_ids: Ids, volunteer_ids: Ids) -> None:
    """Replace the camp's staff and write the change to the audit log. Takes effect from their next request on."""
    rows = await repository.assignments(session, camp.id)
    wanted = {(staff_id, CampStaffKind.COACH) for staff_id in coach_ids}
    wanted |= {(staff_id, CampStaffKind.VOLUNTEER) for staff_id in volunteer_ids}
    present = {(row.staff_id, row.kind) for row in rows}
    if wanted == present:
        return
    for row in rows:
        if (row.staff_id, row.kind) not in wanted:
            await session.delete(row)
    session.add_all(CampStaff(camp_id=camp.id, staff_id=staff_id, kind=kind) for staff_id, kind in wanted - present)
    await session.flush()
    audit.record(
        session, actor, "camp.staff.change", target_type="camp", target_id=camp.id, target_name=camp.name,
        camp_id=camp.id, before=_as_json(present), after=_as_json(wanted),
    )  # fmt: skip


class LastCoach(Conflict):
    """``data.camps``: the camps that would have no coach left, ``[{id, name}]``."""

    code, message = "last_coach", "训练营没有其他在职教练，请先为它安排另一名教练"


KIND_OF_ROLE = {StaffRole.COACH: CampStaffKind.COACH, StaffRole.VOLUNTEER: CampStaffKind.VOLUNTEER}


async def relist(session: AsyncSession, actor: Actor, person: Staff, *, role: StaffRole, camp_ids: Ids | None) -> None:
    """Set the camps that a person is assigned to, as coach or volunteer according to ``role`` (the new one).

    ``camp_ids`` None keeps the camps that fit the role. Archived camps don't change. A published camp keeps at least
    one active coach. Locks the camps, so the caller must not hold the person's lock yet. Raises Invalid, LastCoach.
    """
    kind, listed = KIND_OF_ROLE.get(role), await repository.listings(session, person.id)
    if camp_ids is None:
        camp_ids = frozenset(camp_id for camp_id, kinds in listed.items() if kind in kinds)
    if camp_ids and kind is None:
        raise Invalid({"camp_ids": "只有教练和志愿者需要指定训练营"})
    if camp_ids - set(listed) and not person.active:
        raise Invalid({"camp_ids": "账号已停用，不能加入训练营"})
    wanted = {camp_id: {kind} if camp_id in camp_ids else set() for camp_id in {*listed, *camp_ids}}
    camps = []
    for camp_id in sorted(camp_id for camp_id, kinds in wanted.items() if kinds != listed.get(camp_id, set())):
        camp = await repository.by_id(session, camp_id, lock=True)
        if camp is None or camp.status is CampStatus.ARCHIVED:
            raise Invalid({"camp_ids": "包含不存在或已归档的训练营"})
        camps.append(camp)
    await _keep_a_coach(session, person, [camp for camp in camps if CampStaffKind.COACH not in wanted[camp.id]])
    for camp in camps:
        coaches, volunteers = (people - {person.id} for people in await assigned(session, camp.id))
        coaches |= {person.id} if CampStaffKind.COACH in wanted[camp.id] else set()
        volunteers |= {person.id} if CampStaffKind.VOLUNTEER in wanted[camp.id] else set()
        await assign(session, actor, camp, coach_ids=coaches, volunteer_ids=volunteers)


async def _keep_a_coach(session: AsyncSession, person: Staff, leaving: Sequence[Camp]) -> None:
    """Raise LastCoach if this person is the only active coach of a published camp in ``leaving``."""
    alone = await repository.only_coach_in(session, [person.id])
    left = [camp for camp in leaving if (person.id, camp.id) in alone]
    if left:
        names = "".join(f"「{camp.name}」" for camp in left)
        camps = [{"id": str(camp.id), "name": camp.name} for camp in left]
        raise LastCoach(f"{names}没有其他在职教练，请先安排另一名教练", data={"camps": camps})


def _as_json(people: set[tuple[uuid.UUID, CampStaffKind]]) -> dict[str, list[str]]:
    return {f"{kind}_ids": sorted(str(staff_id) for staff_id, of in people if of is kind) for kind in CampStaffKind}
