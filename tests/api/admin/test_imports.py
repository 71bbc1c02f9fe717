"""Sheets over HTTP: preview, row errors with their cure, all or nothing, the same again, and what they never decide."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select

from backend.community.camps import service as camps
from backend.community.eligibility import service as eligibility
from backend.core import clock
from backend.core.db import Database
from backend.core.ids import new_id
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import Checkin, CheckinSource, CheckinTotal, SyncRun, SyncStatus, SyncTrigger
from backend.models.members import MatchMethod, MatchStatus, Member
from backend.models.planets import Planet, PlanetUser
from backend.models.staff import StaffRole
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.conftest import Time
from tests.core.sheets.test_reading import xlsx
from tests.factories import assign, make_camp, make_member, make_planet, make_planet_user, make_refund

LIN = "841858481284252"


class Scene:
    """A camp of 10 to 19 February that is over; 小林 (101) and 陈西 (102) are its members."""

    planet: Planet
    camp: Camp
    lin: Member
    chen: Member
    chen_id: str

    def __init__(self, db: Database, desk: Desk) -> None:
        self.db, self.desk = db, desk

    async def send(self, content: bytes | str, *, mode: str = "apply", **form: Any) -> dict[str, Any]:
        data = await self.desk.ok("POST", self.path, **self.form(content, mode=mode, **form))
        assert isinstance(data, dict)
        return data

    async def refused(self, content: bytes | str, **form: Any) -> dict[str, Any]:
        options = self.form(content, mode="apply", **form)
        data = await self.desk.refused(422, "import_has_errors", "POST", self.path, **options)
        assert isinstance(data, dict)
        return data

    @property
    def path(self) -> str:
        return f"/camps/{self.camp.id}/checkins/import"

    @staticmethod
    def form(content: bytes | str, **form: Any) -> dict[str, Any]:
        content = content.encode() if isinstance(content, str) else content
        return {"files": {"file": ("打卡.csv", content)}, "data": {name: str(value) for name, value in form.items()}}

    async def now(self, member: Member) -> Member:
        async with self.db.transaction() as session:
            return await session.get_one(Member, member.id, populate_existing=True)

    async def synced(self, *, ranking: int, started: dt.datetime | None = None) -> None:
        """A complete sync counted so many days of everybody known: the camp's first ones by the posts."""
        now = started or clock.now()
        async with self.db.transaction() as session:
            run = SyncRun(
                id=new_id(), camp_id=self.camp.id, trigger=SyncTrigger.SCHEDULER, status=SyncStatus.COMPLETE,
                heartbeat_at=now, started_at=now, finished_at=now, created_at=now, posts_read=True,
            )  # fmt: skip
            session.add(run)
            await session.flush()
            for user_id in (LIN, self.chen_id):
                await session.merge(
                    CheckinTotal(
                        camp_id=self.camp.id, planet_user_id=user_id, name="某人", days_ranking=ranking,
                        days_posts=ranking, sync_run_id=run.id,
                    )
                )  # fmt: skip
                for offset in range(ranking):
                    day = self.camp.starts_on + dt.timedelta(days=offset)
                    row = Checkin(
                        camp_id=self.camp.id, planet_user_id=user_id, day=day, source=CheckinSource.POSTS, excerpt=""
                    )
                    await session.merge(row)
            await eligibility.recount(session, await camps.lock_camp(session, self.camp.id))


@pytest.fixture
async def scene(db: Database, manager: Desk) -> Scene:
    made = Scene(db, manager)
    async with db.transaction() as session:
        made.planet = await make_planet(session)
        made.camp = await make_camp(
            session, planet_id=made.planet.id, starts_on=dt.date(2026, 2, 10), status=CampStatus.ENDED, required_days=3
        )
        await make_planet_user(session, made.planet, user_id=LIN, name="小林", number="101")
        made.chen_id = (await make_planet_user(session, made.planet, name="陈西", number="102")).user_id
        made.lin = await make_member(session, made.camp, planet_number="101", planet_user_id=LIN)
        made.chen = await make_member(session, made.camp, planet_number="102", planet_user_id=made.chen_id)
    return made


def days_sheet(number: str, *days: int) -> str:
    return "星球编号,打卡日期\n" + "".join(f"{number},2026-02-{day}\n" for day in days)


# Days.


async def test_a_preview_writes_nothing(scene: Scene) -> None:
    data = await scene.send(days_sheet("101", 10, 11), mode="preview")
    assert data == {
        "kind": "checkin_days", "rows": 2, "new": 2, "changed": 0, "unchanged": 0, "removed": 0, "error_count": 0,
        "errors": [], "import_id": None,
    }  # fmt: skip
    async with scene.db.transaction() as session:
        assert (await session.scalars(select(Checkin))).all() == []
        assert (await session.scalars(select(AuditEntry).where(AuditEntry.action == "checkin.import"))).all() == []


