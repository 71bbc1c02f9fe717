"""Members: the days that count for them, and whether they joined the group."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from backend.audit import service as audit
from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.members import repository
from backend.members.rules import Assessment, assess
from backend.models.members import MatchStatus, Member


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What the last complete sync of a camp says: who isn't in ``by_person`` has no day; ``counted_at`` is None before
    the first. ``imported`` is what sheets say of some.
    """

    counted_at: dt.datetime | None
    posts_read: bool
    by_person: Mapping[str, tuple[int, int | None]]
    imported: Mapping[str, int] = field(default_factory=dict)

    def of(self, planet_user_id: str) -> tuple[int | None, int | None]:
        """Days by the ranking, and by the posts; None for the posts when they weren't read, for both before a sync."""
        if self.counted_at is None:
            return None, None
        ranking, posts = self.by_person.get(planet_user_id, (0, None))
        return ranking, (posts or 0) if self.posts_read else None


async def day_counts(
    session: AsyncSession, camp_id: uuid.UUID, *, planet_user_ids: Sequence[str] | None = None
) -> DayCounts | None:
    """The counts of the camp (or of some people only); None while neither a complete sync nor a sheet has spoken."""
    run = await repository.last_complete_run(session, camp_id)
    imported = await repository.imported_days(session, camp_id, planet_user_ids=planet_user_ids)
    if run is None or run.finished_at is None:
        return DayCounts(None, False, {}, imported) if imported else None
    totals = await repository.day_totals(session, camp_id, planet_user_ids=planet_user_ids)
    return DayCounts(run.finished_at, run.posts_read, totals, imported)


def set_days(member: Member, counts: DayCounts | None) -> None:
    """Give a member the days of the planet person they are matched to; without a match nothing counts."""
    if counts is None or member.status is not MatchStatus.MATCHED or member.planet_user_id is None:
        member.days_ranking = member.days_posts = member.days_import = member.counted_at = None
        return
    member.days_ranking, member.days_posts = counts.of(member.planet_user_id)
    member.days_import = counts.imported.get(member.planet_user_id)
    member.counted_at = counts.counted_at


def assessment(member: Member) -> Assessment:
    """What is owed to a member as things stand now."""
    return assess(
        member.refund_policy,
        days_ranking=member.days_ranking,
        days_posts=member.days_posts,
        match_status=member.status,
        confidence=member.confidence,
        days_import=member.days_import,
    )


async def get_member(session: AsyncSession, member_id: uuid.UUID) -> Member:
    """The member, with its row locked. Raises NotFound."""
    member = await repository.locked(session, member_id)
    if member is None:
        raise NotFound("会员不存在")
    return member


async def camp_of(session: AsyncSession, member_id: uuid.UUID) -> uuid.UUID:
    """The member's camp, which never changes. Raises NotFound."""
    camp_id = await repository.camp_of(session, member_id)
    if camp_id is None:
        raise NotFound("会员不存在")
    return camp_id


async def mark_joined(session: AsyncSession, member_id: uuid.UUID, *, joined: bool, actor: Actor) -> Member:
    """Note that a member is, or isn't, in the camp's chat group; saying it twice changes nothing. Raises NotFound."""
    member = await get_member(session, member_id)
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
    """The same for many: ``ok``, ``not_found``, or ``forbidden`` outside ``camp_ids`` (None: all camps)."""
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
