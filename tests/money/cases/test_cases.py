"""Cases: opened once per difference, told to staff, and closed by a person with a word."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.pagination import PageRequest
from backend.models.audit import AuditEntry
from backend.models.notifications import Notification
from backend.models.reconciliation import CaseStatus, ReconciliationCase
from backend.money.cases import service
from tests import factories
from tests.money.refunds.provider import actor_of


async def opened(session: AsyncSession, kind: str = "payment_amount", about: str = "P1") -> bool:
    return await service.open_case(session, kind, about=about, summary="金额不一致", detail={"bill_fen": 1})


async def test_one_case_and_one_message_per_difference(session: AsyncSession) -> None:
    assert await opened(session)
    assert not await opened(session)
    assert await opened(session, about="P2")
    assert await opened(session, kind="refund_amount")
    assert len(list(await session.scalars(select(ReconciliationCase)))) == 3
    assert len(list(await session.scalars(select(Notification)))) == 3


async def test_a_resolved_case_is_not_opened_again(session: AsyncSession) -> None:
    await opened(session)
    case = (await session.scalars(select(ReconciliationCase))).one()
    staff = await factories.make_staff(session)
    await service.resolve(session, actor_of(staff), case.id, note="已核对")
    assert not await opened(session)


async def test_resolving_says_who_when_and_what(session: AsyncSession) -> None:
    await opened(session)
    case = (await session.scalars(select(ReconciliationCase))).one()
    staff = await factories.make_staff(session)
    await service.resolve(session, actor_of(staff), case.id, note="已核对")
    await session.flush()
    assert (case.status, case.resolved_by, case.resolution) == (CaseStatus.RESOLVED, staff.id, "已核对")
    entry = (await session.scalars(select(AuditEntry))).one()
    assert (entry.action, entry.target_id, entry.note) == ("reconciliation.resolve", case.id, "已核对")
    with pytest.raises(service.CaseAlreadyResolved):
        await service.resolve(session, actor_of(staff), case.id, note="又一次")
    with pytest.raises(NotFound):
        await service.resolve(session, actor_of(staff), new_id(), note="没有")


async def test_pages_can_be_narrowed(session: AsyncSession) -> None:
    await opened(session)
    await opened(session, kind="refund_amount")
    page = await service.page(session, PageRequest(), status=CaseStatus.OPEN, kind="refund_amount", camp_id=None)
    assert [case.kind for case in page.items] == ["refund_amount"]
    page = await service.page(session, PageRequest(), status=CaseStatus.RESOLVED, kind=None, camp_id=None)
    assert page.total == 0
    page = await service.page(session, PageRequest(), status=None, kind=None, camp_id=new_id())
    assert page.total == 0
