"""Row ids and outward numbers."""

import re
import uuid

import pytest

from backend.core.ids import new_id, new_number, parse_id
from tests.conftest import Time


def test_ids_sort_by_time(time: Time) -> None:
    made = []
    for _ in range(50):
        made.append(new_id())
        time.advance(0.002)
    assert made == sorted(made)
    assert len(set(made)) == 50
    assert {(found.version, found.variant) for found in made} == {(7, uuid.RFC_4122)}


def test_numbers_fit_the_provider_and_never_repeat() -> None:
    made = [new_number("P") for _ in range(2000)]
    assert len(set(made)) == 2000  # B13: 6 to 32 of these characters
    assert all(re.fullmatch(r"P20260301[0-9A-Z]{16}", number) for number in made)
    assert all(6 <= len(number) <= 32 for number in made)


@pytest.mark.parametrize("text", ["", "12", "x" * 36, "{00000000-0000-7000-8000-000000000000}", "0" * 32, "urn:uuid:x"])
def test_what_cant_be_an_id_is_none(text: str) -> None:
    assert parse_id(text) is None


def test_an_id_is_read_back() -> None:
    found = new_id()
    assert parse_id(str(found)) == parse_id(str(found).upper()) == found
