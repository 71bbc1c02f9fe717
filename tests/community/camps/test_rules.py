"""The pure rules of camps."""

import datetime as dt
import uuid
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.community.camps import rules
from backend.community.camps.rules import CampFields, EnrollState
from backend.core import clock
from backend.core.config import PaymentSettings
from backend.core.states import IllegalMove
from backend.models.camps import CAMP_TRANSITIONS, Camp, CampStatus
from tests.community.camps.hostile import HOSTILE

TODAY = dt.date(2026, 3, 1)
GOOD = CampFields(
    "三月营", 9900, dt.date(2026, 3, 10), dt.date(2026, 3, 30), {"kind": "threshold", "required_days": 15}
)
days = st.dates(dt.date(2025, 1, 1), dt.date(2028, 1, 1))


@given(starts_on=days, ends_on=days, required=st.integers(-1, 1500), deposit=st.integers(0, 100_000))
def test_what_passes_is_a_possible_camp(starts_on: dt.date, ends_on: dt.date, required: int, deposit: int) -> None:
    policy = {"kind": "threshold", "required_days": required}
    new = replace(GOOD, starts_on=starts_on, ends_on=ends_on, refund_policy=policy, deposit_fen=deposit)
    possible = (
        starts_on <= ends_on
        and ends_on >= TODAY
        and 1 <= required <= (ends_on - starts_on).days + 1 <= 1000
        and 100 <= deposit <= 99_900
    )
    assert (rules.problems(new, payment=PaymentSettings(), today=TODAY) == {}) is possible


def test_the_bounds_of_the_deposit_are_a_setting() -> None:
    narrow = PaymentSettings(deposit_min_fen=5000, deposit_max_fen=6000)
    found = rules.problems(GOOD, payment=narrow, today=TODAY)
    assert found == {"deposit_fen": "押金须在 50.00 至 60.00 元之间"}


def test_the_description_is_measured_as_it_is_read() -> None:
    assert rules.description_problem("<b>" + "&lt;" * 500 + "</b>") == {}
    assert rules.description_problem("<b>" + "字" * 501 + "</b>") != {}


@given(st.text(alphabet="<>/=\"' abscript:onlikxjv&;", max_size=80))
def test_sanitising_twice_changes_nothing_and_leaves_no_script(html: str) -> None:
    once = rules.sanitised(html)
    assert rules.sanitised(once) == once
    assert "<script" not in once.lower()


class _Seen(HTMLParser):
    """What a browser would take for markup."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_acts_never_gets_into_a_description(hostile: str) -> None:
    seen = _Seen()
    seen.feed(rules.sanitised(f"<p>前</p>{hostile}<p>后</p>"))
    assert seen.tags <= {"p", "b", "a"}
    assert {name for name, _ in seen.attributes} <= {"rel"}, "none of their addresses is one of the web"


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "closing"),
    [
        ("2026-03-10", "2026-03-30", "2026-03-09 23:59:59"),
        ("2026-03-02", "2026-03-30", "2026-03-01 23:59:59"),
        ("2026-03-01", "2026-03-30", "2026-03-30 23:59:59"),
        ("2026-02-01", "2026-03-01", "2026-03-01 23:59:59"),
    ],
)
def test_enrolment_closes_before_the_start_unless_that_has_passed(starts_on: str, ends_on: str, closing: str) -> None:
    found = rules.default_closing(dt.date.fromisoformat(starts_on), dt.date.fromisoformat(ends_on), today=TODAY)
    assert clock.shanghai(found).strftime("%Y-%m-%d %H:%M:%S") == closing


def camp(**fields: object) -> Camp:
    return Camp(
        **{
            "id": uuid.uuid4(),
            "status": CampStatus.ENROLLING,
            "capacity": 2,
            "enroll_opens_at": dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
            "enroll_closes_at": dt.datetime(2026, 3, 5, tzinfo=dt.UTC),
        }
        | fields
    )


@pytest.mark.parametrize(
    ("day", "taken", "state"),
    [
        (1, 0, EnrollState.OPEN),
        (5, 1, EnrollState.OPEN),
        (5, 2, EnrollState.FULL),
        (3, 3, EnrollState.FULL),
        (6, 0, EnrollState.CLOSED),
        (6, 2, EnrollState.CLOSED),
    ],
)
def test_the_window_and_the_seats_decide_about_enrolling(day: int, taken: int, state: EnrollState) -> None:
    now = dt.datetime(2026, 3, day, tzinfo=dt.UTC)
    assert rules.enroll_state(camp(), taken=taken, now=now) is state


def test_before_the_window_a_camp_is_not_open_even_if_full() -> None:
    now = dt.datetime(2026, 2, 28, 23, 59, 59, tzinfo=dt.UTC)
    assert rules.enroll_state(camp(), taken=2, now=now) is EnrollState.NOT_OPEN


@pytest.mark.parametrize("status", [status for status in CampStatus if status is not CampStatus.ENROLLING])
def test_only_an_enrolling_camp_takes_anybody(status: CampStatus) -> None:
    now = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    assert rules.enroll_state(camp(status=status), taken=0, now=now) is EnrollState.CLOSED


def test_changes_are_named() -> None:
    assert rules.changed(GOOD, replace(GOOD, name="x", capacity=5)) == ["name", "capacity"]
    assert rules.changed(GOOD, replace(GOOD)) == []


def test_every_pair_of_states() -> None:
    allowed = {
        ("draft", "enrolling"),
        ("enrolling", "draft"),
        ("enrolling", "ongoing"),
        ("ongoing", "ended"),
        ("ended", "settling"),
        ("settling", "archived"),
    }
    for old in CampStatus:
        for new in CampStatus:
            if (old.value, new.value) in allowed:
                CAMP_TRANSITIONS.check(old, new)
            else:
                with pytest.raises(IllegalMove):
                    CAMP_TRANSITIONS.check(old, new)
