"""Lists as files: XLSX or CSV, all that a filter finds, each noted in the audit log.

A file is written whole before its answer begins: a failure is an error and no half file, and no transaction stays open
while somebody's slow line takes the file.
"""

import asyncio
import io
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, BinaryIO, Literal, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from backend.api.admin.logs import WantedLogs
from backend.api.admin.members import Visible, WantedMembers
from backend.api.admin.refund_lists import WantedRefunds
from backend.api.admin.statistics import By, Order, WantedCoaches, WantedRange
from backend.api.answers import Day, Id
from backend.api.deps import Allowed, CurrentStaff, SessionDep
from backend.community.camps.service import get_camp
from backend.community.checkins import repository as checkins
from backend.community.checkins.repository import CheckinFilters
from backend.community.matching import queue
from backend.community.matching.queue import Tab
from backend.community.members import repository as members
from backend.core import clock
from backend.core.pagination import PageRequest
from backend.core.sheets.writing import MEDIA_TYPES, SheetKind
from backend.desk.reports import person, person_sheets, sheets, statistics, statistics_sheets
from backend.desk.reports.sheets import Layout, Written
from backend.desk.reports.statistics import Range, Sort
from backend.models.camps import Camp
from backend.money.refunds import queries as refunds
from backend.money.refunds import settlement
from backend.office.audit import repository as logs
from backend.office.audit import service as audit
from backend.office.staff.rules import Permission
from backend.office.staff.service import Viewer

router = APIRouter(tags=["导出"])
Exporter = Depends(Allowed(Permission.EXPORT))
T = TypeVar("T")

Kind = Annotated[SheetKind, Query(alias="format")]
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {type_: {"schema": {"type": "string", "format": "binary"}} for type_ in MEDIA_TYPES.values()}}
}
_CHUNK = 64 * 1024


async def _export(
    session: SessionDep,
    viewer: Viewer,
    layout: Layout[T],
    kind: SheetKind,
    parts: AsyncIterator[Sequence[T]],
    *,
    what: str,
    camp: Camp | None = None,
) -> StreamingResponse:
    written = await sheets.write(layout, kind, parts)
    return _sent(session, viewer, written, kind, title=layout.title, what=what, camp=camp)


def _sent(
    session: SessionDep,
    viewer: Viewer,
    written: Written,
    kind: SheetKind,
    *,
    title: str,
    what: str,
    camp: Camp | None = None,
    note: dict[str, Any] | None = None,
) -> StreamingResponse:
    """The file, noted in the log with the number of its rows and what ``note`` adds."""
    audit.record(
        session,
        viewer.actor,
        f"export.{what}",
        target_type=what,
        target_id=camp.id if camp is not None else None,
        target_name=camp.name if camp is not None else None,
        camp_id=camp.id if camp is not None else None,
        after={"rows": written.rows, "format": kind, **(note or {})},
    )
    return _file(written, title, kind, MEDIA_TYPES[kind])


def _file(written: Written, title: str, ending: str, media_type: str) -> StreamingResponse:
    name = f"{title}-{clock.today()}.{ending}"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-store"}
    return StreamingResponse(_chunks(written.file), headers=headers, media_type=media_type)


async def _chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            yield chunk


