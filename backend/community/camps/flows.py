"""Nightly job: change the state of camps by date."""

from collections import Counter
from typing import Any

from backend.community.camps import repository, service
from backend.core import clock
from backend.models.camps import CampStatus
from backend.runtime import Runtime


async def camp_states(runtime: Runtime) -> dict[str, Any]:
    """Job, 00:05: enrolling camps start on their first day, ongoing ones end after their last.

    One transaction per camp; idempotent. Returns how many camps ``started`` and ``ended``.
    """
    async with runtime.db.transaction() as session:
        camp_ids = await repository.ids_to_move(session, clock.today())
    counts: Counter[CampStatus] = Counter()
    for camp_id in camp_ids:
        async with runtime.db.transaction() as session:
            counts.update(await service.follow_the_date(session, camp_id))
    return {"started": counts[CampStatus.ONGOING], "ended": counts[CampStatus.ENDED]}
