"""The data of the simulated 知识星球: planets, people, projects, posts and tokens.

Days, ranks and states are not stored. They are computed from the posts at the sandbox clock's current time, so a post
dated tomorrow appears tomorrow.
"""

import datetime as dt
import random
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from backend.core import clock

NEVER = dt.datetime.fromtimestamp(9_999_999_999.999, dt.UTC)
"""How the real system writes 'never expires': 2286-11-21T01:46:39.999+0800."""

TOKEN_SECONDS = 30 * 24 * 3600

TokenState = Literal["good", "revoked", "kicked", "banned"]


@dataclass
class Member:
    """A person in one planet. ``number`` is None for a member without 星球编号."""

    user_id: str
    name: str
    alias: str | None
    number: int | None
    joined_at: dt.datetime
    expires_at: dt.datetime = NEVER
    status: Literal["joined", "exited"] = "joined"
    isolated: bool = False


@dataclass
class Post:
    topic_id: str
    user_id: str
    created_at: dt.datetime
    text: str
    modified_at: dt.datetime | None = None


@dataclass
class Project:
    """A check-in project. ``joined`` holds the user ids that signed up (报名); posting signs up too."""

    checkin_id: str
    group_id: str
    owner_id: str
    title: str
    text: str
    checkin_days: int
    expires_at: dt.datetime | None
    created_at: dt.datetime
    type: str = "accumulated"
    min_words_count: int = 0
    show_topics_on_timeline: bool = False
    closed: bool = False
    joined: set[str] = field(default_factory=set)
    posts: list[Post] = field(default_factory=list)

    @property
    def status(self) -> str:
        if self.closed:
            return "closed"
        return "over" if self.expires_at is not None and self.expires_at < clock.now() else "ongoing"

    def visible_posts(self) -> list[Post]:
        """The posts dated up to now, newest first."""
        now = clock.now()
        visible = [post for post in self.posts if post.created_at <= now]
        return sorted(visible, key=lambda post: (post.created_at, post.topic_id), reverse=True)

    def days_by_user(self) -> dict[str, set[dt.date]]:
        """The Shanghai calendar days on which each person posted."""
        days: dict[str, set[dt.date]] = {}
        for post in self.visible_posts():
            days.setdefault(post.user_id, set()).add(clock.day_of(post.created_at))
        return days


@dataclass
class Group:
    """A planet with its members by user id."""

    group_id: str
    name: str
    owner_id: str
    number: int
    created_at: dt.datetime
    enable_member_number: bool = True
    members_visibility: Literal["all", "admins"] = "all"
    members: dict[str, Member] = field(default_factory=dict)


@dataclass
class Token:
    """A credential of ``user_id``, invalid from ``expires_at`` on."""

    value: str
    user_id: str
    expires_at: dt.datetime
    state: TokenState = "good"


@dataclass(frozen=True)
class Call:
    """One received request, for tests and the overview. ``outcome`` is ``ok``, an error code or a fault's name."""

    method: str
    path: str
    query: str
    request_id: str
    timestamp: str
    outcome: str


