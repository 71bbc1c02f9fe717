"""Check-in days and a camp's figures; ids keep every digit (B4), rates stay rates (B30)."""

import pytest

from backend.core.ids import new_id
from backend.models.camps import Camp, CampStaffKind, CampStatus
from backend.models.staff import StaffRole
from backend.runtime import Runtime
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.community.checkins.stage import Stage, make_stage
from tests.conftest import Time
from tests.factories import assign, make_camp, make_member
from tests.world import World


@pytest.fixture
async def stage(runtime: Runtime, world: World, time: Time) -> Stage:
    """Counted up to 3 March: two members with two days and one, a third without, and a stranger."""
    made = await make_stage(runtime, world, time)
    lin = made.person("小林", user_id="841855481284252")
    chen, guest = made.person("陈西"), made.person("路人")
    await made.member(lin)
    await made.member(chen)
    await made.member(planet_number="4444")
    made.posts(lin, 1, 2)
    made.posts(chen, 2)
    made.posts(guest, 1)
    time.set("2026-03-03 01:00")
    await made.sync()
    return made


async def rows(desk: Desk, **params: str) -> list[tuple[str, str]]:
    found = await desk.ok("GET", "/checkins", params=params)
    return sorted((row["planet_user"]["name"], row["day"]) for row in found["items"])


async def test_a_row_is_one_day_of_one_person(stage: Stage, manager: Desk) -> None:
    found = await manager.ok("GET", "/checkins", params={"planet_user_id": "841855481284252", "from": "2026-03-02"})
    (row,) = found["items"]
    assert row == {
        "camp_id": str(stage.camp.id),
        "camp_name": stage.camp.name,
        "planet_user": {"id": "841855481284252", "name": "小林", "number": stage.number_of("841855481284252")},
        "member_id": row["member_id"],
        "day": "2026-03-02",
        "posted_at": row["posted_at"],
        "excerpt": "打卡 03-02",
        "source": "posts",
    }
    assert row["posted_at"].startswith("2026-03-02T09:00")
    assert await rows(manager, member_id=row["member_id"]) == [("小林", "2026-03-01"), ("小林", "2026-03-02")]


async def test_rows_are_filtered_also_those_of_strangers(stage: Stage, manager: Desk) -> None:
    first, second = "2026-03-01", "2026-03-02"
    everything = [("小林", first), ("小林", second), ("路人", first), ("陈西", second)]
    assert await rows(manager) == await rows(manager, camp_id=str(stage.camp.id)) == sorted(everything)
    assert await rows(manager, to=first) == [("小林", first), ("路人", first)]
    assert await rows(manager, **{"from": second, "to": second}) == [("小林", second), ("陈西", second)]
    page = await manager.ok("GET", "/checkins", params={"page_size": 1, "page": 4})
    assert (page["total"], len(page["items"])) == (4, 1)
    assert await manager.bad_fields("GET", "/checkins", params={"from": second, "to": first}) == {"to"}
    assert await manager.bad_fields("GET", "/checkins", params={"from": "1.3.2026"}) == {"from"}


async def test_figures_of_a_camp(stage: Stage, manager: Desk) -> None:
    stats = await manager.ok("GET", f"/camps/{stage.camp.id}/checkin-stats")
    assert stats.pop("last_complete_sync_at").startswith("2026-03-03T01:00")
    assert stats.pop("average_rate") == pytest.approx((2 / 7 + 1 / 7 + 0) / 3)
    assert stats == {
        "members": 3,
        "participated": 2,
        "reached": 0,
        "distribution": [{"from_days": 0, "to_days": 5, "count": 3}, {"from_days": 6, "to_days": 10, "count": 0}],
        "per_day": [
            {"day": "2026-03-01", "count": 1},
            {"day": "2026-03-02", "count": 2},
            {"day": "2026-03-03", "count": 0},
        ],
        "unlinked": 1,
    }


async def test_who_has_more_than_enough_counts_as_one(stage: Stage, manager: Desk) -> None:
    async with stage.runtime.db.transaction() as session:
        camp = await session.get_one(Camp, stage.camp.id)
        busy = await make_camp(
            session, planet_id=camp.planet_id, required_days=1, starts_on=camp.starts_on, checkin_id="5555555555",
            status=CampStatus.ONGOING,
        )  # fmt: skip
        await make_member(session, busy, planet_user_id="841855481284252", days_ranking=9, days_posts=9)
    stats = await manager.ok("GET", f"/camps/{busy.id}/checkin-stats")
    assert (stats["average_rate"], stats["reached"], stats["members"]) == (1.0, 1, 1)


async def test_an_empty_camp_has_no_rate_instead_of_an_error(stage: Stage, manager: Desk) -> None:
    async with stage.runtime.db.transaction() as session:
        empty = await make_camp(session)
    stats = await manager.ok("GET", f"/camps/{empty.id}/checkin-stats")
    assert (stats["average_rate"], stats["members"], stats["per_day"], stats["unlinked"]) == (None, 0, [], 0)
    assert stats["last_complete_sync_at"] is None


@pytest.mark.parametrize("role", [StaffRole.COACH, StaffRole.VOLUNTEER])
async def test_coaches_and_volunteers_see_their_own_camps(stage: Stage, desk: NewDesk, role: StaffRole) -> None:
    helper = await desk(role)
    camp = str(stage.camp.id)
    assert await rows(helper) == []
    await helper.refused(403, "forbidden", "GET", "/checkins", params={"camp_id": camp})
    await helper.refused(403, "forbidden", "GET", f"/camps/{camp}/checkin-stats")
    async with stage.runtime.db.transaction() as session:
        await assign(session, stage.camp, helper.staff, CampStaffKind(role.value))
    assert len(await rows(helper)) == 4
    assert (await helper.ok("GET", f"/camps/{camp}/checkin-stats"))["members"] == 3


async def test_unknown_ids_are_not_found(stage: Stage, manager: Desk) -> None:
    for wrong in ("nonsense", str(new_id())):
        await manager.refused(404, "not_found", "GET", f"/camps/{wrong}/checkin-stats")
        await manager.refused(404, "not_found", "GET", "/checkins", params={"camp_id": wrong})
        await manager.refused(404, "not_found", "GET", "/checkins", params={"member_id": wrong})


async def test_nothing_without_a_log_in(stage: Stage, manager: Desk) -> None:
    for path in ("/checkins", f"/camps/{stage.camp.id}/checkin-stats"):
        assert (await manager.client.get(f"/api/admin{path}")).status_code == 401
