"""What leaves for other people's spreadsheets, read back with their eyes."""

import csv
import datetime as dt
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from backend.core import clock
from backend.core.sheets import cells
from backend.core.sheets.reading import read_sheet
from backend.core.sheets.writing import Ident, SheetKind, SheetWriter, Value, Yuan, harmless

NAUGHTY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "=cmd|' /C calc'!A0"]


def written(kind: SheetKind, *rows: list[Value], headers: tuple[str, ...] = ("一", "二")) -> bytes:
    writer = SheetWriter(kind, "表", headers)
    writer.write(rows)
    with writer.finish() as file:
        return file.read()


def xlsx_cells(content: bytes) -> list[list[Any]]:
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return [list(row) for row in sheet.iter_rows()]


@pytest.mark.parametrize("text", NAUGHTY)
def test_no_cell_is_a_formula(text: str) -> None:
    """B32."""
    for cell in xlsx_cells(written(SheetKind.XLSX, [text, Ident(text)]))[1]:
        assert cell.data_type == "s"
        assert cell.value.startswith("'")
    [_, row] = list(
        csv.reader(io.StringIO(written(SheetKind.CSV, [text, Ident(text)]).decode("utf-8-sig"), newline=""))
    )
    assert all(cell.startswith("'") for cell in row)


@given(st.text())
@settings(deadline=None, max_examples=200)
def test_harmless_texts_begin_harmlessly(text: str) -> None:
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("kind", list(SheetKind))
def test_numbers_that_name_somebody_come_back_with_every_digit(kind: SheetKind) -> None:
    """B4, there and back again."""
    content = written(kind, [Ident("841858481284252178"), Ident("0007")], headers=("用户ID", "星球编号"))
    [row] = read_sheet(content).rows
    assert cells.identifier(row.cells["用户ID"]) == "841858481284252178"
    assert not row.cells["用户ID"].is_number
    assert row.text("星球编号") == "0007"


def test_money_and_time() -> None:
    at = clock.day_start(dt.date(2026, 3, 1)).astimezone(dt.UTC)
    row: list[Value] = [Yuan(-9905), at, dt.date(2026, 3, 1), True, None, 7, "文字"]
    headers = tuple("abcdefg")
    [_, cells_] = xlsx_cells(written(SheetKind.XLSX, row, headers=headers))
    assert [cell.value for cell in cells_] == [-99.05, "2026-03-01 00:00:00", "2026-03-01", "是", None, 7, "文字"]
    text = written(SheetKind.CSV, row, headers=headers).decode("utf-8-sig")
    assert text.splitlines()[1] == "-99.05,2026-03-01 00:00:00,2026-03-01,是,,7,文字"


def test_control_characters_do_not_break_a_book() -> None:
    content = written(SheetKind.XLSX, ["a\x00b\x1fc", "x" * 40_000])
    assert xlsx_cells(content)[1][0].value == "abc"
