"""A house of 300 members: every page and sheet that shows 已达标 or 判定 gives the same number (design §11).

What is expected is counted here, plainly, from the facts that were written; nothing of the product's rules is asked.
"""

import csv
import datetime as dt
import io
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.eligibility import service as eligibility
from backend.core.actor import SYSTEM
from backend.core.db import Database
from backend.models.camps import Camp, CampStatus
from backend.models.grants import DayGrant, GrantKind
from backend.models.imports import ImportedTotal
from backend.models.members import MatchStatus, Member
from backend.money.refunds import lists
from tests import factories
from tests.api.desk import Desk
from tests.community.eligibility.test_recount import DURING, counted, synced, whole_sheet
from tests.conftest import Time

FIRST = dt.date(2026, 2, 10)
NEEDED, PAID = 7, 9900
PRO_RATA = {"version": 2, "payout": {"kind": "pro_rata", "min": 3, "full_at": 9, "step_fen": 100}}
WORDS = {
    "eligible": "符合",
    "partial": "部分退还",
    "needs_confirmation": "需人工确认",
    "not_eligible": "不符合",
    None: "",
}
STANDINGS = {"not_started": "未开始", "in_progress": "进行中", "reached": "已达标", "out_of_reach": "已无法达标"}


@dataclass
class Expected:
    """What everybody should say of one member."""

    standing: str
    verdict: str | None
    days: int


@dataclass
class House:
    camps: dict[str, Camp] = field(default_factory=dict)
    members: dict[str, tuple[str, Expected]] = field(default_factory=dict)

    def of(self, *names: str) -> list[Expected]:
        return [expected for name, expected in self.members.values() if name in names]


def judged(camp: str, posts: int, ranking: int, *, granted: int, confidence: int, sheet: int | None) -> Expected:
    """The rules of the reference in the plainest words, for a camp whose end was seen."""

    def fen(days: int) -> int:
        if camp == "rata":
            return 0 if days < 3 else PAID if days >= 9 else PAID * days // 9 // 100 * 100
        return PAID if days >= NEEDED else 0

    by_posts, by_ranking = fen(posts + granted), fen(ranking + granted)
    by_sheet = fen(sheet + granted) if sheet is not None else 0
    doubt = confidence < 100 or by_posts != by_ranking or by_sheet > by_posts
    certain, most = min(by_posts, by_ranking), max(by_posts, by_ranking, by_sheet)
    standing = "reached" if certain == PAID else "out_of_reach" if most < PAID else "in_progress"
    plain = "eligible" if by_posts == PAID else "partial" if by_posts else "not_eligible"
    return Expected(standing, "needs_confirmation" if doubt else plain, posts + granted)


def running(posts: int, ranking: int, sheet: int | None) -> Expected:
    """Five of ten days are over and seen; five are to come. By a sheet a person may still let the money go."""
    most = max(posts, ranking, sheet or 0) + 5
    standing = "reached" if min(posts, ranking) >= NEEDED else "out_of_reach" if most < NEEDED else None
    return Expected(standing or "in_progress", None, posts)


async def build(session: AsyncSession, dice: random.Random) -> House:
    house = House()
    planet = await factories.make_planet(session)
    shapes: dict[str, dict[str, Any]] = {
        "over": {"status": CampStatus.ENDED, "starts_on": FIRST},
        "rata": {"status": CampStatus.ENDED, "starts_on": FIRST, "refund_policy": PRO_RATA},
        "running": {"status": CampStatus.ONGOING, "starts_on": dt.date(2026, 2, 24)},
        "coming": {"status": CampStatus.ENROLLING, "starts_on": dt.date(2026, 3, 20)},
        "sheet": {"status": CampStatus.ENDED, "starts_on": FIRST},
    }
    for name, shape in shapes.items():
        house.camps[name] = await factories.make_camp(session, planet_id=planet.id, name=f"{name} 营", **shape)
    runs = {
        "over": await synced(session, house.camps["over"]),
        "rata": await synced(session, house.camps["rata"]),
        "running": await synced(
            session, house.camps["running"], at=dt.datetime.fromisoformat("2026-03-01T01:00+08:00")
        ),
        "sheet": await synced(session, house.camps["sheet"], at=DURING),
    }
    sheet = await whole_sheet(session, house.camps["sheet"])
    for _ in range(300):
        name = dice.choices(list(shapes), [6, 6, 3, 1, 2])[0]
        camp = house.camps[name]
        if name == "coming" or dice.random() < 0.1:
            member = await factories.make_member(
                session, camp, status=dice.choice([MatchStatus.UNMATCHED, MatchStatus.CONFLICT])
            )
            over = camp.status is CampStatus.ENDED
            standing = "not_started" if name == "coming" else "in_progress"
            house.members[str(member.id)] = (name, Expected(standing, "needs_confirmation" if over else None, 0))
            continue
        posts = dice.randint(0, 10 if name != "running" else 5)
        ranking = max(0, posts + dice.choice([0, 0, 0, 1, -1, 3])) if name != "running" else posts
        confidence = dice.choices([100, 66], [5, 1])[0]
        total = dice.choice([None, None, None, dice.randint(0, 10)])
        granted = dice.choice([0, 0, 0, 1, 2]) if name in ("over", "rata") and posts <= 8 else 0
        member = await counted(session, camp, runs[name], *range(posts), ranking=ranking, confidence=confidence)
        if total is not None or name == "sheet":
            total = total or 0
            session.add(
                ImportedTotal(camp_id=camp.id, planet_user_id=member.planet_user_id, days=total, import_id=sheet.id)
            )
        for offset in range(posts, posts + granted):
            day = camp.starts_on + dt.timedelta(days=offset)
            session.add(DayGrant(camp_id=camp.id, member_id=member.id, day=day, kind=GrantKind.COACH, reason="分享"))
        if name == "sheet":
            expected = Expected("in_progress", "needs_confirmation", max(total or 0, posts))
        elif name == "running":
            expected = running(posts, ranking, total)
        else:
            expected = judged(name, posts, ranking, granted=granted, confidence=confidence, sheet=total)
        house.members[str(member.id)] = (name, expected)
    await session.flush()
    for camp in house.camps.values():
        await eligibility.recount(session, camp)
    return house


