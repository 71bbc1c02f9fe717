"""A camp that has been through everything, for pages and lists that need something to show."""

from dataclasses import dataclass
from functools import partial

import pytest

from backend.core import clock
from tests.browser.stand import Camp, Stand

MEMBERS = 24
FORMULA = "=SUM(A1:A9)"  # somebody's nickname


@dataclass(frozen=True)
class FullCamp:
    """Ended, with a refund list: of its members one is nobody on the planet, one is called like a formula."""

    camp: Camp
    member_id: str
    refund_id: str


@pytest.fixture(scope="session")
async def full_camp(stand: Stand) -> FullCamp:
    """24 members, every second of whom made it; a refund sent, one rejected, the others wait for review."""
    clock.use_test_clock(stand.stage.clock_file)
    coach, volunteer = await stand.colleague("coach"), await stand.colleague("volunteer")
    camp = await stand.camp(
        "满满的晨间写作训练营", days=3, required=2, coach_ids=[coach.id], volunteer_ids=[volunteer.id]
    )
    names = [FORMULA, *(f"写作者{number}" for number in range(2, MEMBERS))]
    people = [await stand.person(name) for name in names]

    async def join(number: int) -> None:
        person = people[number] if number < len(people) else None
        await stand.enrol(camp, f"oFullCamp{number}", person)

    await stand.stage.at_once([partial(join, number) for number in range(MEMBERS)])
    for number, person in enumerate(people):
        await camp.posts(person, *((1, 2) if number % 2 == 0 else (3,)))
    refunds = await camp.end()
    [sent, rejected, *_] = [refund["id"] for refund in refunds if refund["status"] == "pending_review"]
    await stand.approve(sent)
    await stand.stage.admin.post(f"/refunds/{rejected}/reject", {"reason": "打卡内容与主题无关"})
    await stand.stage.admin.run_job("reconcile")
    [member] = [row for row in await camp.members() if row["planet_nickname"] == "写作者3"]
    clock.use_test_clock(None)
    return FullCamp(camp, member["id"], sent)
