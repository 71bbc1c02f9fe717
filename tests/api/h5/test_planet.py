"""修改星球信息: who may correct what they typed, until when, and what follows from it."""

import datetime as dt
import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.matching import service as matching
from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.ids import new_id
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.history import StateChange
from backend.models.members import MatchMethod, MatchStatus, Member, Verdict
from backend.models.planets import PlanetUser
from backend.models.refunds import Refund, RefundStatus
from backend.money.refunds import lists, queries, review
from tests.api.h5.phone import Phone, phone_of
from tests.community.checkins.stage import Stage
from tests.factories import make_planet_user, make_refund

WEEK = dt.timedelta(days=7)


async def known(stage: Stage, name: str = "早起的鸟", number: str = "1024", **fields: Any) -> str:
    """Somebody on the planet, as the last sync left them."""
    async with stage.runtime.db.transaction() as session:
        return (await make_planet_user(session, stage.planet, name=name, number=number, **fields)).user_id


async def correct(phone: Phone, member: Member, nickname: str = "早起的鸟", number: str = "1024") -> Any:
    body = {"planet_nickname": nickname, "planet_number": number}
    return await phone.ok(f"/members/{member.id}/planet", "PUT", json=body)


async def change(stage: Stage, member: Member, **fields: Any) -> None:
    async with stage.runtime.db.transaction() as session:
        row = await session.get_one(Member, member.id)
        for name, value in fields.items():
            setattr(row, name, value)


async def lock_reason(phone: Phone, member: Member) -> str:
    """Why neither the page nor the server lets them; both must say the same."""
    before = await phone.ok(f"/members/{member.id}/planet")
    assert before["correct_until"] is None
    assert (await phone.ok(f"/progress/{member.id}"))["correct_until"] is None
    assert (await phone.ok("/me"))["memberships"][0]["correct_until"] is None
    body = {"planet_nickname": "早起的鸟", "planet_number": "1024"}
    message = await phone.refused(409, "planet_locked", f"/members/{member.id}/planet", "PUT", json=body)
    assert await phone.ok(f"/members/{member.id}/planet") == before
    assert message == before["locked_reason"]
    return message


async def test_a_typing_mistake_is_put_right(stage: Stage, phone: Phone) -> None:
    user_id = await known(stage)
    member = await stage.member(payer=phone.payer, planet_nickname="早起的", planet_number="1023", wechat_nickname="鸟")
    until = clock.shanghai(member.paid_at + WEEK).isoformat()
    camp = {
        "id": str(stage.camp.id),
        "name": stage.camp.name,
        "status": "ongoing",
        "deposit_fen": 9900,
        "starts_on": "2026-03-01",
        "ends_on": "2026-03-10",
    }
    assert await phone.ok(f"/members/{member.id}/planet") == {
        "member_id": str(member.id),
        "camp": camp,
        "planet_nickname": "早起的",
        "planet_number": "1023",
        "wechat_nickname": "鸟",
        "match_status": "unmatched",
        "confidence": 0,
        "planet_user_name": None,
        "correct_until": until,
        "locked_reason": None,
    }
    answer = await correct(phone, member, " 早起的鸟 ", "１０２４")
    assert answer == {
        "member_id": str(member.id),
        "camp": camp,
        "planet_nickname": "早起的鸟",
        "planet_number": "1024",
        "wechat_nickname": "鸟",
        "match_status": "matched",
        "confidence": 100,
        "planet_user_name": "早起的鸟",
        "correct_until": None,
        "locked_reason": "星球信息已匹配成功，无需修改",
    }
    row = await stage.fresh(member)
    assert (row.planet_user_id, row.match_method) == (user_id, MatchMethod.PLANET_NUMBER)


async def test_a_correction_is_in_history_and_audit_log(stage: Stage, phone: Phone) -> None:
    await known(stage)
    member = await stage.member(payer=phone.payer, planet_nickname="早起的", planet_number="1023")
    await correct(phone, member)
    async with stage.runtime.db.transaction() as session:
        (move,) = await session.scalars(select(StateChange).where(StateChange.entity_id == member.id))
        (entry,) = await session.scalars(select(AuditEntry).where(AuditEntry.action == "member.correct"))
    assert (move.from_state, move.to_state, move.actor_kind) == ("unmatched", "matched", "member")
    assert (move.actor_id, entry.actor_id) == (phone.payer.id, phone.payer.id)
    assert (entry.actor_kind, entry.target_id, entry.camp_id) == ("member", member.id, stage.camp.id)
    assert entry.ip == "203.0.113.9"
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["planet_number"], entry.after["planet_number"]) == ("1023", "1024")
    assert (entry.before["confidence"], entry.after["confidence"]) == (0, 100)


