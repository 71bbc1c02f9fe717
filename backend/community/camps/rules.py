"""Pure checks of a camp: its fields, what publishing needs, and whether enrolment is open."""

import datetime as dt
import uuid
from dataclasses import dataclass, fields
from enum import StrEnum
from html import unescape

import nh3

from backend.community.eligibility import policy as policies
from backend.community.eligibility.days import Calendar
from backend.community.eligibility.offers import Offer, offer
from backend.community.eligibility.policy import PolicyRefused
from backend.core import clock, text
from backend.core.config import PaymentSettings
from backend.core.money import format_yuan
from backend.models.base import JsonObject
from backend.models.camps import MAX_CAPACITY, Camp, CampStatus

MAX_DAYS = 1000
MAX_DESCRIPTION = 500
# Limit for the raw HTML, which may be longer than the visible text.
MAX_DESCRIPTION_HTML = 10_000
_TAGS = {"p", "br", "b", "strong", "i", "em", "u", "s", "h1", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "a"}


@dataclass(frozen=True, slots=True)
class CampFields:
    """The fields of a camp that staff edit. A draft may lack those that default to None or empty."""

    name: str
    deposit_fen: int
    starts_on: dt.date
    ends_on: dt.date
    refund_policy: JsonObject
    description: str = ""
    capacity: int | None = None
    enroll_opens_at: dt.datetime | None = None
    enroll_closes_at: dt.datetime | None = None
    planet_id: uuid.UUID | None = None
    checkin_id: str | None = None
    poster_key: str | None = None
    group_qr_key: str | None = None
    coach_ids: frozenset[uuid.UUID] = frozenset()
    volunteer_ids: frozenset[uuid.UUID] = frozenset()


# Fixed once the camp is published (requirements C11): the deal that members pay for, and the source of check-ins.
LOCKED = ("name", "deposit_fen", "starts_on", "ends_on", "required_days", "refund_policy", "planet_id", "checkin_id")
WINDOW = ("enroll_opens_at", "enroll_closes_at")


def problems(new: CampFields, *, payment: PaymentSettings, today: dt.date) -> dict[str, str]:
    """Check the fields of a draft: field name → Chinese text."""
    found = _name_problem(new.name) | description_problem(new.description) | window_problem(new)
    if not payment.deposit_min_fen <= new.deposit_fen <= payment.deposit_max_fen:
        lowest, highest = format_yuan(payment.deposit_min_fen), format_yuan(payment.deposit_max_fen)
        found["deposit_fen"] = f"押金须在 {lowest} 至 {highest} 元之间"
    if new.ends_on < new.starts_on:
        found["ends_on"] = "结束日期不能早于开始日期"
    elif new.ends_on < today:
        found["ends_on"] = "结束日期不能早于今天"
    elif total_days(new) > MAX_DAYS:
        found["ends_on"] = f"训练营最长 {MAX_DAYS} 天"
    else:
        found |= policy_problems(new)
    if new.capacity is not None and not 1 <= new.capacity <= MAX_CAPACITY:
        found["capacity"] = f"人数上限须在 1 至 {MAX_CAPACITY} 之间"
    return found


def policy_problems(new: CampFields) -> dict[str, str]:
    """Check the deal: field → Chinese text. Fields of version 2 are prefixed with ``refund_policy.``."""
    is_plain = new.refund_policy.get("kind") == "threshold"
    try:
        policy = policies.read(new.refund_policy)
        found = policies.problems(policy, Calendar(new.starts_on, new.ends_on), paid_fen=new.deposit_fen)
    except PolicyRefused as refused:
        found = refused.problems
    return {"required_days" if is_plain else f"refund_policy.{field}": text for field, text in found.items()}


def deal_of(new: CampFields) -> Offer:
    """The deal in words, with the least number of days that refunds the whole deposit."""
    return offer(new.refund_policy, starts_on=new.starts_on, ends_on=new.ends_on, paid_fen=new.deposit_fen)


def _name_problem(name: str) -> dict[str, str]:
    if not 1 <= len(name) <= 50:
        return {"name": "名称须为 1 至 50 个字"}
    return {"name": "名称含有不可见的控制字符"} if text.has_control_characters(name) else {}


def description_problem(description: str) -> dict[str, str]:
    """Counts the visible text, not the markup."""
    length = len(unescape(nh3.clean(description, tags=set())))
    return {"description": f"项目介绍最多 {MAX_DESCRIPTION} 个字"} if length > MAX_DESCRIPTION else {}


def window_problem(new: CampFields) -> dict[str, str]:
    opens, closes = new.enroll_opens_at, new.enroll_closes_at
    return {"enroll_closes_at": "报名截止时间须晚于开始时间"} if opens and closes and closes <= opens else {}


def total_days(new: CampFields) -> int:
    """The length of the camp in days; both dates are inclusive."""
    return (new.ends_on - new.starts_on).days + 1


def sanitised(description: str) -> str:
    """The description with harmless markup only: no scripts, styles, images or event handlers."""
    return nh3.clean(description, tags=_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https"})


def changed(old: CampFields, new: CampFields) -> list[str]:
    """Names of the fields that differ. Two deals of version 1 give ``required_days`` instead of ``refund_policy``."""
    names = [field.name for field in fields(CampFields)]
    plain = all("version" not in each.refund_policy for each in (old, new))
    spoken = {"refund_policy": "required_days"} if plain else {}
    return [spoken.get(name, name) for name in names if getattr(old, name) != getattr(new, name)]


def missing_to_publish(camp: Camp, *, active_coaches: int) -> list[str]:
    """Fields that a camp still needs before it can be published."""
    missing = [name for name in ("group_qr_key", "planet_id", "checkin_id") if getattr(camp, name) is None]
    return missing if active_coaches else [*missing, "coach_ids"]


def default_closing(starts_on: dt.date, ends_on: dt.date, *, today: dt.date) -> dt.datetime:
    """The last second of the day before the start. If the camp already runs (moved here), of its last day."""
    last_day = starts_on - dt.timedelta(days=1) if starts_on > today else ends_on
    return clock.day_start(last_day + dt.timedelta(days=1)) - dt.timedelta(seconds=1)


class EnrollState(StrEnum):
    OPEN = "open"
    NOT_OPEN = "not_open"
    CLOSED = "closed"
    FULL = "full"


def enroll_state(camp: Camp, *, taken: int, now: dt.datetime) -> EnrollState:
    """Whether a person may enrol at ``now``. ``taken``: members plus pending orders, which hold seats."""
    if camp.status is not CampStatus.ENROLLING or (camp.enroll_closes_at and now > camp.enroll_closes_at):
        return EnrollState.CLOSED
    if camp.enroll_opens_at and now < camp.enroll_opens_at:
        return EnrollState.NOT_OPEN
    return EnrollState.FULL if taken >= camp.capacity else EnrollState.OPEN
