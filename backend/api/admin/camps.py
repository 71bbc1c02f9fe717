"""Camps (训练营) from draft to start; settling and archiving are in ``settlement``."""

import dataclasses
import uuid
from collections.abc import Iterable
from io import BytesIO
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Query
from pydantic import BeforeValidator, Field
from sqlalchemy.ext.asyncio import AsyncSession

from backend.api.answers import Answer, Day, Id, Instant, Model, Rows, answer
from backend.api.deps import Allowed, CurrentStaff, PageDep, RuntimeDep, SessionDep
from backend.api.rules import RuleOut
from backend.community.camps import projects, repository, rules, service
from backend.community.camps.repository import CampRow
from backend.community.camps.rules import MAX_DESCRIPTION_HTML, CampFields
from backend.community.eligibility import policy as policies
from backend.community.eligibility.offers import is_plain, normal, offer_of, same_deal
from backend.community.eligibility.policy import PolicyRefused
from backend.core.errors import Conflict, Invalid, NotFound
from backend.models.camps import MAX_CAPACITY, CampStaffKind, CampStatus
from backend.models.staff import Staff
from backend.office.staff.rules import Permission
from backend.office.uploads import service as uploads
from backend.runtime import Runtime

router = APIRouter(prefix="/camps", tags=["训练营"])
Reader = Depends(Allowed(Permission.CAMP_VIEW))
Writer = Depends(Allowed(Permission.CAMP_WRITE))

Name = Annotated[str, Field(min_length=1, max_length=50)]
# These bounds only prevent column overflow. camps.rules checks the limits from the settings (deposit, dates).
Fen = Annotated[int, Field(ge=1, le=10**9)]
Days = Annotated[int, Field(ge=1, le=1000)]
Capacity = Annotated[int, Field(ge=1, le=MAX_CAPACITY)]
Html = Annotated[str, Field(max_length=MAX_DESCRIPTION_HTML)]
CheckinId = Annotated[str, Field(pattern=r"^\d{1,32}$")]
Key = Annotated[str, Field(max_length=100)]
Ids = Annotated[frozenset[Id], Field(max_length=50)]
# A refund policy as JSON (reference fair-deal §3). Errors are reported per field.
PolicyIn = Annotated[dict[str, Any], Field(max_length=10)]


class CampNotPublished(Conflict):
    code, message = "camp_not_published", "训练营尚未发布，没有报名链接"


class _CampBody(Model):
    """What a draft may lack. No capacity means 1000."""

    description: Html = ""
    capacity: Capacity | None = None
    enroll_opens_at: Instant | None = None
    enroll_closes_at: Instant | None = None
    planet_id: Id | None = None
    checkin_id: CheckinId | None = None
    poster_key: Key | None = None
    group_qr_key: Key | None = None
    coach_ids: Ids = frozenset()
    volunteer_ids: Ids = frozenset()


class CampIn(_CampBody):
    """The deal is a mere number of days (``required_days``, all or nothing), or a ``refund_policy`` of version 2."""

    name: Name
    deposit_fen: Fen
    starts_on: Day
    ends_on: Day
    required_days: Days | None = None
    refund_policy: PolicyIn | None = None

    def fields(self) -> CampFields:
        """Raises Invalid."""
        given = {name: getattr(self, name) for name in CampIn.model_fields if name not in _DEAL}
        draft = CampFields(**given, refund_policy={})
        return dataclasses.replace(draft, refund_policy=deal(draft, self.required_days, self.refund_policy))


