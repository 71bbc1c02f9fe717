"""Personal data of camps long over: blanked once and for good, books and log untouched, everybody else left alone."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.db import Database
from backend.core.ids import new_id
from backend.core.text import CLEARED, CLEARED_MESSAGE
from backend.desk.housekeeping import retention
from backend.desk.housekeeping.flows import housekeeping
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import Checkin, CheckinSource, CheckinTotal, SyncRun, SyncStatus, SyncTrigger
from backend.models.history import move
from backend.models.imports import Import, ImportKind, PlanetMember
from backend.models.inbox import InboxEvent
from backend.models.members import Member
from backend.models.notifications import Notification
from backend.models.payments import Payment
from backend.models.planets import PlanetUser
from backend.models.reconciliation import ReconciliationCase
from backend.models.refunds import Refund
from backend.models.staff import StaffRole
from backend.money.cases import service as cases
from backend.money.ledger import service as ledger
from backend.runtime import Runtime
from tests import factories
from tests.conftest import Time

SECRETS = ("小林", "微信里的林", "7654321", "今天读了三十页", "林的清单.xlsx", "203.0.113.77")
LIN = "841858481284252178"


async def old_camp(session: AsyncSession, *, planet: Any = None) -> Camp:
    """A settled camp with everything about one person in it, archived just now."""
    planet = planet or await factories.make_planet(session)
    camp = await factories.make_camp(
        session, planet_id=planet.id, status=CampStatus.SETTLING, starts_on=dt.date(2026, 2, 1)
    )
    payer = await factories.make_payer(session, openid=f"o-lin-{camp.id}")
    form: dict[str, Any] = {"planet_nickname": "小林", "planet_number": "7654321", "wechat_nickname": "微信里的林"}
    payment = await factories.make_payment(session, camp, payer, paid=True, payer_ip="203.0.113.77", **form)
    member = await factories.make_member(
        session, camp, payer, payment=payment, planet_user_id=LIN, days_ranking=9, days_posts=9, match_note="像小林"
    )
    await factories.make_payment(session, camp, **form)  # never paid
    await factories.make_refund(session, member, days=8)
    if await session.get(PlanetUser, (planet.id, LIN)) is None:
        await factories.make_planet_user(session, planet, user_id=LIN, name="小林", number="7654321")
    now = clock.now()
    run = SyncRun(
        id=new_id(), camp_id=camp.id, trigger=SyncTrigger.MANUAL, status=SyncStatus.COMPLETE, heartbeat_at=now,
        started_at=now,
    )  # fmt: skip
    session.add(run)
    await session.flush()
    session.add(CheckinTotal(camp_id=camp.id, planet_user_id=LIN, name="小林", days_ranking=9, sync_run_id=run.id))
    for day in range(9):
        session.add(
            Checkin(
                camp_id=camp.id, planet_user_id=LIN, day=camp.starts_on + dt.timedelta(days=day), topic_id="7",
                source=CheckinSource.POSTS, excerpt="今天读了三十页",
            )
        )  # fmt: skip
    await _import(session, planet.id, camp.id, ImportKind.CHECKIN_DAYS)
    await factories.make_message(session, "小林，钱已退回", member, title="给小林的消息")
    move(session, camp, CampStatus.ARCHIVED, event="archive", actor=SYSTEM)
    await session.flush()
    return camp


async def _import(session: AsyncSession, planet_id: Any, camp_id: Any, kind: ImportKind) -> Import:
    staff = await factories.make_staff(session, StaffRole.MANAGER)
    row = Import(
        id=new_id(), kind=kind, planet_id=planet_id, camp_id=camp_id, file_name="林的清单.xlsx", sha256="0" * 64,
        whole=True, rows=1, added=1, changed=0, removed=0, created_by=staff.id,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return row


async def everything(session: AsyncSession) -> dict[str, str]:
    """Each table as text."""
    tables = await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
    return {
        name: await session.scalar(text(f"SELECT coalesce(string_agg(t::text, '\n'), '') FROM {name} t")) or ""
        for name in tables.all()
    }


@pytest.fixture
async def camp(db: Database) -> Camp:
    async with db.transaction() as session:
        return await old_camp(session)


async def test_nothing_personal_is_left_and_the_books_are_whole(
    db: Database, runtime: Runtime, camp: Camp, time: Time
) -> None:
    async with db.transaction() as session:
        before = await everything(session)
    assert any(secret in before["members"] for secret in SECRETS)
    time.advance(91 * 86_400)
    await housekeeping(runtime)
    async with db.transaction() as session:
        after = await everything(session)
        done = await session.get_one(Camp, camp.id)
        member = (await session.scalars(select(Member))).one()
        refund = (await session.scalars(select(Refund))).one()
        assert await ledger.verify(session) == []
    for name, rows in after.items():
        for secret in SECRETS:
            assert secret not in rows, f"{secret} is still in {name}"
    assert done.personal_data_cleared_at is not None
    assert (member.planet_nickname, member.planet_number, member.planet_user_id) == (CLEARED, "", LIN)
    assert (refund.amount_fen, refund.days) == (9900, 8)
    # What decides or accounts for anything is byte for byte what it was.
    for name in ("ledger_transactions", "ledger_entries", "state_changes", "refunds", "payers", "imported_totals"):
        assert after[name] == before[name]
    async with db.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Checkin)) == 9
        assert (member.days_posts, member.match_method) == (9, "planet_number")


async def test_not_a_day_too_early(db: Database, runtime: Runtime, camp: Camp, time: Time) -> None:
    time.advance(90 * 86_400 - 60)
    assert (await retention.clear(runtime))["camps"] == 0
    time.advance(120)
    assert (await retention.clear(runtime))["camps"] == 1


async def test_the_days_are_a_setting(db: Database, runtime: Runtime, camp: Camp, time: Time) -> None:
    settings = runtime.settings
    shorter = settings.retention.model_copy(update={"personal_days": 10})
    impatient = replace(runtime, settings=settings.model_copy(update={"retention": shorter}))
    time.advance(11 * 86_400)
    assert (await retention.clear(impatient))["camps"] == 1


async def test_once_per_camp_and_noted_once(db: Database, runtime: Runtime, camp: Camp, time: Time) -> None:
    time.advance(91 * 86_400)
    first = await retention.clear(runtime)
    second = await retention.clear(runtime)
    assert (first["camps"], first["members"], first["payments"], first["checkins"]) == (1, 1, 2, 9)
    assert set(second.values()) == {0}
    async with db.transaction() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "retention.clear"))).one()
    assert entry.after is not None
    assert (entry.camp_id, entry.after["rows"]["checkins"]) == (camp.id, 9)


async def test_batches_and_a_crash_between_them(
    db: Database, runtime: Runtime, camp: Camp, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was blanked before the crash stays so, the camp is undone, and the next night finishes it."""
    monkeypatch.setattr(retention, "BATCH", 2)
    time.advance(91 * 86_400)
    async with db.transaction() as session:
        # The night before died after its first batches.
        some = select(Checkin.day).where(Checkin.camp_id == camp.id).order_by(Checkin.day).limit(4)
        await session.execute(update(Checkin).where(Checkin.day.in_(some)).values(excerpt="", topic_id=None))
        await session.execute(update(Member).values(planet_nickname=CLEARED, planet_number="", match_note=None))
    done = await retention.clear(runtime)
    assert (done["camps"], done["checkins"], done.get("members", 0)) == (1, 5, 0)
    async with db.transaction() as session:
        assert (await session.scalars(select(Checkin.excerpt).distinct())).all() == [""]


