"""Check-ins (打卡): the days themselves, and a camp's figures."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from backend.api.admin.members import PlanetPersonOut, person_out
from backend.api.answers import Answer, Day, Id, Instant, LongRows, Model, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.community.camps.service import get_camp
from backend.community.checkins import repository, rules
from backend.community.checkins.repository import CheckinFilters, CheckinRow
from backend.community.members import service as members
from backend.core import clock
from backend.core.errors import Invalid
from backend.models.checkins import CheckinSource
from backend.models.members import Standing
from backend.office.staff.rules import Permission

router = APIRouter(tags=["打卡"], dependencies=[Depends(Allowed(Permission.CHECKIN_VIEW))])


class CheckinOut(Model):
    """One day of one person. ``member_id`` is None for people without an enrolment (未关联)."""

    camp_id: Id
    camp_name: str
    planet_user: PlanetPersonOut
    member_id: Id | None
    day: Day
    posted_at: Instant | None
    excerpt: str
    source: CheckinSource


class DaysBucketOut(Model):
    from_days: int
    to_days: int
    count: int


class DayCountOut(Model):
    day: Day
    count: int


class CheckinStatsOut(Model):
    """Members only, except ``unlinked``: people of the ranking without an enrolment.

    ``participated`` have a day at all, ``reached`` are sure of the whole deposit. ``average_rate`` is the mean of
    days ÷ required days, each at most 1, and null without members.
    """

    last_complete_sync_at: Instant | None
    members: int
    participated: int
    reached: int
    average_rate: float | None
    distribution: list[DaysBucketOut]
    per_day: list[DayCountOut]
    unlinked: int


def checkin_out(row: CheckinRow) -> CheckinOut:
    checkin = row.checkin
    unknown = PlanetPersonOut(id=checkin.planet_user_id, name="", number=None)
    return CheckinOut(
        camp_id=checkin.camp_id,
        camp_name=row.camp.name,
        planet_user=person_out(row.person) if row.person else unknown,
        member_id=row.member.id if row.member else None,
        day=checkin.day,
        posted_at=checkin.posted_at,
        excerpt=checkin.excerpt,
        source=checkin.source,
    )


@router.get("/checkins")
async def list_checkins(
    session: SessionDep,
    viewer: CurrentStaff,
    page: PageDep,
    camp_id: Annotated[Id | None, Query()] = None,
    planet_user_id: Annotated[str | None, Query(max_length=32)] = None,
    member_id: Annotated[Id | None, Query()] = None,
    first_day: Annotated[Day | None, Query(alias="from")] = None,
    last_day: Annotated[Day | None, Query(alias="to")] = None,
) -> Answer[LongRows[CheckinOut]]:
    """Latest day first; ``from`` and ``to`` are both included."""
    if first_day is not None and last_day is not None and last_day < first_day:
        raise Invalid({"to": "结束日期不能早于开始日期"})
    if camp_id is not None:
        viewer.require_camp((await get_camp(session, camp_id)).id)
    if member_id is not None:
        viewer.require_camp(await members.camp_of(session, member_id))
    filters = CheckinFilters(viewer.camp_ids, camp_id, planet_user_id, member_id, first_day, last_day)
    return answer(LongRows.of(await repository.checkins_page(session, page, filters), checkin_out))


@router.get("/camps/{camp_id}/checkin-stats")
async def checkin_stats(camp_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[CheckinStatsOut]:
    camp = await get_camp(session, camp_id)
    viewer.require_camp(camp.id)
    everybody = await repository.members_of(session, camp.id)
    days = [member.days for member in everybody]
    per_day = await repository.members_per_day(session, camp.id)
    begun = rules.days_until(starts_on=camp.starts_on, ends_on=camp.ends_on, today=clock.today())
    return answer(
        CheckinStatsOut(
            last_complete_sync_at=camp.last_complete_sync_at,
            members=len(everybody),
            participated=sum(each > 0 for each in days),
            reached=sum(member.standing is Standing.REACHED for member in everybody),
            average_rate=rules.average_rate([(member.days, member.required_days) for member in everybody]),
            distribution=[
                DaysBucketOut.model_validate(b) for b in rules.distribution(Counter(days), total_days=camp.total_days)
            ],
            per_day=[DayCountOut(day=day, count=per_day.get(day, 0)) for day in begun],
            unlinked=await repository.unlinked(session, camp.id),
        )
    )
