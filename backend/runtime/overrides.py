"""Settings saved in the console override those of the environment (docs/decisions/0015)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr, ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.config import Section, Settings
from backend.core.security import SecretBox
from backend.models.settings import SettingsGroup


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings in force. ``problems``: by group, why a saved row can't be used, in Chinese."""

    settings: Settings
    problems: Mapping[str, str]


def context(group: str, field: str) -> str:
    """The encryption context of a saved secret."""
    return f"settings:{group}:{field}"


async def versions(session: AsyncSession) -> dict[str, int]:
    """The version of every saved group. Processes compare them to detect changes."""
    rows = await session.execute(select(SettingsGroup.name, SettingsGroup.version))
    return {row.name: row.version for row in rows}


async def saved_groups(session: AsyncSession) -> Sequence[SettingsGroup]:
    return (await session.scalars(select(SettingsGroup).order_by(SettingsGroup.name))).all()


def lay_over(base: Settings, rows: Sequence[SettingsGroup], secrets: SecretBox) -> Effective:
    """``base`` with the saved groups applied.

    A secret that no data key decrypts becomes empty. Falling back to the environment's secret would act as another
    account; an empty one makes the feature refuse to work. If a section rejects the saved values, those of the
    environment apply.
    """
    sections, known, problems = {}, base.sections(), {}
    for row in rows:
        if row.name not in known:
            continue
        section, problem = _over(known[row.name], row, secrets)
        sections[row.name] = section
        if problem:
            problems[row.name] = problem
    return Effective(base.model_copy(update=sections), problems)


def changed(section: Section, values: Mapping[str, Any]) -> Section:
    """``section`` with some values replaced, validated as a whole. Raises ValidationError."""
    fields = type(section).model_fields
    state = {name: getattr(section, name) for name in fields}
    return type(section).model_validate(state | {name: value for name, value in values.items() if name in fields})


def _over(section: Section, row: SettingsGroup, secrets: SecretBox) -> tuple[Section, str | None]:
    opened, unreadable = _opened(row, secrets)
    try:
        section = changed(section, row.values | opened)
    except ValidationError:
        return changed(section, opened), "保存的内容已不符合要求，现按环境变量运行，请重新保存"
    return section, "密文无法用现有数据密钥解密，请重新填写后保存" if unreadable else None


def _opened(row: SettingsGroup, box: SecretBox) -> tuple[dict[str, SecretStr], list[str]]:
    opened, unreadable = {}, []
    for field, sealed in row.secrets.items():
        plain = ""
        try:
            plain = box.open(sealed, context=context(row.name, field)) if sealed is not None else ""
        except ValueError:
            unreadable.append(field)
        opened[field] = SecretStr(plain)
    return opened, unreadable
