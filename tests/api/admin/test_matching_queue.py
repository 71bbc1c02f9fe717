"""The matching queue, and deciding many matches at once."""

from typing import Any

import pytest
from sqlalchemy import select

from backend.community.eligibility import service as eligibility
from backend.core import clock
from backend.core.db import Database
from backend.core.ids import new_id
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import CheckinTotal, SyncRun, SyncStatus, SyncTrigger
from backend.models.members import MatchMethod, MatchStatus, Member
from backend.models.planets import Planet, PlanetUser
from backend.models.staff import StaffRole
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.community.eligibility.test_recount import counted, synced
from tests.factories import assign, make_camp, make_member, make_planet, make_planet_user, make_refund
from tests.money.refunds.facts import ended_camp

S, M = MatchStatus, MatchMethod


class Scene:
    """A camp whose planet knows two people: 小林 with 9 days in the ranking, and 陈西 without any."""

    planet: Planet
    camp: Camp
    lin: PlanetUser
    chen: PlanetUser

    def __init__(self, db: Database) -> None:
        self.db = db

    async def member(self, **fields: Any) -> Member:
        async with self.db.transaction() as session:
            return await make_member(session, fields.pop("camp", self.camp), **fields)

    async def now(self, member: Member) -> Member:
        async with self.db.transaction() as session:
            return await session.get_one(Member, member.id)


@pytest.fixture
async def scene(db: Database) -> Scene:
    made = Scene(db)
    async with db.transaction() as session:
        made.planet = await make_planet(session)
        made.camp = await make_camp(session, planet_id=made.planet.id)
        made.lin = await make_planet_user(session, made.planet, name="小林同学", number="101")
        made.chen = await make_planet_user(session, made.planet, name="陈西", number="102")
        now = clock.now()
        run = SyncRun(
            id=new_id(), camp_id=made.camp.id, trigger=SyncTrigger.SCHEDULER, status=SyncStatus.COMPLETE,
            heartbeat_at=now, started_at=now, finished_at=now, posts_read=True,
        )  # fmt: skip
        session.add(run)
        await session.flush()
        session.add(
            CheckinTotal(
                camp_id=made.camp.id, planet_user_id=made.lin.user_id, name="小林同学", days_ranking=9, days_posts=8,
                sync_run_id=run.id,
            )
        )  # fmt: skip
    return made


async def tab(desk: Desk, name: str, **params: Any) -> list[str]:
    return [row["id"] for row in (await desk.ok("GET", "/matching", params={"tab": name, **params}))["items"]]


async def test_each_member_is_in_the_tab_of_its_state(scene: Scene, manager: Desk) -> None:
    unmatched = await scene.member(planet_nickname="不知何人")
    suggested = await scene.member(status=S.SUGGESTED, confidence=33, planet_user_id=scene.chen.user_id)
    nickname = await scene.member(status=S.MATCHED, confidence=66, planet_user_id=scene.lin.user_id)
    conflict = await scene.member(status=S.CONFLICT, match_note="星球编号对应多位星球成员")
    closed = await scene.member(status=S.CLOSED)
    await scene.member(status=S.MATCHED, confidence=100, planet_user_id="1")
    data = await manager.ok("GET", "/matching")
    assert data["counts"] == {"to_match": 1, "to_confirm": 2, "conflict": 1, "closed": 1}
    assert (data["total"], [row["id"] for row in data["items"]]) == (1, [str(unmatched.id)])
    assert set(await tab(manager, "to_confirm")) == {str(suggested.id), str(nickname.id)}
    assert await tab(manager, "closed") == [str(closed.id)]
    [row] = (await manager.ok("GET", "/matching", params={"tab": "conflict"}))["items"]
    assert (row["id"], row["note"]) == (str(conflict.id), "星球编号对应多位星球成员")
    assert row["out_trade_no"].startswith("P")
    assert await manager.bad_fields("GET", "/matching", params={"tab": "others"}) == {"tab"}


