"""Days of members, the list's filters, and joining the group."""

import datetime as dt

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.members import repository, service
from backend.community.members.repository import Filters
from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.pagination import PageRequest
from backend.models.audit import AuditEntry
from backend.models.members import MatchStatus
from tests.factories import make_camp, make_member, make_payer, make_payment, make_planet, make_planet_user

STAFF = Actor("staff", "xiaowang")


async def found(session: AsyncSession, **filters: object) -> set[object]:
    await session.flush()
    page = await repository.page(session, PageRequest(1, 200), Filters(**filters))  # type: ignore[arg-type] # as the test says
    return {row.member.id for row in page.items}


async def test_filters_narrow_the_list(session: AsyncSession) -> None:
    planet = await make_planet(session)
    person = await make_planet_user(session, planet, name="晨光", alias="曦", number="321")
    camp, other = await make_camp(session, planet_id=planet.id), await make_camp(session)
    first = await make_member(
        session,
        camp,
        planet_user_id=person.user_id,
        planet_nickname="小林",
        planet_number="77",
        wechat_nickname="微光",
        joined=True,
    )
    second = await make_member(
        session, camp, status=MatchStatus.CONFLICT,
        planet_nickname="100%_纯", planet_number="78", wechat_nickname="纯",
    )  # fmt: skip
    third = await make_member(session, other, planet_nickname="小周", planet_number="79", wechat_nickname="周")
    everybody = {first.id, second.id, third.id}
    assert await found(session) == everybody
    assert await found(session, camp_id=camp.id) == {first.id, second.id}
    assert await found(session, camp_ids=frozenset({other.id})) == {third.id}
    assert await found(session, camp_ids=frozenset()) == set()
    assert await found(session, match_status=[MatchStatus.CONFLICT, MatchStatus.MATCHED]) == {first.id, second.id}
    assert await found(session, confidence=100) == {first.id}
    assert await found(session, joined=True) == {first.id}
    for q in ("小林", "77", "微光", "晨光", "曦", "321", person.user_id):
        assert await found(session, q=q) == {first.id}
    assert await found(session, q="0%_") == {second.id}
    assert await found(session, q="%") == {second.id}


async def test_joining_the_group_is_noted_once_and_can_be_taken_back(session: AsyncSession) -> None:
    member = await make_member(session, await make_camp(session))
    for joined in (True, True, False, False):
        await service.mark_joined(session, member.id, joined=joined, actor=STAFF)
        assert (member.joined, member.joined_at is not None) == (joined, joined)
    await session.flush()
    statement = select(AuditEntry.action).where(AuditEntry.target_id == member.id).order_by(AuditEntry.id)
    assert (await session.scalars(statement)).all() == ["member.join", "member.unjoin"]


async def test_an_unknown_member_is_not_found(session: AsyncSession) -> None:
    with pytest.raises(NotFound):
        await service.mark_joined(session, new_id(), joined=True, actor=STAFF)
    with pytest.raises(NotFound):
        await service.camp_of(session, new_id())


async def test_a_membership_is_owned_by_payer_or_by_the_openid_the_payment_told(session: AsyncSession) -> None:
    camp = await make_camp(session)
    member = await make_member(session, camp, openid="o-guest-paid")
    stranger = new_id()
    assert await repository.owned_row(session, member.id, payer_id=member.payer_id, openid=None)
    assert await repository.owned_row(session, member.id, payer_id=stranger, openid="o-guest-paid")
    assert await repository.owned_row(session, member.id, payer_id=stranger, openid="o-other") is None
    without = await make_member(session, camp, openid=None)
    assert await repository.owned_row(session, without.id, payer_id=stranger, openid=None) is None
    rows = await repository.owned(session, payer_id=stranger, openid="o-guest-paid")
    assert [row.member.id for row in rows] == [member.id]


async def test_an_open_order_is_one_that_can_still_be_paid(session: AsyncSession) -> None:
    camp, payer = await make_camp(session), await make_payer(session)
    order = await make_payment(session, camp, payer)
    now = clock.now()
    assert [each.id for each, _ in await repository.open_orders(session, payer.id, at=now)] == [order.id]
    assert await repository.open_orders(session, payer.id, at=now + dt.timedelta(minutes=31)) == []
    assert await repository.open_orders(session, new_id(), at=now) == []
