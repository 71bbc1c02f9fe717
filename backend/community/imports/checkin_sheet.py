"""Parse a check-in sheet with single days or totals. Pure functions.

Columns are found by name, in any order (reference zsxq-api §8, sheets A and B): 用户ID and/or 星球编号, and 打卡日期
or 累计天数.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from backend.community.imports.outcome import Columns, Errors, cell_of
from backend.core.sheets import cells
from backend.core.sheets.cells import BadCell
from backend.core.sheets.reading import Cell, Row, Sheet
from backend.models.imports import ImportKind

T = TypeVar("T")

USER_ID = ("用户ID", "星球用户ID", "星球ID", "user_id", "planet_user_id")
NUMBER = ("星球编号", "成员编号", "member_number", "number")
DAY = ("打卡日期", "日期", "打卡时间", "date", "create_time")
DAYS = ("累计天数", "打卡天数", "天数", "checkined_days", "days")


@dataclass(frozen=True, slots=True)
class Directory:
    """Known people of the planet: their user ids, and number → user ids (several if a number isn't unique)."""

    user_ids: Collection[str]
    by_number: Mapping[str, Collection[str]]


@dataclass(slots=True)
class CheckinSheet:
    """Parsed days or totals per user id, depending on ``kind``; the other one is empty."""

    kind: ImportKind
    days: set[tuple[str, dt.date]] = field(default_factory=set)
    totals: dict[str, int] = field(default_factory=dict)
    errors: Errors = field(default_factory=Errors)


def identifiers(sheet: Sheet) -> set[str]:
    """All readable user ids and numbers in the sheet, for loading the :class:`Directory`."""
    columns = Columns(sheet)
    found = set()
    for names in (USER_ID, NUMBER):
        column = columns.find(names)
        for row in sheet.rows:
            cell = cell_of(row, column)
            if cell is not None:
                try:
                    found.add(cells.identifier(cell))
                except BadCell:
                    continue  # read() reports it
    return found


def read(sheet: Sheet, directory: Directory, *, first_day: dt.date, last_day: dt.date, today: dt.date) -> CheckinSheet:
    """Parse a sheet. ``first_day`` and ``last_day`` are inclusive. Errors are collected in the result, not raised."""
    columns = Columns(sheet)
    user_id, number, day, days = (columns.find(names) for names in (USER_ID, NUMBER, DAY, DAYS))
    result = CheckinSheet(ImportKind.CHECKIN_DAYS if day is not None else ImportKind.CHECKIN_TOTALS)
    if user_id is None and number is None:
        result.errors.add_header("星球编号", "缺少“星球编号”或“用户ID”列，无法知道是谁打卡")
    if (day is None) == (days is None):
        message = "“打卡日期”与“累计天数”只能有其中一列" if day is not None else "缺少“打卡日期”或“累计天数”列"
        result.errors.add_header("打卡日期", message)
    if not sheet.rows:
        result.errors.add_header("", "表格里没有数据行")
    if result.errors.found:
        return result
    reader = _Reader(result, directory, user_id, number)
    if day is not None:
        _read_days(sheet, reader, day, first_day=first_day, last_day=last_day, today=today)
    elif days is not None:
        _read_totals(sheet, reader, days, most=(last_day - first_day).days + 1)
    return result


def _read_days(
    sheet: Sheet, reader: "_Reader", column: str, *, first_day: dt.date, last_day: dt.date, today: dt.date
) -> None:
    def within(cell: Cell) -> dt.date:
        found = cells.day(cell)
        if not first_day <= found <= last_day:
            raise BadCell(f"日期不在营期内（{first_day} 至 {last_day}）")
        if found > today:
            raise BadCell("日期还没有到")
        return found

    for row in sheet.rows:
        person, day = reader.person(row), reader.value(row, column, within)
        if person is not None and day is not None:
            reader.result.days.add((person, day))


def _read_totals(sheet: Sheet, reader: "_Reader", column: str, *, most: int) -> None:
    def within(cell: Cell) -> int:
        found = cells.count(cell)
        if found > most:
            raise BadCell(f"天数不能超过营期的 {most} 天")
        return found

    for row in sheet.rows:
        person, count = reader.person(row), reader.value(row, column, within)
        if person is not None and count is not None and reader.result.totals.setdefault(person, count) != count:
            reader.result.errors.add(row, column, "同一个人出现了两次，天数不一致")


class _Reader:
    """Parses the rows of one sheet and collects errors."""

    def __init__(self, result: CheckinSheet, directory: Directory, user_id: str | None, number: str | None) -> None:
        self.result, self._directory = result, directory
        self._user_id, self._number = user_id, number

    def value(self, row: Row, column: str, read: Callable[[Cell], T]) -> T | None:
        """The parsed cell; None if invalid, and an error is added."""
        try:
            return read(cell_of(row, column) or Cell(""))
        except BadCell as error:
            self.result.errors.add(row, column, str(error))
            return None

    def person(self, row: Row) -> str | None:
        """The user id of the row's person; None if it can't be determined, and an error is added."""
        by_id = self._look_up(row, self._user_id, self._by_user_id)
        by_number = self._look_up(row, self._number, self._by_number)
        if by_id is not None and by_number is not None and by_id != by_number:
            self.result.errors.add(row, self._number or "", "星球编号与用户ID不是同一个人，请核对")
            return None
        if by_id is None and by_number is None and not self._has_identity(row):
            self.result.errors.add(row, self._number or self._user_id or "", "请填写星球编号或用户ID")
        return by_id or by_number

    def _has_identity(self, row: Row) -> bool:
        return any(cell_of(row, column) is not None for column in (self._user_id, self._number))

    def _look_up(self, row: Row, column: str | None, find: Callable[[str], str]) -> str | None:
        cell = cell_of(row, column)
        if cell is None or column is None:
            return None
        return self.value(row, column, lambda found: find(cells.identifier(found)))

    def _by_user_id(self, user_id: str) -> str:
        if user_id not in self._directory.user_ids:
            raise BadCell("星球中没有这个用户ID；请核对，或先同步打卡、导入含用户ID的星球成员表")
        return user_id

    def _by_number(self, number: str) -> str:
        found = self._directory.by_number.get(number, ())
        if len(found) > 1:
            raise BadCell("这个星球编号对应多位成员，请改填用户ID")
        if not found:
            raise BadCell("星球中没有这个编号；请核对，或先同步打卡、导入含用户ID的星球成员表")
        return next(iter(found))
