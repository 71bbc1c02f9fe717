"""A house with everything that figures must survive, written at random, and kept as plain rows beside the database."""

import datetime as dt
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import Checkin, CheckinSource, SyncRun, SyncStatus, SyncTrigger
from backend.models.members import MatchStatus, Member
from backend.models.payments import Excess, Payment, PaymentStatus
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.models.staff import Staff, StaffRole
from tests import factories

FIRST, LAST = dt.date(2026, 2, 1), dt.date(2026, 2, 28)

# The ends of the range to the second, in Shanghai, and days around them.
_INSTANTS = [
    dt.datetime.fromisoformat(text)
    for text in (
        "2025-12-31T23:59:59+08:00", "2026-01-31T23:59:59.999999+08:00", "2026-02-01T00:00:00+08:00",
        "2026-02-01T07:59:00+08:00", "2026-02-14T12:00:00+08:00", "2026-02-28T23:59:59.999999+08:00",
        "2026-03-01T00:00:00+08:00",
    )
]  # fmt: skip
_STARTS = [dt.date(2025, 1, 31), dt.date(2026, 1, 31), FIRST, dt.date(2026, 2, 10), LAST, dt.date(2026, 3, 1)]
_OVER = [CampStatus.ENDED, CampStatus.SETTLING, CampStatus.ARCHIVED]


@dataclass
class House:
    """All rows. ``leads`` says which camps each coach leads."""

    camps: list[Camp] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    checkins: list[Checkin] = field(default_factory=list)
    syncs: list[SyncRun] = field(default_factory=list)
    leads: dict[uuid.UUID, set[uuid.UUID]] = field(default_factory=dict)


async def build(session: AsyncSession, seed: int, coaches: Sequence[Staff]) -> House:
    """The same rows for the same seed."""
    dice, house = random.Random(seed), House()
    planet = await factories.make_planet(session)
    for starts_on in [*_STARTS, *dice.choices(_STARTS, k=2)]:
        camp = await _camp(session, dice, planet.id, starts_on)
        house.camps.append(camp)
        if camp.last_complete_sync_at is not None:
            _syncs(session, dice, house, camp, camp.last_complete_sync_at)
        for coach in coaches:
            if dice.random() < 0.5:
                await factories.assign(session, camp, coach)
                house.leads.setdefault(coach.id, set()).add(camp.id)
        # Some camps have nobody.
        for number in range(dice.choice([0, 1, 6]) if camp.status is not CampStatus.DRAFT else 0):
            await _member(session, dice, house, camp, number, coaches)
    await session.flush()
    return house


async def _camp(session: AsyncSession, dice: random.Random, planet_id: uuid.UUID, starts_on: dt.date) -> Camp:
    days = dice.choice([1, 5, 21])
    ends_on = starts_on + dt.timedelta(days=days - 1)
    status = dice.choice([*_OVER, CampStatus.ONGOING, CampStatus.ENROLLING, CampStatus.DRAFT])
    synced = dice.choice([None, clock.day_start(starts_on), clock.day_start(starts_on + dt.timedelta(days=3))])
    return await factories.make_camp(
        session,
        planet_id=planet_id,
        starts_on=starts_on,
        ends_on=ends_on,
        status=status,
        **_deal(dice, dice.randint(1, days)),
        last_complete_sync_at=synced,
    )


def _deal(dice: random.Random, days: int) -> dict[str, Any]:
    """All or nothing, or by days from the first on."""
    by_days = {"version": 2, "payout": {"kind": "pro_rata", "min": 1, "full_at": days}}
    return dice.choice([{"required_days": days}, {"refund_policy": by_days}])


def _syncs(session: AsyncSession, dice: random.Random, house: House, camp: Camp, last: dt.datetime) -> None:
    """The complete one, older ones and a later failed one; each may have read the posts or not."""
    for hours, status in ((-2, SyncStatus.COMPLETE), (0, SyncStatus.COMPLETE), (1, SyncStatus.FAILED)):
        at = last + dt.timedelta(hours=hours)
        run = SyncRun(
            camp_id=camp.id, trigger=SyncTrigger.SCHEDULER, status=status, created_at=at, started_at=at,
            heartbeat_at=at, posts_read=dice.random() < 0.6,
        )  # fmt: skip
        session.add(run)
        house.syncs.append(run)