async def test_the_same_again_changes_nothing(stage: Stage, phone: Phone) -> None:
    member = await stage.member(payer=phone.payer, planet_nickname="早起的鸟", planet_number="1024")
    await known(stage)  # only now: a match would show that it was looked for
    assert (await correct(phone, member))["match_status"] == "unmatched"
    async with stage.runtime.db.transaction() as session:
        assert not (await session.scalars(select(AuditEntry))).all()


async def test_the_days_of_the_person_count_at_once(stage: Stage, phone: Phone) -> None:
    lin = stage.person("小林")
    member = await stage.member(payer=phone.payer, planet_number="99999")
    stage.posts(lin, 1, 2)
    stage.time.set("2026-03-03 01:00")
    await stage.sync()
    assert (await phone.ok(f"/progress/{member.id}"))["days"] == 0
    await correct(phone, member, "小林", stage.number_of(lin))
    assert (await phone.ok(f"/progress/{member.id}"))["days"] == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"status": MatchStatus.UNMATCHED},
        {"status": MatchStatus.CONFLICT},
        {"status": MatchStatus.SUGGESTED, "confidence": 33, "match_method": MatchMethod.WECHAT_NICKNAME},
        {"status": MatchStatus.MATCHED, "confidence": 66, "match_method": MatchMethod.PLANET_NICKNAME},
    ],
)
async def test_whoever_is_not_certain_may_correct(stage: Stage, phone: Phone, fields: dict[str, Any]) -> None:
    await known(stage)
    other = await known(stage, "别人", "7")
    member = await stage.member(payer=phone.payer, **fields, planet_user_id=other if "match_method" in fields else None)
    assert (await phone.ok(f"/progress/{member.id}"))["correct_until"] is not None
    assert (await correct(phone, member))["confidence"] == 100


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": MatchStatus.CLOSED}, "工作人员已确认无法匹配"),
        ({"status": MatchStatus.MATCHED, "confidence": 100, "match_method": MatchMethod.MANUAL}, "工作人员已确认您"),
        ({"status": MatchStatus.MATCHED, "confidence": 100, "match_method": MatchMethod.PLANET_NUMBER}, "匹配成功"),
    ],
)
async def test_what_is_certain_is_locked(stage: Stage, phone: Phone, fields: dict[str, Any], reason: str) -> None:
    user_id = await known(stage, "别人", "7")
    member = await stage.member(
        payer=phone.payer, **fields, planet_user_id=user_id if "match_method" in fields else None
    )
    assert reason in await lock_reason(phone, member)


async def test_the_window_is_seven_days_from_payment(stage: Stage, phone: Phone) -> None:
    member = await stage.member(payer=phone.payer)
    # The clock of the test runs, so the instant of payment is put where the clock stands.
    now = clock.now()
    await change(stage, member, paid_at=now - WEEK + dt.timedelta(seconds=30))
    assert (await phone.ok(f"/members/{member.id}/planet"))["locked_reason"] is None
    await correct(phone, member, "还差一点", "5")
    await change(stage, member, paid_at=now - WEEK)
    assert "7 天" in await lock_reason(phone, member)


async def test_an_archived_camp_is_locked(stage: Stage, phone: Phone) -> None:
    member = await stage.member(payer=phone.payer)
    async with stage.runtime.db.transaction() as session:
        (await session.get_one(Camp, stage.camp.id)).status = CampStatus.ARCHIVED
    assert "已归档" in await lock_reason(phone, member)


@pytest.mark.parametrize("status", ["approved", "sending", "processing", "failed", "succeeded"])
async def test_a_refund_that_was_decided_locks(stage: Stage, phone: Phone, status: str) -> None:
    member = await stage.member(payer=phone.payer)
    async with stage.runtime.db.transaction() as session:
        await make_refund(session, member, status=RefundStatus(status), reviewed_at=clock.now())
    assert "退款" in await lock_reason(phone, member)


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        ("pending_review", {}),
        ("rejected", {"reject_reason": "匹配信息有误"}),
        ("closed", {"reviewed_at": dt.datetime(2026, 3, 1, tzinfo=dt.UTC)}),
    ],
)
async def test_a_refund_that_moves_no_money_does_not_lock(
    stage: Stage, phone: Phone, status: str, fields: dict[str, Any]
) -> None:
    member = await stage.member(payer=phone.payer)
    async with stage.runtime.db.transaction() as session:
        await make_refund(session, member, status=RefundStatus(status), **fields)
    assert (await correct(phone, member))["locked_reason"] is None


