"""The camps members may see; no log-in needed."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query

from backend.api.answers import Answer, Day, Id, Instant, Model, Rows, answer
from backend.api.deps import PageDep, RuntimeDep, SessionDep
from backend.api.rules import RuleOut
from backend.community.camps import repository, rules
from backend.community.camps.repository import CampRow
from backend.community.camps.rules import EnrollState
from backend.community.eligibility.offers import offer_of
from backend.core import clock
from backend.core.errors import NotFound
from backend.models.camps import CampStatus
from backend.office.uploads import service as uploads
from backend.runtime import Runtime

router = APIRouter(prefix="/camps", tags=["训练营"])


class ListedStatus(StrEnum):
    """The camps in the list."""

    ENROLLING = "enrolling"
    ONGOING = "ongoing"


class CampOut(Model):
    """``enrolled`` counts members; ``places_left`` also leaves out the seats held by unpaid orders.

    ``refund_promise`` says when the deposit comes back.
    """

    id: Id
    name: str
    description: str
    poster_url: str | None
    deposit_fen: int
    capacity: int
    enrolled: int
    places_left: int
    enroll_opens_at: Instant | None
    enroll_closes_at: Instant | None
    starts_on: Day
    ends_on: Day
    total_days: int
    required_days: int | None
    rule: RuleOut
    status: CampStatus
    enroll_state: EnrollState
    refund_promise: str


async def camp_out(runtime: Runtime, row: CampRow) -> CampOut:
    camp = row.camp
    columns = {name: getattr(camp, name) for name in CampOut.model_fields if hasattr(camp, name)}
    deal = offer_of(camp, camp)
    return CampOut(
        **columns,
        required_days=deal.required_days,
        rule=RuleOut.model_validate(deal),
        poster_url=await uploads.url_of(runtime, camp.poster_key),
        enrolled=row.enrolled,
        places_left=row.places_left,
        enroll_state=rules.enroll_state(camp, taken=row.taken, now=clock.now()),
        refund_promise=runtime.settings.refund.promise,
    )


@router.get("")
async def list_camps(
    runtime: RuntimeDep,
    session: SessionDep,
    page: PageDep,
    status: Annotated[list[ListedStatus], Query(default_factory=lambda: list(ListedStatus))],
) -> Answer[Rows[CampOut]]:
    """Camps that take enrolments, soon will, or are running; newest first."""
    found = await repository.page(session, page, status=[CampStatus(each) for each in status])
    items = [await camp_out(runtime, row) for row in found.items]
    return answer(Rows(items=items, total=found.total, page=found.page, page_size=found.page_size))


@router.get("/{camp_id}")
async def read_camp(camp_id: Id, runtime: RuntimeDep, session: SessionDep) -> Answer[CampOut]:
    """Any camp that was published, also one that is over: its members come back to it."""
    row = await repository.row(session, camp_id)
    if row is None or row.camp.status is CampStatus.DRAFT:
        raise NotFound("训练营不存在或尚未发布")
    return answer(await camp_out(runtime, row))
