"""Sheets that staff bring in: a camp's check-ins (打卡导入) and a planet's members (星球会员导入)."""

import asyncio
import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, UploadFile

from backend.api.answers import Answer, Day, Id, Instant, Model, Rows, answer
from backend.api.bodies import up_to
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.community.camps.service import get_camp
from backend.community.imports import checkins, planet_members, repository
from backend.community.imports.outcome import MOST_TOLD, Outcome, Upload
from backend.community.planets.service import get_planet
from backend.core.errors import Invalid
from backend.core.sheets.reading import MAX_BYTES, BadSheet, read_sheet
from backend.models.imports import Import, ImportKind
from backend.office.staff.rules import Permission

router = APIRouter(tags=["导入"], dependencies=[Depends(Allowed(Permission.CHECKIN_SYNC))])

Mode = Annotated[Literal["preview", "apply"], Form(description="preview 只检查不写入")]
Whole = Annotated[bool, Form(description="表格包含全部人员；表格里没有的将被移除")]


class RowErrorOut(Model):
    """Row 1 holds the headers; ``message`` names the cure."""

    row: int
    column: str
    value: str
    message: str


class ImportOut(Model):
    """``import_id`` is null in a preview; the first 200 of ``error_count`` errors are told."""

    kind: ImportKind
    rows: int
    new: int
    changed: int
    unchanged: int
    removed: int
    error_count: int
    errors: list[RowErrorOut]
    import_id: Id | None


class ImportRecordOut(Model):
    id: Id
    kind: ImportKind
    file_name: str
    sha256: str
    whole: bool
    rows: int
    added: int
    changed: int
    removed: int
    created_by_name: str
    created_at: Instant


class ListedMemberOut(Model):
    """``user_id`` is known only where it is beyond doubt."""

    number: str
    nickname: str
    wechat_nickname: str
    card_nickname: str
    remark_nickname: str
    role: str
    joined_on: Day | None
    left: bool
    user_id: str | None
    updated_at: Instant


def _out(outcome: Outcome) -> ImportOut:
    return ImportOut(
        kind=outcome.kind,
        rows=outcome.rows,
        new=outcome.added,
        changed=outcome.changed,
        unchanged=outcome.unchanged,
        removed=outcome.removed,
        error_count=len(outcome.errors),
        errors=[RowErrorOut.model_validate(error) for error in outcome.errors[:MOST_TOLD]],
        import_id=outcome.import_id,
    )


def _record_out(found: tuple[Import, str]) -> ImportRecordOut:
    record, name = found
    columns = {name: getattr(record, name) for name in ImportRecordOut.model_fields if hasattr(record, name)}
    return ImportRecordOut(**columns, created_by_name=name)


async def _read(file: UploadFile, whole: bool) -> Upload:
    content = await file.read(MAX_BYTES + 1)
    try:
        sheet = await asyncio.to_thread(read_sheet, content)
    except BadSheet as error:
        raise Invalid({"file": str(error)}) from error
    name = (file.filename or "").rpartition("/")[2][:200]
    return Upload(sheet, name, hashlib.sha256(content).hexdigest(), whole)


@router.post("/camps/{camp_id}/checkins/import")
@up_to(3)
async def import_checkins(
    camp_id: Id, file: UploadFile, mode: Mode, session: SessionDep, viewer: CurrentStaff, whole: Whole = False
) -> Answer[ImportOut]:
    """Days or totals from an XLSX or CSV. With any error nothing is written; the same sheet again changes nothing."""
    await get_camp(session, camp_id)
    upload = await _read(file, whole)
    if mode == "preview":
        return answer(_out(await checkins.preview(session, camp_id, upload)))
    return answer(_out(await checkins.apply(session, camp_id, upload, actor=viewer.actor)))


@router.get("/camps/{camp_id}/checkins/imports")
async def checkin_imports(camp_id: Id, session: SessionDep, page: PageDep) -> Answer[Rows[ImportRecordOut]]:
    """Applied sheets, newest first."""
    camp = await get_camp(session, camp_id)
    found = await repository.imports_page(session, page, planet_id=camp.planet_id, camp_id=camp.id)
    return answer(Rows.of(found, _record_out))


@router.post("/planets/{planet_id}/members/import")
@up_to(3)
async def import_members(
    planet_id: Id, file: UploadFile, mode: Mode, session: SessionDep, viewer: CurrentStaff, whole: Whole = False
) -> Answer[ImportOut]:
    """The planet's member export, whole or in part; then the members of its camps are matched anew."""
    await get_planet(session, planet_id)
    upload = await _read(file, whole)
    if mode == "preview":
        return answer(_out(await planet_members.preview(session, planet_id, upload)))
    return answer(_out(await planet_members.apply(session, planet_id, upload, actor=viewer.actor)))


@router.get("/planets/{planet_id}/members/imports")
async def member_imports(planet_id: Id, session: SessionDep, page: PageDep) -> Answer[Rows[ImportRecordOut]]:
    """Applied sheets, newest first."""
    planet = await get_planet(session, planet_id)
    found = await repository.imports_page(session, page, planet_id=planet.id, camp_id=None)
    return answer(Rows.of(found, _record_out))


@router.get("/planets/{planet_id}/members")
async def listed_members(
    planet_id: Id,
    session: SessionDep,
    page: PageDep,
    left: bool | None = None,
    q: Annotated[str | None, Query(max_length=50)] = None,
) -> Answer[Rows[ListedMemberOut]]:
    """Who the imported lists name, by number."""
    planet = await get_planet(session, planet_id)
    found = await repository.listed_page(session, page, planet_id=planet.id, left=left, q=(q or "").strip() or None)
    return answer(Rows.of(found, ListedMemberOut.model_validate))
