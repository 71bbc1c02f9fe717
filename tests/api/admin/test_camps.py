"""Camps at the console: drafts, publishing, what is locked afterwards, and who sees which."""

import datetime as dt
import uuid
import xml.etree.ElementTree as ET
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backend.community.camps.flows import camp_states
from backend.community.camps.service import get_camp
from backend.core.db import Database
from backend.models.audit import AuditEntry
from backend.models.camps import CampStaffKind, CampStatus
from backend.models.staff import StaffRole
from backend.models.uploads import UploadKind
from backend.runtime import Runtime
from tests.api.conftest import NewDesk
from tests.api.desk import Desk, desk_of
from tests.community.eligibility.test_recount import synced
from tests.conftest import Time
from tests.factories import assign, make_camp, make_member, make_payment, make_planet, make_staff, make_upload

# Every test begins on 2026-03-01.
DRAFT = {
    "name": "三月写作营",
    "deposit_fen": 9900,
    "starts_on": "2026-03-10",
    "ends_on": "2026-03-30",
    "required_days": 15,
}


async def whole(db: Database) -> dict[str, Any]:
    """The body of a camp that lacks nothing."""
    async with db.transaction() as session:
        coach = await make_staff(session, StaffRole.COACH, display_name="陈教练")
        volunteer = await make_staff(session, StaffRole.VOLUNTEER, display_name="志愿者小李")
        planet = await make_planet(session)
        poster = await make_upload(session, UploadKind.POSTER)
        qr = await make_upload(session, UploadKind.GROUP_QR)
    return DRAFT | {
        "description": "<p>每天写作 <b>300 字</b></p>",
        "capacity": 20,
        "planet_id": str(planet.id),
        "checkin_id": "8852148452",
        "poster_key": poster.key,
        "group_qr_key": qr.key,
        "coach_ids": [str(coach.id)],
        "volunteer_ids": [str(volunteer.id)],
    }


async def actions(db: Database, target_id: str) -> list[str]:
    async with db.transaction() as session:
        statement = select(AuditEntry.action).where(AuditEntry.target_id == target_id).order_by(AuditEntry.created_at)
        return list(await session.scalars(statement))


async def test_a_draft_needs_only_its_terms(manager: Desk) -> None:
    camp = await manager.ok("POST", "/camps", json=DRAFT)
    assert camp["status"] == "draft"
    assert (camp["total_days"], camp["required_days"], camp["capacity"]) == (21, 15, 1000)
    assert camp["coaches"] == []
    assert camp["enroll_opens_at"] is None
    assert await manager.ok("GET", f"/camps/{camp['id']}") == camp


async def test_a_whole_camp_comes_back_as_it_was_written(manager: Desk, db: Database) -> None:
    body = await whole(db) | {
        "enroll_opens_at": "2026-03-02T00:00:00Z",
        "enroll_closes_at": "2026-03-09T23:59:59+08:00",
    }
    camp = await manager.ok("POST", "/camps", json=body)
    assert camp["enroll_opens_at"] == "2026-03-02T08:00:00+08:00"
    assert [coach["display_name"] for coach in camp["coaches"]] == ["陈教练"]
    assert [helper["id"] for helper in camp["volunteers"]] == body["volunteer_ids"]
    assert camp["poster_url"] == f"http://testserver/media/{body['poster_key']}"
    assert camp["group_qr_url"].startswith(f"http://testserver/media/{body['group_qr_key']}?expires=")
    assert camp["group_qr_uploaded_at"] is not None
    kept = {name: camp[name] for name in body if name not in ("enroll_opens_at", "coach_ids", "volunteer_ids")}
    assert kept == {name: body[name] for name in kept}
    assert await actions(db, camp["id"]) == ["camp.create", "camp.staff.change"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "长" * 51}, "name"),
        ({"name": "写作\u202e营"}, "name"),
        ({"deposit_fen": 0}, "deposit_fen"),
        ({"deposit_fen": 99}, "deposit_fen"),
        ({"deposit_fen": 99_901}, "deposit_fen"),
        ({"deposit_fen": 99.5}, "deposit_fen"),
        ({"required_days": 0}, "required_days"),
        ({"required_days": 22}, "required_days"),
        ({"ends_on": "2026-03-09"}, "ends_on"),
        ({"starts_on": "2026-02-01", "ends_on": "2026-02-28"}, "ends_on"),
        ({"ends_on": "9999-12-31"}, "ends_on"),
        ({"starts_on": "0001-01-01"}, "starts_on"),
        ({"starts_on": "2000-01-01"}, "ends_on"),
        ({"capacity": 0}, "capacity"),
        ({"capacity": 1001}, "capacity"),
        ({"checkin_id": "abc"}, "checkin_id"),
        ({"enroll_opens_at": "2026-03-02T08:00:00"}, "enroll_opens_at"),
        (
            {"enroll_opens_at": "2026-03-02T08:00:00Z", "enroll_closes_at": "2026-03-02T16:00:00+08:00"},
            "enroll_closes_at",
        ),
        ({"description": "字" * 501}, "description"),
        ({"planet_id": "00000000-0000-7000-8000-000000000000"}, "planet_id"),
        ({"poster_key": "poster/nothing.png"}, "poster_key"),
        ({"coach_ids": ["00000000-0000-7000-8000-000000000000"]}, "coach_ids"),
    ],
)
async def test_bad_fields_are_named(manager: Desk, change: dict[str, Any], field: str) -> None:
    assert await manager.bad_fields("POST", "/camps", json=DRAFT | change) == {field}


