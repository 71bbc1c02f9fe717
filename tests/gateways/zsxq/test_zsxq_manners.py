"""Patience, pauses, the breaker, and what a dead token does."""

import asyncio
import datetime as dt
import logging

import httpx
import pytest
import structlog

from backend.core.config import ZsxqSettings
from backend.gateways.errors import Unavailable
from backend.gateways.zsxq import AccountBlocked, AuthExpired, RankingRow, RateLimited, Zsxq
from backend.gateways.zsxq.wire import device_id
from backend.sandbox.zsxq import ZsxqSandbox
from tests.gateways.zsxq.zsxq_stage import Stage, open_planet, open_stage

WAITS = [2.0, 2.0, 5.0, 10.0, 20.0]


def assert_about(sleeps: list[float], expected: list[float], share: float = 0.3) -> None:
    """Each pause within its jitter."""
    assert len(sleeps) == len(expected)
    for slept, wanted in zip(sleeps, expected, strict=True):
        assert wanted * (1 - share) <= slept <= wanted * (1 + share)


async def test_page_three_is_busy_once_and_the_camp_is_read_whole() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(124)
        stage.sandbox.faults.set("busy_1059", path="ranking_list", page=3)
        assert len(await stage.ranking(checkin_id)) == 124
        assert_about(stage.clock.sleeps, [2])


async def test_each_attempt_is_a_new_request() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(3)
        stage.sandbox.faults.set("busy_1059", times=5)
        await stage.planet.totals(checkin_id)
        calls = stage.calls("statistics")
        assert [call.outcome for call in calls] == ["1059"] * 5 + ["ok"]
        assert len({call.request_id for call in calls}) == 6
        # The clock moved with each pause, and so did the timestamps that are signed.
        assert len({call.timestamp for call in calls}) == 6
        assert_about(stage.clock.sleeps, WAITS)


async def test_page_two_fails_for_good_and_the_reader_hears_of_it() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(75)
        stage.sandbox.faults.set("http_5xx", path="ranking_list", page=2, times=None)
        seen: list[RankingRow] = []
        with pytest.raises(Unavailable, match="server_error") as caught:
            await read_until_it_fails(stage, checkin_id, seen)
        assert len(seen) == 21
        assert not isinstance(caught.value, RateLimited)
        # A broken server gets the retries, but no cool-down.
        assert_about(stage.clock.sleeps, WAITS)


async def test_busy_through_all_retries_cools_down_once_and_tries_a_last_time() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(3)
        stage.sandbox.faults.set("busy_1059", times=6)
        await stage.planet.totals(checkin_id)
        assert_about(stage.clock.sleeps[:5], WAITS)
        assert_about(stage.clock.sleeps[5:], [75], share=0.2)
        stage.clock.sleeps.clear()
        stage.sandbox.faults.set("http_429", times=None)
        with pytest.raises(RateLimited):
            await stage.planet.totals(checkin_id)
        assert_about(stage.clock.sleeps[:5], WAITS)
        assert_about(stage.clock.sleeps[5:], [75], share=0.2)


async def test_retry_after_is_honoured_within_reason() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(3)
        stage.sandbox.faults.set("http_429", value=30)
        await stage.planet.totals(checkin_id)
        assert stage.clock.sleeps == [30]
        stage.sandbox.faults.set("http_429", value=600)
        with pytest.raises(RateLimited) as caught:
            await stage.planet.totals(checkin_id)
        assert caught.value.retry_after == pytest.approx(600, abs=1)
        assert stage.clock.sleeps == [30]
        # The pause holds for later calls too, without a request.
        asked = len(stage.sandbox.calls)
        stage.clock.advance(590)
        with pytest.raises(RateLimited):
            await stage.planet.totals(checkin_id)
        assert len(stage.sandbox.calls) == asked
        stage.clock.advance(10)
        await stage.planet.totals(checkin_id)


async def read_until_it_fails(stage: Stage, checkin_id: str, seen: list[RankingRow]) -> None:
    async for page in stage.planet.iter_ranking(checkin_id):
        seen += page.rows


