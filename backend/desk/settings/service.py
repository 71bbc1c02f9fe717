"""Settings groups: reading what is in force, and saving."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import Actor
from backend.core.config import Section, Settings
from backend.core.errors import Conflict, NotFound
from backend.core.security import SecretBox
from backend.desk.settings import repository
from backend.desk.settings.checks import Check
from backend.desk.settings.drafts import Draft, changes
from backend.desk.settings.groups import GROUPS
from backend.models.settings import SettingsCheck, SettingsGroup
from backend.office.audit import service as audit
from backend.runtime import overrides


class SettingsChanged(Conflict):
    """Another staff member saved the group after it was read."""

    code, message = "settings_changed", "这组配置刚被其他人修改，请刷新后再改"


@dataclass(frozen=True, slots=True)
class Group:
    """A group's current settings. ``row`` is None if it was never saved; ``problem``: why a saved row is unusable."""

    name: str
    section: Section
    row: SettingsGroup | None
    saved_by: str | None
    check: SettingsCheck | None
    problem: str | None


async def groups(session: AsyncSession, base: Settings, secrets: SecretBox) -> dict[str, Group]:
    """All groups in the order of the page, read from PostgreSQL."""
    rows = {row.name: row for row in await overrides.saved_groups(session)}
    effective = overrides.lay_over(base, list(rows.values()), secrets)
    savers, checks = await repository.names_of_savers(session), await repository.checks(session)
    tested = {check.name: check for check in checks}
    sections = effective.settings.sections()
    return {
        name: Group(
            name, sections[name], rows.get(name), savers.get(name), tested.get(name), effective.problems.get(name)
        )
        for name in GROUPS
    }


async def group(session: AsyncSession, base: Settings, secrets: SecretBox, name: str) -> Group:
    """One group. Raises NotFound."""
    if name not in GROUPS:
        raise NotFound("没有这组配置")
    return (await groups(session, base, secrets))[name]


def require_version(found: Group, version: int) -> None:
    """Raise SettingsChanged unless ``version`` is the saved version (0 if never saved)."""
    if version != (found.row.version if found.row else 0):
        raise SettingsChanged


async def save(
    session: AsyncSession, actor: Actor, secrets: SecretBox, before: Group, new: Draft, *, version: int
) -> None:
    """Save a draft that was made from ``before``. Raises SettingsChanged."""
    row = await repository.locked(session, before.name, staff_id=_person(actor))
    if row.version != version:
        raise SettingsChanged
    row.values = new.values
    row.secrets = row.secrets | {
        field: None if plain is None else secrets.seal(plain, context=overrides.context(before.name, field))
        for field, plain in new.secrets.items()
    }
    row.version, row.updated_at, row.updated_by = version + 1, clock.now(), _person(actor)
    old, now = changes(before.section, new, before.name)
    _audit(session, actor, "config.update", before.name, before=old, after=now)


async def record_check(session: AsyncSession, name: str, check: Check) -> None:
    """Store the result of testing the settings in force."""
    await repository.keep_check(
        session, name, ok=check.ok, latency_ms=check.latency_ms, endpoint=check.endpoint, detail=check.detail
    )


def audit_test(session: AsyncSession, actor: Actor, name: str, check: Check) -> None:
    """Audit that a person tested the connection, with the result."""
    _audit(session, actor, "config.test", name, after={"ok": check.ok}, error=None if check.ok else check.detail)


def _person(actor: Actor) -> uuid.UUID:
    if actor.id is None:
        raise ValueError("settings are saved by a member of staff")
    return actor.id


def _audit(
    session: AsyncSession,
    actor: Actor,
    action: str,
    name: str,
    *,
    after: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> None:
    audit.record(
        session, actor, action, target_type="settings", target_name=GROUPS[name].title,
        before=before, after=after, error=error,
    )  # fmt: skip
