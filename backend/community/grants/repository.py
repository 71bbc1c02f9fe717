"""SQL query for the list of granted days that staff see."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.pagination import Page, PageRequest, fetch_page
from backend.models.camps import Camp
from backend.models.grants import DayGrant, GrantKind
from backend.models.members import Member
from backend.models.staff import Staff


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A granted day with its member, its camp and the name of the staff who granted it."""

    grant: DayGrant
    member: Member
    camp_name: str
    granted_by: str | None


async def page(
    session: AsyncSession,
    request: PageRequest,
    *,
    camp_ids: Collection[uuid.UUID] | None,
    camp_id: uuid.UUID | None,
    member_id: uuid.UUID | None,
    kind: GrantKind | None,
) -> Page[GrantRow]:
    """Grants, newest first. ``camp_ids``: the viewer's scope; None means all camps."""
    statement = (
        select(DayGrant, Member, Camp.name, Staff.display_name)
        .join(Member, Member.id == DayGrant.member_id)
        .join(Camp, Camp.id == DayGrant.camp_id)
        .outerjoin(Staff, Staff.id == DayGrant.granted_by)
        .order_by(DayGrant.created_at.desc(), DayGrant.id.desc())
    )
    if camp_ids is not None:
        statement = statement.where(DayGrant.camp_id.in_(camp_ids))
    same = {DayGrant.camp_id: camp_id, DayGrant.member_id: member_id, DayGrant.kind: kind}
    statement = statement.where(*(column == value for column, value in same.items() if value is not None))
    return (await fetch_page(session, statement, request)).map(lambda row: GrantRow(*row))
