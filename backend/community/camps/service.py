"""Camps: create, update, publish, withdraw and delete them, and change their state by date."""

import datetime as dt
import uuid

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import repository, rules, staffing
from backend.community.camps.rules import CampFields
from backend.community.eligibility import policy as policies
from backend.community.eligibility import service as eligibility
from backend.community.eligibility.policy import UnknownPolicy
from backend.core import clock
from backend.core.actor import SYSTEM, Actor
from backend.core.config import PaymentSettings
from backend.core.errors import Conflict, Invalid, NotFound
from backend.core.ids import new_id
from backend.models.camps import MAX_CAPACITY, Camp, CampStatus
from backend.models.history import move
from backend.models.planets import Planet
from backend.models.uploads import UploadKind
from backend.office.audit import service as audit
from backend.office.uploads import repository as uploads


class CampNameTaken(Conflict):
    code, message = "camp_name_taken", "已有同名的训练营"


class CheckinProjectInUse(Conflict):
    code, message = "checkin_project_in_use", "该打卡项目已被另一个未归档的训练营使用"


class CampLocked(Conflict):
    """``data.fields``: the fields that can no longer be changed."""

    code, message = "camp_locked", "训练营发布后，名称、押金、日期、打卡要求和打卡项目不能再修改"


class CampIncomplete(Conflict):
    """``data.fields``: the missing fields."""

    code, message = "camp_incomplete", "训练营信息不完整，补全后才能发布"


class CampDatesPast(Conflict):
    code, message = "camp_dates_past", "训练营的结束日期已过，不能发布"


class PostsNeverRead(Conflict):
    code = "posts_never_read"
    message = "该星球的打卡帖子还没有完整读取过，暂不能使用看具体日期的条件（每 7 天天数、连续缺卡、必须打卡的日子）"


class CampWrongState(Conflict):
    code, message = "camp_wrong_state", "训练营当前状态不允许此操作，请刷新后再试"


class CampHasOrders(Conflict):
    code, message = "camp_has_orders", "已有人报名或下单，不能撤回或删除"


async def get_camp(session: AsyncSession, camp_id: uuid.UUID) -> Camp:
    """Raises NotFound, also for a deleted camp."""
    camp = await repository.by_id(session, camp_id)
    if camp is None:
        raise NotFound("训练营不存在")
    return camp


async def lock_camp(session: AsyncSession, camp_id: uuid.UUID) -> Camp:
    """Reload the camp with its row locked until the transaction ends. First in the lock order. Raises NotFound."""
    camp = await repository.by_id(session, camp_id, lock=True)
    if camp is None:
        raise NotFound("训练营不存在")
    return camp


async def create(session: AsyncSession, actor: Actor, new: CampFields, *, payment: PaymentSettings) -> Camp:
    """Create a draft. Raises Invalid, CampNameTaken, CheckinProjectInUse."""
    _refuse(rules.problems(new, payment=payment, today=clock.today()))
    await _check_references(session, new, old=None)
    camp = Camp(id=new_id(), status=CampStatus.DRAFT)
    _apply(camp, new)
    session.add(camp)
    await _flush_unique(session)
    after = {name: _value(new, name) for name in _own(rules.changed(_NOTHING, new))}
    _audit(session, actor, "camp.create", camp, after=after)
    await staffing.assign(session, actor, camp, coach_ids=new.coach_ids, volunteer_ids=new.volunteer_ids)
    return camp


async def fields_of(session: AsyncSession, camp: Camp) -> CampFields:
    """The fields that staff edit, with the assigned staff."""
    coach_ids, volunteer_ids = await staffing.assigned(session, camp.id)
    return CampFields(
        name=camp.name,
        deposit_fen=camp.deposit_fen,
        starts_on=camp.starts_on,
        ends_on=camp.ends_on,
        refund_policy=camp.refund_policy,
        description=camp.description,
        capacity=camp.capacity,
        enroll_opens_at=camp.enroll_opens_at,
        enroll_closes_at=camp.enroll_closes_at,
        planet_id=camp.planet_id,
        checkin_id=camp.checkin_id,
        poster_key=camp.poster_key,
        group_qr_key=camp.group_qr_key,
        coach_ids=coach_ids,
        volunteer_ids=volunteer_ids,
    )