async def test_running_camps_and_their_people_are_left_alone(db: Database, runtime: Runtime, time: Time) -> None:
    async with db.transaction() as session:
        planet = await factories.make_planet(session)
        old = await old_camp(session, planet=planet)
        running = await factories.make_camp(session, planet_id=planet.id, status=CampStatus.ONGOING)
        await factories.make_planet_user(session, planet, user_id="555", name="阿常")
        await factories.make_member(session, running, planet_user_id="555", planet_nickname="阿常")
        await factories.make_message(session, "阿常", camp_id=running.id)
    time.advance(200 * 86_400)
    await housekeeping(runtime)
    async with db.transaction() as session:
        members = {row.camp_id: row.planet_nickname for row in await session.scalars(select(Member))}
        people = (await session.scalars(select(PlanetUser.name))).all()
        told = (await session.scalars(select(Notification.content).where(Notification.camp_id == running.id))).all()
    assert members == {old.id: CLEARED, running.id: "阿常"}
    assert (people, told) == (["阿常"], ["阿常"])


async def test_imported_lists(db: Database, runtime: Runtime, time: Time) -> None:
    """Of a planet in use only who left goes; of one without camps the whole list."""
    async with db.transaction() as session:
        used, unused = await factories.make_planet(session), await factories.make_planet(session)
        await factories.make_camp(session, planet_id=used.id, status=CampStatus.DRAFT)
        for planet in (used, unused):
            row = await _import(session, planet.id, None, ImportKind.PLANET_MEMBERS)
            for number, left in (("1", False), ("2", True)):
                session.add(
                    PlanetMember(
                        planet_id=planet.id, number=number, nickname="某人", left=left, import_id=row.id,
                        updated_at=clock.now(),
                    )
                )  # fmt: skip
    await retention.clear(runtime)
    async with db.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(PlanetMember)) == 4
    time.advance(91 * 86_400)
    await retention.clear(runtime)
    async with db.transaction() as session:
        kept = [(row.planet_id, row.number) for row in await session.scalars(select(PlanetMember))]
    assert kept == [(used.id, "1")]


