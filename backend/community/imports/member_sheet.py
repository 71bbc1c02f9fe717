"""Parse a planet's member export (reference zsxq-api §8, sheet C). Pure functions.

The export identifies people by 成员编号. A manually added column 用户ID is used too.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from backend.community.imports.outcome import Columns, Errors, cell_of
from backend.core.sheets import cells
from backend.core.sheets.cells import BadCell
from backend.core.sheets.reading import Cell, Row, Sheet
from backend.core.text import has_control_characters

T = TypeVar("T")

NUMBER = ("成员编号", "星球编号", "number")
NICKNAME = ("用户昵称", "星球昵称", "昵称", "name")
USER_ID = ("用户ID", "星球用户ID", "user_id")
TEXTS = {
    "wechat_nickname": ("微信昵称",),
    "card_nickname": ("星球名片昵称", "名片昵称"),
    "remark_nickname": ("星球内备注昵称", "备注昵称"),
    "role": ("身份",),
}
JOINED = ("首次加入时间", "加入时间", "加入日期")
LEFT = ("用户是否退出星球", "是否退出星球", "是否退出")

_MOST_DIGITS = 20
_MOST_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class ListedMember:
    """One row of the export."""

    number: str
    nickname: str
    wechat_nickname: str
    card_nickname: str
    remark_nickname: str
    role: str
    joined_on: dt.date | None
    left: bool
    user_id: str | None


@dataclass(slots=True)
class MemberSheet:
    """Parsed members by number, and the errors found."""

    members: dict[str, ListedMember] = field(default_factory=dict)
    errors: Errors = field(default_factory=Errors)


def read(sheet: Sheet) -> MemberSheet:
    """Parse the export. Column order and extra columns don't matter. Errors are collected in the result, not raised."""
    result, columns = MemberSheet(), Columns(sheet)
    for names in (NUMBER, NICKNAME):
        if columns.find(names) is None:
            result.errors.add_header(names[0], f"缺少“{names[0]}”列")
    if not sheet.rows:
        result.errors.add_header("", "表格里没有数据行")
    if not result.errors.found:
        reader = _Reader(columns, result.errors)
        for row in sheet.rows:
            member = reader.member(row)
            if member is not None:
                result.members[member.number] = member
    return result


class _Reader:
    def __init__(self, columns: Columns, errors: Errors) -> None:
        self._columns, self._errors = columns, errors
        self._numbers: set[str] = set()
        self._user_ids: set[str] = set()

    def member(self, row: Row) -> ListedMember | None:
        """Parse a row; None if any cell is invalid, and an error is added."""
        before = len(self._errors.found)
        number = self._value(row, NUMBER, self._number)
        nickname = self._value(row, NICKNAME, _nickname)
        user_id = self._value(row, USER_ID, self._user_id) if self._filled(row, USER_ID) else None
        joined_on = self._value(row, JOINED, cells.day) if self._filled(row, JOINED) else None
        left = self._value(row, LEFT, cells.yes) if self._filled(row, LEFT) else False
        texts = {name: (self._value(row, names, _text) or "") for name, names in TEXTS.items()}
        if len(self._errors.found) > before or number is None or nickname is None:
            return None
        return ListedMember(number, nickname, **texts, joined_on=joined_on, left=bool(left), user_id=user_id)

    def _filled(self, row: Row, names: tuple[str, ...]) -> bool:
        return cell_of(row, self._columns.find(names)) is not None

    def _value(self, row: Row, names: tuple[str, ...], read: Callable[[Cell], T]) -> T | None:
        column = self._columns.find(names)
        try:
            return read(cell_of(row, column) or Cell(""))
        except BadCell as error:
            self._errors.add(row, column or names[0], str(error))
            return None

    def _number(self, cell: Cell) -> str:
        number = cells.identifier(cell)
        if len(number) > _MOST_DIGITS:
            raise BadCell(f"编号最多 {_MOST_DIGITS} 位")
        return _once(number, self._numbers, "成员编号")

    def _user_id(self, cell: Cell) -> str:
        return _once(cells.identifier(cell), self._user_ids, "用户ID")


def _once(number: str, seen: set[str], name: str) -> str:
    if number in seen:
        raise BadCell(f"{name}出现了两次")
    seen.add(number)
    return number


def _text(cell: Cell) -> str:
    if len(cell.text) > _MOST_CHARACTERS:
        raise BadCell(f"最多 {_MOST_CHARACTERS} 个字")
    return "".join(char for char in cell.text if not has_control_characters(char))


def _nickname(cell: Cell) -> str:
    text = _text(cell)
    if not text:
        raise BadCell("请填写用户昵称")
    return text
