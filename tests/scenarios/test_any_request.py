"""Requests nobody would think of, made from the API's own documents, against the running system.

Whatever comes in: never a fault of ours, and always an answer as it is documented. Bounded: the same few examples for
each operation at every run, and known ids in half of them, so that they get past the door.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from backend.core import clock
from backend.embedded.run_directory import run_directory
from tests.browser.stand import Stand, running_stand
from tests.servers import Servers

EXAMPLES = 6
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# These would end the log-in that the others need.
LOGS_OUT = {"/api/admin/auth/logout", "/api/admin/auth/password"}
bounded = hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def private_directory() -> Iterator[Path]:
    with run_directory("camp-requests-") as directory:
        private = directory / "private"
        private.mkdir(mode=0o700)
        yield private


@pytest.fixture(scope="module")
async def stand(private_directory: Path, servers: Servers) -> AsyncIterator[Stand]:
    async with running_stand(private_directory, servers) as started:
        yield started
    clock.use_test_clock(None)


@pytest.fixture(autouse=True)
def time(stand: Stand) -> Iterator[None]:
    """In place of the other tests' clock: the running system's."""
    clock.use_test_clock(stand.stage.clock_file)
    yield
    clock.use_test_clock(None)


async def known_ids(stand: Stand, openid: str) -> dict[str, str]:
    """One of each, as the parameters of paths call them."""
    camp = await stand.camp("任何请求")
    member_id = await stand.enrol(camp, openid)
    admin = stand.stage.admin
    payment = await admin.get(f"/members/{member_id}")
    return {
        "camp_id": camp.id,
        "member_id": member_id,
        "payment_id": payment["payment_id"],
        "planet_id": stand.stage.planet_id,
        "user_id": stand.camp_fields["coach_ids"][0],
    }


@pytest.mark.timeout(300)
async def test_any_request_gets_a_documented_answer(stand: Stand) -> None:
    openid = f"oAny{secrets.token_hex(8)}"
    ids = await known_ids(stand, openid)
    member = (await stand.order(await stand.camp("另一个营"), openid)).client
    headers = {
        "/api/admin/": {"Authorization": f"Bearer {stand.stage.admin.token}"},
        "/api/h5/": member._headers,
        "/api/webhook/": {},
    }
    problems = await asyncio.to_thread(_tried, stand.api_url, headers, ids)
    assert not problems, "\n\n".join(problems)


def _tried(api_url: str, headers: dict[str, Any], ids: dict[str, str]) -> list[str]:
    schema = schemathesis.openapi.from_url(f"{api_url}/openapi.json")
    problems, operations = [], 0
    for found in schema.get_all_operations():
        operation = cast("Ok[Any]", found).ok()
        if operation.path in LOGS_OUT:
            continue
        operations += 1
        own = next(value for prefix, value in headers.items() if operation.path.startswith(prefix))
        for mode in GenerationMode:
            try:
                _try(operation, mode, own, ids)
            except Unsatisfiable:
                pass  # nothing wrong can be sent where anything is right
            except (Exception, FailureGroup) as error:
                problems.append(f"{operation.label}: {error}")
    assert operations > 80, "the document is read as it should be"
    return problems


def _try(operation: Any, mode: GenerationMode, headers: dict[str, str], ids: dict[str, str]) -> None:
    @bounded
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def run(case: Case[Any], known: bool) -> None:
        if known:
            wanted = re.findall(r"{(\w+)}", operation.path)
            case.path_parameters = dict(case.path_parameters or {}) | {n: ids[n] for n in wanted if n in ids}
        response = case.call(headers=headers, timeout=20)
        # Nobody outside is at fault if the sandbox doesn't know what was made up.
        if response.status_code == 502 and cast(dict[str, Any], response.json())["code"] == "provider_unavailable":
            return
        case.validate_response(response, checks=CHECKS)

    run()


ODD_PATHS = [
    b"/api/h5/camps/%00",
    b"/api/h5/camps?status=%00",
    b"/api/h5/camps?page=%ff%fe",
    b"/api/h5/camps/%ff",
    b"/%2e%2e/%2e%2e/etc/passwd",
    b"/../../etc/passwd",
    b"/media/%2e%2e%2fetc%2fpasswd",
    b"/media/poster/%00.png",
    b"/media/poster/x.png?expires=99999999999999999999&signature=x",
    b"/admin/%5c..%5c",
    b"//evil.example.com/%2f..",
    b"/" + b"a" * 5000,
    b"/" + b"a/" * 2000,
    b"/api//h5/camps",
    b"/api/h5/camps/;x=1",
    b"/api/h5/camps#x",
    b"/?" + b"&" * 3000,
    b"/api/h5/auth/wechat?return_to=%0d%0aSet-Cookie:x=1",
    b"/api/h5/auth/wechat?return_to=//evil.example.com",
    b"/doc/%2e%2e%2f__init__.py",
    b"/openapi/%00.json",
    b"http://evil.example.com/api/h5/camps",
    b"*",
]
ODD_HEADERS = [
    b"Authorization: Bearer",
    b"Authorization: Bearer \xff\xfe",
    b"Authorization: Basic Og==",
    b"Authorization: Bearer a.b.c",
    b"Authorization: Bearer " + b"x" * 6000,
    b"X-Forwarded-For: ,,,",
    b"X-Forwarded-For: ::1%lo, 999.1.1.1",
    b"X-Request-Id: \xe4\xb8\xad",
    b"Content-Type: application/json; charset=klingon",
    b"Content-Type: multipart/form-data",
    b"Content-Type: multipart/form-data; boundary=",
    b"Content-Type: \xff",
    b"Content-Encoding: gzip",
    b"Cookie: =;;=,\xff",
    b"Cookie: camp_oauth=\xff",
    b"Accept-Encoding: \xff",
    b"If-None-Match: \xff",
    b"Origin: \xff",
    b"Origin: null",
    b"Range: bytes=9-1",
    b"Host: \xff",
    b"Host: a b",
    b"Expect: 100-continue",
    b"Accept-Language: \xff",
    b"User-Agent: \xff",
    b"Transfer-Encoding: chunked",
    b"Content-Length: 5",
    b"Access-Control-Request-Method: \xff",
]


async def _raw(api_url: str, request: bytes) -> int:
    """The status of the first answer; 0 if the connection is closed without one."""
    host, port = api_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        # What a request promised and didn't send: the server must not wait for ever, but it may for long.
        writer.write_eof()
        line = await asyncio.wait_for(reader.readline(), 20)
    finally:
        writer.close()
    return int(line.split()[1]) if line else 0


async def test_odd_paths_and_headers_are_no_fault_of_ours(stand: Stand) -> None:
    token = stand.stage.admin.token.encode()
    faults: list[tuple[bytes, ...]] = []
    for method in (b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"HEAD", b"BREW"):
        for path in ODD_PATHS:
            request = b"%b %b HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n\r\n" % (method, path, token)
            faults += [(method, path)] if await _raw(stand.api_url, request) >= 500 else []
        for path in (b"/api/h5/camps", b"/api/h5/payments", b"/api/admin/auth/login", b"/api/admin/uploads", b"/"):
            for header in ODD_HEADERS:
                request = b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % (method, path, header)
                faults += [(method, path, header)] if await _raw(stand.api_url, request) >= 500 else []
    assert faults == []
