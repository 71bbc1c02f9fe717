"""Tolerant parsing of the server's JSON into our types.

A row must have only the fields that decisions depend on; a field of the wrong type counts as absent. Unreadable rows
are counted, never dropped silently. A missing list raises :class:`ShapeChanged`; it never counts as empty.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from backend.core.clock import SHANGHAI
from backend.gateways.zsxq.errors import ShapeChanged
from backend.gateways.zsxq.types import PlanetMember, Post, Project, RankingRow, Totals

Json = Mapping[str, Any]
Row = TypeVar("Row")

EXCERPT_LENGTH = 200
# A fixed offset: Asia/Shanghai had summer time until 1991, and the server expects +0800.
_WIRE_ZONE = dt.timezone(dt.timedelta(hours=8))
_MAX_COUNT = 2**31 - 1
_MAX_ID_DIGITS = 20
# Inline tags for mentions, links and hashtags: <e type="hashtag" hid="…" title="…" />
_TAG = re.compile(r"<e\s[^<>]*>")


def ident(value: object) -> str | None:
    """An id as a decimal string; None if invalid. A float is invalid because it has already lost digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if 0 < value < 10**_MAX_ID_DIGITS else ""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_ID_DIGITS:
        return str(int(value)) if int(value) > 0 else None
    return None


def count(value: object) -> int | None:
    """An integer from 0 to the maximum of a database integer; None if invalid."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_ID_DIGITS:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT:
        return value
    return None


def text(value: object) -> str:
    """A text that PostgreSQL can store: without NUL and lone surrogates. Empty if ``value`` isn't a string."""
    if not isinstance(value, str):
        return ""
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def instant(value: object) -> dt.datetime | None:
    """Parse ``2025-10-24T09:30:00.000+0800`` to Shanghai time; None if unset (an empty string) or invalid."""
    if not isinstance(value, str):
        return None
    try:
        parsed = dt.datetime.fromisoformat(value)
        return parsed.astimezone(SHANGHAI) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None


def wire_time(value: dt.datetime) -> str:
    """Format a time for a query or a body: milliseconds, offset without colon, always +0800."""
    local = value.astimezone(_WIRE_ZONE)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}+0800"


def mapping(value: object) -> Json:
    """``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def section(data: Json, key: str) -> Json:
    """The object under ``key``. Raises ShapeChanged if there is none."""
    value = data.get(key)
    if not isinstance(value, dict):
        raise ShapeChanged(f"no object {key!r} in the answer")
    return value


def listing(data: Json, key: str) -> list[Any]:
    """The list under ``key``; null counts as empty, as some servers send it. Raises ShapeChanged if there is none."""
    value = data.get(key, "")
    if value is None:
        return []
    if not isinstance(value, list):
        raise ShapeChanged(f"no list {key!r} in the answer")
    return value


def readable(raw: list[Any], parse: Callable[[Json], Row | None]) -> tuple[list[Row], int]:
    """The parsed rows, and the number of unreadable ones."""
    rows = [row for row in (parse(mapping(item)) for item in raw) if row is not None]
    return rows, len(raw) - len(rows)


def ranking_row(raw: Json) -> RankingRow | None:
    """Parse a ranking row; None without a user id or a number of days, because refunds depend on both."""
    user = mapping(raw.get("user"))
    user_id, days = ident(user.get("user_id")), count(raw.get("checkined_days"))
    if user_id is None or days is None:
        return None
    return RankingRow(user_id, text(user.get("name")), _alias(user), days, count(raw.get("rankings")))


def post(raw: Json) -> Post | None:
    """Parse a post; None without topic id, author or time. All check-ins seen so far have type ``talk``."""
    talk = mapping(raw.get("talk"))
    owner = mapping(talk.get("owner"))
    topic_id = ident(raw.get("topic_uid")) or ident(raw.get("topic_id"))
    user_id, created_at = ident(owner.get("user_id")), instant(raw.get("create_time"))
    if topic_id is None or user_id is None or created_at is None:
        return None
    return Post(topic_id, user_id, text(owner.get("name")), _alias(owner), created_at, excerpt(text(talk.get("text"))))


def excerpt(body: str) -> str:
    """The first 200 characters of a post as plain text on one line, without inline tags."""
    return " ".join(_TAG.sub(" ", body).split())[:EXCERPT_LENGTH]


def member(raw: Json) -> PlanetMember | None:
    """Parse a member; None without a user id."""
    user_id = ident(raw.get("user_id"))
    if user_id is None:
        return None
    return PlanetMember(user_id, text(raw.get("name")), _alias(raw), ident(raw.get("number")), text(raw.get("status")))


def project(raw: Json) -> Project | None:
    """Parse a project; None without an id. Projects have no start date, only an end (``validity``)."""
    checkin_id = ident(raw.get("checkin_id"))
    if checkin_id is None:
        return None
    validity = mapping(raw.get("validity"))
    return Project(
        checkin_id=checkin_id,
        title=text(raw.get("title")),
        text=text(raw.get("text")),
        status=text(raw.get("status")),
        type=text(raw.get("type")),
        checkin_days=count(raw.get("checkin_days")),
        long_period=validity.get("long_period") is True,
        expires_at=instant(validity.get("expiration_time")),
        created_at=instant(raw.get("create_time")),
        joined_count=count(raw.get("joined_count")),
    )


def totals(data: Json) -> Totals:
    """Parse the totals that a ranking is compared with. Raises ShapeChanged if one is missing."""
    statistics = section(data, "statistics")
    joined, checkined = count(statistics.get("joined_count")), count(statistics.get("checkined_count"))
    if joined is None or checkined is None:
        raise ShapeChanged("no joined_count or checkined_count in the statistics")
    return Totals(joined, checkined)


def _alias(user: Json) -> str | None:
    return text(user.get("alias")) or None
