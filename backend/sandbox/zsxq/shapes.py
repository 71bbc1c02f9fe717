"""JSON with exactly the real system's keys (from recordings; values are invented)."""

import datetime as dt
from typing import Any

from backend.core import clock
from backend.sandbox.zsxq.world import Group, Member, Post, Project

Json = dict[str, Any]


def wire_time(instant: dt.datetime) -> str:
    """Format a time for the API, for example ``2025-10-24T09:30:00.000+0800``."""
    return instant.astimezone(dt.timezone(dt.timedelta(hours=8))).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0800"


def envelope(data: Json) -> Json:
    """A success response."""
    return {"succeeded": True, "resp_data": data}


def failure(code: int, text: str) -> Json:
    """A business error, sent with HTTP 200."""
    return {"succeeded": False, "code": code, "info": "", "resp_data": {}, "error": text}


def user(member: Member) -> Json:
    """A person in rankings and topics, always without a number."""
    return {
        "user_id": int(member.user_id),
        "name": member.name,
        "alias": member.alias or "",
        "avatar_url": "https://images.example/u",
    }


def self_user(member: Member) -> Json:
    """The caller, from ``/v3/users/self``."""
    return {
        "user": {
            "uid": member.user_id,
            "user_id": int(member.user_id),
            "name": member.name,
            "avatar_url": "https://images.example/u",
            "unique_id": f"sandbox{member.user_id[-4:]}",
            "user_sid": "sandbox",
            "grade": "",
            "location": "广东",
        },
        "accounts": {"phone": {"binding": True}, "wechat": {"binding": True}},
    }


def member(group: Group, who: Member, *, for_owner: bool) -> Json:
    """A member. Has a number only if the planet enables it, and an expiry only for the owner."""
    shape: Json = {
        "group_id": int(group.group_id),
        "user_id": int(who.user_id),
        "name": who.name,
        "avatar_url": "https://images.example/u",
        "join_time": wire_time(who.joined_at),
        "update_time": wire_time(who.joined_at),
        "login_time": wire_time(who.joined_at),
        "isolated": who.isolated,
        "status": who.status,
    }
    if group.enable_member_number and who.number is not None:
        shape["number"] = who.number
    if who.alias is not None:
        shape["alias"] = who.alias
    if for_owner:
        shape["expired_time"] = wire_time(who.expires_at)
    return shape


def group(planet: Group) -> Json:
    owner = planet.members[planet.owner_id]
    joined = sum(1 for each in planet.members.values() if each.status == "joined")
    return {
        "group_id": int(planet.group_id),
        "number": planet.number,
        "name": planet.name,
        "description": "",
        "create_time": wire_time(planet.created_at),
        "type": "pay",
        "owner": user(owner),
        "admin_ids": [int(planet.owner_id)],
        "policies": {
            "enable_member_number": planet.enable_member_number,
            "members_visibility": planet.members_visibility,
        },
        "statistics": {"members": {"count": joined}},
    }


def project_totals(project: Project) -> Json:
    """People who joined, reached the goal, and checked in at all."""
    days = project.days_by_user()
    return {
        "joined_count": len(project.joined),
        "completed_count": sum(1 for dates in days.values() if len(dates) >= project.checkin_days),
        "checkined_count": len(days),
    }


def project(planet: Group, it: Project, caller_id: str) -> Json:
    """A check-in project, in list and detail."""
    totals = project_totals(it)
    days = it.days_by_user()
    today = sum(1 for dates in days.values() if clock.today() in dates)
    return {
        "checkin_id": int(it.checkin_id),
        "group": {"group_id": int(planet.group_id), "name": planet.name, "background_url": "https://images.example/b"},
        "owner": {**user(planet.members[it.owner_id]), "description": ""},
        "title": it.title,
        "text": it.text,
        "checkin_days": it.checkin_days,
        "type": it.type,
        "validity": {
            "long_period": it.expires_at is None,
            "expiration_time": "" if it.expires_at is None else wire_time(it.expires_at),
        },
        "show_topics_on_timeline": it.show_topics_on_timeline,
        "min_words_count": it.min_words_count,
        "create_time": wire_time(it.created_at),
        "status": it.status,
        "joined_count": totals["joined_count"],
        "statistics": {
            "joined_count": totals["joined_count"],
            "completed_count": totals["completed_count"],
            "today_checkined_count": today,
        },
        "joined_users": [{"avatar_url": "https://images.example/1"}] * min(5, totals["joined_count"]),
        "user_specific": {"joined": caller_id in it.joined},
    }


def topic(planet: Group, it: Project, post: Post) -> Json:
    """A check-in post. Has ``modify_time`` only if it was edited."""
    shape: Json = {
        "topic_id": int(post.topic_id),
        "topic_uid": post.topic_id,
        "group": {"group_id": int(planet.group_id), "name": planet.name, "type": "pay"},
        "type": "talk",
        "talk": {"owner": {**user(planet.members[post.user_id]), "location": "广东"}, "text": post.text},
        "likes_count": 0,
        "rewards_count": 0,
        "comments_count": 0,
        "reading_count": 1,
        "readers_count": 1,
        "digested": False,
        "sticky": False,
        "create_time": wire_time(post.created_at),
        "user_specific": {"liked": False, "liked_emojis": [], "subscribed": False},
        "checkin": {"checkin_id": int(it.checkin_id), "title": it.title, "min_words_count": it.min_words_count},
        "title": post.text[:20],
    }
    if post.modified_at is not None:
        shape["modify_time"] = wire_time(post.modified_at)
    return shape