class CampChange(_CampBody):
    """What is left out stays as it is; null empties what may be empty."""

    name: Name | None = None
    deposit_fen: Fen | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None
    required_days: Days | None = None
    refund_policy: PolicyIn | None = None

    def applied_to(self, old: CampFields) -> CampFields:
        """Raises Invalid."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        required = CampIn.model_fields.keys() - _CampBody.model_fields.keys() - _DEAL
        empty = {name: "必填" for name in given.keys() & required if given[name] is None}
        if given.keys() & _DEAL and self.required_days is None and self.refund_policy is None:
            empty["required_days"] = "必填"
        if empty:
            raise Invalid(empty)
        new = dataclasses.replace(old, **{name: value for name, value in given.items() if name not in _DEAL})
        if not self.model_fields_set & _DEAL:
            return new
        return dataclasses.replace(new, refund_policy=deal(new, self.required_days, self.refund_policy, old=old))


_DEAL = {"required_days", "refund_policy"}


def deal(
    new: CampFields, required_days: int | None, policy: dict[str, Any] | None, *, old: CampFields | None = None
) -> dict[str, Any]:
    """The deal that a form asks for, as it is stored; the same deal in another form stays as it was.

    A form that was read and sent back has both fields, of which a person may have changed one. Raises Invalid.
    """
    stays = old is not None and policy is not None and same_deal(policy, old.refund_policy)
    if policy is None or stays:
        kept = dataclasses.replace(new, refund_policy=old.refund_policy) if old is not None else None
        if old is not None and kept is not None:
            same = (None, rules.deal_of(old).required_days, rules.deal_of(kept).required_days)
            if required_days in same:
                return old.refund_policy
            if not is_plain(old.refund_policy):
                raise Invalid({"required_days": "与退款规则不一致，请修改退款规则"})
        if required_days is None:
            raise Invalid({"required_days": "必填"})
        return {"kind": "threshold", "required_days": required_days}
    try:
        stored = policies.read(policy).dump() if "version" in policy else policy
    except PolicyRefused as refused:
        raise Invalid({f"refund_policy.{field}": text for field, text in refused.problems.items()}) from refused
    told = rules.deal_of(dataclasses.replace(new, refund_policy=stored)).required_days
    before = rules.deal_of(old).required_days if old is not None else None
    if required_days not in (None, told, before):
        raise Invalid({"required_days": "与退款规则不一致，请只填写其中一项"})
    return stored


class PersonOut(Model):
    id: Id
    display_name: str


class CampOut(Model):
    """``enrolled`` counts members, ``pending_orders`` hold seats too; ``paid_fen`` is all that came in.

    ``refund_policy`` is the deal in version 2; ``required_days`` the least number of days that brings the whole deposit
    back, null for a deal that can't be read.

    ``personal_data_cleared_at``: since then names and texts of its members are blank (个人信息已清除).
    """

    id: Id
    name: str
    description: str
    status: CampStatus
    deposit_fen: int
    capacity: int
    enroll_opens_at: Instant | None
    enroll_closes_at: Instant | None
    starts_on: Day
    ends_on: Day
    total_days: int
    required_days: int | None
    refund_policy: dict[str, Any]
    rule: RuleOut
    planet_id: Id | None
    checkin_id: str | None
    poster_key: str | None
    poster_url: str | None
    group_qr_key: str | None
    group_qr_url: str | None
    group_qr_uploaded_at: Instant | None
    coaches: list[PersonOut]
    volunteers: list[PersonOut]
    enrolled: int
    pending_orders: int
    places_left: int
    paid_fen: int
    last_complete_sync_at: Instant | None
    personal_data_cleared_at: Instant | None
    published_at: Instant | None
    created_at: Instant


class EnrollUrlOut(Model):
    """``qr_svg`` is a whole SVG document."""

    url: str
    qr_svg: str


class StateChangeOut(Model):
    from_state: str
    to_state: str
    event: str
    actor_name: str
    note: str | None
    at: Instant


People = Iterable[tuple[CampStaffKind, Staff]]


async def camp_out(runtime: Runtime, row: CampRow, people: People) -> CampOut:
    camp = row.camp
    by_kind: dict[CampStaffKind, list[PersonOut]] = {kind: [] for kind in CampStaffKind}
    for kind, staff in people:
        by_kind[kind].append(PersonOut.model_validate(staff))
    columns = {name: getattr(camp, name) for name in CampOut.model_fields if hasattr(camp, name)}
    deal = offer_of(camp, camp)
    return CampOut(
        **columns | {"refund_policy": normal(camp.refund_policy)},
        required_days=deal.required_days,
        rule=RuleOut.model_validate(deal),
        poster_url=await uploads.url_of(runtime, camp.poster_key),
        group_qr_url=await uploads.url_of(runtime, camp.group_qr_key),
        group_qr_uploaded_at=row.group_qr_uploaded_at,
        coaches=by_kind[CampStaffKind.COACH],
        volunteers=by_kind[CampStaffKind.VOLUNTEER],
        enrolled=row.enrolled,
        pending_orders=row.pending_orders,
        places_left=row.places_left,
        paid_fen=row.paid_fen,
    )


async def _read(session: AsyncSession, runtime: Runtime, camp_id: uuid.UUID) -> Answer[CampOut]:
    row = await repository.row(session, camp_id)
    if row is None:
        raise NotFound("训练营不存在")
    people = await repository.staff_of(session, [camp_id])
    return answer(await camp_out(runtime, row, people[camp_id]))


def _split(values: Any) -> Any:
    """``?status=a&status=b`` and ``?status=a,b`` say the same."""
    if not isinstance(values, list):
        return values
    return [part.strip() for value in values for part in str(value).split(",") if part.strip()]


Statuses = Annotated[list[CampStatus], BeforeValidator(_split), Query()]


@router.get("", dependencies=[Reader])
async def list_camps(
    runtime: RuntimeDep,
    session: SessionDep,
    viewer: CurrentStaff,
    page: PageDep,
    status: Statuses = [],  # noqa: B006 - FastAPI copies it
    q: Annotated[str | None, Query(max_length=50)] = None,
    planet_id: Id | None = None,
    starts_from: Day | None = None,
    starts_to: Day | None = None,
) -> Answer[Rows[CampOut]]:
    """Newest first. ``starts_from`` and ``starts_to`` bound the first day; coaches and volunteers see their own."""
    found = await repository.page(
        session,
        page,
        camp_ids=viewer.camp_ids,
        status=status,
        planet_id=planet_id,
        starts_from=starts_from,
        starts_to=starts_to,
        q=q,
    )
    people = await repository.staff_of(session, [row.camp.id for row in found.items])
    items = [await camp_out(runtime, row, people[row.camp.id]) for row in found.items]
    return answer(Rows(items=items, total=found.total, page=found.page, page_size=found.page_size))


@router.post("", dependencies=[Writer])
async def create_camp(body: CampIn, runtime: RuntimeDep, session: SessionDep, viewer: CurrentStaff) -> Answer[CampOut]:
    """Save a draft."""
    camp = await service.create(session, viewer.actor, body.fields(), payment=runtime.settings.payment)
    return await _read(session, runtime, camp.id)


@router.get("/{camp_id}", dependencies=[Reader])
async def read_camp(camp_id: Id, runtime: RuntimeDep, session: SessionDep, viewer: CurrentStaff) -> Answer[CampOut]:
    found = await _read(session, runtime, camp_id)
    viewer.require_camp(camp_id)
    return found


@router.put("/{camp_id}", dependencies=[Writer])
async def update_camp(
    camp_id: Id, body: CampChange, runtime: RuntimeDep, session: SessionDep, viewer: CurrentStaff
) -> Answer[CampOut]:
    """From publishing on, what members pay for is locked; what presents the camp, its staff and more places are not."""
    camp = await service.lock_camp(session, camp_id)
    fields = body.applied_to(await service.fields_of(session, camp))
    await service.update(session, viewer.actor, camp, fields, payment=runtime.settings.payment)
    return await _read(session, runtime, camp_id)


@router.delete("/{camp_id}", dependencies=[Writer])
async def delete_camp(camp_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[None]:
    """Only a draft nobody ever ordered."""
    await service.delete(session, viewer.actor, camp_id)
    return answer(None)


@router.post("/{camp_id}/publish", dependencies=[Writer])
async def publish_camp(camp_id: Id, runtime: RuntimeDep, session: SessionDep, viewer: CurrentStaff) -> Answer[CampOut]:
    await service.publish(session, viewer.actor, camp_id)
    return await _read(session, runtime, camp_id)


@router.post("/{camp_id}/withdraw", dependencies=[Writer])
async def withdraw_camp(camp_id: Id, runtime: RuntimeDep, session: SessionDep, viewer: CurrentStaff) -> Answer[CampOut]:
    """Back to a draft, while nobody ordered."""
    await service.withdraw(session, viewer.actor, camp_id)
    return await _read(session, runtime, camp_id)


@router.post("/{camp_id}/checkin-project", dependencies=[Writer])
async def make_checkin_project(camp_id: Id, runtime: RuntimeDep, viewer: CurrentStaff) -> Answer[CampOut]:
    """保存并发布知识星球: create the draft's check-in project there, and note its number on the camp."""
    await projects.make_project(runtime, camp_id, actor=viewer.actor)
    async with runtime.db.transaction() as session:
        return await _read(session, runtime, camp_id)


