"""What their codes, statuses and bodies mean; and that no junk gets past the parsers."""

import datetime as dt
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core import clock
from backend.gateways.errors import GatewayError, Rejected, Unavailable
from backend.gateways.zsxq import (
    AccountBlocked,
    AuthExpired,
    BusinessError,
    MembershipExpired,
    NotFound,
    NotMember,
    PermissionDenied,
    Planet,
    RateLimited,
    ShapeChanged,
    parsing,
)
from tests.gateways.zsxq.zsxq_stage import open_planet, open_stage


@asynccontextmanager
async def planet_that_says(content: bytes, status: int = 200) -> AsyncIterator[Planet]:
    headers = {"Content-Type": "application/json"}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content, headers=headers))
    async with open_planet(transport) as planet:
        yield planet


CODES = [
    (401, AuthExpired),
    (1009, AuthExpired),
    (1015, AuthExpired),
    (10009, AccountBlocked),
    (403, PermissionDenied),
    (1006, PermissionDenied),
    (15404, PermissionDenied),
    (1005, NotMember),
    (1008, NotMember),
    (1037, NotMember),
    (1027, MembershipExpired),
    (14210, MembershipExpired),
    (404, NotFound),
    (15001, NotFound),
    (50102, NotFound),
    (1059, RateLimited),
    (429, RateLimited),
    (500, Unavailable),
    (600, Unavailable),
    (1048, Unavailable),
    (52010, BusinessError),
    (1001, BusinessError),
    (987654, BusinessError),
]


@pytest.mark.parametrize(("code", "kind"), CODES)
@pytest.mark.parametrize("written", [int, str])
async def test_a_code_in_a_200_body(code: int, kind: type[GatewayError], written: type) -> None:
    body = {"succeeded": False, "code": written(code), "info": "", "resp_data": {}, "error": "出错了"}
    async with planet_that_says(json.dumps(body).encode()) as planet:
        with pytest.raises(GatewayError) as caught:
            await planet.totals("1")
    assert type(caught.value) is kind
    assert caught.value.message == f"{code} 出错了"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"", AuthExpired),
        (401, b"<html>login</html>", AuthExpired),
        (401, b'{"succeeded":false,"code":1059}', AuthExpired),
        (401, b'{"succeeded":false,"code":10009}', AccountBlocked),
        (403, b"no", PermissionDenied),
        (403, b'{"succeeded":false,"code":1005}', NotMember),
        (404, b'{"succeeded":false,"code":0}', NotFound),
        (421, b"Misdirected Request", BusinessError),
        (429, b'{"succeeded":true,"resp_data":{}}', RateLimited),
        (503, b'{"succeeded":false,"code":401}', Unavailable),
        (200, b'{"succeeded":false}', BusinessError),
        (200, b'{"code":401,"message":"x"}', AuthExpired),
        (200, b'{"succeeded":false,"code":"abc","error":{"a":1}}', BusinessError),
        (200, b"{}", ShapeChanged),
        (200, b"[]", ShapeChanged),
        (200, b'{"succeeded":"yes","resp_data":{}}', ShapeChanged),
        (200, b'{"succeeded":true}', ShapeChanged),
        (200, b'{"succeeded":true,"resp_data":[]}', ShapeChanged),
        (200, b'{"succeeded":true,"resp_data":{}}', ShapeChanged),
        (200, b'{"succeeded":true,"resp_data":{"statistics":{"joined_count":"x"}}}', ShapeChanged),
        (200, b"", Unavailable),
        (200, b"\xff\xfe", Unavailable),
        (200, b"[" * 100_000, Unavailable),
        (302, b"", Unavailable),
    ],
)
async def test_statuses_and_bodies(status: int, body: bytes, kind: type[GatewayError]) -> None:
    async with planet_that_says(body, status) as planet:
        with pytest.raises(GatewayError) as caught:
            await planet.totals("1")
    assert type(caught.value) is kind


async def test_the_first_text_that_says_something_is_shown() -> None:
    body = {"succeeded": False, "code": 1004, "error": "", "info": "", "msg": "参数 错误" * 100}
    async with planet_that_says(json.dumps(body).encode()) as planet:
        with pytest.raises(BusinessError) as caught:
            await planet.totals("1")
    assert caught.value.number == 1004
    assert caught.value.message.startswith("1004 参数 错误")
    assert len(caught.value.message) <= 205


async def test_a_page_size_found_too_large_is_lowered_once() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(45)
        stage.sandbox.faults.set("code", path="/topics", value=14001)
        assert len(await stage.posts(checkin_id)) == 45
        counts = [re.findall(r"count=(\d+)", call.query)[0] for call in stage.calls("/topics")]
        assert counts[0] == "20"
        assert set(counts[1:]) == {"10"}
        stage.sandbox.faults.set("code", path="/topics", value=14001, times=None)
        with pytest.raises(BusinessError, match="14001"):
            await stage.posts(checkin_id)


