"""The figures once more, slowly and plainly, from rows in memory: what the product must say."""

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from backend.core import clock
from backend.models.camps import Camp, CampStatus
from backend.models.members import Member
from tests.desk.reports.house import House

_OVER = (CampStatus.ENDED, CampStatus.SETTLING, CampStatus.ARCHIVED)


def days_of(member: Member, camp: Camp) -> int:
    """By the posts where they were read, else by the ranking, else by a sheet; never more than the camp has."""
    for days in (member.days_posts, member.days_ranking, member.days_import):
        if days is not None:
            return min(days, camp.total_days)
    return 0


def needed(member: Member) -> int:
    """What the deal that was frozen at payment asks for: a number of days, or those from which all comes back."""
    deal = member.refund_policy
    return int(deal["required_days"] if "required_days" in deal else deal["payout"]["full_at"])


def fen(member: Member, days: int | None) -> int:
    """What so many days bring back."""
    if days is None or days < 1:
        return 0
    if days >= needed(member):
        return member.paid_fen
    return 0 if "required_days" in member.refund_policy else member.paid_fen * days // needed(member)


def completed(member: Member, camp: Camp) -> bool:
    """Both sources that a sync counts say enough; a sheet alone never does, and the camp has begun."""
    if camp.status == "enrolling" or member.status != "matched" or member.days_ranking is None:
        return False
    return member.days_ranking >= needed(member) and days_of(member, camp) >= needed(member)


def partial(member: Member, camp: Camp) -> bool:
    """Both sources agree, beyond doubt, on a part of the deposit, and the camp is over."""
    if camp.status not in _OVER or member.status != "matched" or member.confidence < 100 or member.days_posts is None:
        return False
    amount = fen(member, days_of(member, camp))
    in_doubt = fen(member, member.days_ranking) != amount or fen(member, member.days_import) > amount
    return not in_doubt and 0 < amount < member.paid_fen


def ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def real_camps(house: House) -> list[Camp]:
    return [camp for camp in house.camps if camp.status != "draft"]


def figures(house: House, camps: Iterable[Camp]) -> dict[str, Any]:
    """Of some camps together, with all their money."""
    by_id = {camp.id: camp for camp in camps}
    ids = set(by_id)
    members = [member for member in house.members if member.camp_id in ids]
    days = [days_of(member, by_id[member.camp_id]) for member in members]
    done_by = [member for member in members if completed(member, by_id[member.camp_id])]
    refunds = [refund for refund in house.refunds if refund.camp_id in ids]
    enrolled = len(members)
    done = [refund for refund in refunds if refund.status == "succeeded"]
    failed = [refund for refund in refunds if refund.status == "failed"]
    due = [r for r in refunds if r.status in ("approved", "sending", "processing", "succeeded", "failed")]
    income = sum(p.amount_fen for p in house.payments if p.camp_id in ids and p.status == "paid")
    refunded = sum(refund.amount_fen for refund in done)
    shares = [min(1.0, own / needed(member)) for own, member in zip(days, members, strict=True)]
    return {
        "enrolled": enrolled,
        "matched": sum(member.status == "matched" for member in members),
        "joined": sum(member.joined for member in members),
        "participated": sum(own > 0 for own in days),
        "completed": len(done_by),
        "partial": sum(partial(member, by_id[member.camp_id]) for member in members),
        "participation_rate": ratio(sum(own > 0 for own in days), enrolled),
        "completion_rate": ratio(len(done_by), enrolled),
        "average_rate": ratio(sum(shares), enrolled),
        "joined_rate": ratio(sum(member.joined for member in members), enrolled),
        "matched_rate": ratio(sum(member.status == "matched" for member in members), enrolled),
        "refunds_due": len(due),
        "refunds_succeeded": len(done),
        "refunds_failed": len(failed),
        "refunds_pending_review": sum(refund.status == "pending_review" for refund in refunds),
        "refund_completion_rate": ratio(len(done), len(due)),
        "refund_success_rate": ratio(len(done), len(done) + len(failed)),
        **money(income, refunded),
    }


def money(income: int, refunded: int) -> dict[str, Any]:
    return {
        "income_fen": income,
        "refunded_fen": refunded,
        "net_fen": income - refunded,
        "refund_rate": ratio(refunded, income),
    }


def moved(house: House, first: dt.date, last: dt.date, ids: set[uuid.UUID]) -> dict[str, Any]:
    """Money by the day it moved on."""

    def within(instant: dt.datetime | None) -> bool:
        return instant is not None and first <= clock.day_of(instant) <= last

    income = [p for p in house.payments if p.status == "paid" and within(p.paid_at) and p.camp_id in ids]
    back = [r for r in house.refunds if r.status == "succeeded" and within(r.succeeded_at) and r.camp_id in ids]
    return money(sum(p.amount_fen for p in income), sum(r.amount_fen for r in back))


def last_day(house: House, camp: Camp) -> dict[str, Any]:
    """今日打卡率 and the day it is about."""
    nothing = {"last_day": None, "last_day_members": None, "last_day_rate": None}
    if camp.last_complete_sync_at is None or camp.status not in ("ongoing", "ended"):
        return nothing
    day = min(camp.ends_on, clock.day_of(camp.last_complete_sync_at) - dt.timedelta(days=1))
    done = [run for run in house.syncs if run.camp_id == camp.id and run.status == "complete"]
    if day < camp.starts_on or not max(done, key=lambda run: run.created_at).posts_read:
        return nothing
    members = [member for member in house.members if member.camp_id == camp.id]
    matched = {member.planet_user_id for member in members if member.status == "matched"}
    on_day = {c.planet_user_id for c in house.checkins if c.camp_id == camp.id and c.day == day}
    count = len(matched & on_day)
    return {"last_day": day.isoformat(), "last_day_members": count, "last_day_rate": ratio(count, len(members))}


def states(house: House, camps: Iterable[Camp]) -> dict[str, int]:
    found = {"completed": 0, "partial": 0, "short": 0, "under_way": 0}
    for camp in camps:
        for member in house.members:
            if member.camp_id == camp.id:
                rest = "short" if camp.status in _OVER else "under_way"
                state = "completed" if completed(member, camp) else "partial" if partial(member, camp) else rest
                found[state] += 1
    return found
