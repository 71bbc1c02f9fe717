"""Names as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.text import folded, has_control_characters, mask_middle


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("ＡＢＣ　小明", "abc 小明"),
        ("  Chen\u3000 Xi ", "chen xi"),
        ("Straße", "STRASSE"),
        ("①号", "1号"),
        ("é", "e\u0301"),
        ("Ⅷ", "viii"),
    ],
)
def test_the_same_name_is_recognised(left: str, right: str) -> None:
    assert folded(left) == folded(right)


@pytest.mark.parametrize(("left", "right"), [("小明", "小朋"), ("ab", "a b"), ("😀", "😃")])
def test_different_names_stay_different(left: str, right: str) -> None:
    assert folded(left) != folded(right)


@given(st.text())
def test_folding_twice_changes_nothing(name: str) -> None:
    assert folded(folded(name)) == folded(name)


@pytest.mark.parametrize("text", ["a\x00", "a\nb", "\u200b小明", "a\u202eb", "\ufeffx", "\x7f"])
def test_control_characters_are_found(text: str) -> None:
    assert has_control_characters(text)


@pytest.mark.parametrize("text", ["小明", "Chen Xi", "👨‍👩‍👧", "é", ""])
def test_names_and_emoji_are_fine(text: str) -> None:
    assert not has_control_characters(text)


@pytest.mark.parametrize(
    ("text", "masked"), [("123456789", "123***789"), ("1234", "1***4"), ("12", "**"), ("1", "*"), ("", "")]
)
def test_the_middle_is_hidden(text: str, masked: str) -> None:
    assert mask_middle(text) == masked