class World:
    """The data and the methods that change it. Ids are strings here, and integers in the API.

    Methods raise LookupError for unknown ids.
    """

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        self.groups: dict[str, Group] = {}
        self.projects: dict[str, Project] = {}
        self.tokens: dict[str, Token] = {}
        self.calls: deque[Call] = deque(maxlen=2000)
        self._used: set[str] = set()

    def add_group(
        self,
        name: str = "示例星球",
        *,
        owner_name: str = "星主",
        enable_member_number: bool = True,
        members_visibility: Literal["all", "admins"] = "all",
    ) -> str:
        """Add a planet with its owner, who gets number 1. Returns the group id."""
        group_id, owner_id = self._digits(14), self._digits(self.random.randint(12, 15))
        number = self.random.randint(10**7, 10**8)
        group = Group(group_id, name, owner_id, number, clock.now(), enable_member_number, members_visibility)
        group.members[owner_id] = Member(owner_id, owner_name, None, 1, clock.now())
        self.groups[group_id] = group
        return group_id

    def add_member(
        self,
        name: str,
        *,
        alias: str | None = None,
        number: int | Literal["next"] | None = "next",
        group_id: str | None = None,
        joined_at: dt.datetime | None = None,
        user_id: str | None = None,
    ) -> str:
        """Add a member to the planet (default: the first one). Returns the user id, 12 to 15 digits."""
        group = self.group(group_id)
        user_id = user_id or self._digits(self.random.randint(12, 15))
        if number == "next":
            number = max((member.number or 0 for member in group.members.values()), default=0) + 1
        joined_at = joined_at or clock.now() - dt.timedelta(seconds=len(group.members))
        group.members[user_id] = Member(user_id, name, alias, number, joined_at)
        return user_id

    def add_project(
        self,
        title: str,
        *,
        text: str = "",
        checkin_days: int = 7,
        expires_at: dt.datetime | None = None,
        created_at: dt.datetime | None = None,
        group_id: str | None = None,
        min_words_count: int = 0,
    ) -> str:
        """Add a check-in project, of long period without ``expires_at``. Returns the ten-digit checkin id."""
        group = self.group(group_id)
        checkin_id = self._digits(10)
        created_at = created_at or clock.now()
        project = Project(checkin_id, group.group_id, group.owner_id, title, text, checkin_days, expires_at, created_at)
        project.min_words_count = min_words_count
        self.projects[checkin_id] = project
        return checkin_id

    def join(self, user_id: str, checkin_id: str) -> None:
        """Sign a person up (报名) without a post."""
        self.project(checkin_id).joined.add(user_id)

    def post(self, user_id: str, checkin_id: str, at: dt.datetime, text: str = "") -> str:
        """Add a check-in post. ``at`` may be in the future. Returns the topic id of 17 digits.

        Use times at least a millisecond apart: like the real API, paging fails if one millisecond has more posts
        than a page holds.
        """
        project = self.project(checkin_id)
        if user_id not in self.groups[project.group_id].members:
            raise LookupError(f"user {user_id} is not in the planet")
        topic_id = self._digits(17)
        project.joined.add(user_id)
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)
        project.posts.append(Post(topic_id, user_id, at, text or f"打卡 {clock.shanghai(at):%m-%d}"))
        return topic_id

    def edit_post(self, topic_id: str, text: str) -> None:
        """Change a post now. Its day still counts, as presumably in the real system."""
        _, post = self._find_post(topic_id)
        post.text, post.modified_at = text, clock.now()

    def delete_post(self, topic_id: str) -> None:
        """Delete a post. Its day no longer counts unless the person has another post on it."""
        project, post = self._find_post(topic_id)
        project.posts.remove(post)

    def rename(self, user_id: str, name: str, *, alias: str | None = None) -> None:
        """Rename a person in all planets. ``alias`` None keeps the alias."""
        for member in self._memberships(user_id):
            member.name = name
            member.alias = member.alias if alias is None else alias

    def leave(self, user_id: str, *, group_id: str | None = None) -> None:
        """Let a person leave the planet. Posts and ranking stay; a member look-up fails with 1008."""
        self.group(group_id).members[user_id].status = "exited"

    def close_project(self, checkin_id: str) -> None:
        """Close the project (已关闭), as an administrator does."""
        self.project(checkin_id).closed = True

    def issue_token(
        self, user_id: str | None = None, *, group_id: str | None = None, seconds: int = TOKEN_SECONDS
    ) -> str:
        """Issue a token valid for ``seconds``. ``user_id`` defaults to the owner of the given or first planet."""
        user_id = user_id or self.group(group_id).owner_id
        tail = "".join(self.random.choices("0123456789ABCDEF", k=16))
        value = f"{uuid.UUID(int=self.random.getrandbits(128), version=4)}_{tail}".upper()
        self.tokens[value] = Token(value, user_id, clock.now() + dt.timedelta(seconds=seconds))
        return value

    def set_token_state(self, token: str, state: TokenState) -> None:
        """``revoked`` → 401, ``kicked`` → 1009 (logged in elsewhere), ``banned`` → 10009."""
        self.tokens[token].state = state

    def group(self, group_id: str | None) -> Group:
        """The planet; the first one for None."""
        if group_id is not None:
            return self.groups[group_id]
        for group in self.groups.values():
            return group
        raise LookupError("there is no planet yet")

    def project(self, checkin_id: str) -> Project:
        return self.projects[checkin_id]

    def _memberships(self, user_id: str) -> list[Member]:
        found = [group.members[user_id] for group in self.groups.values() if user_id in group.members]
        if not found:
            raise LookupError(f"no user {user_id}")
        return found

    def _find_post(self, topic_id: str) -> tuple[Project, Post]:
        for project in self.projects.values():
            for post in project.posts:
                if post.topic_id == topic_id:
                    return project, post
        raise LookupError(f"no topic {topic_id}")

    def _digits(self, length: int) -> str:
        while True:
            value = str(self.random.randint(10 ** (length - 1), 10**length - 1))
            if value not in self._used:
                self._used.add(value)
                return value
