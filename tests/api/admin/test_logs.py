"""Reading the audit log."""

from typing import Any

import httpx
import pytest

from backend.core.actor import SYSTEM, Actor
from backend.core.db import Database
from backend.core.ids import new_id
from backend.models.staff import StaffRole
from backend.office.audit import service as audit
from backend.runtime import Runtime
from tests.api.conftest import NewDesk
from tests.api.desk import Desk, desk_of
from tests.conftest import Time


async def test_an_act_is_told_whole(admin: Desk) -> None:
    body = {"name": "写作星球", "group_id": "885", "cookie": "token-1234567890"}
    headers = admin.headers | {"User-Agent": "Browser/1.0", "X-Request-Id": "request-12345678"}
    response = await admin.client.post("/api/admin/planets", json=body, headers=headers)
    planet_id = response.json()["data"]["id"]
    (entry,) = (await admin.ok("GET", "/logs", params={"target_id": planet_id}))["items"]
    assert entry["id"]
    assert entry["created_at"].startswith("2026-03-01T10:00:")
    assert {name: entry[name] for name in entry if name not in ("id", "created_at")} == {
        "seq": None,  # given at commit, which doesn't come here
        "actor_text": admin.staff.username,
        "action_text": "添加星球",
        "target_text": "星球",
        "changes": [
            {"field": "名称", "before": "无", "after": "写作星球"},
            {"field": "群组编号", "before": "无", "after": "885"},
        ],
        "error": None,
        "actor_kind": "staff",
        "actor_id": str(admin.staff.id),
        "actor_name": admin.staff.username,
        "action": "planet.create",
        "target_type": "planet",
        "target_id": planet_id,
        "target_name": "写作星球",
        "camp_id": None,
        "before": {"name": None, "group_id": None},
        "after": {"name": "写作星球", "group_id": "885"},
        "note": None,
        "ip": "203.0.113.9",
        "user_agent": "Browser/1.0",
        "request_id": "request-12345678",
    }


async def test_the_log_is_filtered_and_newest_first(admin: Desk, db: Database, runtime: Runtime, time: Time) -> None:
    camp_id, person = new_id(), Actor(kind="staff", name="zhang", id=new_id())
    async with db.transaction() as session:
        audit.record(session, SYSTEM, "camp.start", target_type="camp", target_name="晨跑", camp_id=camp_id)
    time.set("2026-03-02 23:59")
    async with db.transaction() as session:
        audit.record(session, person, "refund.reject", target_type="refund", note="打卡未达标")
    time.set("2026-03-03 00:00")
    admin = await desk_of(db, runtime, admin.client, admin.staff)

    async def found(**query: Any) -> list[str]:
        return [entry["action"] for entry in (await admin.ok("GET", "/logs", params=query))["items"]]

    assert await found() == ["refund.reject", "camp.start"]
    assert await found(action="camp.start") == ["camp.start"]
    assert await found(actor_id=str(person.id)) == ["refund.reject"]
    assert await found(target_type="refund") == ["refund.reject"]
    assert await found(camp_id=str(camp_id)) == ["camp.start"]
    assert await found(failed="false") == ["refund.reject", "camp.start"]
    assert await found(failed="true") == []
    assert await found(q="晨") == ["camp.start"]
    assert await found(q="未达标") == ["refund.reject"]
    assert await found(q="ZHANG") == ["refund.reject"]
    assert await found(**{"from": "2026-03-02"}) == ["refund.reject"]
    assert await found(to="2026-03-01") == ["camp.start"]
    assert await found(**{"from": "2026-03-02", "to": "2026-03-02"}) == ["refund.reject"]
    assert await found(page=2, page_size=1) == ["camp.start"]


@pytest.mark.parametrize("query", [{"from": "yesterday"}, {"to": "9999-12-31"}, {"page": 0}, {"q": "长" * 51}])
async def test_bad_filters_are_refused(admin: Desk, query: dict[str, Any]) -> None:
    assert (await admin.call("GET", "/logs", params=query)).status_code == 422


async def test_who_may(desk: NewDesk, client: httpx.AsyncClient) -> None:
    for role in (StaffRole.MANAGER, StaffRole.COACH, StaffRole.VOLUNTEER):
        await (await desk(role)).refused(403, "forbidden", "GET", "/logs")
    assert (await client.get("/api/admin/logs")).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nobody_changes_the_log(admin: Desk, method: str) -> None:
    await admin.refused(405, "method_not_allowed", method, "/logs")
