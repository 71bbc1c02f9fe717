"""Parsing cells: ids, days, counts. Error messages are Chinese and say how to fix the cell."""

import datetime as dt
import re
import unicodedata

from backend.core import clock
from backend.core.sheets.reading import EXACT_DIGITS, Cell

_SCIENTIFIC = re.compile(r"[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]+")
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T].*)?")
_YES = {"是", "已退出", "yes", "true", "1", "y"}
_NO = {"否", "未退出", "no", "false", "0", "n", ""}


class BadCell(Exception):
    """The cell is invalid. The text says how to fix it."""


def identifier(cell: Cell) -> str:
    """A numeric id without leading zeros. Raises BadCell."""
    plain = "".join(unicodedata.normalize("NFKC", cell.text).split()).removeprefix("'")
    if _SCIENTIFIC.fullmatch(plain):
        raise BadCell("编号成了科学计数法，末尾数字已丢失；请把该列设为“文本”后重新填写完整编号")
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 32:
        raise BadCell("编号只能是数字，请填写完整编号")
    if cell.is_number and len(plain) > EXACT_DIGITS:
        raise BadCell("编号被保存为数字，超过 15 位时末尾数字不可信；请把该列设为“文本”后重新填写完整编号")
    return plain.lstrip("0") or "0"


def day(cell: Cell) -> dt.date:
    """A Shanghai calendar day. A time with an offset is converted to Shanghai first. Raises BadCell."""
    if cell.date is not None:
        return cell.date
    text = unicodedata.normalize("NFKC", cell.text).strip()
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is not None and instant.tzinfo is not None:
        return clock.day_of(instant)
    found = _DAY.fullmatch(text)
    try:
        if found is not None:
            return dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise BadCell("日期无法识别，请写成 2026-03-01 这样的格式")


def count(cell: Cell) -> int:
    """A whole number of days. Raises BadCell."""
    text = unicodedata.normalize("NFKC", cell.text).strip().removesuffix("天")
    if not (text.isascii() and text.isdigit()) or len(text) > 4:
        raise BadCell("天数只能是整数，例如 15")
    return int(text)


def yes(cell: Cell) -> bool:
    """是 or 否; an empty cell is 否. Raises BadCell."""
    text = unicodedata.normalize("NFKC", cell.text).strip().casefold()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise BadCell("请填写“是”或“否”")
