"""Read a camp's check-in project from 知识星球 into memory, page by page. Nothing is stored here."""

import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import structlog

from backend.core import clock
from backend.gateways import zsxq
from backend.gateways.errors import GatewayError
from backend.gateways.zsxq import PlanetMember, Post, RankingRow, Totals
from backend.models.planets import Planet

log = structlog.get_logger(__name__)

# Above this many new people, listing all members costs fewer calls than one look-up per person.
LIST_MEMBERS_FROM = 20
# Each look-up takes a second or more, so the rest waits for the following nights.
MAX_LOOKUPS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to read. Both dates are inclusive."""

    run_id: uuid.UUID
    camp_id: uuid.UUID
    planet: Planet
    checkin_id: str
    starts_on: dt.date
    ends_on: dt.date
    read_posts: bool


@dataclass(slots=True)
class Reading:
    """What was read so far. ``error`` ended the reading early; ``numbers_error`` ended only the number look-up."""

    totals: Totals | None = None
    people: dict[str, RankingRow] = field(default_factory=dict)
    ranking_ended: bool = False
    posts: list[Post] = field(default_factory=list)
    posts_ended: bool = False
    members: dict[str, PlanetMember] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    pages: int = 0
    malformed: int = 0
    error: GatewayError | None = None
    numbers_error: GatewayError | None = None

    @property
    def is_short(self) -> bool:
        """Whether the ranking has fewer people than the reported total (``checkined_count``)."""
        return self.totals is not None and len(self.people) < self.totals.checkined_count


# Reports progress. Raises RunOver if the run was ended meanwhile.
Beat = Callable[[Reading], Awaitable[None]]


async def read_project(view: zsxq.Planet, plan: Plan, reading: Reading, beat: Beat) -> None:
    """Read totals, ranking and posts. A GatewayError ends the reading and is kept in ``reading.error``."""
    try:
        # Clear the client's memory of a refused token. The planet's row decides whether the token may be used;
        # without this, a credential saved again or found valid elsewhere would still be refused here.
        view.trust()
        await _read_ranking(view, plan, reading, beat)
        if reading.is_short:
            # Rows move between pages while the ranking is read. A second reading tells that from a real gap.
            await _read_ranking(view, plan, reading, beat)
        if plan.read_posts and not reading.is_short:
            await _read_posts(view, plan, reading, beat)
    except GatewayError as error:
        log.warning("checkins.reading_failed", camp_id=str(plan.camp_id), code=error.code, detail=error.message)
        reading.error = error


async def _read_ranking(view: zsxq.Planet, plan: Plan, reading: Reading, beat: Beat) -> None:
    reading.people.clear()
    reading.ranking_ended = False
    reading.totals = await view.totals(plan.checkin_id)
    async with aclosing(view.iter_ranking(plan.checkin_id)) as pages:
        async for page in pages:
            reading.people.update((row.user_id, row) for row in page.rows)
            reading.malformed += page.malformed
            reading.pages += 1
            await beat(reading)
    reading.ranking_ended = True


async def _read_posts(view: zsxq.Planet, plan: Plan, reading: Reading, beat: Beat) -> None:
    """Read the posts since the camp's first day.

    An unreadable post at worst makes its author's ranking and post counts differ, which leads to a manual review.
    """
    async with aclosing(view.iter_posts(plan.checkin_id, until=clock.day_start(plan.starts_on))) as pages:
        async for page in pages:
            reading.posts += page.posts
            reading.malformed += page.malformed
            reading.pages += 1
            await beat(reading)
    reading.posts_ended = True


async def look_up_numbers(view: zsxq.Planet, new: Sequence[str], reading: Reading, beat: Beat) -> None:
    """Look up the planet numbers (星球编号) of new people; rankings don't contain them.

    Counts don't depend on numbers, so a GatewayError ends only the look-up. The next night's run retries the rest.
    """
    try:
        if len(new) > LIST_MEMBERS_FROM:
            await _list_members(view, reading, beat)
        for user_id in [each for each in new if each not in reading.members][:MAX_LOOKUPS]:
            try:
                reading.members[user_id] = await view.get_member(user_id)
            except zsxq.NotMember:
                reading.gone.add(user_id)
            await beat(reading)
    except GatewayError as error:
        log.warning("checkins.numbers_failed", code=error.code, detail=error.message)
        reading.numbers_error = error


async def _list_members(view: zsxq.Planet, reading: Reading, beat: Beat) -> None:
    try:
        async with aclosing(view.iter_members()) as pages:
            async for members in pages:
                reading.members.update((member.user_id, member) for member in members)
                await beat(reading)
    except zsxq.PermissionDenied:
        pass  # only owners may list members; looking them up one by one needs no such right