async def test_all_bad_fields_are_named_at_once(manager: Desk) -> None:
    body = DRAFT | {"deposit_fen": 1, "required_days": 30}
    assert await manager.bad_fields("POST", "/camps", json=body) == {"deposit_fen", "required_days"}


async def test_a_running_camp_may_be_moved_here(manager: Desk) -> None:
    camp = await manager.ok(
        "POST", "/camps", json=DRAFT | {"starts_on": "2026-02-20", "ends_on": "2026-03-01", "required_days": 10}
    )
    assert camp["total_days"] == 10  # both dates count: B5


async def test_pictures_must_be_of_their_kind(manager: Desk, db: Database) -> None:
    body = await whole(db)
    swapped = body | {"poster_key": body["group_qr_key"], "group_qr_key": body["poster_key"]}
    assert await manager.bad_fields("POST", "/camps", json=swapped) == {"poster_key", "group_qr_key"}


async def test_only_active_coaches_and_volunteers_are_taken(manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        gone = await make_staff(session, StaffRole.COACH, active=False)
        coach = await make_staff(session, StaffRole.COACH)
    disabled = DRAFT | {"coach_ids": [str(gone.id)], "volunteer_ids": [str(coach.id)]}
    assert await manager.bad_fields("POST", "/camps", json=disabled) == {"coach_ids", "volunteer_ids"}


async def test_the_description_loses_everything_that_acts(manager: Desk) -> None:
    html = '<p onclick="x()">你好<script>steal()</script><img src=x onerror=y><a href="javascript:z">链接</a></p>'
    camp = await manager.ok("POST", "/camps", json=DRAFT | {"description": html})
    assert camp["description"] == '<p>你好<a rel="noopener noreferrer">链接</a></p>'


async def test_names_of_living_camps_are_unique(manager: Desk, db: Database) -> None:
    first = await manager.ok("POST", "/camps", json=DRAFT)
    await manager.refused(409, "camp_name_taken", "POST", "/camps", json=DRAFT)
    second = await manager.ok("POST", "/camps", json=DRAFT | {"name": "四月写作营"})
    await manager.refused(409, "camp_name_taken", "PUT", f"/camps/{second['id']}", json=DRAFT)
    await manager.ok("DELETE", f"/camps/{first['id']}")
    await manager.ok("PUT", f"/camps/{second['id']}", json=DRAFT)
    async with db.transaction() as session:
        await make_camp(session, name="旧营", status=CampStatus.ARCHIVED)
    await manager.ok("POST", "/camps", json=DRAFT | {"name": "旧营"})


async def test_two_unarchived_camps_never_share_a_checkin_project(manager: Desk, db: Database) -> None:
    body = await whole(db)
    await manager.ok("POST", "/camps", json=body)
    other = body | {"name": "四月写作营"}
    await manager.refused(409, "checkin_project_in_use", "POST", "/camps", json=other)
    async with db.transaction() as session:
        planet = await make_planet(session)
    await manager.ok("POST", "/camps", json=other | {"planet_id": str(planet.id)})


async def test_publishing_opens_enrolment_until_the_day_before_the_start(manager: Desk, db: Database) -> None:
    camp = await manager.ok("POST", "/camps", json=await whole(db))
    await manager.refused(409, "camp_not_published", "GET", f"/camps/{camp['id']}/enroll-url")
    camp = await manager.ok("POST", f"/camps/{camp['id']}/publish")
    assert camp["status"] == "enrolling"
    assert camp["enroll_opens_at"][:16] == "2026-03-01T10:00"
    assert camp["enroll_closes_at"] == "2026-03-09T23:59:59+08:00"
    assert camp["published_at"] is not None
    await manager.refused(409, "camp_wrong_state", "POST", f"/camps/{camp['id']}/publish")
    assert (await actions(db, camp["id"]))[-1] == "camp.publish"


async def test_a_given_window_is_kept(manager: Desk, db: Database) -> None:
    window = {"enroll_opens_at": "2026-03-03T09:00:00+08:00", "enroll_closes_at": "2026-03-08T18:00:00+08:00"}
    camp = await manager.ok("POST", "/camps", json=await whole(db) | window)
    camp = await manager.ok("POST", f"/camps/{camp['id']}/publish")
    assert {name: camp[name] for name in window} == window


async def test_a_camp_published_while_it_runs_takes_people_until_its_end(manager: Desk, db: Database) -> None:
    body = await whole(db) | {"starts_on": "2026-02-25", "ends_on": "2026-03-05", "required_days": 5}
    camp = await manager.ok("POST", "/camps", json=body)
    camp = await manager.ok("POST", f"/camps/{camp['id']}/publish")
    assert camp["enroll_closes_at"] == "2026-03-05T23:59:59+08:00"


@pytest.mark.parametrize("field", ["group_qr_key", "planet_id", "checkin_id", "coach_ids"])
async def test_an_incomplete_camp_is_not_published(manager: Desk, db: Database, field: str) -> None:
    body = await whole(db)
    del body[field]
    camp = await manager.ok("POST", "/camps", json=body)
    data = await manager.refused(409, "camp_incomplete", "POST", f"/camps/{camp['id']}/publish")
    assert data == {"fields": [field]}


async def test_a_camp_whose_only_coach_was_disabled_is_not_published(manager: Desk, admin: Desk, db: Database) -> None:
    body = await whole(db)
    camp = await manager.ok("POST", "/camps", json=body)
    await admin.ok("PUT", f"/users/{body['coach_ids'][0]}", json={"active": False})
    data = await manager.refused(409, "camp_incomplete", "POST", f"/camps/{camp['id']}/publish")
    assert data == {"fields": ["coach_ids"]}


async def test_a_camp_that_is_over_is_not_published(manager: Desk, db: Database, runtime: Runtime, time: Time) -> None:
    camp = await manager.ok("POST", "/camps", json=await whole(db))
    time.set("2026-03-31 00:00")
    manager = await desk_of(db, runtime, manager.client, manager.staff)
    await manager.refused(409, "camp_dates_past", "POST", f"/camps/{camp['id']}/publish")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "别的名字"),
        ("deposit_fen", 19_900),
        ("starts_on", "2026-03-11"),
        ("ends_on", "2026-03-31"),
        ("required_days", 14),
        ("checkin_id", "1111111111"),
        ("planet_id", None),
    ],
)
async def test_what_members_pay_for_is_locked(manager: Desk, db: Database, field: str, value: object) -> None:
    camp = await manager.ok("POST", "/camps", json=await whole(db))
    await manager.ok("POST", f"/camps/{camp['id']}/publish")
    data = await manager.refused(409, "camp_locked", "PUT", f"/camps/{camp['id']}", json={field: value})
    assert data == {"fields": [field]}
    assert (await manager.ok("GET", f"/camps/{camp['id']}"))[field] == camp[field]


