"""The gateway: :class:`Zsxq` holds connections and rate limits, :class:`Planet` makes the calls for one planet."""

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import httpx
import structlog

from backend.core.config import ZsxqSettings
from backend.gateways.errors import Unknown
from backend.gateways.zsxq import paging, parsing
from backend.gateways.zsxq.errors import COUNT_REFUSED, SYSTEM, BusinessError, NotFound, ShapeChanged
from backend.gateways.zsxq.pacing import Lane, Sleep
from backend.gateways.zsxq.parsing import Json
from backend.gateways.zsxq.token import token_from_cookie
from backend.gateways.zsxq.types import PlanetMember, PostPage, Probe, Project, RankingPage, Scope, Totals
from backend.gateways.zsxq.wire import Answer, Request, Wire

log = structlog.get_logger(__name__)

# Page sizes: preferred, and fallback if the server refuses the preferred one as too large (zsxq-api §3.4).
PROJECT_COUNTS = (100, 30)
POST_COUNTS = (20, 10)
MEMBER_COUNTS = (200, 50)


class Zsxq:
    """One per process. Pacing, retries and the circuit breaker are per token, shared by all planets of the token.

    ``sleep`` and ``transport`` are for tests.
    """

    def __init__(
        self,
        settings: ZsxqSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._wire = Wire(settings, transport)
        self._sleep = sleep
        self._lanes: dict[str, Lane] = {}

    async def aclose(self) -> None:
        await self._wire.aclose()

    def renewed(self, settings: ZsxqSettings) -> "Zsxq":
        """A new gateway with these settings that shares the per-token state (lanes) with this one.

        While both are in use, calls with one token therefore stay serial and paced.
        """
        after = Zsxq(settings, transport=self._transport, sleep=self._sleep)
        after._lanes = self._lanes
        for lane in self._lanes.values():
            lane.settings = settings
        return after

    def planet(self, group_id: str, token: str) -> "Planet":
        """Access to a planet with ``token`` (bare or in a cookie header). Raises ValueError for an invalid token."""
        token = token_from_cookie(token)
        lane = self._lanes.setdefault(token, Lane(self._settings, self._sleep))
        return Planet(self._wire, lane, group_id, token)


class Planet:
    """Calls for one planet.

    They raise the errors listed in ``errors.py``; reads never raise Unknown. After AuthExpired every call with this
    token fails at once in this process, until :meth:`probe` succeeds or the caller calls :meth:`trust`.
    """

    def __init__(self, wire: Wire, lane: Lane, group_id: str, token: str) -> None:
        self._wire = wire
        self._lane = lane
        self._group_id = group_id
        self._token = token

    async def probe(self) -> Probe:
        """Test the token: get its user, and the planet. Bypasses the breaker; success clears an earlier AuthExpired."""
        user = await self._probe("/v3/users/self")
        self._lane.revive()
        group = await self._probe(self._group())
        return Probe(
            user_name=parsing.text(parsing.section(user.data, "user").get("name")),
            group_name=parsing.text(parsing.section(group.data, "group").get("name")),
            latency_ms=user.latency_ms,
            expires_in_seconds=user.expires_in_seconds,
        )

    def trust(self) -> None:
        """Clear an earlier AuthExpired, because the token was saved again or worked in another process."""
        self._lane.revive()

    async def list_projects(self, scope: Scope) -> list[Project]:
        """The check-in projects of one scope, newest first. Logs and skips unreadable ones."""
        read = _Counted(self, self._group("checkins"), {"scope": scope}, "checkins", PROJECT_COUNTS)
        projects, malformed = await paging.all_projects(read)
        if malformed:
            log.warning("zsxq_projects_unreadable", count=malformed)
        return projects

    async def get_project(self, checkin_id: str) -> Project:
        """One project. Raises NotFound."""
        project = parsing.project(parsing.section(await self._get(self._project(checkin_id)), "checkin"))
        if project is None:
            raise ShapeChanged("a project without 'checkin_id'")
        return project

    async def totals(self, checkin_id: str) -> Totals:
        """How many people joined and how many checked in. Callers compare it with a ranking to check completeness."""
        return parsing.totals(await self._get(self._project(checkin_id, "statistics")))

    def iter_ranking(self, checkin_id: str) -> AsyncGenerator[RankingPage, None]:
        """Days per person, for everyone with at least one day; yields each person once.

        The caller must check completeness against :meth:`totals`.
        """
        path = self._project(checkin_id, "ranking_list")

        async def read(index: int) -> list[Any]:
            data = await self._get(path, {"type": "accumulated", "index": str(index)})
            return parsing.listing(data, "ranking_list")

        return paging.ranking_pages(read)

    def iter_posts(self, checkin_id: str, *, until: dt.datetime | None = None) -> AsyncGenerator[PostPage, None]:
        """The posts, newest first, each once. Stops at the first post older than ``until``."""
        read = _Counted(self, self._project(checkin_id, "topics"), {}, "topics", POST_COUNTS)
        return paging.post_pages(read, until)

    async def get_member(self, user_id: str) -> PlanetMember:
        """One member, with the number (星球编号) that rankings lack. Raises NotMember for a former or non-member."""
        member = parsing.member(parsing.section(await self._get(self._group("members", _digits(user_id))), "member"))
        if member is None:
            raise ShapeChanged("a member without 'user_id'")
        return member

    async def iter_members(self) -> AsyncGenerator[list[PlanetMember], None]:
        """All members, latest joined first, each once. Raises PermissionDenied if only owners may list members."""
        read = _Counted(self, self._group("members"), {"sort": "join_time", "order": "desc"}, "members", MEMBER_COUNTS)
        async with aclosing(paging.member_pages(read)) as pages:
            async for page, malformed in pages:
                if malformed:
                    log.warning("zsxq_members_unreadable", count=malformed)
                if page:
                    yield page

    async def create_project(self, *, title: str, text: str, checkin_days: int, expires_at: dt.datetime) -> Project:
        """Create a project that starts at once; needs an owner's or administrator's token.

        Raises Unknown if it may have been created: check :meth:`list_projects` before retrying.
        """
        body = {
            "title": title,
            "text": text,
            "checkin_days": checkin_days,
            "type": "accumulated",
            "show_topics_on_timeline": False,
            "validity": {"long_period": False, "expiration_time": parsing.wire_time(expires_at)},
        }
        request = Request(self._group("checkins"), {}, body)
        answer = await self._lane.call(lambda: self._wire.send(request, self._token))
        project = parsing.project(parsing.mapping(answer.data.get("checkin")))
        if project is None:
            raise Unknown(SYSTEM, "shape_changed", "created, but the answer shows no project")
        return project

    async def _get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        request = Request(path, params or {})
        answer = await self._lane.call(lambda: self._wire.send(request, self._token))
        return answer.data

    async def _probe(self, path: str) -> Answer:
        return await self._lane.probe(lambda: self._wire.send(Request(path, {}), self._token))

    def _group(self, *parts: str) -> str:
        return "/".join(["/v2/groups", _digits(self._group_id), *parts])

    def _project(self, checkin_id: str, *parts: str) -> str:
        return self._group("checkins", _digits(checkin_id), *parts)


class _Counted:
    """Reads one page of a list, bounded by ``end_time``. Uses the smaller page size after the first was refused."""

    def __init__(self, planet: Planet, path: str, params: Mapping[str, str], key: str, counts: tuple[int, int]) -> None:
        self._planet = planet
        self._path = path
        self._params = params
        self._key = key
        self.count, self._smaller = counts

    async def __call__(self, end: dt.datetime | None) -> list[Any]:
        try:
            return await self._read(end)
        except BusinessError as error:
            if error.number not in COUNT_REFUSED or self.count == self._smaller:
                raise
            self.count = self._smaller
            return await self._read(end)

    async def _read(self, end: dt.datetime | None) -> list[Any]:
        params = {**self._params, "count": str(self.count)}
        if end is not None:
            params["end_time"] = parsing.wire_time(end)
        return parsing.listing(await self._planet._get(self._path, params), self._key)


def _digits(value: str) -> str:
    """Return an id that is safe in a URL path. Raises NotFound for an invalid id, without a request."""
    if parsing.ident(value) is None:
        raise NotFound("not an id")
    return value
