"""The workbench (工作台): what there is, what waits for a person, and how money came and went."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BeforeValidator
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.answers import Answer, Day, Id, Instant, Model, answer
from backend.api.deps import Allowed, CurrentStaff, SessionDep
from backend.community.matching import queue
from backend.community.matching.queue import Tab
from backend.desk.reports import dashboard as figures
from backend.models.camps import CampStatus
from backend.models.checkins import SyncStatus
from backend.models.refunds import RefundStatus
from backend.office.staff.rules import Permission
from backend.office.staff.service import Viewer

router = APIRouter(prefix="/dashboard", tags=["工作台"], dependencies=[Depends(Allowed(Permission.CAMP_VIEW))])

_NOTHING = figures.Money(0, 0)


class CardsOut(Model):
    """``completion_rate`` is who is sure of the whole deposit ÷ enrolled, null without members."""

    camps: int
    enrolling: int
    running: int
    members: int
    paid_fen: int
    refunded_fen: int
    net_income_fen: int
    completion_rate: float | None


class MoneyOut(Model):
    count: int
    sum_fen: int


class CampEndingOut(Model):
    id: Id
    name: str
    ends_on: Day


class OldQrOut(Model):
    """WeChat lets the picture die seven days after it was made."""

    id: Id
    name: str
    uploaded_at: Instant


class BrokenSyncOut(Model):
    camp_id: Id
    camp_name: str
    sync_run_id: Id
    status: SyncStatus
    started_at: Instant
    error_message: str | None


class DeadPlanetOut(Model):
    id: Id
    name: str
    checked_at: Instant | None


class TodoOut(Model):
    """What waits for a person; null is what this role has no part in."""

    refunds_to_review: MoneyOut | None
    refunds_failed: MoneyOut | None
    refund_hold: str | None
    members_to_match: int | None
    members_to_confirm: int | None
    camps_ending: list[CampEndingOut]
    old_group_qrs: list[OldQrOut]
    broken_syncs: list[BrokenSyncOut] | None
    planets_invalid: list[DeadPlanetOut] | None
    open_cases: int | None


class IncomeOut(Model):
    """A Shanghai day: paid by the time of payment, refunded by the time the provider confirmed it."""

    day: Day
    paid_fen: int
    refunded_fen: int


class CompletionOut(Model):
    """``reached`` are sure of the whole deposit, ``partial`` get a part, ``short`` neither in camps that are over.

    ``under_way`` are the others.
    """

    reached: int
    partial: int
    short: int
    under_way: int


class DashboardOut(Model):
    cards: CardsOut
    todo: TodoOut
    income: list[IncomeOut]
    completion: CompletionOut


@router.get("")
async def dashboard(
    session: SessionDep, viewer: CurrentStaff, days: Annotated[Literal[7, 30, 90], BeforeValidator(int), Query()] = 30
) -> Answer[DashboardOut]:
    """Of all camps, or for coaches and volunteers of their own. ``days`` is the length of ``income``."""
    scope = viewer.camp_ids
    camps = await figures.camps_by_status(session, scope)
    completion = await figures.completion(session, scope)
    refunds = await figures.refunds(session, scope)
    paid, refunded = await figures.paid(session, scope), refunds.get(RefundStatus.SUCCEEDED, _NOTHING).sum_fen
    return answer(
        DashboardOut(
            cards=CardsOut(
                camps=sum(camps.values()),
                enrolling=camps.get(CampStatus.ENROLLING, 0),
                running=camps.get(CampStatus.ONGOING, 0),
                members=completion.members,
                paid_fen=paid,
                refunded_fen=refunded,
                net_income_fen=paid - refunded,
                completion_rate=completion.rate,
            ),
            todo=await _todo(session, viewer, refunds),
            income=[IncomeOut.model_validate(day) for day in await figures.income(session, scope, days=days)],
            completion=CompletionOut.model_validate(completion),
        )
    )


async def _todo(session: AsyncSession, viewer: Viewer, refunds: dict[RefundStatus, figures.Money]) -> TodoOut:
    scope, may = viewer.camp_ids, viewer.permissions
    sees_refunds = Permission.REFUND_VIEW in may
    tabs = await queue.counts(session, queue.Wanted(Tab.TO_MATCH)) if Permission.MEMBER_MATCH in may else None
    hold = await figures.hold(session) if sees_refunds else None
    syncs = await figures.broken_syncs(session, scope) if Permission.CHECKIN_SYNC in may else None
    planets = await figures.dead_planets(session) if Permission.PLANET_VIEW in may else None
    return TodoOut(
        refunds_to_review=_money(refunds, RefundStatus.PENDING_REVIEW) if sees_refunds else None,
        refunds_failed=_money(refunds, RefundStatus.FAILED) if sees_refunds else None,
        refund_hold=hold.cause if hold is not None else None,
        members_to_match=tabs[Tab.TO_MATCH] + tabs[Tab.CONFLICT] if tabs is not None else None,
        members_to_confirm=tabs[Tab.TO_CONFIRM] if tabs is not None else None,
        camps_ending=[CampEndingOut.model_validate(camp) for camp in await figures.ending(session, scope)],
        old_group_qrs=[
            OldQrOut(id=camp.id, name=camp.name, uploaded_at=at) for camp, at in await figures.old_qr(session, scope)
        ],
        broken_syncs=[
            BrokenSyncOut(
                camp_id=camp.id,
                camp_name=camp.name,
                sync_run_id=run.id,
                status=run.status,
                started_at=run.started_at,
                error_message=run.error_message,
            )
            for camp, run in syncs
        ]
        if syncs is not None
        else None,
        planets_invalid=[
            DeadPlanetOut(id=planet.id, name=planet.name, checked_at=planet.credential_checked_at) for planet in planets
        ]
        if planets is not None
        else None,
        open_cases=await figures.open_cases(session) if Permission.RECONCILIATION in may else None,
    )


def _money(refunds: dict[RefundStatus, figures.Money], status: RefundStatus) -> MoneyOut:
    return MoneyOut.model_validate(refunds.get(status, _NOTHING))