async def test_what_presents_a_published_camp_stays_open(manager: Desk, db: Database) -> None:
    body = await whole(db)
    camp = await manager.ok("POST", "/camps", json=body)
    await manager.ok("POST", f"/camps/{camp['id']}/publish")
    async with db.transaction() as session:
        qr = await make_upload(session, UploadKind.GROUP_QR)
        coach = await make_staff(session, StaffRole.COACH, display_name="新教练")
    change = {
        "description": "新的介绍",
        "poster_key": None,
        "group_qr_key": qr.key,
        "coach_ids": [*body["coach_ids"], str(coach.id)],
        "capacity": 30,
        "enroll_closes_at": "2026-03-08T12:00:00+08:00",
    }
    camp = await manager.ok("PUT", f"/camps/{camp['id']}", json=change)
    assert len(camp["coaches"]) == 2
    assert {name: camp[name] for name in change if name != "coach_ids"} == {
        name: change[name] for name in change if name != "coach_ids"
    }
    assert (await actions(db, camp["id"]))[-3:] == ["camp.staff.change", "camp.update", "camp.qr.replace"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"capacity": 19}, "capacity"),
        ({"group_qr_key": None}, "group_qr_key"),
        ({"enroll_closes_at": None}, "enroll_closes_at"),
        ({"enroll_closes_at": "2026-03-01T00:00:00+08:00"}, "enroll_closes_at"),
        ({"coach_ids": []}, "coach_ids"),
        ({"description": "字" * 501}, "description"),
    ],
)
async def test_a_published_camp_stays_complete(manager: Desk, db: Database, change: dict[str, Any], field: str) -> None:
    camp = await manager.ok("POST", "/camps", json=await whole(db))
    await manager.ok("POST", f"/camps/{camp['id']}/publish")
    assert await manager.bad_fields("PUT", f"/camps/{camp['id']}", json=change) == {field}


