"""Members at the console: rows, filters, one member whole, matching by hand, joining; roles and scope; B4-like ids."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select

from backend.core.db import Database
from backend.core.ids import new_id
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStaffKind, CampStatus
from backend.models.members import MatchStatus, Member, Standing, Verdict
from backend.models.planets import Planet, PlanetUser
from backend.models.staff import StaffRole
from backend.runtime import Runtime
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.community.checkins.stage import Stage, make_stage
from tests.conftest import Time
from tests.factories import assign, make_camp, make_member, make_planet, make_planet_user, make_refund
from tests.world import World


class Scene:
    """A camp on a planet with two known people, and one member."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.planet: Planet
        self.camp: Camp
        self.lin: PlanetUser
        self.chen: PlanetUser
        self.member: Member

    async def another(self, **fields: Any) -> Member:
        async with self.db.transaction() as session:
            return await make_member(session, self.camp, **fields)

    async def listed(self, desk: Desk, **params: Any) -> list[str]:
        rows = await desk.ok("GET", "/members", params=params)
        return [row["id"] for row in rows["items"]]


@pytest.fixture
async def scene(db: Database) -> Scene:
    made = Scene(db)
    async with db.transaction() as session:
        made.planet = await make_planet(session)
        made.camp = await make_camp(session, planet_id=made.planet.id, name="三月营")
        made.lin = await make_planet_user(session, made.planet, name="小林", number="101", user_id="841855481284252")
        made.chen = await make_planet_user(session, made.planet, name="陈西", number="102")
        made.member = await make_member(
            session, made.camp, planet_number="9999", planet_nickname="林小", wechat_nickname="微光"
        )
    return made


@pytest.fixture
async def stage(runtime: Runtime, world: World, time: Time) -> Stage:
    return await make_stage(runtime, world, time)


async def test_a_row_is_as_promised(scene: Scene, manager: Desk) -> None:
    member = await scene.another(
        planet_user_id=scene.lin.user_id, planet_number="101", days_ranking=8, days_posts=7, joined=True
    )
    (row,) = (await manager.ok("GET", "/members", params={"confidence": 100}))["items"]
    assert row == {
        "id": str(member.id),
        "camp_id": str(scene.camp.id),
        "camp_name": "三月营",
        "payment_id": str(member.payment_id),
        "planet_nickname": member.planet_nickname,
        "planet_number": "101",
        "wechat_nickname": member.wechat_nickname,
        "match_status": "matched",
        "confidence": 100,
        "match_method": "planet_number",
        "planet_user": {"id": "841855481284252", "name": "小林", "number": "101"},
        "joined": True,
        "days": 7,
        "required_days": 7,
        "days_left": 10,
        "standing": "not_started",
        "verdict": None,
        "entitled_fen": 9900,
        "paid_fen": 9900,
        "paid_at": row["paid_at"],
    }
    assert row["paid_at"].endswith("+08:00")


async def test_the_list_is_filtered_paged_and_searched(scene: Scene, manager: Desk) -> None:
    matched = await scene.another(
        planet_user_id=scene.lin.user_id, joined=True, standing=Standing.OUT_OF_REACH, verdict=Verdict.NOT_ELIGIBLE
    )
    conflict = await scene.another(status=MatchStatus.CONFLICT)
    plain = str(scene.member.id)
    assert await scene.listed(manager) == [str(conflict.id), str(matched.id), plain]
    assert await scene.listed(manager, match_status="conflict,matched") == [str(conflict.id), str(matched.id)]
    assert await scene.listed(manager, match_status="unmatched") == [plain]
    assert await scene.listed(manager, joined="true") == [str(matched.id)]
    assert await scene.listed(manager, verdict="not_eligible") == [str(matched.id)]
    assert await scene.listed(manager, standing="out_of_reach") == [str(matched.id)]
    assert await scene.listed(manager, standing="not_started,reached") == [str(conflict.id), plain]
    assert await scene.listed(manager, q="841855481284252") == [str(matched.id)]
    assert await scene.listed(manager, q="微光", camp_id=str(scene.camp.id)) == [plain]
    page = await manager.ok("GET", "/members", params={"page": 2, "page_size": 2})
    assert (page["total"], page["page"], page["page_size"], len(page["items"])) == (3, 2, 2, 1)


