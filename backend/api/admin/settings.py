"""Settings that staff may change (系统配置). The page is drawn from what is answered here."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from backend.api.answers import Answer, Instant, Model, answer
from backend.api.deps import Allowed, CurrentStaff, LiveDep, RuntimeDep, SessionDep
from backend.core.config import Settings
from backend.desk.settings import flows, service
from backend.desk.settings.drafts import MASK
from backend.desk.settings.groups import GROUPS, Kind, choices_of, kind_of, plain, secret_fields
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/settings", tags=["系统配置"], dependencies=[Depends(Allowed(Permission.SETTINGS))])


class ChoiceOut(Model):
    value: str
    label: str


class FieldOut(Model):
    """A secret's ``value`` is ``******`` when it is set and empty when not; it is never told."""

    key: str
    label: str
    help: str
    unit: str
    kind: Kind
    secret: bool
    read_only: bool
    value: Any
    choices: list[ChoiceOut]


class FactOut(Model):
    label: str
    value: str


class CheckOut(Model):
    ok: bool
    latency_ms: int
    endpoint: str
    detail: str


class LastCheckOut(CheckOut):
    checked_at: Instant


class GroupOut(Model):
    """``version`` goes back with the change, 0 where the environment alone decides so far.

    ``problem``: why a saved group can't be used as it is.
    """

    key: str
    title: str
    help: str
    version: int
    updated_at: Instant | None
    updated_by: str | None
    problem: str | None
    tested: bool
    check: LastCheckOut | None
    fields: list[FieldOut]
    facts: list[FactOut]


class Form(Model):
    """``values`` by field; what is left out stays. An empty secret stays too; ``clear`` takes secrets away."""

    values: Annotated[dict[str, Any], Field(default_factory=dict, max_length=100)]
    clear: Annotated[list[str], Field(default_factory=list, max_length=100)]


class Change(Form):
    version: Annotated[int, Field(ge=0)]


class Trial(Form):
    """``send_message``: 企业微信 also sends a message to staff."""

    send_message: bool = False


@router.get("")
async def list_settings(live: LiveDep, runtime: RuntimeDep, session: SessionDep) -> Answer[list[GroupOut]]:
    """Every group with what is in force, and how to show it."""
    found = await service.groups(session, live.base, runtime.secrets)
    return answer([_group_out(group, live.base) for group in found.values()])


@router.get("/{group}")
async def get_settings(group: str, live: LiveDep, runtime: RuntimeDep) -> Answer[GroupOut]:
    return answer(_group_out(await flows.read(live, runtime, group), live.base))


@router.put("/{group}")
async def save_settings(
    group: str, body: Change, live: LiveDep, runtime: RuntimeDep, viewer: CurrentStaff
) -> Answer[GroupOut]:
    """Save a group as a whole; in force everywhere within about a second.

    Credentials are tried first, and kept only if the other side doesn't refuse them.
    """
    await flows.save(live, runtime, viewer.actor, group, version=body.version, typed=body.values, clear=body.clear)
    return answer(_group_out(await flows.read(live, runtime, group), live.base))


@router.post("/{group}/test")
async def test_settings(
    group: str, body: Trial, live: LiveDep, runtime: RuntimeDep, viewer: CurrentStaff
) -> Answer[CheckOut]:
    """Try the connection with the form as it stands, saved or not; an empty body tries what is saved."""
    check = await flows.test(
        live, runtime, viewer.actor, group, typed=body.values, clear=body.clear, send_message=body.send_message
    )
    return answer(CheckOut.model_validate(check))


def _group_out(group: service.Group, base: Settings) -> GroupOut:
    shown = GROUPS[group.name]
    return GroupOut(
        key=group.name,
        title=shown.title,
        help=shown.help,
        version=group.row.version if group.row else 0,
        updated_at=group.row.updated_at if group.row else None,
        updated_by=group.saved_by,
        problem=group.problem,
        tested=shown.tested,
        check=LastCheckOut.model_validate(group.check) if group.check else None,
        fields=_fields_out(group),
        facts=[FactOut.model_validate(fact) for fact in shown.facts(base)],
    )


def _fields_out(group: service.Group) -> list[FieldOut]:
    secret = secret_fields(group.name)
    values = group.section.model_dump(mode="json")
    return [
        FieldOut(
            key=key,
            label=field.label,
            help=field.help,
            unit=field.unit,
            kind=kind_of(group.name, key),
            secret=key in secret,
            read_only=field.read_only,
            value=_masked(group, key) if key in secret else values[key],
            choices=[ChoiceOut(value=value, label=label) for value, label in choices_of(group.name, key).items()],
        )
        for key, field in GROUPS[group.name].fields.items()
    ]


def _masked(group: service.Group, key: str) -> str:
    return MASK if plain(getattr(group.section, key)) else ""
