"""What an import finds and does, whatever its sheet is about."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from backend.core.errors import AppError
from backend.core.sheets.reading import Cell, Row, Sheet
from backend.models.imports import ImportKind

# So many errors are told one by one; the rest is only counted.
MOST_TOLD = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """A sheet on its way in: read, with its name and digest, and whether it claims to hold everybody."""

    sheet: Sheet
    file_name: str
    sha256: str
    whole: bool


@dataclass(frozen=True, slots=True)
class RowError:
    """Where the sheet is wrong, what stands there, and in Chinese what to do. Row 1 holds the headers."""

    row: int
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sheet changes: rows that would be new, differ, agree, and those that a whole sheet takes away.

    ``import_id`` is the record of an applied sheet, also of the same sheet applied earlier; None in a preview.
    """

    kind: ImportKind
    rows: int
    added: int
    changed: int
    unchanged: int
    removed: int
    errors: Sequence[RowError] = ()
    import_id: uuid.UUID | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed)


class ImportHasErrors(AppError):
    """Nothing was written. ``data`` is ``{error_count, errors}``, as the preview has them."""

    code, status, message = "import_has_errors", 422, "表格中有错误，未导入任何内容；请按提示修改后重新导入"

    def __init__(self, outcome: Outcome) -> None:
        told = [asdict(error) for error in outcome.errors[:MOST_TOLD]]
        super().__init__(data={"error_count": len(outcome.errors), "errors": told})


class Columns:
    """Finds a sheet's columns by any of their names, whatever their order."""

    def __init__(self, sheet: Sheet) -> None:
        self._headers = {header.casefold(): header for header in sheet.headers}

    def find(self, names: Sequence[str]) -> str | None:
        """The header as it stands in the sheet; None when none of the names is there."""
        return next((self._headers[name.casefold()] for name in names if name.casefold() in self._headers), None)


class Errors:
    """Collects what is wrong, cell by cell."""

    def __init__(self) -> None:
        self.found: list[RowError] = []

    def add(self, row: Row, column: str, message: str) -> None:
        self.found.append(RowError(row.number, column, row.text(column)[:50], message))

    def add_header(self, column: str, message: str) -> None:
        self.found.append(RowError(1, column, "", message))


def cell_of(row: Row, column: str | None) -> Cell | None:
    """The cell of a column that may be missing; None when there is nothing in it."""
    cell = row.cells.get(column) if column is not None else None
    return cell if cell is not None and cell.text else None
