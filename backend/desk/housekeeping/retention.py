"""Blanking personal data of old camps in batches, without touching the books (docs/decisions on retention).

A person's openid, payer id and planet user id stay. They contain no name, and the books, the audit log and the person's
own pages are linked by them. Ledger, audit log and histories are append-only and aren't touched.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, delete, exists, literal, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.text import CLEARED, CLEARED_MESSAGE
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import Checkin, CheckinTotal
from backend.models.history import StateChange
from backend.models.imports import Import, PlanetMember
from backend.models.inbox import InboxEvent
from backend.models.members import Member
from backend.models.notifications import Notification
from backend.models.payments import Payment
from backend.models.planets import PlanetUser
from backend.models.reconciliation import CaseStatus, ReconciliationCase
from backend.money.payments.service import Outcome
from backend.office.audit import service as audit
from backend.runtime import Runtime

# Rows per transaction.
BATCH = 2_000

# Replaces the payload of a provider event about a settled payment or refund. Our own rows hold its facts.
_SETTLED_EVENT = {"cleared": True}


async def clear(runtime: Runtime) -> dict[str, int]:
    """One nightly run. Returns the rows blanked or removed per table, and the number of camps cleared.

    After a crash the camp isn't marked as cleared, so the next run continues with it.
    """
    before = clock.now() - dt.timedelta(days=runtime.settings.retention.personal_days)
    done: Counter[str] = Counter()
    async with runtime.db.transaction() as session:
        camps = await _due(session, before)
    for camp_id in camps:
        done += await _clear_camp(runtime, camp_id)
    done["camps"] = len(camps)
    for name, step in (("notifications", _messages), ("planet_members", _listed), ("planet_users", _people)):
        done[name] += await _in_batches(runtime, step, before)
    events_before = clock.now() - dt.timedelta(days=runtime.settings.retention.event_days)
    done["inbox_events"] = await _in_batches(runtime, _events, events_before)
    return dict(done)


async def _due(session: AsyncSession, before: dt.datetime) -> Sequence[uuid.UUID]:
    """Camps archived before an instant that aren't cleared yet."""
    archived = exists().where(
        StateChange.entity == Camp.__tablename__,
        StateChange.entity_id == Camp.id,
        StateChange.to_state == CampStatus.ARCHIVED,
        StateChange.created_at < before,
    )
    due = and_(Camp.status == CampStatus.ARCHIVED, Camp.personal_data_cleared_at.is_(None), archived)
    return (await session.scalars(select(Camp.id).where(due).order_by(Camp.id))).all()


async def _clear_camp(runtime: Runtime, camp_id: uuid.UUID) -> Counter[str]:
    """Blank a camp in batches. At the end, mark it as cleared and write the audit row in one transaction."""
    rows: Counter[str] = Counter()
    for table, values, named in _OF_CAMP:
        while True:
            async with runtime.db.transaction() as session:
                count = await _blank(session, table, values, and_(table.camp_id == camp_id, named(table)))
            rows[table.__tablename__] += count
            if count < BATCH:
                break
    async with runtime.db.transaction() as session:
        camp = await session.get_one(Camp, camp_id, with_for_update=True)
        camp.personal_data_cleared_at = clock.now()
        audit.record(
            session,
            SYSTEM,
            "retention.clear",
            target_type="camp",
            target_id=camp.id,
            target_name=camp.name,
            camp_id=camp.id,
            after={"rows": dict(rows)},
        )
    return rows


_NAMES = {"planet_nickname": CLEARED, "planet_number": "", "wechat_nickname": CLEARED}
# Staff can edit title templates, so a title may contain a name too.
_MESSAGE = {"title": CLEARED, "content": CLEARED_MESSAGE, "recipient": CLEARED, "values": None, "error": None}
_SPEAKS = or_(Notification.content != CLEARED_MESSAGE, Notification.title != CLEARED)