async def test_what_was_typed_stands_beside_the_best_suggestion(scene: Scene, manager: Desk) -> None:
    alike = await scene.member(planet_nickname="小林", planet_number="55", wechat_nickname="林")
    found = await scene.member(
        status=S.SUGGESTED, confidence=33, planet_user_id=scene.chen.user_id, match_method=M.WECHAT_NICKNAME,
        planet_number="102", planet_nickname="西", wechat_nickname="陈西",
    )  # fmt: skip
    stranger = await scene.member(planet_nickname="甲乙丙", wechat_nickname="丁戊")
    rows = {
        row["id"]: row
        for name in ("to_match", "to_confirm")
        for row in (await manager.ok("GET", "/matching", params={"tab": name}))["items"]
    }
    assert rows[str(alike.id)]["suggestion"] == {
        "id": scene.lin.user_id, "name": "小林同学", "number": "101", "alias": None, "agrees": [], "days": 9,
    }  # fmt: skip
    suggestion = rows[str(found.id)]["suggestion"]
    assert (suggestion["id"], suggestion["days"]) == (scene.chen.user_id, None)
    assert suggestion["agrees"] == ["planet_number", "wechat_nickname"]
    assert rows[str(stranger.id)]["suggestion"] is None


async def test_somebody_s_person_is_suggested_to_nobody_else(scene: Scene, manager: Desk) -> None:
    await scene.member(planet_user_id=scene.lin.user_id)
    await scene.member(planet_nickname="小林同学")
    [row] = (await manager.ok("GET", "/matching"))["items"]
    assert row["suggestion"] is None


async def test_a_typed_number_leads_to_who_never_checked_in(scene: Scene, manager: Desk) -> None:
    await scene.member(status=S.CONFLICT, planet_number="0102", planet_nickname="某人")
    [row] = (await manager.ok("GET", "/matching", params={"tab": "conflict"}))["items"]
    assert row["suggestion"]["id"] == scene.chen.user_id


async def test_a_tie_is_no_suggestion(scene: Scene, manager: Desk) -> None:
    """The number is 陈西's, the nickname 小林同学's: a person has to say who it is."""
    await scene.member(status=S.CONFLICT, planet_number="102", planet_nickname="小林同学")
    [row] = (await manager.ok("GET", "/matching", params={"tab": "conflict"}))["items"]
    assert row["suggestion"] is None


async def test_the_queue_is_narrowed_and_paged(scene: Scene, manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        other = await make_camp(session, planet_id=scene.planet.id)
        over = await make_camp(session, planet_id=scene.planet.id, status=CampStatus.ARCHIVED)
    here = [await scene.member(planet_nickname=f"小周{number}") for number in range(3)]
    there = await scene.member(camp=other)
    await scene.member(camp=over)  # nothing is matched there any more
    assert len(await tab(manager, "to_match")) == 4
    assert await tab(manager, "to_match", camp_id=str(other.id)) == [str(there.id)]
    assert await tab(manager, "to_match", q="小周1") == [str(here[1].id)]
    data = await manager.ok("GET", "/matching", params={"q": "小周", "page": 2, "page_size": 2})
    assert (data["total"], len(data["items"]), data["counts"]["to_match"]) == (3, 1, 3)
    await manager.refused(404, "not_found", "GET", "/matching", params={"camp_id": str(new_id())})


async def test_only_who_may_match(scene: Scene, desk: NewDesk, db: Database) -> None:
    member = await scene.member()
    for role in (StaffRole.COACH, StaffRole.VOLUNTEER):
        person = await desk(role)
        async with db.transaction() as session:
            await assign(session, scene.camp, person.staff)
        await person.refused(403, "forbidden", "GET", "/matching")
        body = {"ids": [str(member.id)], "reason": "查无此人"}
        await person.refused(403, "forbidden", "POST", "/members/batch-close-match", json=body)
        await person.refused(403, "forbidden", "POST", "/members/batch-confirm-match", json=body)


# Many at once.


def codes(data: Any) -> list[str]:
    return [line["code"] for line in data["results"]]


async def test_many_are_confirmed_each_by_its_own_merits(scene: Scene, manager: Desk, db: Database) -> None:
    nickname = await scene.member(
        status=S.MATCHED, confidence=66, match_method=M.PLANET_NICKNAME, planet_user_id=scene.lin.user_id
    )
    suggested = await scene.member(status=S.SUGGESTED, confidence=33, planet_user_id=scene.chen.user_id)
    unmatched, closed = await scene.member(), await scene.member(status=S.CLOSED)
    certain = await scene.member(planet_user_id="77")
    rows = [nickname, suggested, unmatched, closed, certain]
    data = await manager.ok(
        "POST", "/members/batch-confirm-match", json={"ids": [*(str(row.id) for row in rows), "nobody"]}
    )
    assert codes(data) == ["ok", "ok", "nothing_to_confirm", "member_closed", "nothing_to_confirm", "not_found"]
    assert (data["done"], data["skipped"]) == (2, 4)
    assert all(line["message"] for line in data["results"] if not line["ok"])
    for member, days in ((nickname, (9, 8)), (suggested, (0, 0))):
        row = await scene.now(member)
        assert (row.status, row.confidence, row.match_method) == (S.MATCHED, 100, M.MANUAL)
        assert (row.days_ranking, row.days_posts) == days
    async with db.transaction() as session:
        entries = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "member.match"))).all()
    assert {entry.target_id for entry in entries} == {nickname.id, suggested.id}
    assert {entry.actor_id for entry in entries} == {manager.staff.id}