async def test_a_null_list_is_an_empty_one() -> None:
    async with planet_that_says(b'{"succeeded":true,"resp_data":{"ranking_list":null,"topics":null}}') as planet:
        assert [page async for page in planet.iter_ranking("1")] == []
        assert [page async for page in planet.iter_posts("1")] == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-10-24T09:30:00.000+0800", dt.datetime(2025, 10, 24, 9, 30, tzinfo=clock.SHANGHAI)),
        ("2025-10-24T01:30:00Z", dt.datetime(2025, 10, 24, 9, 30, tzinfo=clock.SHANGHAI)),
        ("", None),
        (None, None),
        (1761507257, None),
        ("2025-10-24T09:30:00", None),
        ("0001-01-01T00:00:00.000+0800", None),
        ("yesterday", None),
    ],
)
def test_instants(value: object, expected: dt.datetime | None) -> None:
    assert parsing.instant(value) == expected


def test_never_expires_is_an_instant_like_others() -> None:
    never = parsing.instant("2286-11-21T01:46:39.999+0800")
    assert never is not None
    assert parsing.wire_time(never) == "2286-11-21T01:46:39.999+0800"


@given(st.integers(0, 4_000_000_000_000_000))
def test_wire_times_keep_the_millisecond(microseconds: int) -> None:
    instant = dt.datetime(1990, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)
    back = parsing.instant(parsing.wire_time(instant))
    assert back == instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def test_texts_become_storable() -> None:
    raw = {"user": {"user_id": "007", "name": "a\x00b\ud800", "alias": ""}, "checkined_days": "9"}
    row = parsing.ranking_row(raw)
    assert row is not None
    assert (row.user_id, row.name, row.alias, row.days, row.rank) == ("7", "ab?", None, 9, None)


@pytest.mark.parametrize("user_id", [None, True, 0, -1, 8.41858e14, "8.41858E+14", "", "٣", "9" * 21, [1], {"a": 1}])
def test_what_is_no_id_makes_a_row_unreadable(user_id: object) -> None:
    assert parsing.ranking_row({"user": {"user_id": user_id}, "checkined_days": 1}) is None


@pytest.mark.parametrize("days", [None, True, -1, 1.5, "", "many", 2**31, []])
def test_what_is_no_number_of_days_makes_a_row_unreadable(days: object) -> None:
    assert parsing.ranking_row({"user": {"user_id": 1}, "checkined_days": days}) is None


def test_an_excerpt_is_short_and_plain() -> None:
    text = 'Day 3\n<e type="mention" uid="1" title="%40%E7%94%B2" />' + "字" * 300 + " 1 < 2"
    assert parsing.excerpt(text) == "Day 3 " + "字" * 194


def json_values() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    keys = st.text() | st.sampled_from(
        ["user", "user_id", "checkined_days", "name", "alias", "talk", "owner", "text", "create_time", "topic_id"]
    )
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=12)


@given(st.lists(json_values(), max_size=6))
def test_random_rows_never_crash_and_are_counted(raw: list[Any]) -> None:
    for parse in (parsing.ranking_row, parsing.post, parsing.member, parsing.project):
        rows, malformed = parsing.readable(raw, parse)
        assert len(rows) + malformed == len(raw)


@settings(max_examples=60, deadline=None)
@given(st.lists(json_values(), min_size=1, max_size=5), st.integers(0, 21))
async def test_random_rows_among_good_ones_are_counted_on_the_page(junk: list[Any], at: int) -> None:
    good = [{"user": {"user_id": 100 + n}, "rankings": n + 1, "checkined_days": 3} for n in range(21)]
    _, unreadable = parsing.readable(junk, parsing.ranking_row)
    if unreadable < len(junk):
        return  # hypothesis built a real row
    pages = [[*good[:at], *junk, *good[at:]]]

    def answer(request: httpx.Request) -> httpx.Response:
        first = request.url.params["index"] == "0"
        body = {"succeeded": True, "resp_data": {"ranking_list": pages[0] if first else []}}
        return httpx.Response(200, content=json.dumps(body).encode())

    async with open_planet(httpx.MockTransport(answer)) as planet:
        (page,) = [page async for page in planet.iter_ranking("1")]
    assert [row.user_id for row in page.rows] == [str(100 + n) for n in range(21)]
    assert page.malformed == len(junk)


@settings(max_examples=60, deadline=None)
@given(json_values())
async def test_random_payloads_end_in_an_error_of_ours_or_a_result(payload: Any) -> None:
    content = json.dumps({"succeeded": True, "resp_data": payload}).encode()
    async with planet_that_says(content) as planet:
        for call in (planet.probe, lambda: planet.totals("1"), lambda: planet.get_project("1")):
            with pytest.raises(Rejected):
                await call()
