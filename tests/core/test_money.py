"""Fen to text and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.money import format_yuan, parse_yuan


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (5, "0.05"), (9900, "99.00"), (-5, "-0.05"), (-12345, "-123.45")]
)
def test_fen_are_shown_as_yuan(fen: int, text: str) -> None:
    assert format_yuan(fen) == text


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_nothing_is_lost_on_the_way_there_and_back(fen: int) -> None:
    assert parse_yuan(format_yuan(fen)) == fen


@pytest.mark.parametrize(("text", "fen"), [("99", 9900), (" 0.1 ", 10), ("0.29", 29), ("1.15", 115), ("-3.5", -350)])
def test_amounts_are_read_exactly(text: str, fen: int) -> None:
    assert parse_yuan(text) == fen


@pytest.mark.parametrize("text", ["", "1.234", "1,000", "1e3", "￥1", "NaN", ".5", "1.", "--1", "1 2"])
def test_anything_else_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        parse_yuan(text)
