"""The benchmarks run and compare what they say. No test here decides by how long anything took."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import checkins, judging, lists, notifications, refund_lists, report
from bench.crowd import Size
from bench.report import Line, Result
from bench.servers import Databases, Servers, connect, contents, databases_on
from tests.servers import servers_of


@pytest.fixture(scope="module")
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    with databases_on(servers_of(request.config).database_admin_url) as made:
        yield made


@pytest.fixture
def servers(databases: Databases, tmp_path: Path, request: pytest.FixtureRequest) -> Servers:
    return Servers(databases, servers_of(request.config).redis_url, tmp_path)


def _check(result: Result, lines: int) -> None:
    assert len(result.lines) == lines
    for line in result.lines:
        assert math.isfinite(line.ratio)
        assert line.ratio > 0


async def test_notifications_are_compared_with_the_floor(servers: Servers):
    result = await notifications.run(servers, per_round=4, rounds=1, at_once=2)
    _check(result, 6)
    assert result.baseline == "floor"
    assert [line.what for line in result.lines][3] == "2 at once, median"


async def test_contents_tell_twins_apart(servers: Servers):
    async with servers.twin(servers.databases.empty) as one, servers.twin(servers.databases.empty) as other:
        assert await contents(one) == await contents(other)
        connection = await connect(other)
        await connection.execute("INSERT INTO payers (id, created_at) VALUES (gen_random_uuid(), now())")
        await connection.close()
        left, right = await contents(one), await contents(other)
    assert [table for table in left if left[table] != right[table]] == ["payers"]
    assert right["payers"][0] == 1


async def test_checkins_are_compared_with_copy(servers: Servers):
    result = await checkins.run(servers, people=7, days=3, rounds=1)
    _check(result, 4)
    assert result.baseline == "`COPY`"
    assert "7 people × 3 days = 21 rows" in result.notes[0]


async def test_refund_lists_are_compared_with_one_statement_and_linear_growth(servers: Servers):
    beside_sql, growth = await refund_lists.run(servers, sizes=(5, 20, 40), rounds=2)
    _check(beside_sql, 6)
    assert beside_sql.baseline == "one statement"
    assert [line.what for line in beside_sql.lines][2:4] == ["made, 40 members", "made again, 5 members"]
    _check(growth, 4)
    assert [line.what for line in growth.lines][:2] == ["made, 20 members after 5", "made, 40 members after 20"]


async def test_judging_is_compared_with_one_statement(servers: Servers):
    result = await judging.run_recount(servers, people=12, days=4, rounds=2)
    _check(result, 2)
    assert result.baseline == "one statement"
    assert "12 members × 4 days" in result.notes[0]


async def test_rehearsing_is_compared_with_a_plain_loop(servers: Servers):
    result = await judging.run_preview(servers, people=12, days=9, times=2)
    _check(result, 3)
    assert result.baseline == "plain loop"


async def test_lists_are_compared_with_their_own_sql(servers: Servers):
    result = await lists.run(servers, size=Size(camps=8, members=20, days=6), requests=2)
    _check(result, 26)
    assert result.baseline == "bare SQL"
    assert "160 members in 8 camps, 960 check-ins" in result.notes[0]


async def test_reports_are_compared_with_their_own_sql(servers: Servers):
    result = await lists.run_statistics(servers, size=Size(camps=8, members=20, days=6), requests=2)
    _check(result, 5)
    assert "8 camps of 20 members each" in result.notes[0]


RESULT = Result("Some work", "nothing", [Line("once", "10 ms", "5.0 ms", 2.0)], ["With a note."])


def test_document_keeps_everything_outside_the_marks(tmp_path: Path):
    document = tmp_path / "performance.md"
    document.write_text("before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n")
    for _ in range(2):
        report.write_section(document, report.markdown([RESULT], "2 cores."))
    text = document.read_text()
    assert text.startswith("before\n<!-- bench:begin -->\n\n2 cores.\n\n### Some work\n")
    assert "| once | 10 ms | 5.0 ms | **2.00** |" in text
    assert text.endswith("- With a note.\n\n<!-- bench:end -->\nafter\n")
    assert "old" not in text


def test_document_without_marks_is_left_alone(tmp_path: Path):
    document = tmp_path / "performance.md"
    document.write_text("no marks\n")
    with pytest.raises(ValueError, match="no marked section"):
        report.write_section(document, "text")
    assert document.read_text() == "no marks\n"


def test_terminal_shows_product_baseline_and_ratio():
    about, table = report.plain([RESULT], "2 cores.").split("\n\n")
    assert about == "2 cores."
    assert table.splitlines()[-1].split() == ["once", "10", "ms", "5.0", "ms", "2.00"]


async def test_databases_of_a_run_are_dropped(databases: Databases):
    url = await databases.copy()
    connection = await connect(url)
    assert await connection.fetchval("SELECT count(*) FROM camps") == 0
    await connection.close()
    await databases.drop(url)
    admin = await connect(databases.admin_url)
    try:
        name = url.partition("?")[0].rsplit("/", 1)[1]
        assert await admin.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", name) == 0
    finally:
        await admin.close()