async def update(session: AsyncSession, actor: Actor, camp: Camp, new: CampFields, *, payment: PaymentSettings) -> None:
    """Update a camp whose lock the caller holds. After publication, what members agreed to can't change.

    Raises Invalid, CampLocked, CampWrongState (archived), CampNameTaken, CheckinProjectInUse.
    """
    old = await fields_of(session, camp)
    if camp.status is CampStatus.ARCHIVED:
        raise CampWrongState
    if camp.status is CampStatus.DRAFT:
        _refuse(rules.problems(new, payment=payment, today=clock.today()))
    else:
        _check_published(camp, old, new)
    await _check_references(session, new, old=old)
    _apply(camp, new)
    await _flush_unique(session)
    await staffing.assign(session, actor, camp, coach_ids=new.coach_ids, volunteer_ids=new.volunteer_ids)
    _audit_update(session, actor, camp, old, await fields_of(session, camp))


def _check_published(camp: Camp, old: CampFields, new: CampFields) -> None:
    frozen = rules.LOCKED if camp.status is CampStatus.ENROLLING else (*rules.LOCKED, *rules.WINDOW)
    locked = [name for name in rules.changed(old, new) if name in frozen]
    if locked:
        raise CampLocked(data={"fields": locked})
    found = rules.description_problem(new.description) | rules.window_problem(new)
    if not camp.capacity <= _capacity(new) <= MAX_CAPACITY:
        found["capacity"] = f"发布后人数上限只能增加，最多 {MAX_CAPACITY}"
    found |= {name: "发布后不能留空" for name in ("group_qr_key", *rules.WINDOW) if not getattr(new, name)}
    if not new.coach_ids:
        found["coach_ids"] = "至少需要一名教练"
    _refuse(found)


async def publish(session: AsyncSession, actor: Actor, camp_id: uuid.UUID) -> Camp:
    """Make a complete draft visible to members.

    Raises NotFound, CampWrongState, CampIncomplete, PostsNeverRead, CampDatesPast, Invalid (enrolment window).
    """
    camp = await lock_camp(session, camp_id)
    if camp.status is not CampStatus.DRAFT:
        raise CampWrongState("只有草稿可以发布")
    missing = rules.missing_to_publish(camp, active_coaches=await repository.active_coaches(session, camp.id))
    if missing:
        raise CampIncomplete(data={"fields": missing})
    await _check_deal(session, camp)
    now, today = clock.now(), clock.today()
    if camp.ends_on < today:
        raise CampDatesPast
    camp.enroll_opens_at = camp.enroll_opens_at or now
    camp.enroll_closes_at = camp.enroll_closes_at or rules.default_closing(camp.starts_on, camp.ends_on, today=today)
    if camp.enroll_closes_at <= camp.enroll_opens_at:
        raise Invalid({"enroll_opens_at": "报名开始时间须早于报名截止时间"})
    camp.published_at = now
    move(session, camp, CampStatus.ENROLLING, event="publish", actor=actor)
    _audit(session, actor, "camp.publish", camp)
    return camp


async def _check_deal(session: AsyncSession, camp: Camp) -> None:
    """Raises CampIncomplete if the deal can't be read, PostsNeverRead if it needs dates but no posts were ever read."""
    try:
        policy = policies.parse(camp.refund_policy)
    except UnknownPolicy as error:
        raise CampIncomplete(data={"fields": ["refund_policy"]}) from error
    if policy.needs_dates and not await repository.posts_were_read(session, camp.planet_id):
        raise PostsNeverRead


async def withdraw(session: AsyncSession, actor: Actor, camp_id: uuid.UUID) -> Camp:
    """Turn a published camp without orders back into a draft. Raises NotFound, CampWrongState, CampHasOrders."""
    camp = await lock_camp(session, camp_id)
    if camp.status is not CampStatus.ENROLLING:
        raise CampWrongState("只有报名中的训练营可以撤回")
    if await repository.has_payments(session, camp.id):
        raise CampHasOrders
    camp.published_at = None
    move(session, camp, CampStatus.DRAFT, event="withdraw", actor=actor)
    _audit(session, actor, "camp.withdraw", camp)
    return camp


async def delete(session: AsyncSession, actor: Actor, camp_id: uuid.UUID) -> None:
    """Soft-delete a draft without any orders. Raises NotFound, CampWrongState, CampHasOrders."""
    camp = await lock_camp(session, camp_id)
    if camp.status is not CampStatus.DRAFT:
        raise CampWrongState("只有草稿可以删除")
    if await repository.has_payments(session, camp.id):
        raise CampHasOrders
    camp.deleted_at = clock.now()
    _audit(session, actor, "camp.delete", camp)


