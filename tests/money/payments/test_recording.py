"""``record_payment``: the one function in which every payment arrives."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.core import clock
from backend.core.actor import PROVIDER, SYSTEM
from backend.gateways.wechat_pay import PaymentFact
from backend.models.camps import Camp, CampStatus
from backend.models.history import StateChange
from backend.models.ledger import Account
from backend.models.members import MatchMethod, MatchStatus, Member
from backend.models.notifications import NoticeChannel, Notification
from backend.models.payments import Excess, Payment, PaymentStatus
from backend.models.planets import Planet
from backend.models.reconciliation import ReconciliationCase
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.money.ledger import service as ledger
from backend.money.payments import service
from backend.money.payments.service import Outcome, Recorded
from tests.conftest import Time
from tests.factories import make_camp, make_member, make_payer, make_payment, make_planet_user
from tests.money.payments.shop import fact_of, minutes, new_openid


async def record(session: AsyncSession, fact: PaymentFact) -> Recorded:
    return await service.record_payment(session, fact, source="callback", actor=PROVIDER)


async def count(session: AsyncSession, model: type[Any]) -> int:
    return await session.scalar(select(func.count()).select_from(model)) or 0


async def only_member(session: AsyncSession) -> Member:
    return (await session.scalars(select(Member))).one()


async def test_an_order_paid_in_time_becomes_a_member(session: AsyncSession) -> None:
    camp = await make_camp(session, required_days=7)
    payment = await make_payment(session, camp)
    fact = fact_of(payment)

    recorded = await record(session, fact)

    assert recorded.outcome is Outcome.CREDITED
    assert (payment.status, payment.transaction_id, payment.openid) == ("paid", fact.transaction_id, fact.openid)
    assert (payment.paid_at, payment.source, payment.excess) == (fact.success_time, "callback", None)
    member = await only_member(session)
    assert (member.camp_id, member.payer_id, member.payment_id) == (camp.id, payment.payer_id, payment.id)
    assert (member.planet_nickname, member.planet_number) == (payment.planet_nickname, payment.planet_number)
    assert (member.paid_fen, member.paid_at) == (9900, fact.success_time)
    assert member.refund_policy == {"kind": "threshold", "required_days": 7}
    balances = await ledger.balances(session, camp_id=camp.id)
    assert (balances[Account.PROVIDER_CLEARING], balances[Account.DEPOSITS_HELD]) == (9900, -9900)
    assert await ledger.verify(session) == []


async def test_the_move_and_its_cause_are_kept(session: AsyncSession) -> None:
    payment = await make_payment(session, await make_camp(session))
    await record(session, fact_of(payment))
    change = (await session.scalars(select(StateChange).where(StateChange.entity_id == payment.id))).one()
    assert (change.from_state, change.to_state, change.event, change.actor_kind) == (
        "pending",
        "paid",
        "paid_by_callback",
        "provider",
    )


async def test_the_member_is_told_once(session: AsyncSession) -> None:
    payment = await make_payment(session, await make_camp(session))
    fact = fact_of(payment)
    await record(session, fact)
    await record(session, fact)
    notice = (await session.scalars(select(Notification))).one()
    assert (notice.scene, notice.channel) == ("payment_success", NoticeChannel.INBOX)
    assert "99.00" in notice.content


async def test_the_first_match_is_tried_at_once(session: AsyncSession) -> None:
    camp = await make_camp(session)
    planet = await session.get_one(Planet, camp.planet_id)
    person = await make_planet_user(session, planet, number="1024")
    await record(session, fact_of(await make_payment(session, camp, planet_number="1024")))
    member = await only_member(session)
    assert (member.status, member.planet_user_id, member.confidence) == (MatchStatus.MATCHED, person.user_id, 100)


async def test_a_squatted_number_is_a_conflict_for_both_and_both_keep_their_places(session: AsyncSession) -> None:
    """B17."""
    camp = await make_camp(session)
    planet = await session.get_one(Planet, camp.planet_id)
    await make_planet_user(session, planet, number="1024")
    for _ in range(2):
        recorded = await record(
            session, fact_of(await make_payment(session, camp, planet_number="1024"), openid=new_openid())
        )
        assert recorded.outcome is Outcome.CREDITED
    members = (await session.scalars(select(Member))).all()
    assert [member.status for member in members] == [MatchStatus.CONFLICT, MatchStatus.CONFLICT]
    assert await count(session, Refund) == 0


async def test_a_match_by_hand_survives_a_squatter(session: AsyncSession) -> None:
    """B17: only the newcomer is in doubt."""
    camp = await make_camp(session)
    planet = await session.get_one(Planet, camp.planet_id)
    person = await make_planet_user(session, planet, number="1024")
    first = await make_member(
        session, camp, planet_user_id=person.user_id, planet_number="1024", match_method=MatchMethod.MANUAL
    )
    payment = await make_payment(session, camp, planet_number="1024")
    await record(session, fact_of(payment, openid=new_openid()))
    second = (await session.scalars(select(Member).where(Member.payment_id == payment.id))).one()
    assert (first.status, second.status) == (MatchStatus.MATCHED, MatchStatus.CONFLICT)


async def test_the_same_payment_told_again_changes_nothing(session: AsyncSession) -> None:
    payment = await make_payment(session, await make_camp(session))
    fact = fact_of(payment)
    await record(session, fact)
    for source in ("callback", "query", "bill"):
        recorded = await service.record_payment(session, fact, source=source, actor=SYSTEM)
        assert recorded.outcome is Outcome.REPEATED
    assert (await count(session, Member), payment.source) == (1, "callback")
    assert (await ledger.balances(session))[Account.PROVIDER_CLEARING] == 9900
    assert await count(session, ReconciliationCase) == 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"amount_fen": 9901}, "金额"),
        ({"amount_fen": 1}, "金额"),
        ({"mch_id": "1900000999"}, "商户号"),
        ({"app_id": "wx0000000000000000"}, "应用"),
        ({"currency": "USD"}, "币种"),
    ],
)
async def test_what_does_not_fit_the_order_credits_nothing_and_is_shown_to_a_person(
    session: AsyncSession, changes: dict[str, Any], word: str
) -> None:
    payment = await make_payment(session, await make_camp(session))
    fact = fact_of(payment, **changes)
    for _ in range(2):
        assert (await record(session, fact)).outcome is Outcome.HELD
    assert (payment.status, await count(session, Member)) == (PaymentStatus.PENDING, 0)
    assert (await ledger.balances(session))[Account.PROVIDER_CLEARING] == 0
    case = (await session.scalars(select(ReconciliationCase))).one()
    assert (case.kind, case.payment_id) == ("payment_misfit", payment.id)
    assert word in case.summary
    assert fact.openid not in str(case.detail)
    alarm = (await session.scalars(select(Notification).where(Notification.scene == "security_alarm"))).one()
    assert alarm.channel is NoticeChannel.WECOM_APP
    assert alarm.content.startswith(case.summary)


async def test_the_right_payment_is_credited_after_a_wrong_one(session: AsyncSession) -> None:
    payment = await make_payment(session, await make_camp(session))
    await record(session, fact_of(payment, amount_fen=1))
    assert (await record(session, fact_of(payment))).outcome is Outcome.CREDITED


async def test_money_for_an_unknown_order_goes_to_nobody(session: AsyncSession) -> None:
    """B10: the same deposit in two camps is no reason to guess one."""
    camps = [await make_camp(session), await make_camp(session)]
    payments = [await make_payment(session, camp) for camp in camps]
    fact = fact_of(payments[0], out_trade_no="P20260301UNKNOWNORDER001")
    recorded = await record(session, fact)
    assert (recorded.outcome, recorded.payment) == (Outcome.HELD, None)
    assert [payment.status for payment in payments] == [PaymentStatus.PENDING] * 2
    case = (await session.scalars(select(ReconciliationCase))).one()
    assert (case.kind, case.detail["amount_fen"]) == ("payment_unknown_order", 9900)


async def test_a_payment_lands_in_the_camp_it_was_made_for(session: AsyncSession) -> None:
    """B10."""
    camps = [await make_camp(session, deposit_fen=9900) for _ in range(2)]
    payments = [await make_payment(session, camp) for camp in camps]
    await record(session, fact_of(payments[1]))
    assert (await only_member(session)).camp_id == camps[1].id
    assert [payment.status for payment in payments] == ["pending", "paid"]


async def test_a_second_transaction_of_a_paid_order_is_held(session: AsyncSession) -> None:
    payment = await make_payment(session, await make_camp(session))
    first = fact_of(payment)
    await record(session, first)
    assert (await record(session, fact_of(payment))).outcome is Outcome.HELD
    assert payment.transaction_id == first.transaction_id
    assert (await session.scalars(select(ReconciliationCase.kind))).one() == "payment_transaction_clash"


async def test_a_transaction_of_another_order_is_held(session: AsyncSession) -> None:
    camp = await make_camp(session)
    first, second = await make_payment(session, camp), await make_payment(session, camp)
    fact = fact_of(first)
    await record(session, fact)
    clash = fact_of(second, transaction_id=fact.transaction_id)
    assert (await record(session, clash)).outcome is Outcome.HELD
    assert second.status is PaymentStatus.PENDING


async def test_the_amount_is_the_orders_whatever_the_camp_says_now(session: AsyncSession) -> None:
    """B31."""
    camp = await make_camp(session, deposit_fen=9900)
    payment = await make_payment(session, camp)
    camp.deposit_fen = 19900
    await session.flush()
    assert (await record(session, fact_of(payment, amount_fen=19900))).outcome is Outcome.HELD
    assert (await record(session, fact_of(payment))).outcome is Outcome.CREDITED
    assert (await only_member(session)).paid_fen == 9900


async def test_later_edits_of_the_camp_leave_the_members_deal_alone(session: AsyncSession) -> None:
    camp = await make_camp(session, required_days=7)
    await record(session, fact_of(await make_payment(session, camp)))
    camp.refund_policy = {"kind": "threshold", "required_days": 10}
    await session.flush()
    member = await only_member(session)
    await session.refresh(member)
    assert member.required_days == 7


async def assert_given_back(session: AsyncSession, payment: Payment, excess: Excess) -> None:
    """The money is booked, has no place, waits for review, and both sides know."""
    assert (payment.status, payment.excess) == (PaymentStatus.PAID, excess)
    assert await session.scalar(select(Member).where(Member.payment_id == payment.id)) is None
    refund = (await session.scalars(select(Refund).where(Refund.payment_id == payment.id))).one()
    assert (refund.kind, refund.status) == (RefundKind.DUPLICATE, RefundStatus.PENDING_REVIEW)
    assert (refund.amount_fen, refund.member_id) == (payment.amount_fen, None)
    notices = (await session.scalars(select(Notification).where(Notification.scene == "payment_excess"))).all()
    assert {notice.channel for notice in notices} == {NoticeChannel.WECOM_APP, NoticeChannel.INBOX}
    assert {notice.payer_id for notice in notices} == {None, payment.payer_id}
    assert await ledger.verify(session) == []


async def enrolled(session: AsyncSession, camp: Camp, openid: str) -> Member:
    payer = await make_payer(session, openid=openid)
    return await make_member(session, camp, payer)


async def test_a_second_paid_order_of_a_person_is_given_back(session: AsyncSession) -> None:
    camp = await make_camp(session)
    openid = new_openid()
    member = await enrolled(session, camp, openid)
    guest = await make_payment(session, camp, await make_payer(session))
    assert (await record(session, fact_of(guest, openid=openid))).outcome is Outcome.EXCESS
    await assert_given_back(session, guest, Excess.ALREADY_ENROLLED)
    assert await service.place_of(session, guest) is member


async def test_a_second_paid_order_under_the_same_log_in_is_given_back(session: AsyncSession) -> None:
    camp = await make_camp(session)
    payer = await make_payer(session)
    member = await make_member(session, camp, payer)
    late = await make_payment(session, camp, payer, status=PaymentStatus.CLOSED, closed_at=clock.now())
    assert (await record(session, fact_of(late, openid=new_openid()))).outcome is Outcome.EXCESS
    await assert_given_back(session, late, Excess.ALREADY_ENROLLED)
    assert await service.place_of(session, late) is member


async def test_the_same_person_may_join_two_camps(session: AsyncSession) -> None:
    payer = await make_payer(session, openid=new_openid())
    for _ in range(2):
        payment = await make_payment(session, await make_camp(session), payer)
        assert (await record(session, fact_of(payment, openid=payer.openid))).outcome is Outcome.CREDITED


async def test_a_guests_openid_is_learnt_from_the_payment(session: AsyncSession) -> None:
    camp = await make_camp(session)
    payment = await make_payment(session, camp, await make_payer(session))
    await record(session, fact_of(payment, openid="oLearnt"))
    assert (await only_member(session)).openid == "oLearnt"


async def test_a_friend_who_pays_takes_nobodys_place(session: AsyncSession) -> None:
    """Who logged in is the member; the friend, a member already, keeps the own place."""
    camp = await make_camp(session)
    friend = new_openid()
    await enrolled(session, camp, friend)
    payer = await make_payer(session, openid=new_openid())
    payment = await make_payment(session, camp, payer)
    assert (await record(session, fact_of(payment, openid=friend))).outcome is Outcome.CREDITED
    member = (await session.scalars(select(Member).where(Member.payment_id == payment.id))).one()
    assert (member.openid, payment.openid) == (payer.openid, friend)


async def test_an_order_paid_in_time_keeps_its_seat_in_a_full_camp(session: AsyncSession) -> None:
    camp = await make_camp(session, capacity=2)
    await make_member(session, camp)
    payment = await make_payment(session, camp)
    assert (await record(session, fact_of(payment))).outcome is Outcome.CREDITED


async def test_an_order_paid_in_time_is_honoured_when_the_word_comes_after_the_start(
    session: AsyncSession, time: Time
) -> None:
    """B7, B29: a notification three hours late says when the money came, and that counts."""
    time.set("2026-03-01 23:30")
    camp = await make_camp(session)
    payment = await make_payment(session, camp)
    fact = fact_of(payment)
    time.set("2026-03-02 02:30")
    camp.status = CampStatus.ONGOING
    assert (await record(session, fact)).outcome is Outcome.CREDITED


@pytest.mark.parametrize("closed", [False, True])
async def test_late_money_gets_a_free_place(session: AsyncSession, closed: bool) -> None:
    """B29: paid after the order's life, or after it was closed."""
    camp = await make_camp(session, capacity=2)
    await make_member(session, camp)
    payment = await late_order(session, camp, closed=closed)
    assert (await record(session, fact_of(payment))).outcome is Outcome.CREDITED
    assert (await only_of(session, payment)).camp_id == camp.id


