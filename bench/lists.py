"""The console's lists and reports over a house full of members: each answer over HTTP beside its own SQL alone.

Product: a GET through the whole application. Bare SQL: the very statements the product had sent for it, the checks of
the log-in included, with their values, over bare asyncpg on the same database.
"""

import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

import asyncpg
import httpx
from sqlalchemy import select

from backend.app import create_app
from backend.core.config import Settings
from backend.models.camps import Camp, CampStatus
from backend.models.staff import Staff
from backend.runtime import Runtime, open_runtime
from bench import crowd
from bench.crowd import Size
from bench.measure import Times
from bench.replay import Call, Recorder, replay
from bench.report import Line, Result, grouped, milliseconds
from bench.servers import Servers, connect
from tests import factories
from tests.world import PUBLIC_URL, make_world

BUDGET_SECONDS = 0.15
HOUSE = Size(camps=100, members=1000, days=30)

# Each list as people meet it: fresh, far down, narrowed, searched.
_LISTS = {
    "workbench, 90 days": "/dashboard?days=90",
    "camps": "/camps",
    "members": "/members",
    "members, page 2 000": "/members?page=2000",
    "members, searched": "/members?q=学员 77",
    "members, not eligible": "/members?verdict=not_eligible",
    "members, out of reach": "/members?standing=out_of_reach",
    "members, two standings": "/members?standing=reached,in_progress",
    "members of a camp": "/members?camp_id={camp}",
    "members of a camp, out of reach": "/members?camp_id={settling}&standing=out_of_reach",
    "matching queue": "/matching?tab=to_confirm",
    "refunds": "/refunds",
    "refunds, page 2 000": "/refunds?page=2000",
    "refunds, searched": "/refunds?q=学员 77",
    "refunds, eligible": "/refunds?verdict=eligible",
    "refunds, to confirm": "/refunds?verdict=needs_confirmation",
    "refunds to review": "/refunds?status=pending_review",
    "refunds to review, to confirm": "/refunds?status=pending_review&verdict=needs_confirmation",
    "refunds of a camp, to confirm": "/refunds?camp_id={settling}&status=pending_review&verdict=needs_confirmation",
    "check-ins": "/checkins",
    "check-ins, page 2 000": "/checkins?page=2000",
    "check-ins of a week": "/checkins?from={first}&to={last}",
    "check-ins of a camp": "/checkins?camp_id={camp}",
    "ranking of a camp": "/camps/{camp}/checkins/ranking",
    "log": "/logs",
    "log, searched": "/logs?q=学员 77",
}


# Reports, over a house whose every camp is in the range.
STATISTICS_BUDGET_SECONDS = 0.2
STATISTICS_HOUSE = Size(camps=50, members=1000, days=30)
_STATISTICS = {
    "camps of years": "/statistics/camp?from=2000-01-01&to=2099-12-31",
    "camps of years, by completion": (
        "/statistics/camp?from=2000-01-01&to=2099-12-31&sort=completion_rate&order=asc&page_size=50"
    ),
    "camps of a month": "/statistics/camp?from={first}&to={last}",
    "five camps compared": "/statistics/camp/comparison?{five}",
    "coaches": "/statistics/coaches?from=2000-01-01&to=2099-12-31",
}


async def run(servers: Servers, *, size: Size = HOUSE, requests: int = 20) -> Result:
    """``requests`` of each list after a few that only warm up."""
    lines, over = await _compare(servers, _LISTS, size, requests, BUDGET_SECONDS)
    about = (
        f"{grouped(size.people)} members in {size.camps} camps, {grouped(size.checkins)} check-ins, a refund for "
        f"nearly every member, {grouped(5 * size.people)} lines of the log."
    )
    return Result("The console's lists, p95", "bare SQL", lines, _notes(about, requests, over, BUDGET_SECONDS))