async def exhaust(stage: Stage, checkin_id: str) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        await stage.planet.totals(checkin_id)
    return caught.value


async def test_the_fourth_exhausted_call_in_twenty_minutes_lets_the_token_rest() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(3)
        stage.sandbox.faults.set("busy_1059", times=None)
        for _ in range(3):
            assert (await exhaust(stage, checkin_id)).retry_after is None
        assert (await exhaust(stage, checkin_id)).retry_after == pytest.approx(15 * 60, abs=1)
        stage.sandbox.faults.clear()
        asked = len(stage.sandbox.calls)
        assert asked == 7 + 7 + 7 + 6  # no last try once the token rests
        await exhaust(stage, checkin_id)
        assert len(stage.sandbox.calls) == asked
        # Another token isn't concerned; after the rest this one works again.
        other = stage.zsxq.planet(stage.group_id, stage.sandbox.issue_token())
        await other.totals(checkin_id)
        stage.clock.advance(15 * 60 + 1)
        await stage.planet.totals(checkin_id)


async def test_exhausted_calls_far_apart_do_not_open_the_breaker() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(3)
        stage.sandbox.faults.set("busy_1059", times=None)
        for _ in range(6):
            assert (await exhaust(stage, checkin_id)).retry_after is None
            stage.clock.advance(10 * 60)


async def test_a_few_random_1059s_on_the_way_do_not_count() -> None:
    async with open_stage(ZsxqSandbox(seed=7, busy_probability=0.05)) as stage:
        checkin_id, users = stage.camp(300, days=2)
        rows, posts = await stage.ranking(checkin_id), await stage.posts(checkin_id)
        assert {row.user_id for row in rows} == set(users)
        assert len(posts) == 600
        assert {call.outcome for call in stage.sandbox.calls} == {"ok", "1059"}


async def test_hammering_is_avoided_when_limits_turn_sticky() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(3)
        stage.sandbox.faults.set("sticky_1059", value=55, limit=6)
        await stage.planet.totals(checkin_id)
        assert [call.outcome for call in stage.sandbox.calls] == ["1059"] * 6 + ["ok"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [("html_body", "bad_payload"), ("drop", "network"), ("slow", "timeout"), ("http_5xx", "server_error")],
)
async def test_passing_trouble_is_survived_and_lasting_trouble_named(fault: str, code: str) -> None:
    async with open_stage(timeout_seconds=0.1 if fault == "slow" else 5) as stage:
        checkin_id, _ = stage.camp(3)
        value = 5 if fault == "slow" else None
        stage.sandbox.faults.set(fault, value=value)
        assert (await stage.planet.totals(checkin_id)).joined_count == 3
        stage.sandbox.faults.set(fault, value=value, times=None)
        with pytest.raises(Unavailable) as caught:
            await stage.planet.totals(checkin_id)
        assert caught.value.code == code


async def test_no_connection_at_all() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    async with open_planet(httpx.MockTransport(refuse)) as planet:
        with pytest.raises(Unavailable, match="network"):
            await planet.totals("1")


@pytest.mark.parametrize("auth_failure", ["http", "body"])
async def test_a_token_that_dies_on_the_way_stops_everything_until_a_probe_succeeds(auth_failure: str) -> None:
    async with open_stage() as stage:
        stage.sandbox.auth_failure = "http" if auth_failure == "http" else "body"
        checkin_id, _ = stage.camp(75)
        stage.sandbox.faults.set("expire_token", path="ranking_list", page=3)
        seen: list[RankingRow] = []
        with pytest.raises(AuthExpired):
            await read_until_it_fails(stage, checkin_id, seen)
        assert len(seen) == 42
        assert stage.clock.sleeps == []
        asked = len(stage.sandbox.calls)
        with pytest.raises(AuthExpired):
            await stage.zsxq.planet(stage.group_id, stage.token).totals(checkin_id)
        assert len(stage.sandbox.calls) == asked
        with pytest.raises(AuthExpired):
            await stage.planet.probe()
        assert len(stage.sandbox.calls) == asked + 1
        stage.sandbox.tokens[stage.token].expires_at += dt.timedelta(days=30)
        with pytest.raises(AuthExpired):
            await stage.planet.totals(checkin_id)
        await stage.planet.probe()
        assert len(await stage.ranking(checkin_id)) == 75


