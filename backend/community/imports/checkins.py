"""Import of check-in sheets: all or nothing. An import never decides a verdict (docs/decisions/0013)."""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.community.imports import checkin_sheet, repository
from backend.community.imports.checkin_sheet import CheckinSheet, Directory
from backend.community.imports.outcome import ImportHasErrors, Outcome, Upload
from backend.community.imports.recording import record
from backend.community.matching import service as matching
from backend.core import clock
from backend.core.actor import Actor
from backend.core.errors import Conflict
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import CheckinSource
from backend.models.imports import ImportKind

_OPEN = (CampStatus.ENROLLING, CampStatus.ONGOING, CampStatus.ENDED, CampStatus.SETTLING)


class CampNotImportable(Conflict):
    code, message = "camp_not_importable", "训练营未发布、已归档或没有关联星球，不能导入打卡"


async def preview(session: AsyncSession, camp_id: uuid.UUID, upload: Upload) -> Outcome:
    """Changes and errors of the sheet, without writing. Raises NotFound, CampNotImportable."""
    return (await _compare(session, await camps.get_camp(session, camp_id), upload)).outcome


async def apply(session: AsyncSession, camp_id: uuid.UUID, upload: Upload, *, actor: Actor) -> Outcome:
    """Write the sheet's days or totals and rematch the camp. Idempotent: the same sheet again changes nothing.

    Raises NotFound, CampNotImportable, ImportHasErrors.
    """
    camp = await camps.lock_camp(session, camp_id)
    found = await _compare(session, camp, upload)
    if found.outcome.errors:
        raise ImportHasErrors(found.outcome)
    planet_id = _planet_of(camp)
    if found.outcome.is_empty:
        earlier = await repository.same_today(
            session, planet_id=planet_id, camp_id=camp.id, sha256=upload.sha256, whole=upload.whole
        )
        if earlier is not None:
            return replace(found.outcome, import_id=earlier)
    written = await record(session, found.outcome, upload, camp, actor)
    await found.write(session, camp.id, written.id)
    await matching.match_camp(session, camp.id, actor)
    return replace(found.outcome, import_id=written.id)


class _Comparison:
    """The differences between a sheet and the stored data."""

    def __init__(self, sheet: CheckinSheet, rows: int, *, whole: bool) -> None:
        self._sheet, self._rows, self._whole = sheet, rows, whole
        self._new_days: set[repository.Day] = set()
        self._gone_days: list[repository.Day] = []
        self._new_totals: dict[str, int] = {}
        self._gone_totals: list[str] = []
        self.outcome = self._outcome(0, 0, 0)

    def with_days(self, stored: Mapping[repository.Day, CheckinSource]) -> None:
        self._new_days = self._sheet.days - stored.keys()
        imported = {day for day, source in stored.items() if source is CheckinSource.IMPORT}
        self._gone_days = sorted(imported - self._sheet.days) if self._whole else []
        self.outcome = self._outcome(len(self._new_days), 0, len(self._gone_days))

    def with_totals(self, stored: Mapping[str, int]) -> None:
        said = self._sheet.totals
        self._new_totals = {user_id: days for user_id, days in said.items() if stored.get(user_id) != days}
        self._gone_totals = sorted(stored.keys() - said.keys()) if self._whole else []
        changed = len(self._new_totals.keys() & stored.keys())
        self.outcome = self._outcome(len(self._new_totals) - changed, changed, len(self._gone_totals))

    def _outcome(self, added: int, changed: int, removed: int) -> Outcome:
        return Outcome(
            kind=self._sheet.kind,
            rows=self._rows,
            added=added,
            changed=changed,
            unchanged=len(self._sheet.days) + len(self._sheet.totals) - added - changed,
            removed=removed,
            errors=self._sheet.errors.found,
        )

    async def write(self, session: AsyncSession, camp_id: uuid.UUID, import_id: uuid.UUID) -> None:
        await repository.add_days(session, camp_id, self._new_days)
        await repository.remove_days(session, camp_id, self._gone_days)
        await repository.save_totals(session, camp_id, self._new_totals, import_id=import_id)
        await repository.remove_totals(session, camp_id, self._gone_totals)


async def _compare(session: AsyncSession, camp: Camp, upload: Upload) -> _Comparison:
    planet_id = _planet_of(camp)
    known = await repository.directory(session, planet_id, checkin_sheet.identifiers(upload.sheet))
    by_number: dict[str, set[str]] = {}
    for user_id, number in known:
        if number is not None:
            by_number.setdefault(number, set()).add(user_id)
    directory = Directory({user_id for user_id, _ in known}, by_number)
    # In a thread: parsing tens of thousands of rows would block the event loop and every other request.
    sheet = await asyncio.to_thread(
        checkin_sheet.read,
        upload.sheet,
        directory,
        first_day=camp.starts_on,
        last_day=camp.ends_on,
        today=clock.today(),
    )
    found = _Comparison(sheet, len(upload.sheet.rows), whole=upload.whole)
    if sheet.kind is ImportKind.CHECKIN_DAYS:
        found.with_days(await repository.days(session, camp.id))
    else:
        found.with_totals(await repository.totals(session, camp.id))
    return found


def _planet_of(camp: Camp) -> uuid.UUID:
    if camp.status not in _OPEN or camp.planet_id is None:
        raise CampNotImportable
    return camp.planet_id
