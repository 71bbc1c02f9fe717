"""Writing the audit log, in the same transaction as the action itself."""

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.actor import Actor
from backend.models.audit import AuditEntry


def record(
    session: AsyncSession,
    actor: Actor,
    action: str,
    *,
    target_type: str,
    target_id: uuid.UUID | None = None,
    target_name: str | None = None,
    camp_id: uuid.UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    note: str | None = None,
    error: str | None = None,
) -> None:
    """Add one row. ``before`` and ``after`` hold only what differs, as JSON. They must not contain secrets.

    ``error`` is the reason of a failure; None means success.
    """
    session.add(
        AuditEntry(
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_name=actor.name,
            action=action,
            target_type=target_type,
            target_id=target_id,
            target_name=target_name,
            camp_id=camp_id,
            before=dict(before) if before is not None else None,
            after=dict(after) if after is not None else None,
            note=note,
            error=error,
            ip=actor.ip,
            user_agent=actor.user_agent,
            request_id=actor.request_id,
        )
    )


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that differ, as ``(before, after)``."""
    changed = [key for key in after if before.get(key) != after[key]]
    return {key: before.get(key) for key in changed}, {key: after[key] for key in changed}
