"""The submitted form of a settings group, validated as a whole before it is saved or tested."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from backend.core.config import Section
from backend.core.errors import Invalid
from backend.core.fields import field_text
from backend.core.text import has_control_characters
from backend.desk.settings.groups import FAULT_TEXTS, GROUPS, plain, secret_fields
from backend.runtime import overrides

MASK = "******"
MAX_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Draft:
    """``section`` is the resulting section. ``values`` holds every plain field as JSON. ``secrets`` holds only changed
    secrets; None clears one."""

    section: Section
    values: dict[str, Any]
    secrets: dict[str, str | None]


def draft(group: str, current: Section, typed: Mapping[str, Any], clear: Collection[str]) -> Draft:
    """Apply the form to the settings in force. A secret that is empty or equal to the mask keeps its old value.

    Raises Invalid with every wrong or missing field.
    """
    secret, own = secret_fields(group), GROUPS[group].fields
    problems = {name: "没有这一配置项" for name in [*typed, *clear] if name not in own}
    problems |= {name: "由环境变量决定，不能在这里修改" for name in typed if name in own and own[name].read_only}
    problems |= {name: "不是密文，不能清除" for name in clear if name in own and name not in secret}
    problems |= {name: "应为文字" for name in secret & typed.keys() if not isinstance(typed[name], str)}
    if problems:
        raise Invalid(problems)
    secrets: dict[str, str | None] = {name: typed[name].strip() for name in secret & typed.keys()}
    secrets = {name: text for name, text in secrets.items() if text not in ("", MASK)} | dict.fromkeys(clear)
    values = {name: _trimmed(value) for name, value in typed.items() if name not in secret}
    section = _validated(group, current, values, secrets)
    kept = {name for name, shown in own.items() if name not in secret and not shown.read_only}
    return Draft(section, section.model_dump(mode="json", include=kept), secrets)


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _validated(group: str, current: Section, values: Mapping[str, Any], secrets: Mapping[str, str | None]) -> Section:
    everything = {**values, **{name: text or "" for name, text in secrets.items()}}
    if problems := {
        name: problem for name, value in everything.items() if (problem := _text_problem(group, name, value))
    }:
        raise Invalid(problems)
    try:
        section = overrides.changed(current, everything)
    except ValidationError as error:
        raise Invalid(dict(map(_named, error.errors(include_input=False, include_url=False)))) from None
    problems = {name: FAULT_TEXTS[fault] for name, fault in section.faults().items()}
    problems |= dict.fromkeys(GROUPS[group].missing(section), "必填：已填写其他项")
    if problems:
        raise Invalid(problems)
    return section


def _text_problem(group: str, name: str, value: object) -> str | None:
    """Why a text can't be stored, in Chinese; None if it can."""
    if not isinstance(value, str):
        return None
    if len(value) > MAX_TEXT:
        return f"最多 {MAX_TEXT} 个字"
    lines = value.splitlines() if GROUPS[group].fields[name].long else [value]
    return "含有不可见的字符" if any(map(has_control_characters, lines)) or not _encodes(value) else None


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _named(item: Any) -> tuple[str, str]:
    """The field and its message. Problems of the group as a whole have an empty name."""
    return ".".join(str(part) for part in item["loc"][:1]), field_text(item)


def changes(before: Section, after: Draft, group: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Changed fields before and after, for the audit log. Secrets show only whether they are set."""
    secret = secret_fields(group)
    was = before.model_dump(mode="json", include=set(after.values))
    names = [name for name, value in after.values.items() if was[name] != value]
    old = {name: was[name] for name in names}
    new = {name: after.values[name] for name in names}
    for name in sorted(secret & after.secrets.keys()):
        old[name] = MASK if plain(getattr(before, name)) else ""
        new[name] = "" if after.secrets[name] is None else f"{MASK}（新）"
    return old, new