async def test_sending_a_published_camp_back_unchanged_is_fine(manager: Desk, db: Database) -> None:
    body = await whole(db)
    camp = await manager.ok("POST", "/camps", json=body)
    await manager.ok("POST", f"/camps/{camp['id']}/publish")
    before = len(await actions(db, camp["id"]))
    await manager.ok("PUT", f"/camps/{camp['id']}", json=body)
    assert len(await actions(db, camp["id"])) == before


async def test_the_window_is_locked_once_the_camp_runs_and_an_archived_camp_altogether(
    manager: Desk, db: Database
) -> None:
    async with db.transaction() as session:
        qr = await make_upload(session, UploadKind.GROUP_QR)
        coach = await make_staff(session, StaffRole.COACH)
        running = await make_camp(session, status=CampStatus.ONGOING, group_qr_key=qr.key)
        await assign(session, running, coach)
        archived = await make_camp(session, status=CampStatus.ARCHIVED)
    change = {"enroll_closes_at": "2026-03-20T00:00:00+08:00"}
    data = await manager.refused(409, "camp_locked", "PUT", f"/camps/{running.id}", json=change)
    assert data == {"fields": ["enroll_closes_at"]}
    await manager.ok("PUT", f"/camps/{running.id}", json={"description": "加油"})
    await manager.refused(409, "camp_wrong_state", "PUT", f"/camps/{archived.id}", json={"description": "晚了"})


async def test_terms_of_a_draft_can_be_changed_but_not_emptied(manager: Desk) -> None:
    camp = await manager.ok("POST", "/camps", json=DRAFT)
    assert (await manager.ok("PUT", f"/camps/{camp['id']}", json={"deposit_fen": 100}))["deposit_fen"] == 100
    assert await manager.bad_fields("PUT", f"/camps/{camp['id']}", json={"name": None}) == {"name"}
    assert await manager.bad_fields("PUT", f"/camps/{camp['id']}", json={"ends_on": "2026-03-09"}) == {"ends_on"}


