"""What an audit row says of a change."""

from backend.office.audit.service import difference


def test_only_what_differs_is_told() -> None:
    before = {"name": "甲", "capacity": 10, "poster": None}
    assert difference(before, {"name": "乙", "capacity": 10, "poster": None}) == ({"name": "甲"}, {"name": "乙"})
    assert difference(before, dict(before)) == ({}, {})


def test_what_is_new_was_nothing_before_and_what_isnt_told_stays_unsaid() -> None:
    assert difference({"secret": "x"}, {"name": "甲"}) == ({"name": None}, {"name": "甲"})
