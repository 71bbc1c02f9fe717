"""保存并发布知识星球: one project for a draft, however often its answer gets lost."""

import pytest
from sqlalchemy import select

from backend.core.db import Database
from backend.core.ids import new_id
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.planets import CredentialStatus, Planet
from backend.models.staff import StaffRole
from backend.runtime import Runtime
from backend.sandbox.zsxq import ZsxqSandbox
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.factories import make_camp, make_planet
from tests.world import World


@pytest.fixture
def zsxq(world: World) -> ZsxqSandbox:
    return world.sandbox.zsxq


@pytest.fixture
async def draft(db: Database, runtime: Runtime, zsxq: ZsxqSandbox) -> Camp:
    """A draft of ten days on a planet we may write to."""
    group_id = zsxq.add_group()
    token = zsxq.issue_token(zsxq.group(group_id).owner_id)
    async with db.transaction() as session:
        planet = await make_planet(session, runtime.secrets, token=token, group_id=group_id)
        return await make_camp(
            session, planet_id=planet.id, status=CampStatus.DRAFT, checkin_id=None, name="四月写作营", required_days=7
        )


def path(camp: Camp) -> str:
    return f"/camps/{camp.id}/checkin-project"


def projects(zsxq: ZsxqSandbox) -> list[str]:
    return [project.title for project in zsxq.projects.values()]


async def test_the_project_is_made_and_noted(db: Database, draft: Camp, zsxq: ZsxqSandbox, manager: Desk) -> None:
    camp = await manager.ok("POST", path(draft))
    project = zsxq.project(camp["checkin_id"])
    assert (project.title, project.checkin_days) == ("四月写作营", 7)
    assert project.text == "10 天累计打卡满 7 天，全额退还"
    async with db.transaction() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "camp.update"))).one()
    assert entry.after == {"checkin_id": camp["checkin_id"]}
    # It has one now, and gets no second.
    await manager.refused(409, "checkin_project_not_wanted", "POST", path(draft))
    assert projects(zsxq) == ["四月写作营"]


async def test_a_lost_answer_makes_no_second_project(draft: Camp, zsxq: ZsxqSandbox, manager: Desk) -> None:
    zsxq.faults.set("drop", path="/checkins", skip=1)  # the look before passes, the creation's answer is lost
    camp = await manager.ok("POST", path(draft))
    assert zsxq.project(camp["checkin_id"]).title == "四月写作营"
    assert projects(zsxq) == ["四月写作营"]


async def test_after_a_failure_the_next_try_finds_what_was_made(draft: Camp, zsxq: ZsxqSandbox, manager: Desk) -> None:
    zsxq.faults.set("drop", path="/checkins", skip=1)
    zsxq.faults.set("http_5xx", path="/checkins", skip=2, times=None)
    response = await manager.call("POST", path(draft))
    assert response.status_code == 502
    zsxq.faults.clear()
    camp = await manager.ok("POST", path(draft))
    assert camp["checkin_id"]
    assert projects(zsxq) == ["四月写作营"]


async def test_a_dead_credential_is_noted(db: Database, draft: Camp, zsxq: ZsxqSandbox, manager: Desk) -> None:
    zsxq.faults.set("expire_token")
    await manager.refused(409, "credential_invalid", "POST", path(draft))
    async with db.transaction() as session:
        planet = await session.get_one(Planet, draft.planet_id)
    assert planet.credential_status is CredentialStatus.CREDENTIAL_INVALID
    assert projects(zsxq) == []


async def test_only_for_drafts_without_one_and_only_by_who_may_write(
    db: Database, draft: Camp, desk: NewDesk, manager: Desk
) -> None:
    await (await desk(StaffRole.COACH)).refused(403, "forbidden", "POST", path(draft))
    await manager.refused(404, "not_found", "POST", f"/camps/{new_id()}/checkin-project")
    async with db.transaction() as session:
        published = await make_camp(session, checkin_id=None)
        without_planet = await make_camp(session, status=CampStatus.DRAFT, checkin_id=None, planet_id=None)
    for camp in (published, without_planet):
        await manager.refused(409, "checkin_project_not_wanted", "POST", path(camp))