async def test_the_day_of_payment_is_the_one_in_shanghai(scene: Scene, manager: Desk) -> None:
    before, first, last, after = [
        str((await scene.another(paid_at=dt.datetime.fromisoformat(f"{at}+08:00"))).id)
        for at in ("2026-02-03T23:59:59", "2026-02-04T00:00:00", "2026-02-05T23:59:59", "2026-02-06T00:00:00")
    ]
    assert await scene.listed(manager, paid_from="2026-02-04", paid_to="2026-02-05") == [last, first]
    assert before in await scene.listed(manager, paid_to="2026-02-03")
    assert after in await scene.listed(manager, paid_from="2026-02-06")
    assert await scene.listed(manager, paid_from="2026-02-07", paid_to="2026-02-01") == []


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"match_status": "matched,nonsense"}, "match_status"),
        ({"verdict": "maybe"}, "verdict"),
        ({"standing": "reached,nonsense"}, "standing"),
        ({"joined": "perhaps"}, "joined"),
        ({"confidence": "101"}, "confidence"),
        ({"paid_from": "2026-02-30"}, "paid_from"),
        ({"page_size": "201"}, "page_size"),
        ({"q": "x" * 51}, "q"),
    ],
)
async def test_bad_filters_are_named(manager: Desk, params: dict[str, str], field: str) -> None:
    assert await manager.bad_fields("GET", "/members", params=params) == {field}


async def test_one_member_whole(scene: Scene, manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        await make_refund(session, scene.member)
    detail = await manager.ok("GET", f"/members/{scene.member.id}")
    assert detail["camp"]["name"] == "三月营"
    assert detail["evidence"]["typed"] == {
        "planet_nickname": "林小",
        "planet_number": "9999",
        "wechat_nickname": "微光",
    }
    assert detail["evidence"]["found"] is None
    assert [reason["code"] for reason in detail["evidence"]["reasons"]] == ["not_matched", "not_counted"]
    assert [each["name"] for each in detail["evidence"]["candidates"]] == ["小林"]
    assert len(detail["calendar"]) == 10
    assert [payment["status"] for payment in detail["payments"]] == ["paid"]
    assert [refund["status"] for refund in detail["refunds"]] == ["pending_review"]


async def test_history_and_actions_name_who_did_what(scene: Scene, manager: Desk) -> None:
    path = f"/members/{scene.member.id}"
    await manager.ok("POST", f"{path}/match", json={"planet_user_id": scene.lin.user_id, "reason": "群里确认"})
    detail = await manager.ok("GET", path)
    (change,) = detail["history"]
    assert (change["from_state"], change["to_state"], change["note"]) == ("unmatched", "matched", "群里确认")
    assert change["actor_name"] == manager.staff.display_name
    assert [action["action"] for action in detail["actions"]] == ["member.match"]
    assert detail["evidence"]["found"]["id"] == scene.lin.user_id
    assert detail["evidence"]["candidates"] == []


async def test_matching_by_hand(scene: Scene, manager: Desk) -> None:
    body = {"planet_user_id": scene.lin.user_id}
    row = await manager.ok("POST", f"/members/{scene.member.id}/match", json=body)
    assert (row["match_status"], row["confidence"], row["match_method"]) == ("matched", 100, "manual")
    assert row["planet_user"]["id"] == scene.lin.user_id
    other = await scene.another()
    data = await manager.refused(409, "planet_user_taken", "POST", f"/members/{other.id}/match", json=body)
    assert data == {"member_id": str(scene.member.id)}


@pytest.mark.parametrize("planet_user_id", ["", "abc", "1" * 33, "5"])
async def test_a_person_who_can_t_be_is_a_bad_field(scene: Scene, manager: Desk, planet_user_id: str) -> None:
    path = f"/members/{scene.member.id}/match"
    assert await manager.bad_fields("POST", path, json={"planet_user_id": planet_user_id}) == {"planet_user_id"}


async def test_unmatching_closing_and_reopening(scene: Scene, manager: Desk) -> None:
    path = f"/members/{scene.member.id}"
    await manager.ok("POST", f"{path}/match", json={"planet_user_id": scene.lin.user_id})
    row = await manager.ok("POST", f"{path}/unmatch", json={"reason": "认错人"})
    assert (row["match_status"], row["planet_user"], row["confidence"]) == ("unmatched", None, 0)
    assert (await manager.ok("POST", f"{path}/unmatch"))["match_status"] == "unmatched"
    assert await manager.bad_fields("POST", f"{path}/close-match", json={}) == {"reason"}
    assert await manager.bad_fields("POST", f"{path}/close-match", json={"reason": " "}) == {"reason"}
    row = await manager.ok("POST", f"{path}/close-match", json={"reason": "查无此人"})
    assert row["match_status"] == "closed"
    await manager.refused(409, "member_closed", "POST", f"{path}/close-match", json={"reason": "再来"})
    await manager.refused(409, "member_closed", "POST", f"{path}/unmatch")
    assert (await manager.ok("POST", f"{path}/reopen-match"))["match_status"] == "unmatched"
    await manager.refused(409, "member_not_closed", "POST", f"{path}/reopen-match")


async def test_matching_a_whole_camp(scene: Scene, manager: Desk, db: Database) -> None:
    await scene.another(planet_number="101")
    counts = await manager.ok("POST", f"/camps/{scene.camp.id}/match")
    assert counts == {
        "members": 2, "unmatched": 1, "suggested": 0, "matched": 1, "conflict": 0, "closed": 0, "changed": 1,
    }  # fmt: skip
    async with db.transaction() as session:
        (entry,) = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "member.match"))).all()
    assert (entry.target_type, entry.target_id, entry.after) == ("camp", scene.camp.id, counts)


