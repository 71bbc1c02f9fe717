"""CONTRIBUTING.md names files, folders, commands and classes that there are."""

import re
import tomllib
from pathlib import Path

import pytest

from backend.community.eligibility.conditions import CONDITIONS
from backend.community.eligibility.payouts import PAYOUTS
from backend.office.notifications.scenes import SCENES
from tests.docs.test_readme import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
WINGS = dict(re.findall(r"^\| `backend/(\w+)/` \| (.*) \|$", TEXT, re.MULTILINE))
PATHS = sorted(set(re.findall(r"`((?:backend|tests|src|web-shared|docs)/[\w./-]*)`", TEXT)))
MADE_UP = {"tests/api/admin/test_notes.py"}


def found(path: str) -> Path | None:
    """The file, from the top or a front-end's folder; a domain may still stand outside its wing."""
    first, _, rest = path.partition("/")
    wing, _, inside = rest.partition("/")
    candidates = [path, f"{first}/{inside}"] if wing in WINGS and inside else [path]
    places = [ROOT / folder / name for folder in ("", "h5-member", "admin-web") for name in candidates]
    return next((place for place in places if place.exists()), None)


@pytest.mark.parametrize("path", PATHS)
def test_named_files_exist(path: str) -> None:
    assert (found(path) is not None or path in {f"backend/{wing}/" for wing in WINGS}) is (path not in MADE_UP)


def test_every_domain_has_a_wing() -> None:
    assert len(WINGS) == 4
    named = [domain for domains in WINGS.values() for domain in re.findall(r"`(\w+)`", domains)]
    assert len(named) == len(set(named))
    assert [f"{wing}/{name}" for wing in WINGS for name in re.findall(r"`(\w+)`", WINGS[wing])
            if found(f"backend/{wing}/{name}") is None] == []  # fmt: skip


def test_named_commands_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"make ([a-z-]+)", TEXT)) <= set(targets)
    assert "pre-commit" in str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


def test_the_registries_hold_what_the_recipes_copy() -> None:
    assert {"All", "DaysAtLeast"} <= {kind.__name__ for kind in (*PAYOUTS, *CONDITIONS)}
    assert "camp_full" not in SCENES, "the recipe's example exists now: choose another"