async def test_late_messages_and_old_events(db: Database, runtime: Runtime, camp: Camp, time: Time) -> None:
    """What comes after its camp was done grows old, too; an event keeps that it came and what was made of it."""
    time.advance(91 * 86_400)
    await retention.clear(runtime)
    async with db.transaction() as session:
        member = (await session.scalars(select(Member))).one()
        await factories.make_message(session, "小林，又退了一笔", member, values={"name": "小林"}, recipient="小林")
        session.add(
            InboxEvent(
                source="wechat_pay", external_id="1", event_type="TRANSACTION.SUCCESS", outcome="paid",
                payload={"payer": {"openid": "o-lin"}},
            )
        )  # fmt: skip
    await retention.clear(runtime)
    async with db.transaction() as session:
        assert (await session.scalars(select(InboxEvent.payload))).all() == [{"payer": {"openid": "o-lin"}}]
    time.advance(91 * 86_400)
    await retention.clear(runtime)
    async with db.transaction() as session:
        messages = (await session.scalars(select(Notification))).all()
        event = (await session.scalars(select(InboxEvent))).one()
    assert {(row.content, row.recipient, row.values) for row in messages} == {(CLEARED_MESSAGE, CLEARED, None)}
    assert (event.payload, event.outcome) == ({"cleared": True}, "paid")
    async with db.transaction() as session:
        assert (await session.scalars(select(Payment.payer_ip).distinct())).all() == [None]


async def test_events_that_are_not_settled_stay_whole(db: Database, runtime: Runtime, time: Time) -> None:
    """Money that isn't in our books, and what an open case is about, until somebody has looked into it."""
    async with db.transaction() as session:
        for number, outcome in (("T1", "held"), ("T2", "credited"), ("T3", "credited")):
            session.add(
                InboxEvent(
                    source="wechat_pay", external_id=number, event_type="TRANSACTION.SUCCESS", outcome=outcome,
                    payload={"transaction_id": number, "out_trade_no": f"O{number}"},
                )
            )  # fmt: skip
        session.add(
            InboxEvent(
                source="wechat_pay", external_id="R1", event_type="REFUND.SUCCESS", outcome="refund",
                payload={"transaction_id": "T9", "out_refund_no": "R1"},
            )
        )  # fmt: skip
        await cases.open_case(session, "payment_amount", about="OT2", summary="金额不一致", detail={})
        await cases.open_case(session, "refund_amount", about="R1", summary="金额不一致", detail={})
    time.advance(91 * 86_400)
    assert (await retention.clear(runtime))["inbox_events"] == 1
    async with db.transaction() as session:
        open_cases = (await session.scalars(select(ReconciliationCase.id))).all()
        whole = await session.scalars(
            select(InboxEvent.external_id).where(InboxEvent.payload.has_key("transaction_id"))
        )
        assert set(whole) == {"T1", "T2", "R1"}
        for case_id in open_cases:
            await cases.resolve(session, SYSTEM, case_id, note="已核对")
    assert (await retention.clear(runtime))["inbox_events"] == 2