async def test_withdrawing_is_possible_until_somebody_orders(
    manager: Desk, db: Database, client: httpx.AsyncClient
) -> None:
    camp = await manager.ok("POST", "/camps", json=await whole(db))
    await manager.refused(409, "camp_wrong_state", "POST", f"/camps/{camp['id']}/withdraw")
    await manager.ok("POST", f"/camps/{camp['id']}/publish")
    assert (await client.get(f"/api/h5/camps/{camp['id']}")).status_code == 200
    assert (await manager.ok("POST", f"/camps/{camp['id']}/withdraw"))["status"] == "draft"
    assert (await client.get(f"/api/h5/camps/{camp['id']}")).status_code == 404
    await manager.ok("POST", f"/camps/{camp['id']}/publish")
    async with db.transaction() as session:
        await make_payment(session, await get_camp(session, uuid.UUID(camp["id"])))
    await manager.refused(409, "camp_has_orders", "POST", f"/camps/{camp['id']}/withdraw")


async def test_only_a_draft_nobody_ordered_is_deleted(manager: Desk, db: Database) -> None:
    draft = await manager.ok("POST", "/camps", json=DRAFT)
    async with db.transaction() as session:
        enrolling = await make_camp(session)
        ordered = await make_camp(session, status=CampStatus.DRAFT)
        await make_payment(session, ordered)
    await manager.refused(409, "camp_wrong_state", "DELETE", f"/camps/{enrolling.id}")
    await manager.refused(409, "camp_has_orders", "DELETE", f"/camps/{ordered.id}")
    await manager.ok("DELETE", f"/camps/{draft['id']}")
    for method in ("GET", "DELETE"):
        await manager.refused(404, "not_found", method, f"/camps/{draft['id']}")
    assert draft["id"] not in [camp["id"] for camp in (await manager.ok("GET", "/camps"))["items"]]


