"""Files of the console's lists: complete, harmless, with every digit, only for whom they are, and noted."""

import csv
import datetime as dt
import io
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from backend.core import clock
from backend.core.db import Database
from backend.core.ids import new_id
from backend.desk.reports import sheets
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import Checkin, CheckinSource
from backend.models.members import MatchStatus
from backend.models.payments import Payment
from backend.models.refunds import RefundKind, RefundStatus
from backend.models.staff import StaffRole
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.factories import assign, make_camp, make_member, make_planet, make_planet_user, make_refund
from tests.money.refunds.facts import refund_in

LIN = "841858481284252178"


async def table(desk: Desk, path: str, kind: str = "csv", **params: Any) -> list[dict[str, Any]]:
    response = await desk.call("GET", path, params={"format": kind, **params})
    assert response.status_code == 200, response.text
    assert response.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert response.headers["content-disposition"].endswith(f"-2026-03-01.{kind}")
    if kind == "csv":
        return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    headers, *rows = load_workbook(io.BytesIO(response.content)).worksheets[0].iter_rows(values_only=True)
    return [dict(zip((str(header) for header in headers), row, strict=True)) for row in rows]


@pytest.fixture
async def camp(db: Database) -> Camp:
    async with db.transaction() as session:
        planet = await make_planet(session)
        made = await make_camp(session, planet_id=planet.id, starts_on=dt.date(2026, 2, 10), status=CampStatus.ENDED)
        await make_planet_user(session, planet, user_id=LIN, name="小林", number="101")
        await make_member(
            session, made, planet_user_id=LIN, planet_nickname="=1+1", wechat_nickname="@微信", planet_number="0101",
            days_ranking=8, days_posts=8,
        )  # fmt: skip
        await make_member(session, made, planet_nickname="陈西")
        for day in (10, 11):
            session.add(
                Checkin(
                    camp_id=made.id, planet_user_id=LIN, day=dt.date(2026, 2, day), source=CheckinSource.POSTS,
                    posted_at=clock.now(), excerpt="-第一天",
                )
            )  # fmt: skip
    return made


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_members_with_the_list_s_filters(db: Database, camp: Camp, manager: Desk, kind: str) -> None:
    rows = await table(manager, "/members/export", kind, camp_id=str(camp.id))
    assert len(rows) == 2
    [row] = [row for row in rows if row["匹配状态"] == "已匹配"]
    assert (row["星球昵称"], row["微信昵称"]) == ("'=1+1", "'@微信")
    assert row["用户ID"].strip() == LIN
    assert row["星球编号"].strip() == "0101"
    assert str(row["支付金额"]) in ("99.00", "99")
    assert (str(row["打卡天数"]), row["系统判定"], row["匹配方式"], row["已进群"]) == ("8", "符合", "星球编号", "否")
    only = await table(manager, "/members/export", kind, match_status="unmatched")
    assert [row["星球昵称"] for row in only] == ["陈西"]
    assert await table(manager, "/members/export", kind, q="查无此人") == []


async def test_members_with_their_orders_and_what_came_back(db: Database, camp: Camp, manager: Desk) -> None:
    now, back = clock.now(), RefundStatus.SUCCEEDED
    async with db.transaction() as session:
        member = await make_member(session, camp, planet_nickname="林北")
        payment = await session.get_one(Payment, member.payment_id)
        for amount, kind, days_ago in ((6000, RefundKind.CAMP, 1), (3000, RefundKind.EXCEPTION, 3)):
            done = {"reviewed_at": now, "succeeded_at": now - dt.timedelta(days=days_ago)}
            await make_refund(session, member, kind=kind, amount_fen=amount, status=back, **done)
        await make_refund(session, member, kind=RefundKind.EXCEPTION, amount_fen=900)
    rows = {row["星球昵称"]: row for row in await table(manager, "/members/export")}
    row = rows["林北"]
    assert (row["商户订单号"].strip(), row["微信订单号"].strip()) == (payment.out_trade_no, payment.transaction_id)
    assert (row["已退金额"], row["最近退款时间"][:10]) == ("90.00", "2026-02-28")
    assert (rows["陈西"]["已退金额"], rows["陈西"]["最近退款时间"]) == ("0.00", "")


async def test_each_export_is_noted(db: Database, camp: Camp, manager: Desk) -> None:
    await table(manager, "/members/export", camp_id=str(camp.id))
    async with db.transaction() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("export.")))).one()
    assert (entry.action, entry.actor_id, entry.camp_id) == ("export.members", manager.staff.id, camp.id)
    assert entry.after == {"rows": 2, "format": "csv"}


