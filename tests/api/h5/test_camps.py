"""What members see of camps, without a log-in."""

import datetime as dt
from typing import Any

import httpx
import pytest

from backend.core import clock
from backend.core.db import Database
from backend.models.camps import CampStatus
from backend.models.uploads import UploadKind
from tests.conftest import Time
from tests.factories import make_camp, make_member, make_payment, make_upload

FIELDS = {
    "id", "name", "description", "poster_url", "deposit_fen", "capacity", "enrolled", "places_left", "enroll_opens_at",
    "enroll_closes_at", "starts_on", "ends_on", "total_days", "required_days", "rule", "status",
    "enroll_state", "refund_promise",
}  # fmt: skip


async def read(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    response = await client.get(f"/api/h5/camps{path}", params=query)
    assert response.status_code == 200, response.text
    return response.json()["data"]


async def test_a_camp_shows_what_a_member_needs_and_nothing_else(client: httpx.AsyncClient, db: Database) -> None:
    async with db.transaction() as session:
        poster = await make_upload(session, UploadKind.POSTER)
        qr = await make_upload(session, UploadKind.GROUP_QR)
        camp = await make_camp(session, capacity=4, poster_key=poster.key, group_qr_key=qr.key)
        await make_member(session, camp)
        await make_payment(session, camp)
    found = await read(client, f"/{camp.id}")
    assert set(found) == FIELDS  # no group QR: B9 and §3.5
    assert found["poster_url"] == f"http://testserver/media/{poster.key}"
    assert (found["enrolled"], found["places_left"], found["enroll_state"]) == (1, 2, "open")
    assert (await read(client, ""))["items"] == [found]


async def test_the_list_has_camps_to_join_and_running_ones_newest_first(
    client: httpx.AsyncClient, db: Database
) -> None:
    later = clock.now() + dt.timedelta(hours=1)
    async with db.transaction() as session:
        running = await make_camp(session, status=CampStatus.ONGOING)
        soon = await make_camp(session, enroll_opens_at=later)
        for status in ("draft", "ended", "settling", "archived"):
            await make_camp(session, status=status)
        await make_camp(session, deleted_at=clock.now())
    found = await read(client, "")
    assert [(camp["id"], camp["enroll_state"]) for camp in found["items"]] == [
        (str(soon.id), "not_open"),
        (str(running.id), "closed"),
    ]
    second = await read(client, "", page=2, page_size=1)
    assert [camp["id"] for camp in second["items"]] == [str(running.id)]
    assert second["total"] == 2


async def test_the_list_can_be_had_by_state(client: httpx.AsyncClient, db: Database) -> None:
    async with db.transaction() as session:
        running = await make_camp(session, status=CampStatus.ONGOING)
        open_now = await make_camp(session)
    for status, ids in [
        (["ongoing"], [running.id]),
        (["enrolling"], [open_now.id]),
        (["ongoing", "enrolling"], [open_now.id, running.id]),
    ]:
        found = await read(client, "", status=status)
        assert ([camp["id"] for camp in found["items"]], found["total"]) == ([str(each) for each in ids], len(ids))
    # Drafts are nobody's business, and a misspelt filter must not look like an empty list.
    for wrong in ("draft", "ended", ""):
        response = await client.get("/api/h5/camps", params={"status": wrong})
        assert (response.status_code, response.json()["code"]) == (422, "validation_error")


async def test_pending_orders_hold_seats(client: httpx.AsyncClient, db: Database) -> None:
    async with db.transaction() as session:
        camp = await make_camp(session, capacity=2)
        await make_member(session, camp)
        await make_payment(session, camp)
    found = await read(client, f"/{camp.id}")
    assert (found["places_left"], found["enroll_state"]) == (0, "full")


async def test_enrolment_opens_and_closes_by_the_clock(client: httpx.AsyncClient, db: Database, time: Time) -> None:
    async with db.transaction() as session:
        camp = await make_camp(
            session,
            starts_on=dt.date(2026, 3, 10),
            enroll_opens_at=dt.datetime(2026, 3, 2, tzinfo=clock.SHANGHAI),
            enroll_closes_at=dt.datetime(2026, 3, 9, 23, 59, 59, tzinfo=clock.SHANGHAI),
        )
    for instant, state in [
        ("2026-03-01 23:59", "not_open"),
        ("2026-03-02 00:00", "open"),
        ("2026-03-09 23:59", "open"),
        ("2026-03-10 00:00", "closed"),
    ]:
        time.set(instant)
        assert (await read(client, f"/{camp.id}"))["enroll_state"] == state


@pytest.mark.parametrize("status", ["ended", "settling", "archived"])
async def test_members_come_back_to_a_camp_that_is_over(client: httpx.AsyncClient, db: Database, status: str) -> None:
    async with db.transaction() as session:
        camp = await make_camp(session, status=status)
    assert (await read(client, f"/{camp.id}"))["status"] == status


async def test_drafts_deleted_and_unknown_camps_are_not_found(client: httpx.AsyncClient, db: Database) -> None:
    async with db.transaction() as session:
        draft = await make_camp(session, status=CampStatus.DRAFT)
        deleted = await make_camp(session, deleted_at=clock.now())
    for camp_id in (draft.id, deleted.id, "00000000-0000-7000-8000-000000000000", "12"):
        response = await client.get(f"/api/h5/camps/{camp_id}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
