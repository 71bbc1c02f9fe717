"""The simulator as any client sees it: credentials, signatures, official list rules, faults, the control API."""

import datetime as dt
import hashlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.routing import Mount

from backend.core import clock
from backend.sandbox.zsxq import ZsxqSandbox

Json = dict[str, Any]
Query = dict[str, str | int]


class Browser:
    """A client of its own making: cookie, signature as the web client makes it."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http = http
        self.token = token

    async def send(
        self,
        method: str,
        path: str,
        params: Query | None = None,
        *,
        sign: bool = True,
        body: object = None,
        request_id: str = "",
    ) -> httpx.Response:
        request = self.http.build_request(method, path, params=params or None, json=body)
        request_id, timestamp = request_id or str(uuid.uuid4()), str(int(clock.timestamp()))
        digest = hashlib.sha1(f"{request.url} {timestamp} {request_id}".encode()).hexdigest()
        request.headers["Cookie"] = f"a=b; zsxq_access_token={self.token}"
        request.headers["X-Request-Id"], request.headers["X-Timestamp"] = request_id, timestamp
        request.headers["X-Signature"] = digest if sign else "0" * 40
        return await self.http.send(request)

    async def get(self, path: str, **params: str | int) -> Json:
        """``resp_data`` of a success."""
        body = (await self.send("GET", path, params)).json()
        assert body["succeeded"] is True, body
        data: Json = body["resp_data"]
        return data

    async def code(self, path: str, **params: str | int) -> int:
        """The code of a failure."""
        body = (await self.send("GET", path, params)).json()
        assert body["succeeded"] is False
        return int(body["code"])


@pytest.fixture
def advance() -> Iterator[Callable[[float], None]]:
    with tempfile.TemporaryDirectory() as directory:
        file, total = Path(directory) / "clock", 0.0

        def move(seconds: float) -> None:
            nonlocal total
            total += seconds
            file.write_text(repr(total))
            clock.use_test_clock(file)

        move(0)
        yield move
        clock.use_test_clock(None)


@asynccontextmanager
async def browser(sandbox: ZsxqSandbox, token: str | None = None) -> AsyncIterator[Browser]:
    if not sandbox.groups:
        sandbox.add_group()
    async with httpx.AsyncClient(transport=sandbox.transport(), base_url="http://zsxq.test") as http:
        yield Browser(http, token or sandbox.issue_token())


def group_path(sandbox: ZsxqSandbox) -> str:
    return f"/v2/groups/{sandbox.group(None).group_id}"


@pytest.mark.parametrize(("mode", "status"), [("http", 401), ("body", 200)])
async def test_a_missing_or_unknown_token(mode: str, status: int) -> None:
    sandbox = ZsxqSandbox(auth_failure="http" if mode == "http" else "body")
    async with browser(sandbox, "unknown") as web:
        for response in (await web.send("GET", "/v3/users/self"), await web.http.get("/v3/users/self")):
            assert response.status_code == status
            assert response.json() == {"succeeded": False, "code": 401, "info": "", "resp_data": {}, "error": "未认证"}


async def test_the_app_sends_its_token_in_authorization() -> None:
    sandbox = ZsxqSandbox(signature="off")
    sandbox.add_group()
    headers = {"Authorization": sandbox.issue_token()}
    async with httpx.AsyncClient(transport=sandbox.transport(), base_url="http://zsxq.test", headers=headers) as http:
        assert (await http.get("/v3/users/self")).json()["resp_data"]["user"]["name"] == "星主"


async def test_expire_in_counts_down_to_a_dead_token(advance: Callable[[float], None]) -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:
        first = int((await web.send("GET", "/v3/users/self")).headers["X-Expire-In"])
        assert 2_591_990 <= first <= 2_592_000
        advance(263)
        assert first - int((await web.send("GET", "/v3/users/self")).headers["X-Expire-In"]) in (263, 264)
        advance(2_592_000)
        assert (await web.send("GET", "/v3/users/self")).status_code == 401


async def test_signature_modes() -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:

        async def outcome(*, sign: bool) -> object:
            return (await web.send("GET", "/v3/users/self", sign=sign)).json().get("code")

        assert await outcome(sign=True) is None
        assert await outcome(sign=False) == 1059
        sandbox.signature = "off"
        assert await outcome(sign=False) is None
        sandbox.signature = "sampled"
        refused = [await outcome(sign=False) for _ in range(200)].count(1059)
        assert 30 < refused < 90
        assert [await outcome(sign=True) for _ in range(20)] == [None] * 20


async def test_the_signature_covers_the_prefix_under_which_it_is_mounted() -> None:
    sandbox = ZsxqSandbox()
    sandbox.add_group()
    app = Starlette(routes=[Mount("/zsxq", app=sandbox.app)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://box.test:8080/zsxq") as http:
        web = Browser(http, sandbox.issue_token())
        project = sandbox.add_project("营")
        path = f"{group_path(sandbox)}/checkins/{project}/topics"
        assert await web.get(path, count=20, end_time="2025-10-24T09:30:00.000+0800") == {"topics": []}
        assert await web.get("/v3/users/self")
        assert (await http.get("/_control/zsxq/state")).json()["projects"][0]["title"] == "营"


async def test_ranks_are_dense_and_pages_hold_21() -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:
        project = sandbox.add_project("营", checkin_days=2)
        noon = clock.now() - dt.timedelta(days=4)
        for n in range(30):
            user = sandbox.add_member(f"m{n}")
            for day in range(1 + n % 3):
                sandbox.post(user, project, noon + dt.timedelta(days=day, seconds=n))
        path = f"{group_path(sandbox)}/checkins/{project}"
        pages = [await web.get(f"{path}/ranking_list", type="accumulated", index=i) for i in (0, 21, 42)]
        assert [len(page["ranking_list"]) for page in pages] == [21, 9, 0]
        rows = [row for page in pages for row in page["ranking_list"]]
        assert [row["rankings"] for row in rows] == list(range(1, 31))
        assert [row["checkined_days"] for row in rows] == [3] * 10 + [2] * 10 + [1] * 10
        assert "number" not in rows[0]["user"]
        assert pages[0]["user_specific"]["rankings"] == 0
        statistics = (await web.get(f"{path}/statistics"))["statistics"]
        assert (statistics["joined_count"], statistics["completed_count"], statistics["checkined_count"]) == (
            30,
            20,
            30,
        )
        second = clock.shanghai(noon + dt.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.000+0800")
        assert await web.get(f"{path}/statistics/daily", date=second) == {"checkined_count": 20}
        assert await web.code(f"{path}/ranking_list", type="accumulated", index=-1) == 1004
        assert await web.code(f"{path}/ranking_list", index=0) == 1004


async def test_the_continuous_ranking_counts_the_longest_run() -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:
        project, user = sandbox.add_project("营"), sandbox.add_member("m")
        for day in (1, 2, 4, 5, 6, 9):
            sandbox.post(user, project, clock.now() - dt.timedelta(days=day))
        path = f"{group_path(sandbox)}/checkins/{project}/ranking_list"
        (row,) = (await web.get(path, type="continuous", index=0))["ranking_list"]
        assert row["checkined_days"] == 3


async def test_page_sizes_out_of_range() -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:
        group, project = group_path(sandbox), sandbox.add_project("营")
        assert await web.code(f"{group}/checkins", scope="ongoing", count=101) == 1003
        assert await web.code(f"{group}/checkins", scope="every", count=30) == 1004
        assert await web.code(f"{group}/checkins/{project}/topics", count=31) == 14001
        assert await web.code(f"{group}/checkins/{project}/topics", count=20, end_time="yesterday") == 1001
        assert await web.code(f"{group}/members") == 1003
        assert await web.code(f"{group}/members", count=201) == 1003


async def test_the_official_member_rules() -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:
        path = f"{group_path(sandbox)}/members"
        begin = clock.now() - dt.timedelta(days=10)
        old, gone, new = (sandbox.add_member(f"m{n}", joined_at=begin + dt.timedelta(days=n)) for n in range(3))
        sandbox.leave(gone)
        sandbox.group(None).members[old].expires_at = clock.now() - dt.timedelta(days=1)

        async def ids(**params: str | int) -> list[str]:
            return [str(row["user_id"]) for row in (await web.get(path, count=200, **params))["members"]]

        owner = sandbox.group(None).owner_id
        assert await ids() == [owner, new, old]
        assert await ids(order="asc") == [old, new, owner]
        assert await ids(filter="joined,exited") == [owner, new, gone, old]
        assert await ids(scope="expired", sort="expired_time") == [old]
        assert await ids(scope="regular") == [new]
        assert await ids(scope="privileged") == [owner]
        # A pair that doesn't go together is silently empty.
        assert await ids(scope="all", sort="expired_time") == []
        assert await ids(scope="regular", sort="number") == []
        rows = (await web.get(path, count=1))["members"]
        assert rows[0]["expired_time"] == "2286-11-21T01:46:39.999+0800"
        bound = clock.shanghai(begin + dt.timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0800"
        assert await ids(end_time=bound) == [new, old]
        assert await ids(begin_time=bound) == [owner, new]


async def test_numbers_only_where_switched_on() -> None:
    sandbox = ZsxqSandbox()
    sandbox.add_group(enable_member_number=False)
    async with browser(sandbox) as web:
        user = sandbox.add_member("m", number=5)
        member = (await web.get(f"{group_path(sandbox)}/members/{user}"))["member"]
        assert "number" not in member
        sandbox.group(None).enable_member_number = True
        assert (await web.get(f"{group_path(sandbox)}/members/{user}"))["member"]["number"] == 5
        assert (await web.get(f"{group_path(sandbox)}/members/{user}/summary"))["member"]["number"] == 5
        assert (await web.get(f"{group_path(sandbox)}/role_members"))["owner"]["number"] == 1


async def test_ids_have_the_lengths_of_the_real_ones() -> None:
    sandbox = ZsxqSandbox()
    group_id = sandbox.add_group()
    project = sandbox.add_project("营")
    users = [sandbox.add_member(f"m{n}") for n in range(200)]
    topics = [sandbox.post(user, project, clock.now()) for user in users]
    assert {len(user) for user in users} == {12, 13, 14, 15}
    assert {len(topic) for topic in topics} == {17}
    assert (len(project), len(group_id)) == (10, 14)
    assert len({*users, *topics}) == 400
    numbers = [sandbox.groups[group_id].members[user].number for user in users]
    assert numbers == list(range(2, 202))


async def test_own_record_needs_joining() -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:
        project = sandbox.add_project("营")
        path = f"/v2/users/self/groups/{sandbox.group(None).group_id}/checkins/{project}/statistics"
        assert await web.code(path) == 52010
        sandbox.post(sandbox.group(None).owner_id, project, clock.now())
        assert (await web.get(path))["checkined_days"] == 1


async def test_writes() -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:
        path = f"{group_path(sandbox)}/checkins"
        project = {
            "title": "测试",
            "text": "",
            "checkin_days": 7,
            "type": "accumulated",
            "validity": {"long_period": True, "expiration_time": ""},
        }

        async def post(body: object, request_id: str = "") -> Json:
            answer: Json = (await web.send("POST", path, body=body, request_id=request_id)).json()
            return answer

        assert (await post(project))["code"] == 1012
        assert (await post(None))["code"] == 1012
        assert (await post({"req_data": {"title": "x"}}))["code"] == 1004
        request_id = str(uuid.uuid4())
        made = (await post({"req_data": project}, request_id))["resp_data"]["checkin"]
        assert (made["status"], made["joined_count"]) == ("ongoing", 0)
        assert made["validity"] == {"long_period": True, "expiration_time": ""}
        assert (await post({"req_data": project}, request_id))["code"] == 1013
        one = f"{path}/{made['checkin_id']}"
        closing = await web.send("PUT", one, body={"req_data": {"status": "closed"}})
        assert closing.json() == {"succeeded": True, "resp_data": {}}
        assert (await web.get(one))["checkin"]["status"] == "closed"
        member = Browser(web.http, sandbox.issue_token(sandbox.add_member("m")))
        assert (await member.send("POST", path, body={"req_data": project})).json()["code"] == 1006


async def test_unknown_paths_and_methods() -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:
        assert (await web.send("GET", "/v1.10/groups")).status_code == 404
        assert (await web.send("GET", "/v2/checkins/1234567890")).status_code == 404
        assert await web.code("/v2/groups/99999999999999") == 50101
        assert await web.code(f"{group_path(sandbox)}/checkins/9999999999") == 17501


async def test_faults_choose_their_requests() -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:
        sandbox.faults.set("http_5xx", path="users/self", value=503, skip=1, every=2, times=2)
        statuses = [(await web.send("GET", "/v3/users/self")).status_code for _ in range(7)]
        assert statuses == [200, 200, 503, 200, 503, 200, 200]
        assert sandbox.faults.rules == []
        sandbox.faults.set("http_429", value=7)
        assert (await web.send("GET", "/v3/users/self")).headers["Retry-After"] == "7"
        sandbox.faults.set("busy_1059", probability=0.5, times=None)
        outcomes = [(await web.send("GET", "/v3/users/self")).json()["succeeded"] for _ in range(100)]
        assert 25 < outcomes.count(False) < 75
        sandbox.faults.clear()
        sandbox.busy_probability = 1.0
        assert await web.code("/v3/users/self") == 1059
        with pytest.raises(ValidationError):
            sandbox.faults.set("no_such_fault")
        with pytest.raises(ValidationError):
            sandbox.faults.set("slow", seconds=1)


async def test_sticky_refusals_end_with_silence_or_with_the_token(advance: Callable[[float], None]) -> None:
    sandbox = ZsxqSandbox()
    async with browser(sandbox) as web:
        sandbox.faults.set("sticky_1059", value=60, limit=5)
        for _ in range(3):
            advance(50)
            assert await web.code("/v3/users/self") == 1059
        advance(61)
        assert await web.get("/v3/users/self")
        sandbox.faults.set("sticky_1059", value=60, limit=5)
        assert [await web.code("/v3/users/self") for _ in range(7)] == [1059] * 5 + [401] * 2


async def test_a_camp_through_the_control_api() -> None:
    sandbox = ZsxqSandbox()
    async with httpx.AsyncClient(transport=sandbox.transport(), base_url="http://zsxq.test/_control/zsxq") as http:

        async def post(path: str, body: object, status: int = 200) -> Any:
            response = await http.post(path, json=body)
            assert response.status_code == status, response.text
            return response.json()

        group_id = (await post("/groups", {"name": "星球"}))["group_id"]
        people = [{"name": "甲", "alias": "a", "number": 7}, {"name": "乙", "number": None}, {"name": "丙"}]
        first, second, third = (await post("/members", {"group_id": group_id, "members": people}))["user_ids"]
        checkin_id = (await post("/projects", {"title": "营", "group_id": group_id}))["checkin_id"]
        posts = [{"user_id": user, "at": "2025-10-24T23:59:59.900+08:00", "text": "x"} for user in (first, second)]
        topics = (await post("/posts", {"checkin_id": checkin_id, "posts": posts}))["topic_ids"]
        await post(f"/projects/{checkin_id}/join/{third}", None)
        await post(f"/members/{first}/rename", {"name": "甲甲"})
        await post(f"/members/{second}/leave", None)
        assert (await http.delete(f"/posts/{topics[1]}")).status_code == 200
        assert (await http.put(f"/posts/{topics[0]}", json={"text": "y"})).status_code == 200
        token = (await post("/tokens", {"user_id": first}))["token"]
        await post("/tokens/state", {"token": token, "state": "kicked"})
        await post("/faults", {"name": "busy_1059", "path": "ranking_list", "page": 2, "times": 3})
        await http.put("/knobs", json={"signature": "off"})
        await post(f"/projects/{checkin_id}/close", None)

        state = (await http.get("/state")).json()
        assert state["groups"] == [{"group_id": group_id, "name": "星球", "members_count": 4}]
        (project,) = state["projects"]
        assert project["status"] == "closed"
        assert (project["joined_count"], project["checkined_count"], project["posts_count"]) == (3, 1, 1)
        assert state["tokens"] == [{"ends_with": token[-4:], "state": "kicked"}]
        assert token not in str(state)
        active = [fault for fault in state["faults"] if fault["active"]]
        assert [(fault["name"], fault["remaining"]) for fault in active] == [("busy_1059", 3)]
        members = sandbox.groups[group_id].members
        assert (members[first].name, members[first].alias, members[first].number) == ("甲甲", "a", 7)
        assert (members[second].number, members[second].status) == (None, "exited")
        assert sandbox.signature == "off"

        await http.delete("/faults", params={"name": "busy_1059"})
        assert sandbox.faults.rules == []
        await post("/faults", {"name": "nonsense"}, 422)
        await post(
            "/posts", {"checkin_id": checkin_id, "posts": [{"user_id": first, "at": "2025-10-24T12:00:00"}]}, 422
        )
        await post(f"/members/{second}9/rename", {"name": "x"}, 404)
        await post("/posts", {"checkin_id": "1", "posts": posts}, 404)
        assert (await http.get("/calls")).json() == []
