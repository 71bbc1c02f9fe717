"""Everything about one person on request: over all camps, nobody else's, for managers, and noted."""

import io
import json
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.db import Database
from backend.models.audit import AuditEntry
from backend.models.checkins import Checkin, CheckinSource
from backend.models.history import move
from backend.models.members import MatchStatus, Member
from backend.models.staff import StaffRole
from tests import factories
from tests.api.conftest import NewDesk
from tests.api.desk import Desk

LIN = "841858481284252178"


@pytest.fixture
async def lin(db: Database) -> Member:
    """Lin in two camps, once logged in and once as a guest who paid with the same account; and somebody else."""
    async with db.transaction() as session:
        planet = await factories.make_planet(session)
        await factories.make_planet_user(session, planet, user_id=LIN, name="小林", number="101")
        first, second = [
            await factories.make_camp(session, planet_id=planet.id, name=name) for name in ("第一营", "第二营")
        ]
        account = await factories.make_payer(session, openid="o-lin-1234567890")
        form = {"planet_nickname": "=小林", "planet_number": "00101", "wechat_nickname": "林"}
        member = await factories.make_member(session, first, account, planet_user_id=LIN, **form)
        guest = await factories.make_payer(session)
        order = await factories.make_payment(session, second, guest, paid=True, openid="o-lin-1234567890", **form)
        again = await factories.make_member(session, second, guest, payment=order, **form)
        await factories.make_refund(session, member)
        for camp_id, user_id, excerpt in ((first.id, LIN, "林的第一天"), (first.id, "999", "别人的一天")):
            session.add(
                Checkin(
                    camp_id=camp_id, planet_user_id=user_id, day=first.starts_on, source=CheckinSource.POSTS,
                    posted_at=clock.now(), excerpt=excerpt,
                )
            )  # fmt: skip
        # The same guest's browser ordered for somebody else, who paid with another account.
        other = await factories.make_payment(
            session, first, guest, paid=True, openid="o-mei", planet_nickname="小梅", planet_number="202"
        )
        mei = await factories.make_member(session, first, guest, payment=other)
        for one, text in ((member, "给林的消息"), (again, "又给林的消息"), (mei, "给梅的消息")):
            await factories.make_message(session, text, one)
        move(session, again, MatchStatus.CONFLICT, event="match", actor=SYSTEM, note="两人同号")
    return member


async def content(desk: Desk, member: Member, kind: str | None = None) -> bytes:
    params = {"format": kind} if kind else {}
    response = await desk.call("GET", f"/members/{member.id}/export", params=params)
    assert response.status_code == 200, response.text
    assert response.headers["content-disposition"].endswith(f"-2026-03-01.{kind or 'json'}")
    return response.content


async def test_everything_of_this_person_and_nothing_of_others(manager: Desk, lin: Member) -> None:
    raw = await content(manager, lin)
    data: dict[str, list[dict[str, Any]]] = json.loads(raw)
    assert {row["训练营"] for row in data["报名记录"]} == {"第一营", "第二营"}
    assert [row["训练营"] for row in data["订单"]] == ["第一营", "第二营"]
    [day] = data["打卡"]
    assert (day["内容摘要"], day["来源"]) == ("林的第一天", "知识星球")
    assert {row["内容"] for row in data["消息"]} == {"给林的消息", "又给林的消息"}
    [moved] = data["匹配历史"]
    assert (moved["新状态"], moved["说明"]) == ("冲突", "两人同号")
    [refund] = data["退款"]
    # In review it shows what the member is entitled to now, like every other page.
    assert (refund["金额"], refund["状态"]) == ("0.00", "待审核")
    [person] = data["星球资料"]
    assert (person["昵称"], person["用户ID"]) == ("小林", LIN)
    assert data["导入的星球成员"] == []
    for foreign in ("小梅", "o-mei", "给梅的消息", "别人的一天", "o-lin-1234567890"):
        assert foreign not in raw.decode()


async def test_from_either_membership_it_is_the_same_person(db: Database, manager: Desk, lin: Member) -> None:
    async with db.transaction() as session:
        rows = await session.scalars(select(Member).where(Member.openid == lin.openid, Member.id != lin.id))
        again = rows.one()
    one, two = json.loads(await content(manager, lin)), json.loads(await content(manager, again))
    # But for the log, which already tells of the first export.
    assert one | {"工作人员操作": []} == two | {"工作人员操作": []}


async def test_as_a_workbook(manager: Desk, lin: Member) -> None:
    book = load_workbook(io.BytesIO(await content(manager, lin, "xlsx")))
    assert book.sheetnames[:4] == ["账号", "报名记录", "订单", "退款"]
    headers, first, _ = book["报名记录"].iter_rows()
    row = dict(zip([cell.value for cell in headers], first, strict=True))
    assert row["星球昵称"].value == "'=小林"
    assert (row["星球编号"].value, row["星球用户ID"].value) == ("00101", LIN)


async def test_it_is_noted_without_a_name(db: Database, manager: Desk, lin: Member) -> None:
    await content(manager, lin)
    async with db.transaction() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "export.person"))).one()
    assert (entry.target_id, entry.actor_id, entry.target_name) == (lin.id, manager.staff.id, None)
    # The next request tells of it: who took the data is held about the person, too.
    assert json.loads(await content(manager, lin))["工作人员操作"][0]["操作"] == "export.person"


async def test_who_may(db: Database, desk: NewDesk, manager: Desk, lin: Member) -> None:
    path = f"/members/{lin.id}/export"
    for role in (StaffRole.COACH, StaffRole.VOLUNTEER):
        await (await desk(role)).refused(403, "forbidden", "GET", path)
    await manager.refused(404, "not_found", "GET", "/members/x/export")
    assert await manager.bad_fields("GET", path, params={"format": "csv"}) == {"format"}
