"""Planets (星球) and the credentials that read them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from backend.api.answers import Answer, Id, Instant, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, RuntimeDep, SessionDep
from backend.community.planets import flows, repository, service
from backend.gateways.zsxq import Project, Scope
from backend.models.planets import CredentialStatus, Planet
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/planets", tags=["星球"])
Reader = Depends(Allowed(Permission.PLANET_VIEW))
Writer = Depends(Allowed(Permission.PLANET_WRITE))

Name = Annotated[str, Field(min_length=1, max_length=50)]
GroupId = Annotated[str, Field(pattern=r"^\d{1,32}$", description="群组编号，星球网页地址中的数字")]
Cookie = Annotated[str, Field(max_length=10_000, description="zsxq_access_token 的值，或整段 Cookie；只写不读")]


class PlanetIn(Model):
    name: Name
    group_id: GroupId
    cookie: Annotated[Cookie, Field(min_length=1)]


class PlanetChange(Model):
    """What is left out stays as it is; so does the cookie when it is empty."""

    name: Name | None = None
    group_id: GroupId | None = None
    cookie: Cookie | None = None


class PlanetOut(Model):
    """``cookie`` shows the last four characters only."""

    id: Id
    name: str
    group_id: str
    cookie: str
    credential_status: CredentialStatus
    credential_checked_at: Instant | None
    credential_expires_at: Instant | None
    created_at: Instant


class PlanetTestOut(Model):
    ok: bool
    latency_ms: int
    detail: str


class ProjectOut(Model):
    checkin_id: str
    title: str
    status: str
    checkin_days: int | None
    long_period: bool
    expires_at: Instant | None
    created_at: Instant | None
    joined_count: int | None


def planet_out(planet: Planet) -> PlanetOut:
    return PlanetOut(
        id=planet.id,
        name=planet.name,
        group_id=planet.group_id,
        cookie=f"****{planet.token_hint}",
        credential_status=planet.credential_status,
        credential_checked_at=planet.credential_checked_at,
        credential_expires_at=planet.credential_expires_at,
        created_at=planet.created_at,
    )


@router.get("", dependencies=[Reader])
async def list_planets(
    session: SessionDep, page: PageDep, q: Annotated[str | None, Query(max_length=50)] = None
) -> Answer[Rows[PlanetOut]]:
    return answer(Rows.of(await repository.page(session, page, q=q), planet_out))


@router.post("", dependencies=[Writer])
async def create_planet(
    body: PlanetIn, runtime: RuntimeDep, session: SessionDep, viewer: CurrentStaff
) -> Answer[PlanetOut]:
    planet = await service.create(
        session, viewer.actor, runtime.secrets, name=body.name, group_id=body.group_id, cookie=body.cookie
    )
    return answer(planet_out(planet))


@router.put("/{planet_id}", dependencies=[Writer])
async def update_planet(
    planet_id: Id, body: PlanetChange, runtime: RuntimeDep, session: SessionDep, viewer: CurrentStaff
) -> Answer[PlanetOut]:
    """Saving a cookie, also the same one, lets the planet's syncs run again."""
    planet = await service.update(
        session,
        viewer.actor,
        runtime.secrets,
        planet_id,
        name=body.name,
        group_id=body.group_id,
        cookie=body.cookie,
    )
    return answer(planet_out(planet))


@router.post("/{planet_id}/test", dependencies=[Reader])
async def test_planet(planet_id: Id, runtime: RuntimeDep, viewer: CurrentStaff) -> Answer[PlanetTestOut]:
    """Try the saved credential. A good one lets the planet's syncs run again."""
    return answer(PlanetTestOut.model_validate(await flows.test_planet(runtime, planet_id, viewer.actor)))


@router.get("/{planet_id}/projects", dependencies=[Reader])
async def list_projects(planet_id: Id, runtime: RuntimeDep, scope: Scope = "ongoing") -> Answer[list[ProjectOut]]:
    """The planet's check-in projects (打卡项目), for the picker of a camp."""
    projects: list[Project] = await flows.list_projects(runtime, planet_id, scope)
    return answer([ProjectOut.model_validate(project) for project in projects])
