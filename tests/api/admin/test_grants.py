"""Granted days: by a coach to one member, as an amnesty to a whole camp; what they change, and who may."""

import datetime as dt
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backend.community.eligibility import service as eligibility
from backend.core.db import Database
from backend.core.ids import new_id
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.grants import DayGrant
from backend.models.members import Member
from backend.models.notifications import Notification
from backend.models.staff import StaffRole
from tests import factories
from tests.api.admin.test_refunds import coach_of
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.community.eligibility.test_recount import counted, synced
from tests.money.refunds.facts import ended_camp

REASON = "现场分享，视频为证"


class Scene:
    """A camp of 10 to 19 February that is over and counted; 7 days are needed. 安娜 has the first 6, 阿波 5 of them."""

    camp: Camp
    anna: Member
    bo: Member

    def __init__(self, db: Database) -> None:
        self.db = db

    async def more(self, **fields: Any) -> Camp:
        """Another such camp."""
        async with self.db.transaction() as session:
            camp = await ended_camp(session, **fields)
            run = await synced(session, camp)
            self.anna = await counted(session, camp, run, *range(6), planet_nickname="安娜")
            self.bo = await counted(session, camp, run, *range(5), planet_nickname="阿波")
            await eligibility.recount(session, camp)
        return camp


@pytest.fixture
async def scene(db: Database) -> Scene:
    made = Scene(db)
    made.camp = await made.more()
    return made


def grants(member: Member) -> str:
    return f"/members/{member.id}/grants"


def amnesties(camp: Camp) -> str:
    return f"/camps/{camp.id}/amnesties"


def body(*days: int, reason: str = REASON) -> dict[str, Any]:
    return {"days": [f"2026-02-{day}" for day in days], "reason": reason}


def excused(day: int, reason: str = "平台故障") -> dict[str, Any]:
    return {"day": f"2026-02-{day}", "reason": reason}


async def read(desk: Desk, member: Member) -> tuple[Any, ...]:
    row = await desk.ok("GET", f"/members/{member.id}")
    return row["days"], row["required_days"], row["standing"], row["verdict"], row["entitled_fen"]


async def entries(db: Database, action: str) -> list[AuditEntry]:
    async with db.transaction() as session:
        return list(await session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


async def told(db: Database) -> list[Notification]:
    """The messages in members' inboxes, oldest first."""
    async with db.transaction() as session:
        rows = select(Notification).where(Notification.scene == "day_granted", Notification.channel == "inbox")
        return list(await session.scalars(rows.order_by(Notification.created_at, Notification.id)))


# By a coach.


async def test_a_granted_day_counts_at_once(scene: Scene, db: Database, desk: NewDesk) -> None:
    coach = await coach_of(db, desk, scene.camp.id)
    assert await read(coach, scene.anna) == (6, 7, "out_of_reach", "not_eligible", 0)
    row = await coach.ok("POST", grants(scene.anna), json=body(16))
    assert (row["days"], row["standing"], row["verdict"], row["entitled_fen"]) == (7, "reached", "eligible", 9900)
    assert await read(coach, scene.anna) == (7, 7, "reached", "eligible", 9900)
    assert (await read(coach, scene.bo))[:1] == (5,)
    detail = await coach.ok("GET", f"/members/{scene.anna.id}")
    assert [(one["day"], one["kind"], one["reason"], one["granted_by"]) for one in detail["grants"]] == [
        ("2026-02-16", "coach", REASON, coach.staff.display_name)
    ]
    assert "含认定 1 天" in detail["evidence"]["amount_line"]
    # What the planet says of the member stays as it is.
    assert (detail["evidence"]["days_posts"], detail["evidence"]["days_ranking"]) == (6, 6)
    states = {day["day"]: day["state"] for day in detail["calendar"]}
    assert (states["2026-02-15"], states["2026-02-17"]) == ("checked", "missed")
    assert states["2026-02-16"] != "missed"

    [entry] = await entries(db, "member.grant")
    assert (entry.target_id, entry.camp_id, entry.actor_id, entry.note) == (
        scene.anna.id, scene.camp.id, coach.staff.id, REASON,
    )  # fmt: skip
    assert entry.after == {"kind": "coach", "days": ["2026-02-16"]}
    [message] = await told(db)
    assert (message.member_id, message.camp_id) == (scene.anna.id, scene.camp.id)
    for part in (scene.camp.name, "2026-02-16", REASON):
        assert part in message.content


async def test_what_waits_for_review_follows(scene: Scene, db: Database, manager: Desk) -> None:
    path = f"/camps/{scene.camp.id}/refunds"
    assert (await manager.ok("POST", path))["created"] == 0
    await manager.ok("POST", grants(scene.anna), json=body(16))
    result = await manager.ok("POST", path)
    assert (result["created"], result["eligible"], result["not_eligible"]) == (1, 1, 1)
    [row] = (await manager.ok("GET", "/refunds"))["items"]
    assert (row["member_id"], row["verdict"], row["amount_fen"]) == (str(scene.anna.id), "eligible", 9900)


async def test_many_days_at_once_and_a_checked_day_stays(scene: Scene, manager: Desk, db: Database) -> None:
    row = await manager.ok("POST", grants(scene.bo), json=body(14, 15, 16))
    # The 14th is a check-in already.
    assert (row["days"], row["verdict"]) == (7, "eligible")
    assert [message.member_id for message in await told(db)] == [scene.bo.id]


async def test_no_day_is_granted_twice(scene: Scene, manager: Desk) -> None:
    await manager.ok("POST", grants(scene.anna), json=body(16))
    data = await manager.refused(409, "day_already_granted", "POST", grants(scene.anna), json=body(16, 17))
    assert data == {"days": ["2026-02-16"]}
    # All or nothing.
    assert (await read(manager, scene.anna))[0] == 7


@pytest.mark.parametrize("day", [9, 20])
async def test_days_outside_the_camp_are_refused(scene: Scene, manager: Desk, day: int) -> None:
    wrong = body(16) | {"days": ["2026-02-16", f"2026-02-{day:02}"]}
    assert await manager.bad_fields("POST", grants(scene.anna), json=wrong) == {"days"}
    wrong = {"day": f"2026-02-{day:02}", "reason": REASON}
    assert await manager.bad_fields("POST", amnesties(scene.camp), json=wrong) == {"day"}
    assert (await manager.ok("GET", "/grants"))["total"] == 0


async def test_days_nobody_is_asked_for_are_refused(scene: Scene, manager: Desk) -> None:
    """14 and 15 February are a weekend of rest, the 10th warms up."""
    resting = {
        "version": 2, "counting": {"rest_weekdays": [6, 7], "warmup_days": 1}, "payout": {"kind": "all"},
        "conditions": [{"kind": "days_at_least", "days": 6}],
    }  # fmt: skip
    camp = await scene.more(refund_policy=resting)
    for day in (10, 14, 15):
        assert await manager.bad_fields("POST", grants(scene.anna), json=body(day)) == {"days"}
        assert await manager.bad_fields("POST", amnesties(camp), json=excused(day)) == {"day"}
    # 11, 12 and 13 February were checked, and one more is granted.
    assert (await manager.ok("POST", grants(scene.anna), json=body(16)))["days"] == 4


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"days": []}, "days"),
        ({"days": ["2026-02-30"]}, "days"),
        ({"reason": "x"}, "reason"),
        ({"reason": "  "}, "reason"),
        ({"reason": "长" * 201}, "reason"),
    ],
)
async def test_bad_fields_are_named(scene: Scene, manager: Desk, change: dict[str, Any], field: str) -> None:
    found = await manager.bad_fields("POST", grants(scene.anna), json=body(16) | change)
    assert {name.split(".")[0] for name in found} == {field}


