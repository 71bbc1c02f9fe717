"""退款记录: every refund of a person's payments."""

import datetime as dt
from typing import Any

import httpx
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.core import clock
from backend.core.actor import SYSTEM
from backend.models.payments import Excess
from backend.models.refunds import RefundKind, RefundStatus
from backend.money.refunds import service
from tests.api.h5.phone import Phone, phone_of
from tests.community.checkins.stage import Stage
from tests.factories import make_camp, make_member, make_payment, make_refund


async def test_refunds_are_listed_newest_first(stage: Stage, phone: Phone) -> None:
    member = await stage.member(payer=phone.payer)
    async with stage.runtime.db.transaction() as session:
        rejected = await make_refund(session, member, status=RefundStatus.REJECTED, reject_reason="打卡未达标", days=3)
    stage.time.advance(60)
    at = clock.now()
    async with stage.runtime.db.transaction() as session:
        paid = await make_refund(
            session, member, kind=RefundKind.EXCEPTION, status=RefundStatus.SUCCEEDED, amount_fen=500,
            reviewed_at=at, succeeded_at=at + dt.timedelta(hours=1), settled_offline=True, offline_note="内部备注",
        )  # fmt: skip
    found = await phone.ok("/refunds")
    assert (found["total"], found["page"], found["page_size"]) == (2, 1, 20)
    newest, oldest = found["items"]
    assert newest == {
        "id": str(paid.id),
        "camp": {
            "id": str(stage.camp.id),
            "name": stage.camp.name,
            "status": "ongoing",
            "deposit_fen": 9900,
            "starts_on": "2026-03-01",
            "ends_on": "2026-03-10",
        },
        "member_id": str(member.id),
        "kind": "exception",
        "status": "succeeded",
        "amount_fen": 500,
        "days": None,
        "required_days": None,
        "created_at": clock.shanghai(paid.created_at).isoformat(),
        "reviewed_at": clock.shanghai(at).isoformat(),
        "succeeded_at": clock.shanghai(at + dt.timedelta(hours=1)).isoformat(),
        "reject_reason": None,
        "settled_offline": True,
    }
    assert (oldest["id"], oldest["reject_reason"], oldest["days"]) == (str(rejected.id), "打卡未达标", 3)
    second = await phone.ok("/refunds", params={"page": 2, "page_size": 1})
    assert ([row["id"] for row in second["items"]], second["total"]) == ([str(rejected.id)], 2)


async def test_money_without_a_place_is_listed_too(stage: Stage, phone: Phone) -> None:
    async with stage.runtime.db.transaction() as session:
        payment = await make_payment(session, stage.camp, phone.payer, paid=True, excess=Excess.CAMP_FULL)
        await service.open_extra(
            session, payment=payment, kind=RefundKind.DUPLICATE, amount_fen=9900, reason="名额已满",
            actor=SYSTEM,
        )  # fmt: skip
    (row,) = (await phone.ok("/refunds"))["items"]
    assert (row["kind"], row["status"], row["member_id"], row["days"]) == ("duplicate", "pending_review", None, None)


async def test_only_the_person_s_own_are_listed(
    stage: Stage, phone: Phone, stranger: Phone, guest: Phone, client: httpx.AsyncClient
) -> None:
    paying_guest = await phone_of(stage, client)
    async with stage.runtime.db.transaction() as session:
        payment = await make_payment(session, stage.camp, paying_guest.payer, paid=True, openid="o-lin")
        refund = await make_refund(session, await make_member(session, stage.camp, payment=payment))
    for owner in (paying_guest, phone):
        assert [row["id"] for row in (await owner.ok("/refunds"))["items"]] == [str(refund.id)]
    for other in (stranger, guest):
        assert await other.ok("/refunds") == {"items": [], "total": 0, "page": 1, "page_size": 20}


async def test_a_longer_list_costs_no_more_statements(stage: Stage, phone: Phone, engine: AsyncEngine) -> None:
    async def statements(path: str) -> int:
        seen: list[Any] = []

        def count(*arguments: Any) -> None:
            if arguments[2].startswith("SELECT"):
                seen.append(arguments[2])

        event.listen(engine.sync_engine, "before_cursor_execute", count)
        await phone.ok(path)
        event.remove(engine.sync_engine, "before_cursor_execute", count)
        return len(seen)

    async def one_more() -> None:
        async with stage.runtime.db.transaction() as session:
            await make_refund(session, await make_member(session, await make_camp(session), phone.payer))

    await one_more()
    first = {path: await statements(path) for path in ("/refunds", "/me", "/messages")}
    assert min(first.values()) > 0
    for _ in range(3):
        await one_more()
    assert {path: await statements(path) for path in first} == first