@router.get("/{camp_id}/enroll-url", dependencies=[Reader])
async def enroll_url(
    camp_id: Id, runtime: RuntimeDep, session: SessionDep, viewer: CurrentStaff
) -> Answer[EnrollUrlOut]:
    """The address members enrol at, and its QR code. It is the camp's for ever and tells nothing about a member."""
    camp = await service.get_camp(session, camp_id)
    viewer.require_camp(camp_id)
    if camp.status is CampStatus.DRAFT:
        raise CampNotPublished
    url = f"{runtime.settings.public_base_url}/enroll/{camp_id}"
    svg = BytesIO()
    segno.make(url, error="m").save(svg, kind="svg", scale=8, xmldecl=False)
    return answer(EnrollUrlOut(url=url, qr_svg=svg.getvalue().decode()))


@router.get("/{camp_id}/history", dependencies=[Reader])
async def camp_history(camp_id: Id, session: SessionDep, viewer: CurrentStaff) -> Answer[list[StateChangeOut]]:
    """The camp's moves from state to state, oldest first."""
    await service.get_camp(session, camp_id)
    viewer.require_camp(camp_id)
    return answer(
        [
            StateChangeOut(
                from_state=change.from_state,
                to_state=change.to_state,
                event=change.event,
                actor_name=name or "系统",
                note=change.note,
                at=change.created_at,
            )
            for change, name in await repository.history(session, camp_id)
        ]
    )
