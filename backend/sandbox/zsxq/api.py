"""The handlers: each takes an authenticated request and returns ``resp_data`` or raises :class:`ApiError`.

Paths and parameters: zsxq-api §4 and §5. Where no source shows the error code (for example of a missing project),
a known code with that meaning is used.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.core import clock
from backend.sandbox.zsxq import shapes
from backend.sandbox.zsxq.faults import RANKING_PAGE_SIZE
from backend.sandbox.zsxq.shapes import Json
from backend.sandbox.zsxq.world import Group, Member, Project, World

MAX_PROJECTS, MAX_TOPICS, MAX_MEMBERS = 100, 30, 200


class ApiError(Exception):
    """A business error, sent with HTTP 200."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass
class Ask:
    """An authenticated request. ``body`` is the object in ``req_data``, or None if absent."""

    world: World
    caller_id: str
    params: dict[str, str]
    query: dict[str, str]
    body: Json | None
    shuffle_ties: bool = False

    def group(self) -> Group:
        """The planet in the path. Raises ApiError 50101 if unknown, 1005 if the caller is no member."""
        group = self.world.groups.get(self.params["g"])
        if group is None:
            raise ApiError(50101, "星球不存在")
        if not _belongs(group, self.caller_id):
            raise ApiError(1005, "你不是星球成员")
        return group

    def owned_group(self) -> Group:
        """Like :meth:`group`. Raises ApiError 1006 if the caller is not the owner."""
        group = self.group()
        if group.owner_id != self.caller_id:
            raise ApiError(1006, "没有管理员权限")
        return group

    def project(self) -> tuple[Group, Project]:
        """The check-in project in the path, with its planet. Raises ApiError 17501 if unknown."""
        group = self.group()
        project = self.world.projects.get(self.params["c"])
        if project is None or project.group_id != group.group_id:
            raise ApiError(17501, "打卡任务不存在")
        return group, project

    def count(self, maximum: int, *, code: int, default: int | None = None) -> int:
        """The page size, from 1 to ``maximum``. Raises ApiError with ``code`` otherwise."""
        value = self.query.get("count", "" if default is None else str(default))
        if not value.isdigit() or not 1 <= int(value) <= maximum:
            raise ApiError(code, "count 超出范围")
        return int(value)

    def instant(self, name: str, *, code: int) -> dt.datetime | None:
        """A time in the query, None if absent. Raises ApiError with ``code`` for a bad format."""
        value = self.query.get(name)
        if not value:
            return None
        try:
            return dt.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z")
        except ValueError:
            raise ApiError(code, f"{name} 格式错误") from None

    def written(self) -> Json:
        """The body of a write. Raises ApiError 1012 if absent."""
        if self.body is None:
            raise ApiError(1012, "缺少 req_data")
        return self.body


def _belongs(group: Group, user_id: str) -> bool:
    return user_id in group.members and group.members[user_id].status == "joined"


def self_user(ask: Ask) -> Json:
    for group in ask.world.groups.values():
        if ask.caller_id in group.members:
            return shapes.self_user(group.members[ask.caller_id])
    raise ApiError(1037, "用户不存在")


def list_groups(ask: Ask) -> Json:
    mine = [shapes.group(group) for group in ask.world.groups.values() if _belongs(group, ask.caller_id)]
    return {"groups": mine}


def get_group(ask: Ask) -> Json:
    return {"group": shapes.group(ask.group())}


def list_projects(ask: Ask) -> Json:
    group, scope = ask.group(), ask.query.get("scope", "ongoing")
    if scope not in ("ongoing", "over", "closed"):
        raise ApiError(1004, "scope 错误")
    count, end = ask.count(MAX_PROJECTS, code=1003, default=30), ask.instant("end_time", code=1001)
    found = [
        project
        for project in ask.world.projects.values()
        if project.group_id == group.group_id
        and project.status == scope
        and (end is None or _millis(project.created_at) <= _millis(end))
    ]
    found.sort(key=lambda project: (project.created_at, project.checkin_id), reverse=True)
    return {"checkins": [shapes.project(group, project, ask.caller_id) for project in found[:count]]}