async def _member(
    session: AsyncSession, dice: random.Random, house: House, camp: Camp, number: int, coaches: Sequence[Staff]
) -> None:
    """Somebody's place with their orders, days and refunds; now and then matched to somebody else than before."""
    payer = await factories.make_payer(session, openid=f"o-{uuid.UUID(int=dice.getrandbits(128))}")
    payment = await factories.make_payment(session, camp, payer, paid=True, paid_at=dice.choice(_INSTANTS))
    status = dice.choice([*MatchStatus, MatchStatus.MATCHED, MatchStatus.MATCHED])
    known = status is MatchStatus.MATCHED
    days = dice.choice([None, (0, 0), (3, 3), (2, None), (30, 25), (1, 9), (2, 2), (4, 3)]) if known else None
    # A mere suggestion names somebody, too, but their days are not the member's.
    person = f"{camp.name}-{number}" if known or status is MatchStatus.SUGGESTED else None
    if person and dice.random() < 0.3:
        await _checkins(session, dice, house, camp, f"{person}-before")
    member = await factories.make_member(
        session,
        camp,
        payer,
        payment=payment,
        status=status,
        confidence=dice.choice([100, 100, 100, 66]) if known else 0,
        planet_user_id=person[-32:] if person else None,
        joined=dice.random() < 0.5,
        days_ranking=days[0] if days else None,
        days_posts=days[1] if days else None,
        days_import=dice.choice([None, 4]) if known else None,
    )
    house.members.append(member)
    house.payments.append(payment)
    if person:
        await _checkins(session, dice, house, camp, person[-32:])
    await _refunds(session, dice, house, member, coaches)
    for made in (PaymentStatus.PENDING, PaymentStatus.CLOSED):
        if dice.random() < 0.3:
            house.payments.append(await factories.make_payment(session, camp, status=made))
    if dice.random() < 0.3:
        await _excess(session, dice, house, member)


async def _checkins(session: AsyncSession, dice: random.Random, house: House, camp: Camp, person: str) -> None:
    for offset in dice.sample(range(5), k=dice.randint(0, 5)):
        row = Checkin(
            camp_id=camp.id,
            planet_user_id=person[-32:],
            day=camp.starts_on + dt.timedelta(days=offset),
            source=dice.choice(list(CheckinSource)),
            excerpt="",
        )
        session.add(row)
        house.checkins.append(row)


_FIELDS = {RefundStatus.REJECTED: {"reject_reason": "打卡未达标"}}


async def _refunds(
    session: AsyncSession, dice: random.Random, house: House, member: Member, coaches: Sequence[Staff]
) -> None:
    """No refund, one in any state, or one that the provider closed and another in its place."""
    for status in dice.choice([[], [dice.choice(list(RefundStatus))], [RefundStatus.CLOSED, RefundStatus.SUCCEEDED]]):
        reviewed = status is not RefundStatus.PENDING_REVIEW
        succeeded = status is RefundStatus.SUCCEEDED
        refund = await factories.make_refund(
            session,
            member,
            status=status,
            amount_fen=dice.choice([member.paid_fen, member.paid_fen, 100]),
            kind=dice.choice([RefundKind.CAMP, RefundKind.EXCEPTION]),
            created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
            reviewer_id=dice.choice(coaches).id if reviewed else None,
            reviewed_at=dice.choice(_INSTANTS[1:]) if reviewed else None,
            succeeded_at=dice.choice(_INSTANTS) if succeeded else None,
            settled_offline=succeeded and dice.random() < 0.3,
            **_FIELDS.get(status, {}),
        )
        house.refunds.append(refund)


async def _excess(session: AsyncSession, dice: random.Random, house: House, member: Member) -> None:
    """The same person paid twice; the second payment is on its way back, or back already."""
    camp = next(camp for camp in house.camps if camp.id == member.camp_id)
    second = await factories.make_payment(
        session, camp, paid=True, excess=Excess.ALREADY_ENROLLED, paid_at=dice.choice(_INSTANTS)
    )
    house.payments.append(second)
    status = dice.choice([RefundStatus.FAILED, RefundStatus.SUCCEEDED])
    refund = Refund(
        camp_id=camp.id,
        payment_id=second.id,
        kind=RefundKind.DUPLICATE,
        status=status,
        amount_fen=second.amount_fen,
        out_refund_no=f"R{second.out_trade_no}",
        reviewed_at=clock.now(),
        succeeded_at=dice.choice(_INSTANTS) if status is RefundStatus.SUCCEEDED else None,
    )
    session.add(refund)
    await session.flush()
    house.refunds.append(refund)


async def two_coaches(session: AsyncSession) -> list[Staff]:
    return [await factories.make_staff(session, StaffRole.COACH, display_name=name) for name in ("甲教练", "乙教练")]
