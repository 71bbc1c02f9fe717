"""Matches in the database: after payment, for a whole camp, and by hand; B16, B17."""

from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.matching import service
from backend.community.matching.service import MatchingOver, MemberClosed, MemberNotClosed, PlanetUserTaken
from backend.core import clock
from backend.core.actor import SYSTEM, Actor
from backend.core.errors import Invalid, NotFound
from backend.core.ids import new_id
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import CheckinTotal, SyncRun, SyncStatus, SyncTrigger
from backend.models.history import StateChange
from backend.models.members import MatchMethod, MatchStatus, Member
from backend.models.planets import Planet, PlanetUser
from tests.factories import make_camp, make_member, make_planet, make_planet_user

STAFF = Actor("staff", "xiaowang")
S, M = MatchStatus, MatchMethod


@pytest.fixture
async def planet(session: AsyncSession) -> Planet:
    return await make_planet(session)


@pytest.fixture
async def camp(session: AsyncSession, planet: Planet) -> Camp:
    return await make_camp(session, planet_id=planet.id)


@pytest.fixture
async def lin(session: AsyncSession, planet: Planet) -> PlanetUser:
    return await make_planet_user(session, planet, name="小林", number="101")


@pytest.fixture
async def chen(session: AsyncSession, planet: Planet) -> PlanetUser:
    return await make_planet_user(session, planet, name="Chen Xi", alias="陈西", number="102")


async def match(session: AsyncSession, member: Member, camp: Camp) -> Member:
    await service.match_member(session, member, camp, actor=SYSTEM)
    await session.flush()
    return member


async def count_camp(session: AsyncSession, camp: Camp, user_id: str, *, posts_read: bool = True) -> None:
    """A complete sync that counted 5 days for a person by the ranking and 4 by the posts."""
    now = clock.now()
    run = SyncRun(
        id=new_id(), camp_id=camp.id, trigger=SyncTrigger.SCHEDULER, status=SyncStatus.COMPLETE, heartbeat_at=now,
        started_at=now, finished_at=now, posts_read=posts_read,
    )  # fmt: skip
    session.add(run)
    await session.flush()
    session.add(
        CheckinTotal(camp_id=camp.id, planet_user_id=user_id, name="", days_ranking=5, days_posts=4, sync_run_id=run.id)
    )
    await session.flush()


def typed(number: str, nickname: str = "？", wechat: str = "？") -> dict[str, Any]:
    """What a member typed."""
    return {"planet_number": number, "planet_nickname": nickname, "wechat_nickname": wechat}


async def moves(session: AsyncSession, member: Member) -> list[tuple[str, str]]:
    statement = select(StateChange).where(StateChange.entity_id == member.id).order_by(StateChange.id)
    return [(each.from_state, each.to_state) for each in await session.scalars(statement)]


async def audits(session: AsyncSession, member: Member) -> list[AuditEntry]:
    statement = select(AuditEntry).where(AuditEntry.target_id == member.id).order_by(AuditEntry.id)
    return list((await session.scalars(statement)).all())