def create_project(ask: Ask) -> Json:
    group, body = ask.owned_group(), ask.written()
    try:
        validity = body["validity"]
        until = None
        if not validity["long_period"]:
            until = dt.datetime.strptime(validity["expiration_time"], "%Y-%m-%dT%H:%M:%S.%f%z")
        checkin_id = ask.world.add_project(
            str(body["title"]),
            text=str(body["text"]),
            checkin_days=int(body["checkin_days"]),
            expires_at=until,
            group_id=group.group_id,
        )
    except (KeyError, TypeError, ValueError):
        raise ApiError(1004, "参数错误") from None
    return {"checkin": shapes.project(group, ask.world.project(checkin_id), ask.caller_id)}


def get_project(ask: Ask) -> Json:
    group, project = ask.project()
    return {
        "is_valid_member": True,
        "checkin": shapes.project(group, project, ask.caller_id),
        "group": {"name": group.name},
    }


def edit_project(ask: Ask) -> Json:
    ask.owned_group()
    _, project = ask.project()
    body = ask.written()
    project.title = str(body.get("title", project.title))
    project.text = str(body.get("text", project.text))
    project.closed = project.closed or body.get("status") == "closed"
    return {}


def statistics(ask: Ask) -> Json:
    _, project = ask.project()
    totals = shapes.project_totals(project)
    avatars = [{"avatar_url": "https://images.example/1"}] * min(6, totals["checkined_count"])
    return {"statistics": {**totals, "ranking_list": avatars}}


def daily_statistics(ask: Ask) -> Json:
    _, project = ask.project()
    instant = ask.instant("date", code=1004)
    if instant is None:
        raise ApiError(1004, "date 缺失")
    day = clock.day_of(instant)
    return {"checkined_count": sum(1 for dates in project.days_by_user().values() if day in dates)}


def ranking(ask: Ask) -> Json:
    group, project = ask.project()
    kind, index = ask.query.get("type"), ask.query.get("index", "0")
    if kind not in ("accumulated", "continuous") or not index.isdigit():
        raise ApiError(1004, "参数错误")
    days = project.days_by_user()
    scores = {user: len(dates) if kind == "accumulated" else _streak(dates) for user, dates in days.items()}
    ties = {user: ask.world.random.random() if ask.shuffle_ties else float(user) for user in scores}
    ranked = sorted(scores, key=lambda user: (-scores[user], ties[user]))
    rows = [_ranking_row(group.members[user], rank, scores[user]) for rank, user in enumerate(ranked, start=1)]
    start = int(index)
    own = next((row for row in rows if row["user"]["user_id"] == int(ask.caller_id)), None)
    return {
        "ranking_list": rows[start : start + RANKING_PAGE_SIZE],
        "user_specific": own or _ranking_row(group.members[ask.caller_id], 0, 0),
    }


def _ranking_row(member: Member, rank: int, days: int) -> Json:
    return {"user": shapes.user(member), "rankings": rank, "checkined_days": days}


def _streak(dates: set[dt.date]) -> int:
    """The longest run of days without a gap."""
    best = 0
    for first in (day for day in dates if day - dt.timedelta(days=1) not in dates):
        length = 1
        while first + dt.timedelta(days=length) in dates:
            length += 1
        best = max(best, length)
    return best


def topics(ask: Ask) -> Json:
    group, project = ask.project()
    count, end = ask.count(MAX_TOPICS, code=14001, default=20), ask.instant("end_time", code=1001)
    posts = [post for post in project.visible_posts() if end is None or post.created_at <= end]
    return {"topics": [shapes.topic(group, project, post) for post in posts[:count]]}


def own_record(ask: Ask) -> Json:
    _, project = ask.project()
    if ask.caller_id not in project.joined:
        raise ApiError(52010, "未报名参加该打卡任务")
    days = project.days_by_user().get(ask.caller_id, set())
    return {"checkined_dates": sorted(day.isoformat() for day in days), "checkined_days": len(days)}


def get_member(ask: Ask) -> Json:
    group, who = _asked_member(ask)
    return {"member": shapes.member(group, who, for_owner=ask.caller_id == group.owner_id)}