async def test_days_are_stored_beside_the_other_sources_and_counted_apart(scene: Scene) -> None:
    async with scene.db.transaction() as session:
        session.add(
            Checkin(
                camp_id=scene.camp.id, planet_user_id=LIN, day=dt.date(2026, 2, 10), source=CheckinSource.POSTS,
                excerpt="第一天",
            )
        )  # fmt: skip
    data = await scene.send(days_sheet("0101", 10, 11, 11, 12))
    assert (data["rows"], data["new"], data["unchanged"]) == (4, 2, 1)
    async with scene.db.transaction() as session:
        rows = (await session.scalars(select(Checkin).order_by(Checkin.day))).all()
    assert [(row.day.day, row.source.value) for row in rows] == [(10, "posts"), (11, "import"), (12, "import")]
    lin = await scene.now(scene.lin)
    assert (lin.days_import, lin.days_ranking, lin.days_posts) == (3, None, None)
    assert (await scene.now(scene.chen)).days_import is None


async def test_the_same_sheet_again_changes_nothing(scene: Scene) -> None:
    first = await scene.send(days_sheet("101", 10, 11))
    again = await scene.send(days_sheet("101", 10, 11))
    assert (again["new"], again["unchanged"], again["import_id"]) == (0, 2, first["import_id"])
    history = await scene.desk.ok("GET", f"/camps/{scene.camp.id}/checkins/imports")
    [record] = history["items"]
    assert (record["id"], record["rows"], record["added"], record["file_name"]) == (
        first["import_id"],
        2,
        2,
        "打卡.csv",
    )
    assert (record["created_by_name"], len(record["sha256"])) == (scene.desk.staff.display_name, 64)
    async with scene.db.transaction() as session:
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "checkin.import"))).one()
    assert (entry.camp_id, (entry.after or {})["added"]) == (scene.camp.id, 2)


async def test_every_error_names_row_column_and_cure_and_nothing_is_written(scene: Scene) -> None:
    sheet = (
        "星球编号,用户ID,日期\n"
        "101,,2026-02-10\n"
        "8.4E+14,,2026-02-10\n"
        "999,,2026-02-10\n"
        ",8418584812842529,2026-02-10\n"
        "101,,2026-02-20\n"
        "101,,2026/2/30\n"
        ",,2026-02-11\n"
        f"102,{LIN},2026-02-11\n"
    )
    data = await scene.refused(sheet)
    found = [(error["row"], error["column"], error["value"]) for error in data["errors"]]
    assert found == [
        (3, "星球编号", "8.4E+14"), (4, "星球编号", "999"), (5, "用户ID", "8418584812842529"),
        (6, "日期", "2026-02-20"), (7, "日期", "2026/2/30"), (8, "星球编号", ""), (9, "星球编号", "102"),
    ]  # fmt: skip
    assert data["error_count"] == 7
    assert "文本" in data["errors"][0]["message"]
    assert "营期" in data["errors"][3]["message"]
    preview = await scene.send(sheet, mode="preview")
    assert preview["errors"] == data["errors"]
    async with scene.db.transaction() as session:
        assert (await session.scalars(select(Checkin))).all() == []


async def test_a_day_to_come_is_refused(scene: Scene, db: Database, desk: NewDesk) -> None:
    async with db.transaction() as session:
        camp = await session.get_one(Camp, scene.camp.id)
        camp.starts_on, camp.ends_on = dt.date(2026, 2, 25), dt.date(2026, 3, 6)
    data = await scene.refused("星球编号,日期\n101,2026-03-01\n101,2026-03-02\n")
    assert [(error["row"], error["message"]) for error in data["errors"]] == [(3, "日期还没有到")]


@pytest.mark.parametrize(
    "sheet",
    ["名字,日期\n甲,2026-02-10\n", "星球编号\n101\n", "星球编号,日期,天数\n101,2026-02-10,1\n", "星球编号,日期\n"],
)
async def test_a_sheet_without_the_needed_columns_or_rows(scene: Scene, sheet: str) -> None:
    data = await scene.refused(sheet)
    assert {error["row"] for error in data["errors"]} == {1}


async def test_what_is_no_sheet_at_all(scene: Scene) -> None:
    options = scene.form(b"\x89PNG\0\0", mode="apply")
    assert await scene.desk.bad_fields("POST", scene.path, **options) == {"file"}
    assert await scene.desk.bad_fields("POST", scene.path, data={"mode": "apply"}) == {"file"}
    assert await scene.desk.bad_fields("POST", scene.path, **scene.form("a\n1\n", mode="guess")) == {"mode"}


