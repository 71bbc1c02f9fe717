"""Composing a deal: what a form can offer, what it would pay, what contradicts itself, and who may."""

import datetime as dt
from typing import Any

import httpx
import pytest

from backend.core.db import Database
from backend.core.ids import new_id
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import CheckinSource
from backend.models.members import MatchStatus
from backend.models.staff import StaffRole
from tests import factories
from tests.api.conftest import NewDesk
from tests.api.desk import Desk
from tests.community.eligibility.test_recount import checked

PREVIEW = "/camps/preview-policy"
# Ten days from 10 to 19 March, ¥299.
DRAFT: dict[str, Any] = {"starts_on": "2026-03-10", "ends_on": "2026-03-19", "deposit_fen": 29_900}
PRO_RATA = {"kind": "pro_rata", "min": 6, "full_at": 9, "step_fen": 10}


def deal(*conditions: dict[str, Any], payout: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {"version": 2, "conditions": list(conditions), "payout": payout or {"kind": "all"}, **fields}


def at_least(days: int) -> dict[str, Any]:
    return {"kind": "days_at_least", "days": days}


async def previewed(desk: Desk, **changes: Any) -> dict[str, Any]:
    data = await desk.ok("POST", PREVIEW, json=DRAFT | changes)
    assert isinstance(data, dict)
    return data


def amounts(data: dict[str, Any]) -> list[int]:
    assert [step["days"] for step in data["amounts"]] == list(range(data["countable_days"] + 1))
    return [step["amount_fen"] for step in data["amounts"]]


async def test_everything_a_form_can_offer(manager: Desk) -> None:
    data = await manager.ok("GET", "/policies/kinds")
    conditions = {form["kind"]: form for form in data["conditions"]}
    payouts = {form["kind"]: form for form in data["payouts"]}
    # A new kind comes after these and breaks nothing here.
    assert list(conditions)[:4] == ["days_at_least", "every_week_at_least", "no_gap_over", "must_days"]
    assert list(payouts)[:4] == ["all", "pro_rata", "tiers", "per_miss"]
    for form in (*conditions.values(), *payouts.values()):
        assert form["label"]
        assert all(field["label"] and field["unit"] for field in form["fields"])
    assert [(field["name"], field["unit"]) for field in payouts["pro_rata"]["fields"]] == [
        ("min", "days"), ("full_at", "days"), ("step_fen", "step"),
    ]  # fmt: skip
    assert [field["unit"] for field in conditions["must_days"]["fields"]] == ["dates"]
    assert payouts["all"]["fields"] == []


async def test_without_a_deal_the_default_is_shown(manager: Desk) -> None:
    data = await previewed(manager)
    assert data["refund_policy"] == deal(at_least(7), counting={}, fee_fen=0)
    assert (data["problems"], data["required_days"], data["countable_days"]) == ([], 7, 10)
    assert amounts(data) == [0] * 7 + [29_900] * 4
    assert data["rule"]["short"] == "10 天累计打卡满 7 天，全额退还"
    assert (data["rule"]["fee_fen"], bool(data["rule"]["full"])) == (0, True)
    assert {(each["days"] >= 7, each["amount_fen"]) for each in data["rule"]["examples"]} == {
        (True, 29_900), (False, 0),
    }  # fmt: skip
    assert data["cliff"] == {"fen": 29_900, "percent_of_deposit": 100, "from_days": 7, "to_days": 6}
    assert [warning["code"] for warning in data["warnings"]] == ["cliff"]
    rehearsal = data["rehearsal"]
    assert (rehearsal["camp_id"], rehearsal["camp_name"], rehearsal["people"]) == (None, None, 100)
    assert rehearsal["sum_fen"] + rehearsal["kept_fen"] + rehearsal["fee_fen"] == 100 * 29_900
    assert sum(row["people"] for row in rehearsal["by_amount"]) == 100
    assert sum(row["people"] * row["amount_fen"] for row in rehearsal["by_amount"]) == rehearsal["sum_fen"]


async def test_each_template_can_be_taken_as_it_is(manager: Desk) -> None:
    found = {row["code"]: row for row in (await previewed(manager))["templates"]}
    assert list(found) == ["threshold", "pro_rata", "tiers", "per_miss"]
    assert [code for code, row in found.items() if row["is_default"]] == ["threshold"]
    assert [code for code, row in found.items() if row["is_recommended"]] == ["pro_rata"]
    # 29900 by 9 days, each rounded down to a jiao; 10 % of ¥299 rounded up to a yuan.
    expected = {
        "threshold": [0] * 7 + [29_900] * 4,
        "pro_rata": [0] * 6 + [19_930, 23_250, 26_570, 29_900, 29_900],
        "tiers": [0] * 6 + [14_950, 14_950, 22_425, 29_900, 29_900],
        "per_miss": [29_900 - missed * 3_000 if missed < 10 else 0 for missed in range(10, -1, -1)],
    }
    for code, row in found.items():
        data = await previewed(manager, refund_policy=row["refund_policy"])
        assert (data["problems"], data["refund_policy"]) == ([], row["refund_policy"]), code
        assert amounts(data) == expected[code], code
        assert (data["warnings"] == []) == (code != "threshold")


async def test_templates_keep_how_days_are_counted_and_the_fee(manager: Desk) -> None:
    mine = deal(at_least(3), counting={"rest_weekdays": [6, 7]}, fee_fen=900)
    data = await previewed(manager, refund_policy=mine)
    # 14 and 15 March are a weekend.
    assert (data["countable_days"], data["rule"]["fee_fen"]) == (8, 900)
    assert amounts(data) == [0] * 3 + [29_000] * 6
    for row in data["templates"]:
        assert (row["refund_policy"]["counting"], row["refund_policy"]["fee_fen"]) == (mine["counting"], 900)


async def test_the_first_version_is_read_as_the_second(manager: Desk) -> None:
    data = await previewed(manager, refund_policy={"kind": "threshold", "required_days": 8})
    assert (data["refund_policy"], data["required_days"]) == (deal(at_least(8), counting={}, fee_fen=0), 8)


MUST = {"kind": "must_days", "dates": ["2026-03-09"]}
WRONG: dict[str, tuple[dict[str, Any], set[str]]] = {
    "more days than the camp has": (deal(at_least(11)), {"conditions.0.days"}),
    "more days than count": (deal(at_least(9), counting={"rest_weekdays": [6, 7]}), {"conditions.0.days"}),
    "all back from more days than count": (deal(payout=PRO_RATA | {"full_at": 11}), {"payout.full_at"}),
    "begins after all is back": (deal(payout=PRO_RATA | {"min": 10}), {"payout.min"}),
    "days do not rise": (deal(payout={"kind": "tiers", "tiers": [[6, 50], [6, 100]]}), {"payout.tiers"}),
    "shares do not rise": (deal(payout={"kind": "tiers", "tiers": [[6, 100], [8, 100]]}), {"payout.tiers"}),
    "the last tier is not all": (deal(payout={"kind": "tiers", "tiers": [[6, 50], [8, 90]]}), {"payout.tiers"}),
    "a fee over half": (deal(at_least(7), fee_fen=14_951), {"fee_fen"}),
    "a must-day outside the camp": (deal(MUST), {"conditions.0.dates"}),
    "a must-day that rests": (
        deal(MUST | {"dates": ["2026-03-14"]}, counting={"rest_weekdays": [6]}), {"conditions.0.dates"},
    ),
    "a rest day outside the camp": (
        deal(at_least(7), counting={"rest_dates": ["2026-03-20"]}), {"counting.rest_dates"},
    ),
    "no day counts": (
        deal(at_least(1), counting={"rest_weekdays": [1, 2, 3, 4, 5, 6], "rest_dates": ["2026-03-15"]}), {"counting"},
    ),
    "every weekday rests": (
        deal(at_least(1), counting={"rest_weekdays": [1, 2, 3, 4, 5, 6, 7]}), {"counting.rest_weekdays"},
    ),
    "a gap as long as the camp": (deal({"kind": "no_gap_over", "days": 10}), {"conditions.0.days"}),
    "more asked than brings all": (deal(at_least(10), payout=PRO_RATA), {"conditions.0.days"}),
    "a step that is never reached": (deal(at_least(8), payout=PRO_RATA), {"payout.min"}),
    "all for nothing": (deal(), {"conditions"}),
    "a miss that costs more than the deposit": (
        deal(payout={"kind": "per_miss", "deduct_fen": 29_901}), {"payout.deduct_fen"},
    ),
    "an unknown kind of condition": (deal({"kind": "luck"}), {"conditions.0.kind"}),
    "an unknown kind of payout": (deal(payout={"kind": "lottery"}), {"payout.kind"}),
    "the same condition twice": (deal(at_least(3), at_least(4)), {"conditions"}),
    "a field nobody knows": (deal(at_least(7), colour="red"), {"colour"}),
    "another field of a kind": (deal(at_least(7) | {"day": 1}), {"conditions.0.day"}),
    "a number as text": (deal({"kind": "days_at_least", "days": "7"}), {"conditions.0.days"}),
    "another version": ({"version": 3}, {"version"}),
    "no version": ({"payout": {"kind": "all"}}, {"version"}),
    "several at once": (
        deal(at_least(11), payout={"kind": "tiers", "tiers": [[6, 50], [8, 90]]}, fee_fen=15_000),
        {"conditions.0.days", "payout.tiers", "fee_fen"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
async def test_what_contradicts_itself_is_said_at_its_field(manager: Desk, name: str) -> None:
    policy, fields = WRONG[name]
    data = await previewed(manager, refund_policy=policy)
    assert {problem["field"] for problem in data["problems"]} == fields
    assert all(problem["message"] for problem in data["problems"])
    for shown in ("rule", "cliff", "rehearsal", "required_days", "countable_days"):
        assert data[shown] is None
    assert (data["amounts"], data["warnings"]) == ([], [])
    assert "threshold" in {row["code"] for row in data["templates"]}
    # Saving the same says the same, at the fields of the form.
    body = DRAFT | {"name": "三月营", "refund_policy": policy}
    saved = await manager.bad_fields("POST", "/camps", json=body)
    # Without a version it is taken for the first one, which has a single field of the form.
    assert saved == {f"refund_policy.{field}" for field in fields} or saved == {"required_days"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ends_on": "2026-03-09"}, "ends_on"),
        ({"ends_on": "9999-12-31"}, "ends_on"),
        ({"starts_on": "tomorrow"}, "starts_on"),
        ({"deposit_fen": 0}, "deposit_fen"),
        ({"refund_policy": []}, "refund_policy"),
    ],
)
async def test_bad_fields_are_named(manager: Desk, change: dict[str, Any], field: str) -> None:
    assert await manager.bad_fields("POST", PREVIEW, json=DRAFT | change) == {field}


# A rehearsal with people as they really were.


@pytest.fixture
async def finished(db: Database) -> Camp:
    """Ten days from 10 February: 安娜 was there on all, 阿波 on the last 7, 小陈 on 6 by number, 无名 is nobody's."""
    async with db.transaction() as session:
        camp = await factories.make_camp(
            session, name="二月营", starts_on=dt.date(2026, 2, 10), status=CampStatus.ARCHIVED
        )
        for name, offsets in (("安娜", range(10)), ("阿波", range(3, 10))):
            user_id = factories._unique()
            await factories.make_member(session, camp, planet_nickname=name, planet_user_id=user_id)
            await checked(session, camp, user_id, tuple(offsets), CheckinSource.POSTS)
        await factories.make_member(session, camp, planet_nickname="小陈", planet_user_id="3", days_ranking=6)
        # Only suggested: the days of that person aren't the member's.
        await factories.make_member(
            session, camp, planet_nickname="无名", planet_user_id=user_id, status=MatchStatus.SUGGESTED, confidence=33
        )
        return camp


async def rehearsed(desk: Desk, camp: Camp, **changes: Any) -> dict[str, Any]:
    data = (await previewed(desk, camp_id=str(camp.id), **changes))["rehearsal"]
    assert (data["camp_id"], data["camp_name"], data["people"]) == (str(camp.id), "二月营", 4)
    assert isinstance(data, dict)
    return data


async def test_a_finished_camp_is_tried_and_the_sums_are_right(manager: Desk, finished: Camp) -> None:
    by_days = await rehearsed(manager, finished, refund_policy=deal(payout=PRO_RATA, fee_fen=900))
    # Of 29000: 10 days all, 7 days 7/9, 6 days 6/9, each down to a jiao.
    assert by_days["by_amount"] == [
        {"amount_fen": fen, "people": 1} for fen in (29_000, 22_550, 19_330, 0)
    ]  # fmt: skip
    assert (by_days["sum_fen"], by_days["fee_fen"], by_days["kept_fen"]) == (70_880, 3_600, 4 * 29_000 - 70_880)
    assert by_days["same_length"] is True
    assert [(row["role"], row["name"], row["days"], row["amount_fen"]) for row in by_days["examples"]] == [
        ("best", "安娜", 10, 29_000), ("typical", "阿波", 7, 22_550), ("worst", "无名", 0, 0),
    ]  # fmt: skip


async def test_by_dates_only_who_was_there(manager: Desk, finished: Camp) -> None:
    """The first day of that camp is the first day of this one."""
    must = deal({"kind": "must_days", "dates": ["2026-03-10"]})
    data = await rehearsed(manager, finished, refund_policy=must)
    # 阿波 began on the fourth day; the first days stand for 小陈's mere number.
    assert data["by_amount"] == [{"amount_fen": 29_900, "people": 2}, {"amount_fen": 0, "people": 2}]
    late = deal({"kind": "must_days", "dates": ["2026-03-19"]})
    data = await rehearsed(manager, finished, refund_policy=late)
    assert [(row["name"], row["amount_fen"]) for row in data["examples"]] == [
        ("安娜", 29_900), ("阿波", 29_900), ("无名", 0),
    ]  # fmt: skip


async def test_a_camp_of_another_length_is_stretched(manager: Desk, finished: Camp) -> None:
    data = await rehearsed(manager, finished, ends_on="2026-03-29", refund_policy=deal(at_least(14)))
    # Twenty days: 安娜 20, 阿波 14, 小陈 12.
    assert data["same_length"] is False
    assert data["by_amount"] == [{"amount_fen": 29_900, "people": 2}, {"amount_fen": 0, "people": 2}]
    assert data["examples"][0]["days"] == 20


async def test_only_finished_camps_are_tried(manager: Desk, db: Database) -> None:
    async with db.transaction() as session:
        running = await factories.make_camp(session, status=CampStatus.ONGOING)
    assert await manager.bad_fields("POST", PREVIEW, json=DRAFT | {"camp_id": str(running.id)}) == {"camp_id"}
    for wrong in (str(new_id()), "nonsense"):
        await manager.refused(404, "not_found", "POST", PREVIEW, json=DRAFT | {"camp_id": wrong})


async def test_nothing_is_written(manager: Desk, finished: Camp) -> None:
    before = await manager.ok("GET", f"/camps/{finished.id}")
    await rehearsed(manager, finished)
    assert await manager.ok("GET", f"/camps/{finished.id}") == before
    assert (await manager.ok("GET", "/camps"))["total"] == 1


async def test_who_may_compose(
    db: Database, desk: NewDesk, admin: Desk, finished: Camp, client: httpx.AsyncClient
) -> None:
    await admin.ok("GET", "/policies/kinds")
    await admin.ok("POST", PREVIEW, json=DRAFT)
    for role in (StaffRole.COACH, StaffRole.VOLUNTEER):
        person = await desk(role)
        for camp_id in (None, str(finished.id)):
            await person.refused(403, "forbidden", "POST", PREVIEW, json=DRAFT | {"camp_id": camp_id})
        await person.refused(403, "forbidden", "GET", "/policies/kinds")
    assert (await client.post(f"/api/admin{PREVIEW}", json=DRAFT)).status_code == 401


async def test_a_deal_nested_without_end_is_refused(manager: Desk) -> None:
    deal: dict[str, Any] = {"version": 2}
    for _ in range(900):
        deal = {"version": 2, "payout": deal}
    found = await manager.ok("POST", "/camps/preview-policy", json=DRAFT | {"refund_policy": deal})
    assert found["problems"]
    assert found["refund_policy"] == {}
