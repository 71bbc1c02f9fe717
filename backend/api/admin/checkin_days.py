"""A camp's check-ins by day and by member (打卡情况, 打卡统计)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from backend.api.admin.members import CalendarDayOut
from backend.api.answers import Answer, Day, Id, Instant, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, SessionDep
from backend.community.camps.service import get_camp
from backend.community.checkins import overview
from backend.community.checkins.overview import DayFigures, Place
from backend.community.eligibility.offers import offer_of
from backend.core import clock
from backend.models.camps import Camp
from backend.models.checkins import CheckinSource
from backend.models.members import MatchStatus, Member, Standing, Verdict
from backend.office.staff.rules import Permission

router = APIRouter(
    prefix="/camps/{camp_id}/checkins", tags=["打卡"], dependencies=[Depends(Allowed(Permission.CHECKIN_VIEW))]
)


class DayOut(Model):
    """``rate`` is posted ÷ enrolled, null without members; ``counted``: a complete sync saw the whole day."""

    day: Day
    posted: int
    members: int
    rate: float | None
    counted: bool


class NameOut(Model):
    id: Id
    planet_nickname: str
    planet_number: str
    wechat_nickname: str


class PostedOut(NameOut):
    posted_at: Instant | None
    source: CheckinSource
    excerpt: str


class DayListOut(DayOut):
    """Of ``unmatched`` members nobody can say whether they did."""

    posted_by: list[PostedOut]
    missing: list[NameOut]
    unmatched: list[NameOut]


class PlaceOut(NameOut):
    """``rank`` by days, equal for equal days; ``rate`` is days ÷ required and can pass 1, null where nobody can tell.

    ``verdict`` is null until the camp's end was seen.
    """

    rank: int
    match_status: MatchStatus
    days: int
    required_days: int | None
    days_left: int
    rate: float | None
    standing: Standing
    verdict: Verdict | None
    last_posted_at: Instant | None
    calendar: list[CalendarDayOut]


async def _visible(camp_id: Id, session: SessionDep, viewer: CurrentStaff) -> Camp:
    """Unknown: 404; foreign: 403."""
    camp = await get_camp(session, camp_id)
    viewer.require_camp(camp.id)
    return camp


VisibleCamp = Annotated[Camp, Depends(_visible)]


@router.get("/days")
async def days(camp: VisibleCamp, session: SessionDep) -> Answer[list[DayOut]]:
    """Every day that has begun, oldest first."""
    return answer([_day_out(figures) for figures in await overview.days(session, camp)])


def _day_out(figures: DayFigures) -> DayOut:
    return DayOut.model_validate(figures)


@router.get("/days/{day}")
async def day(camp: VisibleCamp, day: Day, session: SessionDep) -> Answer[DayListOut]:
    """Who did and who didn't, by name."""
    found = await overview.day(session, camp, day)
    return answer(
        DayListOut(
            **_day_out(found.figures).model_dump(),
            posted_by=[
                PostedOut(**_name(member), posted_at=checkin.posted_at, source=checkin.source, excerpt=checkin.excerpt)
                for member, checkin in found.posted
            ],
            missing=[NameOut.model_validate(member) for member in found.missing],
            unmatched=[NameOut.model_validate(member) for member in found.unmatched],
        )
    )


@router.get("/ranking")
async def ranking(
    camp: VisibleCamp, session: SessionDep, page: PageDep, q: Annotated[str | None, Query(max_length=50)] = None
) -> Answer[Rows[PlaceOut]]:
    """Members with most days first, each with the camp's calendar."""
    return answer(Rows.of(await overview.ranking(session, camp, page, q=q), lambda place: _place_out(camp, place)))


def _name(member: Member) -> dict[str, object]:
    return NameOut.model_validate(member).model_dump()


def _place_out(camp: Camp, place: Place) -> PlaceOut:
    member = place.member
    return PlaceOut(
        **_name(member),
        rank=place.rank,
        match_status=member.status,
        days=member.days,
        required_days=member.required_days,
        days_left=offer_of(member, camp).days_left(clock.today()),
        rate=place.rate,
        standing=member.standing,
        verdict=member.verdict,
        last_posted_at=place.last_posted_at,
        calendar=[CalendarDayOut.model_validate(each) for each in place.calendar],
    )