async def test_a_whole_sheet_takes_away_imported_days_it_lacks(scene: Scene) -> None:
    async with scene.db.transaction() as session:
        day = dt.date(2026, 2, 19)
        session.add(Checkin(camp_id=scene.camp.id, planet_user_id=LIN, day=day, source=CheckinSource.POSTS, excerpt=""))
    await scene.send(days_sheet("101", 10, 11))
    data = await scene.send(days_sheet("101", 11, 12), whole=True)
    assert (data["new"], data["unchanged"], data["removed"]) == (1, 1, 1)
    async with scene.db.transaction() as session:
        rows = await session.scalars(select(Checkin.day).order_by(Checkin.day))
        assert [day.day for day in rows] == [11, 12, 19]  # what the posts told stays


# Totals.


async def test_totals_from_a_spreadsheet(scene: Scene) -> None:
    sheet = xlsx(["用户ID", "昵称", "累计天数"], [LIN, "小林", 4], [scene.chen_id, "陈西", "2天"])
    assert (await scene.send(sheet))["new"] == 2
    changed = await scene.send(xlsx(["用户ID", "累计天数"], [LIN, 5]))
    assert (changed["kind"], changed["new"], changed["changed"], changed["removed"]) == ("checkin_totals", 0, 1, 0)
    assert [(await scene.now(row)).days_import for row in (scene.lin, scene.chen)] == [5, 2]
    data = await scene.refused(xlsx(["用户ID", "累计天数"], [LIN, 11], [LIN, "x"], [84185848128425217, 1]))
    assert [error["row"] for error in data["errors"]] == [2, 3, 4]
    twice = await scene.refused("星球编号,天数\n101,3\n101,4\n")
    assert [error["row"] for error in twice["errors"]] == [3]
    gone = await scene.send("星球编号,天数\n102,3\n", whole=True)
    assert (gone["changed"], gone["removed"]) == (1, 1)
    assert (await scene.now(scene.lin)).days_import is None


# What it means for the money.


async def verdicts(scene: Scene) -> dict[str, tuple[str, set[str]]]:
    data = await scene.desk.ok("GET", f"/camps/{scene.camp.id}/settlement")
    return {
        line["member_id"]: (line["verdict"], {reason["code"] for reason in line["reasons"]}) for line in data["items"]
    }


async def test_a_sheet_against_a_sync_needs_a_person_and_takes_nothing_away(scene: Scene) -> None:
    await scene.synced(ranking=2)
    await scene.send("星球编号,天数\n101,3\n102,0\n")
    found = await verdicts(scene)
    assert found[str(scene.lin.id)] == ("needs_confirmation", {"import_enough", "days_short"})
    assert found[str(scene.chen.id)] == ("not_eligible", {"days_short"})
    await scene.synced(ranking=3)
    await scene.send("星球编号,天数\n101,0\n", whole=True)
    assert (await verdicts(scene))[str(scene.lin.id)] == ("eligible", {"enough_days"})


async def test_a_part_of_the_days_makes_no_list(scene: Scene) -> None:
    await scene.send("星球编号,天数\n101,3\n102,0\n")
    await scene.desk.refused(409, "sync_incomplete", "POST", f"/camps/{scene.camp.id}/refunds")


async def test_a_whole_sheet_of_before_the_end_makes_no_list(scene: Scene, time: Time) -> None:
    async with scene.db.transaction() as session:
        camp = await session.get_one(Camp, scene.camp.id)
        camp.starts_on, camp.ends_on, camp.status = dt.date(2026, 2, 20), dt.date(2026, 3, 1), CampStatus.ONGOING
    sheet = "星球编号,天数\n101,3\n102,0\n"
    await scene.send(sheet, whole=True)
    time.set("2026-03-02 09:00")
    async with scene.db.transaction() as session:
        (await session.get_one(Camp, scene.camp.id)).status = CampStatus.ENDED
    await scene.desk.refused(409, "sync_incomplete", "POST", f"/camps/{scene.camp.id}/refunds")
    # Said again after the end, it is a statement about the whole camp.
    assert (await scene.send(sheet, whole=True))["unchanged"] == 2
    result = await scene.desk.ok("POST", f"/camps/{scene.camp.id}/refunds")
    # Both need a person, and only one of them can get money.
    assert (result["created"], result["needs_confirmation"]) == (1, 2)