# Table, new column values, and the condition for rows that aren't blanked yet.
_OF_CAMP: tuple[tuple[Any, dict[str, Any], Any], ...] = (
    (Member, _NAMES | {"match_note": None}, lambda t: or_(t.planet_nickname != CLEARED, t.match_note.is_not(None))),
    (
        Payment,
        _NAMES | {"payer_ip": None, "prepay": None},
        lambda t: or_(t.planet_nickname != CLEARED, t.payer_ip.is_not(None), t.prepay.is_not(None)),
    ),
    (Checkin, {"excerpt": "", "topic_id": None}, lambda t: or_(t.excerpt != "", t.topic_id.is_not(None))),
    (CheckinTotal, {"name": "", "alias": None}, lambda t: or_(t.name != "", t.alias.is_not(None))),
    (Import, {"file_name": ""}, lambda t: t.file_name != ""),
    (Notification, _MESSAGE, lambda _: _SPEAKS),
)


async def _blank(session: AsyncSession, table: Any, values: dict[str, Any], which: ColumnElement[bool]) -> int:
    """Blank at most one batch of rows; returns how many."""
    keys = tuple_(*table.__mapper__.primary_key)
    some = select(*table.__mapper__.primary_key).where(which).limit(BATCH)
    return await _changed(session, update(table).where(keys.in_(some)).values(**values))


async def _changed(session: AsyncSession, statement: Any) -> int:
    result = await session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount


async def _in_batches(runtime: Runtime, step: Any, before: dt.datetime) -> int:
    total = 0
    while True:
        async with runtime.db.transaction() as session:
            count: int = await step(session, before)
        total += count
        if count < BATCH:
            return total


def _camp_cleared(camp_id: Any) -> ColumnElement[bool]:
    return exists().where(Camp.id == camp_id, Camp.personal_data_cleared_at.is_not(None))


async def _messages(session: AsyncSession, before: dt.datetime) -> int:
    """Blank old messages without a camp, and those written after their camp was cleared."""
    old = and_(Notification.created_at < before, _SPEAKS)
    of_none = or_(Notification.camp_id.is_(None), _camp_cleared(Notification.camp_id))
    return await _blank(session, Notification, _MESSAGE, and_(old, of_none))


async def _events(session: AsyncSession, before: dt.datetime) -> int:
    """Blank the payloads of old provider events, which name the payer. The row and its outcome stay.

    Payloads are kept for events that never reached our books, and for events with an open reconciliation case.
    """
    old = and_(InboxEvent.created_at < before, InboxEvent.payload != _SETTLED_EVENT)
    settled = and_(InboxEvent.outcome != Outcome.HELD, ~_in_question())
    return await _blank(session, InboxEvent, {"payload": _SETTLED_EVENT}, and_(old, settled))


def _in_question() -> ColumnElement[bool]:
    """Whether an open reconciliation case is about one of the numbers in an event."""
    numbers = [InboxEvent.payload[name].astext for name in ("transaction_id", "out_trade_no", "out_refund_no")]
    keys = [ReconciliationCase.kind + ":" + number for number in numbers]
    return exists().where(ReconciliationCase.status == CaseStatus.OPEN, ReconciliationCase.dedupe_key.in_(keys))


def _in_use(planet_id: Any) -> ColumnElement[bool]:
    """Whether a planet has a camp that isn't cleared, including planned ones."""
    return exists().where(
        Camp.planet_id == planet_id, Camp.personal_data_cleared_at.is_(None), Camp.deleted_at.is_(None)
    )


async def _listed(session: AsyncSession, before: dt.datetime) -> int:
    """Remove old imported members who left their planet, or whose planet has no camps in use."""
    gone = or_(PlanetMember.left, ~_in_use(PlanetMember.planet_id))
    return await _remove(session, PlanetMember, and_(PlanetMember.updated_at < before, gone))


async def _people(session: AsyncSession, before: dt.datetime) -> int:
    """Remove old planet users who appear in no uncleared camp. The ranking of a new camp adds them again."""
    camps = select(Camp.id).where(Camp.planet_id == PlanetUser.planet_id, Camp.personal_data_cleared_at.is_(None))
    appears = [
        exists(select(literal(1)).where(table.camp_id.in_(camps), table.planet_user_id == PlanetUser.user_id))
        for table in (Member, CheckinTotal, Checkin)
    ]
    return await _remove(session, PlanetUser, and_(PlanetUser.updated_at < before, ~or_(*appears)))


async def _remove(session: AsyncSession, table: Any, which: ColumnElement[bool]) -> int:
    keys = tuple_(*table.__mapper__.primary_key)
    some = select(*table.__mapper__.primary_key).where(which).limit(BATCH)
    return await _changed(session, delete(table).where(keys.in_(some)))