@pytest.mark.parametrize("status", ["enrolling", "ongoing", "ended", "settling"])
async def test_an_open_camp_is_not_locked(stage: Stage, phone: Phone, status: str) -> None:
    member = await stage.member(payer=phone.payer)
    async with stage.runtime.db.transaction() as session:
        (await session.get_one(Camp, stage.camp.id)).status = CampStatus(status)
    assert (await correct(phone, member))["locked_reason"] is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"planet_number": "12a"}, ["planet_number"]),
        ({"planet_nickname": " "}, ["planet_nickname"]),
        ({"planet_nickname": "长" * 51, "planet_number": ""}, ["planet_nickname", "planet_number"]),
        ({"planet_nickname": "\u202e鸟"}, ["planet_nickname"]),
        ({"planet_number": 1024}, ["planet_number"]),
    ],
)
async def test_bad_input_names_the_fields(stage: Stage, phone: Phone, body: Any, fields: list[str]) -> None:
    member = await stage.member(payer=phone.payer)
    typed = {"planet_nickname": "早起的鸟", "planet_number": "1024"} | body
    response = await phone.call("PUT", f"/members/{member.id}/planet", json=typed)
    assert response.status_code == 422
    assert [problem["field"] for problem in response.json()["data"]["fields"]] == fields
    assert (await stage.fresh(member)).planet_number == member.planet_number


async def test_only_the_owner_corrects(stage: Stage, phone: Phone, stranger: Phone, guest: Phone) -> None:
    """B9."""
    member = await stage.member(payer=phone.payer)
    body = {"planet_nickname": "早起的鸟", "planet_number": "1024"}
    for other in (stranger, guest):
        for method, more in (("GET", {}), ("PUT", {"json": body})):
            await other.refused(404, "not_found", f"/members/{member.id}/planet", method, **more)
    for unknown in (str(new_id()), "12"):
        await phone.refused(404, "not_found", f"/members/{unknown}/planet", "PUT", json=body)
    assert (await stage.fresh(member)).planet_number == member.planet_number


async def test_who_paid_as_a_guest_corrects_in_wechat(stage: Stage, phone: Phone, client: httpx.AsyncClient) -> None:
    await known(stage)
    guest = await phone_of(stage, client)
    member = await stage.member(payer=guest.payer, openid="o-lin")
    assert (await correct(phone, member))["match_status"] == "matched"
    assert (await guest.ok(f"/members/{member.id}/planet"))["planet_number"] == "1024"


async def test_a_correction_frees_whom_the_mistake_stood_in_the_way_of(
    stage: Stage, phone: Phone, stranger: Phone
) -> None:
    """Both typed one number; the one who was wrong says so, and the other has their person at once."""
    user_id = await known(stage, "真正的人", "1024")
    await known(stage, "早起的鸟", "1025")
    wrong = await stage.member(payer=phone.payer, planet_nickname="早起", planet_number="1024")
    right = await stage.member(payer=stranger.payer, planet_nickname="真正", planet_number="1024")
    async with stage.runtime.db.transaction() as session:
        await matching.match_camp(session, stage.camp.id, SYSTEM)
    assert {(await stage.fresh(each)).status for each in (wrong, right)} == {MatchStatus.CONFLICT}
    await correct(phone, wrong, "早起的鸟", "1025")
    row = await stage.fresh(right)
    assert (row.status, row.planet_user_id) == (MatchStatus.MATCHED, user_id)


async def test_a_claim_to_somebody_else_s_person_gets_nobody(stage: Stage, phone: Phone, stranger: Phone) -> None:
    """Two who typed one number can't both be right: a person decides (design §10)."""
    await known(stage)
    holder = await stage.member(payer=stranger.payer, planet_nickname="早起的鸟", planet_number="1024")
    member = await stage.member(payer=phone.payer)
    async with stage.runtime.db.transaction() as session:
        await matching.match_camp(session, stage.camp.id, SYSTEM)
    assert (await stage.fresh(holder)).status is MatchStatus.MATCHED
    answer = await correct(phone, member, "没这个人", "1024")
    assert (answer["match_status"], answer["planet_user_name"]) == ("conflict", None)
    assert (await stage.fresh(holder)).status is MatchStatus.CONFLICT


