"""Sheets that people fill in, with everything a spreadsheet does to them."""

import datetime as dt
import io
import zipfile
from typing import Any

import pytest
from openpyxl import Workbook

from backend.core.sheets import cells
from backend.core.sheets.cells import BadCell
from backend.core.sheets.reading import MAX_ROWS, BadSheet, Cell, read_sheet


def xlsx(*lines: list[Any]) -> bytes:
    book = Workbook()
    for line in lines:
        book.active.append(line)  # type: ignore[union-attr] # a new book has a sheet
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def texts(content: bytes) -> list[dict[str, str]]:
    return [{header: cell.text for header, cell in row.cells.items()} for row in read_sheet(content).rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_as_spreadsheets_write_it(encoding: str, delimiter: str) -> None:
    text = f"星球编号{delimiter}打卡日期\r\n101{delimiter}2026-03-01\r\n\r\n'0102{delimiter}2026/3/2\r\n"
    assert texts(text.encode(encoding)) == [
        {"星球编号": "101", "打卡日期": "2026-03-01"},
        {"星球编号": "0102", "打卡日期": "2026/3/2"},
    ]


def test_xlsx_keeps_every_digit_and_the_numbers_of_rows() -> None:
    sheet = read_sheet(
        xlsx([], ["用户 ID", "日期", "天数", None], ["841858481284252", dt.date(2026, 3, 1), 15.0], [], [7, None])
    )
    assert sheet.headers == ["用户ID", "日期", "天数"]
    first, second = sheet.rows
    assert (first.number, second.number) == (3, 5)
    assert (first.text("用户ID"), first.cells["日期"].date, first.text("天数")) == (
        "841858481284252", dt.date(2026, 3, 1), "15",
    )  # fmt: skip
    assert second.cells["用户ID"] == Cell("7", is_number=True)


def test_what_is_no_sheet() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 150_000_000)
    cases = [
        b"", b"\n\n", b"PK\x03\x04 nonsense", b"\x89PNG\0\0", "a，b".encode(), b'a,b\n"x,1\n', b"\xff\xfe\xff,\xff",
        b"x" * 3_000_000, b"a,a\n1,2\n", ("a\n" + "1\n" * (MAX_ROWS + 1)).encode(), bomb.getvalue(),
    ]  # fmt: skip
    for content in cases:
        with pytest.raises(BadSheet) as refused:
            read_sheet(content)
        assert any("\u4e00" <= char <= "\u9fff" for char in str(refused.value))


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        (Cell("841858481284252"), "841858481284252"),
        (Cell("84185848128425217"), "84185848128425217"),
        (Cell("７８９"), "789"),
        (Cell(" 0101 "), "101"),
        (Cell("841858481284252", is_number=True), "841858481284252"),
    ],
)
def test_numbers_that_name_somebody(cell: Cell, number: str) -> None:
    assert cells.identifier(cell) == number


@pytest.mark.parametrize(
    "cell",
    [
        Cell("8.41858E+14"), Cell("8E14"), Cell("abc"), Cell(""), Cell("1.5"), Cell("-3"), Cell("一二三"),
        Cell("84185848128425217", is_number=True), Cell("8.41858481284252e+17", is_number=True),
    ],
)  # fmt: skip
def test_numbers_that_lost_digits_are_refused(cell: Cell) -> None:
    """B4: nothing is guessed about digits that are gone."""
    with pytest.raises(BadCell):
        cells.identifier(cell)


@pytest.mark.parametrize(
    "text",
    ["2026-03-01", "2026/3/1", "2026.3.1", "2026年3月1日", "2026-03-01 23:59:59", "2026-02-28T16:00:00.000+0000",
     "2026-03-01T09:30:00.000+0800"],
)  # fmt: skip
def test_days(text: str) -> None:
    assert cells.day(Cell(text)) == dt.date(2026, 3, 1)


@pytest.mark.parametrize("text", ["", "46082", "2026-13-01", "2026-02-30", "3/1/2026", "昨天", "0000-01-01"])
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(BadCell):
        cells.day(Cell(text))


def test_counts_and_words() -> None:
    assert [cells.count(Cell(text)) for text in ("0", "15", "15天", "１５")] == [0, 15, 15, 15]
    for text in ("", "-1", "1.5", "十五", "99999"):
        with pytest.raises(BadCell):
            cells.count(Cell(text))
    assert [cells.yes(Cell(text)) for text in ("是", "否", "", "TRUE")] == [True, False, False, True]
    with pytest.raises(BadCell):
        cells.yes(Cell("也许"))