class TestAfterPayment:
    async def test_a_number_matches_at_once_with_its_history(self, session, camp, lin) -> None:
        member = await match(session, await make_member(session, camp, planet_number="101"), camp)
        assert (member.status, member.confidence, member.match_method) == (S.MATCHED, 100, M.PLANET_NUMBER)
        assert member.planet_user_id == lin.user_id
        assert await moves(session, member) == [("unmatched", "matched")]

    async def test_a_user_id_of_many_digits_does_the_same(self, session, camp, lin) -> None:
        member = await match(session, await make_member(session, camp, planet_number=lin.user_id), camp)
        assert member.planet_user_id == lin.user_id

    async def test_names_are_looked_at_when_the_number_is_nobody_s(self, session, camp, chen) -> None:
        form = typed("9999", "ＣＨＥＮ xi")
        member = await match(session, await make_member(session, camp, **form), camp)
        assert (member.confidence, member.planet_user_id) == (66, chen.user_id)

    async def test_a_suggestion_is_kept_for_a_person_to_confirm(self, session, camp, chen) -> None:
        form = typed("9999", wechat="陈西")
        member = await match(session, await make_member(session, camp, **form), camp)
        assert (member.status, member.confidence, member.planet_user_id) == (S.SUGGESTED, 33, chen.user_id)

    async def test_without_a_planet_nothing_happens(self, session, camp) -> None:
        member = await make_member(session, camp)
        camp.planet_id = None
        await service.match_member(session, member, camp, actor=SYSTEM)
        assert member.status is S.UNMATCHED

    async def test_a_person_of_another_planet_is_nobody(self, session, camp) -> None:
        await make_planet_user(session, await make_planet(session), number="101")
        member = await match(session, await make_member(session, camp, planet_number="101"), camp)
        assert member.status is S.UNMATCHED

    async def test_who_left_the_planet_is_still_found(self, session, planet, camp) -> None:
        gone = await make_planet_user(session, planet, number="103", left=True)
        member = await match(session, await make_member(session, camp, planet_number="103"), camp)
        assert member.planet_user_id == gone.user_id

    async def test_a_second_payer_of_one_number_puts_both_into_conflict(self, session, camp, lin) -> None:
        first = await match(session, await make_member(session, camp, planet_number="101"), camp)
        second = await match(session, await make_member(session, camp, planet_number=lin.user_id), camp)
        for member in (first, second):
            assert (member.status, member.confidence, member.planet_user_id) == (S.CONFLICT, 0, None)
            assert member.match_note
        assert await moves(session, first) == [("unmatched", "matched"), ("matched", "conflict")]

    async def test_a_third_one_too(self, session, camp, lin) -> None:
        for _ in range(2):
            await match(session, await make_member(session, camp, planet_number="101"), camp)
        third = await match(session, await make_member(session, camp, planet_number="101"), camp)
        assert third.status is S.CONFLICT

    async def test_one_unknown_number_typed_twice_is_a_conflict_before_anybody_is_known(self, session, camp) -> None:
        first = await match(session, await make_member(session, camp, planet_number="101"), camp)
        second = await match(session, await make_member(session, camp, planet_number="101"), camp)
        assert first.status is second.status is S.CONFLICT

    async def test_another_camp_s_member_is_no_rival(self, session, planet, camp, lin) -> None:
        other = await make_camp(session, planet_id=planet.id)
        first = await match(session, await make_member(session, camp, planet_number="101"), camp)
        second = await match(session, await make_member(session, other, planet_number="101"), other)
        assert first.planet_user_id == second.planet_user_id == lin.user_id

    async def test_a_match_by_hand_stays_and_the_newcomer_is_the_conflict(self, session, camp, lin) -> None:
        first = await make_member(session, camp, planet_user_id=lin.user_id, match_method=M.MANUAL)
        second = await match(session, await make_member(session, camp, planet_number="101"), camp)
        assert (first.status, first.planet_user_id) == (S.MATCHED, lin.user_id)
        assert second.status is S.CONFLICT

    async def test_number_and_name_take_the_person_from_a_name_alone(self, session, camp, lin) -> None:
        form = typed("9999", "小林")
        first = await match(session, await make_member(session, camp, **form), camp)
        assert first.status is S.MATCHED
        form = typed("101", "小林")
        second = await match(session, await make_member(session, camp, **form), camp)
        assert (second.status, second.planet_user_id) == (S.MATCHED, lin.user_id)
        assert (first.status, first.planet_user_id) == (S.CONFLICT, None)

    async def test_a_newcomer_with_a_weaker_claim_leaves_the_holder_their_days(self, session, camp, lin) -> None:
        await count_camp(session, camp, lin.user_id)
        form = typed("101", "小林")
        first = await match(session, await make_member(session, camp, **form), camp)
        form = typed("9999", "小林")
        second = await match(session, await make_member(session, camp, **form), camp)
        assert second.status is S.CONFLICT
        assert (first.status, first.days_ranking, first.days_posts) == (S.MATCHED, 5, 4)

    async def test_who_joins_a_running_camp_gets_the_days_counted_so_far(self, session, camp, lin) -> None:
        await count_camp(session, camp, lin.user_id)
        member = await match(session, await make_member(session, camp, planet_number="101"), camp)
        assert (member.days_ranking, member.days_posts) == (5, 4)

    @pytest.mark.parametrize("fields", [{"status": S.CLOSED}, {"planet_user_id": "1", "match_method": M.MANUAL}])
    async def test_what_a_person_decided_is_left_alone(self, session, camp, lin, fields) -> None:
        member = await make_member(session, camp, planet_number="101", **fields)
        before = (member.status, member.planet_user_id)
        await match(session, member, camp)
        assert (member.status, member.planet_user_id) == before