async def run_statistics(servers: Servers, *, size: Size = STATISTICS_HOUSE, requests: int = 40) -> Result:
    """The same for the reports, which count everything at each request."""
    lines, over = await _compare(servers, _STATISTICS, size, requests, STATISTICS_BUDGET_SECONDS)
    about = f"{size.camps} camps of {grouped(size.members)} members each, all of them in the range of “years”."
    notes = _notes(about, requests, over, STATISTICS_BUDGET_SECONDS)
    return Result("Reports, p95", "bare SQL", lines, notes)


async def _compare(
    servers: Servers, paths: Mapping[str, str], size: Size, requests: int, budget_seconds: float
) -> tuple[list[Line], list[str]]:
    """Each path's line, and those over the budget."""
    world = make_world(servers.directory / uuid.uuid4().hex)
    url = await servers.databases.copy()
    settings = world.settings.model_copy(update={"database_url": url, "redis_url": servers.redis_url})
    lines, over = [], []
    async with AsyncExitStack() as stack:
        async with servers.open(url) as db:
            staff = await crowd.fill(db, size)
        runtime = await stack.enter_async_context(open_runtime(settings))
        headers, places = await _prepare(runtime, settings, staff.id)
        recorder = Recorder(runtime.db.engine)
        client = await stack.enter_async_context(_client(runtime, settings, headers))
        connection = await connect(url)
        stack.push_async_callback(connection.close)
        for what, path in paths.items():
            product, bare = await _measure(client, connection, recorder, path.format(**places), requests)
            lines.append(Line(what, milliseconds(product.p95), milliseconds(bare.p95), product.p95 / bare.p95))
            if product.p95 > budget_seconds:
                over.append(what)
    return lines, over


async def _prepare(runtime: Runtime, settings: Settings, staff_id: uuid.UUID) -> tuple[dict[str, str], dict[str, str]]:
    """A log-in, and what the paths need."""
    async with runtime.db.transaction() as session:
        staff = await session.get_one(Staff, staff_id)
        headers = await factories.sign_in(session, staff, settings.secret_key.get_secret_value())
        newest = select(Camp).where(Camp.status == CampStatus.ONGOING).order_by(Camp.starts_on.desc())
        camp = (await session.scalars(newest.limit(1))).one()
        settling = await session.scalar(select(Camp.id).where(Camp.status == CampStatus.SETTLING).limit(1))
        five = await session.scalars(select(Camp.id).limit(5))
    places = {"camp": str(camp.id), "settling": str(settling), "first": str(camp.starts_on), "last": str(camp.ends_on)}
    return headers, places | {"five": "&".join(f"camp_id={camp_id}" for camp_id in five)}


def _client(runtime: Runtime, settings: Settings, headers: dict[str, str]) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(settings, runtime), client=("127.0.0.1", 50_000))
    return httpx.AsyncClient(transport=transport, base_url=f"{PUBLIC_URL}/api/admin", headers=headers)


async def _measure(
    client: httpx.AsyncClient, connection: asyncpg.Connection, recorder: Recorder, path: str, requests: int
) -> tuple[Times, Times]:
    product, bare = Times(), Times()
    for number in range(requests + 3):
        # The first three only warm up, and then the two take turns.
        ours, theirs = (product, bare) if number >= 3 else (Times(), Times())
        await ours.add([path], [partial(_get, client)])
        calls = [call for transaction in recorder.take() for call in transaction]
        if not calls:
            raise RuntimeError(f"{path} was answered without the database")
        await theirs.add([calls], [partial(_replay, connection)])
    return product, bare


async def _get(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} was answered with {answer.status_code}")


async def _replay(connection: asyncpg.Connection, calls: list[Call]) -> None:
    await replay(connection, calls)


def _notes(about: str, requests: int, over: list[str], budget_seconds: float) -> tuple[str, ...]:
    budget = f"{budget_seconds * 1000:.0f} ms"
    return (
        about,
        f"p95 of {requests} GETs each through the whole application, and of the same statements over bare asyncpg, the "
        "checks of the log-in included; they take turns.",
        f"Over the budget of {budget}: {', '.join(over)}." if over else f"All within the budget of {budget}.",
    )