async def every(desk: Desk, path: str, **params: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    rows: list[dict[str, Any]] = []
    while True:
        page = await desk.ok("GET", path, params={"page": len(rows) // 200 + 1, "page_size": 200, **params})
        rows += page["items"]
        if not page["items"] or len(rows) >= page["total"]:
            return rows


async def sheet_of(desk: Desk, path: str, **params: Any) -> list[dict[str, str]]:
    response = await desk.call("GET", path, params={"format": "csv", **params})
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
async def test_every_page_and_sheet_gives_the_same_number(db: Database, manager: Desk, time: Time, seed: int) -> None:
    async with db.transaction() as session:
        house = await build(session, random.Random(seed))
    everybody = [expected for _, expected in house.members.values()]
    by_standing = Counter(expected.standing for expected in everybody)
    by_verdict = Counter(expected.verdict for expected in everybody)
    assert set(by_standing) == set(STANDINGS)
    assert set(by_verdict) == set(WORDS)

    # The member list, its filters, its sheet, and each person's page.
    rows = await every(manager, "/members")
    shown = {row["id"]: (row["standing"], row["verdict"], row["days"]) for row in rows}
    assert shown == {key: (each.standing, each.verdict, each.days) for key, (_, each) in house.members.items()}
    for standing, count in by_standing.items():
        assert (await manager.ok("GET", "/members", params={"standing": standing}))["total"] == count
    for verdict, count in by_verdict.items():
        if verdict is not None:
            assert (await manager.ok("GET", "/members", params={"verdict": verdict}))["total"] == count
    exported = await sheet_of(manager, "/members/export")
    assert Counter(row["进度"] for row in exported) == {STANDINGS[key]: count for key, count in by_standing.items()}
    assert Counter(row["系统判定"] for row in exported) == {WORDS[key]: count for key, count in by_verdict.items()}
    for key in list(house.members)[:10]:
        detail = await manager.ok("GET", f"/members/{key}")
        assert (detail["standing"], detail["verdict"], detail["days"]) == shown[key]

    for name, camp in house.camps.items():
        of_camp = house.of(name)
        reached = sum(each.standing == "reached" for each in of_camp)
        verdicts = Counter(each.verdict for each in of_camp)
        # Check-in figures and ranking.
        stats = await manager.ok("GET", f"/camps/{camp.id}/checkin-stats")
        assert (stats["reached"], stats["members"]) == (reached, len(of_camp))
        places = await every(manager, f"/camps/{camp.id}/checkins/ranking")
        assert Counter(row["standing"] for row in places) == Counter(each.standing for each in of_camp)
        assert Counter(row["verdict"] for row in places) == verdicts
        # Settling and its sheet.
        settlement = await manager.ok("GET", f"/camps/{camp.id}/settlement")
        assert Counter(line["verdict"] for line in settlement["items"]) == verdicts
        assert Counter(line["standing"] for line in settlement["items"]) == Counter(each.standing for each in of_camp)
        lines = await sheet_of(manager, f"/camps/{camp.id}/settlement/export")
        assert Counter(row["系统判定"] for row in lines) == {WORDS[key]: count for key, count in verdicts.items()}

    # The workbench and the report.
    completion = (await manager.ok("GET", "/dashboard"))["completion"]
    assert completion["reached"] == by_standing["reached"]
    assert completion["partial"] == by_verdict["partial"]
    report = await manager.ok("GET", "/statistics/camp", params={"from": "2026-01-01", "to": "2026-12-31"})
    assert (report["overview"]["completed"], report["overview"]["partial"]) == (
        by_standing["reached"], by_verdict["partial"],
    )  # fmt: skip
    assert (report["states"]["completed"], report["states"]["partial"]) == (
        completion["reached"], completion["partial"],
    )  # fmt: skip

    # The refund list shows in each row what its member is judged.
    async with db.transaction() as session:
        for name in ("over", "rata", "sheet"):
            await lists.make_list(session, house.camps[name].id, actor=SYSTEM)
    waiting = await every(manager, "/refunds")
    assert {row["member_id"]: (row["verdict"], row["days"]) for row in waiting} == {
        key: (shown[key][1], shown[key][2]) for key in (row["member_id"] for row in waiting)
    }
    async with db.transaction() as session:
        members = (await session.scalars(select(Member))).all()
    owed = {str(member.id): member.entitled_fen for member in members if member.verdict and member.entitled_fen}
    assert {row["member_id"]: row["amount_fen"] for row in waiting} == owed
    for verdict in ("eligible", "partial", "needs_confirmation"):
        found = await every(manager, "/refunds", verdict=verdict)
        assert {row["id"] for row in found} == {row["id"] for row in waiting if row["verdict"] == verdict}
    summary = await manager.ok("GET", "/refunds/summary")
    assert summary["by_status"]["pending_review"] == {"count": len(owed), "sum_fen": sum(owed.values())}
    exported = await sheet_of(manager, "/refunds/export")
    assert Counter(row["系统判定"] for row in exported) == Counter(WORDS[row["verdict"]] for row in waiting)