class TestCamp:
    async def test_everybody_is_matched_anew_and_counted(self, session, camp, lin, chen) -> None:
        await count_camp(session, camp, lin.user_id)
        by_number = await make_member(session, camp, planet_number="101")
        by_name = await make_member(session, camp, planet_number="9999", planet_nickname="陈西")
        nobody = await make_member(session, camp, planet_number="9998")
        closed = await make_member(session, camp, planet_number="9997", status=S.CLOSED)
        counts = await service.match_camp(session, camp.id, SYSTEM)
        assert counts == {
            "members": 4, "unmatched": 1, "suggested": 0, "matched": 2, "conflict": 0, "closed": 1, "changed": 2,
        }  # fmt: skip
        assert (by_number.days_ranking, by_number.days_posts) == (5, 4)
        assert (by_name.days_ranking, by_name.days_posts) == (0, 0)
        assert nobody.days_ranking is closed.days_ranking is None

    async def test_a_second_time_nothing_changes(self, session, camp, lin) -> None:
        member = await make_member(session, camp, planet_number="101")
        await service.match_camp(session, camp.id, SYSTEM)
        assert (await service.match_camp(session, camp.id, SYSTEM))["changed"] == 0
        assert len(await moves(session, member)) == 1

    async def test_two_members_who_swap_people_never_hold_one_together(self, session, camp, lin, chen) -> None:
        """The numbers were corrected on the planet; the database allows one holder at any time."""
        first = await make_member(session, camp, planet_number="101")
        second = await make_member(session, camp, planet_number="102")
        await service.match_camp(session, camp.id, SYSTEM)
        lin.number, chen.number = "102", "101"
        await session.flush()
        await service.match_camp(session, camp.id, SYSTEM)
        await session.flush()
        assert (first.planet_user_id, second.planet_user_id) == (chen.user_id, lin.user_id)

    async def test_a_better_level_replaces_a_weaker_one(self, session, camp, lin) -> None:
        lin.number = None
        member = await make_member(session, camp, planet_number="101", planet_nickname="小林")
        await service.match_camp(session, camp.id, SYSTEM)
        assert member.confidence == 66
        lin.number = "101"
        await session.flush()
        await service.match_camp(session, camp.id, SYSTEM)
        assert member.confidence == 100

    async def test_a_rename_after_a_match_by_name_takes_it_back(self, session, camp, lin) -> None:
        member = await make_member(session, camp, planet_number="9999", planet_nickname="小林")
        await service.match_camp(session, camp.id, SYSTEM)
        lin.name = "改名了"
        await session.flush()
        await service.match_camp(session, camp.id, SYSTEM)
        assert (member.status, member.planet_user_id, member.days_posts) == (S.UNMATCHED, None, None)

    async def test_without_posts_the_second_count_is_unknown(self, session, camp, lin) -> None:
        await count_camp(session, camp, lin.user_id, posts_read=False)
        member = await make_member(session, camp, planet_number="101")
        await service.match_camp(session, camp.id, SYSTEM)
        assert (member.days_ranking, member.days_posts) == (5, None)

    async def test_an_archived_camp_stays_as_it_is(self, session, planet) -> None:
        camp = await make_camp(session, planet_id=planet.id, status=CampStatus.ARCHIVED)
        with pytest.raises(MatchingOver):
            await service.match_camp(session, camp.id, SYSTEM)

    async def test_payment_by_payment_and_all_at_once_agree(self, session, planet, camp, lin, chen) -> None:
        forms = [
            ("101", "小林"),
            ("102", "别人"),
            ("9999", "陈西"),
            ("9998", "小林"),
            ("9998", "过客"),
            ("555", "路人"),
        ]
        members = []
        for number, nickname in forms:
            fields = typed(number, nickname)
            members.append(await match(session, await make_member(session, camp, **fields), camp))
        one_by_one = [(each.status, each.planet_user_id) for each in members]
        assert (await service.match_camp(session, camp.id, SYSTEM))["changed"] == 0
        assert one_by_one == [(each.status, each.planet_user_id) for each in members]


