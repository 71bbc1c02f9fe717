"""Import record and audit log entry of an applied sheet."""

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.imports.outcome import Outcome, Upload
from backend.core.actor import Actor
from backend.core.ids import new_id
from backend.models.camps import Camp
from backend.models.imports import Import
from backend.models.planets import Planet
from backend.office.audit import service as audit

_TOLD = ("kind", "file_name", "sha256", "whole", "rows", "added", "changed", "removed")


async def record(session: AsyncSession, outcome: Outcome, upload: Upload, about: Camp | Planet, actor: Actor) -> Import:
    """Store the import of a check-in sheet (``about`` a camp) or a member sheet (``about`` a planet)."""
    is_camp = isinstance(about, Camp)
    row = Import(
        id=new_id(),
        kind=outcome.kind,
        planet_id=about.planet_id if isinstance(about, Camp) else about.id,
        camp_id=about.id if is_camp else None,
        file_name=upload.file_name,
        sha256=upload.sha256,
        whole=upload.whole,
        rows=outcome.rows,
        added=outcome.added,
        changed=outcome.changed,
        removed=outcome.removed,
        created_by=actor.id,
    )
    session.add(row)
    await session.flush()
    audit.record(
        session,
        actor,
        "checkin.import" if is_camp else "planet.import",
        target_type="camp" if is_camp else "planet",
        target_id=about.id,
        target_name=about.name,
        camp_id=row.camp_id,
        after={name: getattr(row, name) for name in _TOLD},
    )
    return row