async def test_an_archived_camp_is_not_matched_any_more(scene: Scene, manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        (await session.get_one(Camp, scene.camp.id)).status = CampStatus.ARCHIVED
    await manager.refused(409, "matching_over", "POST", f"/camps/{scene.camp.id}/match")
    body = {"planet_user_id": scene.lin.user_id}
    await manager.refused(409, "matching_over", "POST", f"/members/{scene.member.id}/match", json=body)


async def test_people_to_choose_from(scene: Scene, manager: Desk) -> None:
    taker = await scene.another(planet_user_id=scene.lin.user_id)

    async def names(**params: str) -> list[str]:
        return [row["name"] for row in (await manager.ok("GET", "/planet-users", params=params))["items"]]

    camp, planet = str(scene.camp.id), str(scene.planet.id)
    assert set(await names(camp_id=camp)) == set(await names(planet_id=planet)) == {"小林", "陈西"}
    assert await names(camp_id=camp, q="林") == ["小林"]
    assert await names(camp_id=camp, q="102") == ["陈西"]
    assert await names(camp_id=camp, q="84185548") == ["小林"]
    assert await names(camp_id=camp, q="10") == []
    (row,) = (await manager.ok("GET", "/planet-users", params={"camp_id": camp, "q": "小林"}))["items"]
    assert row == {
        "id": scene.lin.user_id, "name": "小林", "number": "101", "alias": None, "left": False, "days": None,
        "taken_by": str(taker.id),
    }  # fmt: skip
    assert await manager.bad_fields("GET", "/planet-users") == {"camp_id"}
    await manager.refused(404, "not_found", "GET", "/planet-users", params={"camp_id": str(new_id())})
    await manager.refused(404, "not_found", "GET", "/planet-users", params={"planet_id": "nonsense"})


async def test_candidates_show_their_days_most_first(stage: Stage, desk: NewDesk) -> None:
    few, many = stage.person("学员一"), stage.person("学员二")
    stage.posts(few, 1)
    stage.posts(many, 1, 2)
    stage.time.set("2026-03-03 01:00")
    await stage.sync()
    manager = await desk(StaffRole.MANAGER)
    rows = await manager.ok("GET", "/planet-users", params={"camp_id": str(stage.camp.id), "q": "学员"})
    assert [(row["id"], row["days"]) for row in rows["items"]] == [(many, 2), (few, 1)]


async def test_joined_is_set_and_taken_back(scene: Scene, manager: Desk) -> None:
    path = f"/members/{scene.member.id}/joined"
    assert (await manager.ok("POST", path, json={"joined": True}))["joined"] is True
    assert (await manager.ok("POST", path, json={"joined": True}))["joined"] is True
    assert (await manager.ok("POST", path, json={"joined": False}))["joined"] is False
    assert await manager.bad_fields("POST", path, json={}) == {"joined"}


READS = [("GET", "/members"), ("GET", "/members/{member}")]
JOINS = [("POST", "/members/{member}/joined")]
MATCHES = [
    ("POST", "/members/{member}/match"),
    ("POST", "/members/{member}/unmatch"),
    ("POST", "/members/{member}/close-match"),
    ("POST", "/members/{member}/reopen-match"),
    ("POST", "/camps/{camp}/match"),
    ("GET", "/planet-users"),
]
BODIES: dict[str, dict[str, object]] = {
    "joined": {"joined": True},
    "match": {"planet_user_id": "841855481284252"},
    "close-match": {"reason": "x"},
}


@pytest.mark.parametrize("role", [StaffRole.COACH, StaffRole.VOLUNTEER])
async def test_coaches_and_volunteers_see_their_own_camps_and_never_match(
    scene: Scene, desk: NewDesk, db: Database, role: StaffRole
) -> None:
    helper = await desk(role)
    foreign = str(scene.member.id)
    for method, path in (READS[1], *JOINS):
        json = BODIES.get(path.rpartition("/")[2]) if method == "POST" else None
        await helper.refused(403, "forbidden", method, path.format(member=foreign), json=json)
    assert await scene.listed(helper) == []
    await helper.refused(403, "forbidden", "GET", "/members", params={"camp_id": str(scene.camp.id)})
    await helper.refused(404, "not_found", "GET", f"/members/{new_id()}")
    async with db.transaction() as session:
        await assign(session, scene.camp, helper.staff, CampStaffKind(role.value))
    assert await scene.listed(helper, camp_id=str(scene.camp.id)) == [foreign]
    assert (await helper.ok("GET", f"/members/{foreign}"))["evidence"]["candidates"] == []
    assert (await helper.ok("POST", f"/members/{foreign}/joined", json={"joined": True}))["joined"] is True
    for method, path in MATCHES:
        json = BODIES.get(path.rpartition("/")[2]) if method == "POST" and "camps" not in path else None
        await helper.refused(403, "forbidden", method, path.format(member=foreign, camp=scene.camp.id), json=json)


@pytest.mark.parametrize(("method", "path"), [*READS, *JOINS, *MATCHES])
async def test_nothing_without_a_log_in(scene: Scene, manager: Desk, method: str, path: str) -> None:
    filled = path.format(member=scene.member.id, camp=scene.camp.id)
    response = await manager.client.request(method, f"/api/admin{filled}", json={"joined": True})
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("wrong", ["nonsense", "00000000-0000-7000-8000-000000000000", "841855481284252"])
async def test_unknown_and_malformed_ids_are_not_found(manager: Desk, wrong: str) -> None:
    for method, path in (READS[1], *JOINS, *MATCHES[:5]):
        json = BODIES.get(path.rpartition("/")[2]) if method == "POST" and "camps" not in path else None
        await manager.refused(404, "not_found", method, path.format(member=wrong, camp=wrong), json=json)
    await manager.refused(404, "not_found", "GET", "/members", params={"camp_id": wrong})
