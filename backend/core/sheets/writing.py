"""Writing sheets. Formula injection is prevented, and ids keep all their digits.

Rows go through a temporary file, so memory use stays constant. The code is synchronous: call it in a thread.
"""

import csv
import datetime as dt
import io
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, cast

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter

from backend.core import clock
from backend.core.money import format_yuan

# Prefixes that make spreadsheets evaluate text as a formula (requirements B32, OWASP "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CELL_LIMIT = 32_767  # Excel's


class SheetKind(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"


MEDIA_TYPES = {
    SheetKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    SheetKind.CSV: "text/csv; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Ident:
    """A numeric id. It is written as text, or spreadsheets would round its last digits (B4)."""

    text: str | None


@dataclass(frozen=True, slots=True)
class Yuan:
    """An amount in fen, written as a number in yuan so that it can be summed."""

    fen: int


@dataclass(frozen=True, slots=True)
class Rate:
    """A ratio from 0 to 1, written as a percentage. None (division by zero) is written as a dash."""

    part: float | None


Value = str | int | float | bool | Ident | Yuan | Rate | dt.date | dt.datetime | None


def harmless(text: str) -> str:
    """Text that no spreadsheet evaluates as a formula, without control characters that XLSX can't hold."""
    clean = "".join(char for char in text if char >= " " or char in "\t\n\r")[: _CELL_LIMIT - 1]
    return f"'{clean}" if clean.startswith(_FORMULA) else clean


def _plain(value: Value) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dt.datetime):
        return f"{clock.shanghai(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Ident):
        return harmless(value.text or "")
    if isinstance(value, Yuan):
        return format_yuan(value.fen)
    if isinstance(value, Rate):
        return "–" if value.part is None else f"{value.part:.1%}"
    return harmless(value) if isinstance(value, str) else value


class SheetWriter:
    """Writes one or more sheets into a temporary file. A CSV holds them one below the other."""

    def __init__(self, kind: SheetKind, title: str, headers: Sequence[str]) -> None:
        self._file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - given away by finish()
        self._body: _Body = _Csv(self._file) if kind is SheetKind.CSV else _Xlsx(self._file)
        self.begin(title, headers)

    def begin(self, title: str, headers: Sequence[str]) -> None:
        """Start the next sheet. Later rows go into it."""
        self._body.begin(title, headers)

    def write(self, rows: Iterable[Sequence[Value]]) -> None:
        self._body.add(rows)

    def finish(self) -> BinaryIO:
        """Return the file, positioned at its start. The caller closes it."""
        self._body.close()
        self._file.seek(0)
        return self._file

    def discard(self) -> None:
        self._file.close()


class _Body:
    def begin(self, title: str, headers: Sequence[str]) -> None:
        raise NotImplementedError

    def add(self, rows: Iterable[Sequence[Value]]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class _Csv(_Body):
    """UTF-8 with a byte-order mark, without which Excel assumes another encoding."""

    def __init__(self, file: BinaryIO) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        self._csv = csv.writer(self._text)
        self._is_first = True

    def begin(self, title: str, headers: Sequence[str]) -> None:
        if not self._is_first:
            self._csv.writerows([[], [harmless(title)]])
        self._is_first = False
        self.add([headers])

    def add(self, rows: Iterable[Sequence[Value]]) -> None:
        self._csv.writerows([self._cell(value) for value in row] for row in rows)

    @staticmethod
    def _cell(value: Value) -> str | int | float:
        plain = _plain(value)
        # A trailing tab is invisible and stops Excel from converting the digits to a number.
        return f"{plain}\t" if isinstance(value, Ident) and plain else plain

    def close(self) -> None:
        self._text.flush()
        self._text.detach()


class _Xlsx(_Body):
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._book = Workbook(write_only=True)

    def begin(self, title: str, headers: Sequence[str]) -> None:
        self._sheet = self._book.create_sheet(title)
        self._sheet.freeze_panes = "A2"
        for number, header in enumerate(headers, 1):
            self._sheet.column_dimensions[get_column_letter(number)].width = 10 + 2 * len(header)
        self.add([headers])

    def add(self, rows: Iterable[Sequence[Value]]) -> None:
        for row in rows:
            self._sheet.append([self._cell(value) for value in row])

    def _cell(self, value: Value) -> object:
        if isinstance(value, Yuan):
            cell = WriteOnlyCell(self._sheet, value=value.fen / 100)
            cell.number_format = "0.00"
            return cell
        if isinstance(value, Ident):
            cell = WriteOnlyCell(self._sheet, value=_plain(value))
            cell.number_format = "@"
            return cell
        if isinstance(value, Rate) and value.part is not None:
            cell = WriteOnlyCell(self._sheet, value=value.part)
            cell.number_format = "0.0%"
            return cell
        return _plain(value)

    def close(self) -> None:
        self._book.save(self._file)
