"""Changing the data keys while everybody goes on working."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from backend.community.planets import service as planets
from backend.core.actor import Actor
from backend.core.db import Database
from backend.core.security import SecretBox
from backend.desk.settings import rotation
from backend.desk.settings.rotation import Unreadable, rotate
from backend.models.planets import Planet
from backend.models.staff import Staff
from backend.office.notifications.sending import robot_context
from backend.runtime import Runtime, RuntimeHolder, open_holder, overrides
from tests.desk.settings.rows import save
from tests.factories import make_camp, make_planet, make_staff
from tests.world import World

OLD, NEW = b"o" * 32, b"n" * 32
TOKEN = "0A1B2C3D-1111-4222-8333-0123456789AB_89ABCDEF{:08d}"


@pytest.fixture
async def sealed(shared_runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """Forty planets and a group of settings under the old key; processes know both, and the new one encrypts."""
    monkeypatch.setattr(rotation, "BATCH", 7)
    old = SecretBox([OLD])
    async with shared_runtime.db.transaction() as session:
        for number in range(40):
            planet = await make_planet(session, old, token=TOKEN.format(number), name=f"星球 {number:02}")
        camp = await make_camp(session, planet_id=planet.id)
        camp.sealed_robot_key = old.seal("of the group", context=robot_context(camp.id))
    await save(shared_runtime.db, old, "wecom", {}, {"secret": "of the application", "robot_key": None})
    return replace(shared_runtime, secrets=SecretBox([NEW, OLD]))


async def tokens(db: Database, box: SecretBox) -> dict[str, str]:
    """Every planet's token as this box opens it."""
    async with db.transaction() as session:
        found = (await session.scalars(select(Planet))).all()
    return {planet.name: box.open(planet.sealed_token, context=f"planet:{planet.id}") for planet in found}


async def test_under_load_without_an_error(sealed: Runtime):
    """Readers and writers of planets and settings work on; afterwards the old key can go."""
    done = asyncio.Event()
    written: dict[str, str] = {}
    async with sealed.db.transaction() as session:
        actor_row: Staff = await make_staff(session)
        ids = list(await session.scalars(select(Planet.id).order_by(Planet.name)))
    actor = Actor(kind="staff", name=actor_row.username, id=actor_row.id)
    reads = 0

    async def read() -> None:
        nonlocal reads
        while not done.is_set():
            async with sealed.db.transaction() as session:
                for planet in await session.scalars(select(Planet)):
                    planets.planet_gateway(sealed, planet)
                rows = await overrides.saved_groups(session)
            effective = overrides.lay_over(sealed.settings, rows, sealed.secrets)
            assert not effective.problems
            assert effective.settings.wecom.secret.get_secret_value().startswith("of the application")
            reads += 1

    async def write(part: int) -> None:
        turn = 0
        while not done.is_set():
            turn += 1
            number = (turn * 4 + part) % 40
            token = TOKEN.format(turn * 1000 + number)
            async with sealed.db.transaction() as session:
                await planets.update(
                    session, actor, sealed.secrets, ids[number], name=None, group_id=None, cookie=token
                )
            written[f"星球 {number:02}"] = token
            if part == 0:
                await save(sealed.db, sealed.secrets, "wecom", {}, {"secret": f"of the application {turn}"})

    load = [asyncio.create_task(read()) for _ in range(3)] + [asyncio.create_task(write(part)) for part in range(4)]
    for _ in range(5):
        await rotate(sealed)
    done.set()
    await asyncio.gather(*load)
    assert reads
    assert len(written) > 4
    after = await tokens(sealed.db, SecretBox([NEW]))
    assert len(after) == 40
    assert after.items() >= written.items()
    async with sealed.db.transaction() as session:
        rows = await overrides.saved_groups(session)
    assert not overrides.lay_over(sealed.settings, rows, SecretBox([NEW])).problems


async def test_it_says_how_many_and_the_second_time_none(sealed: Runtime):
    assert await rotate(sealed) == {"seen": 42, "resealed": 42}
    assert await rotate(sealed) == {"seen": 42, "resealed": 0}
    assert len(await tokens(sealed.db, SecretBox([NEW]))) == 40


async def test_a_rotation_that_was_cut_off_goes_on(sealed: Runtime, monkeypatch: pytest.MonkeyPatch):
    async with sealed.db.transaction() as session:
        planet = (await session.scalars(select(Planet).order_by(Planet.id).limit(1))).one()
        resealed = sealed.secrets.reseal(planet.sealed_token, context=f"planet:{planet.id}")
        assert resealed
        planet.sealed_token = resealed
    assert await rotate(sealed) == {"seen": 42, "resealed": 41}


async def test_what_no_key_opens_is_named_and_nothing_changes(sealed: Runtime):
    async with sealed.db.transaction() as session:
        await make_planet(session, SecretBox([b"l" * 32]), token="lost", name="丢了钥匙的星球")
    await save(sealed.db, SecretBox([b"l" * 32]), "storage", {}, {"cos_secret_key": "lost"})
    with pytest.raises(Unreadable) as refused:
        await rotate(sealed)
    assert [name.partition(" (")[0] for name in refused.value.names] == [
        "planets 丢了钥匙的星球", "settings storage.cos_secret_key",
    ]  # fmt: skip
    async with sealed.db.transaction() as session:
        found = (await session.scalars(select(Planet).where(Planet.name == "星球 00"))).one()
    SecretBox([OLD]).open(found.sealed_token, context=f"planet:{found.id}")


async def test_a_process_takes_up_what_another_saved(shared_db: Database, world: World, database_url: str):
    """Two replicas: nobody tells the second one, it sees for itself."""
    settings = world.settings.model_copy(update={"database_url": database_url})
    async with open_holder(settings) as live:
        async with live.lease() as runtime:
            assert runtime.settings.refund.undo_seconds == 0
        await save(shared_db, SecretBox(settings.data_key_bytes), "refund", {"undo_seconds": 33})
        await _until(live, 33)


async def _until(live: RuntimeHolder, undo_seconds: int) -> None:
    for _ in range(600):
        if live.now.settings.refund.undo_seconds == undo_seconds:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the other process's change never arrived")
