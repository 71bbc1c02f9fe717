"""The operator's manual quotes the console's own words in 「」; what is not on any page is not in the manual."""

import re

import pytest

from tests.docs.test_readme import ROOT

MANUAL = (ROOT / "docs/manual/operator.md").read_text()
PAGES = "".join(
    path.read_text() for path in sorted((ROOT / "admin-web/src").rglob("*")) if path.suffix in (".vue", ".ts")
)
SERVICE = "".join(path.read_text() for path in sorted((ROOT / "backend").rglob("*.py")))


# What stands for a figure or a name in between is written as three dots.
@pytest.mark.parametrize("quoted", sorted(set(re.findall(r"「([^」]+)」", MANUAL.replace("\n", "")))))
def test_quoted_words_are_on_a_page(quoted: str):
    for part in quoted.split("…"):
        assert part.strip() in PAGES or part.strip() in SERVICE, quoted


def test_there_are_quotations():
    assert MANUAL.count("「") > 50
