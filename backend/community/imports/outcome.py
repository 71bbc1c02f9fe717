"""Types shared by all imports: upload, errors and outcome."""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from backend.core.errors import AppError
from backend.core.sheets.reading import Cell, Row, Sheet
from backend.models.imports import ImportKind

# A response lists at most this many errors and counts the rest, so that a broken sheet doesn't inflate it.
MOST_TOLD = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded sheet. ``whole``: the importer states that it is complete, so missing entries are removed."""

    sheet: Sheet
    file_name: str
    sha256: str
    whole: bool


@dataclass(frozen=True, slots=True)
class RowError:
    """An invalid cell. ``message`` is Chinese and says what to do. Row 1 is the header row."""

    row: int
    column: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The changes of a sheet. ``removed`` counts stored entries that a whole sheet doesn't contain.

    ``import_id`` is the record of the applied sheet, or of the same sheet applied earlier; None in a preview.
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
    """Nothing was written. ``data`` is ``{error_count, errors}``, as in the preview."""

    code, status, message = "import_has_errors", 422, "表格中有错误，未导入任何内容；请按提示修改后重新导入"

    def __init__(self, outcome: Outcome) -> None:
        told = [asdict(error) for error in outcome.errors[:MOST_TOLD]]
        super().__init__(data={"error_count": len(outcome.errors), "errors": told})


class Columns:
    """Finds a sheet's columns by alternative names, ignoring case and order."""

    def __init__(self, sheet: Sheet) -> None:
        self._headers = {header.casefold(): header for header in sheet.headers}

    def find(self, names: Sequence[str]) -> str | None:
        """The header as written in the sheet; None if it has none of the names."""
        return next((self._headers[name.casefold()] for name in names if name.casefold() in self._headers), None)


class Errors:
    """Collects errors per cell."""

    def __init__(self) -> None:
        self.found: list[RowError] = []

    def add(self, row: Row, column: str, message: str) -> None:
        self.found.append(RowError(row.number, column, row.text(column)[:50], message))

    def add_header(self, column: str, message: str) -> None:
        self.found.append(RowError(1, column, "", message))


def cell_of(row: Row, column: str | None) -> Cell | None:
    """The cell of a column; None if the column is missing or the cell is empty."""
    cell = row.cells.get(column) if column is not None else None
    return cell if cell is not None and cell.text else None