class TestByHand:
    async def test_a_person_s_word_is_certain_counted_and_logged(self, session, camp, lin) -> None:
        await count_camp(session, camp, lin.user_id)
        member = await make_member(session, camp)
        await service.match_manually(session, member.id, planet_user_id=lin.user_id, actor=STAFF, reason="群里确认")
        assert (member.status, member.confidence, member.match_method) == (S.MATCHED, 100, M.MANUAL)
        assert (member.days_ranking, member.match_note) == (5, "群里确认")
        await session.flush()
        (entry,) = await audits(session, member)
        assert (entry.action, entry.actor_name, entry.note) == ("member.match", "xiaowang", "群里确认")
        assert entry.after == {
            "match_status": "matched", "confidence": 100, "match_method": "manual", "planet_user_id": lin.user_id,
        }  # fmt: skip

    async def test_it_survives_the_machine(self, session, camp, lin, chen) -> None:
        member = await make_member(session, camp, planet_number="101")
        await service.match_manually(session, member.id, planet_user_id=chen.user_id, actor=STAFF)
        await service.match_camp(session, camp.id, SYSTEM)
        assert (member.planet_user_id, member.match_method) == (chen.user_id, M.MANUAL)

    async def test_it_confirms_a_weak_match(self, session, camp, chen) -> None:
        member = await make_member(session, camp, planet_number="9999", planet_nickname="陈西")
        await service.match_camp(session, camp.id, SYSTEM)
        await service.match_manually(session, member.id, planet_user_id=chen.user_id, actor=STAFF)
        assert (member.confidence, member.match_method) == (100, M.MANUAL)

    async def test_it_may_choose_another_person(self, session, camp, lin, chen) -> None:
        member = await make_member(session, camp, planet_user_id=lin.user_id)
        await service.match_manually(session, member.id, planet_user_id=chen.user_id, actor=STAFF)
        await session.flush()
        assert member.planet_user_id == chen.user_id
        assert await moves(session, member) == [("matched", "unmatched"), ("unmatched", "matched")]

    async def test_a_person_who_is_taken_is_refused_with_the_holder(self, session, camp, lin) -> None:
        holder = await make_member(session, camp, planet_user_id=lin.user_id)
        member = await make_member(session, camp)
        with pytest.raises(PlanetUserTaken) as refused:
            await service.match_manually(session, member.id, planet_user_id=lin.user_id, actor=STAFF)
        assert refused.value.data == {"member_id": str(holder.id)}

    async def test_a_suggestion_doesn_t_take_a_person(self, session, camp, chen) -> None:
        form = typed("9999", wechat="陈西")
        other = await match(session, await make_member(session, camp, **form), camp)
        member = await make_member(session, camp, planet_number="9998")
        await service.match_manually(session, member.id, planet_user_id=chen.user_id, actor=STAFF)
        await service.match_camp(session, camp.id, SYSTEM)
        assert member.planet_user_id == chen.user_id
        assert other.status is S.CONFLICT

    async def test_nobody_of_the_planet_is_refused(self, session, camp) -> None:
        member = await make_member(session, camp)
        with pytest.raises(Invalid):
            await service.match_manually(session, member.id, planet_user_id="123", actor=STAFF)

    async def test_an_unknown_member_is_not_found(self, session) -> None:
        with pytest.raises(NotFound):
            await service.match_manually(session, new_id(), planet_user_id="123", actor=STAFF)

    async def test_a_conflict_is_solved_for_the_right_one(self, session, camp, lin) -> None:
        first = await match(session, await make_member(session, camp, planet_number="101"), camp)
        second = await match(session, await make_member(session, camp, planet_number="101"), camp)
        await service.match_manually(session, second.id, planet_user_id=lin.user_id, actor=STAFF)
        await service.match_camp(session, camp.id, SYSTEM)
        assert (second.status, first.status) == (S.MATCHED, S.CONFLICT)

    async def test_unmatching_lets_the_machine_match_again(self, session, camp, lin, chen) -> None:
        member = await make_member(session, camp, planet_number="101")
        await service.match_manually(session, member.id, planet_user_id=chen.user_id, actor=STAFF)
        await service.unmatch(session, member.id, actor=STAFF, reason="认错人")
        assert (member.status, member.confidence, member.planet_user_id) == (S.UNMATCHED, 0, None)
        assert (member.match_method, member.days_ranking) == (None, None)
        await service.match_camp(session, camp.id, SYSTEM)
        assert member.planet_user_id == lin.user_id
        assert [entry.action for entry in await audits(session, member)] == ["member.match", "member.unmatch"]

    async def test_unmatching_the_unmatched_changes_nothing(self, session, camp) -> None:
        member = await make_member(session, camp)
        await service.unmatch(session, member.id, actor=STAFF)
        await session.flush()
        assert await audits(session, member) == []

    async def test_closed_stays_until_a_person_reopens(self, session, camp, lin) -> None:
        member = await match(session, await make_member(session, camp, planet_number="101"), camp)
        await service.close(session, member.id, actor=STAFF, reason="查无此人")
        await service.match_camp(session, camp.id, SYSTEM)
        assert (member.status, member.match_note, member.planet_user_id) == (S.CLOSED, "查无此人", None)
        with pytest.raises(MemberClosed):
            await service.close(session, member.id, actor=STAFF, reason="再来")
        with pytest.raises(MemberClosed):
            await service.unmatch(session, member.id, actor=STAFF)
        await service.reopen(session, member.id, actor=STAFF)
        with pytest.raises(MemberNotClosed):
            await service.reopen(session, member.id, actor=STAFF)
        await service.match_camp(session, camp.id, SYSTEM)
        assert member.planet_user_id == lin.user_id
        assert [entry.action for entry in await audits(session, member)] == ["member.close", "member.reopen"]

    async def test_a_closed_member_may_be_matched_by_hand_directly(self, session, camp, lin) -> None:
        member = await make_member(session, camp, status=S.CLOSED)
        await service.match_manually(session, member.id, planet_user_id=lin.user_id, actor=STAFF)
        assert member.status is S.MATCHED

    async def test_after_archiving_nothing_changes_any_more(self, session, planet, lin) -> None:
        camp = await make_camp(session, planet_id=planet.id, status=CampStatus.ARCHIVED)
        member = await make_member(session, camp, planet_user_id=lin.user_id)
        for call in (
            service.match_manually(session, member.id, planet_user_id=lin.user_id, actor=STAFF),
            service.unmatch(session, member.id, actor=STAFF),
            service.close(session, member.id, actor=STAFF, reason="x"),
            service.reopen(session, member.id, actor=STAFF),
        ):
            with pytest.raises(MatchingOver):
                await call


async def test_a_camp_is_matched_with_a_handful_of_statements(
    session: AsyncSession, planet: Planet, camp: Camp
) -> None:
    """Set-based: a query per member would take many times as long."""
    for number in range(1000):
        session.add(
            PlanetUser(
                planet_id=planet.id, user_id=str(10**11 + number), number=str(number + 1), name=f"学员{number}",
                updated_at=clock.now(),
            )
        )  # fmt: skip
    for number in range(60):
        await make_member(session, camp, planet_number=str(number + 1))
    statements: list[str] = []

    connection = (await session.connection()).sync_connection
    event.listen(connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
    await session.flush()
    statements.clear()
    counts = await service.match_camp(session, camp.id, SYSTEM)
    await session.flush()
    assert counts["matched"] == 60
    assert len(statements) < 20


@pytest.mark.usefixtures("lin", "chen")
async def test_right_after_payment_too_a_nickname_of_somebody_else_speaks_against_a_number(
    session: AsyncSession, camp: Camp
) -> None:
    member = await make_member(session, camp, **typed("102", nickname="小林"))
    await match(session, member, camp)
    assert (member.status, member.planet_user_id) == (S.CONFLICT, None)