async def test_a_camp_shows_its_people_and_money(manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        camp = await make_camp(session, capacity=5, deposit_fen=5000)
        await make_member(session, camp)
        await make_member(session, camp)
        await make_payment(session, camp)
        await make_member(session, await make_camp(session))
    row = await manager.ok("GET", f"/camps/{camp.id}")
    counts = {name: row[name] for name in ("enrolled", "pending_orders", "places_left", "paid_fen")}
    assert counts == {"enrolled": 2, "pending_orders": 1, "places_left": 2, "paid_fen": 10_000}


async def test_the_list_is_filtered_and_newest_first(manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        old = await make_camp(session, name="晨读 100%", status=CampStatus.ENDED)
        new = await make_camp(session, name="晨跑", starts_on=dt.date(2026, 4, 1))

    async def names(**query: Any) -> list[str]:
        return [camp["name"] for camp in (await manager.ok("GET", "/camps", params=query))["items"]]

    assert await names() == ["晨跑", "晨读 100%"]
    assert await names(status="ended") == ["晨读 100%"]
    assert await names(status="ended,enrolling") == await names(status=["ended", "enrolling"]) == ["晨跑", "晨读 100%"]
    assert await names(q="0%") == ["晨读 100%"]
    assert await names(planet_id=str(new.planet_id)) == ["晨跑"]
    assert await names(starts_from="2026-04-01") == ["晨跑"]
    assert await names(starts_to="2026-03-31") == ["晨读 100%"]
    assert await manager.ok("GET", "/camps", params={"page": 2, "page_size": 1}) | {"items": []} == {
        "items": [], "total": 2, "page": 2, "page_size": 1,
    }  # fmt: skip
    assert old.id != new.id
    assert (await manager.call("GET", "/camps", params={"status": "nonsense"})).status_code == 422
    assert (await manager.call("GET", "/camps", params={"page_size": 201})).status_code == 422


@pytest.mark.parametrize("role", [StaffRole.COACH, StaffRole.VOLUNTEER])
async def test_helpers_see_their_own_camps_and_change_none(desk: NewDesk, db: Database, role: StaffRole) -> None:
    helper = await desk(role)
    async with db.transaction() as session:
        own, foreign = await make_camp(session), await make_camp(session)
        await assign(session, own, helper.staff, CampStaffKind(role.value))
    assert [camp["id"] for camp in (await helper.ok("GET", "/camps"))["items"]] == [str(own.id)]
    await helper.ok("GET", f"/camps/{own.id}")
    await helper.ok("GET", f"/camps/{own.id}/enroll-url")
    for path in ("", "/enroll-url", "/history"):
        await helper.refused(403, "forbidden", "GET", f"/camps/{foreign.id}{path}")
    await helper.refused(403, "forbidden", "POST", "/camps", json=DRAFT)
    await helper.refused(403, "forbidden", "PUT", f"/camps/{own.id}", json={"description": "x"})
    await helper.refused(403, "forbidden", "DELETE", f"/camps/{own.id}")
    for act in ("publish", "withdraw"):
        await helper.refused(403, "forbidden", "POST", f"/camps/{own.id}/{act}")


async def test_being_taken_off_a_camp_works_at_the_next_request(manager: Desk, db: Database, desk: NewDesk) -> None:
    coach = await desk(StaffRole.COACH)
    body = await whole(db)
    camp = await manager.ok("POST", "/camps", json=body | {"coach_ids": [str(coach.staff.id)]})
    await coach.ok("GET", f"/camps/{camp['id']}")
    await manager.ok("PUT", f"/camps/{camp['id']}", json={"coach_ids": body["coach_ids"]})
    await coach.refused(403, "forbidden", "GET", f"/camps/{camp['id']}")


async def test_nobody_reads_without_a_login(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/admin/camps")
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("camp_id", ["00000000-0000-7000-8000-000000000000", "12", "x"])
async def test_unknown_and_malformed_ids_are_not_found(manager: Desk, camp_id: str) -> None:
    for method, path in [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/publish"),
        ("POST", "/withdraw"),
        ("GET", "/enroll-url"),
    ]:
        await manager.refused(404, "not_found", method, f"/camps/{camp_id}{path}")
    await manager.refused(404, "not_found", "PUT", f"/camps/{camp_id}", json={})


async def test_the_enrol_address_is_the_camps_own(manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        camp = await make_camp(session)
    found = await manager.ok("GET", f"/camps/{camp.id}/enroll-url")
    assert found["url"] == f"http://testserver/enroll/{camp.id}"
    assert ET.fromstring(found["qr_svg"]).tag == "{http://www.w3.org/2000/svg}svg"
    assert await manager.ok("GET", f"/camps/{camp.id}/enroll-url") == found


async def test_the_history_names_who_moved_the_camp(manager: Desk, db: Database, runtime: Runtime, time: Time) -> None:
    camp = await manager.ok("POST", "/camps", json=await whole(db))
    await manager.ok("POST", f"/camps/{camp['id']}/publish")
    time.set("2026-03-10 00:05")
    await camp_states(runtime)
    manager = await desk_of(db, runtime, manager.client, manager.staff)
    moves = await manager.ok("GET", f"/camps/{camp['id']}/history")
    assert [(move["from_state"], move["to_state"], move["actor_name"]) for move in moves] == [
        ("draft", "enrolling", "小王"),
        ("enrolling", "ongoing", "系统"),
    ]


# The deal as data.

BY_DAYS: dict[str, Any] = {"version": 2, "payout": {"kind": "pro_rata", "min": 13, "full_at": 19, "step_fen": 10}}
WEEKLY: dict[str, Any] = {
    "version": 2, "payout": {"kind": "all"}, "conditions": [{"kind": "every_week_at_least", "days": 5}],
}  # fmt: skip
NO_NUMBER = {name: value for name, value in DRAFT.items() if name != "required_days"}


def plain(days: int) -> dict[str, Any]:
    """All or nothing from so many days, as answers have it."""
    conditions = [{"kind": "days_at_least", "days": days}]
    return {"version": 2, "counting": {}, "conditions": conditions, "payout": {"kind": "all"}, "fee_fen": 0}


async def test_a_number_of_days_is_read_as_a_deal(manager: Desk) -> None:
    camp = await manager.ok("POST", "/camps", json=DRAFT)
    assert (camp["required_days"], camp["refund_policy"]) == (15, plain(15))
    rule = camp["rule"]
    assert (rule["short"], rule["fee_fen"]) == ("21 天累计打卡满 15 天，全额退还", 0)
    assert rule["full"][0] == "营期 21 天，其中 21 天计入打卡。"
    assert {each["amount_fen"] for each in rule["examples"]} == {0, 9900}


async def test_a_deal_comes_back_in_its_normal_form(manager: Desk, db: Database) -> None:
    # What is as usual may be left out, and a tier may be a pair.
    tiers = {"version": 2, "payout": {"kind": "tiers", "tiers": [[10, 50], [15, 100]]}, "counting": {"warmup_days": 0}}
    for policy, days, payout in (
        (BY_DAYS, 19, BY_DAYS["payout"]),
        (
            tiers, 15,
            {
                "kind": "tiers", "step_fen": 1,
                "tiers": [{"from_day": 10, "percent": 50}, {"from_day": 15, "percent": 100}],
            },
        ),
        (plain(12), 12, {"kind": "all"}),
    ):  # fmt: skip
        camp = await manager.ok("POST", "/camps", json=NO_NUMBER | {"name": f"{days} 天", "refund_policy": policy})
        assert (camp["required_days"], camp["refund_policy"]["payout"]) == (days, payout)
        assert set(camp["refund_policy"]) == {"version", "counting", "conditions", "payout", "fee_fen"}
        assert camp["refund_policy"]["counting"] == {}
        # Sent back as it was read, all of it or only its deal, it is the same.
        before = len(await actions(db, camp["id"]))
        deal = {name: camp[name] for name in ("refund_policy", "required_days")}
        for body in (deal, {"refund_policy": policy}, {"required_days": days}, {name: camp[name] for name in DRAFT}):
            assert await manager.ok("PUT", f"/camps/{camp['id']}", json=body) == camp
        assert len(await actions(db, camp["id"])) == before


async def test_a_camp_needs_some_deal(manager: Desk) -> None:
    assert await manager.bad_fields("POST", "/camps", json=NO_NUMBER) == {"required_days"}
    camp = await manager.ok("POST", "/camps", json=DRAFT)
    for body in ({"required_days": None}, {"refund_policy": None}, {"required_days": None, "refund_policy": None}):
        assert await manager.bad_fields("PUT", f"/camps/{camp['id']}", json=body) == {"required_days"}
    # One of the two is enough.
    changed = await manager.ok("PUT", f"/camps/{camp['id']}", json={"required_days": None, "refund_policy": plain(9)})
    assert changed["required_days"] == 9
    changed = await manager.ok("PUT", f"/camps/{camp['id']}", json={"required_days": 8, "refund_policy": None})
    assert changed["refund_policy"] == plain(8)


async def test_number_and_deal_must_agree(manager: Desk) -> None:
    body = DRAFT | {"refund_policy": BY_DAYS}
    assert await manager.bad_fields("POST", "/camps", json=body) == {"required_days"}
    camp = await manager.ok("POST", "/camps", json=body | {"required_days": 19})
    assert camp["refund_policy"]["payout"] == BY_DAYS["payout"]
    both = {"refund_policy": plain(12), "required_days": 13}
    assert await manager.bad_fields("PUT", f"/camps/{camp['id']}", json=both) == {"required_days"}
    assert await manager.ok("GET", f"/camps/{camp['id']}") == camp


async def test_of_a_form_sent_back_one_may_be_changed(manager: Desk) -> None:
    camp = await manager.ok("POST", "/camps", json=DRAFT)
    path, form = f"/camps/{camp['id']}", {name: camp[name] for name in (*DRAFT, "refund_policy")}
    changed = await manager.ok("PUT", path, json=form | {"refund_policy": BY_DAYS})
    assert (changed["required_days"], changed["refund_policy"]["payout"]) == (19, BY_DAYS["payout"])
    form = {name: changed[name] for name in (*DRAFT, "refund_policy")}
    # A number says nothing of the rest of such a deal, and must not wipe it out.
    assert await manager.bad_fields("PUT", path, json=form | {"required_days": 14}) == {"required_days"}
    assert await manager.bad_fields("PUT", path, json={"required_days": 14}) == {"required_days"}
    # Other dates make another number of the same deal.
    longer = form | {"ends_on": "2026-04-06"}
    changed = await manager.ok("PUT", path, json=longer)
    assert changed["refund_policy"] == form["refund_policy"]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"payout": {"kind": "pro_rata", "min": 13, "full_at": 22}}, {"refund_policy.payout.full_at"}),
        ({"fee_fen": 4951}, {"refund_policy.fee_fen"}),
        ({"payout": {"kind": "lottery"}}, {"refund_policy.payout.kind"}),
        ({"version": 3}, {"refund_policy.version"}),
        (
            {"conditions": [{"kind": "must_days", "dates": ["2026-03-31"]}], "fee_fen": 5000},
            {"refund_policy.conditions.0.dates", "refund_policy.fee_fen"},
        ),
    ],
)
async def test_what_is_wrong_with_a_deal_is_said_at_its_fields(
    manager: Desk, change: dict[str, Any], fields: set[str]
) -> None:
    body = NO_NUMBER | {"refund_policy": BY_DAYS | change}
    assert await manager.bad_fields("POST", "/camps", json=body) == fields
    camp = await manager.ok("POST", "/camps", json=DRAFT)
    assert await manager.bad_fields("PUT", f"/camps/{camp['id']}", json={"refund_policy": BY_DAYS | change}) == fields


