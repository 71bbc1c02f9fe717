"""Every figure of the reports against a plain count over generated rows; ranges, order, pages, and whose camps."""

import datetime as dt
from collections import Counter
from typing import Any

import pytest

from backend.core.db import Database
from backend.models.camps import CampStatus
from backend.models.staff import StaffRole
from tests import factories
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.conftest import Time
from tests.desk.reports import brute, house
from tests.desk.reports.house import FIRST, LAST, House

FEBRUARY = {"from": FIRST.isoformat(), "to": LAST.isoformat()}
SEEDS = range(4)


async def built(db: Database, seed: int) -> tuple[House, list[Any]]:
    async with db.transaction() as session:
        coaches = await house.two_coaches(session)
        return await house.build(session, seed, coaches), coaches


def in_february(made: House) -> list[Any]:
    return [camp for camp in brute.real_camps(made) if FIRST <= camp.starts_on <= LAST]


def same(row: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {name: row[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_camp_and_all_together(db: Database, manager: Desk, seed: int) -> None:
    made, _ = await built(db, seed)
    camps, ids = in_february(made), {camp.id for camp in made.camps}
    data = await manager.ok("GET", "/statistics/camp", params=FEBRUARY)
    assert data["range"] == FEBRUARY
    assert {row["camp_id"] for row in data["items"]} == {str(camp.id) for camp in camps}
    assert (data["total"], data["overview"]["camps"]) == (len(camps), len(camps))
    by_id = {str(camp.id): camp for camp in camps}
    for row in data["items"]:
        camp = by_id[row["camp_id"]]
        same(row, brute.figures(made, [camp]) | brute.last_day(made, camp))
        assert (row["camp_name"], row["total_days"]) == (camp.name, camp.total_days)
    same(data["overview"], brute.figures(made, camps) | brute.moved(made, FIRST, LAST, ids))
    assert data["states"] == brute.states(made, camps)


@pytest.mark.parametrize("seed", SEEDS)
async def test_members_by_days(db: Database, manager: Desk, seed: int) -> None:
    made, _ = await built(db, seed)
    camps = {camp.id: camp for camp in in_february(made)}
    counted = Counter(brute.days_of(m, camps[m.camp_id]) for m in made.members if m.camp_id in camps)
    buckets = (await manager.ok("GET", "/statistics/camp", params=FEBRUARY))["days"]
    for bucket in buckets:
        within = range(bucket["from_days"], bucket["to_days"] + 1)
        assert bucket["count"] == sum(counted[days] for days in within)
    assert sum(bucket["count"] for bucket in buckets) == counted.total()


@pytest.mark.parametrize("seed", SEEDS)
async def test_months(db: Database, manager: Desk, seed: int) -> None:
    """Twelve months at least, so that January and December are told of when February is asked for."""
    made, _ = await built(db, seed)
    ids = {camp.id for camp in made.camps}
    months = (await manager.ok("GET", "/statistics/camp", params=FEBRUARY))["months"]
    names = [month["month"] for month in months]
    assert names == sorted(names)
    assert "2025-01" not in names  # more than a year ago
    assert "2026-03" not in names
    seen = {"enrolled": 0, "income_fen": 0, "refunded_fen": 0}
    for month in months:
        year, number = map(int, month["month"].split("-"))
        begun = [c for c in brute.real_camps(made) if (c.starts_on.year, c.starts_on.month) == (year, number)]
        first = dt.date(year, number, 1)
        last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
        same(month, brute.figures(made, begun) | brute.moved(made, first, last, ids))
        assert month["camps"] == len(begun)
        seen = {name: seen[name] + month[name] for name in seen}
    window = dt.date(2025, 3, 1), LAST
    same(seen, {k: v for k, v in brute.moved(made, *window, ids).items() if k in seen})
    recent = [camp for camp in brute.real_camps(made) if window[0] <= camp.starts_on <= LAST]
    assert seen["enrolled"] == brute.figures(made, recent)["enrolled"]


@pytest.mark.parametrize("seed", SEEDS)
async def test_coaches_count_only_their_own_camps(db: Database, desk: NewDesk, seed: int) -> None:
    me = await desk(StaffRole.COACH)
    async with db.transaction() as session:
        made = await house.build(session, seed, [me.staff, *(await house.two_coaches(session))])
    mine = made.leads.get(me.staff.id, set())
    camps = [camp for camp in in_february(made) if camp.id in mine]
    data = await me.ok("GET", "/statistics/camp", params=FEBRUARY)
    assert {row["camp_id"] for row in data["items"]} == {str(camp.id) for camp in camps}
    same(data["overview"], brute.figures(made, camps) | brute.moved(made, FIRST, LAST, mine))
    assert data["states"] == brute.states(made, camps)
    for month in data["months"]:
        year, number = map(int, month["month"].split("-"))
        begun = [c for c in brute.real_camps(made) if c.id in mine]
        begun = [c for c in begun if (c.starts_on.year, c.starts_on.month) == (year, number)]
        assert month["enrolled"] == brute.figures(made, begun)["enrolled"]
    others = [camp for camp in brute.real_camps(made) if camp.id not in mine]
    if others:
        path = "/statistics/camp/comparison"
        await me.refused(403, "forbidden", "GET", path, params={"camp_id": str(others[0].id)})


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_coaches_did(db: Database, manager: Desk, seed: int) -> None:
    made, coaches = await built(db, seed)
    rows = (await manager.ok("GET", "/statistics/coaches", params=FEBRUARY))["items"]
    by_id = {row["staff_id"]: row for row in rows}
    for coach in coaches:
        camps = [camp for camp in in_february(made) if camp.id in made.leads.get(coach.id, set())]
        reviews = [
            refund
            for refund in made.refunds
            if refund.reviewer_id == coach.id and refund.reviewed_at and FIRST <= _day(refund.reviewed_at) <= LAST
        ]
        if not camps and not reviews:
            assert str(coach.id) not in by_id
            continue
        row = by_id[str(coach.id)]
        same(row, brute.figures(made, camps))
        hours = [(r.reviewed_at - r.created_at).total_seconds() / 3600 for r in reviews if r.reviewed_at]
        assert (row["camps"], row["reviews"]) == (len(camps), len(reviews))
        assert row["rejections"] == sum(refund.status == "rejected" for refund in reviews)
        assert row["review_hours"] == (pytest.approx(sum(hours) / len(hours)) if hours else None)


def _day(instant: dt.datetime) -> dt.date:
    return instant.astimezone(dt.timezone(dt.timedelta(hours=8))).date()


async def test_a_coach_sees_the_own_row_alone(db: Database, desk: NewDesk) -> None:
    me = await desk(StaffRole.COACH)
    async with db.transaction() as session:
        other = await factories.make_staff(session, StaffRole.COACH)
        camp = await factories.make_camp(session, status=CampStatus.ONGOING)
        for coach in (me.staff, other):
            await factories.assign(session, camp, coach)
        await factories.make_member(session, camp)
    [row] = (await me.ok("GET", "/statistics/coaches"))["items"]
    assert (row["staff_id"], row["camps"], row["enrolled"]) == (str(me.staff.id), 1, 1)


async def test_a_deal_nobody_can_read_counts_as_no_attendance(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        camp = await factories.make_camp(session, starts_on=FIRST, status=CampStatus.ENDED)
        fields: dict[str, Any] = {"days_ranking": 7, "days_posts": 7}
        await factories.make_member(session, camp, planet_user_id="1", **fields)
        await factories.make_member(session, camp, planet_user_id="2", required_days=None, **fields)
    [row] = (await manager.ok("GET", "/statistics/camp", params=FEBRUARY))["items"]
    assert (row["enrolled"], row["average_rate"]) == (2, pytest.approx(0.5))
    stats = await manager.ok("GET", f"/camps/{camp.id}/checkin-stats")
    assert stats["average_rate"] == pytest.approx(0.5)


async def test_order_and_pages(db: Database, manager: Desk) -> None:
    """Camps without members have no rate, and stand last whichever way the rates are ordered."""
    async with db.transaction() as session:
        for joined, others, name in ((1, 0, "全"), (1, 1, "半"), (0, 2, "无"), (0, 0, "空")):
            camp = await factories.make_camp(session, starts_on=FIRST, name=name)
            for is_joined in [True] * joined + [False] * others:
                await factories.make_member(session, camp, joined=is_joined)

    async def names(**query: Any) -> list[str]:
        found = await manager.ok("GET", "/statistics/camp", params=FEBRUARY | query)
        return [row["camp_name"] for row in found["items"]]

    assert await names(sort="joined_rate", order="desc") == ["全", "半", "无", "空"]
    assert await names(sort="joined_rate", order="asc") == ["无", "半", "全", "空"]
    assert await names(sort="enrolled", order="asc") == ["空", "全", *[n for n in await names() if n in "半无"]]
    assert await names(sort="income_fen", page=2, page_size=3) == ["空"]
    assert await names(page=3) == []
    assert await manager.bad_fields("GET", "/statistics/camp", params={"sort": "secret"}) == {"sort"}
    assert await manager.bad_fields("GET", "/statistics/camp", params={"order": "up"}) == {"order"}


async def test_nothing_is_null_and_not_zero_percent(db: Database, manager: Desk) -> None:
    data = await manager.ok("GET", "/statistics/camp", params=FEBRUARY)
    overview = data["overview"]
    assert {name: value for name, value in overview.items() if name.endswith("_rate")} == {
        name: None for name in overview if name.endswith("_rate")
    }
    assert (overview["camps"], overview["enrolled"], overview["income_fen"], overview["net_fen"]) == (0, 0, 0, 0)
    assert (data["items"], data["months"], data["days"]) == ([], [], [])


async def test_the_range(desk: NewDesk, time: Time) -> None:
    manager = await desk(StaffRole.MANAGER)

    async def asked(**query: str) -> dict[str, str]:
        found: dict[str, str] = (await manager.ok("GET", "/statistics/camp", params=query))["range"]
        return found

    assert await asked() == {"from": "2026-03-01", "to": "2026-03-31"}
    assert await asked(**{"from": "2026-02-10"}) == {"from": "2026-02-10", "to": "2026-02-28"}
    assert await asked(to="2026-01-15") == {"from": "2026-01-01", "to": "2026-01-15"}
    assert await asked(**{"from": "1900-01-01", "to": "2999-12-31"}) == {"from": "1900-01-01", "to": "2999-12-31"}
    for bad in ({"from": "2026-02-10", "to": "2026-02-09"}, {"to": "31.12."}):
        assert await manager.bad_fields("GET", "/statistics/camp", params=bad) == {"to"}
    # A Shanghai night is still yesterday in UTC.
    time.set("2026-04-01 00:30")
    manager = await desk(StaffRole.MANAGER)
    assert await asked() == {"from": "2026-04-01", "to": "2026-04-30"}


async def test_a_few_camps_side_by_side(db: Database, manager: Desk) -> None:
    async with db.transaction() as session:
        one, two = [await factories.make_camp(session) for _ in range(2)]
        draft = await factories.make_camp(session, status=CampStatus.DRAFT)
        await factories.make_member(session, two)
    path = "/statistics/camp/comparison"
    found = await manager.ok("GET", path, params={"camp_id": [str(two.id), str(one.id), str(two.id)]})
    assert [(row["camp_id"], row["enrolled"]) for row in found["items"]] == [(str(two.id), 1), (str(one.id), 0)]
    await manager.refused(404, "not_found", "GET", path, params={"camp_id": str(draft.id)})
    await manager.refused(404, "not_found", "GET", path, params={"camp_id": "x"})
    for number in (0, 6):
        assert await manager.bad_fields("GET", path, params={"camp_id": [str(one.id)] * number}) == {"camp_id"}


@pytest.mark.parametrize(
    ("role", "sees"),
    [(StaffRole.SUPER_ADMIN, True), (StaffRole.MANAGER, True), (StaffRole.COACH, True), (StaffRole.VOLUNTEER, False)],
)
async def test_who_sees_reports(desk: NewDesk, role: StaffRole, *, sees: bool) -> None:
    person = await desk(role)
    for path in ("/statistics/camp", "/statistics/coaches"):
        response = await person.call("GET", path)
        assert response.status_code == (200 if sees else 403)