async def test_refunds(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        failed = await refund_in(session, RefundStatus.FAILED)
        await refund_in(session, RefundStatus.SUCCEEDED)
    rows = await table(manager, "/refunds/export")
    assert [row["状态"] for row in rows] == ["已退款", "退款失败"]
    [row] = await table(manager, "/refunds/export", status="failed")
    assert row["退款单号"].strip() == failed.out_refund_no
    assert (row["退款金额"], row["失败原因"], row["类型"]) == ("99.00", "微信支付应答超时，结果未知", "押金退款")


async def test_check_ins_make_the_round_trip(db: Database, camp: Camp, manager: Desk) -> None:
    path = f"/camps/{camp.id}/checkins/export"
    rows = await table(manager, path)
    assert [(row["用户ID"].strip(), row["打卡日期"]) for row in rows] == [(LIN, "2026-02-11"), (LIN, "2026-02-10")]
    assert (rows[0]["来源"], rows[0]["内容摘要"], rows[0]["会员填写的昵称"]) == ("知识星球", "'-第一天", "'=1+1")
    assert len(await table(manager, path, **{"from": "2026-02-11"})) == 1
    for kind in ("csv", "xlsx"):
        content = (await manager.call("GET", path, params={"format": kind})).content
        data = await manager.ok(
            "POST", f"/camps/{camp.id}/checkins/import", files={"file": ("x", content)}, data={"mode": "preview"}
        )
        assert (data["error_count"], data["rows"], data["unchanged"], data["new"]) == (0, 2, 2, 0)


async def test_the_matching_queue(db: Database, camp: Camp, manager: Desk) -> None:
    async with db.transaction() as session:
        await make_member(session, camp, status=MatchStatus.SUGGESTED, confidence=33, planet_user_id=LIN)
    [row] = await table(manager, "/matching/export")
    assert (row["填写的星球昵称"], row["建议的用户ID"]) == ("陈西", "")
    [row] = await table(manager, "/matching/export", tab="to_confirm", camp_id=str(camp.id))
    assert (row["建议的昵称"], row["建议的用户ID"].strip()) == ("小林", LIN)


async def test_the_settlement(db: Database, camp: Camp, manager: Desk) -> None:
    rows = await table(manager, f"/camps/{camp.id}/settlement/export", "xlsx")
    assert {(row["系统判定"], row["理由"]) for row in rows} == {
        ("符合", "打卡天数达标"), ("需人工确认", "身份未匹配；尚无完整的打卡同步"),
    }  # fmt: skip
    await manager.refused(404, "not_found", "GET", f"/camps/{new_id()}/settlement/export", params={"format": "csv"})


async def test_the_log_is_for_the_super_admin(db: Database, admin: Desk, manager: Desk, camp: Camp) -> None:
    await table(manager, "/members/export")
    [row] = await table(admin, "/logs/export", action="export.members")
    assert (row["操作"], row["操作代码"]) == ("导出会员", "export.members")
    assert (row["结果"], row["变更后"]) == ("成功", '{"rows": 2, "format": "csv"}')
    await manager.refused(403, "forbidden", "GET", "/logs/export", params={"format": "csv"})


async def test_who_may_export(db: Database, camp: Camp, desk: NewDesk, manager: Desk) -> None:
    paths = [
        "/members/export", "/refunds/export", f"/camps/{camp.id}/checkins/export", "/matching/export",
        f"/camps/{camp.id}/settlement/export",
    ]  # fmt: skip
    for role in (StaffRole.COACH, StaffRole.VOLUNTEER):
        person = await desk(role)
        async with db.transaction() as session:
            await assign(session, camp, person.staff)
        for path in paths:
            await person.refused(403, "forbidden", "GET", path, params={"format": "csv"})
    for path in paths:
        assert await manager.bad_fields("GET", path) == {"format"}
        assert await manager.bad_fields("GET", path, params={"format": "pdf"}) == {"format"}


async def test_too_much_at_once_is_no_file(
    db: Database, camp: Camp, manager: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 1)
    await manager.refused(409, "export_too_large", "GET", "/members/export", params={"format": "csv"})
    async with db.transaction() as session:
        assert (await session.scalars(select(AuditEntry))).all() == []


async def test_all_parts_of_a_long_list(db: Database, manager: Desk) -> None:
    """More than one part of the server's cursor."""
    async with db.transaction() as session:
        camp = await make_camp(session)
        for number in range(1200):
            day = dt.date(2026, 1, 1) + dt.timedelta(days=number % 100)
            session.add(
                Checkin(camp_id=camp.id, planet_user_id=str(number), day=day, source=CheckinSource.POSTS, excerpt="")
            )
    rows = await table(manager, f"/camps/{camp.id}/checkins/export")
    assert len({row["用户ID"] for row in rows}) == 1200
