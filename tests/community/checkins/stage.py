"""A planet in the simulator with a check-in project, and the camp of ours that reads it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from backend.community.checkins import flows
from backend.core import clock
from backend.models.camps import Camp, CampStatus
from backend.models.checkins import SyncStatus, SyncTrigger
from backend.models.members import Member
from backend.models.planets import Planet
from backend.runtime import Runtime
from backend.sandbox.zsxq import ZsxqSandbox
from tests.conftest import Time
from tests.factories import make_camp, make_member, make_planet
from tests.world import World

FIRST_DAY = dt.date(2026, 3, 1)


@dataclass
class Stage:
    """The camp runs from 1 to 10 March; at the beginning it is 1 March, 10:00."""

    runtime: Runtime
    zsxq: ZsxqSandbox
    time: Time
    group_id: str
    checkin_id: str
    token: str
    planet: Planet
    camp: Camp

    def person(self, name: str, **fields: Any) -> str:
        """Somebody on the planet; returns the user id."""
        return self.zsxq.add_member(name, group_id=self.group_id, **fields)

    def number_of(self, user_id: str) -> str:
        return str(self.zsxq.group(self.group_id).members[user_id].number)

    def posts(self, user_id: str, *days: int, hour: str = "09:00") -> list[str]:
        """A post of a person on some days of March; returns the topic ids."""
        at = [clock.day_start(dt.date(2026, 3, day)) for day in days]
        clock_time = dt.time.fromisoformat(hour)
        # Posts of one millisecond can't be paged through, here as there.
        offset = dt.timedelta(milliseconds=len(self.zsxq.project(self.checkin_id).posts))
        wanted = [dt.datetime.combine(each, clock_time, clock.SHANGHAI) for each in at]
        return [self.zsxq.post(user_id, self.checkin_id, each + offset) for each in wanted]

    def post_at(self, user_id: str, instant: str) -> str:
        """A post at a Shanghai wall-clock time, such as ``2026-03-10 23:58``."""
        at = dt.datetime.fromisoformat(instant).replace(tzinfo=clock.SHANGHAI)
        return self.zsxq.post(user_id, self.checkin_id, at)

    async def member(self, user_id: str | None = None, **fields: Any) -> Member:
        """A paid member who typed the number of a planet person, unless told otherwise."""
        if user_id is not None and "planet_number" not in fields:
            fields["planet_number"] = self.number_of(user_id)
        async with self.runtime.db.transaction() as session:
            return await make_member(session, self.camp, **fields)

    async def sync(self) -> SyncStatus | None:
        """The nightly reading of this camp."""
        return await flows.sync_camp(self.runtime, self.camp.id, trigger=SyncTrigger.SCHEDULER)

    async def fresh(self, row: Any) -> Any:
        """The row as the database has it now."""
        async with self.runtime.db.transaction() as session:
            found = await session.get(type(row), row.id)
        assert found is not None
        return found


async def make_stage(runtime: Runtime, world: World, time: Time, **camp: Any) -> Stage:
    """One planet, one project, one ongoing camp of ten days."""
    zsxq = world.sandbox.zsxq
    group_id = zsxq.add_group()
    checkin_id = zsxq.add_project("三月写作营", group_id=group_id)
    token = zsxq.issue_token(zsxq.group(group_id).owner_id)
    fields: dict[str, Any] = {"status": CampStatus.ONGOING, "starts_on": FIRST_DAY, "checkin_id": checkin_id} | camp
    async with runtime.db.transaction() as session:
        planet = await make_planet(session, runtime.secrets, token=token, group_id=group_id)
        row = await make_camp(session, planet_id=planet.id, **fields)
    return Stage(runtime, zsxq, time, group_id, checkin_id, token, planet, row)
