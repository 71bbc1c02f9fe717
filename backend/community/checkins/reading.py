"""Reading a camp's check-in project from 知识星球, page by page, into memory. Nothing here is stored."""

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

# More new people than this: one list of all members costs fewer calls than looking each of them up.
LIST_MEMBERS_FROM = 20
# Looking one person up costs a call of a second or more; the rest waits for the next nights.
MAX_LOOKUPS = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to read."""

    run_id: uuid.UUID
    camp_id: uuid.UUID
    planet: Planet
    checkin_id: str
    starts_on: dt.date
    ends_on: dt.date
    read_posts: bool


@dataclass(slots=True)
class Reading:
    """What was read so far. ``error`` is what ended it early; ``numbers_error`` ended only the look-up of numbers."""

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
        """Whether the ranking holds fewer people than are said to have checked in."""
        return self.totals is not None and len(self.people) < self.totals.checkined_count


# Tells how far a reading is, and raises when the run was taken away meanwhile.
Beat = Callable[[Reading], Awaitable[None]]


async def read_project(view: zsxq.Planet, plan: Plan, reading: Reading, beat: Beat) -> None:
    """Read totals, ranking and posts. What the other side refuses ends it, as ``reading.error``."""
    try:
        # Whether the token may be used is decided by the planet's row, not by what this process remembers.
        view.trust()
        await _read_ranking(view, plan, reading, beat)
        if reading.is_short:
            # People move while one pages through a ranking; a second look tells that from a real gap.
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
    """The posts since the camp's first day.

    One that can't be read makes its author's two counts differ at worst, which a person then looks at.
    """
    async with aclosing(view.iter_posts(plan.checkin_id, until=clock.day_start(plan.starts_on))) as pages:
        async for page in pages:
            reading.posts += page.posts
            reading.malformed += page.malformed
            reading.pages += 1
            await beat(reading)
    reading.posts_ended = True


async def look_up_numbers(view: zsxq.Planet, new: Sequence[str], reading: Reading, beat: Beat) -> None:
    """Learn the planet numbers (星球编号) of new people, which rankings don't tell.

    Counts don't depend on it, so a refusal only ends the look-up: what is missing is tried the next night.
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
        pass  # only owners may list them; one by one they are seen by everybody