# Refunds that wait for review


@pytest.fixture
async def settling(stage: Stage, phone: Phone) -> Member:
    """Lin paid on 5 March and was found by nickname only; the list was made on the 11th, and the row needs a person."""
    lin = stage.person("小林")
    stage.posts(lin, *range(1, 9))
    lazy = stage.person("懒人")
    stage.posts(lazy, 1)
    member = await stage.member(
        payer=phone.payer, planet_nickname="小林", planet_number="99999",
        paid_at=dt.datetime(2026, 3, 5, tzinfo=clock.SHANGHAI),
    )  # fmt: skip
    async with stage.runtime.db.transaction() as session:
        (await session.get_one(Camp, stage.camp.id)).status = CampStatus.ENDED
    stage.time.set("2026-03-11 01:00")
    await stage.sync()
    async with stage.runtime.db.transaction() as session:
        await lists.make_list(session, stage.camp.id, actor=SYSTEM)
    return member


async def waiting(stage: Stage, member: Member) -> tuple[Any, ...]:
    """The row as the console shows it."""
    async with stage.runtime.db.transaction() as session:
        row = await queries.listed(session, await row_of(session, member))
    assert row is not None
    found = row.evidence
    return row.refund.status, found.verdict, found.days, found.confidence, found.match_method


async def row_of(session: AsyncSession, member: Member) -> uuid.UUID:
    return (await session.scalars(select(Refund.id).where(Refund.member_id == member.id))).one()


_WAITS = RefundStatus.PENDING_REVIEW


async def test_a_waiting_refund_follows_a_correction_for_the_better(
    stage: Stage, phone: Phone, settling: Member
) -> None:
    assert await waiting(stage, settling) == (_WAITS, Verdict.NEEDS_CONFIRMATION, 8, 66, "planet_nickname")
    number = (await stage.fresh(settling)).planet_user_id
    await correct(phone, settling, "小林", number)
    assert await waiting(stage, settling) == (_WAITS, Verdict.ELIGIBLE, 8, 100, "planet_number")


async def test_a_waiting_refund_follows_a_correction_for_the_worse(
    stage: Stage, phone: Phone, settling: Member
) -> None:
    """The reviewer must not approve a lazy person's deposit by the days of another."""
    async with stage.runtime.db.transaction() as session:
        lazy = (await session.scalars(select(PlanetUser).where(PlanetUser.name == "懒人"))).one()
    await correct(phone, settling, "懒人", lazy.user_id)
    assert await waiting(stage, settling) == (_WAITS, Verdict.NOT_ELIGIBLE, 1, 100, "planet_number")


async def test_a_waiting_refund_of_nobody_needs_a_person(stage: Stage, phone: Phone, settling: Member) -> None:
    await correct(phone, settling, "不存在", "5")
    assert await waiting(stage, settling) == (_WAITS, Verdict.NEEDS_CONFIRMATION, 0, 0, None)


async def test_a_rival_s_waiting_refund_follows_too(
    stage: Stage, phone: Phone, stranger: Phone, settling: Member
) -> None:
    """Whose person is claimed by somebody else must not pass in a batch at 100 any more."""
    number = (await stage.fresh(settling)).planet_user_id
    await correct(phone, settling, "小林", number)
    assert (await waiting(stage, settling))[1:4] == (Verdict.ELIGIBLE, 8, 100)
    rival = await stage.member(payer=stranger.payer, paid_at=clock.now())
    await correct(stranger, rival, "小林", number)
    assert await waiting(stage, settling) == (_WAITS, Verdict.NEEDS_CONFIRMATION, 0, 0, None)


async def test_a_reviewed_refund_keeps_what_the_reviewer_saw(stage: Stage, phone: Phone, settling: Member) -> None:
    seen = await waiting(stage, settling)
    async with stage.runtime.db.transaction() as session:
        await review.reject(session, await row_of(session, settling), actor=SYSTEM, reason="匹配信息有误")
    await correct(phone, settling, "不存在", "5")
    assert (await waiting(stage, settling))[1:] == seen[1:]