async def test_a_whole_sheet_after_the_end_stands_in_for_the_sync_and_a_person_decides_each_row(scene: Scene) -> None:
    await scene.synced(ranking=1, started=clock.day_start(dt.date(2026, 2, 15)))  # didn't see the end
    await scene.send("星球编号,天数\n101,3\n102,0\n", whole=True)
    result = await scene.desk.ok("POST", f"/camps/{scene.camp.id}/refunds")
    assert (result["created"], result["eligible"], result["needs_confirmation"]) == (1, 0, 2)
    assert await verdicts(scene) == {
        str(scene.lin.id): ("needs_confirmation", {"not_counted", "import_enough"}),
        str(scene.chen.id): ("needs_confirmation", {"not_counted", "import_short"}),
    }
    [row] = (await scene.desk.ok("GET", "/refunds", params={"camp_id": str(scene.camp.id)}))["items"]
    assert (row["member_id"], row["amount_fen"]) == (str(scene.lin.id), 9900)
    assert (row["days"], row["days_import"], row["days_ranking"]) == (3, 3, 1)
    assert [reason["code"] for reason in row["verdict_reasons"]] == ["not_counted", "import_enough"]

    body = {"ids": [row["id"]]}
    assert (await scene.desk.ok("POST", "/refunds/batch-approve", json=body))["done"] == 0
    accepted = await scene.desk.ok("POST", "/refunds/batch-approve", json=body | {"accept_import": True})
    assert [line["code"] for line in accepted["results"]] == ["ok"]


async def test_a_complete_sync_later_takes_over_again(scene: Scene) -> None:
    await scene.send("星球编号,天数\n101,3\n102,0\n", whole=True)
    await scene.desk.ok("POST", f"/camps/{scene.camp.id}/refunds")
    await scene.synced(ranking=5)
    rows = (await scene.desk.ok("GET", "/refunds"))["items"]
    assert {(row["verdict"], row["days"]) for row in rows} == {("eligible", 5)}


async def test_what_waits_for_review_follows_the_import(scene: Scene) -> None:
    await scene.synced(ranking=2)
    async with scene.db.transaction() as session:
        refund = await make_refund(session, await session.get_one(Member, scene.lin.id, populate_existing=True))
    path = f"/refunds/{refund.id}"
    before = await scene.desk.ok("GET", path)
    assert (before["verdict"], before["amount_fen"], before["days_import"]) == ("not_eligible", 0, None)
    await scene.send("星球编号,天数\n101,3\n")
    now = await scene.desk.ok("GET", path)
    assert (now["verdict"], now["amount_fen"], now["days_import"]) == ("needs_confirmation", 9900, 3)


# Who, and when.


async def test_who_may_import(scene: Scene, desk: NewDesk) -> None:
    for role in (StaffRole.COACH, StaffRole.VOLUNTEER):
        person = await desk(role)
        async with scene.db.transaction() as session:
            await assign(session, scene.camp, person.staff)
        await person.refused(403, "forbidden", "POST", scene.path, **scene.form("a\n1\n", mode="preview"))
        await person.refused(403, "forbidden", "GET", f"/camps/{scene.camp.id}/checkins/imports")
        await person.refused(403, "forbidden", "GET", f"/planets/{scene.planet.id}/members")


@pytest.mark.parametrize("status", [CampStatus.DRAFT, CampStatus.ARCHIVED])
async def test_a_camp_that_takes_no_check_ins(scene: Scene, status: CampStatus) -> None:
    async with scene.db.transaction() as session:
        (await session.get_one(Camp, scene.camp.id)).status = status
    options = scene.form(days_sheet("101", 10), mode="preview")
    await scene.desk.refused(409, "camp_not_importable", "POST", scene.path, **options)
    await scene.desk.refused(404, "not_found", "POST", f"/camps/{new_id()}/checkins/import", **options)


# The planet's members.


class Members(Scene):
    @property
    def path(self) -> str:
        return f"/planets/{self.planet.id}/members/import"

    async def listed(self, **params: Any) -> list[dict[str, Any]]:
        data = await self.desk.ok("GET", f"/planets/{self.planet.id}/members", params=params)
        items: list[dict[str, Any]] = data["items"]
        return items


@pytest.fixture
async def planet(scene: Scene) -> Members:
    members = Members(scene.db, scene.desk)
    for name in ("planet", "camp", "lin", "chen", "chen_id"):
        setattr(members, name, getattr(scene, name))
    return members


