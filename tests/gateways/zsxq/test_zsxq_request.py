"""What goes out: signature, headers, and what a person may paste as a token."""

import uuid

import httpx
import pytest

from backend.gateways.zsxq import token_from_cookie
from backend.gateways.zsxq.wire import device_id, signature
from tests.gateways.zsxq.zsxq_stage import open_planet, open_stage

TOKEN = "0F4A2B7C-1111-4222-8333-ABCDEF012345_0123456789ABCDEF"


@pytest.mark.parametrize(
    ("path", "request_id", "expected"),
    [
        (
            "ranking_list?type=accumulated&index=0",
            "00000000-0000-4000-8000-000000000001",
            "51d9aeca8d8a640f2fab8e9c4a400aca043730d9",
        ),
        (
            "statistics/daily?date=2025-10-24T09%3A30%3A00.000%2B0800",
            "00000000-0000-4000-8000-000000000002",
            "1a4f743d639ad5df30fb4cb061a1c037d7fe9f9b",
        ),
    ],
)
def test_signature_vectors(path: str, request_id: str, expected: str) -> None:
    base = "https://api.zsxq.com/v2/groups/11112222333344/checkins/1234567890/"
    assert signature(base + path, "1761507257", request_id) == expected


async def test_what_is_signed_is_the_address_as_sent() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"succeeded": True, "resp_data": {"checkins": []}})

    async with open_planet(httpx.MockTransport(answer)) as planet:
        await planet.list_projects("ongoing")
        await planet.list_projects("over")
    for request in seen:
        headers = request.headers
        address = f"https://api.zsxq.com{request.url.raw_path.decode()}"
        assert headers["X-Signature"] == signature(address, headers["X-Timestamp"], headers["X-Request-Id"])
        assert headers["Cookie"] == f"zsxq_access_token={'0' * 20}"
        assert headers["Origin"] == "https://wx.zsxq.com"
        assert headers["Host"] == "api.zsxq.com"
        assert headers["X-Version"] == "2.90.0"
        uuid.UUID(headers["X-Aduid"])
    assert seen[0].headers["X-Aduid"] == seen[1].headers["X-Aduid"]
    assert seen[0].headers["X-Request-Id"] != seen[1].headers["X-Request-Id"]


async def test_times_in_the_query_are_encoded_once_and_pass_a_strict_signature_check() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(25)
        assert len(await stage.posts(checkin_id)) == 25
        queries = [call.query for call in stage.calls("/topics")]
    assert "%3A" in queries[1]
    assert "%2B0800" in queries[1]
    assert "%25" not in queries[1]


async def test_a_cookie_set_by_the_server_is_not_kept() -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Cookie"])
        data = {"statistics": {"joined_count": 1, "checkined_count": 1}}
        headers = {"Set-Cookie": "zsxq_access_token=somebody-else; Path=/"}
        return httpx.Response(200, json={"succeeded": True, "resp_data": data}, headers=headers)

    async with open_planet(httpx.MockTransport(answer)) as planet:
        await planet.totals("1")
        await planet.totals("1")
    assert sent == [f"zsxq_access_token={'0' * 20}"] * 2


async def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"Location": "https://elsewhere.test/login"})

    async with open_planet(httpx.MockTransport(answer)) as planet:
        with pytest.raises(Exception, match="bad_payload"):
            await planet.totals("1")
    assert set(asked) == {"api.zsxq.com"}


def test_device_id_differs_between_tokens_and_does_not_show_them() -> None:
    assert device_id("a" * 20) == device_id("a" * 20)
    assert device_id("a" * 20) != device_id("b" * 20)
    assert uuid.UUID(device_id("a" * 20)).version == 4


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"  {TOKEN}\n",
        f"zsxq_access_token={TOKEN}",
        f"zsxq_access_token={TOKEN};",
        f"Cookie: abtest_env=product; zsxq_access_token={TOKEN}; sensorsdata=%7B%22a%22%3A1%7D",
        f'a=b==; zsxq_access_token="{TOKEN}"',
    ],
)
def test_a_token_is_found_in_what_people_paste(text: str) -> None:
    assert token_from_cookie(text) == TOKEN


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "为空"),
        ("   ", "为空"),
        ("zsxq_access_token=; a=b", "为空"),
        ("sensorsdata=1; abtest_env=product", "没有 zsxq_access_token"),
        ("short", "格式不正确"),
        (f"{TOKEN}\r\nX-Evil: 1", "格式不正确"),
        ("凭证凭证凭证凭证凭证", "格式不正确"),
    ],
)
def test_what_is_no_token_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        token_from_cookie(text)
    assert not text.strip() or text.strip() not in str(caught.value)