async def _one(rows: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    yield rows


async def _camp(session: SessionDep, camp_id: uuid.UUID | None) -> Camp | None:
    return await get_camp(session, camp_id) if camp_id is not None else None


@router.get("/members/export", dependencies=[Exporter], response_class=StreamingResponse, responses=_FILES)
async def export_members(
    wanted: WantedMembers, kind: Kind, session: SessionDep, viewer: CurrentStaff
) -> StreamingResponse:
    parts = members.parts(session, wanted)
    camp = await _camp(session, wanted.camp_id)
    return await _export(session, viewer, sheets.MEMBERS, kind, parts, what="members", camp=camp)


@router.get("/refunds/export", dependencies=[Exporter], response_class=StreamingResponse, responses=_FILES)
async def export_refunds(
    wanted: WantedRefunds, kind: Kind, session: SessionDep, viewer: CurrentStaff
) -> StreamingResponse:
    parts = refunds.parts(session, wanted)
    camp = await _camp(session, wanted.camp_id)
    return await _export(session, viewer, sheets.REFUNDS, kind, parts, what="refunds", camp=camp)


@router.get(
    "/camps/{camp_id}/checkins/export", dependencies=[Exporter], response_class=StreamingResponse, responses=_FILES
)
async def export_checkins(
    camp_id: Id,
    kind: Kind,
    session: SessionDep,
    viewer: CurrentStaff,
    first_day: Annotated[Day | None, Query(alias="from")] = None,
    last_day: Annotated[Day | None, Query(alias="to")] = None,
) -> StreamingResponse:
    """Also the days of people without an enrolment."""
    camp = await get_camp(session, camp_id)
    viewer.require_camp(camp.id)
    parts = checkins.checkin_parts(session, CheckinFilters(None, camp.id, None, None, first_day, last_day))
    return await _export(session, viewer, sheets.CHECKINS, kind, parts, what="checkins", camp=camp)


@router.get("/matching/export", dependencies=[Exporter], response_class=StreamingResponse, responses=_FILES)
async def export_matching(
    kind: Kind,
    session: SessionDep,
    viewer: CurrentStaff,
    tab: Tab = Tab.TO_MATCH,
    camp_id: Annotated[Id | None, Query()] = None,
    q: Annotated[str | None, Query(max_length=50)] = None,
) -> StreamingResponse:
    """One tab of the matching queue, with its suggestions."""
    camp = await _camp(session, camp_id)
    wanted = queue.Wanted(tab, camp_id, q)
    return await _export(
        session, viewer, sheets.MATCHING, kind, _queue_parts(session, wanted), what="matching", camp=camp
    )


async def _queue_parts(session: SessionDep, wanted: queue.Wanted) -> AsyncIterator[Sequence[queue.QueueRow]]:
    """By pages, since suggestions are looked up for many rows at once; the queue is as short as people's patience."""
    total, number = (await queue.counts(session, wanted))[wanted.tab], 1
    while (number - 1) * 200 < total:
        yield (await queue.page(session, PageRequest(number, 200), wanted, total=total)).items
        number += 1


@router.get(
    "/camps/{camp_id}/settlement/export", dependencies=[Exporter], response_class=StreamingResponse, responses=_FILES
)
async def export_settlement(camp_id: Id, kind: Kind, session: SessionDep, viewer: CurrentStaff) -> StreamingResponse:
    """Every paid member with verdict and reasons."""
    camp = await get_camp(session, camp_id)
    viewer.require_camp(camp.id)
    lines = (await settlement.settlement(session, camp.id)).lines
    return await _export(session, viewer, sheets.SETTLEMENT, kind, _one(lines), what="settlement", camp=camp)


@router.get(
    "/logs/export",
    dependencies=[Depends(Allowed(Permission.LOG_VIEW))],
    response_class=StreamingResponse,
    responses=_FILES,
)
async def export_logs(wanted: WantedLogs, kind: Kind, session: SessionDep, viewer: CurrentStaff) -> StreamingResponse:
    parts = logs.parts(session, wanted)
    camp = await _camp(session, wanted.camp_id)
    return await _export(session, viewer, sheets.LOGS, kind, parts, what="logs", camp=camp)


_PERSON_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, MEDIA_TYPES[SheetKind.XLSX]: {}}, "description": "文件"}
}


@router.get(
    "/members/{member_id}/export", dependencies=[Exporter], response_class=StreamingResponse, responses=_PERSON_FILES
)
async def export_person(
    row: Visible,
    session: SessionDep,
    viewer: CurrentStaff,
    ending: Annotated[Literal["json", "xlsx"], Query(alias="format")] = "json",
) -> StreamingResponse:
    """Everything held about the person behind a membership, in all camps, for whoever asks for their own data."""
    found = person_sheets.sheets_of(await person.everything(session, row.member))
    if ending == "xlsx":
        written, media_type = await sheets.write_book(SheetKind.XLSX, found), MEDIA_TYPES[SheetKind.XLSX]
    else:
        content = io.BytesIO(person_sheets.json_of(found))
        written, media_type = Written(content, sum(len(sheet.rows) for sheet in found)), "application/json"
    audit.record(
        session,
        viewer.actor,
        "export.person",
        target_type="member",
        target_id=row.member.id,
        camp_id=row.member.camp_id,
        after={"rows": written.rows, "format": ending},
    )
    return _file(written, "个人数据", ending, media_type)


Reporter = Depends(Allowed(Permission.REPORT_VIEW))


def _range_note(wanted: Range) -> dict[str, Any]:
    return {"from": wanted.first.isoformat(), "to": wanted.last.isoformat()}


@router.get(
    "/statistics/camp/export", dependencies=[Exporter, Reporter], response_class=StreamingResponse, responses=_FILES
)
async def export_camp_statistics(
    wanted: WantedRange,
    kind: Kind,
    session: SessionDep,
    viewer: CurrentStaff,
    sort: By = Sort.STARTS_ON,
    order: Order = "desc",
) -> StreamingResponse:
    """训练营报表: a sheet with the overview, and one with all camps of the range in the table's order."""
    report = await statistics.report(session, viewer.camp_ids, wanted)
    camps = statistics.ordered(report.camps, sort, descending=order == "desc")
    written = await sheets.write_book(kind, statistics_sheets.camp_report(report, camps))
    title, note = "训练营报表", _range_note(wanted)
    return _sent(session, viewer, written, kind, title=title, what="camp_statistics", note=note)


@router.get(
    "/statistics/coaches/export", dependencies=[Exporter, Reporter], response_class=StreamingResponse, responses=_FILES
)
async def export_coach_statistics(
    wanted: WantedRange, found: WantedCoaches, kind: Kind, session: SessionDep, viewer: CurrentStaff
) -> StreamingResponse:
    """教练绩效."""
    written = await sheets.write_book(kind, statistics_sheets.coach_report(wanted, found))
    title, note = "教练绩效", _range_note(wanted)
    return _sent(session, viewer, written, kind, title=title, what="coach_statistics", note=note)
