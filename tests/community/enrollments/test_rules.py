"""The form, and who gets a place by paying."""

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.community.enrollments.rules import excess_of, read_form
from backend.core.errors import Invalid
from backend.models.camps import Camp, CampStatus
from backend.models.payments import Excess

GOOD = {"planet_nickname": "早起的鸟", "planet_number": "1024", "wechat_nickname": "小鸟"}
DAY = dt.date(2026, 3, 2)


def refused(**fields: str) -> list[str]:
    """Names of the fields the form refuses."""
    with pytest.raises(Invalid) as caught:
        read_form(**(GOOD | fields))
    assert caught.value.data is not None
    return [problem["field"] for problem in caught.value.data["fields"]]


def test_fields_are_trimmed_and_kept_as_typed() -> None:
    form = read_form(planet_nickname="　Lily 李莉👩‍💻 ", planet_number=" 123 ", wechat_nickname="\tＡＢ\n")
    assert (form.planet_nickname, form.planet_number, form.wechat_nickname) == ("Lily 李莉👩‍💻", "123", "ＡＢ")


@pytest.mark.parametrize("number", ["7", "１２３４", "841858000000001", "00812", "9" * 20])
def test_a_number_is_short_or_long_digits_also_full_width(number: str) -> None:
    """B2: the short member number and the long user id are both welcome."""
    assert re.fullmatch(r"[0-9]{1,20}", read_form(**(GOOD | {"planet_number": number})).planet_number)


@pytest.mark.parametrize("number", ["", " ", "12a", "8.41858E+14", "-5", "1 2", "9" * 21, "١٢٣", "12\u200b3"])
def test_anything_else_is_no_number(number: str) -> None:
    assert refused(planet_number=number) == ["planet_number"]


@pytest.mark.parametrize("name", ["", "  ", "长" * 51, "a\x00b", "a\nb", "零\u200b宽", "反\u202e向"])
@pytest.mark.parametrize("field", ["planet_nickname", "wechat_nickname"])
def test_a_name_has_1_to_50_visible_characters(field: str, name: str) -> None:
    assert refused(**{field: name}) == [field]


def test_all_problems_are_told_at_once() -> None:
    assert sorted(refused(planet_nickname="", planet_number="x", wechat_nickname="")) == sorted(GOOD)


def camp(status: CampStatus = CampStatus.ENROLLING, *, capacity: int = 10) -> Camp:
    """Runs from 2026-03-02 to 2026-03-11."""
    return Camp(status=status, capacity=capacity, starts_on=DAY, ends_on=DAY + dt.timedelta(days=9))


BEFORE, DURING, LAST_DAY, AFTER = (
    DAY - dt.timedelta(days=1),
    DAY,
    DAY + dt.timedelta(days=9),
    DAY + dt.timedelta(days=10),
)


@pytest.mark.parametrize(
    ("status", "today", "taken", "on_time", "late"),
    [
        (CampStatus.ENROLLING, BEFORE, 9, None, None),
        (CampStatus.ENROLLING, BEFORE, 10, None, Excess.CAMP_FULL),
        (CampStatus.ENROLLING, DURING, 0, None, Excess.CAMP_STARTED),  # before the job of 00:05
        (CampStatus.ONGOING, DURING, 0, None, Excess.CAMP_STARTED),
        (CampStatus.ONGOING, LAST_DAY, 10, None, Excess.CAMP_STARTED),
        (CampStatus.ONGOING, AFTER, 0, Excess.CAMP_OVER, Excess.CAMP_OVER),  # before the job of 00:05
        (CampStatus.ENDED, AFTER, 0, Excess.CAMP_OVER, Excess.CAMP_OVER),
        (CampStatus.SETTLING, AFTER, 0, Excess.CAMP_OVER, Excess.CAMP_OVER),
        (CampStatus.ARCHIVED, AFTER, 0, Excess.CAMP_OVER, Excess.CAMP_OVER),
    ],
)
def test_a_paid_order_gets_a_place_or_a_reason(
    status: CampStatus, today: dt.date, taken: int, on_time: Excess | None, late: Excess | None
) -> None:
    for was_on_time, expected in ((True, on_time), (False, late)):
        assert excess_of(camp(status), on_time=was_on_time, taken=taken, today=today) is expected


@given(
    status=st.sampled_from(CampStatus),
    taken=st.integers(0, 20),
    capacity=st.integers(1, 20),
    offset=st.integers(-5, 15),
    on_time=st.booleans(),
)
def test_late_money_never_oversells_and_is_never_better_off(
    status: CampStatus, taken: int, capacity: int, offset: int, on_time: bool
) -> None:
    today = DAY + dt.timedelta(days=offset)
    found = excess_of(camp(status, capacity=capacity), on_time=on_time, taken=taken, today=today)
    if found is None and not on_time:
        assert taken < capacity
        assert today < DAY
        assert excess_of(camp(status, capacity=capacity), on_time=True, taken=taken, today=today) is None
