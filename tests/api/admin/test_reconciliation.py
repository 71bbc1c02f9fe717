"""Reconciliation cases at the console."""

import httpx

from backend.core.db import Database
from backend.models.camps import Camp
from backend.models.staff import StaffRole
from backend.money.cases import service
from tests import factories
from tests.api.admin.test_refunds import NOBODY
from tests.api.conftest import NewDesk
from tests.api.desk import Desk


async def opened(db: Database, kind: str = "payment_amount") -> Camp:
    async with db.transaction() as session:
        camp = await factories.make_camp(session)
        detail = {"bill_fen": 9901, "our_fen": 9900}
        await service.open_case(session, kind, about=str(camp.id), summary="金额不一致", detail=detail, camp_id=camp.id)
        return camp


async def test_reading_and_resolving(db: Database, manager: Desk) -> None:
    camp = await opened(db)
    await opened(db, "bill_only_refund")
    data = await manager.ok("GET", "/reconciliation-cases", params={"kind": "payment_amount"})
    [row] = data["items"]
    assert set(row) == {
        "id", "kind", "status", "summary", "detail", "camp_id", "payment_id", "refund_id", "created_at",
        "resolved_at", "resolved_by_name", "resolution",
    }  # fmt: skip
    assert (row["status"], row["camp_id"], row["detail"]) == ("open", str(camp.id), {"bill_fen": 9901, "our_fen": 9900})

    path = f"/reconciliation-cases/{row['id']}/resolve"
    assert await manager.bad_fields("POST", path, json={"note": " "}) == {"note"}
    done = await manager.ok("POST", path, json={"note": "已与微信核对"})
    assert (done["status"], done["resolution"], done["resolved_by_name"]) == (
        "resolved",
        "已与微信核对",
        manager.staff.display_name,
    )
    await manager.refused(409, "case_already_resolved", "POST", path, json={"note": "又一次"})
    await manager.refused(404, "not_found", "POST", f"/reconciliation-cases/{NOBODY}/resolve", json={"note": "没有"})

    still_open = await manager.ok("GET", "/reconciliation-cases", params={"status": "open"})
    assert [case["kind"] for case in still_open["items"]] == ["bill_only_refund"]
    resolved = await manager.ok("GET", "/reconciliation-cases", params={"status": "resolved"})
    assert resolved["items"][0]["resolved_by_name"] == manager.staff.display_name
    assert (await manager.ok("GET", "/reconciliation-cases", params={"camp_id": str(camp.id)}))["total"] == 1
    assert await manager.bad_fields("GET", "/reconciliation-cases", params={"status": "nonsense"}) == {"status"}


async def test_only_managers_and_above(db: Database, desk: NewDesk, client: httpx.AsyncClient) -> None:
    await opened(db)
    assert (await client.get("/api/admin/reconciliation-cases")).status_code == 401
    for role in (StaffRole.COACH, StaffRole.VOLUNTEER):
        person = await desk(role)
        await person.refused(403, "forbidden", "GET", "/reconciliation-cases")
        await person.refused(403, "forbidden", "POST", f"/reconciliation-cases/{NOBODY}/resolve", json={"note": "x"})
    await (await desk(StaffRole.SUPER_ADMIN)).ok("GET", "/reconciliation-cases")
