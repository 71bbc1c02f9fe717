"""The audit log (操作日志): read only."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from backend.api.answers import Answer, Day, Id, Instant, LongRows, Model, answer
from backend.api.deps import Allowed, PageDep, SessionDep
from backend.community.planets import repository as planets
from backend.core.ids import parse_id
from backend.desk.reports import audit_words
from backend.models.audit import AuditEntry
from backend.office.audit import repository
from backend.office.audit.repository import Filter
from backend.office.staff import repository as staff
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/logs", tags=["操作日志"])

Word = Annotated[str | None, Query(max_length=50)]


class ChangeOut(Model):
    """One field that differs, in words; null where the row says nothing of that side."""

    field: str
    before: str | None
    after: str | None


class LogOut(Model):
    """``before`` and ``after`` hold what differs, ``changes`` the same in words; secrets are never in them.

    ``error``: why it failed; null: it went well. ``seq`` is the row's place in the chain.
    """

    id: Id
    seq: int | None
    created_at: Instant
    actor_kind: str
    actor_id: Id | None
    actor_name: str
    actor_text: str
    action: str
    action_text: str
    target_type: str
    target_text: str
    target_id: Id | None
    target_name: str | None
    camp_id: Id | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    changes: list[ChangeOut]
    note: str | None
    error: str | None
    ip: str | None
    user_agent: str | None
    request_id: str | None


class ChoiceOut(Model):
    value: str
    label: str


class ChoicesOut(Model):
    """What the log can be filtered by, in words."""

    actions: list[ChoiceOut]
    targets: list[ChoiceOut]


def _wanted(
    action: Word = None,
    actor_id: Id | None = None,
    target_type: Word = None,
    target_id: Id | None = None,
    camp_id: Id | None = None,
    first_day: Annotated[Day | None, Query(alias="from")] = None,
    last_day: Annotated[Day | None, Query(alias="to")] = None,
    q: Word = None,
    failed: bool | None = None,
) -> Filter:
    """``from`` and ``to`` are whole days, both included."""
    return Filter(action, actor_id, target_type, target_id, camp_id, first_day, last_day, q, failed)


# Shared by list and export, so both return the same rows.
WantedLogs = Annotated[Filter, Depends(_wanted)]


@router.get("", dependencies=[Depends(Allowed(Permission.LOG_VIEW))])
async def list_logs(wanted: WantedLogs, session: SessionDep, page: PageDep) -> Answer[LongRows[LogOut]]:
    """Newest first."""
    found = await repository.page(session, page, wanted)
    names = await _names(session, found.items)
    return answer(LongRows.of(found, lambda entry: _out(entry, names)))


async def _names(session: SessionDep, entries: Sequence[AuditEntry]) -> dict[str, str]:
    """By id, of the people and planets that the rows tell of."""
    ids = {id_ for entry in entries for text in audit_words.ids_in(entry) if (id_ := parse_id(text)) is not None}
    found = await staff.names(session, ids) | await planets.names(session)
    return {str(id_): name for id_, name in found.items()}


def _out(entry: AuditEntry, names: Mapping[str, str]) -> LogOut:
    told = {name: getattr(entry, name) for name in LogOut.model_fields if hasattr(entry, name)}
    return LogOut(
        **told,
        actor_text=audit_words.actor(entry),
        action_text=audit_words.action(entry.action),
        target_text=audit_words.target(entry.target_type),
        changes=[ChangeOut.model_validate(change) for change in audit_words.changes(entry, names)],
    )


@router.get("/choices", dependencies=[Depends(Allowed(Permission.LOG_VIEW))])
async def list_choices() -> Answer[ChoicesOut]:
    return answer(ChoicesOut(actions=_choices(audit_words.ACTIONS), targets=_choices(audit_words.TARGETS)))


def _choices(texts: Mapping[str, str]) -> list[ChoiceOut]:
    return [ChoiceOut(value=value, label=label) for value, label in texts.items()]
