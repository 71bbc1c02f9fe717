"""State machines as data: tables are closed, and nothing else passes."""

from enum import StrEnum

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core.actor import SYSTEM
from backend.core.states import IllegalMove, Transitions
from backend.models.camps import CAMP_TRANSITIONS, CampStatus
from backend.models.checkins import SYNC_TRANSITIONS, SyncStatus
from backend.models.history import StateChange, move
from backend.models.members import MATCH_TRANSITIONS, MatchStatus
from backend.models.notifications import NOTICE_TRANSITIONS, NoticeStatus
from backend.models.payments import PAYMENT_TRANSITIONS, PaymentStatus
from backend.models.reconciliation import CASE_TRANSITIONS, CaseStatus
from backend.models.refunds import REFUND_TRANSITIONS, RefundStatus
from tests.factories import make_camp

MACHINES: list[tuple[type[StrEnum], Transitions]] = [  # type: ignore[type-arg] # of several enums
    (CampStatus, CAMP_TRANSITIONS),
    (SyncStatus, SYNC_TRANSITIONS),
    (MatchStatus, MATCH_TRANSITIONS),
    (NoticeStatus, NOTICE_TRANSITIONS),
    (PaymentStatus, PAYMENT_TRANSITIONS),
    (CaseStatus, CASE_TRANSITIONS),
    (RefundStatus, REFUND_TRANSITIONS),
]


@pytest.mark.parametrize(("states", "table"), MACHINES)
def test_every_pair_is_decided(states: type[StrEnum], table: Transitions) -> None:  # type: ignore[type-arg] # as above
    for old in states:
        for new in states:
            if new in table.after(old):
                table.check(old, new)
            else:
                with pytest.raises(IllegalMove):
                    table.check(old, new)
        assert old not in table.after(old)


@pytest.mark.parametrize(
    ("states", "table", "final"),
    [
        (PaymentStatus, PAYMENT_TRANSITIONS, {"paid"}),
        (RefundStatus, REFUND_TRANSITIONS, {"succeeded", "closed"}),
        (CampStatus, CAMP_TRANSITIONS, {"archived", "cancelled"}),
        (SyncStatus, SYNC_TRANSITIONS, {"complete", "partial", "failed"}),
        (MatchStatus, MATCH_TRANSITIONS, set()),
    ],
)
def test_final_states_stay_final(states: type[StrEnum], table: Transitions, final: set[str]) -> None:  # type: ignore[type-arg] # as above
    assert {state.value for state in states if not table.after(state)} == final


async def test_a_move_is_written_down(session: AsyncSession) -> None:
    camp = await make_camp(session)
    move(session, camp, CampStatus.ONGOING, event="start", actor=SYSTEM, note="到期")
    await session.flush()
    (row,) = (await session.scalars(select(StateChange).where(StateChange.entity_id == camp.id))).all()
    assert (row.entity, row.from_state, row.to_state, row.event, row.actor_kind, row.note) == (
        "camps", "enrolling", "ongoing", "start", "system", "到期",
    )  # fmt: skip
    assert camp.status is CampStatus.ONGOING


async def test_an_illegal_move_changes_nothing(session: AsyncSession) -> None:
    camp = await make_camp(session)
    with pytest.raises(IllegalMove):
        move(session, camp, CampStatus.ARCHIVED, event="archive", actor=SYSTEM)
    await session.flush()
    assert camp.status is CampStatus.ENROLLING
    assert (await session.scalars(select(StateChange).where(StateChange.entity_id == camp.id))).all() == []