async def test_a_member_export_is_listed_searched_and_recorded(planet: Members) -> None:
    sheet = xlsx(
        [
            "成员编号",
            "用户昵称",
            "微信昵称",
            "星球名片昵称",
            "星球内备注昵称",
            "身份",
            "首次加入时间",
            "用户是否退出星球",
            "到期时间",
        ],
        ["101", "小林", "林微信", "林老师", "", "合伙人", "2025-01-02 10:00:00", "否", "x"],
        ["202", "新人", "", "", "", "成员", dt.date(2026, 2, 1), "是", None],
    )
    assert (await planet.send(sheet, mode="preview"))["new"] == 2
    assert await planet.listed() == []
    data = await planet.send(sheet)
    assert (data["kind"], data["new"], data["unchanged"]) == ("planet_members", 2, 0)
    first, second = await planet.listed()
    assert (first["number"], first["user_id"], first["joined_on"], first["left"]) == ("101", LIN, "2025-01-02", False)
    assert (second["number"], second["user_id"], second["role"], second["left"]) == ("202", None, "成员", True)
    assert [row["number"] for row in await planet.listed(q="林微信")] == ["101"]
    assert [row["number"] for row in await planet.listed(q="20")] == ["202"]
    assert [row["number"] for row in await planet.listed(left=True)] == ["202"]
    again = await planet.send(sheet)
    assert (again["unchanged"], again["import_id"]) == (2, data["import_id"])
    history = await planet.desk.ok("GET", f"/planets/{planet.planet.id}/members/imports")
    assert [(row["id"], row["added"]) for row in history["items"]] == [(data["import_id"], 2)]
    assert (await planet.desk.ok("GET", f"/camps/{planet.camp.id}/checkins/imports"))["items"] == []


async def test_errors_of_a_member_export(planet: Members) -> None:
    data = await planet.refused("成员编号,用户昵称,是否退出\n101,小林,\n101,小陈,\n8E3,甲,\n7,,\n8,乙,也许\n")
    assert [(error["row"], error["column"]) for error in data["errors"]] == [
        (3, "成员编号"), (4, "成员编号"), (5, "用户昵称"), (6, "是否退出"),
    ]  # fmt: skip
    assert await planet.listed() == []
    assert [error["row"] for error in (await planet.refused("昵称\n甲\n"))["errors"]] == [1]


async def test_whom_a_whole_export_lacks_has_left(planet: Members) -> None:
    await planet.send("成员编号,用户昵称\n101,小林\n7,甲\n")
    part = await planet.send("成员编号,用户昵称\n101,小林\n")
    assert (part["unchanged"], part["removed"]) == (1, 0)
    whole = await planet.send("成员编号,用户昵称\n101,小林\n", whole=True)
    assert whole["removed"] == 1
    assert [row["left"] for row in await planet.listed()] == [True, False]


async def test_a_number_beside_a_user_id_is_certain(planet: Members) -> None:
    async with planet.db.transaction() as session:
        member = await make_member(session, planet.camp, planet_number="303", planet_nickname="自称")
    await planet.send("成员编号,用户ID,用户昵称\n303,900000000000001,某人\n")
    row = await planet.now(member)
    assert (row.status, row.confidence, row.match_method) == (MatchStatus.MATCHED, 100, MatchMethod.PLANET_NUMBER)
    assert row.planet_user_id == "900000000000001"


async def test_a_number_that_came_by_a_name_is_no_better_than_the_name(planet: Members) -> None:
    """100 must never be wrong: the list says 404 is 阿花, the ranking knows a 阿花 without number."""
    async with planet.db.transaction() as session:
        flower = await make_planet_user(session, planet.planet, name="阿花")
        twins = [await make_planet_user(session, planet.planet, name="双胞胎") for _ in range(2)]
        member = await make_member(session, planet.camp, planet_number="404", planet_nickname="改了名")
        torn = await make_member(session, planet.camp, planet_number="405", planet_nickname="双胞胎")
    await planet.send("成员编号,用户昵称\n404,阿花\n405,双胞胎\n")
    row = await planet.now(member)
    assert (row.status, row.confidence, row.match_method) == (MatchStatus.MATCHED, 66, MatchMethod.PLANET_NICKNAME)
    assert row.planet_user_id == flower.user_id
    assert (await planet.now(torn)).status is MatchStatus.CONFLICT
    async with planet.db.transaction() as session:
        numbers = [
            (await session.get_one(PlanetUser, (planet.planet.id, each.user_id))).listed_number for each in twins
        ]
    assert numbers == [None, None]


async def test_members_of_an_unknown_planet(planet: Members) -> None:
    options = planet.form("成员编号,用户昵称\n1,甲\n", mode="preview")
    await planet.desk.refused(404, "not_found", "POST", f"/planets/{new_id()}/members/import", **options)
    await planet.desk.refused(404, "not_found", "GET", f"/planets/{new_id()}/members")
