"""Persons and their log-ins."""

import hashlib

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.actor import SYSTEM
from backend.core.errors import Unauthenticated
from backend.core.ids import new_id
from backend.models.payers import OAuthState, Payer
from backend.office.payers import service
from tests.conftest import Time

SECRET = "a secret for tokens"


async def test_one_openid_is_one_person(session: AsyncSession) -> None:
    first = await service.payer_for_openid(session, "oSame")
    again = await service.payer_for_openid(session, "oSame")
    assert first.id == again.id
    assert await session.scalar(select(func.count()).select_from(Payer)) == 1


async def test_a_state_works_once_and_tells_the_page(session: AsyncSession) -> None:
    state = service.begin_oauth(session, browser_secret="browser", return_to="/camps/1")
    await session.flush()
    assert await service.finish_oauth(session, state=state, browser_secret="browser") == "/camps/1"
    with pytest.raises(service.OAuthStateInvalid):
        await service.finish_oauth(session, state=state, browser_secret="browser")


async def test_another_browser_neither_passes_nor_uses_the_state_up(session: AsyncSession) -> None:
    state = service.begin_oauth(session, browser_secret="victim", return_to="/")
    await session.flush()
    for foreign in ("attacker", ""):
        with pytest.raises(service.OAuthStateInvalid):
            await service.finish_oauth(session, state=state, browser_secret=foreign)
    assert await service.finish_oauth(session, state=state, browser_secret="victim") == "/"


@pytest.mark.parametrize(("seconds", "good"), [(290, True), (300, False)])
async def test_a_state_lives_five_minutes(session: AsyncSession, time: Time, seconds: float, good: bool) -> None:
    time.set("2026-03-01 10:00")
    state = service.begin_oauth(session, browser_secret="browser", return_to="/")
    await session.flush()
    time.advance(seconds)
    if good:
        assert await service.finish_oauth(session, state=state, browser_secret="browser") == "/"
    else:
        with pytest.raises(service.OAuthStateInvalid):
            await service.finish_oauth(session, state=state, browser_secret="browser")


async def test_neither_state_nor_browser_secret_is_stored(session: AsyncSession) -> None:
    state = service.begin_oauth(session, browser_secret="browser", return_to="/")
    await session.flush()
    row = (await session.scalars(select(OAuthState))).one()
    assert row.state_hash == hashlib.sha256(state.encode()).hexdigest()
    assert row.browser_hash == hashlib.sha256(b"browser").hexdigest()


async def test_a_token_names_its_holder_until_it_expires(session: AsyncSession, time: Time) -> None:
    payer = await service.payer_for_openid(session, "oHolder")
    token = service.token_for(payer, secret=SECRET, days=7)
    found = await service.authenticate(session, token=token, secret=SECRET, actor=SYSTEM)
    assert (found.id, found.openid, found.actor.kind, found.actor.id) == (payer.id, "oHolder", "member", payer.id)
    time.advance(7 * 86_400)
    with pytest.raises(Unauthenticated):
        await service.authenticate(session, token=token, secret=SECRET, actor=SYSTEM)


async def test_a_token_of_another_secret_or_of_nobody_is_refused(session: AsyncSession) -> None:
    payer = await service.payer_for_openid(session, "oHolder")
    nobody = Payer(id=new_id())
    for token in (service.token_for(payer, secret="another", days=7), service.token_for(nobody, secret=SECRET, days=7)):
        with pytest.raises(Unauthenticated):
            await service.authenticate(session, token=token, secret=SECRET, actor=SYSTEM)