def member_summary(ask: Ask) -> Json:
    group, who = _asked_member(ask)
    joined_days = (clock.today() - clock.day_of(who.joined_at)).days
    shape = shapes.member(group, who, for_owner=ask.caller_id == group.owner_id)
    return {"joined_days": joined_days, "topics_count": 0, "liked_count": 0, "paid": True, "member": shape}


def _asked_member(ask: Ask) -> tuple[Group, Member]:
    group = ask.group()
    who = group.members.get(ask.params["u"])
    if who is None or who.status != "joined":
        raise ApiError(1008, "该用户不是星球成员")
    return group, who


def list_members(ask: Ask) -> Json:
    """By the official rules, a ``sort`` that doesn't fit the ``scope`` gives an empty list, not an error."""
    group = ask.group()
    if group.members_visibility == "admins" and group.owner_id != ask.caller_id:
        raise ApiError(1006, "没有管理员权限")
    count = ask.count(MAX_MEMBERS, code=1003)
    scope, sort = ask.query.get("scope", "all"), ask.query.get("sort", "join_time")
    if sort not in _sorts_of(scope):
        return {"members": []}
    wanted = ask.query.get("filter", "joined").split(",")
    members = [who for who in group.members.values() if who.status in wanted and _in_scope(group, who, scope)]
    begin, end = ask.instant("begin_time", code=1002), ask.instant("end_time", code=1001)
    keyed = [(_sort_value(who, sort), who) for who in members]
    if sort != "number":
        keyed = [
            (value, who)
            for value, who in keyed
            if (begin is None or value >= _millis(begin)) and (end is None or value <= _millis(end))
        ]
    keyed.sort(key=lambda item: (item[0], item[1].user_id), reverse=ask.query.get("order", "desc") == "desc")
    for_owner = ask.caller_id == group.owner_id
    return {"members": [shapes.member(group, who, for_owner=for_owner) for _, who in keyed[:count]]}


def _sorts_of(scope: str) -> set[str]:
    sorts = {"join_time", "update_time"}
    if scope in ("regular", "expired"):
        sorts.add("expired_time")
    if scope == "expired":
        sorts.add("number")
    return sorts


def _in_scope(group: Group, who: Member, scope: str) -> bool:
    expired = who.expires_at < clock.now()
    privileged = who.user_id == group.owner_id
    return {
        "all": True,
        "privileged": privileged,
        "privileged_and_volunteer": privileged,
        "expired": expired,
        "trial": False,
        "regular": not privileged and not expired,
    }.get(scope, False)


def _sort_value(who: Member, sort: str) -> int:
    if sort == "number":
        return who.number or 0
    return _millis(who.expires_at if sort == "expired_time" else who.joined_at)


def _millis(instant: dt.datetime) -> int:
    """Milliseconds since the epoch, the precision of times in the API."""
    return int(instant.timestamp() * 1000)


def role_members(ask: Ask) -> Json:
    group = ask.group()
    owner = shapes.member(group, group.members[group.owner_id], for_owner=ask.caller_id == group.owner_id)
    return {"owner": owner, "partners": [], "guests": []}


_G = "/v2/groups/{g}"
_P = _G + "/checkins/{c}"
_SELF = "/v2/users/self/groups/{g}/checkins/{c}"

ROUTES: list[tuple[str, str, Callable[[Ask], dict[str, Any]]]] = [
    ("GET", "/v3/users/self", self_user),
    ("GET", "/v2/groups", list_groups),
    ("GET", _G, get_group),
    ("GET", _G + "/checkins", list_projects),
    ("POST", _G + "/checkins", create_project),
    ("GET", _P, get_project),
    ("PUT", _P, edit_project),
    ("GET", _P + "/statistics", statistics),
    ("GET", _P + "/statistics/daily", daily_statistics),
    ("GET", _P + "/ranking_list", ranking),
    ("GET", _P + "/topics", topics),
    ("GET", _SELF + "/topics", own_record),
    ("GET", _SELF + "/checkined_dates", own_record),
    ("GET", _SELF + "/statistics", own_record),
    ("GET", _G + "/members", list_members),
    ("GET", _G + "/members/{u}", get_member),
    ("GET", _G + "/members/{u}/summary", member_summary),
    ("GET", _G + "/role_members", role_members),
]
