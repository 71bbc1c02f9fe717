"""The accuracy target (product requirements §3.6) on a labelled, noisy crowd."""

import pytest

from tests.community.matching.quality import measure


@pytest.mark.parametrize("seed", [1, 20260301])
def test_matching_is_right_for_nearly_everybody_and_never_wrong_when_certain(seed: int, record_property) -> None:
    figures = measure(seed)
    for name, value in (("right", f"{figures.accuracy:.2%}"), ("wrong", figures.wrong_at)):
        record_property(name, value)
    assert figures.payers >= 2000
    assert figures.accuracy >= 0.95
    assert figures.matched / figures.payers >= 0.80
    assert figures.wrong_at == {33: 0, 66: 0, 100: 0}