@pytest.mark.parametrize("closed", [False, True])
async def test_late_money_for_a_full_camp_is_given_back(session: AsyncSession, closed: bool) -> None:
    """B29; members and the orders of others both hold seats."""
    camp = await make_camp(session, capacity=2)
    await make_member(session, camp)
    await make_payment(session, camp)
    payment = await late_order(session, camp, closed=closed)
    assert (await record(session, fact_of(payment))).outcome is Outcome.EXCESS
    await assert_given_back(session, payment, Excess.CAMP_FULL)


@pytest.mark.parametrize(
    ("status", "day", "excess"),
    [
        (CampStatus.ENROLLING, "2026-03-02 00:01", Excess.CAMP_STARTED),
        (CampStatus.ONGOING, "2026-03-05 12:00", Excess.CAMP_STARTED),
        (CampStatus.ENDED, "2026-03-12 12:00", Excess.CAMP_OVER),
        (CampStatus.ARCHIVED, "2026-03-20 12:00", Excess.CAMP_OVER),
    ],
)
async def test_late_money_for_a_running_or_finished_camp_is_given_back(
    session: AsyncSession, time: Time, status: CampStatus, day: str, excess: Excess
) -> None:
    """B29."""
    camp = await make_camp(session)
    payment = await late_order(session, camp, closed=True)
    time.set(day)
    camp.status = status
    assert (await record(session, fact_of(payment))).outcome is Outcome.EXCESS
    await assert_given_back(session, payment, excess)


