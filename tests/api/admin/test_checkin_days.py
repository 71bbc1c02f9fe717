"""A camp's check-ins by day and by member."""

import datetime as dt
from typing import Any

import pytest

from backend.core import clock
from backend.core.db import Database
from backend.core.ids import new_id
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import Checkin, CheckinSource
from backend.models.members import MatchStatus, Member
from backend.models.staff import StaffRole
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.factories import assign, make_camp, make_member


class Scene:
    """A camp of 26 February to 7 March, needing 2 days; it is 1 March, and the sync of last night was complete."""

    camp: Camp
    anna: Member
    bo: Member
    nobody: Member


@pytest.fixture
async def scene(db: Database) -> Scene:
    made = Scene()
    counted = clock.day_start(dt.date(2026, 3, 1)) + dt.timedelta(hours=1)
    async with db.transaction() as session:
        made.camp = await make_camp(
            session, starts_on=dt.date(2026, 2, 26), status=CampStatus.ONGOING, required_days=2,
            last_complete_sync_at=counted,
        )  # fmt: skip
        known: dict[str, Any] = {"counted_at": counted, "days_posts": 0, "days_ranking": 0}
        made.anna = await make_member(
            session, made.camp, planet_user_id="1", planet_nickname="安娜",
            **known | {"days_posts": 2, "days_ranking": 2},
        )  # fmt: skip
        made.bo = await make_member(
            session, made.camp, planet_user_id="2", planet_nickname="阿波", **known | {"days_posts": 1}
        )
        made.nobody = await make_member(session, made.camp, planet_nickname="无名")
        for user_id, day, hour in (("1", 26, 8), ("1", 27, 9), ("2", 27, 23), ("9", 27, 7)):
            at = clock.day_start(dt.date(2026, 2, day)) + dt.timedelta(hours=hour)
            session.add(
                Checkin(
                    camp_id=made.camp.id, planet_user_id=user_id, day=dt.date(2026, 2, day), posted_at=at,
                    excerpt="打卡", source=CheckinSource.POSTS,
                )
            )  # fmt: skip
    return made


def path(scene: Scene, rest: str) -> str:
    return f"/camps/{scene.camp.id}/checkins/{rest}"


async def test_each_begun_day(scene: Scene, manager: Desk) -> None:
    days = await manager.ok("GET", path(scene, "days"))
    assert [(day["day"], day["posted"], day["counted"]) for day in days] == [
        ("2026-02-26", 1, True), ("2026-02-27", 2, True), ("2026-02-28", 0, True), ("2026-03-01", 0, False),
    ]  # fmt: skip
    assert days[1]["rate"] == pytest.approx(2 / 3)


async def test_who_did_and_who_did_not(scene: Scene, manager: Desk) -> None:
    day = await manager.ok("GET", path(scene, "days/2026-02-27"))
    assert [row["planet_nickname"] for row in day["posted_by"]] == ["安娜", "阿波"]
    assert day["posted_by"][1]["posted_at"] == "2026-02-27T23:00:00+08:00"
    assert (day["missing"], [row["planet_nickname"] for row in day["unmatched"]]) == ([], ["无名"])
    first = await manager.ok("GET", path(scene, "days/2026-02-26"))
    assert [row["planet_nickname"] for row in first["missing"]] == ["阿波"]
    assert (first["posted"], first["members"]) == (1, 3)
    await manager.refused(404, "not_found", "GET", path(scene, "days/2026-03-08"))
    assert await manager.bad_fields("GET", path(scene, "days/yesterday")) == {"day"}


async def test_the_ranking_with_its_calendars(scene: Scene, manager: Desk) -> None:
    data = await manager.ok("GET", path(scene, "ranking"))
    rows: list[dict[str, Any]] = data["items"]
    assert [(row["rank"], row["planet_nickname"], row["days"], row["rate"]) for row in rows] == [
        (1, "安娜", 2, 1.0), (2, "阿波", 1, 0.5), (3, "无名", 0, 0.0),
    ]  # fmt: skip
    assert [day["state"] for day in rows[0]["calendar"]] == [
        "checked", "checked", "missed", "today", *["future"] * 6,
    ]  # fmt: skip
    assert {day["state"] for day in rows[2]["calendar"]} == {"today", "future"}  # nobody can say
    assert (rows[0]["verdict"], rows[0]["last_posted_at"]) == (None, "2026-02-27T09:00:00+08:00")
    assert [row["standing"] for row in rows] == ["reached", "in_progress", "in_progress"]
    found = await manager.ok("GET", path(scene, "ranking"), params={"q": "阿波"})
    assert [(row["rank"], row["planet_nickname"]) for row in found["items"]] == [(2, "阿波")]
    second = await manager.ok("GET", path(scene, "ranking"), params={"page": 2, "page_size": 2})
    assert (second["total"], [row["rank"] for row in second["items"]]) == (3, [3])


async def test_equal_days_share_a_rank(scene: Scene, manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        await make_member(session, scene.camp, planet_user_id="3", days_posts=2, days_ranking=2)
    rows = (await manager.ok("GET", path(scene, "ranking")))["items"]
    assert [row["rank"] for row in rows] == [1, 1, 3, 4]


async def test_imported_days_are_shown_before_any_sync(scene: Scene, manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        member = await make_member(session, scene.camp, planet_user_id="4", days_import=1, planet_nickname="导入")
        session.add(
            Checkin(
                camp_id=scene.camp.id, planet_user_id="4", day=dt.date(2026, 2, 28), source=CheckinSource.IMPORT,
                excerpt="",
            )
        )  # fmt: skip
    [row] = (await manager.ok("GET", path(scene, "ranking"), params={"q": "导入"}))["items"]
    assert [day["state"] for day in row["calendar"]][:4] == ["future", "future", "checked", "today"]
    detail = await manager.ok("GET", f"/members/{member.id}")
    assert [day["state"] for day in detail["calendar"]][2] == "checked"
    # A match taken back shows nobody's days.
    async with db.transaction() as session:
        row = await session.get_one(Member, member.id)
        row.status = MatchStatus.SUGGESTED
    [row] = (await manager.ok("GET", path(scene, "ranking"), params={"q": "导入"}))["items"]
    assert "checked" not in [day["state"] for day in row["calendar"]]


async def test_only_the_own_camps(scene: Scene, desk: NewDesk, db: Database) -> None:
    volunteer = await desk(StaffRole.VOLUNTEER)
    for rest in ("days", "days/2026-02-27", "ranking"):
        await volunteer.refused(403, "forbidden", "GET", path(scene, rest))
        await volunteer.refused(404, "not_found", "GET", f"/camps/{new_id()}/checkins/{rest}")
    async with db.transaction() as session:
        await assign(session, scene.camp, volunteer.staff)
    for rest in ("days", "days/2026-02-27", "ranking"):
        await volunteer.ok("GET", path(scene, rest))