async def test_the_countdown_ends_in_auth_expired() -> None:
    async with open_stage() as stage:
        checkin_id, _ = stage.camp(3)
        planet = stage.zsxq.planet(stage.group_id, stage.sandbox.issue_token(seconds=60))
        assert (await planet.probe()).expires_in_seconds in (59, 60)
        stage.clock.advance(60)
        with pytest.raises(AuthExpired):
            await planet.totals(checkin_id)


async def test_logged_in_elsewhere_and_banned() -> None:
    async with open_stage() as stage:
        stage.sandbox.set_token_state(stage.token, "kicked")
        with pytest.raises(AuthExpired, match="1009") as caught:
            await stage.planet.list_projects("ongoing")
        assert not isinstance(caught.value, AccountBlocked)
        stage.sandbox.set_token_state(stage.token, "banned")
        with pytest.raises(AccountBlocked):
            await stage.planet.probe()
        with pytest.raises(AccountBlocked):
            await stage.planet.list_projects("ongoing")


async def test_a_probe_does_not_wait_for_a_cool_down_and_gives_up_soon() -> None:
    async with open_stage() as stage:
        stage.sandbox.faults.set("busy_1059", times=None)
        with pytest.raises(RateLimited):
            await stage.planet.probe()
        assert_about(stage.clock.sleeps, [2, 2])


async def test_requests_of_one_token_are_serial_and_spaced() -> None:
    running, most = 0, 0
    sleeps: list[float] = []

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0)
        running -= 1
        data = {
            "statistics": {"joined_count": 1, "checkined_count": 1},
            "user": {"name": "甲"},
            "group": {"name": "星球"},
        }
        return httpx.Response(200, json={"succeeded": True, "resp_data": data})

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)

    settings = ZsxqSettings(min_interval_seconds=1.0)
    zsxq = Zsxq(settings, transport=httpx.MockTransport(answer), sleep=sleep)
    first, second = zsxq.planet("1", "a" * 20), zsxq.planet("2", "a" * 20)
    await asyncio.gather(*(planet.totals("1") for planet in (first, second) for _ in range(5)), first.probe())
    await zsxq.aclose()
    assert most == 1
    # The first goes at once; every other waits one to two intervals, also the two of the probe.
    assert len(sleeps) == 11
    assert all(0.9 <= seconds <= 2 for seconds in sleeps)


async def test_the_clock_set_back_does_not_stop_the_reading() -> None:
    async with open_stage(min_interval_seconds=1) as stage:
        checkin_id, _ = stage.camp(3)
        await stage.planet.totals(checkin_id)
        stage.clock.advance(-86_400)
        await stage.planet.totals(checkin_id)
        assert max(stage.clock.sleeps) <= 2


async def test_no_secret_in_logs_or_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = "SECRET" + "0" * 20

    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=f"<html>{request.headers['Cookie']}</html>")

    def refuse(request: httpx.Request) -> httpx.Response:
        error = {"succeeded": False, "code": 7, "error": f"bad {request.headers['Cookie']}"}
        return httpx.Response(200, json=error)

    said = []
    with structlog.testing.capture_logs() as logs:
        for handler in (echo, refuse):

            async def no_pause(_: float) -> None:
                return

            zsxq = Zsxq(ZsxqSettings(min_interval_seconds=0), transport=httpx.MockTransport(handler), sleep=no_pause)
            with pytest.raises(Exception, match="zsxq") as caught:
                await zsxq.planet("1", token).totals("1")
            await zsxq.aclose()
            said.append(f"{caught.value!r} {caught.value.__cause__!r} {vars(caught.value)}")
    assert logs
    for text in [*said, str(logs), caplog.text]:
        assert token not in text
        assert device_id(token) not in text
    assert "****" in said[0]
    assert "****" in said[1]