async def test_money_paid_in_time_is_given_back_once_the_camp_is_over(session: AsyncSession, time: Time) -> None:
    camp = await make_camp(session)
    payment = await make_payment(session, camp)
    fact = fact_of(payment)
    time.set("2026-03-12 12:00")
    camp.status = CampStatus.ENDED
    assert (await record(session, fact)).outcome is Outcome.EXCESS
    await assert_given_back(session, payment, Excess.CAMP_OVER)


async def late_order(session: AsyncSession, camp: Camp, *, closed: bool) -> Payment:
    """An order whose life ended a minute ago."""
    now = clock.now()
    state: dict[str, Any] = {"status": PaymentStatus.CLOSED, "closed_at": now} if closed else {}
    return await make_payment(session, camp, expires_at=now - minutes(1), **state)


async def only_of(session: AsyncSession, payment: Payment) -> Member:
    return (await session.scalars(select(Member).where(Member.payment_id == payment.id))).one()


async def test_excess_told_again_makes_no_second_refund(session: AsyncSession) -> None:
    camp = await make_camp(session, capacity=1)
    await make_member(session, camp)
    payment = await late_order(session, camp, closed=True)
    fact = fact_of(payment)
    await record(session, fact)
    assert (await record(session, fact)).outcome is Outcome.REPEATED
    assert await count(session, Refund) == 1


@pytest.mark.parametrize(("seconds", "outcome"), [(0, Outcome.CREDITED), (1, Outcome.EXCESS)])
async def test_the_last_second_of_an_order_is_in_time(session: AsyncSession, seconds: int, outcome: Outcome) -> None:
    """In a camp that has started since, only what was paid in time gets a place."""
    camp = await make_camp(session, status=CampStatus.ONGOING)
    payment = await make_payment(session, camp, expires_at=clock.now().replace(microsecond=0))
    fact = fact_of(payment, success_time=payment.expires_at + dt.timedelta(seconds=seconds))
    assert (await record(session, fact)).outcome is outcome
