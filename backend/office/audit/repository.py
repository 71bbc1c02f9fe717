"""Queries of the audit log."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.pagination import Page, PageRequest, fetch_keys, in_parts
from backend.core.search import contains
from backend.models.audit import AuditEntry


@dataclass(frozen=True, slots=True)
class Filter:
    """Selects rows. Days are Shanghai days, both included. ``q`` searches actor name, target name, note and error."""

    action: str | None = None
    actor_id: uuid.UUID | None = None
    target_type: str | None = None
    target_id: uuid.UUID | None = None
    camp_id: uuid.UUID | None = None
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    q: str | None = None
    failed: bool | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        for name in ("action", "actor_id", "target_type", "target_id", "camp_id"):
            value = getattr(self, name)
            if value is not None:
                yield getattr(AuditEntry, name) == value
        if self.first_day is not None:
            yield AuditEntry.created_at >= clock.day_start(self.first_day)
        if self.last_day is not None:
            yield AuditEntry.created_at < clock.day_start(self.last_day + dt.timedelta(days=1))
        if self.failed is not None:
            yield AuditEntry.error.is_not(None) if self.failed else AuditEntry.error.is_(None)
        if self.q:
            columns = (AuditEntry.actor_name, AuditEntry.target_name, AuditEntry.note, AuditEntry.error)
            yield or_(*(contains(column, self.q) for column in columns))


_NEWEST_FIRST = (AuditEntry.created_at.desc(), AuditEntry.id.desc())


async def page(session: AsyncSession, request: PageRequest, wanted: Filter) -> Page[AuditEntry]:
    """One page of rows, newest first."""
    keys = select(AuditEntry.id).where(*wanted.conditions()).order_by(*_NEWEST_FIRST)
    found = await fetch_keys(session, keys, request, is_search=bool(wanted.q))
    rows = await session.scalars(select(AuditEntry).where(AuditEntry.id.in_(found.items)).order_by(*_NEWEST_FIRST))
    return found.with_items(rows.all())


async def parts(session: AsyncSession, wanted: Filter) -> AsyncIterator[list[AuditEntry]]:
    """All rows in batches, newest first."""
    async for part in in_parts(session, select(AuditEntry).where(*wanted.conditions()).order_by(*_NEWEST_FIRST)):
        yield [row[0] for row in part]
