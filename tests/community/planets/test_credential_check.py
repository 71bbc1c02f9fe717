"""The job that tries every credential in use."""

from typing import Any

from sqlalchemy import select

from backend.community.planets import service
from backend.community.planets.flows import credential_check
from backend.core.db import Database
from backend.models.camps import CampStatus
from backend.models.notifications import Notification
from backend.models.planets import CredentialStatus, Planet
from backend.runtime import Runtime
from tests.conftest import Time
from tests.factories import make_camp, make_planet
from tests.world import World


async def used_planet(db: Database, runtime: Runtime, world: World, **camp: Any) -> tuple[Planet, str]:
    group_id = world.sandbox.zsxq.add_group()
    token = world.sandbox.zsxq.issue_token(world.sandbox.zsxq.group(group_id).owner_id)
    async with db.transaction() as session:
        planet = await make_planet(session, runtime.secrets, token=token, group_id=group_id, name="写作星球")
        await make_camp(session, planet_id=planet.id, **camp)
    return planet, token


async def now(db: Database, planet: Planet) -> CredentialStatus:
    async with db.transaction() as session:
        return (await session.get_one(Planet, planet.id, populate_existing=True)).credential_status


async def alerts(db: Database) -> list[str]:
    async with db.transaction() as session:
        statement = select(Notification.content).where(Notification.scene == "credential_expired")
        return list(await session.scalars(statement))


async def test_good_ones_are_marked_and_nobody_is_bothered(db: Database, runtime: Runtime, world: World) -> None:
    planet, _ = await used_planet(db, runtime, world)
    assert await credential_check(runtime) == {"valid": 1, "invalid": 0, "unreachable": 0}
    assert await now(db, planet) is CredentialStatus.VALID
    assert await alerts(db) == []


async def test_a_dead_one_is_told_once_a_day(db: Database, runtime: Runtime, world: World, time: Time) -> None:
    planet, token = await used_planet(db, runtime, world)
    good, _ = await used_planet(db, runtime, world)
    world.sandbox.zsxq.set_token_state(token, "revoked")
    for _ in range(2):
        assert await credential_check(runtime) == {"valid": 1, "invalid": 1, "unreachable": 0}
    assert await now(db, planet) is CredentialStatus.CREDENTIAL_INVALID
    assert await now(db, good) is CredentialStatus.VALID
    told = await alerts(db)
    assert len(told) == 1
    assert "写作星球" in told[0]
    assert token not in told[0]
    time.advance(24 * 3600)
    await credential_check(runtime)
    assert len(await alerts(db)) == 2


async def test_planets_nobody_uses_are_left_alone(db: Database, runtime: Runtime, world: World) -> None:
    await used_planet(db, runtime, world, status=CampStatus.ARCHIVED)
    async with db.transaction() as session:
        await make_planet(session)
    assert await credential_check(runtime) == {"valid": 0, "invalid": 0, "unreachable": 0}
    assert not world.sandbox.zsxq.calls


async def test_an_unreachable_system_says_nothing_about_a_credential(
    db: Database, runtime: Runtime, world: World
) -> None:
    planet, _ = await used_planet(db, runtime, world)
    world.sandbox.zsxq.faults.set("http_5xx", times=None)
    assert await credential_check(runtime) == {"valid": 0, "invalid": 0, "unreachable": 1}
    assert await now(db, planet) is CredentialStatus.UNTESTED
    assert await alerts(db) == []


async def test_an_account_that_left_the_planet_is_told_but_its_credential_lives(
    db: Database, runtime: Runtime, world: World
) -> None:
    planet, _ = await used_planet(db, runtime, world)
    async with db.transaction() as session:
        (await session.get_one(Planet, planet.id)).group_id = "99999999999999"
    assert await credential_check(runtime) == {"valid": 0, "invalid": 1, "unreachable": 0}
    assert await now(db, planet) is CredentialStatus.UNTESTED
    assert len(await alerts(db)) == 1


async def test_a_new_cookie_is_not_judged_by_the_old_ones_failure(db: Database, runtime: Runtime, world: World) -> None:
    planet, _ = await used_planet(db, runtime, world)
    async with db.transaction() as session:
        tested = await service.get_planet(session, planet.id)
    async with db.transaction() as session:
        changed = await session.get_one(Planet, planet.id)
        changed.sealed_token = runtime.secrets.seal("NEW-TOKEN-12345", context=f"planet:{planet.id}")
    async with db.transaction() as session:
        await service.credential_failed(session, tested, reason="凭证已失效")
        await service.credential_works(session, tested, expires_in_seconds=60)
    assert await now(db, planet) is CredentialStatus.UNTESTED
    assert await alerts(db) == []


async def test_an_unreadable_secret_counts_as_invalid(db: Database, runtime: Runtime, world: World) -> None:
    planet, _ = await used_planet(db, runtime, world)
    async with db.transaction() as session:
        (await session.get_one(Planet, planet.id)).sealed_token = "A" * 60
    assert (await credential_check(runtime))["invalid"] == 1
    assert await now(db, planet) is CredentialStatus.CREDENTIAL_INVALID
