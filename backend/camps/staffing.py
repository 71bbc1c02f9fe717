"""Who works in a camp: coaches lead it, volunteers help; both see only the camps they stand in."""

import uuid
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit import service as audit
from backend.camps import repository
from backend.core.actor import Actor
from backend.models.camps import Camp, CampStaff, CampStaffKind
from backend.models.staff import StaffRole
from backend.staff import repository as staff

Ids = frozenset[uuid.UUID]


async def assigned(session: AsyncSession, camp_id: uuid.UUID) -> tuple[Ids, Ids]:
    """Ids of the camp's coaches and volunteers."""
    rows = await repository.assignments(session, camp_id)
    coaches = frozenset(row.staff_id for row in rows if row.kind is CampStaffKind.COACH)
    return coaches, frozenset(row.staff_id for row in rows if row.kind is CampStaffKind.VOLUNTEER)


async def problems(
    session: AsyncSession, *, coach_ids: Collection[uuid.UUID], volunteer_ids: Collection[uuid.UUID]
) -> dict[str, str]:
    """Why these people can't be added: field name → Chinese text."""
    found = {}
    for field, ids, role, text in (
        ("coach_ids", coach_ids, StaffRole.COACH, "包含不存在、已停用或角色不是教练的人员"),
        ("volunteer_ids", volunteer_ids, StaffRole.VOLUNTEER, "包含不存在、已停用或角色不是志愿者的人员"),
    ):
        if ids and len(await staff.active_with_role(session, ids, role)) < len(ids):
            found[field] = text
    return found


async def assign(session: AsyncSession, actor: Actor, camp: Camp, *, coach_ids: Ids, volunteer_ids: Ids) -> None:
    """Make these the camp's people; the change is in the audit log, and works from their next request on."""
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


def _as_json(people: set[tuple[uuid.UUID, CampStaffKind]]) -> dict[str, list[str]]:
    return {f"{kind}_ids": sorted(str(staff_id) for staff_id, of in people if of is kind) for kind in CampStaffKind}