@pytest.mark.parametrize("status", [CampStatus.ENROLLING, CampStatus.ARCHIVED])
async def test_not_before_the_camp_and_not_after_its_books_are_closed(
    scene: Scene, manager: Desk, status: CampStatus
) -> None:
    async with scene.db.transaction() as session:
        (await session.get_one(Camp, scene.camp.id)).status = status
    await manager.refused(409, "camp_not_grantable", "POST", grants(scene.anna), json=body(16))
    await manager.refused(409, "camp_not_grantable", "POST", amnesties(scene.camp), json=excused(16))


# For everybody.


async def test_an_amnesty_lowers_what_is_asked_of_everybody(scene: Scene, manager: Desk, db: Database) -> None:
    assert await manager.ok("POST", amnesties(scene.camp), json=excused(16)) == {"members": 2}
    assert await read(manager, scene.anna) == (6, 6, "reached", "eligible", 9900)
    assert await read(manager, scene.bo) == (5, 6, "out_of_reach", "not_eligible", 0)
    # A day on which both checked in helps them, too.
    assert await manager.ok("POST", amnesties(scene.camp), json=excused(10)) == {"members": 2}
    assert await read(manager, scene.bo) == (5, 5, "reached", "eligible", 9900)
    detail = await manager.ok("GET", f"/members/{scene.bo.id}")
    assert [(one["day"], one["kind"]) for one in detail["grants"]] == [
        ("2026-02-10", "amnesty"), ("2026-02-16", "amnesty"),
    ]  # fmt: skip

    first, second = await entries(db, "camp.amnesty")
    assert (first.target_id, first.actor_id, first.note) == (scene.camp.id, manager.staff.id, "平台故障")
    assert [(entry.after or {})["days"] for entry in (first, second)] == [["2026-02-16"], ["2026-02-10"]]
    assert (first.after or {})["members"] == 2
    messages = await told(db)
    assert sorted(str(message.member_id) for message in messages) == sorted([str(scene.anna.id), str(scene.bo.id)] * 2)
    assert "豁免" in messages[0].content
    async with db.transaction() as session:
        rows = list(await session.scalars(select(DayGrant)))
    # The rows of one amnesty know each other.
    assert sorted([row.day for row in rows if row.source_id == rows[0].source_id]) == [rows[0].day] * 2


