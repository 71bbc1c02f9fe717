"""保存并发布知识星球: create the check-in project of a draft at 知识星球."""

import datetime as dt
import uuid
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service
from backend.community.eligibility.offers import offer_of
from backend.community.planets import flows as planet_flows
from backend.community.planets import service as planets
from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.gateways import zsxq
from backend.gateways.errors import Unknown
from backend.models.camps import Camp, CampStatus
from backend.models.planets import Planet
from backend.runtime import Runtime


class NoProjectWanted(Conflict):
    code, message = "checkin_project_not_wanted", "只有已选择星球、还没有打卡项目的草稿可以创建打卡项目"


class ProjectBeingMade(Conflict):
    code, message = "checkin_project_being_made", "正在创建打卡项目，请稍后刷新"


async def make_project(runtime: Runtime, camp_id: uuid.UUID, *, actor: Actor) -> None:
    """Create the check-in project of a draft at 知识星球 and store its id on the camp.

    Creating isn't idempotent there (zsxq-api §4.7). Look first for the project of an earlier attempt, and look again if
    the response was lost. Raises NotFound, NoProjectWanted, ProjectBeingMade, what ``planets`` raises about the
    credential, GatewayError, and what ``service.update`` raises.
    """
    async with runtime.db.exclusive(f"camps.project:{camp_id}") as alone:
        if not alone:
            raise ProjectBeingMade
        async with runtime.db.transaction() as session:
            camp = await service.get_camp(session, camp_id)
            planet = await _planet_of(session, camp)
        try:
            project = await _find_or_create(planets.planet_gateway(runtime, planet), camp)
        except zsxq.AuthExpired as error:
            async with runtime.db.transaction() as session:
                await planets.credential_failed(session, planet, reason=planet_flows.explain(error))
            raise planet_flows.CredentialInvalid from error
        async with runtime.db.transaction() as session:
            held = await service.lock_camp(session, camp_id)
            await _planet_of(session, held)
            fields = replace(await service.fields_of(session, held), checkin_id=project.checkin_id)
            await service.update(session, actor, held, fields, payment=runtime.settings.payment)


async def _planet_of(session: AsyncSession, camp: Camp) -> Planet:
    if camp.status is not CampStatus.DRAFT or camp.planet_id is None or camp.checkin_id is not None:
        raise NoProjectWanted
    return await planets.get_planet(session, camp.planet_id)


async def _find_or_create(view: zsxq.Planet, camp: Camp) -> zsxq.Project:
    found = await _find(view, camp)
    if found is not None:
        return found
    deal = offer_of(camp, camp)
    try:
        return await view.create_project(
            title=camp.name,
            text=deal.short,
            # A deal that can't be read is never published, so any number will do.
            checkin_days=deal.required_days or camp.total_days,
            expires_at=clock.day_start(camp.ends_on + dt.timedelta(days=1)) - dt.timedelta(seconds=1),
        )
    except Unknown:
        found = await _find(view, camp)
        if found is None:
            raise
        return found


async def _find(view: zsxq.Planet, camp: Camp) -> zsxq.Project | None:
    """The project created for this camp: same name, not older than the camp. None if there is none."""
    projects = await view.list_projects("ongoing")
    # Allow 5 minutes of clock skew. That is safe because names of live camps are unique.
    since = camp.created_at - dt.timedelta(minutes=5)
    ours = [one for one in projects if one.title == camp.name and one.created_at and one.created_at >= since]
    return ours[0] if ours else None
