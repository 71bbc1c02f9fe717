"""State histories of camps, payments, matches and refunds. Only :func:`move` changes a ``status``."""

import uuid
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from sqlalchemy import Index, Text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.actor import Actor
from backend.core.states import Transitions
from backend.models.base import Base, Identified


class StateChange(Identified, Base):
    """One state transition of one row: from, to, the event, the actor, and a note."""

    __tablename__ = "state_changes"
    __table_args__ = (Index(None, "entity", "entity_id", "created_at"),)

    entity: Mapped[str] = mapped_column(Text)
    entity_id: Mapped[uuid.UUID]
    from_state: Mapped[str] = mapped_column(Text)
    to_state: Mapped[str] = mapped_column(Text)
    event: Mapped[str] = mapped_column(Text)
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[uuid.UUID | None]
    note: Mapped[str | None] = mapped_column(Text)


class Stateful(Protocol):
    """A row whose ``status`` follows a transition table."""

    __tablename__: Any
    transitions: ClassVar[Transitions[Any]]
    id: Any
    status: Any


def move(
    session: AsyncSession, row: Stateful, to: StrEnum, *, event: str, actor: Actor, note: str | None = None
) -> None:
    """Change a row's status and record the transition.

    Raises IllegalMove if the row's transition table forbids it. The caller must hold the row's lock.
    """
    row.transitions.check(row.status, to)
    session.add(
        StateChange(
            entity=row.__tablename__,
            entity_id=row.id,
            from_state=row.status.value,
            to_state=to.value,
            event=event,
            actor_kind=actor.kind,
            actor_id=actor.id,
            note=note,
        )
    )
    row.status = to
