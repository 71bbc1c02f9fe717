"""Reports as files: the page's figures on two sheets, with their formulas, noted, and not for everybody."""

import csv
import io
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from backend.core.db import Database
from backend.models.audit import AuditEntry
from backend.models.camps import Camp
from backend.models.staff import Staff, StaffRole
from tests import factories
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.desk.reports.house import FIRST

FEBRUARY = {"from": "2026-02-01", "to": "2026-02-28"}


@pytest.fixture
async def camps(db: Database) -> tuple[Camp, Camp, Staff]:
    async with db.transaction() as session:
        coach = await factories.make_staff(session, StaffRole.COACH, display_name="=教练")
        full = await factories.make_camp(session, starts_on=FIRST, name="=1+1")
        empty = await factories.make_camp(session, starts_on=FIRST, name="没有人的营")
        await factories.assign(session, full, coach)
        for number in range(3):
            member = await factories.make_member(session, full, joined=number > 0)
        await factories.make_refund(session, member)
    return full, empty, coach


async def content(desk: Desk, path: str, kind: str, **params: Any) -> bytes:
    response = await desk.call("GET", path, params=FEBRUARY | {"format": kind} | params)
    assert response.status_code == 200, response.text
    assert response.headers["content-disposition"].endswith(f"-2026-03-01.{kind}")
    return response.content


async def test_two_sheets(manager: Desk, camps: tuple[Camp, Camp, Staff]) -> None:
    book = load_workbook(io.BytesIO(await content(manager, "/statistics/camp/export", "xlsx", sort="enrolled")))
    assert book.sheetnames == ["总览", "训练营明细"]
    facts = {row[0].value: row[1] for row in book["总览"].iter_rows(min_row=2)}
    assert (facts["训练营数"].value, facts["报名人数"].value) == (2, 3)
    assert facts["进群率"].value == pytest.approx(2 / 3)
    assert facts["进群率"].number_format == "0.0%"
    assert facts["退款成功率"].value == "–"
    headers, first, second = book["训练营明细"].iter_rows()
    rows = [dict(zip([cell.value for cell in headers], row, strict=True)) for row in (first, second)]
    assert [row["训练营"].value for row in rows] == ["'=1+1", "没有人的营"]
    assert (rows[0]["押金收入"].value, rows[0]["押金收入"].number_format) == (297, "0.00")
    assert (rows[0]["待审核笔数"].value, rows[0]["训练营ID"].data_type) == (1, "s")
    assert rows[0]["训练营ID"].value == str(camps[0].id)
    assert (rows[1]["完成率"].value, rows[1]["报名人数"].value) == ("–", 0)


async def test_a_csv_has_both_below_each_other(manager: Desk, camps: tuple[Camp, Camp, Staff]) -> None:
    text = (await content(manager, "/statistics/camp/export", "csv", sort="enrolled", order="asc")).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    at = rows.index(["训练营明细"])
    assert rows[0] == ["指标", "数值", "口径"]
    assert ["进群率", "66.7%", ""] in rows[:at]
    assert rows[at - 1] == []
    assert [row[0] for row in rows[at + 1 :]] == ["训练营", "没有人的营", "'=1+1"]


async def test_coaches(manager: Desk, camps: tuple[Camp, Camp, Staff]) -> None:
    book = load_workbook(io.BytesIO(await content(manager, "/statistics/coaches/export", "xlsx")))
    headers, row = book["教练明细"].iter_rows(values_only=True)
    found = dict(zip(headers, row, strict=True))
    assert (found["教练"], found["训练营数"], found["报名人数"]) == ("'=教练", 1, 3)
    assert (found["审核笔数"], found["平均审核用时（小时）"]) == (0, None)


@pytest.mark.parametrize("what", ["camp", "coaches"])
async def test_each_is_noted_and_for_managers(db: Database, manager: Desk, desk: NewDesk, what: str) -> None:
    await content(manager, f"/statistics/{what}/export", "csv")
    async with db.transaction() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("export.")))).one()
    assert entry.action == {"camp": "export.camp_statistics", "coaches": "export.coach_statistics"}[what]
    assert entry.after is not None
    assert entry.after["from"] == "2026-02-01"
    for role in (StaffRole.COACH, StaffRole.VOLUNTEER):
        person = await desk(role)
        await person.refused(403, "forbidden", "GET", f"/statistics/{what}/export", params={"format": "csv"})
