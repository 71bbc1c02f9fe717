"""Reading uploaded sheets: XLSX, or CSV in UTF-8 or GB18030. Cells become text without losing digits.

An upload is untrusted: its size, unpacked size and number of rows are limited. Functions are pure but slow for large
files, so call them in a thread.
"""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

MAX_BYTES = 2_900_000  # must fit into the request size limit
MAX_UNPACKED = 100_000_000
MAX_ROWS = 50_000
MAX_COLUMNS = 100
MAX_CELL = 2000
# Spreadsheet numbers lose their last digits beyond 15.
EXACT_DIGITS = 15


class BadSheet(Exception):
    """The file can't be read as a sheet. The text is Chinese and says how to fix it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text. ``is_number``: stored as a number, so digits may be lost. ``date`` is set for date cells."""

    text: str
    is_number: bool = False
    date: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row below the headers. ``number`` is its row number in the sheet, from 1."""

    number: int
    cells: dict[str, Cell]

    def text(self, header: str) -> str:
        cell = self.cells.get(header)
        return cell.text if cell is not None else ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The headers without empty ones, and the rows that aren't empty."""

    headers: Sequence[str]
    rows: Sequence[Row]


_EMPTY = Cell("")


def read_sheet(content: bytes) -> Sheet:
    """The first sheet of a file. The content, not a name, decides between XLSX and CSV. Raises BadSheet."""
    if len(content) > MAX_BYTES:
        raise BadSheet(f"文件超过 {MAX_BYTES / 1_000_000:.1f} MB，请拆成几个文件分别导入")
    lines = _xlsx(content) if content.startswith(b"PK\x03\x04") else _csv(content)
    return _sheet(lines)


def _sheet(lines: Iterable[Sequence[Cell]]) -> Sheet:
    headers: list[str] | None = None
    rows: list[Row] = []
    for number, line in enumerate(lines, 1):
        if not any(cell.text for cell in line):
            continue
        if headers is None:
            headers = _headers(line)
            continue
        if len(rows) == MAX_ROWS:
            raise BadSheet(f"超过 {MAX_ROWS} 行，请拆成几个文件分别导入")
        rows.append(Row(number, {header: cell for header, cell in zip(headers, line, strict=False) if header}))
    if headers is None:
        raise BadSheet("文件是空的，第一行应为列名")
    return Sheet([header for header in headers if header], rows)


def _headers(line: Sequence[Cell]) -> list[str]:
    headers = ["".join(cell.text.split()) for cell in line]
    named = [header for header in headers if header]
    twice = next((header for header in named if named.count(header) > 1), None)
    if twice is not None:
        raise BadSheet(f"列名“{twice}”出现了两次")
    return headers


def _xlsx(content: bytes) -> Iterator[list[Cell]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED:
                raise BadSheet("文件展开后太大，请拆成几个文件分别导入")
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for line in book.worksheets[0].iter_rows(max_row=MAX_ROWS + 2, max_col=MAX_COLUMNS, values_only=True):
            yield [_cell(value) for value in line]
    except BadSheet:
        raise
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError, OSError, SyntaxError) as error:
        raise BadSheet("无法读取该 XLSX 文件，请用表格软件重新另存为 .xlsx 或 .csv") from error


def _cell(value: Any) -> Cell:
    if value is None:
        return _EMPTY
    if isinstance(value, bool):
        return Cell("是" if value else "否")
    if isinstance(value, dt.datetime | dt.date):
        date = value.date() if isinstance(value, dt.datetime) else value
        return Cell(date.isoformat(), date=date)
    if isinstance(value, int | float):
        return Cell(_number(value), is_number=True)
    return Cell(str(value).strip()[:MAX_CELL])


def _number(value: float) -> str:
    """Format without an exponent where no digit is lost: 1.0 becomes 1."""
    return str(int(value)) if isinstance(value, int) or (value.is_integer() and abs(value) < 1e15) else repr(value)


def _csv(content: bytes) -> Iterator[list[Cell]]:
    text = _decoded(content)
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",\t;，", key=first.count)
    if delimiter == "，":
        raise BadSheet("列之间是中文逗号，请用英文逗号分隔，或另存为 .xlsx")
    try:
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            yield [Cell(part.strip().removeprefix("'")[:MAX_CELL]) for part in line[:MAX_COLUMNS]]
    except csv.Error as error:
        raise BadSheet("CSV 格式有误（引号不成对或含有特殊字符），请用表格软件重新另存") from error


def _decoded(content: bytes) -> str:
    if b"\0" in content:
        raise BadSheet("只能导入 .xlsx 或 .csv 文件")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadSheet("无法识别文件编码，请另存为 UTF-8 编码的 .csv，或 .xlsx")