async def follow_the_date(session: AsyncSession, camp_id: uuid.UUID) -> list[CampStatus]:
    """Move a camp to the state that its dates require. A camp that the job missed for long makes both moves.

    Returns the states it moved to; empty if another process was faster.
    """
    camp, today = await repository.by_id(session, camp_id, lock=True), clock.today()
    moves: list[CampStatus] = []
    if camp is None:
        return moves
    if camp.status is CampStatus.ENROLLING and camp.starts_on <= today:
        move(session, camp, CampStatus.ONGOING, event="start", actor=SYSTEM)
        _audit(session, SYSTEM, "camp.start", camp)
        moves.append(CampStatus.ONGOING)
    if camp.status is CampStatus.ONGOING and camp.ends_on < today:
        move(session, camp, CampStatus.ENDED, event="end", actor=SYSTEM)
        _audit(session, SYSTEM, "camp.end", camp)
        moves.append(CampStatus.ENDED)
    if moves:
        await eligibility.recount(session, camp)
    return moves


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        raise Invalid(problems)


async def _check_references(session: AsyncSession, new: CampFields, *, old: CampFields | None) -> None:
    """The planet, the images and newly added staff must exist. Already assigned staff isn't checked. Raises Invalid."""
    found = {}
    if new.planet_id is not None and await session.get(Planet, new.planet_id) is None:
        found["planet_id"] = "星球不存在"
    for name, kind in (("poster_key", UploadKind.POSTER), ("group_qr_key", UploadKind.GROUP_QR)):
        key = getattr(new, name)
        upload = await uploads.by_key(session, key) if key else None
        if key and (upload is None or upload.kind is not kind):
            found[name] = "图片不存在，请重新上传"
    found |= await staffing.problems(
        session,
        coach_ids=new.coach_ids - (old.coach_ids if old else frozenset()),
        volunteer_ids=new.volunteer_ids - (old.volunteer_ids if old else frozenset()),
    )
    _refuse(found)


def _apply(camp: Camp, new: CampFields) -> None:
    camp.name, camp.deposit_fen = new.name, new.deposit_fen
    camp.starts_on, camp.ends_on = new.starts_on, new.ends_on
    camp.refund_policy = new.refund_policy
    camp.description = rules.sanitised(new.description)
    camp.capacity = _capacity(new)
    camp.enroll_opens_at, camp.enroll_closes_at = new.enroll_opens_at, new.enroll_closes_at
    camp.planet_id, camp.checkin_id = new.planet_id, new.checkin_id
    camp.poster_key, camp.group_qr_key = new.poster_key, new.group_qr_key


def _capacity(new: CampFields) -> int:
    return MAX_CAPACITY if new.capacity is None else new.capacity


async def _flush_unique(session: AsyncSession) -> None:
    """Flush the row; unique indexes catch concurrent duplicates. Raises CampNameTaken, CheckinProjectInUse."""
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:
        if "uq_camps_name_live" in str(error.orig):
            raise CampNameTaken from error
        if "uq_camps_checkin_live" in str(error.orig):
            raise CheckinProjectInUse from error
        raise


_NOTHING = CampFields(name="", deposit_fen=0, starts_on=dt.date.min, ends_on=dt.date.min, refund_policy={})


def _own(names: list[str]) -> list[str]:
    """The changes that ``camp.update`` logs. Staff and group QR have audit actions of their own."""
    return [name for name in names if name not in ("coach_ids", "volunteer_ids", "group_qr_key")]


def _value(fields: CampFields, name: str) -> object:
    """A field as the audit log shows it. A deal is logged as its text, which contains each of its numbers."""
    if name == "required_days":
        return fields.refund_policy.get(name)
    return rules.deal_of(fields).short if name == "refund_policy" else _json(getattr(fields, name))


def _json(value: object) -> object:
    if isinstance(value, dt.date):  # and datetime
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def _audit_update(session: AsyncSession, actor: Actor, camp: Camp, old: CampFields, new: CampFields) -> None:
    changed = rules.changed(old, new)
    for action, names in (("camp.update", _own(changed)), ("camp.qr.replace", ["group_qr_key"])):
        names = [name for name in names if name in changed]
        if names:
            before = {name: _value(old, name) for name in names}
            _audit(session, actor, action, camp, before, {name: _value(new, name) for name in names})


def _audit(
    session: AsyncSession,
    actor: Actor,
    action: str,
    camp: Camp,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        session,
        actor,
        action,
        target_type="camp",
        target_id=camp.id,
        target_name=camp.name,
        camp_id=camp.id,
        before=before,
        after=after,
    )
