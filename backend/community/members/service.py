"""Members: row locks, and whether they joined the group."""

import uuid
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.members import repository
from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.models.members import Member
from backend.office.audit import service as audit


async def lock_member(session: AsyncSession, member_id: uuid.UUID) -> Member:
    """Lock the member's row. Raises NotFound."""
    member = await repository.locked(session, member_id)
    if member is None:
        raise NotFound("会员不存在")
    return member


async def camp_of(session: AsyncSession, member_id: uuid.UUID) -> uuid.UUID:
    """The id of the member's camp, which never changes. Raises NotFound."""
    camp_id = await repository.camp_of(session, member_id)
    if camp_id is None:
        raise NotFound("会员不存在")
    return camp_id


async def mark_joined(session: AsyncSession, member_id: uuid.UUID, *, joined: bool, actor: Actor) -> Member:
    """Record whether a member is in the camp's chat group. Idempotent. Raises NotFound."""
    member = await lock_member(session, member_id)
    _mark_joined(session, member, joined=joined, actor=actor)
    return member


async def mark_many_joined(
    session: AsyncSession,
    member_ids: Collection[uuid.UUID],
    *,
    joined: bool,
    actor: Actor,
    camp_ids: Collection[uuid.UUID] | None,
) -> dict[uuid.UUID, str]:
    """Like ``mark_joined``, for many members.

    Returns member id → ``ok``, ``not_found``, or ``forbidden`` outside ``camp_ids`` (None: all camps).
    """
    rows = await repository.some_locked(session, member_ids)
    codes = {}
    for member_id in member_ids:
        member = rows.get(member_id)
        if member is None:
            codes[member_id] = "not_found"
        elif camp_ids is not None and member.camp_id not in camp_ids:
            codes[member_id] = "forbidden"
        else:
            _mark_joined(session, member, joined=joined, actor=actor)
            codes[member_id] = "ok"
    return codes


def _mark_joined(session: AsyncSession, member: Member, *, joined: bool, actor: Actor) -> None:
    if member.joined == joined:
        return
    member.joined, member.joined_at = joined, clock.now() if joined else None
    audit.record(
        session,
        actor,
        "member.join" if joined else "member.unjoin",
        target_type="member",
        target_id=member.id,
        target_name=member.planet_nickname,
        camp_id=member.camp_id,
        before={"joined": not joined},
        after={"joined": joined},
    )