async def test_a_deal_is_held_against_new_dates(manager: Desk) -> None:
    camp = await manager.ok("POST", "/camps", json=NO_NUMBER | {"refund_policy": BY_DAYS})
    shorter = {"ends_on": "2026-03-25"}  # sixteen days
    assert await manager.bad_fields("PUT", f"/camps/{camp['id']}", json=shorter) == {"refund_policy.payout.full_at"}


async def test_the_deal_of_a_published_camp_is_locked(manager: Desk, db: Database) -> None:
    camp = await manager.ok("POST", "/camps", json=await whole(db))
    path = f"/camps/{camp['id']}"
    await manager.ok("POST", f"{path}/publish")
    data = await manager.refused(409, "camp_locked", "PUT", path, json={"refund_policy": BY_DAYS})
    assert data == {"fields": ["refund_policy"]}
    # The same deal in the other form is no change.
    before = len(await actions(db, camp["id"]))
    await manager.ok("PUT", path, json={"refund_policy": plain(15)})
    assert (len(await actions(db, camp["id"])), (await manager.ok("GET", path))["required_days"]) == (before, 15)


async def test_dates_are_asked_for_only_where_posts_were_read(manager: Desk, db: Database) -> None:
    body = await whole(db)
    del body["required_days"]
    camp = await manager.ok("POST", "/camps", json=body | {"refund_policy": WEEKLY})
    path = f"/camps/{camp['id']}"
    await manager.refused(409, "posts_never_read", "POST", f"{path}/publish")
    async with db.transaction() as session:
        # An earlier camp on the same planet, whose posts couldn't be read.
        earlier = await make_camp(
            session, planet_id=uuid.UUID(body["planet_id"]), status=CampStatus.ARCHIVED, starts_on=dt.date(2026, 1, 1)
        )
        elsewhere = await make_camp(session, status=CampStatus.ARCHIVED, starts_on=dt.date(2026, 1, 1))
        await synced(session, earlier, posts_read=False)
        await synced(session, elsewhere)
    await manager.refused(409, "posts_never_read", "POST", f"{path}/publish")
    async with db.transaction() as session:
        await synced(session, earlier)
    assert (await manager.ok("POST", f"{path}/publish"))["status"] == "enrolling"


async def test_a_number_of_days_needs_no_posts(manager: Desk, db: Database) -> None:
    body = await whole(db)
    del body["required_days"]
    camp = await manager.ok("POST", "/camps", json=body | {"refund_policy": BY_DAYS})
    assert (await manager.ok("POST", f"/camps/{camp['id']}/publish"))["status"] == "enrolling"
