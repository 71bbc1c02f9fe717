"""Reading the audit log."""

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.pagination import Page, PageRequest, fetch_page
from backend.models.audit import AuditEntry


async def page(
    session: AsyncSession,
    request: PageRequest,
    *,
    action: str | None = None,
    actor_id: uuid.UUID | None = None,
    target_type: str | None = None,
    target_id: uuid.UUID | None = None,
    camp_id: uuid.UUID | None = None,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
    q: str | None = None,
) -> Page[AuditEntry]:
    """Rows, newest first. Days are whole Shanghai days; ``q`` looks at the names of actor and target and the note."""
    statement = select(AuditEntry).order_by(AuditEntry.created_at.desc(), AuditEntry.id.desc())
    equal = {
        AuditEntry.action: action,
        AuditEntry.actor_id: actor_id,
        AuditEntry.target_type: target_type,
        AuditEntry.target_id: target_id,
        AuditEntry.camp_id: camp_id,
    }
    statement = statement.where(*(column == value for column, value in equal.items() if value is not None))
    if first_day is not None:
        statement = statement.where(AuditEntry.created_at >= clock.day_start(first_day))
    if last_day is not None:
        statement = statement.where(AuditEntry.created_at < clock.day_start(last_day + dt.timedelta(days=1)))
    if q:
        columns = (AuditEntry.actor_name, AuditEntry.target_name, AuditEntry.note)
        matches = [column.icontains(q, autoescape=True) for column in columns]
        statement = statement.where(matches[0] | matches[1] | matches[2])
    return await fetch_page(session, statement, request)