async def test_one_person_is_given_to_nobody_twice(scene: Scene, manager: Desk) -> None:
    holder = await scene.member(planet_user_id=scene.lin.user_id)
    late = await scene.member(status=S.SUGGESTED, confidence=33, planet_user_id=scene.lin.user_id)
    twins = [await scene.member(status=S.SUGGESTED, confidence=33, planet_user_id=scene.chen.user_id) for _ in range(2)]
    ids = [str(row.id) for row in (late, *twins)]
    data = await manager.ok("POST", "/members/batch-confirm-match", json={"ids": ids})
    assert codes(data) == ["planet_user_taken"] * 3
    assert (await scene.now(holder)).planet_user_id == scene.lin.user_id
    # One of them alone is a person's decision.
    assert codes(await manager.ok("POST", "/members/batch-confirm-match", json={"ids": ids[1:2]})) == ["ok"]
    assert codes(await manager.ok("POST", "/members/batch-confirm-match", json={"ids": ids[2:]})) == [
        "planet_user_taken"
    ]


async def test_what_waits_for_review_shows_the_confirmed_match(scene: Scene, manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        over = await ended_camp(session, planet_id=scene.planet.id)
        member = await counted(session, over, await synced(session, over), *range(8), confidence=66)
        await make_planet_user(session, scene.planet, user_id=member.planet_user_id)
        await eligibility.recount(session, over)
        refund = await make_refund(session, member)

    async def shown() -> tuple[Any, ...]:
        row = await manager.ok("GET", f"/refunds/{refund.id}")
        return row["verdict"], row["confidence"], row["match_method"], row["amount_fen"]

    assert await shown() == ("needs_confirmation", 66, "planet_number", 9900)
    await manager.ok("POST", "/members/batch-confirm-match", json={"ids": [str(member.id)]})
    assert await shown() == ("eligible", 100, "manual", 9900)
    await manager.ok("POST", f"/members/{member.id}/unmatch")
    assert await shown() == ("needs_confirmation", 0, None, 0)


async def test_many_are_closed_with_one_reason(scene: Scene, manager: Desk, db: Database) -> None:
    first, second = await scene.member(), await scene.member(status=S.CONFLICT)
    gone = await scene.member(status=S.CLOSED)
    async with db.transaction() as session:
        over = await make_camp(session, status=CampStatus.ARCHIVED)
    late = await scene.member(camp=over)
    body = {"ids": [str(row.id) for row in (first, second, gone, late)], "reason": "星球中查无此人"}
    data = await manager.ok("POST", "/members/batch-close-match", json=body)
    assert codes(data) == ["ok", "ok", "member_closed", "matching_over"]
    row = await scene.now(first)
    assert (row.status, row.match_note) == (S.CLOSED, "星球中查无此人")
    assert (await scene.now(late)).status is S.UNMATCHED
    without = {"ids": body["ids"]}
    assert await manager.bad_fields("POST", "/members/batch-close-match", json=without) == {"reason"}
    assert await manager.bad_fields("POST", "/members/batch-confirm-match", json={"ids": []}) == {"ids"}


async def test_many_join_the_group(scene: Scene, desk: NewDesk, db: Database) -> None:
    volunteer = await desk(StaffRole.VOLUNTEER)
    async with db.transaction() as session:
        await assign(session, scene.camp, volunteer.staff)
        foreign = await make_member(session, await make_camp(session))
    mine, already = await scene.member(), await scene.member(joined=True, joined_at=clock.now())
    ids = [str(row.id) for row in (mine, already, foreign)]
    data = await volunteer.ok("POST", "/members/batch-joined", json={"ids": ids, "joined": True})
    assert codes(data) == ["ok", "ok", "forbidden"]
    assert [(await scene.now(row)).joined for row in (mine, already, foreign)] == [True, True, False]
    async with db.transaction() as session:
        entries = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "member.join"))).all()
    assert [entry.target_id for entry in entries] == [mine.id]  # what was so already is no act
    await volunteer.ok("POST", "/members/batch-joined", json={"ids": ids, "joined": False})
    row = await scene.now(mine)
    assert (row.joined, row.joined_at) == (False, None)