async def test_three_amnesties_at_most(scene: Scene, manager: Desk) -> None:
    for day in (11, 12, 13):
        await manager.ok("POST", amnesties(scene.camp), json=excused(day))
    data = await manager.refused(409, "day_already_granted", "POST", amnesties(scene.camp), json=excused(12))
    assert data == {"days": ["2026-02-12"]}
    await manager.refused(409, "too_many_amnesties", "POST", amnesties(scene.camp), json=excused(14))
    assert (await read(manager, scene.anna))[1] == 4


async def test_who_has_the_day_already_keeps_that_grant(scene: Scene, manager: Desk) -> None:
    await manager.ok("POST", grants(scene.anna), json=body(16))
    assert await manager.ok("POST", amnesties(scene.camp), json=excused(16)) == {"members": 1}
    # The day counts, and lowers what is asked like everybody's: an amnesty leaves nobody worse off than others.
    assert (await read(manager, scene.anna))[:2] == (7, 6)
    await manager.refused(409, "day_already_granted", "POST", grants(scene.bo), json=body(16))


async def test_a_day_to_come_is_not_excused(scene: Scene, manager: Desk) -> None:
    async with scene.db.transaction() as session:
        camp = await factories.make_camp(session, starts_on=dt.date(2026, 2, 26), status=CampStatus.ONGOING)
        await factories.make_member(session, camp)
    later = {"day": "2026-03-02", "reason": "平台故障"}
    assert await manager.bad_fields("POST", amnesties(camp), json=later) == {"day"}
    assert await manager.ok("POST", amnesties(camp), json=later | {"day": "2026-03-01"}) == {"members": 1}


# Reading, and who may.


async def test_the_list_is_narrowed_and_scoped(scene: Scene, manager: Desk, db: Database, desk: NewDesk) -> None:
    anna = scene.anna
    await manager.ok("POST", grants(anna), json=body(16, 17))
    await manager.ok("POST", amnesties(scene.camp), json=excused(18))
    other = await scene.more()
    await manager.ok("POST", grants(scene.bo), json=body(16))

    async def listed(person: Desk, **params: Any) -> list[tuple[str, str, str]]:
        rows = (await person.ok("GET", "/grants", params=params))["items"]
        return sorted((row["planet_nickname"], row["day"][-2:], row["kind"]) for row in rows)

    mine = [("安娜", "16", "coach"), ("安娜", "17", "coach"), ("安娜", "18", "amnesty"), ("阿波", "18", "amnesty")]
    assert await listed(manager) == sorted([*mine, ("阿波", "16", "coach")])
    assert await listed(manager, camp_id=str(scene.camp.id)) == mine
    assert await listed(manager, member_id=str(anna.id)) == mine[:3]
    assert await listed(manager, kind="amnesty") == mine[2:]
    assert await manager.bad_fields("GET", "/grants", params={"kind": "gift"}) == {"kind"}
    page = await manager.ok("GET", "/grants", params={"page": 2, "page_size": 4})
    assert (page["total"], len(page["items"])) == (5, 1)
    newest = (await manager.ok("GET", "/grants", params={"page_size": 1}))["items"][0]
    assert newest | {"id": "", "created_at": ""} == {
        "id": "", "camp_id": str(other.id), "camp_name": other.name, "member_id": str(scene.bo.id),
        "planet_nickname": "阿波", "day": "2026-02-16", "kind": "coach", "reason": REASON,
        "granted_by": manager.staff.display_name, "created_at": "",
    }  # fmt: skip
    for role in (StaffRole.COACH, StaffRole.VOLUNTEER):
        person = await coach_of(db, desk, scene.camp.id, role=role)
        assert await listed(person) == mine
        await person.refused(403, "forbidden", "GET", "/grants", params={"camp_id": str(other.id)})
        assert await listed(person, member_id=str(scene.bo.id)) == []


async def test_who_may_grant(scene: Scene, db: Database, desk: NewDesk, client: httpx.AsyncClient) -> None:
    camp, anna = scene.camp, scene.anna
    foreign = await scene.more()
    coach = await coach_of(db, desk, camp.id)
    volunteer = await coach_of(db, desk, camp.id, role=StaffRole.VOLUNTEER)
    await volunteer.refused(403, "forbidden", "POST", grants(anna), json=body(16))
    await coach.refused(403, "forbidden", "POST", grants(scene.anna), json=body(16))
    # What is for everybody is no coach's to give.
    for person in (coach, volunteer):
        for each in (camp, foreign):
            await person.refused(403, "forbidden", "POST", amnesties(each), json=excused(16))
    for wrong in (str(new_id()), "nonsense"):
        await coach.refused(404, "not_found", "POST", f"/members/{wrong}/grants", json=body(16))
    manager = await desk(StaffRole.MANAGER)
    await manager.refused(404, "not_found", "POST", f"/camps/{new_id()}/amnesties", json=excused(16))
    assert (await client.post(f"/api/admin{grants(anna)}", json=body(16))).status_code == 401
    assert (await manager.ok("GET", "/grants"))["total"] == 0
    await coach.ok("POST", grants(anna), json=body(16))
